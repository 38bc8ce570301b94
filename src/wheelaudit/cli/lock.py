"""ROOF: ``wheelaudit lock``: what a uv.lock or pylock.toml gives each platform, against what its wheels ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.clock import find_today
from wheelaudit.cli.editing import check_choice, check_target, describe_path, edit_project
from wheelaudit.cli.locked import add_override, build_line, find_audits, tell_written
from wheelaudit.cli.reading import ReadingChoice, open_manner, reading_options
from wheelaudit.cli.terminal import Color, find_width, wants_color, write_output
from wheelaudit.errors import UsageError, WheelAuditError

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit
    from wheelaudit.locking import LockCheck
    from wheelaudit.patching import Patch
    from wheelaudit.project.rules import Rules
    from wheelaudit.report.lock import LockLine, LockReport

Format = Literal["human", "json", "markdown", "sarif", "github"]

RIGHT, WRONG, CANNOT, UNKNOWN = 0, 1, 2, 3

LOCK_NAMES = ("uv.lock", "pylock.toml")
"""In the order in which they are looked for in a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOptions(ReadingChoice):
    """What the command line says; a field is the option of its name."""

    lock: Path | None
    only: tuple[str, ...]
    pyproject: Path | None
    output_format: Format
    output: Path | None
    diff: bool
    write: bool
    check: bool
    exit_zero: bool
    color: Color


@click.command()
@click.argument("lock", type=click.Path(path_type=Path), required=False)
@click.option("--only", multiple=True, metavar="NAME", help="Only this project's releases. Repeatable.")
@click.option(
    "--pyproject",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The project that the lock is of. [default: the nearest one, beside the lock or above]",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json", "markdown", "sarif", "github"]),
    default="human",
    help="A report to read, all of it as JSON, Markdown for an issue, SARIF for code scanning, or annotations of a "
    "GitHub workflow. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option("--diff", is_flag=True, help="Print the overrides that mend it as a patch of the project's file.")
