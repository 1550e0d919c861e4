import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import canonical
from ledger.verifier.cli import main
from ledger.verifier.findings import MAX_FINDINGS, Code
from ledger.verifier.verify import verify_bundle
from tests.ledger.bundles import ORIGIN, POLICY, SIGNERS, case, good, tampered
from tests.ledger.edits import drop, line, put, report
from tests.ledger.forgeries import lied

VKEY = SIGNERS[0].verifier.vkey


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "report.zip"
    path.write_bytes(good())
    return path


def test_verified_bundle_exits_0_and_says_who_signed(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"CONSISTENT, SIGNER NOT AUTHENTICATED {ORIGIN} {VKEY}"
    assert lines[1] == "operator's word only"
    assert "leaves 2 to 8" in lines[2]
    assert lines[3] == "positions: 5 opened, 2 withheld, 2 destroyed, 1 padding, 0 missing"
    assert lines[-1].startswith("keys inside a bundle prove nothing")


def test_all_that_an_auditor_can_bring_is_taken(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy").write_text(str(POLICY))
    (tmp_path / "trust").write_bytes(b'{"pades":[],"tsa":[],"v":1}')
    (tmp_path / "kept").write_text(str(case().log.note(5)))
    outside = [f"--{name}={tmp_path / file}" for name, file in
               [("policy", "policy"), ("trust", "trust"), ("since", "kept")]]  # fmt: skip
    assert main([str(bundle), *outside]) == 0
    assert capsys.readouterr().out.startswith(f"AUTHENTICATED {ORIGIN} {VKEY}\n")


def test_refused_bundle_exits_1_and_names_what_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.zip").write_bytes(
        lied(line("disclosed/openings.ndjson", 1, payload={"client": "sdk-9"}))()
    )
    assert main([str(tmp_path / "bad.zip")]) == 1
    out = capsys.readouterr().out
    assert out.startswith("REFUSED, FINDINGS: 2\noperator's word only\n")
    assert (
        "opening.commitment: disclosed/openings.ndjson, leaf 3, position 1, grant.given: "
        "opening is not of this commitment" in out
    )


def test_json_carries_the_findings_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.zip").write_bytes(lied(line("padding.ndjson", 1, position=0))())
    assert main([str(tmp_path / "bad.zip"), "--json"]) == 1
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["findings"][0] == {
        "code": "opening.commitment",
        "detail": "opening is not of this commitment",
        "index": 4,
        "kind": "run.authorised",
        "line": None,
        "origin": ORIGIN,
        "path": "padding.ndjson",
        "position": 0,
    }
    assert said["headline"] == f"REFUSED, FINDINGS: {len(said['findings'])}"
    assert (said["consistent"], said["authenticated"]) == (False, False)


def test_openings_taken_out_are_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tampered(drop("disclosed/names.json", "disclosed/openings.ndjson"))
    (tmp_path / "report.zip").write_bytes(edited)
    assert main([str(tmp_path / "report.zip")]) == 0
    assert "openings withheld" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "content", "complaint"),
    [
        ("policy", "quorum\n", "policy line 1"),
        ("policy", "x" * (2 << 20), "policy is longer"),
        ("trust", "{}", "is no trust file"),
        ("since", "no note", "note has no empty line"),
        ("since", "text\n\n— a AAAAAAA=\n", "wants origin, size and root"),
    ],
)
def test_wrong_use_exits_2(
    bundle: Path, capsys: pytest.CaptureFixture[str], option: str, content: str, complaint: str
) -> None:
    file = bundle.parent / "outside"
    file.write_text(content)
    assert main([str(bundle), f"--{option}={file}"]) == 2
    assert complaint in capsys.readouterr().err


def test_checkpoint_of_size_0_proves_nothing(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = bundle.parent / "kept"
    kept.write_text(str(case().log.note(0)))
    assert main([str(bundle), f"--since={kept}"]) == 2
    assert "size 0 proves nothing" in capsys.readouterr().err


@pytest.mark.parametrize("delay", ["0", "-1", "86401", "1.5", "ten", "\u0661", "9" * 5000])
def test_merge_delay_is_whole_seconds_of_a_day_at_most(
    bundle: Path, capsys: pytest.CaptureFixture[str], delay: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(bundle), f"--merge-delay={delay}"])
    assert stopped.value.code == 2
    assert "wanted whole seconds from 1 to 86400" in capsys.readouterr().err


def test_what_is_no_zip_or_no_file_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("no ZIP")
    assert main([str(tmp_path / "text")]) == 2
    assert "file is no ZIP file" in capsys.readouterr().err
    assert main([str(tmp_path / "absent")]) == 2
    assert main([str(tmp_path)]) == 2
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--require=luck"])
    assert stopped.value.code == 2


def test_nothing_from_a_bundle_steers_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = {"label": "", "name": "\x1b[2J\u202e", "query": {"op": "count"}, "value": 0}
    (tmp_path / "bad.zip").write_bytes(case().build(report(figures=[figure])))
    assert main([str(tmp_path / "bad.zip")]) == 1
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    assert out.isascii()


def test_bundle_with_everything_wrong_ends_at_a_thousand_findings() -> None:
    lines = [canonical({"index": index, "leaf": ""}) for index in range(5000)]
    verdict = verify_bundle(case().build(put("leaves.ndjson", b"\n".join(lines) + b"\n")))
    assert len(verdict.findings) == MAX_FINDINGS
    assert verdict.findings[-1].code is Code.LEAF_MALFORMED


def test_verifier_starts_without_django_and_without_settings(bundle: Path) -> None:
    program = (
        "import sys; from ledger.verifier.cli import main; status = main(sys.argv[1:]);"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "assert not loaded & {'django', 'config', 'consent', 'generation', 'pydantic'}, loaded;"
        "sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(bundle)], check=False)
    assert done.returncode == 0
