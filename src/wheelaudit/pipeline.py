"""LANDING: where the wings meet: SPECs and indexes go in, audits come out.

All I/O is the index wing's, all judging the audit wing's; this room only hands
values from one to the other, and says what the failure of one SPEC means for the rest.

SPECs and releases are worked on side by side, over one client. One limiter bounds the
requests of all of them together, so that twenty releases ask a server no harder than
one does; `RELEASES_AT_ONCE` bounds what is held in memory meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import anyio
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import HttpStatusError, ProjectNotFoundError, ReleaseNotFoundError, WheelAuditError
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY
from wheelaudit.index.listing import build_wheel
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.index.selection import RequirementSpec, Wanted, find_releases, parse_spec
from wheelaudit.jobs import (
    Indexes,
    IndexJob,
    Job,
    LocalJob,
    ProjectJob,
    build_jobs,
    find_locations,
    find_locked_release,
    find_wanted,
    narrow_spec,
)
from wheelaudit.metadata import Reading
from wheelaudit.release import Release
from wheelaudit.session import Failure as Failure
from wheelaudit.session import Manner, Session, open_session, read_project
from wheelaudit.session import Outcome as Outcome
from wheelaudit.session import Watcher as Watcher

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit, Union
    from wheelaudit.index.store import MetadataStore

RELEASES_AT_ONCE = 8
"""Releases that are read and judged side by side, and SPECs whose pages are: enough that the wire never waits for one
verdict, and few enough for what each holds (a page of up to 64 MiB, the metadata of up to 2,000 wheels)."""


async def audit_specs(
    specs: Sequence[str],
    *,
    index: Sequence[str] = (),
    pyproject: Path | None = None,
    every: bool = False,
    union: Union = "scoped",
    deep: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
    timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109  (of each request, not of the whole)
    retries: int = DEFAULT_RETRIES,
    record: Path | None = None,
    replay: Path | None = None,
    store: MetadataStore | None = None,
    refresh: bool = False,
    offline: bool = False,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    watcher: Watcher | None = None,
    meanwhile: Sequence[str] = (),
) -> tuple[Outcome, ...]:
    """Audit every release that ``specs`` mean, in their order; a failure of one never loses the others.

    ``watcher`` hears of each outcome as soon as it is there, in the network's order.

    ``specs`` and ``index`` are what the command line takes as SPEC and ``--index``;
    ``pyproject`` is read for what its workspace settles: ``requires-python``, indexes,
    and without ``index`` also which indexes and versions a SPEC means; ``timeout`` is in
    seconds. ``store`` keeps between runs what was read (not of a cassette); ``refresh``
    asks again for all of it, ``offline`` (or UV_OFFLINE) for nothing. ``meanwhile`` names
    modules that will be needed later: they are imported while the network is awaited.
    ``environ`` and ``cwd`` are by default those of this process. What is
    wrong before anything is fetched raises: `UsageError` for a SPEC or an index that
    means nothing, `ProjectFileError`, `CassetteError`.
    """
    manner = Manner(
        concurrency=concurrency,
        timeout=timeout,
        retries=retries,
        record=record,
        replay=replay,
        store=store,
        refresh=refresh,
        offline=offline,
        environ=os.environ if environ is None else environ,
        cwd=Path.cwd() if cwd is None else cwd,
    )
    return await run_audits(
        specs,
        manner=manner,
        index=index,
        pyproject=pyproject,
        every=every,
        union=union,
        deep=deep,
        watcher=watcher,
        meanwhile=meanwhile,
    )


async def run_audits(
    specs: Sequence[str],
    *,
    manner: Manner,
    index: Sequence[str] = (),
    pyproject: Path | None = None,
    every: bool = False,
    union: Union = "scoped",
    deep: bool = False,
    watcher: Watcher | None = None,
    meanwhile: Sequence[str] = (),
) -> tuple[Outcome, ...]:
    """Do what `audit_specs` does, in a manner that is settled already."""
    wanted = [parse_spec(text) for text in specs]
    project = read_project(pyproject, manner)
    indexes = Indexes(project=project, environ=manner.environ, cwd=manner.cwd)
    named = tuple(dict.fromkeys(indexes.find(text) for text in index))
    jobs = tuple(build_jobs(wanted, named, indexes))
    outcomes: tuple[Outcome, ...] = ()
    async with open_session(
        manner, indexes, locations=[*named, *find_locations(jobs)], watcher=watcher, meanwhile=meanwhile
    ) as session:
        outcomes = await audit_jobs(session, jobs, indexes, every=every, union=union, deep=deep)
    # Out of the task group it would come as a group of errors.
    if session.bugs:
        raise session.bugs[0]
    return outcomes


async def audit_jobs(
    session: Session,
    jobs: Sequence[Job],
    indexes: Indexes,
    *,
    every: bool = False,
    union: Union = "scoped",
    deep: bool = False,
) -> tuple[Outcome, ...]:
    """Audit every release that ``jobs`` mean, in their order; none of it counts where the session has bugs."""
    auditor = _Auditor(
        session=session,
        deep=deep,
        judge=partial(_judge, requires_python=indexes.project.requires_python, union=union),
        reconcile=partial(_reconcile_indexes, union=union),
        every=every,
        wanted=find_wanted(jobs, every=every),
        ignored=indexes.find_ignored(),
    )
    return await auditor.do_all(jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Auditor:
    """Does all jobs of a run side by side, over one client."""

    session: Session
    deep: bool
    """Whether the METADATA inside each wheel is compared with what was read of it."""
    judge: Callable[[Release, Sequence[Reading]], Audit]
    reconcile: Callable[[Sequence[Audit]], tuple[Audit, ...]]
    """Of one version's audits, one an index."""
    every: bool
    wanted: Mapping[tuple[IndexLocation, NormalizedName], Wanted]
    """Of each page what some job may need."""
    ignored: Mapping[IndexLocation, frozenset[int]]
    """Statuses with which an index says that it has not got a project."""
    finding: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))
    auditing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))

    async def do_all(self, jobs: Sequence[Job]) -> tuple[Outcome, ...]:
        """Return the outcomes of all jobs, in the jobs' order; none of them counts where there are `bugs`."""
        outcomes = await self.session.gather([partial(self._do, job) for job in jobs])
        return tuple(each for job in outcomes for each in job)

    async def _do(self, job: Job) -> list[Outcome]:
        """Return the outcomes of one job, in the releases' order; never none."""
        try:
            async with self.finding:
                found = await self._find(job)
        except Exception as error:
            return [self.session.fail(job.text, error)]
        self.session.watcher.releases_found([each for each in found if isinstance(each, Release)])
        outcomes = await self.session.gather([partial(self._settle, each) for each in found])
        return _reconcile(outcomes, self.reconcile) if isinstance(job, ProjectJob) else outcomes

    async def _find(self, job: Job) -> Sequence[Release | Failure]:
        match job:
            case LocalJob():
                from wheelaudit.index.local import build_local_releases

                return build_local_releases(job.paths)
            case IndexJob():
                read = self._read_first if job.first else self._read_pages
                pages = await read(job.locations, job.spec.project)
                return self._choose(pages, job.spec, versions=(), wanted=job.wanted)
            case ProjectJob():
                return await self._find_apart(job)
            case _:
                assert_never(job)

    async def _find_apart(self, job: ProjectJob) -> list[Release | Failure]:
        """Find the releases of each index for itself; what one of them fails at leaves the others."""
        answers = await self._read_each([target.location for target in job.targets], job.spec.project)
        if job.spec.specifier:
            return list(_find_pinned(answers, job, every=self.every))
        found: list[Release | Failure] = []
        for target in job.targets:
            answer = answers[target.location]
            if isinstance(answer, WheelAuditError):
                found.append(self.session.fail(job.text, answer))
                continue
            pages = [(target.location.name, answer)]
            versions = () if self.every else target.versions
            found += self._choose(pages, job.spec, versions=versions, wanted=target.wanted)
        return found

    def _choose(
        self,
        pages: Sequence[tuple[str, ProjectPage]],
        spec: RequirementSpec,
        *,
        versions: Sequence[Version],
        wanted: Sequence[SpecifierSet],
    ) -> list[Release | Failure]:
        """Return the releases of exactly ``versions``, else the newest of each of ``wanted``, oldest first."""
        if len(wanted) == 1 and not versions:
            return list(find_releases(pages, narrow_spec(spec, wanted[0]), every=self.every))
        found: dict[Version, Release] = {}
        failures: list[Failure] = []
        for version in versions:
            try:
                found[version] = find_locked_release(pages, spec, version)
            except ReleaseNotFoundError as error:
                failures.append(self.session.fail(f"{spec.project}=={version}", error))
        for specifier in () if versions else wanted or (spec.specifier,):
            narrowed = narrow_spec(spec, specifier)
            try:
                found.update((each.version, each) for each in find_releases(pages, narrowed, every=self.every))
            except ReleaseNotFoundError as error:
                failures.append(self.session.fail(narrowed.text, error))
        return [*(found[version] for version in sorted(found)), *failures]

    async def _settle(self, found: Release | Failure) -> Outcome:
        if isinstance(found, Failure):
            return found
        async with self.auditing:
            return await self._audit(found)

    async def _audit(self, release: Release) -> Outcome:
        self.session.watcher.release_found(release)
        try:
            audit = self.judge(release, await self.session.crawl(release, deep=self.deep))
        except Exception as error:
            return self.session.fail(release.spec, error)
        self.session.watcher.release_done(audit)
        return audit

    async def _read_pages(
        self, locations: Sequence[IndexLocation], project: NormalizedName
    ) -> list[tuple[str, ProjectPage]]:
        """Read the project's page of every index, in the user's order; indexes without the project are left out.

        One index that does not answer fails them all: what it holds is unknown, not nothing.
        """
        answers = await self._read_each(locations, project)
        return _find_pages([(location, answers[location]) for location in locations], project)

    async def _read_first(
        self, locations: Sequence[IndexLocation], project: NormalizedName
    ) -> list[tuple[str, ProjectPage]]:
        """Read the page of the first index that has the project: the later ones have no say (uv's ``first-index``)."""
        missing: list[tuple[IndexLocation, ProjectNotFoundError]] = []
        for location in locations:
            try:
                return [(location.name, await self._read_page(location, project))]
            except ProjectNotFoundError as error:
                missing.append((location, error))
            except HttpStatusError as error:
                if error.status not in self.ignored.get(location, ()):
                    raise
                refused = ProjectNotFoundError(error.message, url=error.url, remedy=error.remedy)
                missing.append((location, refused))
        return _find_pages(missing, project)

    async def _read_each(
        self, locations: Sequence[IndexLocation], project: NormalizedName
    ) -> dict[IndexLocation, ProjectPage | WheelAuditError]:
        """Read the project's page of every index at once; a failure is the answer of its index."""
        answers: dict[IndexLocation, ProjectPage | WheelAuditError] = {}

        async def read(location: IndexLocation) -> None:
            try:
                answers[location] = await self._read_page(location, project)
            except WheelAuditError as error:
                answers[location] = error

        async with anyio.create_task_group() as tasks:
            for location in locations:
                tasks.start_soon(read, location)
        return answers

    async def _read_page(self, location: IndexLocation, project: NormalizedName) -> ProjectPage:
        on_wheel = None if self.deep else partial(self._begin, location.name)
        return await self.session.read_page(location, self.wanted[location, project], on_wheel=on_wheel)

    def _begin(self, index: str, link: PageLink) -> None:
        """Begin to read a wheel that the page has just told of; one whose name is not understood is told later."""
        with contextlib.suppress(ValueError):
            self.session.source.begin(build_wheel(link, index))


