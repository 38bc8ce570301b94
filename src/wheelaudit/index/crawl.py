"""WING B: reads all wheels of a release, asking once for what is advertised to be equal.

Equal advertised hashes mean equal metadata (PEP 658: the hash is of the ``.metadata``
file): the 866 wheels of the releases that were looked at hold 190 distinct ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from wheelaudit.errors import InvalidMetadataError, MetadataError, WheelAuditError
from wheelaudit.metadata import CoreMetadata, Fault, Reading, UnreadableWheel, WheelMetadata
from wheelaudit.release import Release, WheelFile

DEFAULT_CONCURRENCY = 64
"""Reads at once: what one host is asked over HTTP/2 (`wire.MAX_STREAMS`). Over HTTP/1.1 the wire lets fewer through."""

MAX_KEPT_CHARACTERS = 20_000_000
"""Of what the distinct METADATA of a release ask for, and `_LINE_CHARACTERS` a line besides: in memory ten times as
much. The wheels of torch have 5,000, and 100 wheels of a thousand requirements each come to 18 million."""
_LINE_CHARACTERS = 100

_SCOUTS = 2
"""Wheels of one advertised hash that are tried one after the other before all are."""


class MetadataSource(Protocol):
    """Where metadata comes from: `IndexClient`, or what stands in for it."""

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        """Return the metadata of one wheel; raises `MetadataError` where it cannot be had."""
        ...


async def crawl_release(
    release: Release,
    source: MetadataSource,
    *,
    concurrency: int | anyio.CapacityLimiter = DEFAULT_CONCURRENCY,
    deep: bool = False,
    on_read: Callable[[Reading], None] | None = None,
) -> tuple[Reading, ...]:
    """Read all wheels of ``release``; one reading per wheel, in release order.

    A wheel that cannot be read is a reading too: one bad file never hides the others,
    and never counts as "asks for nothing". Wheels that advertise one hash share one
    verified reading; not where ``deep``, which looks into each wheel. ``on_read`` hears
    of each wheel once, in the network's order. ``concurrency`` is how many wheels are
    read at once, or what bounds that for several releases together. Bugs and cancellation propagate, and so
    does any `WheelAuditError` that is not about one wheel (a cassette's).
    """
    limiter = anyio.CapacityLimiter(concurrency) if isinstance(concurrency, int) else concurrency
    crawl = _Crawl(source, limiter=limiter, deep=deep, on_read=on_read)
    await crawl.run(_build_groups(release.wheels, shared=not deep))
    # Tasks finish in the network's order; reports are read in the release's.
    return tuple(crawl.readings[wheel] for wheel in release.wheels)


def _build_groups(wheels: Sequence[WheelFile], *, shared: bool) -> tuple[tuple[WheelFile, ...], ...]:
    """Group wheels by advertised hash; one without any stands alone."""
    groups: dict[object, list[WheelFile]] = {}
    for wheel in dict.fromkeys(wheels):
        groups.setdefault(_key_of(wheel) if shared else wheel, []).append(wheel)
    return tuple(tuple(group) for group in groups.values())


class EarlyReads:
    """A `MetadataSource` that may begin before a crawl asks: while the page is still on its way.

    What was begun is answered when the crawl asks for that wheel, or for another one
    that advertises the same hash; anything else is passed on to ``source``.
    """

    def __init__(self, source: MetadataSource, *, tasks: TaskGroup, limiter: anyio.CapacityLimiter) -> None:
        self._source = source
        self._tasks = tasks
        self._limiter = limiter
        self._begun: dict[object, _EarlyRead] = {}
        self._kept = 0

    def begin(self, wheel: WheelFile) -> None:
        """Begin to read ``wheel``, unless one is being read that advertises the same hash."""
        key = _key_of(wheel)
        if key not in self._begun:
            early = self._begun[key] = _EarlyRead(wheel=wheel)
            self._tasks.start_soon(self._read, early)

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        """Return the metadata of one wheel; raises `MetadataError` where it cannot be had."""
        early = None if deep else self._begun.get(_key_of(wheel))
        if early is not None and not early.started:
            # It waits for its turn, which is ours now: to wait for it would be to wait for ourselves.
            early.overtaken = True
        elif early is not None:
            await early.done.wait()
            if isinstance(early.outcome, WheelMetadata) and (early.wheel == wheel or _is_verified(early.outcome)):
                # What was wrong with that wheel is not put on others.
                faults = early.outcome.faults if early.wheel == wheel else ()
                return replace(early.outcome, wheel=wheel, faults=faults)
            if isinstance(early.outcome, Exception) and early.wheel == wheel:
                raise early.outcome
        return await self._source.read_metadata(wheel, deep=deep)

    async def _read(self, early: _EarlyRead) -> None:
        try:
            async with self._limiter:
                if early.overtaken:
                    return
                early.started = True
                outcome = await self._source.read_metadata(early.wheel)
                self._kept += _weigh(outcome.core)
                if self._kept <= MAX_KEPT_CHARACTERS:  # else the crawl asks again, and keeps count
                    early.outcome = outcome
        except Exception as error:
            early.outcome = error  # a bug too: it is raised where the crawl asks
        finally:
            early.done.set()


@dataclass(slots=True, kw_only=True)
class _EarlyRead:
    wheel: WheelFile
    outcome: WheelMetadata | Exception | None = None
    """None while it is being read, and where it never is."""
    started: bool = False
    overtaken: bool = False
    """Whether a crawl has asked for it before its turn came."""
    done: anyio.Event = field(default_factory=anyio.Event)


def _key_of(wheel: WheelFile) -> object:
    """What wheels share a reading by: the advertised hash; a wheel without one stands alone."""
    return (wheel.has_metadata and wheel.metadata_sha256) or wheel


class _Crawl:
    """One crawl while it runs."""

    def __init__(
        self,
        source: MetadataSource,
        *,
        limiter: anyio.CapacityLimiter,
        deep: bool,
        on_read: Callable[[Reading], None] | None,
    ) -> None:
        self.readings: dict[WheelFile, Reading] = {}
        self._kept = 0
        self._failure: WheelAuditError | None = None
        self._scope = anyio.CancelScope()
        self._source = source
        self._limiter = limiter
        self._deep = deep
        self._on_read = on_read

    async def run(self, groups: Sequence[Sequence[WheelFile]]) -> None:
        async with anyio.create_task_group() as tasks:
            self._scope = tasks.cancel_scope
            for wheels in groups:
                tasks.start_soon(self._read_group, wheels)
        if self._failure is not None:
            raise self._failure

    async def _read_group(self, wheels: Sequence[WheelFile]) -> None:
        """Read wheels that advertise one hash (or one wheel), and keep a reading of each."""
        own = {wheel: self._bound(reading) for wheel, reading in (await self._read_until_verified(wheels)).items()}
        verified = next((reading for reading in own.values() if _is_verified(reading)), None)
        for wheel in wheels:
            self._keep(_build_reading(wheel, own.get(wheel), verified))

    async def _read_until_verified(self, wheels: Sequence[WheelFile]) -> dict[WheelFile, Reading]:
        """Read one wheel after the other until one has the advertised hash.

        Where two have not, the index is at fault and not a file: the rest is read at
        once, each falling back on its own, rather than waited for in a row.
        """
        own: dict[WheelFile, Reading] = {}

        async def read(wheel: WheelFile) -> None:
            own[wheel] = await self._read(wheel)

        for wheel in wheels[:_SCOUTS]:
            await read(wheel)
            if _is_verified(own[wheel]):
                return own
        async with anyio.create_task_group() as tasks:
            for wheel in wheels[_SCOUTS:]:
                tasks.start_soon(read, wheel)
        return own

    async def _read(self, wheel: WheelFile) -> Reading:
        async with self._limiter:
            try:
                return await self._source.read_metadata(wheel, deep=self._deep)
            except MetadataError as error:
                return UnreadableWheel(wheel=wheel, error=error)
            except WheelAuditError as error:
                # Not about one wheel. Out of a task group it would come as a group of errors.
                self._failure = self._failure or error
                self._scope.cancel()
                await anyio.sleep_forever()
                raise AssertionError("a cancelled task goes on") from error

    def _bound(self, reading: Reading) -> Reading:
        """Return the reading, without what it asks for where all together ask for more than is kept."""
        if isinstance(reading, UnreadableWheel):
            return reading
        self._kept += _weigh(reading.core)
        if self._kept <= MAX_KEPT_CHARACTERS:
            return reading
        error = InvalidMetadataError(
            f"{reading.wheel.filename}: the wheels of the release ask for more than is kept; this one came last.",
            remedy="Tell the project; no release that is installed anywhere needs as much.",
        )
        return UnreadableWheel(wheel=reading.wheel, error=error, faults=reading.faults)

    def _keep(self, reading: Reading) -> None:
        self.readings[reading.wheel] = reading
        if self._on_read is not None:
            self._on_read(reading)


def _weigh(core: CoreMetadata) -> int:
    """Characters that are kept of a METADATA."""
    texts = (*(line.text for line in core.requires_dist), *core.unparsed, *core.provides_extra)
    return sum(len(text) + _LINE_CHARACTERS for text in texts)


def _is_verified(reading: Reading) -> bool:
    """Whether the bytes that were read have the hash that the page advertises; where they came from is no matter."""
    return isinstance(reading, WheelMetadata) and reading.sha256 == reading.wheel.metadata_sha256


def _build_reading(wheel: WheelFile, own: Reading | None, verified: Reading | None) -> Reading:
    """Return the wheel's own reading; where it has none, that of a wheel which advertises the same hash."""
    match own, verified:
        case WheelMetadata(), _:
            return own
        case UnreadableWheel(), WheelMetadata():
            fault = Fault(finding=own.error.finding, message=own.error.message)
            return replace(verified, wheel=wheel, faults=(fault,))
        case None, WheelMetadata():
            return replace(verified, wheel=wheel, faults=())
        case UnreadableWheel(), _:
            return own
        case _:
            raise AssertionError(f"{wheel.filename} was neither read nor shared")
