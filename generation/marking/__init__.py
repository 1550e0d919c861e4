"""What is done to an image so that it says where it comes from, and how that is measured."""
