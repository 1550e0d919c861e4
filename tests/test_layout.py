"""The house's arrows, read from the source: who imports whom, and what stays out of reach."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APPS = ("ledger", "consent", "generation")
# What no process of the service loads before it is asked for.
LATE = {"cv2", "diffusers", "numpy", "pyarrow", "rdflib", "scipy", "torch"}
# What an app may not know: the apps that stand on it, and the start-up files.
HIDDEN = {
    "ledger": {"consent", "generation", "config"},
    "consent": {"generation", "config"},
    "generation": {"config"},
}
# Functions over bytes and frozen dataclasses: no Django, no clock of their own, no input.
PURE = {
    *("ledger.canonical", "ledger.commitment", "ledger.errors", "ledger.kinds", "ledger.leaf"),
    *("ledger.merkle", "ledger.note", "ledger.pieces", "ledger.receipt", "ledger.strict_base64"),
    *(
        "ledger.tlogpolicy",
        "ledger.tlogproof",
        "ledger.tlogtiles",
        "consent.clock",
        "consent.columnar",
    ),
    *("ledger.bounds", "ledger.keyhistory", "ledger.timestamps", "ledger.witness"),
    *("consent.columnar", "consent.decision", "consent.errors", "consent.uses"),
    *("consent.identity", "consent.identity.addresses", "consent.identity.folding"),
    *("consent.identity.kinds", "consent.identity.likeness", "consent.identity.normal"),
    *("consent.decision.deciding", "consent.decision.examining", "consent.decision.findings"),
    *("consent.decision.merging", "consent.decision.profile", "consent.decision.terms"),
    "consent.signals",
    *("consent.signals.aipref", "consent.signals.combining", "consent.signals.dictionary"),
    *("consent.signals.documents", "consent.signals.embedded", "consent.signals.epub"),
    *("consent.signals.finding", "consent.signals.gpc", "consent.signals.offer"),
    *("consent.signals.pages", "consent.signals.paths", "consent.signals.pdf"),
    *("consent.signals.reading", "consent.signals.robots", "consent.signals.robotstag"),
    *("consent.signals.stated", "consent.signals.tdmrep"),
    *("consent.signals.captures", "consent.signals.places", "consent.signals.trainingmining"),
    "consent.signals.weighing",
    *("consent.formats", "consent.formats.columns", "consent.formats.croissant"),
    *("consent.formats.croissant_lineage", "consent.formats.croissant_writer"),
    *("consent.formats.cyclonedx", "consent.formats.described", "consent.formats.doubts"),
    *("consent.formats.dps", "consent.formats.folder", "consent.formats.jsonld"),
    *("consent.formats.manifest", "consent.formats.openlineage"),
    *("consent.formats.openlineage_facets", "consent.formats.openlineage_writer"),
    *("consent.formats.parquet_table", "consent.formats.prov", "consent.formats.prov_writer"),
    "consent.formats.repair_table",
    *("consent.formats.statements", "consent.formats.strict_json", "consent.formats.tables"),
    "consent.mediatypes",
    *("consent.identity.matching", "consent.releases", "consent.releases.columns"),
    *("consent.releases.dates", "consent.releases.scans", "consent.releases.snags"),
    *("consent.releases.stating", "consent.releases.table", "consent.releases.words"),
    *("consent.lineage.drawing", "consent.lineage.graph"),
    *("consent.licences", "consent.vetting", "consent.vetting.duplicates"),
    *("consent.vetting.faces", "consent.vetting.gate", "consent.vetting.hashes"),
    "consent.vetting.labels",
    *("consent.vetting.licences", "consent.vetting.masking", "consent.vetting.pdq"),
    *("consent.vetting.representativeness", "consent.pictures"),
    *("consent.receipts", "consent.receipts.events", "consent.receipts.kantara"),
    *("consent.receipts.receipt", "consent.receipts.record", "consent.receipts.signature"),
    *("consent.receipts.verify", "consent.receipts.vocabulary", "ledger.row_digest"),
    "ledger.mac",
    *("generation.errors", "generation.policy"),
}
FACES = {"views", "serializers", "urls", "tasks", "admin", "management", "forms", "portal"}
WORK = {"models", "services", "fields", "guards", "proofs", "sequencer", "verification", "vault"}
HEAVY = {"torch", "diffusers", "transformers", "safetensors"}
LONGEST_FUNCTION, LONGEST_FILE = 50, 400


@dataclass(frozen=True)
class Import:
    """One module that a file imports, at its line; ``is_inside`` when inside a function."""

    name: str
    line: int
    is_inside: bool


def modules(*folders: str) -> list[Path]:
    """Return our own modules below ``folders``, migrations left out."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports_of(path: Path) -> Iterator[Import]:
    tree = tree_of(path)
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield Import(name, node.lineno, id(node) in inside)


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def refused(path: Path, hidden: set[str]) -> list[str]:
    """Tell each import of ``path`` whose first name is in ``hidden``."""
    return [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.name}"
        for found in imports_of(path)
        if found.name.partition(".")[0] in hidden
    ]


