"""OUTPUT (pure): what is remembered of an index from night to night, and what a comparison tells, as frozen values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.audit.values import Audit, Finding, Verdict
from wheelaudit.errors import WheelAuditError
from wheelaudit.metadata import Reading
from wheelaudit.release import Release


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stream:
    """One row of builds that follow each other: a project on an index, with one local label."""

    project: NormalizedName
    index: str
    """As reports name it: the name the user gave, or a URL without credentials."""
    label: str = ""
    """The local version label of its builds (``cu126``); "" where they have none."""

    def __str__(self) -> str:
        label = f"+{self.label}" if self.label else ""
        return f"{self.project}{label} on {self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one build said on one night: enough to judge it again, by whatever rules are known then."""

    stream: Stream
    night: datetime.date
    """UTC."""
    release: Release
    readings: tuple[Reading, ...]
    """One per wheel, in the release's order."""
    verdict: Verdict
    """As it was judged that night."""
    findings: tuple[Finding, ...]
    read_back: bool = False
    """Whether it was not there to see that night, but read later (``--last``): its night is the build's own date,
    where its version has one."""

    @property
    def version(self) -> Version:
        return self.release.version


Level = Literal["regression", "finding", "note"]
"""A regression (WA501, WA504) makes the night exit with 1 when it is told first; a finding is for somebody to look at;
a note is what changes every night, and good news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWheel:
    """One wheel as evidence."""

    filename: str
    url: str
    metadata_sha256: str | None
    """Of the METADATA's bytes; None where it was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that a night has brought. Told once: of one stream, id and subject there is one while it is open."""

    id: str
    """WA501 newly inconsistent, 502 fixed, 503 requirement lost, gained or re-pinned, 504 wheels vanished, 505 no new
    build; WA2xx: a fault of the index that is new."""
    stream: Stream
    night: datetime.date
    level: Level
    subject: str
    """What it is about, within id and stream: "" where there is one thing (501), else a platform and Python (504), a
    requirement's project (503), a file name without its version (2xx)."""
    before: Version | None
    """The build it is held against; None where there was none."""
    after: Version
    message: str
    """One sentence, without credentials."""
    platforms: tuple[str, ...] = ()
    """Where, one set of environments an entry, as `Impact.environments` has it."""
    lost: tuple[str, ...] = ()
    """Requirements without marker."""
    gained: tuple[str, ...] = ()
    wheels: tuple[EventWheel, ...] = ()
    """Evidence, by file name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEvent:
    """An event that was told and has not ended: WA501 until it is fixed, 504 until the wheels are back, 505 until a
    build comes, 2xx until the index is right.
    """

    event: Event
    """As it was told; of a stream's first night, or a build that was read back, it was told to nobody."""
    since: datetime.date
    since_version: Version
    """The first build that is known to have it."""
    known_good: Version | None
    """The build before; None where none is known: it may be older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNight:
    """One stream on one night: what was there, and what it is compared with."""

    snapshot: Snapshot
    audit: Audit
    before: Snapshot | None
    """The build, or the night, before; None on the first night."""
    before_audit: Audit | None
    events: tuple[Event, ...]
    """Told tonight, by id and subject."""
    open: tuple[OpenEvent, ...]
    """Those of other nights that are still so."""
    closed: tuple[OpenEvent, ...] = ()
    """Those that were open and have ended tonight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarNight:
    """One night of a stream, as a calendar shows it."""

    night: datetime.date
    version: Version
    verdict: Verdict
    told: tuple[str, ...]
    """Ids of the events that were told that night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Everything that one run of ``wheelaudit nightly`` has to say."""

    night: datetime.date
    streams: tuple[StreamNight, ...]
    """Sorted."""
    failures: tuple[tuple[str, WheelAuditError], ...]
    """What could not be read at all (``torch on nightly/cu126``), and why."""
    calendar: Mapping[Stream, tuple[CalendarNight, ...]] = field(default_factory=dict)
    """The nights up to this one, oldest first; only filled for the page that draws them."""
