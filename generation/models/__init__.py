"""The tables of generation; what each may do stands in its docstring, who may, in 0002."""

from generation.models.catalogue import ModelVersion, Policy
from generation.models.moderation import Case, Decision
from generation.models.runs import Job, Output, Run, RunDepiction, Tally
from generation.models.training import TrainingInput, TrainingOverride, TrainingRun

__all__ = [
    "Case",
    "Decision",
    "Job",
    "ModelVersion",
    "Output",
    "Policy",
    "Run",
    "RunDepiction",
    "Tally",
    "TrainingInput",
    "TrainingOverride",
    "TrainingRun",
]
