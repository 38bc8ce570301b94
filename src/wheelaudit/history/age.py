"""OUTPUT (pure): WA505, an index that brings no new build, and how old a build is."""

from __future__ import annotations

import datetime

from packaging.version import Version

from wheelaudit.history.nights import Nights, Trouble

_DIGITS = 8
"""Of a date in ``.devYYYYMMDD``."""


def find_build_date(version: Version, *, first_seen: datetime.date) -> datetime.date:
    """Return the date in a version's ``.devYYYYMMDD``; where it has none, or one to come, the day it was first seen."""
    text = "" if version.dev is None else str(version.dev)
    if len(text) != _DIGITS:
        return first_seen
    try:
        date = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return first_seen
    # A build that nobody could have seen yet tells nothing of its age, and would never grow old.
    return min(date, first_seen)


def find_staleness(nights: Nights, *, stale_days: int, first_seen: datetime.date) -> Trouble | None:
    """Return WA505 where tonight's newest build is ``stale_days`` old or older."""
    snapshot = nights.after.snapshot
    date = find_build_date(snapshot.version, first_seen=first_seen)
    days = (snapshot.night - date).days
    if days < stale_days:
        return None
    event = nights.build_event(
        id="WA505",
        level="finding",
        subject="",
        message=f"There has been no new build of {snapshot.stream.project} for {days} days: "
        f"{snapshot.version} of {date} is the newest.",
    )
    return Trouble(event=event, since=snapshot, is_new=nights.before is not None)