def _reconcile(outcomes: Sequence[Outcome], reconcile: Callable[[Sequence[Audit]], tuple[Audit, ...]]) -> list[Outcome]:
    """Let the audits of one version on several of a project's indexes know of each other, in their places."""
    versions: dict[Version, list[Audit]] = {}
    for each in outcomes:
        if not isinstance(each, Failure):
            versions.setdefault(each.release.version, []).append(each)
    reconciled = {version: iter(reconcile(audits)) for version, audits in versions.items()}
    return [each if isinstance(each, Failure) else next(reconciled[each.release.version]) for each in outcomes]


def _find_pages(
    answers: Sequence[tuple[IndexLocation, ProjectPage | WheelAuditError]], project: NormalizedName
) -> list[tuple[str, ProjectPage]]:
    """Return the pages among the answers; raises what is no page and no "not here", or where there is none at all."""
    pages: list[tuple[str, ProjectPage]] = []
    missing: list[ProjectNotFoundError] = []
    for location, answer in answers:
        match answer:
            case ProjectNotFoundError():
                missing.append(answer)
            case WheelAuditError():
                raise answer
            case _:
                pages.append((location.name, answer))
    if pages:
        return pages
    if len(missing) == 1:
        raise missing[0]
    names = ", ".join(location.name for location, _ in answers)
    raise ProjectNotFoundError(
        f"None of the indexes {names} has a project {project}.", url=missing[0].url, remedy=missing[0].remedy
    )


def _find_pinned(
    answers: Mapping[IndexLocation, ProjectPage | WheelAuditError], job: ProjectJob, *, every: bool
) -> Iterator[Release]:
    """Yield the releases of a SPEC with a version, index by index; an index that has none is passed over.

    Raises what find_releases raises of all pages together where none of them has one.
    """
    listed = [(target.location, answers[target.location]) for target in job.targets]
    pages = _find_pages(listed, job.spec.project)
    missing = 0
    for page in pages:
        try:
            yield from find_releases([page], job.spec, every=every)
        except ReleaseNotFoundError:
            missing += 1
    if missing == len(pages):
        find_releases(pages, job.spec, every=every)


def _judge(
    release: Release, readings: Sequence[Reading], *, requires_python: SpecifierSet | None, union: Union
) -> Audit:
    """Judge a release by the audit wing, which comes in only now: the first connection does not wait for it."""
    from wheelaudit.audit.audit import audit_release

    return audit_release(release, readings, requires_python=requires_python, union=union)


def _reconcile_indexes(audits: Sequence[Audit], *, union: Union) -> tuple[Audit, ...]:
    from wheelaudit.audit.audit import reconcile_indexes

    return reconcile_indexes(audits, union=union)
