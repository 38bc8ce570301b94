"""scripts/attack: an index on loopback sockets, and between it and us a connection that does all that one can do.

A `Fault` says which file's answer is met, how often, how, and at which byte. The answers
before and after are as they should be.
"""

from __future__ import annotations

import random
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from scripts._attack_world import Payload, World, pack

End = Literal["keep", "close", "reset", "hold"]
"""What becomes of the connection: ``hold`` is silence until the other side gives up."""
PAUSE = 0.02
"""Seconds between two pieces of an answer that is delayed."""
LONGEST_HOLD = 30.0
"""Seconds; no client of ours waits as long."""
MAX_HEAD_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong."""

    name: str
    path: str
    """The file whose answers are met."""
    times: int
    """How many of them."""
    seed: int
    """Says at which byte, and all else that is drawn."""
    other: str
    """The file whose answer comes instead, where two are swapped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer before it is bytes."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes
    chunked: bool = False

    def encode(self, *, version: str = "1.1", framed: bool = True) -> bytes:
        """Return the bytes; not ``framed``: nothing says how long the body is."""
        fields = [*self.fields]
        body = self.body
        if self.chunked and framed:
            fields.append(("Transfer-Encoding", "chunked"))
            body = encode_chunks(body)
        elif framed and self.status != 304:
            fields.append(("Content-Length", str(len(body))))
        head = f"HTTP/{version} {self.status} Fine\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
        return head.encode("latin-1") + b"\r\n" + body


def encode_chunks(body: bytes) -> bytes:
    """Return a body in two chunks (RFC 9112 section 7.1)."""
    half = max(1, len(body) // 2)
    pieces = [piece for piece in (body[:half], body[half:]) if piece]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What goes over the wire: pieces with a pause between two, and then an end."""

    pieces: tuple[bytes, ...]
    end: End = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A fault as it meets an answer."""

    draw: random.Random
    clean: Response
    other: Response
    """Of another file."""

    @property
    def raw(self) -> bytes:
        return self.clean.encode()

    def find_place(self, size: int) -> int:
        return self.draw.randrange(max(1, size))


Act = Callable[[Meeting], Delivery]


def _cut(end: End) -> Act:
    def act(meeting: Meeting) -> Delivery:
        raw = meeting.raw
        return Delivery(pieces=(raw[: meeting.find_place(len(raw))],), end=end)

    return act


def _delay(meeting: Meeting) -> Delivery:
    raw = meeting.raw
    places = sorted(meeting.find_place(len(raw)) for _ in range(3))
    return Delivery(pieces=tuple(raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)))


def _alter(change: Callable[[random.Random, bytes, int], bytes]) -> Act:
    def act(meeting: Meeting) -> Delivery:
        raw = meeting.raw
        # Close: who still waits for bytes that were dropped is not to wait for the time limit.
        return Delivery(pieces=(change(meeting.draw, raw, meeting.find_place(len(raw))),), end="close")

    return act


def _flip(draw: random.Random, raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << draw.randrange(8))]) + raw[at + 1 :]


def _zero(draw: random.Random, raw: bytes, at: int) -> bytes:
    size = min(draw.randint(1, 32), len(raw) - at)
    return raw[:at] + bytes(size) + raw[at + size :]


def _repeat(draw: random.Random, raw: bytes, at: int) -> bytes:
    return raw[:at] + raw[max(0, at - draw.randint(1, 64)) : at] + raw[at:]


def _drop(draw: random.Random, raw: bytes, at: int) -> bytes:
    return raw[:at] + raw[at + draw.randint(1, 64) :]


def _length(factor: Literal["short", "long", "two"]) -> Act:
    def act(meeting: Meeting) -> Delivery:
        clean, size = meeting.clean, len(meeting.clean.body)
        stated = {"short": meeting.find_place(size), "long": size + meeting.draw.randint(1, 5000), "two": size}[factor]
        fields = [("Content-Length", str(stated))]
        if factor == "two":
            fields.append(("Content-Length", str(meeting.find_place(size))))
        answer = replace(clean, fields=(*clean.fields, *fields))
        return Delivery(pieces=(answer.encode(framed=False),), end="close")

    return act


def _open_ended(*, whole: bool) -> Act:
    """No length: the end of the connection ends the body, and where it was cut nobody can tell."""

    def act(meeting: Meeting) -> Delivery:
        body = meeting.clean.body
        answer = replace(meeting.clean, body=body if whole else body[: meeting.find_place(len(body))])
        return Delivery(pieces=(answer.encode(version="1.0", framed=False),), end="close")

    return act


