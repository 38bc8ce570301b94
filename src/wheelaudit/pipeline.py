"""LANDING: where the wings meet: SPECs and indexes go in, audits come out.

All I/O is the index wing's, all judging the audit wing's; this room only hands
values from one to the other, and says what the failure of one SPEC means for the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Union
from wheelaudit.errors import ProjectNotFoundError, UsageError, WheelAuditError
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT, IndexClient
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY, crawl_release
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
from wheelaudit.project.settings import (
    ProjectSettings,
    build_settings_files,
    find_default_index,
    read_project_settings,
)
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
        # expanduser, as Path.home() raises where nobody is at home (containers with a bare user number).
        home = Path(os.path.expanduser("~"))
        files = build_settings_files(environ=self.environ, platform=sys.platform, home=home)
        return find_default_index(environ=self.environ, project=self.project, files=files, cwd=self.cwd)

    def find_unnamed(self, spec: RequirementSpec) -> IndexLocation:
        """Return the index of a SPEC without ``--index``: the project's, the local version's, the user's."""
        if self.project.default_index is not None:
            default = self.default()
            # By the name the project gives it, unless the user's environment overrules the project.
            return self.project.default_index if default.url == self.project.default_index.url else default
        return _channel_of(spec) or self.default()


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
    ``pyproject`` is read for ``requires-python`` and for indexes; ``timeout`` is in
    seconds. ``environ`` and ``cwd`` are by default those of this process. What is
    wrong before anything is fetched raises: `UsageError` for a SPEC or an index that
    means nothing, `ProjectFileError`, `CassetteError`.
    """
    wanted = [parse_spec(text) for text in specs]
    project = ProjectSettings() if pyproject is None else read_project_settings(pyproject)
    indexes = Indexes(
        project=project, environ=os.environ if environ is None else environ, cwd=Path.cwd() if cwd is None else cwd
    )
    named = tuple(dict.fromkeys(indexes.find(text) for text in index))
    jobs = tuple(_build_jobs(wanted, named, indexes))
    transport = build_transport(record=record, replay=replay)
    # What a cassette holds of repetitions is answered without the waits between them.
    sleep = anyio.sleep if replay is None else _skip_wait
    async with IndexClient(
        timeout=timeout,
        retries=retries,
        locations=[*project.indexes.values(), *named],
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
    """One SPEC that is looked for on indexes."""

    spec: RequirementSpec
    locations: tuple[IndexLocation, ...]

    @property
    def text(self) -> str:
        return self.spec.text


@dataclass(frozen=True, slots=True, kw_only=True)
class _LocalJob:
    """All SPECs that are on disk: ``dist/*.whl`` arrives as one SPEC a wheel, and means releases."""

    paths: tuple[Path, ...]

    @property
    def text(self) -> str:
        return ", ".join(map(str, self.paths))


def _build_jobs(
    wanted: Sequence[RequirementSpec | LocalSpec], named: tuple[IndexLocation, ...], indexes: Indexes
) -> Iterator[_IndexJob | _LocalJob]:
    """Pair each SPEC with its indexes; wheels on disk are one job, in the place of the first of them."""
    paths = tuple(spec.path for spec in wanted if isinstance(spec, LocalSpec))
    local = [_LocalJob(paths=paths)]
    for spec in wanted:
        match spec:
            case RequirementSpec():
                yield _IndexJob(spec=spec, locations=named or (indexes.find_unnamed(spec),))
            case LocalSpec():
                if local:
                    yield local.pop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Auditor:
    """Does one job after the other over one client."""

    client: IndexClient
    crawl: Callable[[Release, Callable[[Reading], None]], Awaitable[tuple[Reading, ...]]]
    judge: Callable[[Release, Sequence[Reading]], Audit]
    watcher: Watcher
    pages: dict[tuple[IndexLocation, NormalizedName], ProjectPage] = field(default_factory=dict)
    """Read in this run: two SPECs of one project need its page once."""

    async def do(self, job: _IndexJob | _LocalJob, *, every: bool) -> list[Outcome]:
        """Return the outcomes of one job, in the releases' order; never none."""
        try:
            releases = await self._find(job, every=every)
        except Exception as error:
            return [self._fail(job.text, error)]
        return [await self._audit(release) for release in releases]

    async def _find(self, job: _IndexJob | _LocalJob, *, every: bool) -> tuple[Release, ...]:
        match job:
            case _LocalJob():
                return build_local_releases(job.paths)
            case _IndexJob():
                pages = await self._read_pages(job.locations, job.spec.project)
                return find_releases(pages, job.spec, every=every)

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
        answers: dict[IndexLocation, ProjectPage | ProjectNotFoundError] = {}

        async def read(location: IndexLocation) -> None:
            try:
                answers[location] = await self._read_page(location, project)
            except ProjectNotFoundError as error:
                answers[location] = error

        async with anyio.create_task_group() as tasks:
            for location in locations:
                tasks.start_soon(read, location)
        pages = [
            (location.name, answer)
            for location in locations
            if not isinstance(answer := answers[location], ProjectNotFoundError)
        ]
        if not pages:
            raise _not_found([answers[location] for location in locations], locations, project)
        return pages

    async def _read_page(self, location: IndexLocation, project: NormalizedName) -> ProjectPage:
        known = self.pages.get((location, project))
        if known is None:
            known = self.pages[location, project] = await self.client.read_project_page(location, project)
            self.watcher.page_read(location.name, known)
        return known


def _not_found(
    answers: Sequence[ProjectPage | ProjectNotFoundError], locations: Sequence[IndexLocation], project: NormalizedName
) -> ProjectNotFoundError:
    errors = [answer for answer in answers if isinstance(answer, ProjectNotFoundError)]
    if len(errors) == 1:
        return errors[0]
    names = ", ".join(location.name for location in locations)
    return ProjectNotFoundError(
        f"None of the indexes {names} has a project {project}.", url=errors[0].url, remedy=errors[0].remedy
    )


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
