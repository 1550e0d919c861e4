"""Preference signals: what a site, a file or a browser says of the use of what it gives.

An observation is kept raw, as seen; ``reading.read`` makes findings of it, ``combining.combine``
an answer for each use. Nothing is fetched, and what cannot be read is a finding, not an error.
"""
