"""ROOF: ``wheelaudit check``: whether the overrides of a project are current, needed and in effect."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.audit import find_pyproject
from wheelaudit.cli.clock import find_today
from wheelaudit.cli.editing import describe_path
from wheelaudit.cli.reading import ReadingChoice, open_manner, reading_options
from wheelaudit.cli.terminal import Color, find_width, wants_color, write_output
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    import datetime

    from wheelaudit.checking import Check, CheckedEntry, Mended
    from wheelaudit.pipeline import Outcome
    from wheelaudit.project.rules import Rules
    from wheelaudit.project.settings import ProjectSettings
    from wheelaudit.report.check import CheckLine

Format = Literal["human", "json", "markdown", "sarif", "github"]

IN_ORDER, FOUND, CANNOT, UNKNOWN = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions(ReadingChoice):
    """What the command line says; a field is the option of its name."""

    pyproject: Path | None
    write: bool
    all_entries: bool
    output_format: Format
    output: Path | None
    index: tuple[str, ...]
    prefer_offline: bool
    exit_zero: bool
    color: Color


@click.command()
@click.argument("pyproject", type=click.Path(path_type=Path), required=False, envvar="WHEELAUDIT_PYPROJECT")
@click.option(
    "--write",
    is_flag=True,
    help="Mend the entries that wheelaudit wrote: replace, remove or move them, as the report says.",
)
@click.option("--all-entries", is_flag=True, help="With --write: also the entries that others wrote.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json", "markdown", "sarif", "github"]),
    default="human",
    help="A report to read, all of it as JSON, Markdown for an issue, SARIF for code scanning, or annotations of a "
    "GitHub workflow. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--index",
    multiple=True,
    metavar="NAME|URL|PATH",
    help="Where to look, instead of the indexes that the project's sources name. Repeatable.",
)
@click.option(
    "--prefer-offline", is_flag=True, help="Ask the indexes only where what is kept does not settle it (for hooks)."
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also where something was found or is unknown.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@reading_options
def command(**options: object) -> int:
    """Hold every override (dependency-metadata entry) of a project against its
    index: whether it is what the wheels ask for, is needed, and is read by uv.

    PYPROJECT is the project's file or folder; by default the nearest one, in the
    working folder or above.

    \b
    Exit codes: 0 all in order (--write: or mended), 1 something was found,
    2 it could not be done, 3 some wheel could not be read.
    """
    return run_check(CheckOptions(**options), environ=os.environ, cwd=Path.cwd())  # type: ignore[arg-type]


def run_check(options: CheckOptions, *, environ: Mapping[str, str], cwd: Path) -> int:
    """Check, print, mend where asked to, and return the exit code."""
    path = options.pyproject or find_pyproject(cwd)
    if path is None:
        raise UsageError("There is no pyproject.toml here.", remedy="Name one: `wheelaudit check PATH/pyproject.toml`.")
    if options.all_entries and not options.write:
        raise UsageError("--all-entries says what --write may touch.", remedy="Give it with --write.")
    path = path / "pyproject.toml" if path.is_dir() else path
    # Heavy, and only now needed.
    import anyio

    from wheelaudit.checking import Mended, mend
    from wheelaudit.patching import write_patch
    from wheelaudit.project.rules import read_rules
    from wheelaudit.project.settings import read_project_settings

    rules = read_rules(path)
    settings = read_project_settings(path, environ=environ, cwd=cwd)
    check = anyio.run(_check, _choose_first(options), rules, settings, path, environ, cwd)
    if options.prefer_offline and any(each.status in ("failed", "unknown") for each in check.entries):
        # What is kept does not settle it: ask the indexes after all.
        check = anyio.run(_check, options, rules, settings, path, environ, cwd)
    today = find_today()
    ignored = [_ignore(each, rules, today) for each in check.entries]
    check = replace(check, entries=tuple(each for each, _ in ignored))
    mended = mend(check, every=options.all_entries) if options.write else Mended(patches=(), entries=())
    for patch in mended.patches:
        write_patch(patch)
    reasons = [each for _, each in ignored]
    _print(options, check, mended, reasons, describe_path(check.target or path, cwd), environ, cwd)
    left = [each for each in check.entries if each not in mended.entries]
    return build_exit_code(left, exit_zero=options.exit_zero or rules.fail_level == "never", rules=rules)


def build_exit_code(entries: Sequence[CheckedEntry], *, exit_zero: bool, rules: Rules) -> int:
    """Return 2 where a release could not be audited at all, else 1, else 3, else 0."""
    statuses = {each.status for each in entries}
    if "failed" in statuses:
        return CANNOT
    if exit_zero:
        return IN_ORDER
    if any(each.findings for each in entries):
        return FOUND
    return UNKNOWN if "unknown" in statuses and rules.fail_level == "undecided" else IN_ORDER


def _choose_first(options: CheckOptions) -> CheckOptions:
    """Return the options of the first attempt: with ``prefer_offline`` it asks no index."""
    return replace(options, offline=True) if options.prefer_offline else options


async def _check(
    options: CheckOptions,
    rules: Rules,
    settings: ProjectSettings,
    pyproject: Path,
    environ: Mapping[str, str],
    cwd: Path,
) -> Check:
    from wheelaudit.checking import check_project
    from wheelaudit.pipeline import run_audits

    index = options.index or rules.index
    with open_manner(options, environ=environ, cwd=cwd) as (manner, watcher):

        async def audit(specs: Sequence[str]) -> Sequence[Outcome]:
            if not specs:
                return ()
            return await run_audits(specs, manner=manner, index=index, pyproject=pyproject, watcher=watcher)

        return await check_project(settings, audit)


def _ignore(each: CheckedEntry, rules: Rules, today: datetime.date) -> tuple[CheckedEntry, tuple[str, ...]]:
    """Take out the findings that the project has put off, and say which."""
    kept, ignored = [], []
    for finding in each.findings:
        rule = next(
            (
                rule
                for rule in rules.ignore
                if each.entry.name is not None
                and rule.covers(finding.id, each.entry.name, each.entry.version, today=today)
            ),
            None,
        )
        if rule is None:
            kept.append(finding)
        else:
            ignored.append(f"{finding.id} until {rule.until.isoformat()}: {rule.reason}")
    return replace(each, findings=tuple(kept)), tuple(ignored)


def _build_line(each: CheckedEntry, ignored: tuple[str, ...], cwd: Path, *, mended: bool) -> CheckLine:
    from wheelaudit.report.check import CheckLine

    proof = None if each.upkeep is None else each.upkeep.proof
    return CheckLine(
        file=describe_path(each.file, cwd),
        line=each.entry.line,
        name=each.entry.name,
        version=None if each.entry.version is None else str(each.entry.version),
        label=each.label,
        ours=each.entry.ours,
        status=each.status,
        findings=each.findings,
        pairs=None if proof is None else proof.environments,
        error=None if each.error is None else str(each.error),
        ignored=ignored,
        remedy=each.mending,
        mended=mended,
    )


def _print(
    options: CheckOptions,
    check: Check,
    mended: Mended,
    ignored: Sequence[tuple[str, ...]],
    file: str,
    environ: Mapping[str, str],
    cwd: Path,
) -> None:
    lines = [
        _build_line(each, reasons, cwd, mended=each in mended.entries)
        for each, reasons in zip(check.entries, ignored, strict=True)
    ]
    written = [describe_path(patch.document.path, cwd) for patch in mended.patches]
    to_file = options.output is not None and str(options.output) != "-"
    stream = None if to_file else sys.stdout
    color = wants_color(options.color, stream, environ)
    width = find_width(stream, environ)
    text = render(lines, options.output_format, file=file, written=written, width=width, color=color)
    write_output(text, options.output if to_file else None, color=color)


def render(
    lines: Sequence[CheckLine],
    output_format: Format,
    *,
    file: str,
    written: Sequence[str],
    width: int,
    color: bool,
) -> str:
    """Return the report in a format; ``width`` and ``color`` are of the one for people."""
    match output_format:
        case "human":
            from wheelaudit.report.check import render_check

            return render_check(lines, file=file, written=written, width=width, color=color)
        case "json":
            from wheelaudit.report.check import render_check_json

            return render_check_json(lines, file=file, written=written)
        case "markdown":
            from wheelaudit.report.check_markdown import render_check_markdown

            return render_check_markdown(lines, file=file, written=written)
        case "sarif":
            from wheelaudit._version import __version__
            from wheelaudit.report.check_results import build_check_results
            from wheelaudit.report.sarif import render_sarif

            return render_sarif(build_check_results(lines), version=__version__)
        case "github":
            from wheelaudit.report.check_results import build_check_results
            from wheelaudit.report.github import render_github

            return render_github(build_check_results(lines))
        case other:
            assert_never(other)
