"""What is kept of a release while it is read is bounded, and what is left out is told, never taken for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
import pytest

from tests.attacks.test_limits import build_reading
from wheelaudit.index import crawl
from wheelaudit.index.crawl import EarlyReads, crawl_release
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.release import Release, WheelFile

pytestmark = pytest.mark.anyio

READINGS = [
    build_reading(f"demo-1.0-cp3{minor}-cp3{minor}-win_amd64.whl", "Requires-Dist: a") for minor in (10, 11, 12)
]
RELEASE = Release(
    project=READINGS[0].wheel.project,
    version=READINGS[0].wheel.version,
    wheels=tuple(reading.wheel for reading in READINGS),
)


class Source:
    """Answers at once, and counts."""

    def __init__(self) -> None:
        self.asked: list[WheelFile] = []

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        self.asked.append(wheel)
        return next(reading for reading in READINGS if reading.wheel == wheel)


def _find_unread(readings: Sequence[Reading]) -> list[UnreadableWheel]:
    return [reading for reading in readings if isinstance(reading, UnreadableWheel)]


async def test_wheels_beyond_what_is_kept_are_unread_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _find_unread(await crawl_release(RELEASE, Source())) == []
    monkeypatch.setattr(crawl, "MAX_KEPT_CHARACTERS", 202)
    unread = _find_unread(await crawl_release(RELEASE, Source()))
    assert len(unread) == 1
    assert unread[0].error.finding == "WA206"
    assert unread[0].wheel.filename in unread[0].error.message


@pytest.mark.parametrize("most", [0, 101, 1000])
async def test_early_reads_that_are_not_kept_are_asked_for_again(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawl, "MAX_KEPT_CHARACTERS", most)
    source = Source()
    async with anyio.create_task_group() as tasks:
        early = EarlyReads(source, tasks=tasks, limiter=anyio.CapacityLimiter(1))
        for wheel in RELEASE.wheels:
            early.begin(wheel)
        await anyio.wait_all_tasks_blocked()
    read: Callable[[WheelFile], object] = early.read_metadata
    assert [await read(reading.wheel) for reading in READINGS] == READINGS  # type: ignore[misc]
    assert len(source.asked) == len(READINGS) + len(READINGS) - min(len(READINGS), most // 101)
