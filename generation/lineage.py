"""The edges that generation stores: from data set versions and people to models, runs, images."""

from consent.lineage import EDGES, Edge

EDGES.register(Edge("version", "model", "generation_modelversion", "dataset_version_id", "id"))
EDGES.register(Edge("model", "run", "generation_run", "model_id", "id"))
EDGES.register(Edge("subject", "run", "generation_rundepiction", "subject_id", "run_id"))
EDGES.register(Edge("run", "output", "generation_output", "run_id", "id"))
