"""WING B: METADATA out of a wheel of which only a few pieces are fetched.

The parser does no I/O of its own: it asks a `RemoteBytes` for spans of bytes, so it
is tested on bytes in memory and fuzzed. Obeys APPNOTE.TXT (the ZIP format) 4.3 and
4.5.3 (ZIP64), and the binary distribution format (PEP 427: one top-level
``{name}-{version}.dist-info`` directory).

Its own parser rather than `zipfile` over a sparse file: `zipfile` wants the whole
directory (1 MB for torch) before it names one member, where the entry we look for
is nearly always in the directory's last 32 or first 64 KiB.

Order of the search, from 866 real wheels: the tail (three of four are found there),
the start of the directory, then what lies between.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from packaging.version import InvalidVersion, Version

from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.metadata import MAX_METADATA_BYTES
from wheelaudit.release import WheelFile

TAIL_BYTES = 32 * 1024
"""First request: holds the end records and the last 250 to 350 directory entries (about 100 bytes each)."""
HEAD_BYTES = 64 * 1024
"""Second request, where the tail lacks the entry: the first entries of the directory.

Twice the tail, because a miss costs the rest of the directory (1 MB for torch); tail,
head and a METADATA of 34 KB still make less than 150 KiB.
"""
LOCAL_EXTRA_BYTES = 256
"""Room for a local header's extra field, whose length only the header itself tells; real ones take 0 to 36 bytes."""
MAX_NAME_BYTES = 512
"""Bound of the member's name: file systems stop at 255 bytes a component."""
MAX_DIRECTORY_BYTES = 32 * 1024 * 1024
"""Bound of the central directory, ten times the largest of 866 real ones (3.2 MB)."""

_END = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16
_END_SIGNATURE = b"PK\x05\x06"
_END64_LOCATOR = struct.Struct("<4sLQL")  # APPNOTE 4.3.15
_END64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")  # APPNOTE 4.3.14
_END64_SIGNATURE = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6H3L5H2L")  # APPNOTE 4.3.12
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ZIP64_EXTRA = 0x0001  # APPNOTE 4.5.3
_IN_ZIP64_16 = 0xFFFF
_IN_ZIP64_32 = 0xFFFFFFFF
_FLAGS_ENCRYPTED = 0x0001 | 0x0040 | 0x2000  # traditional, strong, masked headers: APPNOTE 4.4.4
_STORED, _DEFLATED = 0, 8
_MAX_COMMENT_BYTES = 0xFFFF


class RemoteBytes(Protocol):
    """A file of which any span can be had, at the price of a request."""

    async def read_tail(self, length: int) -> tuple[int, bytes]:
        """Return the file's size and its last ``length`` bytes (all of it where it is shorter)."""
        ...

    async def read_span(self, start: int, end: int) -> bytes:
        """Return exactly the bytes ``start`` to ``end``, the end excluded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Where the central directory lies in the file."""

    start: int
    end: int
    shift: int
    """Bytes put before the archive (a self-extractor's stub): every offset in the archive is short by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member, as the central directory describes it."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    """Of the local header, before `Directory.shift`."""


async def read_partial_metadata(remote: RemoteBytes, wheel: WheelFile) -> bytes:
    """Return the METADATA inside ``wheel``, its CRC-32 checked.

    Two requests where the entry is in the tail, three where it is among the first of
    the directory, four otherwise. Raises `MetadataUnreadableError` where the bytes are
    no such wheel; what ``remote`` raises passes through. That there is exactly one
    METADATA of this release is checked over what had to be fetched.
    """
    size, tail = await remote.read_tail(TAIL_BYTES)
    pieces = _Pieces(remote, size, tail)
    try:
        directory = await _find_directory(pieces)
        entry = await _find_metadata(pieces, directory, wheel)
        return await _read_member(pieces, directory, entry)
    except _BadArchiveError as error:
        raise MetadataUnreadableError(
            f"{wheel.filename}: no METADATA could be read out of the wheel: {error}.",
            remedy="Download the wheel and check it with `python -m zipfile -t`; report it to whoever published it.",
        ) from error


class _BadArchiveError(Exception):
    """The bytes are not an archive that METADATA can be read from; the text says why."""


class _Pieces:
    """The file's bytes that are known already; what is not is asked for."""

    def __init__(self, remote: RemoteBytes, size: int, tail: bytes) -> None:
        self.size = size
        self.tail_start = size - len(tail)
        self._remote = remote
        self._known: list[tuple[int, bytes]] = [(self.tail_start, tail)]

    async def read(self, start: int, end: int) -> bytes:
        if start == end:
            return b""
        if not 0 <= start < end <= self.size:
            raise _BadArchiveError(f"it points to bytes {start}-{end} of a file of {self.size} bytes")
        for known_start, data in self._known:
            known_end = known_start + len(data)
            if known_start <= start and end <= known_end:
                return data[start - known_start : end - known_start]
        # What the tail holds is not asked for twice.
        missing_end = min(end, self.tail_start)
        data = await self._remote.read_span(start, missing_end) + self._known[0][1][: end - missing_end]
        self._known.append((start, data))
        return data


