"""The benchmark's own parts: what it serves, and what it counts. What comes out of it is no test's matter."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from scripts._bench_index import DIRECTORY_BYTES, METADATA_BYTES, PLACES, BuiltProject, Place, Shape, build_project
from scripts._bench_peers import CommandFailedError, find_tool, run_commands
from scripts._bench_server import Server
from wheelaudit.metadata import parse_metadata
from wheelaudit.release import parse_wheel_name

TOP = Path(__file__).parents[2]


def read_links(root: Path, built: BuiltProject) -> list[tuple[str, str]]:
    """Path and advertised metadata hash of every link of a page."""
    text = (root / built.page.lstrip("/") / "index.html").read_text()
    return re.findall(r'<a href="([^"#]+)#[^"]+"[^>]* data-core-metadata="sha256=(\w+)"', text)


@pytest.mark.parametrize(("wheels", "links", "distinct"), [(20, 200, 8), (200, 400, 200), (2000, 2100, 200)])
def test_release_has_the_wheels_links_and_distinct_metadata_of_its_shape(
    tmp_path: Path, wheels: int, links: int, distinct: int
) -> None:
    built = build_project(Shape(wheels=wheels, links=links, distinct=distinct), tmp_path)
    listed = read_links(tmp_path, built)
    advertised = dict(listed)
    assert len(listed) == len(advertised) == links
    assert len(set(built.wheels)) == wheels
    assert len({advertised[wheel] for wheel in built.wheels}) == distinct


def test_files_have_the_hashes_that_the_page_advertises(tmp_path: Path) -> None:
    built = build_project(Shape(wheels=20, links=200, distinct=8), tmp_path)
    advertised = dict(read_links(tmp_path, built))
    for wheel in built.wheels:
        data = (tmp_path / f"{wheel}.metadata".lstrip("/")).read_bytes()
        assert len(data) == METADATA_BYTES
        assert hashlib.sha256(data).hexdigest() == advertised[wheel]


def test_equal_metadata_belong_to_wheels_of_one_platform(tmp_path: Path) -> None:
    built = build_project(Shape(wheels=2000, links=2000, distinct=200), tmp_path)
    platforms: dict[str, set[str]] = {}
    for wheel, advertised in read_links(tmp_path, built):
        _, _, _, tags = parse_wheel_name(wheel.rpartition("/")[2])
        platforms.setdefault(advertised, set()).update(tag.platform for tag in tags)
    assert {len(each) for each in platforms.values()} == {1}


@pytest.mark.parametrize("place", PLACES)
def test_archive_has_a_great_directory_and_its_metadata_in_place(tmp_path: Path, place: Place) -> None:
    shape = Shape(wheels=1, links=1, distinct=1, metadata=False, place=place)
    built = build_project(shape, tmp_path)
    data = (tmp_path / built.wheels[0].lstrip("/")).read_bytes()
    with ZipFile(BytesIO(data)) as archive:
        directory = len(data) - archive.start_dir
        names = archive.namelist()
        at = next(number for number, name in enumerate(names) if name.endswith(".dist-info/METADATA"))
        core = parse_metadata(archive.read(names[at]))
    assert DIRECTORY_BYTES <= directory < DIRECTORY_BYTES * 1.01
    assert at == pytest.approx({"first": 0, "middle": len(names) / 2, "last": len(names)}[place], abs=3)
    assert core.name == shape.project


def test_run_tells_what_a_command_cost() -> None:
    waste = "x = bytearray(60_000_000)"
    cost = run_commands([[sys.executable, "-c", waste]] * 2, {}, allowed=[0])
    assert cost.seconds > 0
    if sys.platform != "win32":
        assert cost.cpu > 0
        assert 60 < cost.memory < 120


def test_failing_command_says_so_in_its_own_words() -> None:
    with pytest.raises(CommandFailedError, match=r"exited with 3: no such index"):
        run_commands(
            [[sys.executable, "-c", "import sys; sys.stderr.write('no such index'); sys.exit(3)"]], {}, allowed=[0, 1]
        )


def test_tool_beside_this_python_is_found_without_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_tool(Path(sys.executable).stem) is not None
    assert find_tool("no-such-tool-anywhere") is None


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def run_module(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A part of the benchmark that is a process of its own; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=TOP,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    """The stand-in for nginx, over a folder with one file of ten bytes."""
    (tmp_path / "simple" / "demo").mkdir(parents=True)
    (tmp_path / "simple" / "demo" / "index.html").write_bytes(b"0123456789")
    log = tmp_path / "access.log"
    log.touch()
    port = find_free_port()
    with run_module("scripts._bench_server", str(tmp_path), str(log), "127.0.0.1", str(port)):
        wait_for(port)
        yield Server(url=f"http://127.0.0.1:{port}", authority=None, log=log, kind="stand-in")


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [(None, 200, b"0123456789"), ("bytes=-3", 206, b"789"), ("bytes=2-4", 206, b"234"), ("bytes=8-20", 206, b"89")],
)
def test_stand_in_answers_ranges(served: Server, asked: str | None, status: int, body: bytes) -> None:
    headers = {} if asked is None else {"Range": asked}
    answer = httpx.get(f"{served.url}/simple/demo/", headers=headers, trust_env=False)
    assert (answer.status_code, answer.content) == (status, body)


def test_server_counts_requests_bytes_and_what_was_not_modified(served: Server) -> None:
    with httpx.Client(trust_env=False) as client:
        tag = client.get(f"{served.url}/simple/demo/").headers["ETag"]
        traffic, place = served.read_traffic(0)
        assert (traffic.requests, traffic.octets, traffic.page_requests, traffic.not_modified) == (1, 10, 1, 0)
        assert client.get(f"{served.url}/simple/demo/", headers={"If-None-Match": tag}).status_code == 304
        assert client.get(f"{served.url}/files/nothing", headers={"Range": "bytes=-1"}).status_code == 404
    traffic, _ = served.read_traffic(place)
    assert (traffic.requests, traffic.octets, traffic.page_requests, traffic.not_modified) == (2, 0, 1, 1)


def test_delaying_proxy_passes_every_byte_and_the_end_of_the_stream(served: Server) -> None:
    with run_module("scripts._bench_wire", "streams", "2", served.url.rpartition(":")[2]) as proxy:
        assert proxy.stdout is not None
        port = int(proxy.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"GET /simple/demo/ HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n0123456789")
