"""Training and data mining in content credentials: C2PA 1.x ``c2pa.training-mining``, CAWG 1.1.

Read from the manifest store as JSON, as a C2PA reader gives it. A permission counts only in the
active manifest of a file that validates as trusted: everybody can sign. A reservation counts as
it stands, and goes on when a file is made of another.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from consent.errors import SignalUnreadable
from consent.signals.documents import read_json
from consent.signals.finding import (
    INFERENCE,
    MINING,
    TRAINING,
    Code,
    Finding,
    Observation,
    Signal,
    Standing,
    say,
)
from consent.uses import Use

LONGEST = 16 * 2**20
# Of manifests, and of assertions that speak of training.
MOST = 1000
ASSERTIONS = {"c2pa.training-mining": Signal.C2PA, "cawg.training-mining": Signal.CAWG}
TRUSTED = "Trusted"
_GENERATIVE, _OTHER, _INFERENCE, _MINING = (
    "ai_generative_training",
    "ai_training",
    "ai_inference",
    "data_mining",
)
# Models are generative here: training of others, and mining, may forbid that but not allow it.
_FORBIDS = {_GENERATIVE: TRAINING, _OTHER: TRAINING, _INFERENCE: INFERENCE, _MINING: MINING}
_ALLOWS = {_GENERATIVE: TRAINING, _INFERENCE: INFERENCE, _MINING: MINING - TRAINING}
USES = frozenset(use for uses in _FORBIDS.values() for use in uses)


class _Stated(NamedTuple):
    signal: Signal
    data: Any
    is_active: bool


def read(seen: Observation) -> Iterator[Finding]:
    """Say what the training-mining assertions of a manifest store hold, entry by entry.

    Raises SignalUnreadable when it is no manifest store.
    """
    store = read_json(seen.raw, LONGEST)
    stated = list(islice(_assertions(store), MOST + 1))
    if len(stated) > MOST:
        raise SignalUnreadable(f"it holds more than {MOST} training-mining assertions")
    is_trusted = store.get("validation_state") == TRUSTED
    for one in stated:
        yield from _read_entries(seen, one, is_trusted=is_trusted)
    for signal in Signal.C2PA, Signal.CAWG:
        if not any(one.signal is signal for one in stated):
            detail = "the content credentials hold no such assertion"
            yield say(seen, signal, Standing.SILENT, Code.NOTHING_SAID, USES, detail)


def _assertions(store: Any) -> Iterator[_Stated]:
    manifests = store.get("manifests") if isinstance(store, dict) else None
    if not isinstance(manifests, dict) or len(manifests) > MOST:
        raise SignalUnreadable("it is no manifest store, or one of too many manifests")
    for label, manifest in manifests.items():
        listed = manifest.get("assertions", []) if isinstance(manifest, dict) else None
        if not isinstance(listed, list):
            raise SignalUnreadable("one of its manifests has no list of assertions")
        for assertion in listed:
            # Several of one label are told apart by a number behind it: C2PA, section 6.4.
            name = str(assertion.get("label")) if isinstance(assertion, dict) else ""
            if signal := ASSERTIONS.get(name.partition("__")[0]):
                is_active = label == store.get("active_manifest")
                yield _Stated(signal, assertion.get("data"), is_active)


def _read_entries(seen: Observation, stated: _Stated, *, is_trusted: bool) -> Iterator[Finding]:
    entries = _entries(stated.data)
    if entries is None:
        detail = "a training-mining assertion holds no entries"
        yield say(seen, stated.signal, Standing.MALFORMED, Code.UNREADABLE, USES, detail)
        return
    if not entries:
        detail = "a training-mining assertion names no use that is known"
        yield say(seen, stated.signal, Standing.SILENT, Code.NOTHING_SAID, USES, detail)
    speaks_of_training = not {_GENERATIVE, _OTHER}.isdisjoint(entries)
    for name, entry in entries.items():
        forbids = _FORBIDS[name]
        if name == _MINING and speaks_of_training:
            # The entries on training are the more exact word.
            forbids -= TRAINING
        standing, code, what, terms = _judge(entry)
        uses = _ALLOWS.get(name, frozenset[Use]()) if standing is Standing.PERMITTED else forbids
        if not stated.is_active:
            code = Code.ENTRY_OF_INGREDIENT
        if standing is Standing.PERMITTED and not (stated.is_active and is_trusted):
            standing, code = Standing.SILENT, Code.ENTRY_UNPROVEN
            what = "is allowed by credentials that prove nothing"
        detail = f"{name.replace('_', ' ')} {what}"
        yield say(seen, stated.signal, standing, code, uses, detail, terms)


def _entries(data: Any) -> Mapping[str, Any] | None:
    """Return the known entries without their prefix; drafts had no ``entries`` around them."""
    held = data.get("entries", data) if isinstance(data, dict) else None
    if not isinstance(held, dict):
        return None
    known: dict[str, Any] = {}
    for key, entry in held.items():
        prefix, _, name = key.partition(".")
        if prefix in ("c2pa", "cawg") and name in _FORBIDS:
            known[name] = _stricter(known[name], entry) if name in known else entry
    return known if known or "entries" in data else None


def _stricter(one: Any, other: Any) -> Any:
    return max(one, other, key=lambda entry: _judge(entry)[0].rank)


def _judge(entry: Any) -> tuple[Standing, Code, str, str]:
    """Return what an entry comes to: standing, code, the end of a sentence, and its terms."""
    use = entry.get("use") if isinstance(entry, dict) else None
    if use == "allowed":
        return Standing.PERMITTED, Code.ENTRY_ALLOWED, "is allowed", ""
    if use == "notAllowed":
        return Standing.RESERVED, Code.ENTRY_NOT_ALLOWED, "is not allowed", ""
    if use != "constrained":
        return Standing.MALFORMED, Code.UNREADABLE, "is stated in no known way", ""
    # CAWG's text and its schema disagree on the name.
    terms = entry.get("constraint_info") or entry.get("constraints_info")
    if isinstance(terms, str) and terms.strip():
        return Standing.CONDITIONS, Code.ENTRY_CONSTRAINED, "is allowed on terms", terms
    what = "is constrained without terms, which counts as not allowed"
    return Standing.RESERVED, Code.ENTRY_CONSTRAINED_SILENTLY, what, ""
