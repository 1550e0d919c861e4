"""The named states in which the service cannot do all its work. Pure.

Readiness, metrics, doctor and start page read this one list. What is measured comes in as
``Circumstances``; ``find_conditions`` says which states that is, and why.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

# Less room than this counts as none: PostgreSQL takes its write-ahead log 16 MiB at a time.
LEAST_FREE_BYTES = 256 << 20
CLOCKS_APART = timedelta(seconds=2)
# Checks of a large log and backups take long too: a state to know of, not a fault.
LONGEST_TRANSACTION = timedelta(minutes=10)


class Name(StrEnum):
    """What a state is called everywhere; a released name is never changed."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    LOG_REFUSED = "log_refused"
    QUEUE_GROWING = "queue_growing"
    CLOCK_JUMPED = "clock_jumped"
    LONG_TRANSACTION = "long_transaction"


@dataclass(frozen=True)
class State:
    """One named state in plain words: its title, what it means, and what to do.

    One that ``stops`` the service makes it unready; the others are warnings.
    """

    title: str
    meaning: str
    cure: str
    stops: bool = False


STATES: Mapping[Name, State] = {
    Name.DISK_FULL: State(
        "A disk is full",
        "There is no room left to write to, so nothing new can be recorded or published.",
        "Make room where it is named, or give the disk more; the service then goes on by itself.",
        stops=True,
    ),
    Name.READ_ONLY: State(
        "A database is read-only",
        "A database or a folder may only be read, so nothing new can be recorded or published.",
        "Ask whoever runs the database why: a standby that was not promoted, or a switch left on.",
        stops=True,
    ),
    Name.LOG_REFUSED: State(
        "A log is refused",
        "Nothing new is signed, since signing now could hide that something was changed.",
        "Run manage.py doctor and read the sequencer's log before anything is changed.",
    ),
    Name.QUEUE_GROWING: State(
        "Records wait too long",
        "New records are kept, but nobody can prove them yet: they wait for their place.",
        "See that a sequencer runs; if one does, read in its log what holds it up.",
    ),
    Name.CLOCK_JUMPED: State(
        "A clock is wrong",
        "Clocks disagree or one was set, so new records may be given a wrong time for good.",
        "Set the clocks of all machines by NTP, then look at the records of the last minutes.",
    ),
    Name.LONG_TRANSACTION: State(
        "A transaction stays open",
        "Somebody keeps a transaction open, so the database cannot tidy up and gets slower.",
        "Let a check or a backup end by itself; end a session that was forgotten.",
    ),
}


@dataclass(frozen=True)
class Condition:
    """A state that holds now; ``seen`` says where and how much, for those who run the service."""

    name: Name
    seen: str

    @property
    def state(self) -> State:
        return STATES[self.name]


@dataclass(frozen=True)
class Clocks:
    """What clocks show, and by how much.

    ``apart`` is how far each database's clock is from this machine's, ``jumped`` how far this
    machine's was set lately, ``ahead`` how far the newest offer's minute lies before the main
    database's clock, if it does: whoever signed it had a clock that ran ahead, or this one is late.
    """

    apart: Mapping[str, timedelta] = field(default_factory=dict)
    jumped: timedelta = timedelta()
    ahead: timedelta = timedelta()


@dataclass(frozen=True)
class Queue:
    """Records that wait for their place in a log, and for how long the first one has.

    Both are None when that could not be read in time. At most ``COUNTED`` are counted.
    """

    count: int | None
    age: timedelta | None

    COUNTED = 10_000

    def is_stalled(self, max_merge_delay: timedelta) -> bool:
        """Return whether the first one waits longer than it may, as far as anybody can tell."""
        return self.age is None or self.age > max_merge_delay


@dataclass(frozen=True)
class Circumstances:
    """What was measured; whatever could not be is left empty.

    ``rooms`` are free bytes by place. ``failures`` are states that somebody's last write has met:
    (state, who). ``oldest`` is (role, age) of the transaction that is open longest. ``sequencers``
    counts those that are connected.
    """

    max_merge_delay: timedelta
    rooms: Mapping[str, int] = field(default_factory=dict)
    read_only: tuple[str, ...] = ()
    failures: tuple[tuple[Name, str], ...] = ()
    queues: Mapping[str, Queue] = field(default_factory=dict)
    sequencers: int | None = None
    clocks: Clocks = field(default_factory=Clocks)
    oldest: tuple[str, timedelta] | None = None


