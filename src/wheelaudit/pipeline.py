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
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, assert_never

import anyio
import anyio.lowlevel
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.audit.audit import audit_release, reconcile_indexes
from wheelaudit.audit.values import Audit, Union
from wheelaudit.errors import (
    HttpStatusError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
    WheelAuditError,
)
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT, IndexClient
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY, EarlyReads, crawl_release
from wheelaudit.index.credentials import read_netrc
from wheelaudit.index.local import build_local_releases
from wheelaudit.index.locations import (
    IndexLocation,
)
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.index.selection import (
    RequirementSpec,
    VersionSieve,
    Wanted,
    build_wheel,
    find_releases,
    parse_spec,
)
from wheelaudit.jobs import (
    Indexes,
    IndexJob,
    Job,
    LocalJob,
    ProjectJob,
    build_jobs,
    find_home,
    find_locations,
    find_wanted,
    narrow_spec,
)
from wheelaudit.metadata import Reading
from wheelaudit.project.configuration import is_set
from wheelaudit.project.settings import (
    ProjectSettings,
    read_project_settings,
)
from wheelaudit.release import Release

if TYPE_CHECKING:
    from wheelaudit.index.store import MetadataStore
    from wheelaudit.index.wire import Transports


T = TypeVar("T")

RELEASES_AT_ONCE = 8
"""Releases that are read and judged side by side, and SPECs whose pages are: enough that the wire never waits for one
verdict, and few enough for what each holds (a page of up to 64 MiB, the metadata of up to 2,000 wheels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A SPEC, or one release that it means, that could not be audited at all."""

    spec: str
    """As the user wrote it, or the release it came to (``project==version``)."""
    error: WheelAuditError


Outcome = Audit | Failure


class Watcher:
    """Is told how far the work is. This one keeps it to itself; whoever shows it overrides what they show."""

    def page_read(self, index: str, page: ProjectPage) -> None:
        """Take note of a project page that has arrived."""

    def releases_found(self, releases: Sequence[Release]) -> None:
        """Take note of all releases that one SPEC has come to."""

    def release_found(self, release: Release) -> None:
        """Take note of a release whose wheels are about to be read."""

    def wheel_read(self, reading: Reading) -> None:
        """Take note of a wheel that was read, or could not be."""

    def release_done(self, outcome: Outcome) -> None:
        """Take note of a release that has been judged, or of a SPEC that cannot be."""


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
) -> tuple[Outcome, ...]:
    """Audit every release that ``specs`` mean, in their order; a failure of one never loses the others.

    ``watcher`` hears of each outcome as soon as it is there, in the network's order.

    ``specs`` and ``index`` are what the command line takes as SPEC and ``--index``;
    ``pyproject`` is read for what its workspace settles: ``requires-python``, indexes,
    and without ``index`` also which indexes and versions a SPEC means; ``timeout`` is in
    seconds. ``store`` keeps between runs what was read (not of a cassette); ``refresh``
    asks again for all of it, ``offline`` (or UV_OFFLINE) for nothing.
    ``environ`` and ``cwd`` are by default those of this process. What is
    wrong before anything is fetched raises: `UsageError` for a SPEC or an index that
    means nothing, `ProjectFileError`, `CassetteError`.
    """
    wanted = [parse_spec(text) for text in specs]
    variables = os.environ if environ is None else environ
    folder = Path.cwd() if cwd is None else cwd
    project = (
        ProjectSettings() if pyproject is None else read_project_settings(pyproject, environ=variables, cwd=folder)
    )
    indexes = Indexes(project=project, environ=variables, cwd=folder)
    named = tuple(dict.fromkeys(indexes.find(text) for text in index))
    jobs = tuple(build_jobs(wanted, named, indexes))
    transport = build_transport(record=record, replay=replay)
    # What a cassette holds of repetitions is answered without the waits between them.
    sleep = anyio.sleep if replay is None else _skip_wait
    async with IndexClient(
        timeout=timeout,
        retries=retries,
        locations=[*project.indexes.values(), *named, *find_locations(jobs)],
        netrc=read_netrc(environ=variables, home=find_home(variables), platform=sys.platform),
        store=store,
        refresh=refresh,
        offline=replay is None and (offline or is_set(variables, "UV_OFFLINE")),
        transport=transport,
        sleep=sleep,
    ) as client:
        limiter = anyio.CapacityLimiter(concurrency)
        async with anyio.create_task_group() as tasks:
            source = EarlyReads(client, tasks=tasks, limiter=limiter)
            auditor = _Auditor(
                client=client,
                # A wheel's own METADATA is compared with what was read of it, so of each is read all at once.
                early=None if deep else source,
                limiter=limiter,
                crawl=lambda release, on_read: crawl_release(
                    release, source, concurrency=limiter, deep=deep, on_read=on_read
                ),
                judge=lambda release, readings: audit_release(
                    release, readings, requires_python=project.requires_python, union=union
                ),
                reconcile=partial(reconcile_indexes, union=union),
                watcher=Watcher() if watcher is None else watcher,
                every=every,
                wanted=find_wanted(jobs, every=every),
                ignored=indexes.find_ignored(),
                scope=tasks.cancel_scope,
            )
            outcomes = await auditor.do_all(jobs)
            # What was begun for a release that has come to nothing.
            tasks.cancel_scope.cancel()
        # Out of the task group it would come as a group of errors.
        if auditor.bugs:
            raise auditor.bugs[0]
        return outcomes