@click.option("--write", is_flag=True, help="Write the overrides that mend it into the project's file.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if --write would.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also where something was found or is unknown.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@click.option("--no-progress", is_flag=True, help="No progress bar.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", count=True, help="Name what was skipped, and each wheel as it is read.")
@reading_options
def command(**options: object) -> int:
    """Say what LOCK lost or gained, for each platform: what it gives, against what
    the wheels themselves ask for. Nothing is resolved anew.

    LOCK is a uv.lock or a pylock.toml, or its folder; by default the one in the
    working folder, else that of the workspace.

    \b
    Exit codes: 0 right; 1 something was found; 2 it could not be done; 3 some
    wheel could not be read. With --diff and --check: 0 nothing to change, 1 it
    would change; with --write: 0 written or nothing to change.
    """
    return run_lock(LockOptions(**options), environ=os.environ, cwd=Path.cwd())  # type: ignore[arg-type]


def run_lock(options: LockOptions, *, environ: Mapping[str, str], cwd: Path) -> int:
    """Compare, print, mend where asked to, and return the exit code."""
    edits = check_choice(diff=options.diff, write=options.write, check=options.check)
    if options.diff and options.output_format != "human":
        raise UsageError("--diff prints a patch and nothing else.", remedy="Leave out --format.")
    lock = find_lock(options.lock, cwd)
    # Heavy, and only now needed.
    import anyio

    from wheelaudit.project.rules import Rules, read_rules
    from wheelaudit.project.workspace import find_project_file

    pyproject = options.pyproject or find_project_file(lock.parent)
    rules = Rules() if pyproject is None else read_rules(pyproject)
    if edits:
        # What cannot be edited anyway is not worth the wait for an index.
        check_target(pyproject, environ=environ, cwd=cwd)
    check = anyio.run(_run, options, lock, pyproject, environ, cwd)
    _check_names(options.only, check, lock)
    job = _Job(options=options, check=check, lock=lock, pyproject=pyproject, rules=rules, environ=environ, cwd=cwd)
    return job.finish(edits=edits)


async def _run(
    options: LockOptions, lock: Path, pyproject: Path | None, environ: Mapping[str, str], cwd: Path
) -> LockCheck:
    from packaging.utils import canonicalize_name

    from wheelaudit.locking import check_lock

    with open_manner(options, environ=environ, cwd=cwd) as (manner, watcher):
        return await check_lock(
            lock,
            only=frozenset(map(canonicalize_name, options.only)),
            pyproject=pyproject,
            manner=manner,
            watcher=watcher,
            meanwhile=find_renderers(options),
        )


def find_renderers(options: LockOptions) -> tuple[str, ...]:
    """Return the modules that print the report: they come in while the index is awaited."""
    extra = {"json": ("lock_json",), "markdown": ("lock_markdown",), "sarif": ("sarif",), "github": ("github",)}
    names = ("lock", *extra.get(options.output_format, ()))
    return ("wheelaudit.patching", *(f"wheelaudit.report.{name}" for name in names))


def find_lock(lock: Path | None, cwd: Path) -> Path:
    """Return the lock that is meant: the one named or in that folder, else in ``cwd``, else the workspace's.

    Raises `UsageError` where there is none.
    """
    if lock is not None and not lock.is_dir():
        return lock
    for folder in (lock,) if lock is not None else _find_folders(cwd):
        for name in LOCK_NAMES:
            if (folder / name).is_file():
                return folder / name
    where = "here" if lock is None else f"in {lock}"
    raise UsageError(
        f"There is no uv.lock and no pylock.toml {where}.", remedy="Name one: `wheelaudit lock PATH/uv.lock`."
    )


def _find_folders(cwd: Path) -> Sequence[Path]:
    from wheelaudit.project.workspace import find_project_file, read_workspace

    # "." is what a user here would leave out; joined to a name it is gone.
    here = Path() if cwd == Path.cwd() else cwd
    if any((here / name).is_file() for name in LOCK_NAMES):
        return (here,)
    pyproject = find_project_file(cwd)
    return (here,) if pyproject is None else (here, read_workspace(pyproject).folder)


def _check_names(only: Sequence[str], check: LockCheck, lock: Path) -> None:
    """Raise `UsageError` for a name that the lock has not: nothing found is not the same as nothing wrong."""
    from packaging.utils import canonicalize_name

    known = {release.project for release in check.releases}
    for name in only:
        if canonicalize_name(name) not in known:
            raise UsageError(f"{lock} locks no {name}.", remedy="Check the name, or leave out --only.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A lock that has been compared, and what is to become of it."""

    options: LockOptions
    check: LockCheck
    lock: Path
    pyproject: Path | None
    rules: Rules
    environ: Mapping[str, str]
    cwd: Path

    def finish(self, *, edits: bool) -> int:
        """Edit where asked to, print the report, and return the exit code."""
        today = find_today()
        lines = [build_line(release, self.rules, today) for release in self.check.releases]
        audits = find_audits(self.check, lines)
        report = self._build_report(lines, self._plan(audits))
        if not edits:
            self._print(report)
            exit_zero = self.options.exit_zero or self.rules.fail_level == "never"
            return build_exit_code(lines, exit_zero=exit_zero, unknown=self.rules.fail_level == "undecided")
        try:
            code = self._edit(audits, failed=any(line.status == "failed" for line in lines))
        except WheelAuditError:
            # The file is as it was, and what the lock lost is still worth telling.
            self._print(report)
            raise
        self._print(tell_written(report) if self.options.write else report)
        return UNKNOWN if code == RIGHT and any(line.status == "unknown" for line in lines) else code

    def _edit(self, audits: Sequence[Audit], *, failed: bool) -> int:
        return edit_project(
            audits,
            pyproject=self.pyproject,
            diff=self.options.diff,
            write=self.options.write,
            output=self.options.output if self.options.diff else None,
            # The report says it, but where a patch takes its place.
            quiet=self.options.quiet or not self.options.diff,
            failed=failed,
            environ=self.environ,
            cwd=self.cwd,
        )

    def _plan(self, audits: Sequence[Audit]) -> Patch | WheelAuditError:
        """Return what ``--write`` would do, or why it could do nothing."""
        from wheelaudit.patching import put_overrides, read_target
        from wheelaudit.project.settings import ProjectSettings, read_project_settings

        settings = ProjectSettings()
        try:
            if self.pyproject is not None:
                settings = read_project_settings(self.pyproject, environ=self.environ, cwd=self.cwd)
            return put_overrides(read_target(settings), audits)
        except WheelAuditError as error:
            return error

    def _build_report(self, lines: Sequence[LockLine], plan: Patch | WheelAuditError) -> LockReport:
        from wheelaudit.report.lock import LockReport

        pairs = zip(self.check.releases, lines, strict=True)
        return LockReport(
            lock=describe_path(self.lock, self.cwd),
            kind=self.check.kind,
            lines=tuple(add_override(release, line, plan) for release, line in pairs),
            notes=tuple(self.check.notes),
            written=(
                (describe_path(plan.document.path, self.cwd),)
                if self.options.write and not isinstance(plan, WheelAuditError) and plan.changes
                else ()
            ),
        )

    def _print(self, report: LockReport) -> None:
        """Print data on stdout (or into the file); a patch that took its place is printed already."""
        from wheelaudit.cli.failures import tell_error

        if not self.options.diff:
            to_file = self.options.output is not None and str(self.options.output) != "-"
            stream = None if to_file else sys.stdout
            color = wants_color(self.options.color, stream, self.environ)
            width = find_width(stream, self.environ)
            text = render(
                report, self.options.output_format, width=width, color=color, verbose=self.options.verbose > 0
            )
            write_output(text, self.options.output if to_file else None, color=color)
        for release in self.check.releases:
            if release.error is not None:
                tell_error(release.error.message, remedy=release.error.remedy)


def build_exit_code(lines: Sequence[LockLine], *, exit_zero: bool, unknown: bool) -> int:
    """Return 2 where a release could not be done at all, else 1, else 3, else 0 (the contract's order).

    ``unknown``: whether what is not known counts.
    """
    statuses = {line.status for line in lines}
    if "failed" in statuses:
        return CANNOT
    if exit_zero:
        return RIGHT
    if "wrong" in statuses:
        return WRONG
    return UNKNOWN if unknown and "unknown" in statuses else RIGHT


def render(report: LockReport, output_format: Format, *, width: int, color: bool, verbose: bool) -> str:
    """Return the report in a format; ``width``, ``color`` and ``verbose`` are of the one for people."""
    match output_format:
        case "human":
            from wheelaudit.report.lock import render_lock

            return render_lock(report, width=width, color=color, verbose=verbose)
        case "json":
            from wheelaudit.report.lock_json import render_lock_json

            return render_lock_json(report)
        case "markdown":
            from wheelaudit.report.lock_markdown import render_lock_markdown

            return render_lock_markdown(report)
        case "sarif":
            from wheelaudit._version import __version__
            from wheelaudit.report.lock import build_lock_results
            from wheelaudit.report.sarif import render_sarif

            return render_sarif(build_lock_results(report), version=__version__)
        case "github":
            from wheelaudit.report.github import render_github
            from wheelaudit.report.lock import build_lock_results

            return render_github(build_lock_results(report))
        case other:
            assert_never(other)
