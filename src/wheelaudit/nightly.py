"""LANDING: one night: the newest builds of channels are read, held against the history, and remembered.

Reading and judging come first, side by side; comparing and remembering after that, in one
transaction of the history: a night is there whole or not at all, and of two that overlap
the second is compared with what the first has remembered.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelaudit.errors import ReleaseNotFoundError, UsageError
from wheelaudit.history.values import Night, Snapshot, Stream, StreamNight
from wheelaudit.index.builds import find_builds
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.selection import RequirementSpec, Wanted, parse_spec
from wheelaudit.jobs import Indexes
from wheelaudit.release import Release
from wheelaudit.session import Failure, Manner, Session, Watcher, open_session, read_project

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit
    from wheelaudit.history.store import History, NightWriter
    from wheelaudit.history.values import Event, OpenEvent
    from wheelaudit.metadata import Reading

STALE_DAYS = 3
"""Days without a new build after which that is told: a weekend and a holiday pass without."""

PAGES_AT_ONCE = 4
"""Pages that are read and held side by side: a nightly channel's has 30,000 links, and all of them count."""

RELEASES_AT_ONCE = 8
"""Builds that are read and judged side by side, see `pipeline.RELEASES_AT_ONCE`."""

_MEANWHILE = ("wheelaudit.history.compare", "wheelaudit.history.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is looked at each night, and how."""

    projects: tuple[NormalizedName, ...]
    locations: tuple[IndexLocation, ...]
    last: int = 1
    """Builds of each stream that are read back where the history does not know them."""
    stale_days: int = STALE_DAYS


def build_watch(
    projects: Sequence[str], index: Sequence[str], indexes: Indexes, *, last: int = 1, stale_days: int = STALE_DAYS
) -> Watch:
    """Build what is watched of what the command line says; raises `UsageError`."""
    specs = [parse_spec(text) for text in projects]
    names: list[NormalizedName] = []
    for text, spec in zip(projects, specs, strict=True):
        if not isinstance(spec, RequirementSpec) or spec.specifier:
            raise UsageError(
                f'"{text}" is not the name of a project.',
                remedy="Name projects alone, such as torch: of each the newest build is read.",
            )
        names.append(spec.project)
    locations = [indexes.find(text) for text in index] or [indexes.default()]
    return Watch(
        projects=tuple(dict.fromkeys(names)),
        locations=tuple(dict.fromkeys(locations)),
        last=last,
        stale_days=stale_days,
    )


async def run_night(
    projects: Sequence[str],
    *,
    index: Sequence[str],
    history: History,
    night: datetime.date,
    manner: Manner | None = None,
    last: int = 1,
    stale_days: int = STALE_DAYS,
    pyproject: Path | None = None,
    calendar_days: int = 0,
    watcher: Watcher | None = None,
    meanwhile: Sequence[str] = (),
) -> Night:
    """Read the newest builds of ``projects`` on every ``index``, compare each with the history, and remember it.

    A stream that the history does not know is a baseline: nothing of it is told. ``last``
    builds are read of it, and of others as many as are newer than the one that is known.
    ``calendar_days`` of the past come with the night, for the page that draws them.
    ``manner`` is by default `Manner()`: the network, and nothing kept.
    What cannot be read at all is among the night's failures, and not remembered. Raises
    `UsageError`, and whatever the history raises.
    """
    manner = manner or Manner()
    indexes = Indexes(project=read_project(pyproject, manner), environ=manner.environ, cwd=manner.cwd)
    watch = build_watch(projects, index, indexes, last=last, stale_days=stale_days)
    read: list[_Builds | Failure] = []
    async with open_session(
        manner, indexes, locations=watch.locations, watcher=watcher, meanwhile=(*_MEANWHILE, *meanwhile)
    ) as session:
        read = await _Reader(session=session, watch=watch, history=history).read_all()
    # Out of the task group it would come as a group of errors.
    if session.bugs:
        raise session.bugs[0]
    builds = sorted((each for each in read if isinstance(each, _Builds)), key=lambda each: each.stream)
    failures = tuple((each.spec, each.error) for each in read if isinstance(each, Failure))
    with history.begin_night() as writer:
        streams = tuple(
            _remember(each, history, writer, night=night, stale_days=stale_days) for each in builds if each.read
        )
    calendar = (
        history.find_calendar(since=night - datetime.timedelta(days=calendar_days - 1), until=night)
        if calendar_days
        else {}
    )
    return Night(night=night, streams=streams, failures=failures, calendar=calendar)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builds:
    """The builds of a stream that were read, oldest first; the last is tonight's."""

    stream: Stream
    read: tuple[tuple[Release, tuple[Reading, ...], Audit], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads and judges what is watched, in one run."""

    session: Session
    watch: Watch
    history: History
    paging: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(PAGES_AT_ONCE))
    auditing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))

    async def read_all(self) -> list[_Builds | Failure]:
        """Return the streams of all projects and indexes, and what failed; nothing counts where there are bugs."""
        pairs = [(project, location) for location in self.watch.locations for project in self.watch.projects]
        found = await self.session.gather([partial(self._read, *pair) for pair in pairs])
        return [each for every in found for each in every]

    async def _read(self, project: NormalizedName, location: IndexLocation) -> list[_Builds | Failure]:
        """Return the streams of one page; one failure where it cannot be had."""
        name = f"{project} on {location.name}"
        try:
            async with self.paging:
                chosen = await self._find_builds(project, location)
        except Exception as error:
            return [self.session.fail(name, error)]
        self.session.watcher.releases_found([release for releases in chosen.values() for release in releases])
        works = [partial(self._read_stream, stream, releases) for stream, releases in chosen.items()]
        return await self.session.gather(works)

    async def _find_builds(self, project: NormalizedName, location: IndexLocation) -> dict[Stream, tuple[Release, ...]]:
        """Return what is to be read of each stream, oldest first."""
        wanted = Wanted(project=project, specifiers=(SpecifierSet(),))
        page = await self.session.read_page(location, wanted, on_wheel=None)
        found = find_builds(page, project, index=location.name, last=self.watch.last)
        if not found:
            raise ReleaseNotFoundError(
                f"{location.name} ({page.url}) lists no wheels of {project}.",
                url=page.url,
                remedy="Check the name of the project and the index.",
            )
        chosen: dict[Stream, tuple[Release, ...]] = {}
        for label, releases in found.items():
            stream = Stream(project=project, index=location.name, label=label)
            known = self.history.find_last(stream)
            # Tonight's is read in any case: what it says may have changed.
            chosen[stream] = tuple(
                release
                for release in releases
                if known is None or release is releases[-1] or release.version > known.version
            )
        return chosen

    async def _read_stream(self, stream: Stream, releases: Sequence[Release]) -> _Builds | Failure:
        """Read and judge the builds of a stream; where one fails the stream does: the next night knows no gap."""
        read = await self.session.gather([partial(self._audit, stream, release) for release in releases])
        failures = [each for each in read if isinstance(each, Failure)]
        builds = tuple(each for each in read if not isinstance(each, Failure))
        return failures[0] if failures else _Builds(stream=stream, read=builds)

    async def _audit(self, stream: Stream, release: Release) -> tuple[Release, tuple[Reading, ...], Audit] | Failure:
        from wheelaudit.audit.audit import audit_release

        async with self.auditing:
            self.session.watcher.release_found(release)
            try:
                readings = await self.session.crawl(release)
                # No project's bound: upstream's wheels are for everybody.
                audit = audit_release(release, readings)
            except Exception as error:
                return self.session.fail(str(stream), error)
            self.session.watcher.release_done(audit)
        return release, readings, audit


def _remember(
    builds: _Builds, history: History, writer: NightWriter, *, night: datetime.date, stale_days: int
) -> StreamNight:
    """Hold the builds of a stream against the history one after the other, and record each."""
    from wheelaudit.audit.audit import audit_release
    from wheelaudit.history.age import find_build_date
    from wheelaudit.history.compare import find_events

    stream = builds.stream
    baseline = history.find_last(stream) is None
    before = history.find_last_decided(stream)
    before_audit = None if before is None else audit_release(before.release, before.readings)
    open_events = history.find_open(stream)
    events: list[Event] = []
    closed: dict[tuple[str, str], OpenEvent] = {}
    last: StreamNight | None = None
    for number, (release, readings, audit) in enumerate(builds.read):
        tonight = number == len(builds.read) - 1
        known = history.find_first_seen(stream, release.version)
        snapshot = Snapshot(
            stream=stream,
            # What was there before anybody looked is put down under its own date.
            night=night if tonight else find_build_date(release.version, first_seen=night),
            release=release,
            readings=readings,
            verdict=audit.verdict,
            findings=audit.findings,
            read_back=not tonight,
        )
        told = find_events(
            before,
            before_audit,
            snapshot,
            audit,
            open=open_events,
            stale_days=stale_days,
            first_seen=known or find_build_date(release.version, first_seen=night),
        )
        opened = (*told.still_open, *told.opened)
        events += writer.record(snapshot, events=() if baseline else told.events, still_open=opened)
        last = StreamNight(
            snapshot=snapshot,
            audit=audit,
            before=before,
            before_audit=before_audit,
            events=(),
            open=opened if baseline else told.still_open,
        )
        closed.update((_key(each.event), each) for each in told.closed)
        open_events = opened
        if audit.verdict != "undecided":
            before, before_audit = snapshot, audit
    assert last is not None, "a stream has tonight's build"
    new = set(map(_key, events))
    pending = {_key(each.event) for each in open_events}
    return replace(
        last,
        events=tuple(events),
        open=tuple(each for each in last.open if _key(each.event) not in new),
        closed=tuple(each for key, each in closed.items() if key not in pending and not baseline),
    )


def _key(event: Event) -> tuple[str, str]:
    return event.id, event.subject
