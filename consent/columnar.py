"""Rows held column by column: what comes as a table is judged and written as one."""

from collections.abc import Sequence
from itertools import compress
from typing import Any, ClassVar, Self


class Columns:
    """Many rows of one kind of named tuple, as a list for each of its fields, in their order."""

    fields: ClassVar[tuple[str, ...]]

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> Self:
        """Return these rows in columns."""
        return cls(list(zip(*rows, strict=True)) if rows else [()] * len(cls.fields))

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of one field of all rows."""
        return self.columns[self.fields.index(name)]

    def part(self, some: slice) -> Self:
        """Return rows that lie side by side."""
        return type(self)([column[some] for column in self.columns])

    def among(self, chosen: Sequence[bool]) -> Self:
        """Return the rows at whose place ``chosen`` is true."""
        return type(self)([list(compress(column, chosen)) for column in self.columns])

    def __len__(self) -> int:
        return len(self.columns[0])
