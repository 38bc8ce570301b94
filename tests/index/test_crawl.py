from __future__ import annotations

import hashlib
from collections.abc import Mapping

import anyio
import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.index.archives import METADATA, build_wheel_file
from wheelaudit.errors import CassetteError, HashMismatchError, MetadataUnreadableError
from wheelaudit.index.crawl import EarlyReads, crawl_release
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata, parse_metadata
from wheelaudit.release import Release, WheelFile

pytestmark = pytest.mark.anyio

DIGEST = hashlib.sha256(METADATA).hexdigest()
OTHER = METADATA.replace(b"absl-py", b"numpy")
OTHER_DIGEST = hashlib.sha256(OTHER).hexdigest()

Outcome = bytes | BaseException


def build_release(*advertised: str | None) -> Release:
    """Return a release of one wheel per advertised hash: cp310, cp311, ..."""
    wheels = tuple(
        build_wheel_file(f"demo_project-1.0-cp3{10 + number}-none-any.whl", metadata_sha256=digest)
        for number, digest in enumerate(advertised)
    )
    return Release(project=NormalizedName("demo-project"), version=Version("1.0"), wheels=wheels)


class Source:
    """Answers by the wheel's number in the release; counts."""

    def __init__(self, release: Release, outcomes: Mapping[int, Outcome] | None = None) -> None:
        self.numbers = {wheel: number for number, wheel in enumerate(release.wheels)}
        self.outcomes = outcomes or {}
        self.asked: list[int] = []
        self.at_once = 0
        self.most_at_once = 0

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        number = self.numbers[wheel]
        self.asked.append(number)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            # Later wheels answer first.
            for _ in range(len(self.numbers) - number):
                await anyio.lowlevel.checkpoint()
        finally:
            self.at_once -= 1
        outcome = self.outcomes.get(number, METADATA)
        if isinstance(outcome, BaseException):
            raise outcome
        digest = hashlib.sha256(outcome).hexdigest()
        return WheelMetadata(wheel=wheel, core=parse_metadata(outcome), sha256=digest, source="pep658")


def gone() -> MetadataUnreadableError:
    return MetadataUnreadableError("gone.")


async def test_readings_come_in_release_order_whatever_the_network_does() -> None:
    release = build_release(None, None, None, None)
    readings = await crawl_release(release, Source(release), concurrency=4)
    assert tuple(reading.wheel for reading in readings) == release.wheels


async def test_one_bad_wheel_stops_no_other() -> None:
    release = build_release(None, None, None)
    first, bad, last = await crawl_release(release, Source(release, {1: gone()}), concurrency=2)
    assert isinstance(bad, UnreadableWheel)
    assert isinstance(first, WheelMetadata)
    assert isinstance(last, WheelMetadata)


async def test_equal_advertised_hashes_are_fetched_once() -> None:
    release = build_release(DIGEST, OTHER_DIGEST, DIGEST, OTHER_DIGEST, DIGEST)
    source = Source(release, {1: OTHER})
    readings = await crawl_release(release, source)
    assert sorted(source.asked) == [0, 1]
    digests = [reading.sha256 for reading in readings if isinstance(reading, WheelMetadata)]
    assert digests == [DIGEST, OTHER_DIGEST, DIGEST, OTHER_DIGEST, DIGEST]


async def test_failed_fetch_is_made_up_for_by_the_next_wheel_of_the_hash() -> None:
    release = build_release(DIGEST, DIGEST, DIGEST)
    source = Source(release, {0: gone()})
    readings = await crawl_release(release, source)
    assert source.asked == [0, 1]
    assert all(isinstance(reading, WheelMetadata) and reading.sha256 == DIGEST for reading in readings)
    # What was wrong with the first is not forgotten, and not put on the others.
    assert [[fault.finding for fault in reading.faults] for reading in readings] == [["WA201"], [], []]


async def test_unverified_reading_is_not_shared() -> None:
    release = build_release(DIGEST, DIGEST, DIGEST, DIGEST)
    source = Source(release, dict.fromkeys(range(4), OTHER))
    readings = await crawl_release(release, source)
    assert sorted(source.asked) == [0, 1, 2, 3]
    assert [reading.wheel for reading in readings] == list(release.wheels)


async def test_every_wheel_falls_back_on_its_own_where_all_hashes_are_wrong() -> None:
    release = build_release(DIGEST, DIGEST, DIGEST)
    source = Source(release, {0: OTHER, 1: HashMismatchError("wrong."), 2: OTHER})
    readings = await crawl_release(release, source)
    assert [type(reading) for reading in readings] == [WheelMetadata, UnreadableWheel, WheelMetadata]


async def test_wheel_that_says_only_true_is_read_on_its_own() -> None:
    wheels = tuple(
        build_wheel_file(f"demo_project-1.0-cp3{minor}-none-any.whl", has_metadata=True) for minor in (10, 11)
    )
    release = Release(project=NormalizedName("demo-project"), version=Version("1.0"), wheels=wheels)
    source = Source(release)
    await crawl_release(release, source)
    assert sorted(source.asked) == [0, 1]


