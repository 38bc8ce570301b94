"""Wheels for tests, written byte by byte so that every corner of the ZIP format can be had."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from wheelaudit.release import WheelFile, parse_wheel_name

FILENAME = "demo_project-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
METADATA_NAME = "demo_project-1.0.dist-info/METADATA"
METADATA = b"Metadata-Version: 2.1\nName: demo-project\nVersion: 1.0\nRequires-Dist: absl-py>=1.0.0\n\nAbout.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive, and how it is written."""

    name: str
    data: bytes = b""
    deflated: bool = False
    zip64: bool = False
    descriptor: bool = False
    local_extra: bytes = b""
    comment: bytes = b""
    flags: int = 0
    method: int | None = None
    crc: int | None = None
    size: int | None = None


def build_archive(
    members: Sequence[Member],
    *,
    prefix: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    end64_extra: bytes = b"",
    offsets_count_prefix: bool = False,
) -> bytes:
    """Return the bytes of a ZIP archive (APPNOTE 4.3)."""
    body = bytearray(prefix if offsets_count_prefix else b"")
    directory = bytearray()
    for member in members:
        local, entry = _build_member(member, len(body))
        body += local
        directory += entry
    start, size, count = len(body), len(directory), len(members)
    body += directory
    if zip64:
        at = len(body)
        body += struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44 + len(end64_extra), 45, 45, 0, 0, count, count, size, start)
        body += end64_extra + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
        count, size, start = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    body += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(comment)) + comment
    return bytes(body) if offsets_count_prefix else prefix + bytes(body)


def _build_member(member: Member, offset: int) -> tuple[bytes, bytes]:
    name = member.name.encode()
    packed = member.data
    if member.deflated:
        deflate = zlib.compressobj(wbits=-15)
        packed = deflate.compress(member.data) + deflate.flush()
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    size = len(member.data) if member.size is None else member.size
    method = (8 if member.deflated else 0) if member.method is None else member.method
    flags = 0x800 | member.flags | (0x8 if member.descriptor else 0)
    local_sizes = (0, 0, 0) if member.descriptor else (crc, len(packed), size)
    local_extra = member.local_extra
    sizes, at, extra = (len(packed), size), offset, b""
    if member.zip64:
        extra = struct.pack("<HHQQQ", 1, 24, size, len(packed), offset)
        sizes, at = (0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF
        local_extra = struct.pack("<HHQQ", 1, 16, size, len(packed)) + local_extra
        local_sizes = (local_sizes[0], 0xFFFFFFFF, 0xFFFFFFFF)
    common = struct.pack("<5H", 45, flags, method, 0, 33)
    local = b"PK\3\4" + common + struct.pack("<3L2H", *local_sizes, len(name), len(local_extra)) + name + local_extra
    local += packed
    if member.descriptor:
        local += b"PK\7\10" + struct.pack("<LQQ" if member.zip64 else "<LLL", crc, len(packed), size)
    lengths = struct.pack("<3L5H2L", crc, *sizes, len(name), len(extra), len(member.comment), 0, 0, 0, at)
    entry = b"PK\1\2" + struct.pack("<H", 45) + common + lengths + name + extra + member.comment
    return local, entry


def build_wheel(
    metadata: bytes = METADATA, *, name: str = METADATA_NAME, others: int = 3, at: int | None = None
) -> bytes:
    """Return a wheel of ``others`` members, METADATA being number ``at`` (None: the last)."""
    members = [Member(name=f"demo_project/{'package/' * 6}module_{number:06}.py") for number in range(others)]
    members.insert(others if at is None else at, Member(name=name, data=metadata, deflated=True))
    return build_archive(members)


def build_wheel_file(
    filename: str = FILENAME,
    *,
    host: str = "https://files.example",
    index: str = "example",
    metadata_sha256: str | None = None,
    has_metadata: bool | None = None,
    size: int | None = None,
) -> WheelFile:
    """Return the wheel as a project page would list it."""
    project, version, build, tags = parse_wheel_name(filename)
    return WheelFile(
        filename=filename,
        url=f"{host}/packages/{filename.replace('+', '%2B')}",
        index=index,
        project=project,
        version=version,
        build=build,
        tags=tags,
        has_metadata=metadata_sha256 is not None if has_metadata is None else has_metadata,
        metadata_sha256=metadata_sha256,
        size=size,
    )
