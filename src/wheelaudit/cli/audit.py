"""ROOF: ``wheelaudit SPEC...``: audits releases, prints the report, and says by its exit code what came out."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.clock import find_today
from wheelaudit.cli.editing import check_choice, check_target, edit_project
from wheelaudit.cli.help import AuditCommand
from wheelaudit.cli.reading import ReadingChoice, open_manner, reading_options
from wheelaudit.cli.terminal import Color, find_width, wants_color, write_output
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    import datetime

    from wheelaudit.audit.values import Audit, Verdict
    from wheelaudit.errors import WheelAuditError
    from wheelaudit.pipeline import Failure, Outcome
    from wheelaudit.project.rules import Rules

Format = Literal["human", "json", "jsonl", "toml", "markdown", "html", "sarif", "github"]
RENDERERS: dict[str, tuple[str, ...]] = {
    "jsonl": ("json",),
    "markdown": ("audit_markdown",),
    "sarif": ("audit_results", "sarif"),
    "github": ("audit_results", "github"),
}
"""The modules of a format's renderer, where it is not the one of its name."""
TELLS_FAILURES = ("jsonl", "sarif", "github")
"""Formats that are a record of the run: they are written also where no release could be audited at all."""

CONSISTENT, INCONSISTENT, CANNOT, UNDECIDED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions(ReadingChoice):
    """What the command line says, in its own words; a field is the option of its name."""

    specs: tuple[str, ...]
    index: tuple[str, ...]
    output_format: Format
    output: Path | None
    pyproject: Path | None
    union: Literal["scoped", "plain"] | None
    """None: as the project's [tool.wheelaudit] says, else scoped."""
    every: bool
    deep: bool
    diff: bool
    write: bool
    check: bool
    exit_zero: bool
    color: Color


@click.command(cls=AuditCommand)
@click.argument("specs", metavar="SPEC...", nargs=-1)
@click.option(
    "--index",
    multiple=True,
    metavar="NAME|URL|PATH",
    help="Where to look: a PyTorch channel (cu126, nightly/cpu), a name of the project's own, pypi, a URL, a folder. "
    "Repeatable.",
)
@click.option(
    "--all",
    "every",
    envvar="WHEELAUDIT_ALL",
    is_flag=True,
    help="Audit every version that matches, not only the newest public version.",
)
@click.option("--deep", is_flag=True, help="Also compare .metadata files with the METADATA inside the wheels.")
@click.option(
    "--pyproject",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The project: its requires-python decides which wheel uv reads. [default: ./pyproject.toml if it is there]",
)
@click.option(
    "--format",
    "output_format",
    envvar="WHEELAUDIT_FORMAT",
    type=click.Choice(["human", "json", "jsonl", "toml", "markdown", "html", "sarif", "github"]),
    default="human",
    metavar="FORMAT",
    help="human: a report to read; json: all of it; jsonl: a line of JSON for each release as it is done; toml: the "
    "override alone; markdown: for an issue; html: a page for a browser; sarif: for code scanning; github: annotations "
    "of a workflow. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--union",
    type=click.Choice(["scoped", "plain"]),
    help="The override: right on every platform, or everything for everyone. [default: scoped]",
)
@click.option("--diff", is_flag=True, help="Print the override as a patch of the project's file (for `git apply`).")
@click.option("--write", is_flag=True, help="Write the override into the project's file.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if --write would.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also where a release is inconsistent or undecided.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours in the report. [default: auto]",
)
@click.option("--no-progress", is_flag=True, help="No progress bar.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", count=True, help="Say each wheel as it is read; -vv: each request too.")
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="DIR", help="Keep every exchange as a cassette in DIR."
)
@reading_options
def command(**options: object) -> int:
    """Read every wheel of a release, say where they disagree and what that does
    to a lock, and write an override that is right on every platform.
    """
    return run_audit(AuditOptions(**options), environ=os.environ, cwd=Path.cwd())  # type: ignore[arg-type]


