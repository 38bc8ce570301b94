"""WING B: asks an index: a project's page, a wheel's core metadata.

Obeys PEP 503 and 691 (pages, content negotiation), 658 and 714 (``.metadata``). What
a wheel asks for is read from its ``.metadata`` file where the page offers one, the
advertised hash verified, and otherwise out of the wheel itself by Range requests;
what went wrong on the way stays with the reading as a `Fault`.

With a `MetadataStore` nothing is fetched twice. What has a hash on a page is read from
the store without a request; what has none, and the pages, are asked for each time, on
condition that they have changed (RFC 9110 section 13). What the store holds is told
apart by who asks: an answer to credentials is nobody else's.
"""

from __future__ import annotations

import hashlib
import random as _random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelaudit._version import __version__
from wheelaudit.errors import (
    HashMismatchError,
    IndexAccessError,
    InvalidMetadataError,
    MetadataError,
    MetadataUnreadableError,
    NetworkError,
    ProjectNotFoundError,
)
from wheelaudit.index.credentials import Credentials, Netrc
from wheelaudit.index.keyring import Keyring
from wheelaudit.index.locations import IndexLocation, project_url
from wheelaudit.index.pages import MAX_PAGE_BYTES, ProjectPage, Sieve
from wheelaudit.index.refusals import build_refusal
from wheelaudit.index.shelf import Arrival, Shelf, build_conditions, public_address
from wheelaudit.index.validators import parse_validators
from wheelaudit.metadata import MAX_METADATA_BYTES, CoreMetadata, Fault, Reading, Source, WheelMetadata, parse_metadata
from wheelaudit.release import WheelFile

if TYPE_CHECKING:
    from wheelaudit.index.store import MetadataStore, StoredAnswer
    from wheelaudit.index.wire import Answer, Receive, Transports, Wire

USER_AGENT = f"wheelaudit/{__version__} (+https://github.com/wheelaudit/wheelaudit)"
"""Says who asks, and where to complain."""

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
"""PEP 691: JSON is preferred; servers that know only HTML ignore the header."""

DEFAULT_TIMEOUT = 30.0
"""Seconds for connecting, and for each wait for bytes; uv's default."""

DEFAULT_RETRIES = 3
"""Repetitions after the first attempt; uv's default."""


