"""Reader: what came of a person, a grant or a data set, and what stands behind an image.

One query answers both directions for admin, API, reports, exports and erasure alike. Each app
registers the kinds and edges it stores (``registry``).
"""

from consent.lineage.graph import Direction, Edge, Givable, Impact, Kind, Leaves, Node, Page
from consent.lineage.reading import (
    exists,
    find_every,
    find_given,
    find_impact,
    find_leaves,
    find_origins,
    in_words,
    is_used,
    leaves_of,
    look,
    name_nodes,
)
from consent.lineage.registry import EDGES
from consent.lineage.telling import Lineage, address, tell

__all__ = [
    "EDGES",
    "Direction",
    "Edge",
    "Givable",
    "Impact",
    "Kind",
    "Leaves",
    "Lineage",
    "Node",
    "Page",
    "address",
    "exists",
    "find_every",
    "find_given",
    "find_impact",
    "find_leaves",
    "find_origins",
    "in_words",
    "is_used",
    "leaves_of",
    "look",
    "name_nodes",
    "tell",
]
