"""The digest of a row's columns is the same in Python and in PostgreSQL."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from ledger.models import HOUSE_SCOPE, Log
from ledger.row_digest import row_digest

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def digest_in_sql(columns: dict[str, Any]) -> str:
    """Ask PostgreSQL for what ``ledger_row_digest`` does with the same jsonb."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'sha256:' || encode(sha256(convert_to(coalesce("
            "jsonb_object_agg(key, value), '{}')::text, 'UTF8')), 'hex') "
            "FROM jsonb_each(%s::jsonb) WHERE value <> 'null'::jsonb AND key <> 'record'",
            [json.dumps(columns)],
        )
        ((digest,),) = cursor.fetchall()
    return str(digest)


@pytest.mark.django_db
def test_python_and_postgresql_agree() -> None:
    @given(st.dictionaries(TEXTS, VALUES, max_size=5))
    def agree(columns: dict[str, Any]) -> None:
        assert row_digest(columns) == digest_in_sql(columns)

    agree()


@pytest.mark.django_db
def test_a_row_of_ours_has_the_digest_that_its_function_gives(log: Log) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(t), ledger_row_digest(t) FROM ledger_scope t WHERE id = %s",
            [HOUSE_SCOPE],
        )
        ((columns, digest),) = cursor.fetchall()
    assert row_digest(json.loads(columns) if isinstance(columns, str) else columns) == digest


def test_pointer_to_the_record_and_empty_columns_do_not_count() -> None:
    assert row_digest({"a": 1, "record": "x", "b": None}) == row_digest({"a": 1})
