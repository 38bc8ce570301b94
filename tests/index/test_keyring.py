"""The program ``keyring``: asked as uv asks it, once, and never believed to be well."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.index.server import FileServer
from tests.index.sockets import Reply, Server, serve_http1
from tests.index.standin import StandIn, build_stand_in
from tests.project.locking import add_index, build_environ, lock_folder, write_files
from tests.project.test_uv_credentials import serve_private
from wheelaudit.errors import HttpStatusError, MetadataUnreadableError
from wheelaudit.index.cassettes import RecordingTransport
from wheelaudit.index.client import IndexClient
from wheelaudit.index.credentials import Netrc
from wheelaudit.index.keyring import MAX_OUTPUT_BYTES, Keyring, find_program, parse_answer
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.logins import Login
from wheelaudit.index.store import MetadataStore
from wheelaudit.release import WheelFile

pytestmark = pytest.mark.anyio

DEMO = NormalizedName("demo")
URL = "https://index.example/simple"
HOST = "index.example"
LOGIN = "Basic " + b64encode(b"user:s3cret").decode()
PAGE = b'<!DOCTYPE html><html><body><a href="/files/demo-1.0-py3-none-any.whl">demo</a></body></html>'


def build_keyring(stand_in: StandIn, *, seconds: float = 60.0) -> Keyring:
    return Keyring(environ=stand_in.environ, platform=sys.platform, seconds=seconds)


# The program


async def test_address_is_asked_before_the_host_and_each_once(tmp_path: Path) -> None:
    stand_in = build_stand_in(tmp_path, {HOST: "s3cret\n"})
    keyring = build_keyring(stand_in)
    found: list[Login | None] = []

    async def ask() -> None:
        found.append(await keyring.find_login((URL, HOST), "user"))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(ask)
    assert found == [Login(username="user", password="s3cret")] * 4
    assert stand_in.calls == [["get", URL, "user"], ["get", HOST, "user"]]


async def test_without_a_user_name_it_says_both(tmp_path: Path) -> None:
    stand_in = build_stand_in(tmp_path, {URL: "user\ns3cret\n"})
    assert await build_keyring(stand_in).find_login((URL, HOST), None) == Login(username="user", password="s3cret")
    assert stand_in.calls == [["get", URL, "--mode", "creds"]]


async def test_program_that_is_not_there_is_told_and_no_failure(tmp_path: Path) -> None:
    keyring = Keyring(environ={"PATH": str(tmp_path)}, platform=sys.platform)
    assert await keyring.find_login((URL, HOST), "user") is None
    assert keyring.outcome == "there is no program keyring on PATH"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (3, "keyring had none (it ended with 3)"),
        ("", "keyring gave an answer that is no password"),
        ("\xff\xfe", "keyring gave an answer that is no password"),
        ("x" * (MAX_OUTPUT_BYTES + 1), "keyring gave an answer that is no password"),
    ],
)
async def test_program_that_fails_is_told_and_no_failure(tmp_path: Path, answer: str | int, told: str) -> None:
    keyring = build_keyring(build_stand_in(tmp_path, {URL: answer}))
    assert await keyring.find_login((URL,), "user") is None
    assert keyring.outcome == told


async def test_program_that_never_answers_is_ended_and_asked_no_more(tmp_path: Path) -> None:
    stand_in = build_stand_in(tmp_path, {URL: "forever", HOST: "s3cret"})
    keyring = build_keyring(stand_in, seconds=0.5)
    assert await keyring.find_login((URL, HOST), "user") is None
    assert keyring.outcome == "keyring gave no answer within 0.5 seconds"
    assert all(call[1] == URL for call in stand_in.calls)


@pytest.mark.parametrize("username", ["-b", "--help", "a\0b", "a\nb"])
async def test_user_name_that_is_an_option_is_not_given_to_it(tmp_path: Path, username: str) -> None:
    stand_in = build_stand_in(tmp_path, {URL: "s3cret"})
    assert await build_keyring(stand_in).find_login((URL,), username) is None
    assert stand_in.calls == []


def test_program_is_found_on_path_and_not_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = build_stand_in(tmp_path, {})
    monkeypatch.chdir(stand_in.bin)
    assert find_program({"PATH": f".{os.pathsep}{tmp_path}"}, platform=sys.platform) is None
    found = find_program(stand_in.environ, platform=sys.platform)
    assert found is not None
    assert Path(found).parent == stand_in.bin


@given(st.binary(max_size=200), st.sampled_from(["user", None]))
def test_any_answer_is_a_login_or_nothing(output: bytes, username: str | None) -> None:
    login = parse_answer(output, username)
    assert login is None or (login.username and login.password)
    assert login is None or username is None or login.username == username


# The client


@pytest.fixture
def guarded() -> Iterator[Server]:
    replies = {"/simple/demo/": Reply(body=PAGE), "/simple/other/": Reply(body=PAGE)}
    with serve_http1(Server(replies=replies, login=LOGIN)) as server:
        yield server


def locate(server: Server, username: str | None = "user", *, always: bool = False) -> IndexLocation:
    url = f"http://127.0.0.1:{server.port}/simple"
    return IndexLocation(name="corp", url=url, username=username, variables="UV_INDEX_CORP", always=always)


async def read_refusal(location: IndexLocation, *, keyring: Keyring | None, netrc: Netrc | None = None) -> str:
    async with IndexClient(retries=0, keyring=keyring, netrc=netrc) as client:
        with pytest.raises(HttpStatusError) as caught:
            await client.read_project_page(location, DEMO)
    return str(caught.value)


async def test_password_of_the_keyring_opens_the_index_and_is_asked_for_once(guarded: Server, tmp_path: Path) -> None:
    stand_in = build_stand_in(tmp_path, {f"127.0.0.1:{guarded.port}": "s3cret"})
    location = locate(guarded)
    async with IndexClient(retries=0, keyring=build_keyring(stand_in)) as client:
        for project in (DEMO, NormalizedName("other"), DEMO):
            page = await client.read_project_page(location, project)
            assert len(page.links) == 1
        assert client.find_credentials(page.links[0].url) == ("user", "s3cret")
        assert client.find_credentials("https://files.example/x.whl") is None
    assert {each.headers["authorization"] for each in guarded.seen} == {LOGIN}
    assert stand_in.calls == [
        ["get", location.url, "user"],
        ["get", f"{location.url}/", "user"],
        ["get", f"127.0.0.1:{guarded.port}", "user"],
    ]


async def test_index_that_is_always_asked_by_name_gets_it_from_the_keyring(guarded: Server, tmp_path: Path) -> None:
    location = locate(guarded, None, always=True)
    stand_in = build_stand_in(tmp_path, {location.url: "user\ns3cret\n"})
    async with IndexClient(retries=0, keyring=build_keyring(stand_in)) as client:
        assert (await client.read_project_page(location, DEMO)).links
    assert [each.headers["authorization"] for each in guarded.seen] == [LOGIN]


async def test_keyring_is_not_asked_without_a_user_name_nor_for_a_password_that_is_known(
    guarded: Server, tmp_path: Path
) -> None:
    stand_in = build_stand_in(tmp_path, {})
    told = await read_refusal(locate(guarded, None), keyring=build_keyring(stand_in))
    assert "keyring was not asked, as there is no user name to ask for" in told
    known = Netrc(path=tmp_path / "netrc", hosts={"127.0.0.1": Login(username="user", password="s3cret")})
    async with IndexClient(retries=0, keyring=build_keyring(stand_in), netrc=known) as client:
        await client.read_project_page(locate(guarded), DEMO)
    assert stand_in.calls == []


async def test_what_the_keyring_says_is_nowhere_but_on_the_wire(
    guarded: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    location = locate(guarded)
    stand_in = build_stand_in(tmp_path / "keyring", {location.url: "s3cret"})
    with MetadataStore(tmp_path / "kept" / "cache") as store:
        async with IndexClient(retries=0, keyring=build_keyring(stand_in), store=store) as client:
            await client.read_project_page(location, DEMO)
    record = tmp_path / "kept" / "cassette"
    async with IndexClient(
        retries=0, keyring=build_keyring(stand_in), transport=lambda network: RecordingTransport(network, record)
    ) as client:
        await client.read_project_page(location, DEMO)
    kept = [path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert len(kept) >= 2
    for secret in (b"s3cret", LOGIN.removeprefix("Basic ").encode()):
        assert not any(secret in data for data in kept)
        assert secret.decode() not in caplog.text


async def test_wrong_password_of_the_keyring_is_told_and_not_shown(guarded: Server, tmp_path: Path) -> None:
    location = locate(guarded)
    stand_in = build_stand_in(tmp_path, {location.url: "wr0ng"})
    told = await read_refusal(location, keyring=build_keyring(stand_in))
    assert "the credentials were refused" in told
    assert "keyring gave the password" in told
    assert "wr0ng" not in told


async def test_refusal_names_every_source_that_was_tried(guarded: Server, tmp_path: Path) -> None:
    netrc = Netrc(path=tmp_path / "netrc", hosts={"other.example": Login(username="x", password="y")})
    told = await read_refusal(locate(guarded, None), keyring=None, netrc=netrc)
    assert "answered 401: no credentials were sent" in told
    assert "none came from the index's URL or UV_INDEX_CORP_USERNAME and UV_INDEX_CORP_PASSWORD" in told
    assert f"{tmp_path / 'netrc'} does not name 127.0.0.1" in told
    assert "keyring is off" in told
    assert "in UV_INDEX_CORP_USERNAME and UV_INDEX_CORP_PASSWORD, or in a netrc file" in told
    assert told.count(". ") == 1  # one sentence, and the remedy


async def test_refusal_of_a_wheel_says_the_same(guarded: Server) -> None:
    url = f"http://127.0.0.1:{guarded.port}/files/demo-1.0-py3-none-any.whl"
    wheel = WheelFile(
        filename="demo-1.0-py3-none-any.whl",
        url=url,
        index="corp",
        project=DEMO,
        version=Version("1.0"),
        tags=frozenset({Tag("py3", "none", "any")}),
    )
    async with IndexClient(retries=0, locations=[locate(guarded, None)]) as client:
        with pytest.raises(MetadataUnreadableError, match=r"no credentials were sent .*UV_INDEX_CORP_USERNAME"):
            await client.read_metadata(wheel)


# The real uv


@pytest.mark.parametrize(
    ("userinfo", "authenticate", "called"),
    [
        ("me@", "", ["get", "{url}", "me"]),
        ("", 'authenticate = "always"\n', ["get", "{url}", "--mode", "creds"]),
        ("", "", None),
    ],
)
async def test_uv_asks_the_keyring_the_same_question(
    tmp_path: Path, userinfo: str, authenticate: str, called: list[str] | None
) -> None:
    server = FileServer()
    with serve_private(server):
        add_index(server, "simple", "torch-1.0-py3-none-any.whl")
        url = f"{server.url}/simple"
        answer = "s3cret" if userinfo else "me\ns3cret"
        theirs, ours = (build_stand_in(tmp_path / name, {url: answer}) for name in ("theirs", "ours"))
        project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["torch"]\n'
        index = f'[[tool.uv.index]]\nname = "corp"\nurl = "{url.replace("://", f"://{userinfo}")}"\ndefault = true\n'
        settings = '[tool.uv]\nkeyring-provider = "subprocess"\n'
        write_files(tmp_path, {"work/pyproject.toml": project + settings + index + authenticate})
        locked = lock_folder(tmp_path / "work", build_environ(tmp_path / "home", **theirs.environ))
        location = IndexLocation(name="corp", url=url, username="me" if userinfo else None, always=bool(authenticate))
        async with IndexClient(retries=0, keyring=build_keyring(ours)) as client:
            entered = True
            try:
                await client.read_project_page(location, NormalizedName("torch"))
            except HttpStatusError:
                entered = False
    expected = [] if called is None else [[part.format(url=url) for part in called]]
    assert theirs.calls == ours.calls == expected
    assert (locked.status == 0) is entered is (called is not None), locked.stderr