async def test_deep_reads_every_wheel() -> None:
    release = build_release(DIGEST, DIGEST, DIGEST)
    source = Source(release)
    await crawl_release(release, source, deep=True)
    assert sorted(source.asked) == [0, 1, 2]


async def test_no_more_reads_at_once_than_asked_for() -> None:
    release = build_release(*[None] * 12)
    source = Source(release)
    await crawl_release(release, source, concurrency=3)
    assert source.most_at_once == 3


async def test_every_wheel_is_told_once() -> None:
    release = build_release(DIGEST, DIGEST, None, OTHER_DIGEST)
    heard: list[Reading] = []
    readings = await crawl_release(release, Source(release, {0: gone(), 3: gone()}), on_read=heard.append)
    assert sorted(reading.wheel.filename for reading in heard) == [wheel.filename for wheel in release.wheels]
    assert set(map(id, heard)) == set(map(id, readings))


async def test_bug_propagates() -> None:
    release = build_release(None, None)
    with pytest.raises(ExceptionGroup) as caught:
        await crawl_release(release, Source(release, {1: ZeroDivisionError()}))
    assert caught.group_contains(ZeroDivisionError)


@pytest.mark.parametrize("advertised", [(None, None, None), (DIGEST, DIGEST, DIGEST, DIGEST)])
async def test_cassette_error_propagates_by_itself(advertised: tuple[str | None, ...]) -> None:
    release = build_release(*advertised)
    failures: dict[int, Outcome] = {0: gone(), 1: gone(), 2: CassetteError("no such answer.")}
    with pytest.raises(CassetteError):
        await crawl_release(release, Source(release, failures))


async def test_cancellation_propagates() -> None:
    release = build_release(None)

    class Never:
        async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
            scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

    with anyio.CancelScope() as scope:
        await crawl_release(release, Never())
    assert scope.cancelled_caught


# Reads that begin before the crawl


async def crawl_early(
    release: Release, source: Source, *begun: int, concurrency: int = 4, settle: bool = True, deep: bool = False
) -> tuple[Reading, ...]:
    """Begin to read some wheels, let that come to its end or not, and crawl."""
    limiter = anyio.CapacityLimiter(concurrency)
    async with anyio.create_task_group() as tasks:
        early = EarlyReads(source, tasks=tasks, limiter=limiter)
        for number in begun:
            early.begin(release.wheels[number])
        if settle:
            await anyio.wait_all_tasks_blocked()
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
        readings = await crawl_release(release, early, concurrency=limiter, deep=deep)
        tasks.cancel_scope.cancel()
        return readings
    raise AssertionError("only the task group's own scope was cancelled")


@pytest.mark.parametrize("concurrency", [1, 2, 16])
@pytest.mark.parametrize("settle", [True, False])
async def test_what_was_begun_early_is_asked_for_once(concurrency: int, settle: bool) -> None:
    release = build_release(DIGEST, OTHER_DIGEST, DIGEST, None)
    source = Source(release, {1: OTHER})
    with anyio.fail_after(20):  # a crawl that waited for a turn of its own would wait for ever
        readings = await crawl_early(release, source, 2, 1, 3, 0, concurrency=concurrency, settle=settle)
    assert [reading.wheel for reading in readings] == list(release.wheels)
    assert all(isinstance(reading, WheelMetadata) and not reading.faults for reading in readings)
    if settle:
        assert sorted(source.asked) == [1, 2, 3]
    assert len(source.asked) == 3
    assert source.most_at_once <= concurrency


async def test_early_read_that_failed_is_told_of_its_wheel_and_made_up_for() -> None:
    release = build_release(DIGEST, DIGEST, DIGEST)
    source = Source(release, {0: gone()})
    readings = await crawl_early(release, source, 0)
    assert sorted(source.asked) == [0, 1]
    assert all(isinstance(reading, WheelMetadata) for reading in readings)
    assert [[fault.finding for fault in reading.faults] for reading in readings] == [["WA201"], [], []]


async def test_early_reading_with_another_hash_is_not_shared() -> None:
    release = build_release(DIGEST, DIGEST)
    source = Source(release, {1: OTHER})
    first, second = await crawl_early(release, source, 1)
    assert isinstance(first, WheelMetadata)
    assert isinstance(second, WheelMetadata)
    assert first.sha256 == second.sha256 == DIGEST


async def test_deep_reads_each_wheel_itself_whatever_was_begun() -> None:
    release = build_release(DIGEST, DIGEST)
    source = Source(release)
    await crawl_early(release, source, 0, deep=True)
    assert sorted(source.asked) == [0, 0, 1]


async def test_bug_in_an_early_read_comes_out_of_the_crawl() -> None:
    release = build_release(DIGEST)
    with pytest.raises(ExceptionGroup) as caught:
        await crawl_early(release, Source(release, {0: ZeroDivisionError()}), 0)
    assert caught.group_contains(ZeroDivisionError)
