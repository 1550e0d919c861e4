from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import FactsRefused, UnknownKind
from ledger.kinds import KINDS, Count, Facts, Kind, KindRegistry, NoFacts
from tests.ledger.acts import THING_TESTED, Tries

SCHEMAS = KINDS.json_schemas()


def texts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a JSON Schema that lets a text through."""
    if isinstance(schema, dict):
        if schema.get("type") == "string":
            yield schema
        for part in schema.values():
            yield from texts(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from texts(part)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_facts_hold_no_free_text_and_no_ids(name: str) -> None:
    for text in texts(SCHEMAS[name]):
        allowed = "enum" in text or "const" in text or text.get("pattern", "")[:1] == "^"
        assert allowed, f"{name} lets free text into the chain: {text}"
        assert text.get("format") not in {"uuid", "date-time", "email", "uri"}, name


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_facts_hold_no_floats_and_nothing_undeclared(name: str) -> None:
    schema = SCHEMAS[name]
    assert "'number'" not in str(schema), f"{name} lets a float into the chain"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", ["granted", "Grant.given", "grant.given.twice", "grant.", "a b.c"])
def test_kind_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="wanted noun.past_participle"):
        KindRegistry().register(Kind(name))


def test_kind_is_declared_once() -> None:
    with pytest.raises(ValueError, match=r"kind thing\.tested is declared twice"):
        KINDS.register(Kind("thing.tested"))


def test_parts_are_said_by_nothing_but_an_event_that_can_be_divided() -> None:
    class Car(Facts):
        parts: Count

    with pytest.raises(ValueError, match=r"kind car\.built cannot be divided, but has a fact"):
        KindRegistry().register(Kind("car.built", Car))


def test_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(UnknownKind, match="no kind is called 'thing.forgotten'"):
        KINDS.get("thing.forgotten")


def test_facts_of_another_type_are_refused() -> None:
    with pytest.raises(FactsRefused, match=r"facts of thing\.tested are NoFacts, wanted Tries"):
        THING_TESTED.check(NoFacts())


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "tries: missing"),
        ({"tries": -1}, "tries: greater_than_equal"),
        ({"tries": 2**53}, "tries: less_than_equal"),
        ({"tries": 1.5}, "tries: int_from_float"),
        ({"tries": 1, "name": "Ada Invented"}, "name: extra_forbidden"),
    ],
)
def test_refusal_names_field_and_rule_but_never_the_value(
    values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FactsRefused, match=complaint) as caught:
        THING_TESTED.parse_facts(values)
    assert "Ada" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_good_facts_come_back_as_plain_values() -> None:
    assert THING_TESTED.check(Tries(tries=3)) == {"tries": 3}
