"""Twenty-four hours, and no seconds: all times on screens are UTC."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
