"""ROOF: how a failure is told: one sentence and what to do, on stderr, and an exit code."""

from __future__ import annotations

import contextlib
import sys
import traceback

import click

from wheelaudit.errors import WheelAuditError
from wheelaudit.report.text import escape_text

CANNOT = 2
"""Exit code of whatever could not be done; of a bug too, as 1 would say "inconsistent" to a script."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

ISSUES = "https://github.com/wheelaudit/wheelaudit/issues"


def tell_failure(error: Exception) -> int:
    """Say on stderr what went wrong and return the exit code. Only a bug shows its traceback."""
    match error:
        case click.Abort():
            return INTERRUPTED
        case click.ClickException():
            tell_error(error.format_message(), remedy="See `wheelaudit --help`.")
        case WheelAuditError():
            tell_error(error.message, remedy=error.remedy)
        case _:
            traceback.print_exception(error)
            tell_error("this is a bug in wheelaudit.", remedy=f"Report it with the lines above: {ISSUES}")
    return CANNOT


def tell_error(message: str, *, remedy: str | None) -> None:
    """Print ``error:`` and ``hint:`` lines; what an index put into them is escaped."""
    tell(f"error: {escape_text(message)}")
    if remedy is not None:
        # Line by line: a remedy may end with a block to paste.
        tell("hint: " + "\n".join(map(escape_text, remedy.split("\n"))))


def tell(line: str) -> None:
    """Print a line on stderr; a stderr that nobody reads is no failure."""
    with contextlib.suppress(OSError):
        click.echo(line, file=sys.stderr)
