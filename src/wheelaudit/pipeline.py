"""LANDING: where the wings meet: SPECs and indexes go in, audits come out.

All I/O is the index wing's, all judging the audit wing's; this room only hands
values from one to the other, and says what the failure of one SPEC means for the rest.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import anyio
import anyio.lowlevel
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Union
from wheelaudit.errors import (
    HttpStatusError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
    WheelAuditError,
)
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT, IndexClient
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY, crawl_release
from wheelaudit.index.credentials import read_netrc
from wheelaudit.index.local import build_local_releases
from wheelaudit.index.locations import (
    IndexLocation,
    build_channel_location,
    channel_of_version,
    find_location,
)
from wheelaudit.index.pages import ProjectPage
from wheelaudit.index.selection import LocalSpec, RequirementSpec, find_releases, parse_spec
from wheelaudit.metadata import Reading
from wheelaudit.project.configuration import is_set
from wheelaudit.project.settings import (
    ProjectSettings,
    SettingsFiles,
    build_settings_files,
    find_default_index,
    find_implicit_indexes,
    read_project_settings,
)
from wheelaudit.project.targets import Target, find_named_locations, find_targets
from wheelaudit.release import Release

if TYPE_CHECKING:
    from wheelaudit.index.wire import Transports


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

    def release_found(self, release: Release) -> None:
        """Take note of a release whose wheels are about to be read."""

    def wheel_read(self, reading: Reading) -> None:
        """Take note of a wheel that was read, or could not be."""

    def release_done(self, outcome: Outcome) -> None:
        """Take note of a release that has been judged, or of a SPEC that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The indexes that names mean to one user in one project."""

    project: ProjectSettings
    environ: Mapping[str, str]
    cwd: Path

    def find(self, text: str) -> IndexLocation:
        """Return the index that ``--index`` ``text`` means; raises `UsageError` where it means none."""
        return find_location(text, project_indexes=self.project.indexes, default=self.default, cwd=self.cwd)

    def default(self) -> IndexLocation:
        """Return the index that ``pypi`` means to the user."""
        return find_default_index(environ=self.environ, project=self.project, files=self._files(), cwd=self.cwd)

    def find_unnamed(self, spec: RequirementSpec) -> IndexLocation:
        """Return the index of a SPEC that neither ``--index`` nor a source says anything of.

        That is the project's default one, else the channel of the local version, else the user's.
        """
        own = self.project.default_index or self.project.index_url
        if own is not None:
            default = self.default()
            # By the name the project gives it, unless the user's environment overrules the project.
            return own if default.url == own.url else default
        return _channel_of(spec) or self.default()

    def find_chain(self, spec: RequirementSpec) -> tuple[IndexLocation, ...]:
        """Return the indexes that are asked one after the other, until one has the project: as uv does."""
        if self.project.path is None:
            return (self.find_unnamed(spec),)
        implicit = find_implicit_indexes(environ=self.environ, project=self.project, files=self._files(), cwd=self.cwd)
        return tuple(dict.fromkeys((*(index.location for index in implicit), self.find_unnamed(spec))))

    def find_ignored(self) -> dict[IndexLocation, frozenset[int]]:
        """Return the statuses with which an index says "not here" (uv's ``ignore-error-codes``)."""
        return {index.location: index.ignore_error_codes for index in self.project.settled.tables}

    def find_targets(self, spec: RequirementSpec) -> tuple[Target, ...]:
        """Return where the project has what ``spec`` names; empty where it says nothing of it.

        A SPEC with a version is looked for on every index that a source names.
        """
        if not spec.specifier:
            return find_targets(self.project, spec.project, environ=self.environ, cwd=self.cwd)
        named = find_named_locations(self.project, spec.project, environ=self.environ, cwd=self.cwd)
        return tuple(Target(location=location, specifiers=(spec.specifier,)) for location in named)

    def _files(self) -> SettingsFiles:
        return build_settings_files(environ=self.environ, platform=sys.platform, home=find_home(self.environ))


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
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    watcher: Watcher | None = None,
) -> tuple[Outcome, ...]:
    """Audit every release that ``specs`` mean, in their order; a failure of one never loses the others.

    ``specs`` and ``index`` are what the command line takes as SPEC and ``--index``;
    ``pyproject`` is read for what its workspace settles: ``requires-python``, indexes,
    and without ``index`` also which indexes and versions a SPEC means; ``timeout`` is in
    seconds. ``environ`` and ``cwd`` are by default those of this process. What is
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
    jobs = tuple(_build_jobs(wanted, named, indexes))
    transport = build_transport(record=record, replay=replay)
    # What a cassette holds of repetitions is answered without the waits between them.
    sleep = anyio.sleep if replay is None else _skip_wait
    async with IndexClient(
        timeout=timeout,
        retries=retries,
        locations=[*project.indexes.values(), *named, *_find_locations(jobs)],
        netrc=read_netrc(environ=variables, home=find_home(variables), platform=sys.platform),
        offline=replay is None and is_set(variables, "UV_OFFLINE"),
        transport=transport,
        sleep=sleep,
    ) as client:
        auditor = _Auditor(
            client=client,
            crawl=lambda release, on_read: crawl_release(
                release, client, concurrency=concurrency, deep=deep, on_read=on_read
            ),
            judge=lambda release, readings: audit_release(
                release, readings, requires_python=project.requires_python, union=union
            ),
            watcher=Watcher() if watcher is None else watcher,
            ignored=indexes.find_ignored(),
        )
        outcomes: list[Outcome] = []
        for job in jobs:
            outcomes += await auditor.do(job, every=every)
        return tuple(outcomes)


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
class _IndexJob:
    """One SPEC that is looked for on indexes, whose wheels of one version are one release."""

    spec: RequirementSpec
    locations: tuple[IndexLocation, ...]
    wanted: tuple[SpecifierSet, ...]
    """Of each the newest release; of more than one each stands for some of a project's environments."""
    first: bool = False
    """Whether only the first index counts that has the project, as uv takes it."""

    @property
    def text(self) -> str:
        return self.spec.text


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProjectJob:
    """One SPEC whose releases the project's sources or its lock put on several indexes, each audited for itself.

    What uv would take from each has a version of its own, as a rule; where two of them
    come to one version, the outcomes still are one per index, in this order.
    """

    spec: RequirementSpec
    targets: tuple[_TargetJob, ...]

    @property
    def text(self) -> str:
        return self.spec.text


