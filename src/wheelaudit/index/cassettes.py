"""WING B: records what an index answers, and answers from the recording, as httpx transports.

Nothing else knows of cassettes: the client puts one of these transports around the
network, or in its place. A cassette is a folder of readable files:

    exchanges.json              {"schema": 1, "exchanges": [...]}, sorted by URL, range and turn
    bodies/0123456789abcdef.html    the first 16 digits of the body's SHA-256; each content once

An exchange holds ``method``, ``url`` (without userinfo), ``range`` (the Range header or
null), ``status``, the few ``headers`` that matter, and ``body`` (a file, or null where it
was empty or not read). Requests are matched on the first three; several answers to
one request are given in turn, and the last is repeated. Authorization, cookies and
userinfo are never written. To record one: ``wheelaudit SPEC --record DIR``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from wheelaudit.errors import CassetteError, WheelAuditError
from wheelaudit.index.codings import CodingError, Decoder, parse_coding
from wheelaudit.index.lean_httpx import httpx
from wheelaudit.index.locations import without_credentials

SCHEMA = 1
EXCHANGES = "exchanges.json"
BODIES = "bodies"
KEPT_HEADERS = (
    "accept-ranges",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "retry-after",
)
"""What decides how an answer is understood; the rest is left out, so that no cookie or token slips in."""
MAX_EXCHANGES_BYTES = 16 * 1024 * 1024
"""Bound of exchanges.json: about 500 bytes an exchange, and no run makes 30,000. JSON takes twenty times its size."""
_BODY_NAME = re.compile(r"bodies/[0-9a-f]{16}\.(html|json|metadata|bin)", re.ASCII)
_DIGITS = 16
_RECORD_AGAIN = "Record it again with --record, or run without --replay."

Key = tuple[str, str, str | None]
"""Method, URL and Range header: what requests are matched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer."""

    method: str
    url: str
    """Without userinfo and fragment; the query is kept."""
    range: str | None
    """The Range header; None where the request had none."""
    status: int
    headers: Mapping[str, str]
    """Of `KEPT_HEADERS`, in lower case."""
    body: bytes | None
    """Decoded; None where it was empty or not read."""

    @property
    def key(self) -> Key:
        """What a request is matched on."""
        return self.method, self.url, self.range


class RecordingTransport(httpx.AsyncBaseTransport):
    """Passes requests on to ``inner`` and writes the cassette when it is closed.

    After a bug or a cancellation nothing is written: a cassette is whole or absent.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, folder: Path) -> None:
        check_destination(folder)
        self._inner = inner
        self._folder = folder
        self._exchanges: list[Exchange] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)

        def keep(raw: bytes | None) -> None:
            self._exchanges.append(_build_exchange(request, response, raw))

        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Tee(response.stream, keep),
            extensions=response.extensions,
        )

    async def __aenter__(self) -> RecordingTransport:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(kind, error, traceback)
        if error is None or isinstance(error, WheelAuditError):
            write_cassette(self._folder, self._exchanges)

    async def aclose(self) -> None:
        await self.__aexit__()


class _Tee(httpx.AsyncByteStream):
    """Passes a body on and keeps it; a body that nobody reads to its end is kept as None, a broken one not at all."""

    def __init__(self, stream: httpx.AsyncByteStream, keep: Callable[[bytes | None], None]) -> None:
        self._stream = stream
        self._keep: Callable[[bytes | None], None] | None = keep

    async def __aiter__(self) -> AsyncIterator[bytes]:
        data = bytearray()
        try:
            async for chunk in self._stream:
                data += chunk
                yield chunk
        except httpx.TransportError:
            self._keep = None
            raise
        self._done(bytes(data))

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._done(None)

    def _done(self, data: bytes | None) -> None:
        keep, self._keep = self._keep, None
        if keep is not None:
            keep(data)


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers from a cassette, without network. Raises `CassetteError` where it holds no answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: dict[Key, list[Exchange]] = {}
        for exchange in read_cassette(folder):
            self._answers.setdefault(exchange.key, []).append(exchange)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method, url, wanted = _request_key(request)
        answers = self._answers.get((method, url, wanted))
        if not answers:
            span = f" ({wanted})" if wanted else ""
            raise CassetteError(
                f"The cassette {self._folder} holds no answer to {method} {url}{span}.", remedy=_RECORD_AGAIN
            )
        exchange = answers.pop(0) if len(answers) > 1 else answers[0]
        # As bytes: of texts httpx takes only ASCII, and what was recorded may be anything.
        headers = [(_encode(name), _encode(value)) for name, value in exchange.headers.items()]
        return httpx.Response(exchange.status, headers=headers, content=exchange.body or b"")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_cassette(folder: Path) -> tuple[Exchange, ...]:
    """Return a cassette's exchanges, in its order. Raises `CassetteError` where it is not one, or not whole."""
    path = folder / EXCHANGES
    try:
        if path.stat().st_size > MAX_EXCHANGES_BYTES:
            raise _broken(folder, f"its {EXCHANGES} is larger than {MAX_EXCHANGES_BYTES} bytes")
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise CassetteError(f"{folder} is no cassette: it has no {EXCHANGES}.", remedy="Check the folder.") from error
    except OSError as error:
        raise _broken(folder, f"its {EXCHANGES} cannot be opened") from error
    except (ValueError, RecursionError) as error:
        raise _broken(folder, f"its {EXCHANGES} is not JSON") from error
    if (
        not isinstance(document, dict)
        or document.get("schema") != SCHEMA
        or not isinstance(document.get("exchanges"), list)
    ):
        raise _broken(folder, f"its {EXCHANGES} is not of schema {SCHEMA}")
    bodies: dict[str, bytes] = {}
    return tuple(_parse_exchange(folder, row, bodies) for row in document["exchanges"])