@pytest.mark.parametrize("app", APPS)
def test_imports_run_one_way(app: str) -> None:
    assert [line for path in modules(app) for line in refused(path, HIDDEN[app])] == []


def test_pure_modules_are_there() -> None:
    assert {name_of(path) for path in modules(*APPS)} >= PURE


@pytest.mark.parametrize("module", sorted(PURE))
def test_pure_modules_import_nothing_but_pure_modules(module: str) -> None:
    stem = ROOT.joinpath(*module.split("."))
    path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
    ours = {
        found.name
        for found in imports_of(path)
        if found.name.partition(".")[0] in APPS and _is_module(found.name)
    }
    assert ours - PURE - {"ledger", "consent", "generation"} == set()
    assert refused(path, {"django", "rest_framework", "config", "os", "pathlib", "psycopg"}) == []


def test_verifier_stands_alone() -> None:
    allowed = PURE | {"ledger", "ledger.reports.archive"}
    for path in modules("ledger/verifier"):
        assert refused(path, {"django", "rest_framework", "psycopg", "consent", "generation"}) == []
        for found in imports_of(path):
            if found.name.startswith("ledger.") and _is_module(found.name):
                is_own = found.name.startswith("ledger.verifier")
                assert is_own or found.name in allowed, f"{path.name} imports {found.name}"


def test_sdk_knows_no_django_and_nothing_else_of_the_service() -> None:
    for path in modules("generation/sdk"):
        assert refused(path, {"django", "rest_framework", "consent", "config"}) == []


def test_heavy_packages_are_imported_late_and_by_the_generators_side_only() -> None:
    # The demo plays a generator; all others run without torch, and the SDK starts fast.
    generators = {"generation/sdk", "config/demo"}
    for path in modules(*APPS, "config"):
        heavy = [found for found in imports_of(path) if found.name.partition(".")[0] in HEAVY]
        plays_one = str(path.parent.relative_to(ROOT)) in generators
        assert all(found.is_inside and plays_one for found in heavy), path


def test_work_and_tables_know_no_faces() -> None:
    for path in modules(*APPS):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not WORK & set(parts[1:2]):
            continue
        for found in imports_of(path):
            app, _, rest = found.name.partition(".")
            is_face = app in APPS and rest.partition(".")[0] in FACES
            assert not is_face, f"{'/'.join(parts)} imports {found.name}"


def test_nothing_reads_outside_the_repository() -> None:
    for path in [*modules(*APPS, "config", "bench", "tests", "fixtures"), ROOT / "manage.py"]:
        if path != Path(__file__):
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert "../shared" not in node.value, path


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "base", "misc"}
    assert [path for path in modules(*APPS, "config", "bench") if path.stem in empty] == []


def test_functions_and_files_stay_short() -> None:
    for path in modules(*APPS, "config", "bench"):
        assert len(path.read_text().splitlines()) <= LONGEST_FILE, path
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name}"


def _is_module(name: str) -> bool:
    stem = ROOT.joinpath(*name.split("."))
    return stem.with_suffix(".py").exists() or (stem / "__init__.py").exists()


def test_a_process_of_the_service_does_not_load_what_few_need() -> None:
    """Each takes tens of MiB of every process that has it, and time of its start."""
    script = (
        "import django, sys; django.setup(); import config.urls; "
        f"print(sorted({LATE!r} & sys.modules.keys()))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert loaded.stdout == b"[]\n"