@dataclass(frozen=True, slots=True, kw_only=True)
class _TargetJob:
    """One index, and the exact versions that are wanted there, or the newest of each specifier."""

    location: IndexLocation
    versions: tuple[Version, ...]
    wanted: tuple[SpecifierSet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LocalJob:
    """All SPECs that are on disk: ``dist/*.whl`` arrives as one SPEC a wheel, and means releases."""

    paths: tuple[Path, ...]

    @property
    def text(self) -> str:
        return ", ".join(map(str, self.paths))


_Job = _IndexJob | _ProjectJob | _LocalJob


def _build_jobs(
    wanted: Sequence[RequirementSpec | LocalSpec], named: tuple[IndexLocation, ...], indexes: Indexes
) -> Iterator[_Job]:
    """Pair each SPEC with its indexes; wheels on disk are one job, in the place of the first of them."""
    paths = tuple(spec.path for spec in wanted if isinstance(spec, LocalSpec))
    local = [_LocalJob(paths=paths)]
    for spec in wanted:
        match spec:
            case RequirementSpec() if named:
                yield _IndexJob(spec=spec, locations=named, wanted=(spec.specifier,))
            case RequirementSpec():
                yield _build_unnamed_job(spec, indexes)
            case LocalSpec():
                if local:
                    yield local.pop()


def _build_unnamed_job(spec: RequirementSpec, indexes: Indexes) -> _IndexJob | _ProjectJob:
    """Say where a SPEC without ``--index`` is looked for: where the project has it, else where everything is."""
    targets = indexes.find_targets(spec)
    named = tuple(
        _TargetJob(location=target.location, versions=target.versions, wanted=target.specifiers)
        for target in targets
        if target.location is not None
    )
    if named:
        return _ProjectJob(spec=spec, targets=named)
    wanted = tuple(dict.fromkeys(each for target in targets for each in target.specifiers)) or (spec.specifier,)
    return _IndexJob(spec=spec, locations=indexes.find_chain(spec), wanted=wanted, first=True)


def _find_locations(jobs: Iterable[_Job]) -> Iterator[IndexLocation]:
    """Yield every index that is going to be asked: credentials come with it."""
    for job in jobs:
        match job:
            case _IndexJob():
                yield from job.locations
            case _ProjectJob():
                yield from (target.location for target in job.targets)
            case _LocalJob():
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Auditor:
    """Does one job after the other over one client."""

    client: IndexClient
    crawl: Callable[[Release, Callable[[Reading], None]], Awaitable[tuple[Reading, ...]]]
    judge: Callable[[Release, Sequence[Reading]], Audit]
    watcher: Watcher
    pages: dict[tuple[IndexLocation, NormalizedName], ProjectPage] = field(default_factory=dict)
    """Read in this run: two SPECs of one project need its page once."""
    ignored: Mapping[IndexLocation, frozenset[int]] = field(default_factory=dict)
    """Statuses with which an index says that it has not got a project."""

    async def do(self, job: _Job, *, every: bool) -> list[Outcome]:
        """Return the outcomes of one job, in the releases' order; never none."""
        try:
            found = await self._find(job, every=every)
        except Exception as error:
            return [self._fail(job.text, error)]
        return [each if isinstance(each, Failure) else await self._audit(each) for each in found]

    async def _find(self, job: _Job, *, every: bool) -> Sequence[Release | Failure]:
        match job:
            case _LocalJob():
                return build_local_releases(job.paths)
            case _IndexJob():
                read = self._read_first if job.first else self._read_pages
                pages = await read(job.locations, job.spec.project)
                return self._choose(pages, job.spec, versions=(), wanted=job.wanted, every=every)
            case _ProjectJob():
                return await self._find_apart(job, every=every)
            case _:
                assert_never(job)

    async def _find_apart(self, job: _ProjectJob, *, every: bool) -> list[Release | Failure]:
        """Find the releases of each index for itself; what one of them fails at leaves the others."""
        answers = await self._read_each([target.location for target in job.targets], job.spec.project)
        if job.spec.specifier:
            return list(_find_pinned(answers, job, every=every))
        found: list[Release | Failure] = []
        for target in job.targets:
            answer = answers[target.location]
            if isinstance(answer, WheelAuditError):
                found.append(self._fail(job.text, answer))
                continue
            pages = [(target.location.name, answer)]
            found += self._choose(
                pages, job.spec, versions=() if every else target.versions, wanted=target.wanted, every=every
            )
        return found

    def _choose(
        self,
        pages: Sequence[tuple[str, ProjectPage]],
        spec: RequirementSpec,
        *,
        versions: Sequence[Version],
        wanted: Sequence[SpecifierSet],
        every: bool,
    ) -> list[Release | Failure]:
        """Return the releases of exactly ``versions``, else the newest of each of ``wanted``, oldest first."""
        if len(wanted) == 1 and not versions:
            return list(find_releases(pages, _narrow(spec, wanted[0]), every=every))
        found: dict[Version, Release] = {}
        failures: list[Failure] = []
        for version in versions:
            try:
                found[version] = _find_locked_release(pages, spec, version)
            except ReleaseNotFoundError as error:
                failures.append(self._fail(f"{spec.project}=={version}", error))
        for specifier in () if versions else wanted or (spec.specifier,):
            narrowed = _narrow(spec, specifier)
            try:
                found.update((each.version, each) for each in find_releases(pages, narrowed, every=every))
            except ReleaseNotFoundError as error:
                failures.append(self._fail(narrowed.text, error))
        return [*(found[version] for version in sorted(found)), *failures]

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
        known = self.pages.get((location, project))
        if known is None:
            known = self.pages[location, project] = await self.client.read_project_page(location, project)
            self.watcher.page_read(location.name, known)
        return known


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
    answers: Mapping[IndexLocation, ProjectPage | WheelAuditError], job: _ProjectJob, *, every: bool
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
        releases = find_releases(pages, _narrow(spec, SpecifierSet(f"=={version}")), every=True)
    for release in releases:
        if release.version == version:
            return release
    index, page = pages[0]
    raise ReleaseNotFoundError(
        f"uv.lock has {spec.project} {version} from {index} ({page.url}), which lists no wheels of it.",
        url=page.url,
        remedy=f"Run `uv lock --upgrade-package {spec.project}`, or name a release: {spec.project}==VERSION.",
    )


def _narrow(spec: RequirementSpec, specifier: SpecifierSet) -> RequirementSpec:
    """Return ``spec`` with the bounds that the project sets; as the user wrote it where that is what it says."""
    if specifier == spec.specifier:
        return spec
    return replace(spec, specifier=specifier, text=f"{spec.project}{specifier}")


def find_home(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder."""
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    # expanduser, as Path.home() raises where nobody is at home (containers with a bare user number).
    return Path(home or os.path.expanduser("~"))


def _channel_of(spec: RequirementSpec) -> IndexLocation | None:
    """Return PyTorch's channel that a pinned local version names (``+cu126``)."""
    for part in spec.specifier:
        try:
            version = Version(part.version)
        except InvalidVersion:
            continue
        channel = channel_of_version(version.local, nightly=version.is_devrelease)
        if channel is not None:
            return build_channel_location(channel)
    return None


async def _skip_wait(seconds: float) -> None:
    """Stand in for a wait: other tasks go on, time does not."""
    await anyio.lowlevel.checkpoint()
