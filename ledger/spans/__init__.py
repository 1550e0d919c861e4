"""Spans of leaves, checked apart from each other in as many processes as there are cores.

A span begins at a full tile, whose stored hashes give the leaf hash before it: so each span is
hashed from its bodies on its own, and the spans are joined by the roots of their tiles. Nothing
here imports Django: a worker is ready in a fraction of a second.
"""
