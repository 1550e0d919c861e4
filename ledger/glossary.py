"""The words on the screens: what each means, and what standards and the code call it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word of the screens; ``exact`` is the term of the standards or the law, if another.

    ``nouns`` are those with which kinds of records call it, where screens do not.
    """

    word: str
    meaning: str
    exact: str = ""
    nouns: tuple[str, ...] = ()


class Glossary:
    """All terms that the installed apps explain."""

    def __init__(self) -> None:
        self._terms: dict[str, Term] = {}

    def explain(self, *terms: Term) -> None:
        """Add ``terms``. Raises ValueError for a word that is explained already."""
        for term in terms:
            if term.word in self._terms:
                raise ValueError(f"the word {term.word} is explained twice")
            self._terms[term.word] = term

    def plain(self, noun: str) -> str:
        """Return the word of the screens for a kind's ``noun``: itself, where none is given."""
        words = (term.word.lower() for term in self._terms.values() if noun in term.nouns)
        return next(words, noun.replace("_", " "))

    def __iter__(self) -> Iterator[Term]:
        return iter(sorted(self._terms.values(), key=lambda term: term.word.lower()))


GLOSSARY = Glossary()
GLOSSARY.explain(
    Term(
        "Record",
        "What one event says. It is written together with the change it tells of and is never "
        "changed afterwards. It names nobody: whatever concerns a person lies in its sealed parts.",
    ),
    Term("Log", "All records in the order in which they were given their places, without a gap."),
    Term(
        "Continued log",
        "The same log under a new name of origin, begun after a database was restored from an "
        "older backup. It names what went before it.",
        "incarnation",
    ),
    Term(
        "Checkpoint",
        "A short signed text that fixes everything in the log up to a size. Whoever keeps one can "
        "show later that nothing below it was changed.",
        "signed tree head; C2SP checkpoint",
    ),
    Term(
        "Safe copy",
        "The newest checkpoint, kept outside the database. A restored backup cannot take it back. "
        "A checkpoint is shown to others only once it has its safe copy.",
        "anchor",
    ),
    Term(
        "Proof",
        "A text that shows, to somebody who does not trust this service, that one record stands "
        "in its place under a signed checkpoint.",
        "C2SP tlog-proof; RFC 9162 inclusion proof",
    ),
    Term(
        "Waiting, in its place, published",
        "A new record waits a moment for its place. In its place nothing can come before it any "
        "more. Published means that a checkpoint with a safe copy covers it.",
        "pending, sequenced, anchored",
    ),
    Term(
        "Sequencer",
        "The program that gives new records their places, signs checkpoints and keeps their safe "
        "copies. Several may run; one of them works, the others stand by.",
    ),
    Term(
        "Waiting time promised",
        "Within this time a new record has its place under a signed checkpoint. When one waits "
        "longer, the start page says so.",
        "maximum merge delay",
    ),
    Term(
        "Sealed part",
        "What a record says of one person, encrypted under that person's own key.",
        "segment",
        nouns=("segments",),
    ),
    Term("Readable", "A sealed part that is there and whose key is there.", "open"),
    Term(
        "Destroyed",
        "A sealed part that was destroyed on purpose, because a person was erased or a term "
        "ended. The log proves that it was destroyed, and not lost.",
        "tombstone, in epoch E",
    ),
    Term("Being destroyed", "Gone or going; the proof follows when the epoch closes."),
    Term("Missing", "A sealed part that is gone, and nothing says why. This is an alarm."),
    Term("Padding", "An empty sealed part, so that the number of parts tells nothing."),
    Term(
        "Epoch",
        "All destructions from one closing to the next, proved together, so that nobody sees "
        "which of them belonged to one person. Closes at five people or after thirty days.",
    ),
    Term(
        "Sound",
        "The last check read every record, computed everything again up to the signatures, and "
        "found nothing wrong.",
        "integrity, completeness, openness",
    ),
    Term(
        "Operator's word only",
        "Nobody outside has signed or timed this log yet. It proves nothing against whoever "
        "runs it.",
    ),
    Term(
        "Person",
        "Somebody whom a record, a picture or a permission concerns.",
        "data subject",
        nouns=("subject",),
    ),
    Term(
        "Permission",
        "What a person allowed, for which uses, and until when.",
        "consent, grant",
        nouns=("grant",),
    ),
)