def build_transport(*, record: Path | None, replay: Path | None) -> Transports | None:
    """Return what puts a cassette around the network (``record``) or in its place (``replay``); None for neither."""
    if record is None and replay is None:
        return None
    if record is not None and replay is not None:
        raise UsageError("--record and --replay exclude each other.", remedy="Leave one of them out.")
    # Lazy: it knows httpx, and most audits need no cassette.
    from wheelaudit.index.cassettes import RecordingTransport, ReplayTransport, check_destination

    if record is not None:
        check_destination(record)
        return lambda network: RecordingTransport(network, record)
    assert replay is not None
    cassette = ReplayTransport(replay)
    return lambda network: cassette


def find_foreseen(error: Exception) -> WheelAuditError | None:
    """Return the foreseen failure that an exception is or wraps up (a task group's); None for a bug."""
    match error:
        case WheelAuditError():
            return error
        case ExceptionGroup():
            found = [find_foreseen(inner) for inner in error.exceptions]
            return None if None in found else found[0]
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Auditor:
    """Does all jobs of a run side by side, over one client."""

    client: IndexClient
    early: EarlyReads | None
    """Begins to read a wheel while the page that lists it is still on its way; None: not before the crawl."""
    limiter: anyio.CapacityLimiter
    """Of the requests of the whole run."""
    crawl: Callable[[Release, Callable[[Reading], None]], Awaitable[tuple[Reading, ...]]]
    judge: Callable[[Release, Sequence[Reading]], Audit]
    reconcile: Callable[[Sequence[Audit]], tuple[Audit, ...]]
    """Of one version's audits, one an index."""
    watcher: Watcher
    every: bool
    wanted: Mapping[tuple[IndexLocation, NormalizedName], Wanted]
    """Of each page what some job may need."""
    scope: anyio.CancelScope
    """Of the run."""
    pages: dict[tuple[IndexLocation, NormalizedName], ProjectPage] = field(default_factory=dict)
    """Read in this run: two SPECs of one project need its page once."""
    turns: dict[tuple[IndexLocation, NormalizedName], anyio.Lock] = field(default_factory=dict)
    """Of each page: who comes second waits for the first instead of asking as well."""
    finding: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))
    auditing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))
    ignored: Mapping[IndexLocation, frozenset[int]] = field(default_factory=dict)
    """Statuses with which an index says that it has not got a project."""
    bugs: list[Exception] = field(default_factory=list)
    """What was not foreseen; the first ends the run."""

    async def do_all(self, jobs: Sequence[Job]) -> tuple[Outcome, ...]:
        """Return the outcomes of all jobs, in the jobs' order; none of them counts where there are `bugs`."""
        outcomes = await self._gather([partial(self._do, job) for job in jobs])
        return tuple(each for job in outcomes for each in job)

    async def _do(self, job: Job) -> list[Outcome]:
        """Return the outcomes of one job, in the releases' order; never none."""
        try:
            async with self.finding:
                found = await self._find(job)
        except Exception as error:
            return [self._fail(job.text, error)]
        self.watcher.releases_found([each for each in found if isinstance(each, Release)])
        outcomes = await self._gather([partial(self._settle, each) for each in found])
        return _reconcile(outcomes, self.reconcile) if isinstance(job, ProjectJob) else outcomes

    async def _gather(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Do all works side by side and return their results in order; a bug in one ends the run."""
        results: dict[int, T] = {}

        async def do(number: int, work: Callable[[], Awaitable[T]]) -> None:
            try:
                results[number] = await work()
            except Exception as error:
                self.bugs.append(error)
                self.scope.cancel()

        async with anyio.create_task_group() as tasks:
            for number, work in enumerate(works):
                tasks.start_soon(do, number, work)
        return [results[number] for number in sorted(results)]

    async def _find(self, job: Job) -> Sequence[Release | Failure]:
        match job:
            case LocalJob():
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
                found.append(self._fail(job.text, answer))
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
                found[version] = _find_locked_release(pages, spec, version)
            except ReleaseNotFoundError as error:
                failures.append(self._fail(f"{spec.project}=={version}", error))
        for specifier in () if versions else wanted or (spec.specifier,):
            narrowed = narrow_spec(spec, specifier)
            try:
                found.update((each.version, each) for each in find_releases(pages, narrowed, every=self.every))
            except ReleaseNotFoundError as error:
                failures.append(self._fail(narrowed.text, error))
        return [*(found[version] for version in sorted(found)), *failures]

    async def _settle(self, found: Release | Failure) -> Outcome:
        if isinstance(found, Failure):
            return found
        async with self.auditing:
            return await self._audit(found)

    async def _audit(self, release: Release) -> Outcome:
        self.watcher.release_found(release)
        try:
            audit = self.judge(release, await self.crawl(release, self.watcher.wheel_read))
        except Exception as error:
            return self._fail(release.spec, error)
        self.watcher.release_done(audit)
        return audit

    def _fail(self, spec: str, error: Exception) -> Failure:
        foreseen = find_foreseen(error)
        if foreseen is None:
            raise error
        failure = Failure(spec=spec, error=foreseen)
        self.watcher.release_done(failure)
        return failure

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
        key = location, project
        async with self.turns.setdefault(key, anyio.Lock()):
            known = self.pages.get(key)
            if known is None:
                sieve = VersionSieve(self.wanted[key], on_wheel=partial(self._begin, location.name))
                async with self.limiter:
                    known = await self.client.read_project_page(location, project, sieve=sieve)
                self.pages[key] = known
                self.watcher.page_read(location.name, known)
            return known

    def _begin(self, index: str, link: PageLink) -> None:
        """Begin to read a wheel that the page has just told of; one whose name is not understood is told later."""
        if self.early is not None:
            with contextlib.suppress(ValueError):
                self.early.begin(build_wheel(link, index))


def _reconcile(outcomes: Sequence[Outcome], reconcile: Callable[[Sequence[Audit]], tuple[Audit, ...]]) -> list[Outcome]:
    """Let the audits of one version on several of a project's indexes know of each other, in their places."""
    versions: dict[Version, list[Audit]] = {}
    for each in outcomes:
        if isinstance(each, Audit):
            versions.setdefault(each.release.version, []).append(each)
    reconciled = {version: iter(reconcile(audits)) for version, audits in versions.items()}
    return [next(reconciled[each.release.version]) if isinstance(each, Audit) else each for each in outcomes]


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


def _find_locked_release(pages: Sequence[tuple[str, ProjectPage]], spec: RequirementSpec, version: Version) -> Release:
    """Return exactly one version: ``==2.6.0`` alone would mean its local versions too (PEP 440)."""
    releases: tuple[Release, ...] = ()
    with contextlib.suppress(ReleaseNotFoundError):
        releases = find_releases(pages, narrow_spec(spec, SpecifierSet(f"=={version}")), every=True)
    for release in releases:
        if release.version == version:
            return release
    index, page = pages[0]
    raise ReleaseNotFoundError(
        f"uv.lock has {spec.project} {version} from {index} ({page.url}), which lists no wheels of it.",
        url=page.url,
        remedy=f"Run `uv lock --upgrade-package {spec.project}`, or name a release: {spec.project}==VERSION.",
    )


async def _skip_wait(seconds: float) -> None:
    """Stand in for a wait: other tasks go on, time does not."""
    await anyio.lowlevel.checkpoint()
