"""Other people's descriptions of data sets, read and written; pure: bytes in, dataclasses out."""