def run_audit(options: AuditOptions, *, environ: Mapping[str, str], cwd: Path) -> int:
    """Audit, print, and return the exit code."""
    if not options.specs:
        raise UsageError(
            "There is nothing to audit: no SPEC was given.",
            remedy="Name a release, such as `wheelaudit torch==2.6.0+cu126`; `wheelaudit --help` shows more.",
        )
    edits = check_choice(diff=options.diff, write=options.write, check=options.check)
    if options.diff and options.output_format != "human":
        raise UsageError("--diff prints a patch and nothing else.", remedy="Leave out --format.")
    # Heavy, and only now needed: httpx, packaging, anyio.
    import anyio

    from wheelaudit.pipeline import Failure
    from wheelaudit.project.rules import Rules, read_rules

    pyproject = options.pyproject or find_pyproject(cwd)
    rules = Rules() if pyproject is None else read_rules(pyproject)
    if edits:
        # What cannot be edited anyway is not worth the wait for an index.
        check_target(pyproject, environ=environ, cwd=cwd)
    outcomes = anyio.run(_audit, options, rules, pyproject, environ, cwd)
    audits = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    _print(options, audits, failures, environ, report=not edits or options.output_format != "human")
    if edits:
        return edit_project(
            audits,
            pyproject=pyproject,
            diff=options.diff,
            write=options.write,
            output=options.output if options.diff else None,
            quiet=options.quiet,
            failed=bool(failures),
            environ=environ,
            cwd=cwd,
        )
    today = find_today()
    put_off = [audit for audit in audits if is_put_off(audit, rules, today=today)]
    if put_off and not options.quiet:
        _tell_put_off(put_off, rules, today)
    verdicts = {audit.verdict for audit in audits if audit not in put_off}
    if rules.fail_level == "inconsistent":
        verdicts.discard("undecided")
    exit_zero = options.exit_zero or rules.fail_level == "never"
    return build_exit_code(verdicts, failed=bool(failures), exit_zero=exit_zero)


async def _audit(
    options: AuditOptions, rules: Rules, pyproject: Path | None, environ: Mapping[str, str], cwd: Path
) -> tuple[Outcome, ...]:
    from wheelaudit.pipeline import run_audits

    on_done = write_line if streams_lines(options) else None
    with open_manner(options, environ=environ, cwd=cwd, on_done=on_done) as (manner, watcher):
        return await run_audits(
            options.specs,
            manner=manner,
            index=options.index or rules.index,
            pyproject=pyproject,
            every=options.every,
            union=options.union or rules.union or "scoped",
            deep=options.deep,
            watcher=watcher,
            meanwhile=find_renderers(options),
        )


def find_renderers(options: AuditOptions) -> tuple[str, ...]:
    """Return the modules that print the report: they come in while the index is awaited."""
    names = RENDERERS.get(options.output_format, (options.output_format,))
    edits = ("wheelaudit.patching",) if options.write or options.diff else ()
    return (*(f"wheelaudit.report.{name}" for name in names), *edits)


def streams_lines(options: AuditOptions) -> bool:
    """Whether each outcome is printed as soon as it is there; a file is written at the end, whole or not at all."""
    return options.output_format == "jsonl" and (options.output is None or str(options.output) == "-")


def write_line(outcome: Outcome) -> None:
    """Print an outcome as a line of JSON."""
    write_output(render_line(outcome), None, color=False)


def render_line(outcome: Outcome) -> str:
    """Return an outcome as a line of JSON."""
    from wheelaudit.pipeline import Failure
    from wheelaudit.report.json import render_error_line, render_release_line

    if isinstance(outcome, Failure):
        return render_error_line(outcome.spec, outcome.error)
    return render_release_line(outcome)


def is_put_off(audit: Audit, rules: Rules, *, today: datetime.date) -> bool:
    """Whether the project ignores, for now, every finding by which the release is inconsistent."""
    told = [finding for finding in audit.findings if finding.id[2] in "13"]
    return bool(told) and all(
        any(rule.covers(each.id, audit.release.project, audit.release.version, today=today) for rule in rules.ignore)
        for each in told
    )


