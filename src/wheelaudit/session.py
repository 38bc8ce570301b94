"""LANDING: one run: its client, what bounds it, and who watches; what works side by side is done here.

One limiter bounds the requests of all works together, so that a hundred releases ask a
server no harder than one does. A page is read once in a run, whoever asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
from packaging.utils import NormalizedName

from wheelaudit.errors import UsageError, WheelAuditError
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT, IndexClient
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY, EarlyReads, crawl_release
from wheelaudit.index.credentials import read_netrc
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.index.selection import VersionSieve, Wanted
from wheelaudit.jobs import Indexes, find_home
from wheelaudit.metadata import Reading
from wheelaudit.project.configuration import is_set
from wheelaudit.project.settings import ProjectSettings, read_project_settings
from wheelaudit.release import Release

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit
    from wheelaudit.index.store import MetadataStore
    from wheelaudit.index.wire import Transports

T = TypeVar("T")

JUDGING = (
    "wheelaudit.index.html_page",
    "wheelaudit.tags",
    "wheelaudit.environments",
    "wheelaudit.audit.values",
    "wheelaudit.grid",
    "wheelaudit.audit.groups",
    "wheelaudit.audit.findings",
    "wheelaudit.audit.audit",
)
"""What reading a page and judging import, in steps that are short beside a round trip: together as long as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A SPEC, or one release that it means, that could not be audited at all."""

    spec: str
    """As the user wrote it, or the release it came to (``project==version``)."""
    error: WheelAuditError


Outcome: TypeAlias = "Audit | Failure"


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

    def release_read(self, release: Release) -> None:
        """Take note of a release whose wheels have all been tried; it is judged later, with others."""

    def release_done(self, outcome: Outcome) -> None:
        """Take note of a release that has been judged, or of a SPEC that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How indexes are read: what answers, what is kept, how hard it is tried; and in whose name."""

    concurrency: int = DEFAULT_CONCURRENCY
    """Requests at once, of all works together."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds, of each request."""
    retries: int = DEFAULT_RETRIES
    record: Path | None = None
    replay: Path | None = None
    store: MetadataStore | None = None
    """Keeps between runs what was read, but for a cassette's."""
    refresh: bool = False
    """Whether what is kept is asked for again."""
    offline: bool = False
    """Whether nothing is asked over the network; UV_OFFLINE says it too."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    cwd: Path = field(default_factory=Path.cwd)


def read_project(pyproject: Path | None, manner: Manner) -> ProjectSettings:
    """Return what a project settles; nothing where there is none. Raises as `read_project_settings` does."""
    if pyproject is None:
        return ProjectSettings()
    return read_project_settings(pyproject, environ=manner.environ, cwd=manner.cwd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run, while it is open."""

    client: IndexClient
    source: EarlyReads
    """Reads wheels; what was begun while a page was on its way is waited for."""
    limiter: anyio.CapacityLimiter
    """Of all requests."""
    watcher: Watcher
    scope: anyio.CancelScope
    bugs: list[Exception] = field(default_factory=list)
    """What was not foreseen; the first ends the run."""
    pages: dict[tuple[IndexLocation, NormalizedName], ProjectPage] = field(default_factory=dict)
    turns: dict[tuple[IndexLocation, NormalizedName], anyio.Lock] = field(default_factory=dict)
    """Of each page: who comes second waits for the first instead of asking as well."""

    async def gather(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
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

    async def read_page(
        self, location: IndexLocation, wanted: Wanted, *, on_wheel: Callable[[PageLink], None] | None
    ) -> ProjectPage:
        """Return an index's page of what is ``wanted``, read once in a run: the first to ask says what counts on it.

        ``on_wheel`` hears of each wheel that is certain to be read, while the page is on its way.
        """
        key = location, wanted.project
        async with self.turns.setdefault(key, anyio.Lock()):
            known = self.pages.get(key)
            if known is None:
                sieve = VersionSieve(wanted, on_wheel=on_wheel)
                async with self.limiter:
                    known = await self.client.read_project_page(location, wanted.project, sieve=sieve)
                self.pages[key] = known
                self.watcher.page_read(location.name, known)
            return known

    async def crawl(self, release: Release, *, deep: bool = False) -> tuple[Reading, ...]:
        """Read all wheels of ``release``."""
        return await crawl_release(
            release, self.source, concurrency=self.limiter, deep=deep, on_read=self.watcher.wheel_read
        )

    def fail(self, spec: str, error: Exception) -> Failure:
        """Make an outcome of a foreseen failure, and raise any other."""
        foreseen = find_foreseen(error)
        if foreseen is None:
            raise error
        failure = Failure(spec=spec, error=foreseen)
        self.watcher.release_done(failure)
        return failure


@asynccontextmanager
async def open_session(
    manner: Manner,
    indexes: Indexes,
    *,
    locations: Sequence[IndexLocation],
    watcher: Watcher | None,
    meanwhile: Sequence[str] = (),
) -> AsyncIterator[Session]:
    """Open a run; what it has begun and nobody has asked for is given up when it ends.

    ``locations`` bring credentials. ``meanwhile`` names modules that will be needed
    later: they are imported while the network is awaited. Raises `UsageError` and
    `CassetteError` before anything is asked.
    """
    connecting = anyio.Event()
    async with (
        _build_client(manner, indexes, locations, on_connect=connecting.set) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(_import_meanwhile, connecting, (*JUDGING, *meanwhile))
        limiter = anyio.CapacityLimiter(manner.concurrency)
        session = Session(
            client=client,
            source=EarlyReads(client, tasks=tasks, limiter=limiter),
            limiter=limiter,
            watcher=Watcher() if watcher is None else watcher,
            scope=tasks.cancel_scope,
        )
        yield session
        tasks.cancel_scope.cancel()


def _build_client(
    manner: Manner, indexes: Indexes, locations: Sequence[IndexLocation], *, on_connect: Callable[[], None]
) -> IndexClient:
    environ = manner.environ
    return IndexClient(
        timeout=manner.timeout,
        retries=manner.retries,
        locations=[*indexes.project.indexes.values(), *locations],
        netrc=read_netrc(environ=environ, home=find_home(environ), platform=sys.platform),
        keyring=indexes.find_keyring() if manner.replay is None else None,
        store=manner.store,
        refresh=manner.refresh,
        offline=manner.replay is None and (manner.offline or is_set(environ, "UV_OFFLINE")),
        transport=build_transport(record=manner.record, replay=manner.replay),
        # What a cassette holds of repetitions is answered without the waits between them.
        sleep=anyio.sleep if manner.replay is None else _skip_wait,
        on_connect=on_connect,
    )


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


async def _import_meanwhile(connecting: anyio.Event, modules: Sequence[str]) -> None:
    """Import, while the first connection is being made, what will be needed when the answers are there."""
    await connecting.wait()
    for name in modules:
        import_module(name)
        await anyio.lowlevel.checkpoint()  # what has arrived meanwhile comes first


async def _skip_wait(seconds: float) -> None:
    """Stand in for a wait: other tasks go on, time does not."""
    await anyio.lowlevel.checkpoint()
