"""Spans of leaves, checked and opened apart in as many processes as there are cores.

For integrity a span begins at a full tile, whose stored hashes give the leaf hash before it: so
each is hashed from its bodies on its own, and the spans are joined by the roots of their tiles.
For openness a span comes with the keys of its segments. Nothing here imports Django: a worker is
ready in a fraction of a second, and knows no way to the keystore.
"""
