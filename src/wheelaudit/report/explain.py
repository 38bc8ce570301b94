"""OUTPUT (pure): which wheel uv reads for a release, by which steps, and what that gives each platform: one screen."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from wheelaudit.audit.uv import WheelChoice
from wheelaudit.audit.values import Audit, Impact
from wheelaudit.errors import WheelAuditError
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.release import WheelFile
from wheelaudit.report.lines import BLANK, KEEP, Line, paragraph, render_lines, title
from wheelaudit.report.matrix import STYLES, WORDS
from wheelaudit.report.text import count_of, escape_text

SCHEMA_VERSION = 1
MIN_WIDTH = 60
"""Terminal cells, as in the report of an audit."""
MOST_NAMES = 4
"""Requirements that are named of a longer list: this is one screen, and the audit's report has all."""
FEW_WHEELS = 2
"""File names; of more the first and the last are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One release, and why uv reads the wheel that it reads."""

    audit: Audit
    choice: WheelChoice
    index_reason: str
    """Why that index is asked: a few words."""
    version_reason: str
    """Why that version."""
    override: str | None = None
    """What the project says of the override of this release: one sentence; None where it has none."""


Failures = Sequence[tuple[str, WheelAuditError]]
"""What could not be done at all, and why."""


def render_explain(explanations: Sequence[Explanation], *, width: int, color: bool, failures: Failures = ()) -> str:
    """Return the explanations one after the other, ending with a newline."""
    width = max(width, MIN_WIDTH)
    parts = [[*_explain(each, width)] for each in explanations]
    parts += [[*_failure(spec, error, width)] for spec, error in failures]
    rule: list[Line] = [BLANK, (("=" * width, "dim"),), BLANK]
    lines: list[Line] = []
    for part in parts:
        lines += [*(rule if lines else []), *part]
    return render_lines(lines, color=color)


def _explain(each: Explanation, width: int) -> Iterator[Line]:
    audit, choice = each.audit, each.choice
    spec = escape_text(audit.release.spec)
    if choice.wheel is None:
        yield from paragraph(f"{spec}: uv reads no wheel", width, style="bold red")
    else:
        first = "uv reads" if each.override is None else "uv reads the project's override, and without it"
        yield from paragraph(f"{spec}: {first}", width, hang=2, style="bold")
        yield from paragraph(escape_text(choice.wheel.filename), width, indent=2, hang=2, style="bold")
    yield BLANK
    yield title("Why this release")
    index = "no index" if choice.index is None else escape_text(choice.index)
    yield from paragraph(f"index{KEEP * 4}{index}: {escape_text(each.index_reason)}", width, indent=2, hang=9)
    version = escape_text(str(audit.release.version))
    yield from paragraph(f"version{KEEP * 2}{version}: {escape_text(each.version_reason)}", width, indent=2, hang=9)
    yield BLANK
    yield title("Why this wheel")
    for number, step in enumerate(_steps(each), start=1):
        yield from paragraph(f"{number}. {step}", width, indent=2, hang=3)
    yield BLANK
    yield title("What a lock made from it gives each platform")
    yield from _platforms(audit, width)
    if each.override is not None:
        yield BLANK
        yield from paragraph(f"override: {escape_text(each.override)}", width, hang=10, style="bold")


def _steps(each: Explanation) -> Iterator[str]:
    """Yield the steps of uv's rule, as far as they go, each in a line or two."""
    choice = each.choice
    yield f"Sort by file name: {_fold(choice.listed)}."
    if choice.elsewhere:
        yield f"Leave out what other indexes have: {_fold(choice.elsewhere)}."
    bound = each.audit.requires_python
    if bound is None:
        dropped = "Drop what uv cannot take (the project sets no requires-python)"
    else:
        dropped = f"Drop what requires-python {escape_text(str(bound))} leaves no use for"
    yield f"{dropped}: {_describe_dropped(choice)}"
    if not choice.admitted:
        yield "None is left."
        return
    build = choice.highest[0].build
    if build:
        tag = escape_text("".join(map(str, build)))
        yield f"Take the highest build tag, {tag}: {_fold(choice.highest)}."
    else:
        yield "Take the highest build tag: none has one."
    if choice.refused is not None:
        yield f"Take none: {escape_text(choice.refused)}."
    else:
        yield f"Take the first: {escape_text(choice.highest[0].filename)}."


def _describe_dropped(choice: WheelChoice) -> str:
    if not choice.dropped:
        return f"none of {count_of(len(choice.listed), 'wheel')}."
    reasons: dict[str, list[WheelFile]] = {}
    for each in choice.dropped:
        reasons.setdefault(each.reason, []).append(each.wheel)
    told = "; ".join(f"{_fold(wheels)} ({escape_text(reason)})" for reason, wheels in reasons.items())
    return f"{told}. {count_of(len(choice.admitted), 'wheel')} left."


