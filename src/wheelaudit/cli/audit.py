"""ROOF: ``wheelaudit SPEC...``: audits releases, prints the report, and says by its exit code what came out."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.help import AuditCommand
from wheelaudit.cli.terminal import Color, find_width, is_capable, wants_color, write_output
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit, Verdict
    from wheelaudit.pipeline import Failure, Outcome

Format = Literal["human", "json", "toml"]

# The same as the pipeline's, which a help text must not import; a test compares them.
CONCURRENCY = 16
TIMEOUT = 30.0
RETRIES = 3

MAX_CONCURRENCY = 64
"""More connections would be slower (FACTS: the pool's work grows with their square) and impolite."""
MAX_RETRIES = 20
"""With the waits between them, several minutes for one request."""

CONSISTENT, INCONSISTENT, CANNOT, UNDECIDED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What the command line says, in its own words; a field is the option of its name."""

    specs: tuple[str, ...]
    index: tuple[str, ...]
    output_format: Format
    output: Path | None
    record: Path | None
    replay: Path | None
    pyproject: Path | None
    union: Literal["scoped", "plain"]
    every: bool
    deep: bool
    concurrency: int
    timeout: float
    retries: int
    exit_zero: bool
    quiet: bool
    verbose: int
    color: Color
    no_progress: bool


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("it must be a number of seconds.")
    return value


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
    type=click.Choice(["human", "json", "toml"]),
    default="human",
    help="A report to read, all of it as JSON, or the override alone. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--union",
    type=click.Choice(["scoped", "plain"]),
    default="scoped",
    help="The override: right on every platform, or everything for everyone. [default: scoped]",
)
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
@click.option("--replay", type=click.Path(path_type=Path), metavar="DIR", help="Answer from a cassette, no network.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=CONCURRENCY,
    metavar="N",
    help=f"Requests at once. [default: {CONCURRENCY}]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT,
    callback=_finite,
    metavar="SECONDS",
    help=f"Longest wait for an answer. [default: {TIMEOUT:.0f}]",
)
@click.option(
    "--retries",
    type=click.IntRange(0, MAX_RETRIES),
    default=RETRIES,
    metavar="N",
    help=f"Repetitions of a request that failed. [default: {RETRIES}]",
)
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
    # Heavy, and only now needed: httpx, packaging, anyio.
    import anyio

    from wheelaudit.pipeline import Failure

    outcomes = anyio.run(_audit, options, environ, cwd)
    audits = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    _print(options, audits, failures, environ)
    return build_exit_code({audit.verdict for audit in audits}, failed=bool(failures), exit_zero=options.exit_zero)


async def _audit(options: AuditOptions, environ: Mapping[str, str], cwd: Path) -> tuple[Outcome, ...]:
    from wheelaudit.cli.progress import build_watcher
    from wheelaudit.pipeline import audit_specs

    bar = not (options.quiet or options.no_progress) and is_capable(sys.stderr, environ)
    with build_watcher(verbosity=0 if options.quiet else options.verbose, bar=bar) as watcher:
        return await audit_specs(
            options.specs,
            index=options.index,
            pyproject=options.pyproject or find_pyproject(cwd),
            every=options.every,
            union=options.union,
            deep=options.deep,
            concurrency=options.concurrency,
            timeout=options.timeout,
            retries=options.retries,
            record=options.record,
            replay=options.replay,
            environ=environ,
            cwd=cwd,
            watcher=watcher,
        )


def find_pyproject(cwd: Path) -> Path | None:
    """Return the pyproject.toml of the working folder, as the user would name it; None where there is none."""
    return Path("pyproject.toml") if (cwd / "pyproject.toml").is_file() else None


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
    options: AuditOptions, audits: Sequence[Audit], failures: Sequence[Failure], environ: Mapping[str, str]
) -> None:
    """Print data on stdout (or into the file), failures and reasons on stderr. Without any audit there is no data."""
    from wheelaudit.cli.failures import tell, tell_error

    if audits:
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
        case "toml":
            from wheelaudit.report.toml import render_toml

            report = render_toml(audits)
            return report.text, report.reasons
        case "human":
            from wheelaudit.report.human import render_human

            return render_human(audits, width=width, color=color, failures=told), ()
        case other:
            assert_never(other)
