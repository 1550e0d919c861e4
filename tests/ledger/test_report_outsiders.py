"""Reports carry what outsiders said of the log, and wait for them where the policy blocks."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from ledger.errors import NotYetPublished
from ledger.models import Incarnation, IssuedReport, Log
from ledger.services.report import issue_report, log_policy, order_report, read_bundle
from ledger.services.timestamps import stamp_newest
from ledger.services.witnesses import add_witness, ask_witnesses, change_policy
from ledger.signing import read_verifiers
from ledger.tlogpolicy import Policy
from ledger.verifier.signatures import Trust
from ledger.verifier.verify import Requirement, verify_bundle
from tests.conftest import ActingAs
from tests.ledger.acts import person, record
from tests.ledger.authority import Authority, skipped_without_openssl
from tests.ledger.bundles import unpack
from tests.ledger.outsiders import NOON, ORIGIN, PlayedWitness, offer_newest, witnessing
from tests.ledger.test_reports import sequencing

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def witness(log: Log) -> Iterator[PlayedWitness]:
    witness = PlayedWitness(read_verifiers(ORIGIN))
    with witnessing(witness) as address:
        add_witness(name="w", vkey=witness.vkey, url=address)
        yield witness


@pytest.fixture
def shown(
    log: Log, witness: PlayedWitness, sequence: Callable[[], int], acting_as: ActingAs
) -> Incarnation:
    """A log whose first checkpoint was offered and signed, and that has grown since."""
    record()
    sequence()
    offer_newest(acting_as)
    incarnation = Incarnation.objects.get(origin=ORIGIN)
    ask_witnesses(incarnation)
    return incarnation


def _issue(log: Log, acting_as: ActingAs, report: IssuedReport) -> bytes:
    with acting_as("superuser"), sequencing(log):
        return read_bundle(issue_report(report))


def test_witnessed_checkpoint_is_in_the_bundle_and_counts_for_the_auditor(
    log: Log,
    shown: Incarnation,
    witness: PlayedWitness,
    sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:
    size = shown.offers.get().checkpoint.size
    record()
    sequence()
    bundle = _issue(log, acting_as, order_report(officer=person()))
    policy = log_policy(ORIGIN)
    assert [one.verifier for one in policy.witnesses] == [witness.signer.verifier]
    verdict = verify_bundle(bundle, policy=policy, require=[Requirement.WITNESS])
    assert (verdict.findings, verdict.is_authenticated) == ([], True)
    assert verdict.rests_on == f"witnessed by 1 to {size}"
    assert witness.signer.name in unpack(bundle)[f"checkpoints/{size}"].decode()


def test_report_on_what_is_shown_ends_in_the_witnessed_checkpoint(
    log: Log, shown: Incarnation, witness: PlayedWitness, acting_as: ActingAs
) -> None:
    bundle = _issue(log, acting_as, order_report(officer=person()))
    files = unpack(bundle)
    assert witness.signer.name in files["checkpoint"].decode()
    assert witness.signer.name not in files["manifest.tlog-proof"].decode()
    assert verify_bundle(bundle).findings == []


def test_policy_that_blocks_holds_a_report_back_until_witnesses_have_signed(
    log: Log,
    shown: Incarnation,
    witness: PlayedWitness,
    sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:
    change_policy(quorum=1, is_blocking=True)
    record()
    sequence()
    report = order_report(officer=person())
    with pytest.raises(NotYetPublished, match="waits for 1 witnesses"):
        issue_report(report)
    offer_newest(acting_as, NOON + MINUTE)
    ask_witnesses(shown)
    bundle = _issue(log, acting_as, report)
    proposed = Policy.parse(unpack(bundle)["policy"])
    assert (proposed.quorum, proposed.groups[0].threshold) == ("publication", 1)
    verdict = verify_bundle(bundle, policy=proposed)
    assert (verdict.findings, verdict.is_authenticated) == ([], True)


@pytest.fixture
def authority(tmp_path: Path, settings: Settings) -> Iterator[Authority]:
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder)
    (folder / "roots.pem").write_bytes(authority.root.pem)
    settings.MUNIMENT_TSA_ROOTS = str(folder / "roots.pem")
    with authority.serving() as address:
        settings.MUNIMENT_TSA_URL = address
        yield authority


@pytest.mark.openssl
@skipped_without_openssl
def test_time_stamps_enclose_the_period(
    log: Log,
    shown: Incarnation,
    authority: Authority,
    sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:
    stamp_newest(shown)
    first = shown.offers.get().checkpoint.size
    for minutes in (1, 2, 3):
        record()
        sequence()
        offer_newest(acting_as, NOON + minutes * MINUTE)
        stamp_newest(shown)
    sizes = list(shown.offers.order_by("id").values_list("checkpoint__size", flat=True))
    bundle = _issue(log, acting_as, order_report(officer=person(), first=first, end=sizes[1]))
    tokens = sorted(path for path in unpack(bundle) if path.startswith("timestamps/"))
    assert tokens == [f"timestamps/{sizes[0]}.tsr", f"timestamps/{sizes[1]}.tsr"]
    trust = Trust.of_authority([authority.root.certificate])
    verdict = verify_bundle(bundle, trust=trust, require=[Requirement.TIMESTAMP])
    assert verdict.findings == []
    assert verdict.rests_on.startswith(f"time-stamped to index {sizes[1] - 1} at ")


@pytest.mark.openssl
@skipped_without_openssl
def test_token_whose_root_is_pinned_no_more_is_left_out(
    log: Log, shown: Incarnation, authority: Authority, acting_as: ActingAs, tmp_path: Path
) -> None:
    stamp_newest(shown)
    folder = tmp_path / "other"
    folder.mkdir()
    (authority.folder / "roots.pem").write_bytes(Authority(folder).root.pem)
    bundle = _issue(log, acting_as, order_report(officer=person()))
    assert not [path for path in unpack(bundle) if path.startswith("timestamps/")]
    assert verify_bundle(bundle).findings == []