def _tell_put_off(audits: Sequence[Audit], rules: Rules, today: datetime.date) -> None:
    """Say on stderr why a release that is inconsistent does not count."""
    from wheelaudit.cli.failures import tell
    from wheelaudit.report.text import escape_text

    for audit in audits:
        found = {finding.id for finding in audit.findings}
        for rule in rules.ignore:
            if (
                rule.covers(rule.id, audit.release.project, audit.release.version, today=rule.until)
                and rule.id in found
            ):
                reason = escape_text(rule.reason)
                tell(f"{audit.release.spec}: {rule.id} is ignored until {rule.until.isoformat()}: {reason}")


def find_pyproject(cwd: Path) -> Path | None:
    """Return the nearest pyproject.toml, in the working folder or above it as uv finds it; None where there is none."""
    if (cwd / "pyproject.toml").is_file():
        return Path("pyproject.toml")  # as the user would name it
    from wheelaudit.project.workspace import find_project_file

    return find_project_file(cwd)


def build_exit_code(verdicts: Collection[Verdict], *, failed: bool, exit_zero: bool) -> int:
    """Return 2 where something could not be done at all, else 1, else 3, else 0 (the contract's order)."""
    if failed:
        return CANNOT
    if exit_zero:
        return CONSISTENT
    if "inconsistent" in verdicts:
        return INCONSISTENT
    return UNDECIDED if "undecided" in verdicts else CONSISTENT


def _print(
    options: AuditOptions,
    audits: Sequence[Audit],
    failures: Sequence[Failure],
    environ: Mapping[str, str],
    *,
    report: bool,
) -> None:
    """Print data on stdout (or into the file), failures and reasons on stderr. Without any audit there is no data."""
    from wheelaudit.cli.failures import tell, tell_error

    # With JSON Lines a failure is a line as well, and what went to stdout is there already.
    if (audits or options.output_format in TELLS_FAILURES) and report and not streams_lines(options):
        to_file = options.output is not None and str(options.output) != "-"
        stream = None if to_file else sys.stdout
        color = wants_color(options.color, stream, environ)
        text, reasons = _render(options, audits, failures, width=find_width(stream, environ), color=color)
        write_output(text, options.output if to_file else None, color=color)
        if not options.quiet:
            for reason in reasons:
                tell(reason)
    for failure in failures:
        tell_error(failure.error.message, remedy=failure.error.remedy)


def _render(
    options: AuditOptions, audits: Sequence[Audit], failures: Sequence[Failure], *, width: int, color: bool
) -> tuple[str, tuple[str, ...]]:
    """Return the text, and what stderr is told besides."""
    told = [(failure.spec, failure.error) for failure in failures]
    match options.output_format:
        case "json":
            from wheelaudit.report.json import render_json

            return render_json(audits, failures=told), ()
        case "jsonl":
            outcomes: list[Outcome] = [*audits, *failures]
            return "".join(map(render_line, outcomes)), ()
        case "toml":
            from wheelaudit.report.toml import render_toml

            report = render_toml(audits)
            return report.text, report.reasons
        case "markdown":
            from wheelaudit.report.audit_markdown import render_markdown

            return render_markdown(audits, failures=told), ()
        case "html":
            from wheelaudit.report.html import render_html

            return render_html(audits, failures=told), ()
        case "sarif" | "github":
            return _render_results(options.output_format, audits, told), ()
        case "human":
            from wheelaudit.report.human import render_human

            return render_human(audits, width=width, color=color, failures=told), ()
        case other:
            assert_never(other)


def _render_results(
    output_format: Literal["sarif", "github"], audits: Sequence[Audit], failures: Sequence[tuple[str, WheelAuditError]]
) -> str:
    from wheelaudit.report.audit_results import build_audit_results

    results = build_audit_results(audits, failures=failures)
    if output_format == "github":
        from wheelaudit.report.github import render_github

        return render_github(results)
    from wheelaudit._version import __version__
    from wheelaudit.report.sarif import render_sarif

    return render_sarif(results, version=__version__)
