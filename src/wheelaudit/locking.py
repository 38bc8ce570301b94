"""LANDING: a lock file goes in, and what it gives of each release against what the wheels ask for comes out.

Of each release the index's page is read, for the hashes of metadata that it advertises,
and then the metadata of exactly the wheels that the lock names. Nothing is resolved, and
nothing is taken from a file that is not the one that was locked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import ProjectNotFoundError, WheelAuditError
from wheelaudit.index.listing import build_wheel
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.index.selection import RequirementSpec, Wanted
from wheelaudit.jobs import Indexes, ProjectJob, TargetJob
from wheelaudit.lock import Lock, LockedPackage, LockKind
from wheelaudit.locktargets import Target, build_targets, find_advertised, find_plan, find_skipped, may_be
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.project.locks import add_project, read_lock
from wheelaudit.release import Release, WheelFile, wheel_order
from wheelaudit.session import Failure, Manner, Session, Watcher, open_session, read_project

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit, LockAudit

RELEASES_AT_ONCE = 32
"""Releases that are read side by side: each is mostly a page and one more request, so that fewer would leave the wire
idle between the two. What is asked of one host at once, the wire and the run's limiter bound."""

JUDGING = ("wheelaudit.audit.locks",)

_UNTOLD = (
    "Neither {lock} nor a pyproject.toml beside it says what the project asks for itself, so what was gained (WA412) "
    "is not told."
)
_UNNAMED = "{lock} names {count} of which the name is not understood, and nothing is said of them; the first: {first}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRelease:
    """One package of the lock, and what became of it."""

    project: NormalizedName
    version: Version | None
    index: str | None
    """As reports name it, without credentials; None: it comes from none."""
    wheels: int
    """That the lock names."""
    lock_audit: LockAudit | None = None
    """None where it was skipped or failed."""
    audit: Audit | None = None
    """Of the release as a whole, with its override; None unless the lock is wrong, and where it failed."""
    skipped: str | None = None
    """Why there is nothing to compare, in a few words."""
    error: WheelAuditError | None = None
    """Why it could not be done at all."""
    line: int | None = None
    """Of the lock, where it begins; None: see `LockedPackage.line`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCheck:
    """All packages of a lock but the project's own, in its order."""

    kind: LockKind
    # Not shown: what an event loop's main task returns, it spells out as it ends (signal.signal looks for an enum).
    releases: tuple[CheckedRelease, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    """Sentences on what could not be told."""


async def check_lock(
    path: Path,
    *,
    only: Collection[NormalizedName] = (),
    pyproject: Path | None = None,
    manner: Manner | None = None,
    watcher: Watcher | None = None,
    meanwhile: Sequence[str] = (),
) -> LockCheck:
    """Hold every release that a lock takes from an index against its wheels; ``only`` these projects, if any.

    ``pyproject`` is the project that the lock is of: its indexes bring names and
    credentials. ``manner`` is by default `Manner()`: the network, and nothing kept.
    ``watcher`` and ``meanwhile`` are those of `pipeline.audit_specs`. A release that
    cannot be read fails alone. Raises `ProjectFileError` for a lock or a project that
    cannot be read, and `UsageError`.
    """
    manner = manner or Manner()
    lock = read_lock(path)
    project = read_project(pyproject, manner)
    if lock.roots is None and project.workspace is not None:
        lock = add_project(lock, project.workspace)
    indexes = Indexes(project=project, environ=manner.environ, cwd=manner.cwd)
    targets = build_targets(lock, path, indexes)
    locations = [target.location for target in targets.values() if target.location is not None]
    checked: list[tuple[CheckedRelease, ...]] = []
    async with open_session(
        manner, indexes, locations=locations, watcher=watcher, meanwhile=(*JUDGING, *meanwhile)
    ) as session:
        plan = find_plan(lock, targets, only)
        check = _Check(session=session, lock=lock, targets=targets, plan=plan, indexes=indexes)
        checked = await session.gather([partial(check.do_all, only)])
    # Out of the task group it would come as a group of errors.
    if session.bugs:
        raise session.bugs[0]
    told = [target for target in targets.values() if not only or target.release.project in only]
    return LockCheck(kind=lock.kind, releases=checked[0], notes=tuple(_find_notes(lock, path, told)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """Reads and compares all releases of a lock, in one run."""

    session: Session
    lock: Lock
    targets: Mapping[int, Target]
    """By position in the lock."""
    plan: Sequence[int]
    """Those that are to be read."""
    indexes: Indexes
    reading: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(RELEASES_AT_ONCE))

    async def do_all(self, only: Collection[NormalizedName]) -> tuple[CheckedRelease, ...]:
        """Return what became of each package, in the lock's order; nothing counts where the session has bugs."""
        chosen = [self.targets[position] for position in self.plan]
        self.session.watcher.releases_found([target.release for target in chosen])
        answers = await self.session.gather([partial(self._read, target) for target in chosen])
        read = dict(zip(self.plan, answers, strict=True))
        audits = self._judge({position: each for position, each in read.items() if not isinstance(each, Failure)})
        whole = await self._audit_whole([position for position, audit in audits.items() if audit.status == "wrong"])
        return tuple(
            self._build(position, package, read.get(position), audits.get(position), whole.get(position))
            for position, package in enumerate(self.lock.packages)
            if package.origin != "project" and (not only or package.project in only)
        )

    def _build(
        self,
        position: int,
        package: LockedPackage,
        read: tuple[Release, tuple[Reading, ...]] | Failure | None,
        lock_audit: LockAudit | None,
        audit: Audit | None,
    ) -> CheckedRelease:
        target = self.targets.get(position)
        return CheckedRelease(
            project=package.project,
            version=package.version,
            index=None if target is None else target.release.indexes[0],
            wheels=len(package.wheels),
            lock_audit=lock_audit,
            audit=audit,
            skipped=find_skipped(self.lock, package, target),
            error=read.error if isinstance(read, Failure) else None,
            line=package.line,
        )

    async def _read(self, target: Target) -> tuple[Release, tuple[Reading, ...]] | Failure:
        """Read the wheels that the lock names of a release; from the store alone where it has all of them."""
        stored = tuple(filter(None, map(self.session.client.find_stored, target.release.wheels)))
        if len(stored) == len(target.release.wheels):
            return self._finish(target, stored)
        async with self.reading:
            try:
                page = None if target.location is None else await self._read_page(target, target.location)
                found = list(find_advertised(target, page))
                readable = [each for each in found if isinstance(each, WheelFile)]
                readings = await self.session.crawl(replace(target.release, wheels=tuple(readable)))
                await self.session.client.remember(_find_certain(target, readings))
            except Exception as error:
                return self.session.fail(target.release.spec, error)
        unread = [each for each in found if isinstance(each, UnreadableWheel)]
        return self._finish(target, unread, told=readings)

    def _finish(
        self, target: Target, readings: Sequence[Reading], *, told: Sequence[Reading] = ()
    ) -> tuple[Release, tuple[Reading, ...]]:
        """Put a release's readings in order; those are told of that the crawl has not told of."""
        for each in readings:
            self.session.watcher.wheel_read(each)
        every = tuple(sorted((*told, *readings), key=lambda reading: wheel_order(reading.wheel)))
        release = replace(target.release, wheels=tuple(reading.wheel for reading in every))
        self.session.watcher.release_read(release)
        return release, every

    async def _read_page(self, target: Target, location: IndexLocation) -> ProjectPage | None:
        """Return the project's page; None where the index has none any more: the lock's addresses may still do."""
        kin = [other for other in self.targets.values() if other.is_beside(target)]
        wanted = Wanted(project=target.release.project, versions=frozenset(other.release.version for other in kin))
        chosen = [each for each in map(self.targets.__getitem__, self.plan) if each.is_beside(target)]
        wheels = {wheel for each in chosen for wheel in each.release.wheels}
        try:
            return await self.session.read_page(location, wanted, on_wheel=partial(self._begin, wheels))
        except ProjectNotFoundError:
            return None

    def _begin(self, wheels: Collection[WheelFile], link: PageLink) -> None:
        """Begin to read a wheel of the lock that the page has just told of."""
        for wheel in wheels:
            if may_be(link, wheel):
                self.session.source.begin(build_wheel(link, wheel.index))

    def _judge(self, read: Mapping[int, tuple[Release, tuple[Reading, ...]]]) -> dict[int, LockAudit]:
        from wheelaudit.audit.locks import judge_lock

        return judge_lock(self.lock, read)

    async def _audit_whole(self, wrong: Sequence[int]) -> dict[int, Audit]:
        """Audit releases with all the wheels of their pages, for the overrides that mend the lock.

        An entry stands for its version on every index: those that the lock has it from are
        audited together, and where one of them cannot be read, nobody knows what is right.
        """
        from wheelaudit.pipeline import audit_jobs

        specs = dict.fromkeys(self.targets[position].release.spec for position in wrong)
        groups = [group for group in map(self._find_group, specs) if group]
        # Of each job one outcome an index.
        outcomes = iter(await audit_jobs(self.session, [self._build_job(group) for group in groups], self.indexes))
        audits: dict[int, Audit] = {}
        for group in groups:
            own = {position: next(outcomes) for position in group}
            read = {position: outcome for position, outcome in own.items() if not isinstance(outcome, Failure)}
            audits.update(read if len(read) == len(own) else {})
        return audits

    def _find_group(self, spec: str) -> dict[int, IndexLocation]:
        """Return where in the lock a release is, once for each index; none where one of them is not named."""
        places = {target.location: n for n, target in self.targets.items() if target.release.spec == spec}
        return {} if None in places else {n: location for location, n in places.items() if location is not None}

    def _build_job(self, group: Mapping[int, IndexLocation]) -> ProjectJob:
        """Name a release and its indexes to the pipeline."""
        release = self.targets[min(group)].release
        targets = (TargetJob(location=each, versions=(release.version,), wanted=()) for each in group.values())
        spec = RequirementSpec(project=release.project, specifier=SpecifierSet(), text=release.spec)
        return ProjectJob(spec=spec, targets=tuple(targets))


def _find_certain(target: Target, readings: Iterable[Reading]) -> Iterator[WheelMetadata]:
    """Yield the readings of files whose hash, on the page, is the lock's: what they say, they say for good."""
    locked = {wheel.filename: wheel for wheel in target.release.wheels}
    for reading in readings:
        wheel = locked[reading.wheel.filename]
        if isinstance(reading, WheelMetadata) and wheel.sha256 is not None and reading.wheel.sha256 == wheel.sha256:
            yield replace(reading, wheel=wheel)


def _find_notes(lock: Lock, path: Path, targets: Iterable[Target]) -> Iterator[str]:
    from wheelaudit.audit.locks import tells_gained

    if not tells_gained(lock):
        yield _UNTOLD.format(lock=path.name)
    skipped = [file for target in targets for file in target.release.skipped]
    if skipped:
        count = "1 wheel" if len(skipped) == 1 else f"{len(skipped)} wheels"
        yield _UNNAMED.format(lock=path.name, count=count, first=skipped[0].filename)
