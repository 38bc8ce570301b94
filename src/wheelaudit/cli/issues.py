"""ROOF: a night's regressions as files, one each, for what keeps an issue tracker up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wheelaudit.history.values import Event, Night, StreamNight

TRACKED = ("WA501", "WA504")
"""The regressions. What else is told is for somebody to look at, not to be an issue every time."""


def write_issues(night: Night, folder: Path) -> None:
    """Write ``KEY.json`` for each regression that is open after the night, or has ended in it.

    ``{"key", "state": "open" | "closed", "title", "body"}``. The folder is made where it is missing.
    """
    from wheelaudit.project.files import replace_file
    from wheelaudit.report.nightly import build_key
    from wheelaudit.report.nightly_markdown import render_event_issue

    folder.mkdir(parents=True, exist_ok=True)
    for each, event, ended in find_tracked(night):
        title, body = render_event_issue(each, event, ended=ended)
        key = build_key(event)  # hexadecimal: a file's name that nobody else chooses
        document = {"key": key, "state": "closed" if ended else "open", "title": title, "body": body}
        replace_file(folder / f"{key}.json", (json.dumps(document, ensure_ascii=True, indent=2) + "\n").encode())


def find_tracked(night: Night) -> Iterator[tuple[StreamNight, Event, bool]]:
    """Yield stream, event and whether it is over, of every regression that tonight has a say in."""
    for each in night.streams:
        for event in each.events:
            if event.id in TRACKED:
                yield each, event, False
        for pending in (*each.open, *each.closed):
            if pending.event.id in TRACKED:
                yield each, pending.event, pending in each.closed
