"""What the consent app stores of lineage: people, their answers, items, versions, data sets."""

from consent.formats.described import NodeKind
from consent.lineage.graph import Direction, Edge, Kind, Leaves, Registry

EDGES = Registry()

# Duplicates that were merged count as one person, and lead to what came of either.
_HEAD = (
    "coalesce((SELECT m.into_id FROM consent_merge m"
    " WHERE m.subject_id = {id} AND m.parted_at IS NULL), {id})"
)

EDGES.describe(
    Kind("grant", "consent_grant", "permission", "permissions", "admin:consent_grant_change")
)
EDGES.describe(
    Kind(
        "subject",
        "consent_subject",
        "person",
        "people",
        "admin:consent_subject_change",
        label="handle",
        head=_HEAD,
    )
)
EDGES.describe(Kind("item", "consent_item", "item", "items", ""))
EDGES.describe(
    Kind(
        "version",
        "consent_datasetversion",
        "version",
        "versions",
        "admin:consent_datasetversion_change",
        is_trunk=True,
        label="(SELECT code FROM consent_dataset d WHERE d.id = dataset_id) || ' v' || number",
        means=NodeKind.DATASET,
        began="opened_at",
        ended="frozen_at",
        digest="digest",
        project="(SELECT project_id FROM consent_dataset d WHERE d.id = dataset_id)",
        given="frozen_at IS NOT NULL",
    )
)
EDGES.describe(
    Kind(
        "recipient",
        "consent_recipient",
        "recipient",
        "recipients",
        "admin:consent_recipient_change",
        is_trunk=True,
        label="code",
        means=NodeKind.AGENT,
        is_told=False,
    )
)
EDGES.describe(
    Kind(
        "dataset",
        "consent_dataset",
        "data set",
        "data sets",
        "admin:consent_dataset_change",
        is_trunk=True,
        label="code",
        project="project_id",
    )
)

EDGES.register(Edge("grant", "subject", "consent_grant", "id", "subject_id"))
# People who are merged are one: what was made of either was made of both.
EDGES.register(
    Edge("subject", "subject", "consent_merge", "subject_id", "into_id", "parted_at IS NULL")
)
EDGES.register(
    Edge("subject", "subject", "consent_merge", "into_id", "subject_id", "parted_at IS NULL")
)
EDGES.register(Edge("subject", "item", "consent_depiction", "subject_id", "item_id"))
EDGES.register(Edge("item", "version", "consent_item", "id", "version_id", "aside = ''"))
EDGES.register(Edge("version", "version", "consent_derivation", "origin_id", "version_id"))
EDGES.register(Edge("version", "dataset", "consent_datasetversion", "id", "dataset_id"))

EDGES.register(
    Edge("version", "recipient", "consent_delivery", "node", "recipient_id", "kind = 'version'")
)

_WHO = _HEAD.format(id="d.subject_id")
_IN_VERSIONS = (
    "consent_item i JOIN consent_depiction d ON d.item_id = i.id"
    " WHERE i.aside = '' AND i.version_id = ANY(%s)"
)

EDGES.hang(
    Leaves(
        "version",
        "item",
        Direction.UPSTREAM,
        each="SELECT version_id, count(*) FROM consent_item"
        " WHERE version_id = ANY(%s) AND aside = '' GROUP BY 1",
        page="SELECT version_id, id FROM consent_item WHERE version_id = %(node)s AND aside = ''"
        " AND (version_id, id) > (%(first)s, %(second)s) ORDER BY 1, 2",
        owner="SELECT i.version_id, count(*) FROM {reached} r JOIN consent_item i ON i.id = r.id"
        " GROUP BY 1",
    )
)
EDGES.hang(
    Leaves(
        "version",
        "subject",
        Direction.UPSTREAM,
        each=f"SELECT i.version_id, count(DISTINCT {_WHO}) FROM {_IN_VERSIONS} GROUP BY 1",  # noqa: S608
        all=f"SELECT DISTINCT {_WHO} FROM {_IN_VERSIONS}",  # noqa: S608
        page="SELECT DISTINCT i.version_id, d.subject_id FROM consent_item i"
        " JOIN consent_depiction d ON d.item_id = i.id WHERE i.version_id = %(node)s"
        " AND i.aside = ''"
        " AND (i.version_id, d.subject_id) > (%(first)s, %(second)s) ORDER BY 1, 2",
    )
)

_ANSWERS = _IN_VERSIONS.replace(
    " WHERE", " JOIN consent_grant g ON g.subject_id = d.subject_id WHERE"
)

EDGES.hang(
    Leaves(
        "version",
        "grant",
        Direction.UPSTREAM,
        each=f"SELECT i.version_id, count(DISTINCT g.id) FROM {_ANSWERS} GROUP BY 1",  # noqa: S608
        all=f"SELECT DISTINCT g.id FROM {_ANSWERS}",  # noqa: S608
        page="SELECT DISTINCT i.version_id, g.id FROM consent_item i"
        " JOIN consent_depiction d ON d.item_id = i.id"
        " JOIN consent_grant g ON g.subject_id = d.subject_id WHERE i.version_id = %(node)s"
        " AND i.aside = ''"
        " AND (i.version_id, g.id) > (%(first)s, %(second)s) ORDER BY 1, 2",
    )
)