async def _find_directory(pieces: _Pieces) -> Directory:
    """Read the end records (APPNOTE 4.3.14 to 4.3.16)."""
    at, record = await _find_end_record(pieces)
    _, disk, directory_disk, _, count, length, offset, _ = record
    end = at
    if _IN_ZIP64_16 in (disk, directory_disk, count) or _IN_ZIP64_32 in (length, offset):
        zip64 = await _read_zip64_end(pieces, at)
        if zip64 is not None:
            end, disk, directory_disk, length, offset = zip64
    if disk or directory_disk:
        raise _BadArchiveError("the archive is split over several files")
    if length > MAX_DIRECTORY_BYTES:
        raise _BadArchiveError(f"its central directory has {length} bytes, more than {MAX_DIRECTORY_BYTES}")
    start = end - length
    # The directory ends where the end records begin; its offset is short by what was put before the archive.
    shift = start - offset
    if start < 0 or shift < 0:
        raise _BadArchiveError("its central directory lies outside of the file")
    return Directory(start=start, end=end, shift=shift)


async def _find_end_record(pieces: _Pieces) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]]:
    """Return position and fields of the end record: the last whose comment reaches exactly to the end."""
    found = _search_end_record(await pieces.read(pieces.tail_start, pieces.size))
    if found is None:
        # A comment may be longer than the tail.
        start = max(0, pieces.size - _END.size - _MAX_COMMENT_BYTES)
        if start < pieces.tail_start:
            found = _search_end_record(await pieces.read(start, pieces.size))
    if found is None:
        raise _BadArchiveError("it is not a ZIP archive, or it is cut short")
    from_end, record = found
    return pieces.size - from_end, record


def _search_end_record(data: bytes) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]] | None:
    position = len(data) - _END.size
    while position >= 0:
        position = data.rfind(_END_SIGNATURE, 0, position + len(_END_SIGNATURE))
        if position < 0:
            return None
        record = _END.unpack_from(data, position)
        if position + _END.size + record[7] == len(data):
            return len(data) - position, record
        position -= 1
    return None


async def _read_zip64_end(pieces: _Pieces, at: int) -> tuple[int, int, int, int, int] | None:
    """Return position, disks, length and offset of the ZIP64 end record before ``at``; None where there is none."""
    if at < _END64_LOCATOR.size + _END64.size:
        return None
    locator_at = at - _END64_LOCATOR.size
    signature, disk, offset, _ = _END64_LOCATOR.unpack(await pieces.read(locator_at, at))
    if signature != _END64_LOCATOR_SIGNATURE:
        return None
    # Nearly always directly before its locator. The locator's offset, which a prefix makes
    # wrong, is only needed where the record has an extensible data sector.
    for position in dict.fromkeys((locator_at - _END64.size, offset)):
        if 0 <= position <= locator_at - _END64.size:
            fields = _END64.unpack(await pieces.read(position, position + _END64.size))
            record, length = fields[0], fields[1]
            if record == _END64_SIGNATURE and position + 12 + length == locator_at:
                return position, max(disk, fields[4]), fields[5], fields[8], fields[9]
    raise _BadArchiveError("its ZIP64 end record is damaged")


