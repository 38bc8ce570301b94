"""WING B (pure but for the limiter): what is known of a host while a run asks it, and when it is asked again at once.

A connection may end under requests that the server has not looked at: HTTP/2 says so with
GOAWAY (RFC 9113 section 6.8), HTTP/1.1 by closing one that was kept alive (RFC 9112 section
9.3.1: a GET may then be sent again). With 64 requests in flight and a server that ends each
connection after a few, one request may meet that many times in a row, and nothing is wrong:
as long as the host answers somebody, such a meeting does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from wheelaudit.index.lean_httpx import httpx

MAX_RESENDS = 3
"""Re-sends of a request to a host that has answered nobody so far, and of one whose answer broke off: ill luck happens,
but four in a row are a fault."""
MAX_RESENDS_IN_A_ROW = 20
"""To one that has, with no answer to anybody in between: all 16 connections that were kept alive may have ended
meanwhile. (And httpcore drops answers that arrive together with a GOAWAY.)"""
MAX_RESENDS_IN_ALL = 128
"""Of one request. Where each connection answers one of 64 in flight, the last is sent 64 times; they do not keep
strictly to their order, hence twice that."""


@dataclass(slots=True, kw_only=True, eq=False)
class Host:
    """One host, as one of the two clients knows it."""

    limiter: anyio.CapacityLimiter
    """Of the requests that it gets at once."""
    answers: int = 0
    """That it has given in full."""


class Resends:
    """How often one request was sent again at once, because its connection had ended under it."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._answers = 0
        self._in_a_row = 0
        self._in_all = 0
        self._broken_off = 0
        self._began = False

    def send(self, host: Host) -> None:
        """Note that the request is about to be sent to ``host``."""
        if host is not self._host:
            self._host, self._answers = host, host.answers
        self._began = False

    def begin_answer(self) -> None:
        """Note that an answer has begun: the request was processed."""
        self._began = True

    def allow(self, error: httpx.TransportError) -> bool:
        """Whether to send again after ``error``, at once: nothing to wait for, and no attempt lost."""
        assert self._host is not None
        answers = self._host.answers
        match error:
            case httpx.ProtocolError() | httpx.WriteError():
                pass
            case httpx.ReadError() if answers and not self._began:
                pass  # closed with a reset instead of an end; of a host that never answered it says nothing good
            case _:
                return False
        self._in_all += 1
        if self._began:
            self._broken_off += 1
            return self._broken_off <= MAX_RESENDS
        if answers > self._answers:
            self._answers, self._in_a_row = answers, 0
        self._in_a_row += 1
        in_a_row = MAX_RESENDS_IN_A_ROW if answers else MAX_RESENDS
        return self._in_a_row <= in_a_row and self._in_all <= MAX_RESENDS_IN_ALL
