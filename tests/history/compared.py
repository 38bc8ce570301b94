"""Builds nights by hand, and holds one against another."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tests.releases import build_reading, build_release
from wheelaudit.audit.audit import audit_release
from wheelaudit.history.compare import Told, find_events
from wheelaudit.history.nights import Build
from wheelaudit.history.values import Event, OpenEvent, Snapshot, Stream
from wheelaudit.metadata import Reading, WheelMetadata
from wheelaudit.release import Release

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
ARM = "cp312-cp312-manylinux_2_28_aarch64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"
PLATFORMS = (LINUX, ARM, WINDOWS)

FIRST_SEEN = datetime.date(2025, 1, 31)
"""After all nights: what has no date in its version does not grow old."""
NEVER_STALE = 100_000


def build_readings(
    version: str, wheels: Mapping[str, Sequence[str]] | Sequence[str], **fields: Any
) -> tuple[WheelMetadata, ...]:
    """Return the readings of thing VERSION: lines by tag; tags alone have no lines."""
    lines = wheels if isinstance(wheels, Mapping) else dict.fromkeys(wheels, ())
    return tuple(build_reading(f"thing-{version}-{tag}.whl", own, **fields) for tag, own in lines.items())


def build_night(readings: Sequence[Reading], day: int = 1, *, release: Release | None = None) -> Build:
    """Return what was read on a day of January 2025."""
    release = release or build_release(readings)
    audit = audit_release(release, readings)
    snapshot = Snapshot(
        stream=Stream(project=release.project, index="example"),
        night=datetime.date(2025, 1, day),
        release=release,
        readings=tuple(readings),
        verdict=audit.verdict,
        findings=audit.findings,
    )
    return Build(snapshot=snapshot, audit=audit)


def night(version: str, wheels: Mapping[str, Sequence[str]] | Sequence[str], day: int = 1, **fields: Any) -> Build:
    return build_night(build_readings(version, wheels, **fields), day)


def compare(
    before: Build | None,
    after: Build,
    open: Sequence[OpenEvent] = (),  # noqa: A002 - the word of `find_events`
    *,
    stale_days: int = NEVER_STALE,
    first_seen: datetime.date = FIRST_SEEN,
) -> Told:
    return find_events(
        before.snapshot if before else None,
        before.audit if before else None,
        after.snapshot,
        after.audit,
        open=open,
        stale_days=stale_days,
        first_seen=first_seen,
    )


def follow(*nights: Build, stale_days: int = NEVER_STALE) -> list[Told]:
    """Hold every night against the one before, with what is open by then."""
    told: list[Told] = []
    pending: tuple[OpenEvent, ...] = ()
    for before, after in zip((None, *nights), nights, strict=False):
        told.append(compare(before, after, pending, stale_days=stale_days))
        pending = (*told[-1].opened, *told[-1].still_open)
    return told


def ids(events: Sequence[Event] | Sequence[OpenEvent]) -> list[str]:
    return [each.event.id if isinstance(each, OpenEvent) else each.id for each in events]


def only(events: Sequence[Event]) -> Event:
    (event,) = events
    return event
