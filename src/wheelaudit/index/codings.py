"""WING B: the content codings that a body may come in, undone piece by piece.

Obeys RFC 9110 section 8.4.1 (codings), RFC 1952 (gzip), RFC 7932 (br), RFC 8878 and RFC 9659
(zstd). All three make much of little: 80 bytes of br or 1,547 of zstd unpack to 50 MB. So
nothing is unpacked at once: a `Decoder` gives pieces, and whoever takes them counts them.

gzip is always there, br and zstd where their decoders are installed (the extra
``compression``) and can stop after so many bytes.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, Protocol

MAX_PIECE = 64 * 1024
"""Bytes that are asked of a decoder at once: a page's parser is no faster with more."""
MAX_BR_PIECE = 96 * 1024
"""Bytes that Brotli gives of `MAX_PIECE`: its buffer grows by 32 KiB, then by 64, and is handed over as it is."""
MAX_ZSTD_WINDOW = 23
"""As a power of two, so 8 MiB: RFC 9659 section 3 allows no more over HTTP, where a frame may claim 2 GB and more.
(The window of br has 16 MiB at most, RFC 7932 section 9.1, that of gzip 32 KiB.)"""
_ZSTD_HEADER = 18
"""Bytes of a frame's header at most (RFC 8878 section 3.1.1.1, magic number included)."""
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
"""The standard library's (PEP 784), or the same for older Pythons."""
_ZSTD_CORE = "_zstd" if sys.version_info >= (3, 14) else _ZSTD
"""What shows that it is there: a Python may have been built without libzstd."""
_BR = "brotli", "brotlicffi"
"""The same API twice; the second is for PyPy."""
_OR_ELSE = {
    "br": ", or something follows its end",
    "zstd": f", or they want a window of more than {2**MAX_ZSTD_WINDOW // 2**20} MiB",
}
"""What else the decoders raise their one error for."""


class CodingError(Exception):
    """A body cannot be unpacked; the message is the clause that says why, with "its" for the answer's."""


