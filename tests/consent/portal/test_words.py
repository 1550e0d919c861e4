"""The German of the portal is whole: every message translated, none guessed, and compiled."""

import gettext
import io
import re
from enum import Enum

import pytest

from consent.decision import Code
from consent.models import GrantState, RequestKind, RequestState
from consent.portal import words
from consent.uses import Capacity, Medium, Remedy, Right, Theme, Use
from tests.consent.portal.messages import CATALOGUE, catalogue, compiled, messages

HOLES = re.compile(r"%\(\w+\)s")


def test_every_message_is_translated_and_none_is_fuzzy_or_left_over() -> None:
    translated = {
        message.id if isinstance(message.id, str) else tuple(message.id): message
        for message in catalogue()
        if message.id
    }
    assert set(translated) == set(messages())
    for said, message in translated.items():
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert all(texts or [""]), said
        assert not message.fuzzy, said
        asked = said if isinstance(said, str) else said[1]
        assert all(sorted(HOLES.findall(text)) == sorted(HOLES.findall(asked)) for text in texts)


def test_compiled_catalogue_is_up_to_date() -> None:
    shipped, fresh = (
        gettext.GNUTranslations(io.BytesIO(written))._catalog  # type: ignore[attr-defined]
        for written in (CATALOGUE.with_suffix(".mo").read_bytes(), compiled(catalogue()))
    )
    assert shipped | {"": ""} == fresh | {"": ""}  # the head says when it was compiled


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (Use, words.USES),
        (Medium, words.MEDIA),
        (Theme, words.THEMES),
        (Remedy, words.REMEDIES),
        (Right, words.RIGHTS),
        (Capacity, words.CAPACITIES),
        (Capacity, words.SPEAKERS),
        (GrantState, words.ANSWERS),
        (RequestKind, words.KINDS),
        (RequestKind, words.ASKED_FOR),
        (RequestState, words.REQUESTS),
    ],
    ids=lambda value: getattr(value, "__name__", "words"),
)
def test_every_code_has_words(codes: type[Enum], said: dict[Enum, object]) -> None:
    assert set(said) == set(codes)


def test_reasons_speak_of_codes_that_stand_against_a_use() -> None:
    assert set(words.REASONS) <= set(Code) - {Code.GRANTED, Code.NOT_REFUSED}
