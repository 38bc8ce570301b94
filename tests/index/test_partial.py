from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.index.archives import METADATA, METADATA_NAME, Member, build_archive, build_wheel, build_wheel_file
from wheelaudit.errors import MetadataError, MetadataUnreadableError
from wheelaudit.index import partial
from wheelaudit.index.partial import read_partial_metadata
from wheelaudit.metadata import MAX_METADATA_BYTES

WHEEL = build_wheel_file()
OTHERS_OF_1_MB = 10_000


class Bytes:
    """A remote file in memory that counts what is asked of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.requests: list[tuple[int, int]] = []

    async def read_tail(self, length: int) -> tuple[int, bytes]:
        start = max(0, len(self.data) - length)
        self.requests.append((start, len(self.data)))
        return len(self.data), self.data[start:]

    async def read_span(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.data)
        self.requests.append((start, end))
        return self.data[start:end]

    @property
    def fetched(self) -> int:
        return sum(end - start for start, end in self.requests)


def read(data: bytes | Bytes) -> bytes:
    """Drive the parser without an event loop: it never waits for anything but bytes."""
    coroutine = read_partial_metadata(data if isinstance(data, Bytes) else Bytes(data), WHEEL)
    try:
        coroutine.send(None)
    except StopIteration as result:
        return bytes(result.value)
    raise AssertionError("the parser waited")


names = st.text("abcdefgh_./", min_size=1, max_size=60).map(lambda name: f"demo_project/{name}")
members = st.builds(
    Member,
    name=names,
    data=st.binary(max_size=40),
    deflated=st.booleans(),
    zip64=st.booleans(),
    descriptor=st.booleans(),
    local_extra=st.sampled_from([b"", b"\x55\x54\x05\x00\x01abcd", b"\xfe\xca\x00\x00"]),
    comment=st.sampled_from([b"", b"PK\1\2", b"PK\1\2" + bytes(42), b"note"]),
)
metadata_members = st.builds(
    Member,
    name=st.just(METADATA_NAME),
    data=st.binary(max_size=200) | st.just(METADATA * 40),
    deflated=st.booleans(),
    zip64=st.booleans(),
    descriptor=st.booleans(),
    local_extra=st.sampled_from(
        [b"", b"\x55\x54\x05\x00\x01abcd", b"\xff\xff" + (1000).to_bytes(2, "little") + bytes(1000)]
    ),
)

# zipfile takes the last signature for the end record, even one inside the comment; that case has its own test.
comments = st.binary(max_size=50).filter(lambda comment: b"PK\5\6" not in comment)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    before = draw(st.lists(members, max_size=8))
    after = draw(st.lists(members, max_size=8))
    # Enough filler to push parts of the archive out of the tail and out of the directory's head.
    filler = [Member(name=f"demo_project/{'x' * 80}{number}.py", data=b"y" * 30) for number in range(800)]
    shape = draw(st.sampled_from(["small", "filler first", "filler last", "filler around"]))
    around = {
        "small": ([], []),
        "filler first": (filler, []),
        "filler last": ([], filler),
        "filler around": (filler, filler),
    }
    front, back = around[shape]
    return build_archive(
        [*front, *before, draw(metadata_members), *after, *back],
        prefix=draw(st.sampled_from([b"", b"#!/bin/sh\n", b"MZ" * 500])),
        comment=draw(comments | st.just(b"c" * 40_000)),
        zip64=draw(st.booleans()),
    )


@given(archives())
def test_partial_reading_equals_the_standard_library(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = archive.read(METADATA_NAME)
    assert read(data) == expected


@given(archives(), st.randoms(use_true_random=False))
def test_random_corruption_gives_only_metadata_errors(data: bytes, chance: random.Random) -> None:
    corrupted = bytearray(data)
    # Most of an archive is content; what the parser looks at lies at its end.
    for _ in range(chance.randint(1, 8)):
        reach = min(len(corrupted), chance.choice([30, 300, len(corrupted)]))
        corrupted[len(corrupted) - 1 - chance.randrange(reach)] = chance.randrange(256)
    if chance.random() < 0.3:
        del corrupted[chance.randrange(len(corrupted)) :]
    try:
        result = read(bytes(corrupted))
    except MetadataError:
        return
    # What is still read has passed the CRC-32 that the directory holds.
    assert isinstance(result, bytes)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_archive_are_refused(data: bytes) -> None:
    assume(b"PK\5\6" not in data)
    with pytest.raises(MetadataUnreadableError):
        read(data)


def test_dist_info_at_the_end_of_a_large_directory_takes_two_requests() -> None:
    remote = Bytes(build_wheel(others=OTHERS_OF_1_MB))
    assert read(remote) == METADATA
    assert len(remote.requests) == 2
    assert remote.fetched < 50 * 1024


def test_dist_info_at_the_start_of_a_large_directory_takes_three_requests() -> None:
    remote = Bytes(build_wheel(others=OTHERS_OF_1_MB, at=0))
    assert read(remote) == METADATA
    assert len(remote.requests) == 3
    assert remote.fetched < 150 * 1024


def test_dist_info_in_the_middle_of_a_large_directory_takes_four_requests() -> None:
    remote = Bytes(build_wheel(others=OTHERS_OF_1_MB, at=OTHERS_OF_1_MB // 2))
    assert read(remote) == METADATA
    assert len(remote.requests) == 4


def test_small_wheel_takes_one_request() -> None:
    remote = Bytes(build_wheel())
    assert read(remote) == METADATA
    assert len(remote.requests) == 1


def test_no_byte_is_fetched_twice() -> None:
    remote = Bytes(build_wheel(others=OTHERS_OF_1_MB, at=OTHERS_OF_1_MB // 2))
    read(remote)
    spans = sorted(remote.requests)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_directory_that_reaches_a_little_beyond_the_tail_is_completed_in_one_request() -> None:
    remote = Bytes(build_wheel(others=700, at=400))
    assert read(remote) == METADATA
    assert len(remote.requests) <= 3


def test_vendored_metadata_is_not_taken() -> None:
    vendored = Member(name=f"demo_project/_vendor/{METADATA_NAME}", data=b"Name: other\n")
    real = Member(name=METADATA_NAME, data=METADATA)
    assert read(build_archive([vendored, real, vendored])) == METADATA


def test_metadata_of_another_project_at_the_top_is_not_taken() -> None:
    other = Member(name="other-1.0.dist-info/METADATA", data=b"Name: other\n")
    assert read(build_archive([other, Member(name=METADATA_NAME, data=METADATA), other])) == METADATA
    with pytest.raises(MetadataUnreadableError, match="holds no demo-project"):
        read(build_archive([other]))


@pytest.mark.parametrize("name", ["Demo.Project-1.0", "demo-project-1.0", "DEMO__project-1.0.0"])
def test_name_of_dist_info_is_compared_normalised(name: str) -> None:
    assert read(build_wheel(name=f"{name}.dist-info/METADATA")) == METADATA


def test_other_version_is_taken_only_where_it_stands_alone() -> None:
    other = Member(name="demo_project-2.0.dist-info/METADATA", data=b"other")
    assert read(build_archive([other])) == b"other"
    assert read(build_archive([other, Member(name=METADATA_NAME, data=METADATA)])) == METADATA


def test_other_version_is_found_in_the_middle_of_a_large_directory() -> None:
    name = "demo_project-2.0.dist-info/METADATA"
    assert read(build_wheel(name=name, others=OTHERS_OF_1_MB, at=OTHERS_OF_1_MB // 2)) == METADATA


def test_two_metadata_files_are_refused() -> None:
    twice = [
        Member(name=METADATA_NAME, data=METADATA),
        Member(name="demo.project-1.0.dist-info/METADATA", data=METADATA),
    ]
    with pytest.raises(MetadataUnreadableError, match="2 METADATA files"):
        read(build_archive(twice))


@pytest.mark.parametrize("offsets_count_prefix", [False, True])
def test_prefix_before_the_archive_shifts_offsets(offsets_count_prefix: bool) -> None:
    member = Member(name=METADATA_NAME, data=METADATA)
    data = build_archive([member], prefix=b"stub" * 100, offsets_count_prefix=offsets_count_prefix)
    assert read(data) == METADATA


def test_zip64_end_record_with_an_extensible_sector_is_found() -> None:
    data = build_archive([Member(name=METADATA_NAME, data=METADATA)], zip64=True, end64_extra=b"sector")
    assert read(data) == METADATA


def test_comment_that_holds_an_end_signature_is_no_end_record() -> None:
    data = build_archive([Member(name=METADATA_NAME, data=METADATA)], comment=b"PK\5\6" + bytes(30))
    assert read(data) == METADATA


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member(name=METADATA_NAME, data=METADATA, crc=1), "CRC-32"),
        (Member(name=METADATA_NAME, data=METADATA, flags=1), "encrypted"),
        (Member(name=METADATA_NAME, data=METADATA, method=12), "method 12"),
        (Member(name=METADATA_NAME, data=bytes(1000), deflated=True, size=10), "CRC-32"),
        (
            Member(name=METADATA_NAME, data=bytes(1000), deflated=True, size=MAX_METADATA_BYTES + 1),
            "larger than",
        ),
        (Member(name=METADATA_NAME, data=b"\xff\xff\xff", method=8), "unpacked"),
    ],
)
def test_damaged_or_odd_member_is_refused_with_its_reason(member: Member, reason: str) -> None:
    with pytest.raises(MetadataUnreadableError, match=reason):
        read(build_archive([member]))


def test_bomb_is_not_unpacked() -> None:
    data = build_archive([Member(name=METADATA_NAME, data=bytes(50_000_000), deflated=True, size=100)])
    tracemalloc.start()
    try:
        with pytest.raises(MetadataUnreadableError):
            read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_huge_directory_is_not_fetched() -> None:
    data = bytearray(build_archive([Member(name=METADATA_NAME, data=METADATA)]))
    data[-10:-6] = (partial.MAX_DIRECTORY_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(MetadataUnreadableError, match="central directory has"):
        read(bytes(data))