class _Stream(Protocol):
    """One stream of a coding, as the standard library's decompressors have it; it keeps what it has not unpacked."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def find_codings() -> tuple[str, ...]:
    """Return what can be unpacked here, bounded; what packs best comes first.

    Looked for, not imported: zstd's module costs 10 ms. Brotli's costs none, httpx has it already.
    """
    offered = ["gzip"]
    if _is_installed(_ZSTD_CORE):
        offered.insert(0, "zstd")
    if _find_brotli() is not None:
        offered.insert(0, "br")
    return tuple(offered)


def parse_coding(text: str) -> str | None:
    """Return what a Content-Encoding names, spelled as `find_codings` does; None where nothing was done to the body."""
    coding = text.strip().lower()
    if coding in ("", "identity"):
        return None
    # RFC 9110 section 8.4.1.3: x-gzip is the same.
    return "gzip" if coding == "x-gzip" else coding


class Decoder:
    """Undoes one coding: `feed` every chunk, then `close`.

    Raises `CodingError` where ``coding`` is none that `find_codings` names, or its module cannot be imported.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        if coding not in _BUILDERS:
            raise CodingError("its coding is unknown")
        try:
            self._open, self._error = _BUILDERS[coding]()
        except ImportError as error:
            raise CodingError(f"what unpacks its {coding} cannot be imported") from error
        self._stream: _Stream | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what becomes of ``data``, in pieces of at most `MAX_PIECE` bytes (br: `MAX_BR_PIECE`).

        All of them are to be taken before more is fed. Raises `CodingError` where it is not what the coding makes.
        """
        # What is not yet unpacked is copied each time: of a whole body of tiny members that would be gigabytes.
        for at in range(0, len(data), MAX_PIECE):
            yield from self._feed(data[at : at + MAX_PIECE])

    def _feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                self._stream = self._begin()
            yield from self._unpack(self._stream, data)
            if not self._stream.eof:
                return
            data, self._stream, self._ended = self._stream.unused_data, None, True

    def close(self) -> None:
        """Raise `CodingError` where the last stream has not ended; a body of no bytes at all is empty in any coding."""
        if self._stream is not None:
            raise CodingError(f"its {self._coding} is cut short")

    def _begin(self) -> _Stream:
        # gzip and zstd are series (RFC 1952 section 2.2, RFC 8878 section 3): nothing but the next one may follow.
        if self._ended and self._coding == "br":
            raise CodingError("something follows the end of its br")
        return self._open()

    def _unpack(self, stream: _Stream, data: bytes) -> Iterator[bytes]:
        try:
            while True:
                piece = stream.decompress(data, MAX_PIECE)
                if piece:
                    yield piece
                if stream.eof or stream.needs_input:
                    return
                data = b""
        except self._error as error:
            raise CodingError(self._explain()) from error

    def _explain(self) -> str:
        if self._ended:
            return f"what follows the end of its {self._coding} is none"
        return f"its bytes are no {self._coding}{_OR_ELSE.get(self._coding, '')}"


class _GzipStream:
    """One member of gzip; zlib leaves it to its caller to keep what is not yet unpacked."""

    needs_input = True

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._member.decompress(self._rest + data, max_length)
        self._rest = self._member.unconsumed_tail
        # A full piece may have left something in zlib itself, where all input is consumed.
        self.needs_input = len(piece) < max_length
        return piece


class _BrStream:
    """The one stream of a body in br."""

    unused_data = b""
    needs_input = True

    def __init__(self, brotli: ModuleType) -> None:
        self._inner = brotli.Decompressor()
        self._error: type[Exception] = brotli.error

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = bytes(self._inner.process(data, output_buffer_limit=max_length))
        has_room = self._inner.can_accept_more_data()
        # A full piece may have left something here too, though it would already take more.
        self.needs_input = has_room and len(piece) < max_length
        if self.eof and not has_room:
            # Brotli fails where something follows in the same chunk, and brotlicffi keeps quiet.
            raise self._error("something follows the end")
        return piece


class _ZstdStream:
    """One frame of zstd; its module sees no end of a frame that comes in pieces and stops short of its stated size."""

    def __init__(self, zstd: Any) -> None:
        options = {zstd.DecompressionParameter.window_log_max: MAX_ZSTD_WINDOW}
        self._inner = zstd.ZstdDecompressor(options=options)
        self._zstd = zstd
        self._header = b""
        self._size = 0

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._inner.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._header += data[: _ZSTD_HEADER - len(self._header)]
        piece = bytes(self._inner.decompress(data, max_length))
        self._size += len(piece)
        if self.eof and self._zstd.get_frame_info(self._header).decompressed_size not in (None, self._size):
            raise self._zstd.ZstdError("the content is not as long as the frame says")
        return piece


_Builder = Callable[[], tuple[Callable[[], _Stream], type[Exception]]]
"""Imports what a coding needs; returns what opens a stream of it, and what that raises."""


def _build_gzip() -> tuple[Callable[[], _Stream], type[Exception]]:
    return _GzipStream, zlib.error


def _build_br() -> tuple[Callable[[], _Stream], type[Exception]]:
    brotli = _find_brotli()
    if brotli is None:
        raise ImportError("there is no Brotli that can be bounded")
    return lambda: _BrStream(brotli), brotli.error


def _build_zstd() -> tuple[Callable[[], _Stream], type[Exception]]:
    zstd: Any = import_module(_ZSTD)
    return lambda: _ZstdStream(zstd), zstd.ZstdError


_BUILDERS: Mapping[str, _Builder] = {"br": _build_br, "zstd": _build_zstd, "gzip": _build_gzip}


def _find_brotli() -> ModuleType | None:
    """Return a Brotli that can be bounded: 1.2 is the first, and told by the method that came with it."""
    for name in _BR:
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(getattr(module, "Decompressor", None), "can_accept_more_data"):
            return module
    return None


def _is_installed(name: str) -> bool:
    """Whether there is such a module; unlike `importlib.util.find_spec`, this does not import what it lies in."""
    if name in sys.builtin_module_names:
        return True
    parts = name.split(".")
    spec = PathFinder.find_spec(parts[0])
    for length in range(2, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return False
        spec = PathFinder.find_spec(".".join(parts[:length]), spec.submodule_search_locations)
    return spec is not None