async def _find_metadata(pieces: _Pieces, directory: Directory, wheel: WheelFile) -> Entry:
    """Return the entry of the release's METADATA: tail first, then the directory's start, then its rest."""
    tail_start = max(directory.start, min(pieces.tail_start, directory.end))
    tail = await pieces.read(tail_start, directory.end)
    whole = tail_start == directory.start
    at = 0 if whole else _find_first_entry(tail)
    found = _find_candidates(list(_parse_entries(tail, at)), wheel, exact=not whole)
    if not found and not whole:
        gap = tail_start + at - directory.start
        head_end = directory.start + min(gap, HEAD_BYTES)
        head = await pieces.read(directory.start, head_end)
        found = _find_candidates(list(_parse_entries(head, 0, partial=head_end < directory.end)), wheel, exact=True)
    if not found and not whole:
        data = await _read_directory(pieces, directory, head)
        found = _find_candidates(list(_parse_entries(data, 0)), wheel, exact=False)
    if len(found) > 1:
        raise _BadArchiveError(f"it holds {len(found)} METADATA files of {wheel.project}")
    if not found:
        raise _BadArchiveError(f"it holds no {wheel.project}-{wheel.version}.dist-info/METADATA")
    return found[0]


async def _read_directory(pieces: _Pieces, directory: Directory, head: bytes) -> bytes:
    """Return the whole directory, of which ``head`` is the start."""
    return head + await pieces.read(directory.start + len(head), directory.end)


def _find_first_entry(data: bytes) -> int:
    """Return where the first whole entry of the directory's last bytes begins; their end where there is none.

    A signature may occur inside a name or an extra field: an entry counts when those
    that follow it reach exactly the directory's end.
    """
    reaching = {len(data)}
    position = len(data)
    while (position := data.rfind(_ENTRY_SIGNATURE, 0, position + len(_ENTRY_SIGNATURE) - 1)) >= 0:
        end = _entry_end(data, position)
        if end is not None and end in reaching:
            reaching.add(position)
    return min(reaching)


def _entry_end(data: bytes, at: int) -> int | None:
    """Return where the entry at ``at`` ends; None where its fixed part is cut off."""
    if at + _ENTRY.size > len(data):
        return None
    fields = _ENTRY.unpack_from(data, at)
    return at + _ENTRY.size + int(fields[10]) + int(fields[11]) + int(fields[12])


def _parse_entries(data: bytes, at: int, *, partial: bool = False) -> Iterator[Entry]:
    """Yield the entries from ``at`` on; where ``partial``, the last may be cut off."""
    while at < len(data):
        end = _entry_end(data, at)
        if end is None or end > len(data):
            if partial:
                return
            raise _BadArchiveError("its central directory is cut short")
        if data[at : at + len(_ENTRY_SIGNATURE)] != _ENTRY_SIGNATURE:
            raise _BadArchiveError("its central directory is damaged")
        entry = _parse_entry(data, at)
        if entry is not None:
            yield entry
        at = end


def _parse_entry(data: bytes, at: int) -> Entry | None:
    """Parse one entry; None where it cannot be a METADATA, which spares 10,000 objects a wheel."""
    fields = _ENTRY.unpack_from(data, at)
    flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_length, extra_length, offset = fields[10], fields[11], fields[16]
    name_end = at + _ENTRY.size + name_length
    name = data[at + _ENTRY.size : name_end]
    if name_length > MAX_NAME_BYTES or not name.endswith(b".dist-info/METADATA") or name.count(b"/") != 1:
        return None
    extra = data[name_end : name_end + extra_length]
    size, packed, offset = _apply_zip64((size, packed, offset), extra)
    return Entry(name=name, flags=flags, method=method, crc=crc, packed=packed, size=size, offset=offset)


