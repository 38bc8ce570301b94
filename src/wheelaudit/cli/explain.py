"""ROOF: ``wheelaudit explain REQUIREMENT``: which wheel uv reads for it here, why, and what each platform gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

import click

from wheelaudit.cli.audit import find_pyproject
from wheelaudit.cli.editing import describe_path
from wheelaudit.cli.reading import ReadingChoice, open_manner, reading_options
from wheelaudit.cli.terminal import Color, find_width, wants_color, write_output
from wheelaudit.errors import UsageError, WheelAuditError

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from wheelaudit.audit.values import Audit
    from wheelaudit.index.selection import RequirementSpec
    from wheelaudit.jobs import Indexes, IndexJob, ProjectJob
    from wheelaudit.pipeline import Outcome
    from wheelaudit.project.settings import ProjectSettings
    from wheelaudit.report.explain import Explanation

DONE, CANNOT = 0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions(ReadingChoice):
    """What the command line says; a field is the option of its name."""

    requirement: str
    index: tuple[str, ...]
    pyproject: Path | None
    output_format: Literal["human", "json"]
    output: Path | None
    color: Color


@click.command()
@click.argument("requirement")
@click.option("--index", multiple=True, metavar="NAME|URL|PATH", help="Where to look, as for an audit. Repeatable.")
@click.option(
    "--pyproject",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The project: its requires-python decides which wheel uv reads. [default: the nearest pyproject.toml]",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json"]),
    default="human",
    help="One screen to read, or all of it as JSON. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours. [default: auto]"
)
@click.option("--no-progress", is_flag=True, help="No progress bar.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@reading_options
def command(**options: object) -> int:
    """Say which wheel uv reads for REQUIREMENT in this project, by which steps,
    and what a lock made from it gives each platform.

    \b
    Exit codes: 0 done, whatever came out; 2 it could not be done.
    """
    return run_explain(ExplainOptions(**options), environ=os.environ, cwd=Path.cwd())  # type: ignore[arg-type]


def run_explain(options: ExplainOptions, *, environ: Mapping[str, str], cwd: Path) -> int:
    """Explain, print, and return the exit code."""
    # Heavy, and only now needed.
    import anyio

    from wheelaudit.index.selection import RequirementSpec, parse_spec
    from wheelaudit.pipeline import Failure
    from wheelaudit.project.rules import Rules, read_rules
    from wheelaudit.project.settings import ProjectSettings, read_project_settings

    spec = parse_spec(options.requirement)
    if not isinstance(spec, RequirementSpec):
        raise UsageError(
            f"{options.requirement} is on disk, where uv reads each wheel for itself.",
            remedy="Name a release of an index, such as `wheelaudit explain torch==2.6.0+cu126`.",
        )
    pyproject = options.pyproject or find_pyproject(cwd)
    rules = Rules() if pyproject is None else read_rules(pyproject)
    settings = ProjectSettings()
    if pyproject is not None:
        settings = read_project_settings(pyproject, environ=environ, cwd=cwd)
    index = options.index or rules.index
    outcomes = anyio.run(_audit, options, index, pyproject, environ, cwd)
    said = "--index" if options.index else "[tool.wheelaudit]"
    reasons = _Reasons(spec=spec, index=index, said=said, settings=settings, environ=environ, cwd=cwd)
    audits = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    failures = [(outcome.spec, outcome.error) for outcome in outcomes if isinstance(outcome, Failure)]
    _print(options, [reasons.explain(audit) for audit in audits], failures, settings, environ)
    return CANNOT if failures else DONE


async def _audit(
    options: ExplainOptions, index: Sequence[str], pyproject: Path | None, environ: Mapping[str, str], cwd: Path
) -> tuple[Outcome, ...]:
    from wheelaudit.pipeline import run_audits

    with open_manner(options, environ=environ, cwd=cwd) as (manner, watcher):
        return await run_audits([options.requirement], manner=manner, index=index, pyproject=pyproject, watcher=watcher)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reasons:
    """Why a requirement came to the releases that it came to: the same questions that the landing asks, asked again."""

    spec: RequirementSpec
    index: Sequence[str]
    said: str
    """Who says that: ``--index`` or ``[tool.wheelaudit]``."""
    settings: ProjectSettings
    environ: Mapping[str, str]
    cwd: Path

    def explain(self, audit: Audit) -> Explanation:
        from wheelaudit.audit.uv import explain_choice
        from wheelaudit.report.explain import Explanation

        release = audit.release
        choice = explain_choice(release.wheels, requires_python=audit.requires_python, indexes=release.indexes)
        job = self._find_job()
        return Explanation(
            audit=audit,
            choice=choice,
            index_reason=self._explain_index(job, choice.index),
            version_reason=self._explain_version(job, audit),
            override=self._find_override(audit),
        )

    def _find_indexes(self) -> Indexes:
        from wheelaudit.jobs import Indexes

        return Indexes(project=self.settings, environ=self.environ, cwd=self.cwd)

    def _find_job(self) -> IndexJob | ProjectJob:
        from wheelaudit.jobs import LocalJob, build_jobs

        indexes = self._find_indexes()
        (job,) = build_jobs([self.spec], tuple(indexes.find(text) for text in self.index), indexes)
        assert not isinstance(job, LocalJob)
        return job

    def _explain_index(self, job: IndexJob | ProjectJob, index: str | None) -> str:
        from wheelaudit.jobs import IndexJob, ProjectJob
        from wheelaudit.project.targets import find_named_locations

        match job:
            case ProjectJob():
                named = find_named_locations(self.settings, self.spec.project, environ=self.environ, cwd=self.cwd)
                known = index in {location.name for location in named}
                return "[tool.uv.sources] names it" if known else "uv.lock has the project from there"
            case IndexJob(first=False):
                several = len(self.index) > 1
                return f"the first of those that {self.said} names" if several else f"{self.said} says so"
            case IndexJob():
                return self._explain_unnamed(index)
            case other:
                assert_never(other)

    def _explain_unnamed(self, index: str | None) -> str:
        """Say why an index was asked that neither an option nor a source names."""
        indexes = self._find_indexes()
        if index in self.settings.indexes:
            return "the first of the project's own that has it"
        return "your default index" if index == indexes.default().name else "the channel that the local version names"

    def _explain_version(self, job: IndexJob | ProjectJob, audit: Audit) -> str:
        from wheelaudit.jobs import ProjectJob

        version = audit.release.version
        if self.spec.pins:
            return "the requirement names it"
        if isinstance(job, ProjectJob) and any(version in target.versions for target in job.targets):
            return "uv.lock locks it"
        wanted = self.spec.specifier or next((each for each in self._find_bounds(job) if version in each), None)
        return f"the newest that {wanted} admits" if wanted else "the newest public version"

    def _find_bounds(self, job: IndexJob | ProjectJob) -> list[SpecifierSet]:
        from wheelaudit.jobs import ProjectJob

        if isinstance(job, ProjectJob):
            return [bound for target in job.targets for bound in target.wanted]
        return [*job.wanted]

    def _find_override(self, audit: Audit) -> str | None:
        """Say which entry uv takes instead of any wheel, and whether the lock was made with it."""
        from wheelaudit.patching import read_target
        from wheelaudit.project.targets import read_overridden

        if self.settings.workspace is None or self.settings.configuration is None:
            return None
        try:
            patch = read_target(self.settings)
            own = [entry for entry in patch.find_entries() if entry.name == audit.release.project]
        except WheelAuditError as error:
            return f"not known: {error.message}"
        # uv takes an entry of exactly this version, else one for all versions; of two the first.
        found = next((each for each in own if each.version == audit.release.version), None)
        found = found or next((each for each in own if each.all_versions), None)
        if found is None:
            return None
        file = describe_path(patch.document.path, self.cwd)
        place = f"{file}, line {found.line}, tells uv what the release asks for, so no wheel is read"
        if (found.name, found.version) in read_overridden(self.settings.workspace):
            return f"{place}; uv.lock was made with it. `wheelaudit check` says whether it is right."
        return f"{place}; no uv.lock was made with it yet. `wheelaudit check` says whether it is right."


def _print(
    options: ExplainOptions,
    explanations: Sequence[Explanation],
    failures: Sequence[tuple[str, WheelAuditError]],
    settings: ProjectSettings,
    environ: Mapping[str, str],
) -> None:
    """Print data on stdout (or into the file), failures on stderr as well."""
    from wheelaudit.cli.failures import tell_error
    from wheelaudit.report.explain import render_explain, render_explain_json

    to_file = options.output is not None and str(options.output) != "-"
    stream = None if to_file else sys.stdout
    color = wants_color(options.color, stream, environ)
    if options.output_format == "json":
        text = render_explain_json(
            options.requirement, explanations, requires_python=settings.requires_python, failures=failures
        )
    else:
        width = find_width(stream, environ)
        text = render_explain(explanations, width=width, color=color, failures=failures) if explanations else ""
    if text:
        write_output(text, options.output if to_file else None, color=color)
    for _, error in failures:
        tell_error(error.message, remedy=error.remedy)