def _fold(wheels: Sequence[WheelFile]) -> str:
    """Return ``14 wheels, FIRST ... LAST``."""
    count = count_of(len(wheels), "wheel")
    names = [escape_text(wheel.filename) for wheel in wheels]
    if len(names) > FEW_WHEELS:
        names = [names[0], "...", names[-1]]
    elif names:
        names = [" and ".join(names)]
    return f"{count}, {' '.join(names)}" if names else count


def _platforms(audit: Audit, width: int) -> Iterator[Line]:
    for impact in audit.impact:
        for place in impact.environments.split("; "):
            yield from paragraph(escape_text(place), width, indent=2, hang=2, style="bold")
        for state, requirements in (("lost", impact.lost), ("gained", impact.gained)):
            if requirements:
                word = WORDS["lost" if state == "lost" else "gained"]
                style = STYLES["lost" if state == "lost" else "gained"]
                text = f"{word}{KEEP}{len(requirements)}: {_fold_names(requirements)}"
                yield from paragraph(text, width, indent=4, hang=2, style=style)
    yield from paragraph(_describe_rest(audit), width, indent=2, hang=2)


def _fold_names(requirements: Sequence[str]) -> str:
    # One that is left over takes no more room than "and 1 more".
    shown = requirements if len(requirements) <= MOST_NAMES + 1 else requirements[:MOST_NAMES]
    names = [escape_text(each).replace(" ", KEEP) for each in shown]
    more = len(requirements) - len(shown)
    return f"{', '.join(names)} and{KEEP}{more}{KEEP}more" if more else ", ".join(names)


def _describe_rest(audit: Audit) -> str:
    unread = [reading.wheel for reading in audit.readings if isinstance(reading, UnreadableWheel)]
    if audit.reads_uv is None:
        return "Nothing: no wheel is left to lock."
    if audit.reads_uv in unread:
        return "Not known: the metadata of that wheel could not be read."
    if audit.verdict == "undecided" or unread:
        return f"Not known for {count_of(len(unread), 'wheel')} that could not be read; else what the wheels ask for."
    if not audit.impact:
        return f"Everywhere what its wheel asks for: {_list_platforms(audit, ())}."
    rest = _list_platforms(audit, audit.impact)
    return f"Everywhere else what its wheel asks for{f': {rest}' if rest else ''}."


def _list_platforms(audit: Audit, impacts: Sequence[Impact]) -> str:
    """Name the platforms that have a wheel and stand in none of ``impacts``."""
    wrong = {
        platform
        for impact in impacts
        for place in impact.environments.split("; ")
        for platform in re.split(r", | and ", place)
    }
    return ", ".join(
        escape_text(each.platform)
        for each in audit.coverage
        # Environments are told without their C library, which no marker tells.
        if each.platform.partition(" (")[0] not in wrong
    )


def _failure(spec: str, error: WheelAuditError, width: int) -> Iterator[Line]:
    yield from paragraph(f"{escape_text(spec)} could not be done", width, hang=2, style="bold red")
    yield from paragraph(escape_text(error.message), width, indent=2)
    if error.remedy:
        yield from paragraph(escape_text(error.remedy), width, indent=2)


# --- JSON --------------------------------------------------------------------------------------------


def render_explain_json(
    requirement: str,
    explanations: Sequence[Explanation],
    *,
    requires_python: SpecifierSet | None,
    failures: Failures = (),
) -> str:
    """Return the same as JSON, in the shape that ``explain-schema.json`` beside this file publishes."""
    document = {
        "schema": SCHEMA_VERSION,
        "requirement": requirement,
        "requires_python": None if requires_python is None else str(requires_python),
        "releases": [_build_release(each) for each in explanations],
        "errors": [{"spec": spec, "message": error.message, "remedy": error.remedy} for spec, error in failures],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def read_explain_schema() -> str:
    """Return the published JSON Schema (draft 2020-12) of what `render_explain_json` writes."""
    return importlib.resources.files("wheelaudit.report").joinpath("explain-schema.json").read_text(encoding="utf-8")


def _build_release(each: Explanation) -> dict[str, object]:
    audit, choice = each.audit, each.choice
    return {
        "project": audit.release.project,
        "version": str(audit.release.version),
        "verdict": audit.verdict,
        "index": choice.index,
        "index_reason": each.index_reason,
        "version_reason": each.version_reason,
        "steps": {
            "elsewhere": _list_names(choice.elsewhere),
            "listed": _list_names(choice.listed),
            "dropped": [{"filename": one.wheel.filename, "reason": one.reason} for one in choice.dropped],
            "admitted": _list_names(choice.admitted),
            "highest": _list_names(choice.highest),
        },
        "reads": None if choice.wheel is None else choice.wheel.filename,
        "refused": choice.refused,
        "coverage": [{"platform": one.platform, "pythons": list(one.pythons)} for one in audit.coverage],
        "impact": [
            {"environments": one.environments, "lost": list(one.lost), "gained": list(one.gained)}
            for one in audit.impact
        ],
        "override": each.override,
    }


def _list_names(wheels: Sequence[WheelFile]) -> list[str]:
    return [wheel.filename for wheel in wheels]
