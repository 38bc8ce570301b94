"""WING B: asks an index: a project's page, a wheel's core metadata.

Obeys PEP 503 and 691 (pages, content negotiation), 658 and 714 (``.metadata``). What
a wheel asks for is read from its ``.metadata`` file where the page offers one, the
advertised hash verified, and otherwise out of the wheel itself by Range requests;
what went wrong on the way stays with the reading as a `Fault`.
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
    HttpStatusError,
    IndexAccessError,
    InvalidMetadataError,
    MetadataError,
    MetadataUnreadableError,
    ProjectNotFoundError,
)
from wheelaudit.index.credentials import Netrc, find_login
from wheelaudit.index.local import read_local_metadata, read_local_page
from wheelaudit.index.locations import IndexLocation, project_url, without_credentials
from wheelaudit.index.pages import MAX_PAGE_BYTES, ProjectPage, parse_project_page
from wheelaudit.index.partial import MAX_METADATA_BYTES, read_partial_metadata
from wheelaudit.index.ranges import RemoteWheel
from wheelaudit.metadata import CoreMetadata, Fault, Source, WheelMetadata, parse_metadata
from wheelaudit.release import WheelFile

if TYPE_CHECKING:
    from wheelaudit.index.wire import Answer, Transports, Wire

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
    ``netrc`` has the others. ``offline``: nothing is asked over the network.
    ``transport`` puts a cassette around the network, or in its place. ``sleep`` and
    ``random`` are what repetitions wait and scatter by.
    """

    def __init__(
        self,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        locations: Iterable[IndexLocation] = (),
        netrc: Netrc | None = None,
        offline: bool = False,
        transport: Transports | None = None,
        user_agent: str = USER_AGENT,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._timeout = timeout
        self._retries = retries
        self._locations = dict.fromkeys(locations)
        self._netrc = Netrc() if netrc is None else netrc
        self._offline = offline
        self._transport = transport
        self._user_agent = user_agent
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
        await wire.__aexit__(kind, error, traceback)

    @property
    def _wire(self) -> Wire:
        if self._open_wire is None:
            raise RuntimeError("an IndexClient is used inside `async with`")
        return self._open_wire

    def find_credentials(self, url: str) -> tuple[str, str] | None:
        """Return username and password for ``url``; None: it is asked as nobody."""
        login = find_login(url, locations=self._locations, netrc=self._netrc)
        return None if login is None else (login.username, login.password)

    async def read_project_page(self, location: IndexLocation, project: NormalizedName) -> ProjectPage:
        """Return the index's page of ``project``.

        Raises `ProjectNotFoundError`, `HttpStatusError`, `NetworkError` or
        `NotAProjectPageError`; a page that could not be had is never an empty one.
        """
        if _is_local(location.url):
            return await anyio.to_thread.run_sync(read_local_page, location, project)
        self._locations[location] = None
        url = project_url(location, project)
        answer = await self._wire.get(url, headers={"Accept": ACCEPT}, limit=MAX_PAGE_BYTES)
        if answer.status == 200:
            content_type = answer.headers.get("content-type")
            return parse_project_page(answer.body, content_type=content_type, url=answer.url, project=project)
        if answer.status in (404, 410) or _is_s3_refusal(answer):
            shown = _shown(url)
            raise ProjectNotFoundError(
                f"The index {location.name} has no project {project} ({shown} answered {answer.status}).",
                url=shown,
                remedy="Check the name of the project and the index.",
            )
        raise self._status_error(url, answer.status)

    async def read_metadata(self, wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
        """Return the core metadata of ``wheel``.

        ``deep`` also reads the METADATA inside and compares (WA205). Raises the
        `MetadataError` whose finding says what is wrong where neither can be had.
        """
        if _is_local(wheel.url):
            return await anyio.to_thread.run_sync(lambda: read_local_metadata(wheel, deep=deep))
        if not wheel.has_metadata:
            return _build_reading(wheel, await self._read_inside(wheel), "range")
        try:
            data = await self._read_metadata_file(wheel)
        except MetadataError as error:
            return await self._read_instead(wheel, error)
        reading = _build_reading(wheel, data, "pep658")
        return await self._compare_inside(reading) if deep else reading

    async def _read_metadata_file(self, wheel: WheelFile) -> bytes:
        """Fetch the ``.metadata`` file and verify its hash (PEP 658: the file's URL, ".metadata" appended)."""
        url = f"{wheel.url.partition('#')[0]}.metadata"
        try:
            answer = await self._wire.get(url, headers={}, limit=MAX_METADATA_BYTES)
            if answer.status != 200:
                raise self._status_error(url, answer.status)
        except IndexAccessError as error:
            raise MetadataUnreadableError(f"{wheel.filename}: {error.message}", remedy=error.remedy) from error
        digest = hashlib.sha256(answer.body).hexdigest()
        if wheel.metadata_sha256 is not None and digest != wheel.metadata_sha256:
            raise HashMismatchError(
                f"{wheel.filename}: the .metadata file at {_shown(url)} has the hash sha256={digest}, "
                f"and the page advertises sha256={wheel.metadata_sha256}.",
                remedy="Report it to whoever runs the index.",
            )
        return answer.body

    async def _read_instead(self, wheel: WheelFile, error: MetadataError) -> WheelMetadata:
        """Read the METADATA inside, since ``.metadata`` is no use; its fault stays with the reading."""
        try:
            data = await self._read_inside(wheel)
        except MetadataUnreadableError as second:
            # The first error says what the index did wrong: its finding id stands.
            raise type(error)(f"{error.message} {second.message}", remedy=error.remedy) from second
        fault = Fault(finding=error.finding, message=f"{error.message} The METADATA inside the wheel was read instead.")
        return _build_reading(wheel, data, "range", fault)

    async def _read_inside(self, wheel: WheelFile) -> bytes:
        return await read_partial_metadata(RemoteWheel(self._wire, wheel), wheel)

    async def _compare_inside(self, reading: WheelMetadata) -> WheelMetadata:
        """Add WA205 where the METADATA inside asks for something else than ``.metadata``."""
        wheel = reading.wheel
        try:
            inside = _build_reading(wheel, await self._read_inside(wheel), "range").core
        except MetadataError as error:
            fault = Fault(finding=error.finding, message=f"{error.message} It could not be compared with .metadata.")
            return replace(reading, faults=(*reading.faults, fault))
        if means_the_same(reading.core, inside):
            return reading
        message = f"{wheel.filename}: the .metadata file and the METADATA inside the wheel differ."
        return replace(reading, faults=(*reading.faults, Fault(finding="WA205", message=message)))

    def _status_error(self, url: str, status: int) -> HttpStatusError:
        shown = _shown(url)
        if status in (401, 403):
            tried = "no credentials were sent" if self.find_credentials(url) is None else "the credentials were refused"
            message = f"{shown} answered {status}: {tried}."
            remedy = (
                "Give credentials that may read it: in the index's URL, in UV_INDEX_<NAME>_USERNAME and "
                "UV_INDEX_<NAME>_PASSWORD, or in a netrc file."
            )
            if self._netrc.fault is not None:
                remedy += f" ({self._netrc.path} was of no use: {self._netrc.fault}.)"
        elif status == 407:
            message, remedy = f"The proxy wants credentials for {shown} (407).", "Put them into the proxy's URL."
        elif status == 429:
            message, remedy = f"{shown} answered 429: too many requests.", "Try again later, or lower --concurrency."
        elif status >= 500:
            message, remedy = f"{shown} answered {status}: the server failed.", "Try again later."
        else:
            message, remedy = f"{shown} answered {status}.", "Check the address of the index."
        return HttpStatusError(message, url=shown, status=status, remedy=remedy)


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


def _build_reading(wheel: WheelFile, data: bytes, source: Source, *faults: Fault) -> WheelMetadata:
    try:
        core = parse_metadata(data)
    except InvalidMetadataError as error:
        remedy = error.remedy or "Report it to whoever published the wheel."
        raise InvalidMetadataError(f"{wheel.filename}: {error.message}", remedy=remedy) from error
    return WheelMetadata(wheel=wheel, core=core, sha256=hashlib.sha256(data).hexdigest(), source=source, faults=faults)


def _is_local(url: str) -> bool:
    return url.startswith("file:")


def _is_s3_refusal(answer: Answer) -> bool:
    """Whether this is how S3 says "not there" to those who may not list: 403 with XML (PyTorch's index)."""
    return answer.status == 403 and answer.body.lstrip().startswith((b"<?xml", b"<Error"))


def _shown(url: str) -> str:
    """The URL without what may be a secret: userinfo, and the query of a signed link."""
    return without_credentials(url).partition("?")[0]
