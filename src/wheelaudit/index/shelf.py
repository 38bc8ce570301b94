"""WING B: the metadata store as `IndexClient` uses it: perhaps there is none, and an answer may not be kept.

What may wait for the disk waits in a thread: the event loop never stands still for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from packaging.utils import NormalizedName

from wheelaudit.index.locations import without_credentials
from wheelaudit.index.pages import ProjectPage, ProjectPageParser, Sieve
from wheelaudit.index.ranges import RemoteWheel
from wheelaudit.index.validators import Validators, may_keep, parse_validators

if TYPE_CHECKING:
    # Lazy where it is used: it knows SQLite.
    from wheelaudit.index.packing import Body, BodyPacker
    from wheelaudit.index.store import Kind, MetadataStore, StoredAnswer
    from wheelaudit.index.wire import Answer


BATCH = 32
"""Answers that are written at once: SQLite has one writer, and a transaction and a thread for each file took as long as
all else about keeping it. A run that is killed has to ask again for no more than so many."""
MAX_WAITING = 64
"""Answers that wait for the disk: as many as are in flight at once. Beyond, who brings another waits for it as well."""


class Shelf:
    """The store of one client; ``refresh``: it is written and not read.

    Reading a METADATA takes well under a millisecond and waits for no writer: no thread.
    A page may have megabytes, and a write may have to wait for another process.
    """

    def __init__(self, store: MetadataStore | None, *, refresh: bool) -> None:
        self._store = store
        self._refresh = refresh
        self._waiting: dict[bytes, Callable[[], StoredAnswer]] = {}
        """What is to be kept, not packed yet."""
        self._in_hand: dict[bytes, Callable[[], StoredAnswer]] = {}
        """What is being written."""
        self._turn: anyio.Lock | None = None

    @property
    def exists(self) -> bool:
        return self._store is not None

    def build_key(self, kind: Kind, *parts: str, login: tuple[str, str] | None = None) -> bytes:
        """Return the store's key; with a ``login`` it is for nobody else."""
        if self._store is None:
            return b""
        from wheelaudit.index.store import build_key, build_owner

        return build_key(kind, *parts, *(() if login is None else (build_owner(*login),)))

    def find(self, key: bytes) -> StoredAnswer | None:
        """Return what is kept; nothing where everything is to be asked for again."""
        return None if self._refresh else self._look_up(key)

    async def find_large(self, key: bytes) -> StoredAnswer | None:
        """Return what is kept of something that may be large."""
        if self._store is None or self._refresh:
            return None
        return await anyio.to_thread.run_sync(self._look_up, key)

    def _look_up(self, key: bytes) -> StoredAnswer | None:
        build = self._waiting.get(key) or self._in_hand.get(key)
        if build is not None:
            return build()
        return None if self._store is None else self._store.find(key)

    async def keep(self, key: bytes, answer: Answer, body: Body | None = None) -> None:
        """Keep an answer, unless the server forbids it; ``body`` where it came in pieces."""
        if not may_keep(answer.headers):
            return
        validators = parse_validators(answer.headers)
        await self._keep(
            key,
            answer.body if body is None else body,
            status=answer.status,
            url=public_address(answer.url),
            content_type=answer.headers.get("content-type"),
            etag=validators.etag,
            last_modified=validators.last_modified,
        )

    async def keep_read(self, key: bytes, data: bytes, remote: RemoteWheel) -> None:
        """Keep what was read out of a wheel."""
        await self._keep(key, data, url=public_address(remote.url), etag=remote.etag, size=remote.size)

    async def link(self, links: Iterable[tuple[bytes, bytes, str]]) -> None:
        """Keep under a second key what is kept under a first: (second, first, address) each; what is not, is not."""
        for key, first, url in links:
            known = None if self._look_up(key) is not None else self._look_up(first)
            if known is not None:
                await self._put(key, partial(replace, known, url=url))

    async def _keep(
        self,
        key: bytes,
        body: bytes | Body,
        *,
        status: int = 200,
        url: str,
        content_type: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        size: int | None = None,
    ) -> None:
        if self._store is None:
            return
        from wheelaudit.index.packing import build_body
        from wheelaudit.index.store import StoredAnswer

        def build() -> StoredAnswer:
            packed = build_body(body) if isinstance(body, bytes) else body
            return StoredAnswer(
                body=packed,
                status=status,
                url=url,
                content_type=content_type,
                etag=etag,
                last_modified=last_modified,
                size=size,
            )

        await self._put(key, build)

    async def _put(self, key: bytes, build: Callable[[], StoredAnswer]) -> None:
        """Let an answer wait for the disk, and write all that wait where there are enough of them."""
        if self._store is None:
            return
        self._waiting[key] = build
        if len(self._waiting) >= BATCH:
            await self._write_all(self._store)

    async def close(self) -> None:
        """Write what still waits."""
        if self._store is not None and self._waiting:
            await self._write_all(self._store)

    async def _write_all(self, store: MetadataStore) -> None:
        if self._turn is None:
            self._turn = anyio.Lock()
        if self._turn.locked() and len(self._waiting) < MAX_WAITING:
            return  # whoever is writing goes on with it
        async with self._turn:
            while self._waiting:
                self._in_hand, self._waiting = self._waiting, {}
                await anyio.to_thread.run_sync(_write, store, self._in_hand)
                self._in_hand = {}


def _write(store: MetadataStore, batch: Mapping[bytes, Callable[[], StoredAnswer]]) -> None:
    store.keep_all([(key, build()) for key, build in batch.items()])


class Arrival:
    """A page that is parsed, and packed for the store, while it arrives."""

    def __init__(self, project: NormalizedName, sieve: Sieve | None, *, keep: bool) -> None:
        self._project = project
        self._sieve = sieve
        self._keep = keep
        self._parser: ProjectPageParser | None = None
        self._packer: BodyPacker | None = None

    def receive(self, head: Answer) -> Callable[[bytes], None]:
        """Begin a page, for every attempt anew; return what takes its pieces."""
        self._parser = parser = self._build_parser(head.headers.get("content-type"), head.url)
        self._packer = None
        if not self._keep or not may_keep(head.headers):
            return parser.feed
        from wheelaudit.index.packing import BodyPacker

        self._packer = packer = BodyPacker()

        def feed(data: bytes) -> None:
            parser.feed(data)
            packer.feed(data)

        return feed

    def close(self) -> tuple[ProjectPage, Body | None]:
        """Return the page that came, and its body where it may be kept: never of what is no page."""
        assert self._parser is not None, "the body of a 200 is handed on"
        page = self._parser.close()
        return page, None if self._packer is None else self._packer.close()

    def parse_stored(self, known: StoredAnswer) -> ProjectPage:
        """Return the page that was kept, its links resolved against where it was found."""
        parser = self._build_parser(known.content_type, known.url or "")
        for piece in known.body.pieces():
            parser.feed(piece)
        return parser.close()

    def _build_parser(self, content_type: str | None, url: str) -> ProjectPageParser:
        return ProjectPageParser(content_type=content_type, url=url, project=self._project, sieve=self._sieve)


def build_conditions(known: StoredAnswer) -> dict[str, str]:
    """Return the header that asks for an answer only if it is another by now; empty where none can be asked."""
    return Validators(etag=known.etag, last_modified=known.last_modified).conditions


def public_address(url: str) -> str:
    """Return the URL without what may be a secret: userinfo, and the query of a signed link."""
    return without_credentials(url).partition("?")[0]
