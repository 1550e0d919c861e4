"""What generation stores of lineage: from versions and people to models, runs, images.

How many runs and outputs a model has stands in ``generation_tally``: triggers keep it, so that
nobody counts a million rows to show a graph.
"""

from consent.formats.described import NodeKind
from consent.lineage import EDGES, Direction, Edge, Kind, Leaves

EDGES.describe(
    Kind(
        "model",
        "generation_modelversion",
        "model",
        "models",
        "admin:generation_modelversion_change",
        is_trunk=True,
        label="name || ' ' || version",
        means=NodeKind.MODEL,
        began="registered_at",
        given="TRUE",
        model="id",
    )
)
EDGES.describe(Kind("run", "generation_run", "run", "runs", "admin:generation_run_change"))
EDGES.describe(
    Kind(
        "output",
        "generation_output",
        "output",
        "outputs",
        "admin:generation_output_change",
        project="(SELECT project_id FROM generation_run r WHERE r.id = run_id)",
        given="state = 'released'",
        model="(SELECT model_id FROM generation_run r WHERE r.id = run_id)",
    )
)

EDGES.describe(
    Kind(
        "training",
        "generation_trainingrun",
        "training",
        "trainings",
        "admin:generation_trainingrun_change",
        is_trunk=True,
        means=NodeKind.RUN,
        began="coalesce(authorised_at, proposed_at)",
        ended="ended_at",
        project="project_id",
    )
)

# A model that a training made comes of it; the others of the version they were registered with.
EDGES.register(
    Edge(
        "version",
        "model",
        "generation_modelversion",
        "dataset_version_id",
        "id",
        only="NOT EXISTS (SELECT FROM generation_trainingrun t"
        " WHERE t.model_id = generation_modelversion.id)",
    )
)
EDGES.register(Edge("version", "training", "generation_traininginput", "version_id", "training_id"))
EDGES.register(Edge("training", "model", "generation_trainingrun", "id", "model_id"))
EDGES.register(Edge("model", "run", "generation_run", "model_id", "id"))
EDGES.register(Edge("subject", "run", "generation_rundepiction", "subject_id", "run_id"))
EDGES.register(Edge("run", "output", "generation_output", "run_id", "id"))

EDGES.register(
    Edge("output", "recipient", "consent_delivery", "node", "recipient_id", "kind = 'output'")
)
# Outputs hang on their model and are not walked through: whoever got one hangs on it too. Read
# from one recipient of a model to its next, never through a million deliveries.
_NEXT = (
    "SELECT d.recipient_id FROM consent_delivery d WHERE d.model = m.id"
    " AND d.recipient_id {} ORDER BY 1 LIMIT 1"
)
EDGES.register(
    Edge(
        "model",
        "recipient",
        "(SELECT m.id AS model, r.recipient_id FROM generation_modelversion m CROSS JOIN LATERAL"  # noqa: S608
        f" (WITH RECURSIVE receiver (recipient_id) AS (({_NEXT.format('IS NOT NULL')}) UNION ALL"
        f" SELECT ({_NEXT.format('> receiver.recipient_id')}) FROM receiver"
        " WHERE receiver.recipient_id IS NOT NULL) SELECT recipient_id FROM receiver) r) given",
        "model",
        "recipient_id",
    )
)

_TALLY = "FROM generation_tally WHERE model_id = ANY(%s) GROUP BY 1"

EDGES.hang(
    Leaves(
        "model",
        "run",
        Direction.DOWNSTREAM,
        each=f"SELECT model_id, sum(runs) {_TALLY}",
        page="SELECT model_id, id FROM generation_run WHERE model_id = %(node)s"
        " AND (model_id, id) > (%(first)s, %(second)s) ORDER BY 1, 2",
        owner="SELECT x.model_id, count(*) FROM {reached} r JOIN generation_run x ON x.id = r.id"
        " GROUP BY 1",
    )
)
EDGES.hang(
    Leaves(
        "model",
        "output",
        Direction.DOWNSTREAM,
        each=f"SELECT model_id, sum(outputs) {_TALLY}",
        # Run by run, so that a page costs its own length, not that of all the model made.
        page="SELECT o.run_id, o.id FROM generation_run x JOIN generation_output o"
        " ON o.run_id = x.id WHERE x.model_id = %(node)s AND x.id >= %(first)s"
        " AND (o.run_id, o.id) > (%(first)s, %(second)s) ORDER BY o.run_id, o.id",
        owner="SELECT x.model_id, count(*) FROM {reached} r JOIN generation_output o ON o.id = r.id"
        " JOIN generation_run x ON x.id = o.run_id GROUP BY 1",
    )
)

_GIVEN = "FROM consent_delivery WHERE kind = 'output' AND node IS NOT NULL AND recipient_id"

EDGES.hang(
    Leaves(
        "recipient",
        "output",
        Direction.UPSTREAM,
        each=f"SELECT recipient_id, count(DISTINCT node) {_GIVEN} = ANY(%s) GROUP BY 1",
        all=f"SELECT DISTINCT node {_GIVEN} = ANY(%s)",
        page=f"SELECT DISTINCT recipient_id, node {_GIVEN} = %(node)s"
        " AND (recipient_id, node) > (%(first)s, %(second)s) ORDER BY 1, 2",
    )
)
