"""OUTPUT (pure): audits as JSON (RFC 8259), in the shape that ``schema.json`` beside this file publishes.

Scripts rely on it: keys are added, never renamed or removed, under one ``schema``
number. Output is ASCII, so that terminal escapes and bidirectional controls in foreign
text stay inert ``\\u`` escapes wherever it is shown.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from typing import assert_never

from wheelaudit.audit.values import Audit, Finding, Group, Override, Proof
from wheelaudit.errors import WheelAuditError
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata

SCHEMA_VERSION = 1
"""Raised when a script that reads the last one could break."""

Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]


def render_json(audits: Sequence[Audit], *, failures: Sequence[tuple[str, WheelAuditError]] = ()) -> str:
    """Return all audits as one document, ending with a newline.

    ``failures`` holds the SPECs that could not be done at all; they are told under
    ``errors``, never left out.
    """
    document: Value = {
        "schema": SCHEMA_VERSION,
        "releases": [build_release(audit) for audit in audits],
        "errors": [_build_error(spec, error) for spec, error in failures],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def render_release_line(audit: Audit) -> str:
    """Return one audit as a line of JSON Lines, ending with a newline: an entry of ``releases`` and ``schema``."""
    return _render_line({"schema": SCHEMA_VERSION, **build_release(audit)})


def render_error_line(spec: str, error: WheelAuditError) -> str:
    """Return as such a line what could not be done at all: an entry of ``errors`` and ``schema``."""
    return _render_line({"schema": SCHEMA_VERSION, "error": _build_error(spec, error)})


def _render_line(document: Value) -> str:
    # ASCII and escaped: no separator (U+2028) and no newline of an index's ends the line.
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def read_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) of what `render_json` writes."""
    return importlib.resources.files("wheelaudit.report").joinpath("schema.json").read_text(encoding="utf-8")


def build_release(audit: Audit) -> dict[str, Value]:
    """Return one entry of ``releases``."""
    group_of = audit.group_of
    return {
        "project": audit.release.project,
        "version": str(audit.release.version),
        "verdict": audit.verdict,
        "wheels": [_build_wheel(reading, group_of.get(reading.wheel)) for reading in audit.readings],
        "groups": [_build_group(group) for group in audit.groups],
        "reads": {"uv": None if audit.reads_uv is None else audit.reads_uv.filename},
        "coverage": [{"platform": each.platform, "pythons": each.pythons} for each in audit.coverage],
        "impact": [
            {"environments": each.environments, "lost": each.lost, "gained": each.gained} for each in audit.impact
        ],
        "findings": [_build_finding(finding) for finding in audit.findings],
        "override": None if audit.override is None else _build_override(audit.override),
        "proof": None if audit.proof is None else _build_proof(audit.proof),
        "no_override": audit.no_override,
        "skipped": [{"filename": each.filename, "reason": each.reason} for each in audit.release.skipped],
    }


def _build_error(spec: str, error: WheelAuditError) -> dict[str, Value]:
    return {"spec": spec, "message": error.message, "remedy": error.remedy}


def _build_wheel(reading: Reading, group: int | None) -> dict[str, Value]:
    wheel = reading.wheel
    sha256: str | None = None
    source: str | None = None
    error: str | None = None
    match reading:
        case WheelMetadata():
            sha256, source = reading.sha256, reading.source
        case UnreadableWheel():
            error = str(reading.error)
        case other:
            assert_never(other)
    return {
        "filename": wheel.filename,
        "index": wheel.index,
        "url": wheel.url,
        "metadata_sha256": sha256,
        "source": source,
        "group": group,
        "error": error,
        "yanked": wheel.yanked,
    }


def _build_group(group: Group) -> dict[str, Value]:
    return {
        "wheels": [wheel.filename for wheel in group.wheels],
        "requires_dist": group.requires_dist,
        "requires_python": group.requires_python,
        "provides_extra": group.provides_extra,
        "environments": group.environments,
    }


def _build_finding(finding: Finding) -> dict[str, Value]:
    return {
        "id": finding.id,
        "message": finding.message,
        "wheels": finding.wheels,
        "requirements": finding.requirements,
        "help": finding.help,
    }


def _build_override(override: Override) -> dict[str, Value]:
    return {
        "name": override.name,
        "version": str(override.version),
        "requires-python": override.requires_python,
        "requires-dist": override.requires_dist,
        "provides-extras": override.provides_extras,
    }


def _build_proof(proof: Proof) -> dict[str, Value]:
    return {
        "environments": proof.environments,
        "deviations": [
            {
                "environments": deviation.environments,
                "extra": deviation.extra,
                "missing": deviation.missing,
                "unwanted": deviation.unwanted,
            }
            for deviation in proof.deviations
        ],
    }