def _chunk(meeting: Meeting) -> Delivery:
    body = meeting.clean.body
    size = len(body)
    stated = meeting.draw.choice(["0", "-5", "xyz", "f" * 17, "", f"{size + 7:x}", f"{meeting.find_place(size):x}"])
    answer = replace(meeting.clean, fields=(*meeting.clean.fields, ("Transfer-Encoding", "chunked")), body=b"")
    chunks = stated.encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    return Delivery(pieces=(answer.encode(framed=False) + chunks,), end="close")


def _status(status: int, *fields: tuple[str, str], empty: bool = True) -> Act:
    def act(meeting: Meeting) -> Delivery:
        body = b"" if empty else meeting.clean.body
        return Delivery(pieces=(Response(status=status, fields=fields, body=body).encode(),))

    return act


def _lie(meeting: Meeting) -> Delivery:
    """A 206 of another span than it says, or one that was not asked for."""
    size = len(meeting.clean.body)
    start, total = meeting.find_place(size + 5), meeting.draw.randint(1, 2 * size + 1)
    span = ("Content-Range", f"bytes {start}-{start + max(1, size) - 1}/{total}")
    fields = tuple(each for each in meeting.clean.fields if each[0] != "Content-Range")
    return Delivery(pieces=(replace(meeting.clean, status=206, fields=(*fields, span)).encode(),))


def _ignore_range(meeting: Meeting) -> Delivery:
    fields = tuple(each for each in meeting.clean.fields if each[0] != "Content-Range")
    return Delivery(pieces=(replace(meeting.clean, status=200, fields=fields).encode(),))


def _double_fields(meeting: Meeting) -> Delivery:
    clean = meeting.clean
    return Delivery(pieces=(replace(clean, fields=(*clean.fields, *clean.fields)).encode(),))


def _around(before: bytes, after: bytes = b"") -> Act:
    return lambda meeting: Delivery(pieces=(before + meeting.raw + after,))


def _packing(meeting: Meeting) -> Delivery:
    """What says that it is gzip, and is cut, is not, or is so twice."""
    body = pack(meeting.clean.body)
    broken = meeting.draw.choice([body[: meeting.find_place(len(body))], meeting.clean.body or b"x", pack(body)])
    fields = tuple(each for each in meeting.clean.fields if each[0] != "Content-Encoding")
    answer = replace(meeting.clean, fields=(*fields, ("Content-Encoding", "gzip")), body=broken)
    return Delivery(pieces=(answer.encode(),))


_HERE = (("Location", ""),)