class IndexClient:
    """Reads pages and metadata. An async context manager; nothing is opened before the first request.

    ``locations`` bring credentials, those of an index whose page is read are learned then;
    ``netrc`` and ``keyring`` (None: off) have the others. ``store`` is read and written, and its owner's to close;
    ``refresh``: only written. ``offline``: nothing is asked over the network, what the
    store lacks is a `NetworkError`. ``transport`` puts a cassette around the network, or
    in its place: then the store is left alone. ``on_connect`` is called once, when the first
    connection begins. ``sleep`` and ``random`` are what
    repetitions wait and scatter by.
    """

    def __init__(
        self,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        locations: Iterable[IndexLocation] = (),
        netrc: Netrc | None = None,
        keyring: Keyring | None = None,
        store: MetadataStore | None = None,
        refresh: bool = False,
        offline: bool = False,
        transport: Transports | None = None,
        user_agent: str = USER_AGENT,
        on_connect: Callable[[], object] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._timeout = timeout
        self._retries = retries
        self._credentials = Credentials(locations=locations, netrc=Netrc() if netrc is None else netrc, keyring=keyring)
        # A recording is of what the index answers, and a replay of nothing else.
        self._shelf = Shelf(None if transport is not None else store, refresh=refresh)
        self._offline = offline
        self._transport = transport
        self._user_agent = user_agent
        self._on_connect = on_connect
        self._sleep = sleep
        self._random = random
        self._open_wire: Wire | None = None

    async def __aenter__(self) -> IndexClient:
        # Heavy: httpx takes 50 ms to import, and --help must not pay for it.
        from wheelaudit.index.wire import Wire

        wire = Wire(
            timeout=self._timeout,
            retries=self._retries,
            user_agent=self._user_agent,
            find_credentials=self.find_credentials,
            offline=self._offline,
            on_connect=self._on_connect,
            transport=self._transport,
            sleep=self._sleep,
            random=self._random,
        )
        self._open_wire = await wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wire, self._open_wire = self._wire, None
        try:
            with anyio.CancelScope(shield=True):  # what was read in a run that is given up was read all the same
                await self._shelf.close()
        finally:
            await wire.__aexit__(kind, error, traceback)

    @property
    def _wire(self) -> Wire:
        if self._open_wire is None:
            raise RuntimeError("an IndexClient is used inside `async with`")
        return self._open_wire

    def find_credentials(self, url: str) -> tuple[str, str] | None:
        """Return username and password for ``url``; None: it is asked as nobody."""
        login = self._credentials.find(url)
        return None if login is None else (login.username, login.password)

    async def read_project_page(
        self, location: IndexLocation, project: NormalizedName, *, sieve: Sieve | None = None
    ) -> ProjectPage:
        """Return the index's page of ``project``, parsed while it arrives; ``sieve`` says which of its files count.

        Raises `ProjectNotFoundError`, `HttpStatusError`, `NetworkError` or
        `NotAProjectPageError`; a page that could not be had is never an empty one.
        """
        if _is_local(location.url):
            from wheelaudit.index.local import read_local_page

            return await anyio.to_thread.run_sync(read_local_page, location, project)
        await self._credentials.unlock(location)
        url = project_url(location, project)
        key = self._shelf.build_key("page", url, ACCEPT, login=self._find_login(url))
        known = await self._shelf.find_large(key)
        arrival = Arrival(project, sieve, keep=self._shelf.exists)
        if self._offline:
            if known is None:
                raise _offline_error(url)
            if known.status != 200:
                raise _not_found_error(location, project, url, known.status)
            return arrival.parse_stored(known)
        if known is not None and known.status != 200:
            known = None
        answer = await self._get(url, {"Accept": ACCEPT}, MAX_PAGE_BYTES, known=known, receive=arrival.receive)
        if answer.status == 304 and known is not None:
            return arrival.parse_stored(known)
        if answer.status == 200:
            page, body = arrival.close()
            if body is not None:
                await self._shelf.keep(key, answer, body)
            return page
        if answer.status in (404, 410) or _is_s3_refusal(answer):
            # Kept for who is offline: of several indexes, one has the project and the others have not.
            await self._shelf.keep(key, replace(answer, body=b""))
            raise _not_found_error(location, project, url, answer.status)
        raise build_refusal(url, answer.status, self._credentials)

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        """Return the core metadata of ``wheel``.

        ``deep`` also reads the METADATA inside and compares (WA205). Raises the
        `MetadataError` whose finding says what is wrong where neither can be had.
        """
        if _is_local(wheel.url):
            from wheelaudit.index.local import read_local_metadata

            return await anyio.to_thread.run_sync(lambda: read_local_metadata(wheel, deep=deep))
        if not wheel.has_metadata:
            return _build_reading(wheel, *await self._read_inside(wheel))
        try:
            data, source, digest = await self._read_metadata_file(wheel)
        except MetadataError as error:
            return await self._read_instead(wheel, error)
        reading = _build_reading(wheel, data, source, sha256=digest)
        return await self._compare_inside(reading) if deep else reading

    def find_stored(self, wheel: WheelFile) -> WheelMetadata | None:
        """Return what the store has of exactly this file, by its address and its own hash; None: it has to be read."""
        if wheel.sha256 is None:
            return None
        # Of its own METADATA or of its `.metadata` file: apart, as --deep compares the two.
        key = self._shelf.build_key("wheel", wheel.url, wheel.sha256)
        other = self._shelf.build_key("wheel-metadata", wheel.url, wheel.sha256)
        known = self._shelf.find(key) or self._shelf.find(other)
        return None if known is None else _build_reading(wheel, known.body.read(), "cache")

    async def remember(self, readings: Iterable[Reading]) -> None:
        """Keep the readings of wheels whose own hash is known so that `find_stored` finds them, without their page.

        An index may not put another file behind a hash, so what is known of one is known for good.
        """
        await self._shelf.link(
            (
                self._shelf.build_key("wheel-metadata", reading.wheel.url, reading.wheel.sha256),
                self._shelf.build_key("metadata", reading.sha256),
                public_address(reading.wheel.url),
            )
            for reading in readings
            if isinstance(reading, WheelMetadata) and reading.wheel.sha256 is not None and not reading.faults
        )

    async def _read_metadata_file(self, wheel: WheelFile) -> tuple[bytes, Source, str]:
        """Fetch the ``.metadata`` file and verify its hash (PEP 658: the file's URL, ".metadata" appended)."""
        url = f"{wheel.url.partition('#')[0]}.metadata"
        advertised = wheel.metadata_sha256
        if advertised is not None:
            # Equal hashes are equal bytes, wherever they were read.
            key = self._shelf.build_key("metadata", advertised)
        else:
            key = self._shelf.build_key("metadata-url", url, login=self._find_login(url))
        known = self._shelf.find(key)
        if known is not None and (self._offline or known.body.sha256.hex() == advertised):
            return known.body.read(), "cache", known.body.sha256.hex()
        try:
            if self._offline:
                raise _offline_error(url)
            answer = await self._get(url, {}, MAX_METADATA_BYTES, known=known)
            if answer.status == 304 and known is not None:
                return known.body.read(), "cache", known.body.sha256.hex()
            if answer.status != 200:
                raise build_refusal(url, answer.status, self._credentials)
        except IndexAccessError as error:
            raise MetadataUnreadableError(f"{wheel.filename}: {error.message}", remedy=error.remedy) from error
        if advertised is None and answer.may_be_cut:
            raise MetadataUnreadableError(
                f"{wheel.filename}: the .metadata file at {public_address(url)} came without its length, and the page "
                "gives no hash of it: if it was cut on the way, nothing would show that.",
                remedy="Report it to whoever runs the index, or the proxy before it.",
            )
        digest = hashlib.sha256(answer.body).hexdigest()
        if wheel.metadata_sha256 is not None and digest != wheel.metadata_sha256:
            raise HashMismatchError(
                f"{wheel.filename}: the .metadata file at {public_address(url)} has the hash sha256={digest}, "
                f"and the page advertises sha256={wheel.metadata_sha256}.",
                remedy="Report it to whoever runs the index.",
            )
        await self._shelf.keep(key, answer)
        return answer.body, "pep658", digest

    async def _read_instead(self, wheel: WheelFile, error: MetadataError) -> WheelMetadata:
        """Read the METADATA inside, since ``.metadata`` is no use; its fault stays with the reading."""
        try:
            data, source = await self._read_inside(wheel)
        except MetadataUnreadableError as second:
            if self._offline:
                raise error from second  # neither was asked for: the first to say so is enough
            # The first error says what the index did wrong: its finding id stands.
            raise type(error)(f"{error.message} {second.message}", remedy=error.remedy) from second
        fault = Fault(finding=error.finding, message=f"{error.message} The METADATA inside the wheel was read instead.")
        return _build_reading(wheel, data, source, fault)

    async def _read_inside(self, wheel: WheelFile) -> tuple[bytes, Source]:
        """Read METADATA out of the wheel.

        A wheel whose page gives its hash is the same file as long as the page says so; of
        any other the server is asked, in one request, whether it still has the ETag.
        """
        if wheel.sha256 is not None:
            key = self._shelf.build_key("wheel", wheel.url, wheel.sha256)
        else:
            key = self._shelf.build_key("wheel-url", wheel.url, login=self._find_login(wheel.url))
        known = self._shelf.find(key)
        if known is not None and (self._offline or wheel.sha256 is not None or await self._is_unchanged(wheel, known)):
            return known.body.read(), "cache"
        if self._offline:
            error = _offline_error(wheel.url)
            raise MetadataUnreadableError(f"{wheel.filename}: {error.message}", remedy=error.remedy)
        # Lazy: where an index has `.metadata`, no wheel is looked into.
        from wheelaudit.index.partial import read_partial_metadata
        from wheelaudit.index.ranges import RemoteWheel

        remote = RemoteWheel(self._wire, wheel, explain=self._explain)
        data = await read_partial_metadata(remote, wheel)
        if wheel.sha256 is not None or remote.etag is not None:
            await self._shelf.keep_read(key, data, remote)
        return data, "range"

    async def _is_unchanged(self, wheel: WheelFile, known: StoredAnswer) -> bool:
        """Ask for one byte, on condition that the wheel's ETag is another; some servers send it all the same."""
        if known.etag is None:
            return False
        headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity", "If-None-Match": known.etag}
        try:
            answer = await self._wire.get(wheel.url, headers=headers, limit=1)
        except IndexAccessError as error:
            raise MetadataUnreadableError(f"{wheel.filename}: {error.message}", remedy=error.remedy) from error
        if public_address(answer.url) != known.url:
            return False  # an ETag is one address's: elsewhere the same letters mean nothing
        if answer.status == 304:
            return True
        from wheelaudit.index.ranges import parse_content_range

        span = parse_content_range(answer.headers.get("content-range"))
        same = parse_validators(answer.headers).etag == known.etag
        return answer.status == 206 and same and span is not None and span.size == known.size

    async def _get(
        self,
        url: str,
        headers: dict[str, str],
        limit: int,
        *,
        known: StoredAnswer | None,
        receive: Receive | None = None,
    ) -> Answer:
        """Ask for ``url``, on condition that it has changed where it is ``known``: a 304 is about that."""
        conditions = {} if known is None else build_conditions(known)
        answer = await self._wire.get(url, headers=headers | conditions, limit=limit, receive=receive)
        if answer.status != 304 or known is None or (conditions and public_address(answer.url) == known.url):
            return answer
        # Redirected elsewhere than before: a validator of one address says nothing of another.
        return await self._wire.get(url, headers=headers, limit=limit, receive=receive)

    def _find_login(self, url: str) -> tuple[str, str] | None:
        """Return as whom ``url`` is asked, as far as the store wants to know."""
        if not self._shelf.exists:
            return None
        try:
            return self.find_credentials(url)
        except IndexAccessError:
            return None  # it is no address: nobody is asked, and nothing kept

    async def _compare_inside(self, reading: WheelMetadata) -> WheelMetadata:
        """Add WA205 where the METADATA inside asks for something else than ``.metadata``."""
        wheel = reading.wheel
        try:
            inside = _build_reading(wheel, *await self._read_inside(wheel)).core
        except MetadataError as error:
            fault = Fault(finding=error.finding, message=f"{error.message} It could not be compared with .metadata.")
            return replace(reading, faults=(*reading.faults, fault))
        if means_the_same(reading.core, inside):
            return reading
        message = f"{wheel.filename}: the .metadata file and the METADATA inside the wheel differ."
        return replace(reading, faults=(*reading.faults, Fault(finding="WA205", message=message)))

    def _explain(self, answer: Answer) -> IndexAccessError | None:
        """Say which credentials were tried, where a wheel is refused for the lack of them."""
        if answer.status not in (401, 403) or _is_s3_refusal(answer):
            return None
        return build_refusal(answer.url, answer.status, self._credentials)


def means_the_same(one: CoreMetadata, other: CoreMetadata) -> bool:
    """Whether two METADATA ask for the same: order, repetition and spelling aside."""
    return _meaning(one) == _meaning(other)


def _meaning(core: CoreMetadata) -> tuple[object, ...]:
    return (
        canonicalize_name(core.name),
        _version(core.version),
        frozenset(core.requires_dist),
        core.python_specifier if core.python_specifier is not None else core.requires_python,
        frozenset(core.provides_extra),
        frozenset(core.unparsed),
    )


def _version(text: str) -> Version | str:
    try:
        return Version(text)
    except InvalidVersion:
        return text


def _build_reading(
    wheel: WheelFile, data: bytes, source: Source, *faults: Fault, sha256: str | None = None
) -> WheelMetadata:
    try:
        core = parse_metadata(data)
    except InvalidMetadataError as error:
        remedy = error.remedy or "Report it to whoever published the wheel."
        raise InvalidMetadataError(f"{wheel.filename}: {error.message}", remedy=remedy) from error
    digest = sha256 or hashlib.sha256(data).hexdigest()
    return WheelMetadata(wheel=wheel, core=core, sha256=digest, source=source, faults=faults)


def _not_found_error(location: IndexLocation, project: NormalizedName, url: str, status: int) -> ProjectNotFoundError:
    shown = public_address(url)
    return ProjectNotFoundError(
        f"The index {location.name} has no project {project} ({shown} answered {status}).",
        url=shown,
        remedy="Check the name of the project and the index.",
    )


def _offline_error(url: str) -> NetworkError:
    shown = public_address(url)
    return NetworkError(
        f"{shown} is not in the metadata store, and is not asked for, as --offline or UV_OFFLINE is set.",
        url=shown,
        remedy="Run it once without them, or work from a recording with --replay.",
    )


def _is_local(url: str) -> bool:
    return url.startswith("file:")


def _is_s3_refusal(answer: Answer) -> bool:
    """Whether this is how S3 says "not there" to those who may not list: 403 with XML (PyTorch's index)."""
    return answer.status == 403 and answer.body.lstrip().startswith((b"<?xml", b"<Error"))
