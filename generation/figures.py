"""What reports print of models, runs, images and decisions."""

from generation import kinds
from generation.states import CaseOutcome, RunOutcome
from ledger.reports.bundle import Figure
from ledger.reports.figures import FIGURES

RUNS = "Runs and images"
CASES = "Decisions by people"

FIGURES.count(RUNS, "models", "Models registered", kinds.MODEL_REGISTERED)
FIGURES.count(RUNS, "runs", "Runs asked for", kinds.RUN_AUTHORISED)
for outcome, label in (
    (RunOutcome.ALLOWED, "allowed at once"),
    (RunOutcome.HELD, "held for a person to look at"),
    (RunOutcome.REFUSED, "refused"),
):
    FIGURES.count(RUNS, f"runs {outcome}", label, kinds.RUN_AUTHORISED, outcome=outcome.value)
handed_in = {"op": "sum", "kind": kinds.RUN_COMPLETED.name, "fact": "outputs"}
FIGURES.register(RUNS, Figure("images", "Images handed in", handed_in))
FIGURES.count(RUNS, "released", "Images marked, checked and released", kinds.OUTPUT_RELEASED)
FIGURES.count(RUNS, "blocked", "Images blocked", kinds.OUTPUT_BLOCKED)

FIGURES.count(CASES, "policies", "Policies put in force", kinds.POLICY_PUBLISHED)
FIGURES.count(CASES, "cases", "Cases decided", kinds.CASE_DECIDED)
for decided, label in (
    (CaseOutcome.APPROVED, "approved"),
    (CaseOutcome.REFUSED, "refused"),
):
    FIGURES.count(CASES, f"cases {decided}", label, kinds.CASE_DECIDED, outcome=decided.value)