FAULTS: Mapping[str, Act] = {
    "cut": _cut("close"),
    "reset": _cut("reset"),
    "silence": _cut("hold"),
    "delay": _delay,
    "bit flipped": _alter(_flip),
    "bytes zeroed": _alter(_zero),
    "bytes repeated": _alter(_repeat),
    "bytes dropped": _alter(_drop),
    "length too short": _length("short"),
    "length too long": _length("long"),
    "two lengths": _length("two"),
    "no length, whole": _open_ended(whole=True),
    "no length, cut": _open_ended(whole=False),
    "chunk size wrong": _chunk,
    "gzip broken": _packing,
    "another file's answer": lambda meeting: Delivery(pieces=(meeting.other.encode(),)),
    "500": _status(500),
    "503": _status(503, ("Retry-After", "0")),
    "429": _status(429, ("Retry-After", "0")),
    "416": _status(416),
    "404 of a file": _status(404),
    "304 unasked": _status(304),
    "204": _status(204),
    "206 that lies": _lie,
    "206 unasked": _status(206, empty=False),
    "200 to Range": _ignore_range,
    "fields doubled": _double_fields,
    "HTTP/0.7": lambda meeting: Delivery(pieces=(meeting.clean.encode(version="0.7"),)),
    "garbage before": _around(b"\x00\xffgarbage\r\n"),
    "early hints before": _around(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "garbage after": _around(b"", b"\x00\xffgarbage"),
    "answer twice": lambda meeting: Delivery(pieces=(meeting.raw + meeting.raw,)),
    "field of 1 MB": _status(200, ("X-Field", "x" * 1_000_000), empty=False),
    "redirect to itself": lambda meeting: Delivery(pieces=(Response(status=302, fields=_HERE, body=b"").encode(),)),
}
_ALTERING = frozenset({"bit flipped", "bytes zeroed", "bytes repeated", "bytes dropped"})
_EXCHANGING = frozenset({"another file's answer", "answer twice"})
_SHORTENING = frozenset({"length too short", "chunk size wrong"})


def is_covered(fault: Fault, world: World, kind: str) -> bool:
    """Whether something (a hash, a CRC-32, a length, the page's own end) shows that this fault happened.

    Nothing does where a page that is not packed is altered, where a ``.metadata`` file whose
    hash the page does not give is altered, exchanged, or cut and told to be so long, and where one
    wheel's bytes come for another's: a page has no hash, nor have parts of a wheel.
    """
    if kind == "page":
        return world.packed or fault.name not in _ALTERING
    if kind == "wheel":
        return fault.name not in _EXCHANGING
    if world.hashes == "sha256":
        return True
    return fault.name not in _EXCHANGING | (frozenset() if world.packed else _ALTERING | _SHORTENING)


@dataclass(slots=True, kw_only=True)
class FaultyIndex:
    """What is served, what goes wrong, and how often it did."""

    world: World
    files: Mapping[str, Payload]
    faults: tuple[Fault, ...] = ()
    url: str = ""
    met: Counter[int] = field(default_factory=Counter)
    """How often each fault has met an answer, by its place."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, path: str, headers: Mapping[str, str]) -> Delivery:
        """Return what comes of a request."""
        clean = self.answer(path, headers)
        with self.lock:
            places = [place for place, fault in enumerate(self.faults) if fault.path == path]
            place = next((each for each in places if self.met[each] < self.faults[each].times), None)
            if place is None:
                return Delivery(pieces=(clean.encode(),))
            self.met[place] += 1
        fault = self.faults[place]
        other = self.answer(fault.other, {key: value for key, value in headers.items() if key == "range"})
        draw = random.Random(f"{fault.seed} {self.met[place]}")
        return FAULTS[fault.name](Meeting(draw=draw, clean=clean, other=other))

    def answer(self, path: str, headers: Mapping[str, str]) -> Response:
        """Return what a good server says."""
        payload = self.files.get(path)
        if payload is None:
            return Response(status=404, fields=(), body=b"")
        fields: tuple[tuple[str, str], ...] = (("Content-Type", payload.content_type), ("ETag", payload.etag))
        if headers.get("if-none-match") == payload.etag:
            return Response(status=304, fields=fields, body=b"")
        span = find_span(headers.get("range"), len(payload.body))
        if span is not None:
            start, end = span
            placed = ("Content-Range", f"bytes {start}-{end - 1}/{len(payload.body)}")
            return Response(status=206, fields=(*fields, placed), body=payload.body[start:end])
        if self.world.packed and payload.kind != "wheel":
            fields = (*fields, ("Content-Encoding", "gzip"))
            return Response(status=200, fields=fields, body=pack(payload.body), chunked=self.world.chunked)
        return Response(status=200, fields=fields, body=payload.body, chunked=self.world.chunked)


def find_span(wanted: str | None, size: int) -> tuple[int, int] | None:
    """Return the bytes that a Range header means; None: all of them."""
    match = _RANGE.fullmatch(wanted or "")
    if match is None:
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size)


@contextmanager
def serve(index: FaultyIndex) -> Iterator[FaultyIndex]:
    """Serve on a free port until the block ends."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                rest = b""
                while (request := _read_request(self.request, rest)) is not None:
                    path, headers, rest = request
                    if not self.send(index.deliver(path, headers)):
                        return

        def send(self, delivery: Delivery) -> bool:
            """Send an answer; whether the connection goes on."""
            for number, piece in enumerate(delivery.pieces):
                if number:
                    time.sleep(PAUSE)
                self.request.sendall(piece)
            if delivery.end == "hold":
                self.request.settimeout(LONGEST_HOLD)
                while not over.is_set() and self.request.recv(4096):
                    pass
            if delivery.end == "reset":
                layout = "hh" if sys.platform == "win32" else "ii"
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
            return delivery.end == "keep"

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # the client has gone: what it is meant to do

    with Listener(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield replace_url(index, f"http://127.0.0.1:{listener.server_address[1]}")
        finally:
            over.set()
            listener.shutdown()


def replace_url(index: FaultyIndex, url: str) -> FaultyIndex:
    """Note where an index is; return it."""
    index.url = url
    return index


def _read_request(connection: socket.socket, rest: bytes) -> tuple[str, dict[str, str], bytes] | None:
    """Return path, headers and what follows; None where the other side has no more to ask."""
    data = rest
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece or len(data) > MAX_HEAD_BYTES:
            return None
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
    return line.split(" ")[1], headers, rest
