"""Results of benchmarks as data: entries, facts and groups, to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from subpixel.bench.timing import Timing
from subpixel.errors import InvalidArgument

__all__ = ["Entry", "Fact", "Group", "Results", "Role"]

# The version of the documents; it rises with a change that readers must know.
_VERSION = 1

Role = Literal["ours", "candidate", "peer", "ceiling"]


@dataclass(frozen=True)
class Entry:
    """One measured call.

    ``ceiling`` names the entry of the same group that no program can beat. ``quality`` is PSNR in dB by test set.
    """

    name: str
    role: Role
    time: Timing
    ceiling: str | None = None
    pixels: int | None = None
    quality: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Fact:
    """A figure that is not a time."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Group:
    """Entries that were measured in turns. ``id`` is for programs, ``title`` and ``notes`` are for people."""

    id: str
    title: str
    entries: tuple[Entry, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()

    def entry(self, name: str) -> Entry:
        """The entry of that name."""
        return next(entry for entry in self.entries if entry.name == name)

    def of_ceiling(self, entry: Entry) -> float | None:
        """The time of an entry's ceiling, divided by the entry's own: 1 is as fast as the ceiling."""
        return None if entry.ceiling is None else self.entry(entry.ceiling).time.median / entry.time.median

    def times_ours(self, entry: Entry) -> float | None:
        """The time of a peer, divided by that of the group's first entry of ours. None for other roles."""
        ours = next((one for one in self.entries if one.role == "ours"), None)
        if ours is None or entry.role != "peer":
            return None
        return entry.time.median / ours.time.median


@dataclass(frozen=True)
class Results:
    """A run of a suite on a machine, and the command that repeats it."""

    suite: str
    command: str
    machine: Mapping[str, Any]
    groups: tuple[Group, ...]

    def document(self) -> dict[str, Any]:
        """The results as a JSON document, with the ratios of the times."""
        document: dict[str, Any] = {"version": _VERSION, **asdict(self)}
        for group, written in zip(self.groups, document["groups"], strict=True):
            for entry, one in zip(group.entries, written["entries"], strict=True):
                one["of_ceiling"] = group.of_ceiling(entry)
                one["times_ours"] = group.times_ours(entry)
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Results:
        """Results from a document of :meth:`document`.

        Raises:
            InvalidArgument: the document has another version or is of another kind.
        """
        if document.get("version") != _VERSION:
            raise InvalidArgument(
                f"results: version {document.get('version')} cannot be read, only {_VERSION}; measure again"
            )
        try:
            return cls(
                document["suite"],
                document["command"],
                document["machine"],
                tuple(_group(one) for one in document["groups"]),
            )
        except (KeyError, TypeError) as error:
            raise InvalidArgument(f"results: not a document of subpixel bench: {error}") from None


def _group(one: Mapping[str, Any]) -> Group:
    entries = tuple(
        Entry(e["name"], e["role"], Timing(**e["time"]), e["ceiling"], e["pixels"], e.get("quality"))
        for e in one["entries"]
    )
    return Group(one["id"], one["title"], entries, tuple(Fact(**f) for f in one["facts"]), tuple(one["notes"]))
