"""ROOF: ``wheelaudit nightly``: what tonight's builds say, against what the history knows of other nights."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.clock import find_today
from wheelaudit.cli.reading import ReadingChoice, open_manner, reading_options
from wheelaudit.cli.remembering import find_history_path, history_option
from wheelaudit.cli.terminal import Color, find_width, wants_color, write_output
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    from wheelaudit.history.store import History
    from wheelaudit.history.values import Night

Format = Literal["human", "markdown", "json", "sarif", "github", "html"]

QUIET, REGRESSION, CANNOT, UNDECIDED = 0, 1, 2, 3

STALE_DAYS = 3
"""The same as the landing's, which a help text must not import; a test compares them."""
MAX_LAST = 100
"""Builds that are read back at once: three months of nights, and as much as a server can be asked for in one go."""
MAX_DAYS = 36_500
CALENDAR_DAYS = 371
"""What the page's calendar shows: 53 weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyOptions(ReadingChoice):
    """What the command line says; a field is the option of its name."""

    projects: tuple[str, ...]
    index: tuple[str, ...]
    history: Path | None
    last: int
    night: datetime.date | None
    keep: int | None
    stale_days: int
    output_format: Format
    output: Path | None
    issues: Path | None
    exit_zero: bool
    color: Color


def parse_date(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime.date | None:
    """Parse the option's date (ISO 8601)."""
    if value is None:
        return None
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f'"{value}" is not a date, such as 2026-11-20.') from None


@click.command()
@click.argument("projects", metavar="PROJECT...", nargs=-1)
@click.option(
    "--index",
    multiple=True,
    metavar="NAME|URL|PATH",
    help="The channels to look at, such as nightly/cu126. Repeatable.",
)
@history_option
@click.option(
    "--last",
    type=click.IntRange(1, MAX_LAST),
    default=1,
    metavar="N",
    help="Read back N builds that the history does not know: the first night has a past, and a gap is filled. "
    "[default: 1]",
)
@click.option("--night", callback=parse_date, metavar="DATE", help="The night that this is. [default: today in UTC]")
@click.option("--keep", type=click.IntRange(1, MAX_DAYS), metavar="DAYS", help="Forget nights that are older.")
@click.option(
    "--stale-days",
    type=click.IntRange(1, MAX_DAYS),
    default=STALE_DAYS,
    metavar="N",
    help=f"Tell when there was no new build for so many days. [default: {STALE_DAYS}]",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "markdown", "json", "sarif", "github", "html"]),
    default="human",
    help="A report to read, an issue to paste upstream, all of it as JSON, SARIF, annotations of a GitHub workflow, "
    "or a page. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--issues",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write a file for each regression that is open, new or over: what an issue tracker is to say.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also where something is told or undecided.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@click.option("--no-progress", is_flag=True, help="No progress bar.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", count=True, help="Say each wheel as it is read.")
@reading_options
def command(**options: object) -> int:
    """Look at the newest builds of channels, and tell what is new since the last
    night: wheels that disagree, requirements that moved on some platforms only,
    wheels that are gone, builds that do not come. Each is told once.

    \b
    Exit codes: 0 nothing new; 1 a regression is told for the first time (WA501,
    WA504); 2 something could not be read at all; 3 some wheel could not be read.
    """
    return run_nightly(NightlyOptions(**options), environ=os.environ, cwd=Path.cwd())  # type: ignore[arg-type]


def run_nightly(options: NightlyOptions, *, environ: Mapping[str, str], cwd: Path) -> int:
    """Look, tell, remember, and return the exit code."""
    if not options.projects:
        raise UsageError(
            "There is nothing to look at: no PROJECT was given.",
            remedy="Name projects, such as `wheelaudit nightly torch torchvision --index nightly/cu126`.",
        )
    today = options.night or find_today()
    # Heavy, and only now needed.
    import anyio

    from wheelaudit.history.store import History

    path = find_history_path(options.history)
    with History.open(path, create=True) as history:
        night = anyio.run(_run, options, history, today, environ, cwd)
        if options.keep is not None:
            history.prune(options.keep, today)
    _print(options, night, environ)
    if options.issues is not None:
        from wheelaudit.cli.issues import write_issues

        write_issues(night, options.issues)
    return build_exit_code(night, exit_zero=options.exit_zero)


async def _run(
    options: NightlyOptions, history: History, today: datetime.date, environ: Mapping[str, str], cwd: Path
) -> Night:
    from wheelaudit.nightly import run_night

    with open_manner(options, environ=environ, cwd=cwd) as (manner, watcher):
        return await run_night(
            options.projects,
            index=options.index,
            history=history,
            night=today,
            manner=manner,
            last=options.last,
            stale_days=options.stale_days,
            calendar_days=CALENDAR_DAYS if options.output_format == "html" else 0,
            watcher=watcher,
        )


def _print(options: NightlyOptions, night: Night, environ: Mapping[str, str]) -> None:
    """Print data on stdout (or into the file), failures on stderr."""
    from wheelaudit.cli.failures import tell_error

    to_file = options.output is not None and str(options.output) != "-"
    stream = None if to_file else sys.stdout
    color = wants_color(options.color, stream, environ)
    text = render(night, options.output_format, width=find_width(stream, environ), color=color)
    write_output(text, options.output if to_file else None, color=color)
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if options.output_format == "github" and summary:
        from wheelaudit.report.nightly_markdown import render_step_summary

        # GitHub's own rule: a step adds to the file, and others may have written there before.
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(render_step_summary(night))
    for _, error in night.failures:
        tell_error(error.message, remedy=error.remedy)


def render(night: Night, output_format: Format, *, width: int, color: bool) -> str:
    """Return the report in a format; ``width`` and ``color`` are of the one for people."""
    match output_format:
        case "human":
            from wheelaudit.report.nightly_human import render_night

            return render_night(night, width=width, color=color)
        case "markdown":
            from wheelaudit.report.nightly_markdown import render_night_markdown

            return render_night_markdown(night)
        case "json":
            from wheelaudit.report.nightly_json import render_night_json

            return render_night_json(night)
        case "sarif":
            from wheelaudit._version import __version__
            from wheelaudit.report.nightly import build_night_results
            from wheelaudit.report.sarif import render_sarif

            return render_sarif(build_night_results(night), version=__version__)
        case "github":
            from wheelaudit.report.github import render_github
            from wheelaudit.report.nightly import build_night_results

            return render_github(build_night_results(night))
        case "html":
            from wheelaudit.report.nightly_html import render_night_html

            return render_night_html(night)
        case other:
            assert_never(other)


def build_exit_code(night: Night, *, exit_zero: bool) -> int:
    """Return 2 where something could not be read at all, else 1 for a regression that is told first, else 3, else 0."""
    if night.failures:
        return CANNOT
    if exit_zero:
        return QUIET
    if any(event.level == "regression" for each in night.streams for event in each.events):
        return REGRESSION
    return UNDECIDED if any(each.audit.verdict == "undecided" for each in night.streams) else QUIET