def find_conditions(found: Circumstances) -> tuple[Condition, ...]:
    """Return the states that hold, in the order of ``Name``, each at most once."""
    seen = {name: [*_FINDERS.get(name, _nothing)(found), *_failed(name, found)] for name in Name}
    return tuple(Condition(name, "; ".join(said)) for name, said in seen.items() if said)


def name_of(error: BaseException) -> Name | None:
    """Return the state that made a write fail with ``error``, None for any other failure.

    Goes by PostgreSQL's SQLSTATE (appendix A of its manual) and by errno, along the causes.
    """
    for one in _causes(error):
        state = _SQLSTATES.get(str(getattr(one, "sqlstate", None)))
        if state is None and isinstance(one, OSError):
            state = _ERRNOS.get(one.errno or 0)
        if state:
            return state
    return None


_SQLSTATES = {"53100": Name.DISK_FULL, "25006": Name.READ_ONLY}
# A limit on a file's size and a quota are full disks to whoever has to write.
_ERRNOS = {
    errno.ENOSPC: Name.DISK_FULL,
    errno.EDQUOT: Name.DISK_FULL,
    errno.EFBIG: Name.DISK_FULL,
    errno.EROFS: Name.READ_ONLY,
}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _nothing(_: Circumstances) -> Iterable[str]:
    return ()


def _failed(name: Name, found: Circumstances) -> Iterable[str]:
    return (f"met by {who}" for state, who in found.failures if state is name)


def _disk_full(found: Circumstances) -> Iterable[str]:
    # Places on one disk have the same room: told once.
    for free in sorted(set(found.rooms.values())):
        if free < LEAST_FREE_BYTES:
            places = ", ".join(place for place, room in found.rooms.items() if room == free)
            yield f"{places}: {free >> 20} MiB free, at least {LEAST_FREE_BYTES >> 20} wanted"


def _read_only(found: Circumstances) -> Iterable[str]:
    return (f"the {database} database may only be read" for database in found.read_only)


def _queue_growing(found: Circumstances) -> Iterable[str]:
    for log, queue in found.queues.items():
        if queue.is_stalled(found.max_merge_delay):
            waits = "cannot be read in time" if queue.age is None else f"waits {tell(queue.age)}"
            at_most = f"at most {tell(found.max_merge_delay)}"
            running = "; no sequencer is connected" if found.sequencers == 0 else ""
            yield f"log {log}: the first record {waits}, {at_most} is promised{running}"


def _clock_jumped(found: Circumstances) -> Iterable[str]:
    clocks = found.clocks
    for database, apart in clocks.apart.items():
        if apart > CLOCKS_APART:
            yield f"the {database} database is {tell(apart)} from this machine"
    if abs(clocks.jumped) > CLOCKS_APART:
        way = "ahead" if clocks.jumped > timedelta() else "back"
        yield f"this machine's clock was set {way} by {tell(abs(clocks.jumped))}"
    if clocks.ahead > CLOCKS_APART:
        yield f"the newest checkpoint was offered {tell(clocks.ahead)} after the database's now"


def _long_transaction(found: Circumstances) -> Iterable[str]:
    if found.oldest and found.oldest[1] > LONGEST_TRANSACTION:
        role, age = found.oldest
        yield f"by {role}, for {tell(age)}"


_FINDERS: Mapping[Name, Callable[[Circumstances], Iterable[str]]] = {
    Name.DISK_FULL: _disk_full,
    Name.READ_ONLY: _read_only,
    Name.QUEUE_GROWING: _queue_growing,
    Name.CLOCK_JUMPED: _clock_jumped,
    Name.LONG_TRANSACTION: _long_transaction,
}


def tell(length: timedelta) -> str:
    """Say a length of time: ``75 s``, ``12 min``, ``30 h``."""
    seconds = int(length.total_seconds())
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
