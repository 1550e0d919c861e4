"""The portal: where people concerned see, give and take back what they allowed, and ask."""
