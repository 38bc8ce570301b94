"""scripts/attack, part ``zip``: wheels whose archives lie, read by Range requests and from disk."""

from __future__ import annotations

import struct
import zlib

from scripts._attack_sizes import CONSISTENT, METADATA, UNDECIDED, WHEEL, Attack, Place

NAME = b"demo-1.0.dist-info/METADATA"
MAX32 = 0xFFFFFFFF


def _local(name: bytes, packed: bytes, *, size: int, crc: int, method: int) -> bytes:
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 33, crc, len(packed), size, len(name), 0)
    return head + name + packed


def _entry(name: bytes, *, packed: int, size: int, crc: int, method: int, offset: int, extra: bytes = b"") -> bytes:
    fields = (20, 20, 0, method, 0, 33, crc, packed, size, len(name), len(extra), 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + name + extra


def _end(count: int, length: int, offset: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, offset, 0)


def _pack(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, wbits=-15)
    return deflate.compress(data) + deflate.flush()


def build_bomb(stated: int | None = None) -> bytes:
    """Return a wheel whose METADATA of 300 MB is packed 1:1000; ``stated`` is what its sizes say."""
    deflate = zlib.compressobj(9, wbits=-15)
    plain = METADATA + b"\n" + b"x" * (300 << 20)
    packed = deflate.compress(plain) + deflate.flush()
    size = len(plain) if stated is None else stated
    crc = zlib.crc32(plain)
    local = _local(NAME, packed, size=size, crc=crc, method=8)
    entry = _entry(NAME, packed=len(packed), size=size, crc=crc, method=8, offset=0)
    return local + entry + _end(1, len(entry), len(local))


def build_archive(
    *,
    offset: int = 0,
    length: int | None = None,
    count: int = 1,
    names: tuple[bytes, ...] = (),
    extra: bytes = b"",
    sizes: int | None = None,
    twice: bool = False,
    shift: int | None = None,
) -> bytes:
    """Return a small wheel that lies in one of these ways."""
    data = METADATA + b"Requires-Dist: a\n\n"
    packed, crc = _pack(data), zlib.crc32(data)
    local = _local(NAME, packed, size=len(data), crc=crc, method=8)
    own = _entry(
        NAME,
        packed=len(packed) if sizes is None else sizes,
        size=len(data) if sizes is None else sizes,
        crc=crc,
        method=8,
        offset=offset,
        extra=extra,
    )
    others = b"".join(_entry(name, packed=0, size=0, crc=0, method=0, offset=0) for name in names)
    directory = others + own * (2 if twice else 1)
    return local + directory + _end(count, len(directory) if length is None else length, shift or len(local))


def _zip64(length: int, count: int) -> bytes:
    data = METADATA + b"\n"
    packed = _pack(data)
    local = _local(NAME, packed, size=len(data), crc=zlib.crc32(data), method=8)
    entry = _entry(NAME, packed=len(packed), size=len(data), crc=zlib.crc32(data), method=8, offset=0)
    at = len(local) + len(entry)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, len(local))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    return local + entry + end64 + locator + _end(0xFFFF, MAX32, MAX32)


def find_archives() -> dict[str, tuple[str, bytes, int]]:
    """Return every archive but the bombs."""
    huge = struct.pack("<HHQQQ", 1, 24, 1 << 60, 1 << 60, 0)
    many = tuple(b"demo/%06d.py" % number for number in range(200_000))
    return {
        "directory of 4 GB": ("as the end record says", build_archive(length=MAX32 - 1), UNDECIDED),
        "directory of 2^60 bytes": ("as the ZIP64 end record says", _zip64(1 << 60, 1), UNDECIDED),
        "directory of 2^32 entries": ("as the end record says; it has one", _zip64(0, 1 << 32), UNDECIDED),
        "local header outside": ("at 2^32 - 2", build_archive(offset=MAX32 - 1), UNDECIDED),
        "directory outside": ("at 2^32 - 2", build_archive(shift=MAX32 - 1), UNDECIDED),
        "overlapping members": ("METADATA twice, at one place", build_archive(twice=True), UNDECIDED),
        "member name of 64 KB": ("before METADATA", build_archive(names=(b"a" * 65535,)), CONSISTENT),
        "1 MB of member names": (
            "16 of 64 KB",
            build_archive(names=tuple(b"%d" % n * 65535 for n in range(10))),
            CONSISTENT,
        ),
        "200,000 members": ("METADATA the last", build_archive(names=many), CONSISTENT),
        "ZIP64 sizes of 2^60": ("in the extra field", build_archive(sizes=MAX32, extra=huge), UNDECIDED),
        "ZIP64 without sizes": ("no extra field", build_archive(sizes=MAX32), UNDECIDED),
    }


def _serve(place: Place, archive: bytes) -> None:
    place.list_wheels([WHEEL], metadata=False)
    place.put(f"/files/{WHEEL}", archive)


def _save(place: Place, archive: bytes) -> None:
    place.write(f"dist/{WHEEL}", archive)


def _lying(name: str, tried: str, archive: bytes, code: int) -> Attack:
    return Attack(name=f"wheel, {name}", tried=tried, build=lambda place: _serve(place, archive), code=code)


_DISK = ("dist/", "--no-progress", "--format", "json", "-o", "report.json")

ATTACKS = (
    Attack(
        name="wheel, METADATA packed 1:1000",
        tried="300 MB; its sizes say so",
        build=lambda place: _serve(place, build_bomb()),
        code=UNDECIDED,
        says="larger than",
    ),
    Attack(
        name="wheel, METADATA packed 1:1000, lying",
        tried="300 MB; its sizes say 1 kB",
        build=lambda place: _serve(place, build_bomb(1000)),
        code=UNDECIDED,
        says="CRC-32",
    ),
    Attack(
        name="wheel on disk, METADATA packed 1:1000",
        tried="300 MB; its sizes say so",
        build=lambda place: _save(place, build_bomb()),
        arguments=_DISK,
        code=UNDECIDED,
        says="larger than",
    ),
    *(_lying(name, *rest) for name, rest in find_archives().items()),
)
