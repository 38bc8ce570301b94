"""ROOF: what day it is. Only the roof knows the time; below it, a date is an argument."""

from __future__ import annotations

import datetime


def find_today() -> datetime.date:
    """Return today's date in UTC, so that a run says the same wherever it is."""
    return datetime.datetime.now(datetime.UTC).date()