def _parse_exchange(folder: Path, row: object, bodies: dict[str, bytes]) -> Exchange:
    match row:
        case {
            "method": str(method),
            "url": str(url),
            "range": str() | None as wanted,
            "status": int(status),
            "headers": dict(headers),
            "body": str() | None as body,
        } if 100 <= status <= 599 and all(isinstance(value, str) for value in headers.values()):
            if body is not None and body not in bodies:
                bodies[body] = _read_body(folder, body)
            content = None if body is None else bodies[body]
            return Exchange(method=method, url=url, range=wanted, status=status, headers=headers, body=content)
        case _:
            raise _broken(folder, f"an exchange of its {EXCHANGES} lacks something or has it of another type")


def _read_body(folder: Path, name: str) -> bytes:
    # The name comes from a file that anyone may have written: it must not lead out of the folder.
    if not _BODY_NAME.fullmatch(name):
        raise _broken(folder, "a body's name is not a hash below bodies/")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise _broken(folder, f"its {name} is missing") from error
    if hashlib.sha256(data).hexdigest()[:_DIGITS] != Path(name).stem:
        raise _broken(folder, f"its {name} was changed: the content does not fit the name")
    return data


def _broken(folder: Path, reason: str) -> CassetteError:
    return CassetteError(f"The cassette {folder} cannot be read: {reason}.", remedy=_RECORD_AGAIN)


def check_destination(folder: Path) -> None:
    """Raise `CassetteError` where a cassette must not be written: over anything but a cassette."""
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise _unwritable(folder) from error
    if occupied and not (folder / EXCHANGES).is_file():
        raise CassetteError(
            f"{folder} holds something else than a cassette, and is left as it is.",
            remedy="Give a folder that does not exist yet.",
        )


def write_cassette(folder: Path, exchanges: Iterable[Exchange]) -> None:
    """Write a cassette, replacing one that is there; the same exchanges give the same bytes.

    All is written beside the folder and moved into its place at the end.
    """
    check_destination(folder)
    rows: list[tuple[tuple[str, str, str], Exchange]] = []
    for exchange in exchanges:
        method, url, wanted = exchange.key
        rows.append(((url, method, wanted or ""), exchange))
    # Stable: answers to one request stay in their order, all else is told by meaning, not by time of arrival.
    ordered = [exchange for _, exchange in sorted(rows, key=lambda row: row[0])]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            new = Path(scratch) / "new"
            (new / BODIES).mkdir(parents=True)
            document = {"schema": SCHEMA, "exchanges": [_write_exchange(new, exchange) for exchange in ordered]}
            text = json.dumps(document, indent=2, ensure_ascii=True, sort_keys=False)
            (new / EXCHANGES).write_text(f"{text}\n", encoding="utf-8", newline="\n")
            if folder.exists():
                # Neither POSIX nor Windows renames over a folder that holds files.
                folder.rename(Path(scratch) / "old")
            shutil.move(new, folder)
    except OSError as error:
        raise _unwritable(folder) from error


def _unwritable(folder: Path) -> CassetteError:
    return CassetteError(f"The cassette {folder} cannot be written.", remedy="Give a folder that you may write to.")


def _write_exchange(folder: Path, exchange: Exchange) -> dict[str, object]:
    name = None
    if exchange.body:
        digest = hashlib.sha256(exchange.body).hexdigest()[:_DIGITS]
        name = f"{BODIES}/{digest}.{_suffix(exchange)}"
        (folder / name).write_bytes(exchange.body)
    return {
        "method": exchange.method,
        "url": exchange.url,
        "range": exchange.range,
        "status": exchange.status,
        "headers": {header: exchange.headers[header] for header in KEPT_HEADERS if header in exchange.headers},
        "body": name,
    }


def _suffix(exchange: Exchange) -> str:
    """The kind of the body, for the eye."""
    content_type = exchange.headers.get("content-type", "")
    if exchange.range is not None or exchange.status != 200:
        return "bin"
    if exchange.url.partition("?")[0].endswith(".metadata"):
        return "metadata"
    return "json" if "json" in content_type else "html" if "html" in content_type else "bin"


def _build_exchange(request: httpx.Request, response: httpx.Response, raw: bytes | None) -> Exchange:
    method, url, wanted = _request_key(request)
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    if "retry-after" not in headers:
        # Only read together with a Retry-After that is a date; else every recording would differ from the last.
        headers.pop("date", None)
    if "location" in headers:
        headers["location"] = without_credentials(headers["location"])
    body = _decode(raw, response.headers) if raw else None
    return Exchange(method=method, url=url, range=wanted, status=response.status_code, headers=headers, body=body)


def _decode(raw: bytes, headers: httpx.Headers) -> bytes | None:
    """Undo the Content-Encoding, so that bodies are readable; None where it does not fit (the client has said so)."""
    coding = parse_coding(headers.get("content-encoding", ""))
    if coding is None:
        return raw
    try:
        decoder = Decoder(coding)
        data = b"".join(decoder.feed(raw))  # bounded: only what the client has read to its end comes here
        decoder.close()
    except CodingError:
        return None
    return data


def _request_key(request: httpx.Request) -> Key:
    url = request.url.copy_with(username=None, password=None, fragment=None)
    return request.method, str(url), request.headers.get("range")
