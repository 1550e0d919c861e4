"""Whom a collection stands for: groups that somebody declared, held to shares that they wanted.

Only what was declared: nothing is inferred from pictures, names or places.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consent.errors import TermsRefused

MOST_GROUPS, MOST_LETTERS, MOST_PICTURES = 200, 60, 2**31 - 1
# A share may fall short by this much before it counts as a gap, in thousandths.
TOLERANCE = 20
_LINE = re.compile(r"([^:;]+):([^:;]+);\s*(\d+)\s*(?:;\s*(\d{1,3}(?:\.\d)?)\s*%?\s*)?")


@dataclass(frozen=True)
class Group:
    """How many pictures of one group of an aspect (*age*: *over 60*) were declared.

    ``target`` is the share it should have among the aspect's, in thousandths; None for no wish.
    """

    aspect: str
    name: str
    count: int
    target: int | None = None


@dataclass(frozen=True)
class Share:
    """A group beside its wish: ``share`` and ``target`` in thousandths."""

    group: Group
    share: int

    @property
    def is_short(self) -> bool:
        """Return whether the group has fewer than it should."""
        target = self.group.target
        return target is not None and (
            self.share < target - TOLERANCE or (target > 0 and not self.group.count)
        )

    @property
    def sentence(self) -> str:
        """Return what there is of the group, in words."""
        group, has = self.group, f"{self.share / 10:.1f} %"
        said = f"{group.aspect}, {group.name}: {group.count:,} pictures, {has}"
        return said if group.target is None else f"{said} of {group.target / 10:.1f} % wanted"


def check_groups(groups: Sequence[Group]) -> None:
    """Raise TermsRefused unless the groups make sense together."""
    if not 0 < len(groups) <= MOST_GROUPS:
        raise TermsRefused(f"{len(groups)} groups are declared, wanted 1 to {MOST_GROUPS}")
    for group in groups:
        _check(group)
    if len({(group.aspect, group.name) for group in groups}) < len(groups):
        raise TermsRefused("a group is declared twice")
    for aspect in {group.aspect for group in groups}:
        if sum(group.target or 0 for group in groups if group.aspect == aspect) > 1000:
            raise TermsRefused(f"the wanted shares of {aspect} are more than 100 %")


def shares(groups: Iterable[Group]) -> list[Share]:
    """Return each group with its share of its aspect, in the order declared."""
    groups = list(groups)
    totals: dict[str, int] = {}
    for group in groups:
        totals[group.aspect] = totals.get(group.aspect, 0) + group.count
    return [
        Share(group, round(1000 * group.count / totals[group.aspect]) if group.count else 0)
        for group in groups
    ]


def read_lines(text: str) -> list[Group]:
    """Read groups as people write them: a line for each, ``age: over 60; 120; 15 %``.

    The share that is wanted may be left out. Raises TermsRefused, naming the line.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        said = _LINE.fullmatch(line.strip())
        if said is None:
            raise TermsRefused(f"line {number} is not of the form: age: over 60; 120; 15 %")
        target = None if said[4] is None else round(float(said[4]) * 10)
        found.append(Group(said[1].strip(), said[2].strip(), int(said[3]), target))
    check_groups(found)
    return found


def _check(group: Group) -> None:
    for what in (group.aspect, group.name):
        if not 0 < len(what.strip()) <= len(what) <= MOST_LETTERS or not what.isprintable():
            raise TermsRefused(f"the name of a group has 1 to {MOST_LETTERS} letters, all visible")
    if not 0 <= group.count <= MOST_PICTURES:
        raise TermsRefused(f"{group.count} pictures are declared, wanted 0 to {MOST_PICTURES:,}")
    if group.target is not None and not 0 <= group.target <= 1000:
        raise TermsRefused("a wanted share is no percentage from 0 to 100")
