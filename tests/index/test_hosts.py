"""When a request is sent again at once: while the host answers somebody, and never without end."""

from __future__ import annotations

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.index.hosts import MAX_RESENDS, MAX_RESENDS_IN_A_ROW, MAX_RESENDS_IN_ALL, Host, Resends

pytestmark = pytest.mark.anyio

ENDED = httpx.RemoteProtocolError("Server disconnected")
RESET = httpx.ReadError("reset")


def count(host: Host, error: httpx.TransportError, *, progress: bool = False, begun: bool = False) -> int:
    """Return how often a request is sent again that always fails so."""
    resends = Resends()
    for number in range(10 * MAX_RESENDS_IN_ALL):
        resends.send(host)
        if begun:
            resends.begin_answer()
        host.answers += progress
        if not resends.allow(error):
            return number
    raise AssertionError("without end")


def build_host(answers: int = 0) -> Host:
    return Host(limiter=anyio.CapacityLimiter(1), answers=answers)


async def test_host_that_answers_nobody_gets_few() -> None:
    assert count(build_host(), ENDED) == MAX_RESENDS
    assert count(build_host(answers=1), ENDED) == MAX_RESENDS_IN_A_ROW


async def test_while_it_answers_somebody_they_are_not_counted_but_bounded() -> None:
    assert count(build_host(), ENDED, progress=True) == MAX_RESENDS_IN_ALL


async def test_answer_that_had_begun_is_counted_whatever_the_others_get() -> None:
    assert count(build_host(answers=1), ENDED, progress=True, begun=True) == MAX_RESENDS


async def test_reset_is_an_end_only_of_a_connection_that_can_have_been_kept() -> None:
    assert count(build_host(), RESET) == 0
    assert count(build_host(answers=1), RESET) == MAX_RESENDS_IN_A_ROW
    assert count(build_host(answers=1), RESET, begun=True) == 0


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.ProxyError("no")])
async def test_what_is_no_end_of_a_connection_is_an_attempt_that_failed(error: httpx.TransportError) -> None:
    assert count(build_host(answers=1), error, progress=True) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([ENDED, RESET]))))
def test_whatever_happens_there_is_an_end(events: list[tuple[int, bool, httpx.TransportError]]) -> None:
    async def run() -> None:
        host, resends, allowed = build_host(), Resends(), 0
        for answers, begun, error in events * (MAX_RESENDS_IN_ALL + 1):
            resends.send(host)
            if begun:
                resends.begin_answer()
            host.answers += answers
            if not resends.allow(error):
                break
            allowed += 1
        assert allowed <= MAX_RESENDS_IN_ALL + MAX_RESENDS

    anyio.run(run)
