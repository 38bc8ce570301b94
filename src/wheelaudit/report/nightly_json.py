"""OUTPUT (pure): a night as JSON, in the shape that ``nightly-schema.json`` publishes."""

from __future__ import annotations

import importlib.resources
import json

from packaging.version import Version

from wheelaudit.history.values import Event, EventWheel, Night, OpenEvent, StreamNight
from wheelaudit.report.nightly import build_key, build_sections, find_open

SCHEMA_VERSION = 1
"""Raised when a script that reads the last one could break."""


def render_night_json(night: Night) -> str:
    """Return the night as one document, ending with a newline; ASCII, as all our JSON."""
    sections = build_sections(night)
    told = (*sections.regressions, *sections.findings, *sections.fixed, *sections.notes)
    document = {
        "schema": SCHEMA_VERSION,
        "night": night.night.isoformat(),
        "events": [_build_event(event) for _, event in told],
        "open": [_build_open(each) for each in find_open(night)],
        "streams": [_build_stream(each) for each in night.streams],
        "errors": [{"spec": spec, "message": error.message, "remedy": error.remedy} for spec, error in night.failures],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def read_night_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) of what `render_night_json` writes."""
    return importlib.resources.files("wheelaudit.report").joinpath("nightly-schema.json").read_text(encoding="utf-8")


def _build_event(event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "project": event.stream.project,
        "index": event.stream.index,
        "label": event.stream.label,
        "level": event.level,
        "night": event.night.isoformat(),
        "before": _spell(event.before),
        "after": str(event.after),
        "platforms": list(event.platforms),
        "lost": list(event.lost),
        "gained": list(event.gained),
        "wheels": [_build_wheel(wheel) for wheel in event.wheels],
        "message": event.message,
        "subject": event.subject,
        "key": build_key(event),
    }


def _build_open(each: OpenEvent) -> dict[str, object]:
    return {
        **_build_event(each.event),
        "since": each.since.isoformat(),
        "since_version": str(each.since_version),
        "known_good": _spell(each.known_good),
    }


def _build_wheel(wheel: EventWheel) -> dict[str, object]:
    return {"filename": wheel.filename, "url": wheel.url, "metadata_sha256": wheel.metadata_sha256}


def _build_stream(each: StreamNight) -> dict[str, object]:
    stream = each.snapshot.stream
    return {
        "project": stream.project,
        "index": stream.index,
        "label": stream.label,
        "version": str(each.snapshot.version),
        "verdict": each.audit.verdict,
        "before": None if each.before is None else str(each.before.version),
        "events": [event.id for event in each.events],
    }


def _spell(version: Version | None) -> str | None:
    return None if version is None else str(version)
