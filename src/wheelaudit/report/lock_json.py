"""OUTPUT (pure): what a lock gives its platforms as JSON, in the shape that ``lock-schema.json`` publishes."""

from __future__ import annotations

import importlib.resources
import json

from wheelaudit.audit.values import LockFinding
from wheelaudit.report.lock import STATUSES, LockLine, LockReport

SCHEMA_VERSION = 1
"""Raised when a script that reads the last one could break."""


def render_lock_json(report: LockReport) -> str:
    """Return the report as one document, ending with a newline; ASCII, as all our JSON."""
    document = {
        "schema": SCHEMA_VERSION,
        "lock": report.lock,
        "kind": report.kind,
        "releases": [_build_line(line) for line in report.lines],
        "summary": _build_summary(report),
        "notes": list(report.notes),
        "written": list(report.written),
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def read_lock_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) of what `render_lock_json` writes."""
    return importlib.resources.files("wheelaudit.report").joinpath("lock-schema.json").read_text(encoding="utf-8")


def _build_summary(report: LockReport) -> dict[str, int]:
    return {
        "releases": len(report.lines),
        **{str(status): len(report.find_lines(status)) for status in STATUSES},
        "wheels": sum(line.wheels for line in report.lines),
        "read": sum(line.read for line in report.lines),
    }


def _build_line(line: LockLine) -> dict[str, object]:
    return {
        "project": line.project,
        "version": line.version,
        "index": line.index,
        "status": line.status,
        "reason": line.reason,
        "wheels": line.wheels,
        "read": line.read,
        "findings": [_build_finding(finding) for finding in line.findings],
        "ignored": list(line.ignored),
        "override": line.override,
        "no_override": line.no_override,
    }


def _build_finding(finding: LockFinding) -> dict[str, object]:
    return {
        "id": finding.id,
        "message": finding.message,
        "requirements": list(finding.requirements),
        "environments": finding.environments,
        "wheels": list(finding.wheels),
        "help": finding.help,
    }
