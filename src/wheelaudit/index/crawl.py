"""WING B: reads all wheels of a release, asking once for what is advertised to be equal.

Equal advertised hashes mean equal metadata (PEP 658: the hash is of the ``.metadata``
file): the 866 wheels of the releases that were looked at hold 190 distinct ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import anyio

from wheelaudit.errors import MetadataError, WheelAuditError
from wheelaudit.metadata import Fault, Reading, UnreadableWheel, WheelMetadata
from wheelaudit.release import Release, WheelFile

DEFAULT_CONCURRENCY = 16
"""Reads at once: as many as the client has connections."""

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
    concurrency: int = DEFAULT_CONCURRENCY,
    deep: bool = False,
    on_read: Callable[[Reading], None] | None = None,
) -> tuple[Reading, ...]:
    """Read all wheels of ``release``; one reading per wheel, in release order.

    A wheel that cannot be read is a reading too: one bad file never hides the others,
    and never counts as "asks for nothing". Wheels that advertise one hash share one
    verified reading; not where ``deep``, which looks into each wheel. ``on_read`` hears
    of each wheel once, in the network's order. Bugs and cancellation propagate, and so
    does any `WheelAuditError` that is not about one wheel (a cassette's).
    """
    crawl = _Crawl(source, concurrency=concurrency, deep=deep, on_read=on_read)
    await crawl.run(_build_groups(release.wheels, shared=not deep))
    # Tasks finish in the network's order; reports are read in the release's.
    return tuple(crawl.readings[wheel] for wheel in release.wheels)


def _build_groups(wheels: Sequence[WheelFile], *, shared: bool) -> tuple[tuple[WheelFile, ...], ...]:
    """Group wheels by advertised hash; one without any stands alone."""
    groups: dict[object, list[WheelFile]] = {}
    for wheel in dict.fromkeys(wheels):
        groups.setdefault((shared and wheel.has_metadata and wheel.metadata_sha256) or wheel, []).append(wheel)
    return tuple(tuple(group) for group in groups.values())


class _Crawl:
    """One crawl while it runs."""

    def __init__(
        self,
        source: MetadataSource,
        *,
        concurrency: int,
        deep: bool,
        on_read: Callable[[Reading], None] | None,
    ) -> None:
        self.readings: dict[WheelFile, Reading] = {}
        self._failure: WheelAuditError | None = None
        self._scope = anyio.CancelScope()
        self._source = source
        self._limiter = anyio.CapacityLimiter(concurrency)
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
        own = await self._read_until_verified(wheels)
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

    def _keep(self, reading: Reading) -> None:
        self.readings[reading.wheel] = reading
        if self._on_read is not None:
            self._on_read(reading)


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
