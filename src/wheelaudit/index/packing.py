"""WING B (pure): a body as the metadata store keeps it: known by its content's hash, and packed where it is large."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wheelaudit.index.pages import MAX_PAGE_BYTES

MAX_BODY_BYTES = MAX_PAGE_BYTES
"""Of one body, unpacked: the client reads no larger ones."""
_LEVEL = 1
"""Of zlib: pages come to a sixth at a quarter of what the default level costs."""
PLAIN_BYTES = 64 * 1024
"""What is no larger is kept as it is, and that is nearly every METADATA: packing them took a tenth of a cold run's CPU,
and a thousand of them come to 33 MB."""
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body as it lies in the store; `build_body` makes one."""

    sha256: bytes
    """Of the content."""
    size: int
    """Bytes of the content."""
    packed: bool
    data: bytes
    """The content, by zlib where ``packed``."""

    def read(self) -> bytes:
        """Return the content."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 64 KiB: a page need not be held whole.

        Raises `zlib.error` where ``data`` is not packed as it says, and ValueError where it comes to more than
        ``size``; not for a body that `MetadataStore.find` gave.
        """
        if not self.packed:
            yield from (self.data[at : at + _PIECE] for at in range(0, len(self.data), _PIECE))
            return
        unpacker = zlib.decompressobj()
        rest, size = self.data, 0
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            if not piece and not unpacker.unconsumed_tail and not unpacker.eof:
                raise ValueError("the body is cut short")
            rest, size = unpacker.unconsumed_tail, size + len(piece)
            if size > self.size:
                raise ValueError("the body is larger than it says")
            yield piece

    def is_whole(self) -> bool:
        """Whether the content has its hash."""
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.pieces():
                digest.update(piece)
                size += len(piece)
        except (zlib.error, ValueError):
            return False
        return digest.digest() == self.sha256 and size == self.size


class BodyPacker:
    """Packs a body while it arrives: `feed` each piece, then `close` for the `Body`. Holds only what is packed."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._packer = zlib.compressobj(_LEVEL)
        self._packed = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._digest.update(data)
        self._packed += self._packer.compress(data)
        self._size += len(data)

    def close(self) -> Body:
        """Return the body, packed if that pays."""
        self._packed += self._packer.flush()
        packed, digest = bytes(self._packed), self._digest.digest()
        if len(packed) < self._size:
            return Body(sha256=digest, size=self._size, packed=True, data=packed)
        return Body(sha256=digest, size=self._size, packed=False, data=zlib.decompress(packed))


def build_body(data: bytes) -> Body:
    """Pack a whole body, if it is large."""
    if len(data) <= PLAIN_BYTES:
        return Body(sha256=hashlib.sha256(data).digest(), size=len(data), packed=False, data=data)
    packer = BodyPacker()
    packer.feed(data)
    return packer.close()
