"""Servers on loopback sockets, for what only a wire shows: HTTP/1.1 and HTTP/2, TLS, a proxy."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a path is answered with."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})
    body: bytes = b""
    held: threading.Event | None = None
    """Before the last byte is sent, this is waited for: not for long, and then `Server.gave_up` says so."""
    pause: float = 0.0
    """Seconds between two bytes of the body: a server that drips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request, as it came over the wire."""

    path: str
    """A proxy sees a whole URL."""
    headers: Mapping[str, str]
    """Names in lower case."""
    connection: int
    """The number of its connection."""


@dataclass(slots=True, kw_only=True)
class Server:
    """What is served and what was asked."""

    port: int = 0
    replies: dict[str, Reply] = field(default_factory=dict)
    login: str | None = None
    """The Authorization header without which everything is answered 401."""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    watch: Callable[[str], object] = lambda _: None
    """Hears of the path of every request."""
    gave_up: bool = False
    closes: Literal["end", "reset"] | None = None
    """How a connection of HTTP/1.1 ends after each answer, without a word; None: it is kept."""

    def paths(self) -> list[str]:
        return [each.path for each in self.seen]

    def find_reply(self, path: str, headers: Mapping[str, str]) -> Reply:
        if self.login is not None and headers.get("authorization") != self.login:
            return Reply(status=401)
        return self.replies.get(path, Reply(status=404))


@contextmanager
def serve_http1(server: Server, *, context: ssl.SSLContext | None = None, tunnel_to: int = 0) -> Iterator[Server]:
    """Serve HTTP/1.1 on a free port until the block ends; as a proxy, send every CONNECT to the port ``tunnel_to``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        number = 0

        def setup(self) -> None:
            super().setup()
            server.connections += 1
            self.number = server.connections

        def note(self) -> Mapping[str, str]:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.watch(self.path)
            server.seen.append(Seen(path=self.path, headers=headers, connection=self.number))
            return headers

        def do_GET(self) -> None:
            reply = server.find_reply(self.path, self.note())
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            with suppress(OSError):
                if reply.held is not None:
                    self.wfile.write(reply.body[:-1])
                    server.gave_up = not reply.held.wait(10)
                    self.wfile.write(reply.body[-1:])
                    return
                if server.closes is not None:
                    self.wfile.write(reply.body)
                    self.end_unannounced()
                    return
                step = 1 if reply.pause else max(1, len(reply.body))
                for at in range(0, len(reply.body), step):
                    self.wfile.write(reply.body[at : at + step])
                    time.sleep(reply.pause)

        def end_unannounced(self) -> None:
            """Close when the next request has come, as if the two had met on their way."""
            self.wfile.flush()
            self.connection.recv(65536 if server.closes == "end" else 1)
            if server.closes == "reset":
                # What is closed with something unread in it is reset (RFC 1122 section 4.2.2.13).
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                )
            self.connection.close()
            self.close_connection = True

        def do_CONNECT(self) -> None:
            self.note()
            self.send_response(200)
            self.end_headers()
            with socket.create_connection(("127.0.0.1", tunnel_to)) as target, suppress(OSError):
                ends = {self.connection: target, target: self.connection}
                while True:
                    for end in select.select([*ends], [], [], 10)[0]:
                        data = end.recv(65536)
                        if not data:
                            self.close_connection = True
                            return
                        ends[end].sendall(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            # In the connection's own thread: a handshake that fails is no matter of the others.
            with suppress(OSError):
                if context is None:
                    Handler(request, client_address, self)
                    return
                with context.wrap_socket(request, server_side=True) as secured:
                    Handler(secured, client_address, self)

    with Listener(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


@contextmanager
def serve_http2(
    server: Server, *, context: ssl.SSLContext, goaway_after: int = 1000, answers: int | None = None
) -> Iterator[Server]:
    """Serve HTTP/2 over TLS; after ``goaway_after`` requests a connection is ended, as nginx does after 1,000.

    What came behind the last of them is not answered; nor, after ``answers`` in all, is anything. Bodies are of less
    than 64 KiB: windows are not watched.
    """
    context.set_alpn_protocols(["h2"])

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number, answered = server.connections, 0
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        with suppress(OSError, asyncio.CancelledError):
            while True:
                writer.write(connection.data_to_send())
                await writer.drain()
                data = await reader.read(65536)
                if not data:
                    break
                if answered == goaway_after:
                    continue  # as nginx: what still comes is left unread, until the client closes
                for event in connection.receive_data(data):
                    if not isinstance(event, RequestReceived) or answered == goaway_after:
                        continue
                    headers = {str(name): str(value) for name, value in event.headers or ()}
                    server.seen.append(Seen(path=headers[":path"], headers=headers, connection=number))
                    if answers is not None and len(server.seen) > answers:
                        answered = goaway_after
                        connection.close_connection(last_stream_id=event.stream_id)
                        continue
                    reply = server.find_reply(headers[":path"], headers)
                    fields = [(name.lower(), value) for name, value in reply.headers.items()]
                    connection.send_headers(event.stream_id, [(":status", str(reply.status)), *fields])
                    # Frames are of at most 16 KiB (RFC 9113 section 4.2).
                    for at in range(0, len(reply.body), 16384):
                        connection.send_data(event.stream_id, reply.body[at : at + 16384])
                    connection.end_stream(event.stream_id)
                    answered += 1
                    if answered == goaway_after:
                        connection.close_connection(last_stream_id=event.stream_id)
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    loop, ready = asyncio.new_event_loop(), threading.Event()
    # A client that closes without a word is no matter for stderr.
    loop.set_exception_handler(lambda *_: None)
    stopped = asyncio.Event()

    async def listen() -> None:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stopped.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.02)  # what was cancelled closes its connection

    def run() -> None:
        loop.run_until_complete(listen())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
