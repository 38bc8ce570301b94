"""``--offline``: no command makes a connection, nor looks a host up; and with what is kept it comes to the same."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.projects import write_project
from tests.index.server import FileServer, serve_files
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata

VERSION = "1.0.dev20250114"
REQUIRES = {"win_amd64": ["attrs"], "manylinux_2_28_x86_64": ["attrs", "idna"]}
EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_heard: list[tuple[str, object]] = []
_listening = False


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    # Windows: an event loop's own socketpair is two sockets that connect to each other.
    if _listening and event in EVENTS and not (sys.platform == "win32" and event == "socket.connect"):
        _heard.append((event, arguments[1:2] or arguments[:1]))


sys.addaudithook(_listen)  # for good, so it must be able to be silent


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, object]]]:
    """Whatever tries to reach another host from here on: heard by the interpreter itself, and refused."""
    global _listening

    async def refuse(*arguments: object, **options: object) -> object:
        _heard.append(("loop", arguments[1:3]))
        raise OSError("no connections here")

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", refuse)
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", refuse)
    _heard.clear()
    _listening = True
    yield _heard
    _listening = False


@pytest.fixture
def index() -> Iterator[SimpleIndex]:
    """An index: one wheel is read through its `.metadata`, one by Range."""
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        index = SimpleIndex(server=server, path="/simple")
        index.add(
            ServedWheel(
                filename=f"demo-{VERSION}-cp312-cp312-{platform}.whl",
                metadata=build_metadata("demo", VERSION, requires=requires),
                inside=platform == "win_amd64",
            )
            for platform, requires in REQUIRES.items()
        )
        yield index


def write_folder(folder: Path, url: str) -> None:
    """Write a project with an override, and its lock."""
    write_project(
        folder,
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["demo"]\n\n'
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\n\n[tool.uv.sources]\ndemo = {{ index = "corp" }}\n\n'
        f'[[tool.uv.dependency-metadata]]\nname = "demo"\nversion = "{VERSION}"\nrequires-dist = ["attrs"]\n',
    )
    wheels = "".join(
        f'    {{ url = "{url}/demo/demo-{VERSION}-cp312-cp312-{platform}.whl" }},\n' for platform in REQUIRES
    )
    (folder / "uv.lock").write_text(
        'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n'
        f'[[package]]\nname = "demo"\nversion = "{VERSION}"\nsource = {{ registry = "{url}" }}\n'
        f"wheels = [\n{wheels}]\n\n"
        '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [\n    { name = "demo" },\n]\n',
        encoding="utf-8",
    )


COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": (f"demo=={VERSION}",),
    "audit --deep": (f"demo=={VERSION}", "--deep", "--index", "corp"),
    "audit --diff": (f"demo=={VERSION}", "--diff"),
    "lock": ("lock",),
    "check": ("check",),
    "explain": ("explain", f"demo=={VERSION}"),
    "nightly": ("nightly", "demo", "--history", "history.sqlite3", "--night", "2025-01-14"),
}


def build_arguments(name: str, url: str) -> tuple[str, ...]:
    """Return the arguments; a night knows no project, and so none of its indexes."""
    return (*COMMANDS[name], *(("--index", url) if name == "nightly" else ()))


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_asked_where_nothing_is_kept(
    cli: Cli, world: Path, attempts: list[tuple[str, object]], name: str
) -> None:
    write_folder(world, "https://index.example/simple")
    done = cli(*build_arguments(name, "https://index.example/simple"), "--offline")
    assert attempts == []
    assert done.code in (2, 3)
    assert "--offline" in done.out + done.err


@pytest.mark.parametrize("name", [name for name in COMMANDS if "--deep" not in name])
def test_what_is_kept_comes_to_the_same_without_asking(
    cli: Cli, world: Path, index: SimpleIndex, request: pytest.FixtureRequest, name: str
) -> None:
    write_folder(world, index.url)
    arguments = build_arguments(name, index.url)
    online = cli(*arguments)
    (world / "history.sqlite3").unlink(missing_ok=True)
    asked = len(index.server.requests)
    assert asked > 0
    attempts = request.getfixturevalue("attempts")
    offline = cli(*arguments, "--offline")
    assert attempts == []
    assert len(index.server.requests) == asked
    assert (offline.code, offline.out) == (online.code, online.out)


def test_variable_of_uv_says_the_same(
    cli: Cli, world: Path, attempts: list[tuple[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(world, "https://index.example/simple")
    monkeypatch.setenv("UV_OFFLINE", "1")
    for name in COMMANDS:
        assert cli(*build_arguments(name, "https://index.example/simple")).code in (2, 3)
    assert attempts == []


def test_attempt_would_be_heard(cli: Cli, world: Path, attempts: list[tuple[str, object]]) -> None:
    write_folder(world, "https://index.example/simple")
    assert cli(*COMMANDS["audit"], "--retries", "0").code == 2
    assert attempts
    attempts.clear()
    with pytest.raises(OSError, match=r".*"):
        socket.create_connection(("127.0.0.1", 1), timeout=1)
    assert attempts