def _apply_zip64(fields: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Put in the sizes and the offset that stand in the ZIP64 extra field, in this order (APPNOTE 4.5.3)."""
    if _IN_ZIP64_32 not in fields:
        return fields
    values = _find_extra(extra, _ZIP64_EXTRA)
    real: list[int] = []
    for value in fields:
        if value == _IN_ZIP64_32:
            if len(values) < 8:
                raise _BadArchiveError("its ZIP64 extra field is damaged")
            value, values = int.from_bytes(values[:8], "little"), values[8:]
        real.append(value)
    return real[0], real[1], real[2]


def _find_extra(extra: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _find_candidates(entries: list[Entry], wheel: WheelFile, *, exact: bool) -> tuple[Entry, ...]:
    """Return the top-level METADATA of the release: of its version, or else (not ``exact``) of its project.

    A version that differs from the file name is finding WA203, told from the file's
    text; it is taken only once the whole directory was seen.
    """
    same_version = tuple(entry for entry in entries if _names(entry, wheel, any_version=False))
    if same_version or exact:
        return same_version
    return tuple(entry for entry in entries if _names(entry, wheel, any_version=True))


def _names(entry: Entry, wheel: WheelFile, *, any_version: bool) -> bool:
    """Whether the entry's directory is ``{project}-{version}.dist-info``, compared normalised (PEP 503)."""
    stem = entry.name.decode("utf-8", "replace").removesuffix(".dist-info/METADATA")
    # Old build tools left "-" and "." in the name, so the version's dash is not simply the first.
    project = "[-_.]+".join(map(re.escape, wheel.project.split("-")))
    match = re.fullmatch(f"(?i:{project})-(.+)", stem)
    return match is not None and (any_version or _is_version(match[1], wheel.version))


def _is_version(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


async def _read_member(pieces: _Pieces, directory: Directory, entry: Entry) -> bytes:
    """Fetch local header and data in one span, unpack them and check size and CRC-32."""
    if entry.flags & _FLAGS_ENCRYPTED:
        raise _BadArchiveError("its METADATA is encrypted")
    if entry.method not in (_STORED, _DEFLATED):
        raise _BadArchiveError(f"its METADATA is packed by method {entry.method}, which PEP 427 does not foresee")
    if max(entry.size, entry.packed) > MAX_METADATA_BYTES:
        raise _BadArchiveError(f"its METADATA is larger than {MAX_METADATA_BYTES} bytes")
    start = entry.offset + directory.shift
    guess = start + _LOCAL.size + len(entry.name) + LOCAL_EXTRA_BYTES + entry.packed
    span = await pieces.read(start, max(start, min(guess, directory.start)))
    if len(span) < _LOCAL.size:
        raise _BadArchiveError("the local header of its METADATA lies outside of the archive")
    fields = _LOCAL.unpack_from(span)
    data_at = _LOCAL.size + fields[9] + fields[10]
    if fields[0] != _LOCAL_SIGNATURE or span[_LOCAL.size : _LOCAL.size + fields[9]] != entry.name:
        raise _BadArchiveError("the local header of its METADATA differs from the directory")
    if start + data_at + entry.packed > directory.start:
        raise _BadArchiveError("its METADATA is cut short")
    if data_at + entry.packed > len(span):
        # The local extra field is longer than foreseen.
        span += await pieces.read(start + len(span), start + data_at + entry.packed)
    return _unpack(span[data_at : data_at + entry.packed], entry)


def _unpack(packed: bytes, entry: Entry) -> bytes:
    """Return the member's content; a bomb stops one byte past its declared size."""
    data = packed
    if entry.method == _DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.size + 1)
        except zlib.error as error:
            raise _BadArchiveError("its METADATA cannot be unpacked") from error
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise _BadArchiveError("its METADATA fails the check of its CRC-32")
    return data
