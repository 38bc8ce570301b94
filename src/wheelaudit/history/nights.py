"""OUTPUT (pure): two nights of one stream side by side, and what every sentence about them needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from wheelaudit.audit.values import Audit
from wheelaudit.history.values import Event, EventWheel, OpenEvent, Snapshot
from wheelaudit.metadata import Reading, WheelMetadata

MAX_LISTED = 3
"""Requirements named in a message; `Event.lost` and `Event.gained` have all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build, as it was read and judged."""

    snapshot: Snapshot
    audit: Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """Tonight, and the night that it is held against."""

    before: Build | None
    """None on a stream's first night."""
    after: Build

    def build_event(self, **fields: Any) -> Event:
        """Return an event of tonight; ``fields`` are the rest of `Event`."""
        after = self.after.snapshot
        before = None if self.before is None else self.before.snapshot.version
        return Event(stream=after.stream, night=after.night, before=before, after=after.version, **fields)

    def since(self, was: str) -> str:
        """Say when something began: ``since 1.1 (1.0 was consistent)``; nights tell two readings of one build apart."""
        after = self.after.snapshot
        if self.before is None:
            return f"in {after.version}"
        before = self.before.snapshot
        if before.version != after.version:
            return f"since {after.version} ({before.version} {was})"
        return f"since {after.night}, when {after.version} changed (on {before.night} it {was})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with tonight's build, and stays an open event until it is right."""

    event: Event
    since: Snapshot
    """The first build that is known to have it."""
    is_new: bool
    """Whether the night before is known not to have had it: then it is told. Otherwise nobody saw it begin."""

    def open(self, nights: Nights) -> OpenEvent:
        """Return the open event that begins with it."""
        good = nights.before.snapshot.version if nights.before is not None and self.is_new else None
        return OpenEvent(event=self.event, since=self.since.night, since_version=self.since.version, known_good=good)


def build_evidence(readings: Iterable[Reading]) -> tuple[EventWheel, ...]:
    """Return wheels as evidence, by file name, each once."""
    wheels = {
        EventWheel(
            filename=reading.wheel.filename,
            url=reading.wheel.url,
            metadata_sha256=reading.sha256 if isinstance(reading, WheelMetadata) else None,
        )
        for reading in readings
    }
    return tuple(sorted(wheels, key=lambda wheel: (wheel.filename, wheel.url, wheel.metadata_sha256 or "")))


def strip_version(filename: str) -> str:
    """Return a wheel's file name with ``*`` for its version: the same for the same platform of every build."""
    # The second part of a wheel's file name is the version, and no part holds a dash (binary distribution format).
    name, _, rest = filename.partition("-")
    return f"{name}-*-{rest.partition('-')[2]}"


def list_texts(texts: Sequence[str]) -> str:
    """Write the first few, for a sentence: ``a, b, c and 11 more``."""
    if len(texts) > MAX_LISTED:
        return f"{', '.join(texts[:MAX_LISTED])} and {len(texts) - MAX_LISTED} more"
    return join_words(texts)


def join_words(words: Sequence[str]) -> str:
    """Write all: ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def count_of(number: int, noun: str) -> str:
    """Return ``1 wheel``, ``14 wheels``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
