from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName

from wheelaudit.errors import IndexAccessError, NetworkError
from wheelaudit.index.addresses import parse_url, public_url, same_origin
from wheelaudit.index.client import IndexClient
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.wire import parse_retry_after

pytestmark = pytest.mark.anyio

safe = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)


@given(st.text(max_size=60))
def test_any_text_is_a_usable_url_or_an_error_of_ours(text: str) -> None:
    try:
        url = parse_url(text)
    except IndexAccessError:
        return
    assert url.scheme in ("http", "https")
    assert url.host
    assert not url.userinfo
    assert not url.fragment


@given(safe, safe, safe, safe)
def test_no_secret_survives_in_a_url_that_is_shown(user: str, password: str, path: str, token: str) -> None:
    url = f"https://{user}:{password}@index.example/{path}?X-Amz-Signature={token}#{token}"
    assert public_url(url) == f"https://index.example/{path}"


@given(st.text(max_size=60))
def test_shown_url_cannot_steer_a_terminal(text: str) -> None:
    assert public_url(text).isprintable()


@given(st.text(max_size=40), st.text(max_size=40))
def test_retry_after_is_seconds_that_can_be_waited_or_nothing(value: str, date: str) -> None:
    seconds = parse_retry_after({"retry-after": value, "date": date})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://index.example/x", True),
        ("https://index.example:443/x", True),
        ("https://INDEX.example/x", True),
        ("https://index.example:444/x", False),
        ("http://index.example/x", False),
        ("https://files.index.example/x", False),
        ("https://index.example.evil/x", False),
        ("https://[", False),
    ],
)
def test_credentials_belong_to_one_origin(url: str, expected: bool) -> None:
    assert same_origin(url, "https://index.example/simple") is expected


def test_credentials_may_be_raised_from_http_to_https_and_never_lowered() -> None:
    assert same_origin("https://index.example/x", "http://index.example/simple")
    assert not same_origin("https://index.example:8443/x", "http://index.example:8080/simple")


async def test_closed_port_is_no_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    location = IndexLocation(name="closed", url=f"http://127.0.0.1:{port}", username="user", password="s3cret")
    async with IndexClient(retries=0) as client:
        with pytest.raises(NetworkError, match="no connection") as caught:
            await client.read_project_page(location, NormalizedName("demo"))
    assert "--replay" in (caught.value.remedy or "")
    assert "s3cret" not in str(caught.value)
