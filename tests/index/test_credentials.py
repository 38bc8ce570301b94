"""Who is who on which host: a password goes to its own host and to no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelaudit.errors import HttpStatusError
from wheelaudit.index.client import IndexClient
from wheelaudit.index.credentials import MAX_NETRC_BYTES, Credentials, Netrc, find_login, read_netrc
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.logins import Login

pytestmark = pytest.mark.anyio

INDEX = IndexLocation(name="index", url="https://index.example/simple")
NETRC = Netrc(hosts={"index.example": Login(username="me", password="s3cret")})
DEFAULT = Netrc(default=Login(username="anybody", password="anything"))


def read(home: Path, text: str | bytes, *, platform: str = "linux", name: str = ".netrc") -> Netrc:
    (home / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_netrc(environ={}, home=home, platform=platform)


def find(url: str, netrc: Netrc = NETRC, *locations: IndexLocation) -> tuple[str, str] | None:
    login = find_login(url, locations=locations or (INDEX,), netrc=netrc)
    return None if login is None else (login.username, login.password)


def test_netrc_is_read_from_the_home_or_where_the_variable_says(tmp_path: Path) -> None:
    found = read(tmp_path, "machine Index.Example\n  login me\n  password s3cret\ndefault login x password y\n")
    assert found.hosts == {"index.example": Login(username="me", password="s3cret")}
    assert found.default == Login(username="x", password="y")
    assert "s3cret" not in repr(found)
    other = tmp_path / "other"
    other.write_text("machine other.example login o password p\n")
    chosen = read_netrc(environ={"NETRC": str(other)}, home=tmp_path, platform="linux")
    assert list(chosen.hosts) == ["other.example"]


def test_windows_has_another_name_for_it(tmp_path: Path) -> None:
    text = "machine index.example login me password s3cret\n"
    assert read(tmp_path, text, platform="win32", name="_netrc").hosts
    assert not read(tmp_path, text, platform="linux", name="_netrc").hosts


def test_without_a_file_nobody_is_anybody(tmp_path: Path) -> None:
    assert read_netrc(environ={}, home=tmp_path, platform="linux") == Netrc()


@pytest.mark.parametrize("text", ["machine\nfoo bar", b"\xff\xfe\x00machine", "machine a login b nonsense c"])
def test_broken_file_is_a_fault_and_no_failure(tmp_path: Path, text: str | bytes) -> None:
    found = read(tmp_path, text)
    assert found.fault is not None
    assert not found.hosts


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"#" * (MAX_NETRC_BYTES + 1)).fault == "it is too large"


@given(st.binary(max_size=200))
def test_any_bytes_are_logins_or_a_fault(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = read(tmp_path_factory.mktemp("home"), data)
    assert found.fault is None or not found.hosts


def test_host_decides_whatever_the_path() -> None:
    assert find("https://index.example/files/x.whl") == ("me", "s3cret")
    assert find("https://index.example.evil/files/x.whl") is None
    assert find("https://files.example/x.whl") is None


def test_file_host_has_its_own_entry_but_not_in_the_clear() -> None:
    netrc = Netrc(hosts={"files.example": Login(username="me", password="s3cret")})
    assert find("https://files.example/x.whl", netrc) == ("me", "s3cret")
    assert find("http://files.example/x.whl", netrc) is None


def test_index_without_tls_gets_what_its_user_gives_it() -> None:
    location = IndexLocation(name="index", url="http://index.example/simple")
    assert find("http://index.example/simple/x/", NETRC, location) == ("me", "s3cret")


def test_entry_for_every_host_is_for_the_users_own_indexes_alone() -> None:
    assert find("https://index.example/simple/x/", DEFAULT) == ("anybody", "anything")
    assert find("https://files.example/x.whl", DEFAULT) is None


def test_address_comes_before_the_netrc() -> None:
    own = IndexLocation(name="index", url=INDEX.url, username="own", password="p")
    assert find("https://index.example/simple/x/", NETRC, own) == ("own", "p")


def test_address_with_a_name_alone_takes_that_names_password() -> None:
    same = IndexLocation(name="index", url=INDEX.url, username="me")
    other = IndexLocation(name="index", url=INDEX.url, username="other")
    assert find("https://index.example/simple/x/", NETRC, same) == ("me", "s3cret")
    assert find("https://index.example/simple/x/", NETRC, other) == ("other", "")


def test_index_that_the_keyring_has_opened_comes_before_itself_under_another_name() -> None:
    locked = IndexLocation(name="corp", url=INDEX.url, username="me")
    opened = IndexLocation(name=INDEX.url, url=INDEX.url, username="me", password="p")
    for url in ("https://index.example/simple/x/", "https://index.example/files/x.whl"):
        assert find(url, DEFAULT, locked, opened) == find(url, DEFAULT, opened, locked) == ("me", "p")


@respx.mock
async def test_refusal_names_the_netrc_that_was_of_no_use() -> None:
    respx.get("https://index.example/simple/demo/").respond(401)
    netrc = Netrc(path=Path("/home/me/.netrc"), fault="line 3 is not understood")
    async with IndexClient(netrc=netrc) as client:
        with pytest.raises(HttpStatusError) as caught:
            await client.read_project_page(INDEX, canonicalize_name("demo"))
    assert "/home/me/.netrc was of no use (line 3 is not understood)" in caught.value.message


@respx.mock
async def test_netrc_is_sent_to_its_host_and_does_not_follow_a_redirect() -> None:
    elsewhere = respx.get("https://elsewhere.example/demo/").respond(
        200, text="<a href='demo-1-py3-none-any.whl'>demo-1-py3-none-any.whl</a>", headers={"content-type": "text/html"}
    )
    first = respx.get("https://index.example/simple/demo/").respond(
        302, headers={"location": "https://elsewhere.example/demo/"}
    )
    async with IndexClient(netrc=NETRC) as client:
        await client.read_project_page(INDEX, canonicalize_name("demo"))
    assert first.calls.last.request.headers["authorization"] == "Basic bWU6czNjcmV0"
    assert "authorization" not in elsewhere.calls.last.request.headers


def test_refusal_speaks_of_the_index_whose_credentials_were_sent() -> None:
    deeper = IndexLocation(name="deeper", url="https://index.example/simple/team")
    own = IndexLocation(name="own", url=INDEX.url, username="me", password="s3cret", variables="UV_INDEX_OWN")
    credentials = Credentials(locations=[deeper, own], netrc=Netrc(), keyring=None)
    tried = credentials.describe("https://index.example/simple/team/demo/")
    assert tried.sent
    assert tried.variables == "UV_INDEX_OWN"
    assert "s3cret" not in repr(tried)


def test_refusal_of_a_host_without_an_index_says_so() -> None:
    tried = Credentials(locations=[INDEX], netrc=DEFAULT, keyring=None).describe("https://files.example/x.whl")
    assert not tried.sent
    assert tried.sources[0] == "no index of yours is on this host"
