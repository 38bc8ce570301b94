"""OUTPUT (pure): results as GitHub's workflow commands, which become annotations of a run.

Source: "Workflow commands for GitHub Actions". A runner takes a line for a command that
begins with ``::``, so each result is one line, and no foreign text ever begins one or
ends one.
"""

from __future__ import annotations

from collections.abc import Iterable

from wheelaudit.report.results import RULES, Level, Result
from wheelaudit.report.text import escape_text

COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render_github(results: Iterable[Result]) -> str:
    """Return a line for each result; "" where there is none."""
    return "".join(f"{_build_command(result)}\n" for result in results)


def _build_command(result: Result) -> str:
    properties: dict[str, str] = {}
    if result.file is not None:
        properties["file"] = result.file
        properties["line"] = str(result.line or 1)
    properties["title"] = _build_title(result)
    named = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    message = "\n".join(map(escape_text, (result.message, *result.details)))
    return f"::{COMMANDS[result.level]} {named}::{_escape_data(message)}"


def _build_title(result: Result) -> str:
    if result.rule is None:
        return "wheelaudit"
    rule = RULES.get(result.rule)
    return f"{result.rule}: {rule.title}" if rule else result.rule


def _escape_data(text: str) -> str:
    # `%` first, or it would be escaped twice.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(escape_text(text)).replace(":", "%3A").replace(",", "%2C")
