"""The benchmark's lock: that uv makes it of what is served, and that wheelaudit finds in it what was put there."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from scripts._bench_lock import (
    METADATA_BYTES,
    PLATFORMS,
    PYTHONS,
    RELEASES,
    SINGLE,
    VERSIONS,
    WRONG,
    build_lock,
    uv_lock_commands,
    wheelaudit_lock_commands,
    write_project,
)
from scripts._bench_peers import build_environ, run_commands
from scripts._bench_server import Server
from tests.scripts.test_bench import find_free_port, run_module, wait_for
from tests.uv.lock import TIME_LIMIT


@pytest.mark.parametrize("metadata", [True, False])
def test_lock_is_made_and_has_lost_what_it_was_meant_to(tmp_path: Path, metadata: bool) -> None:
    root, log, port = tmp_path / "root", tmp_path / "access.log", find_free_port()
    root.mkdir()
    log.touch()
    with run_module("scripts._bench_server", str(root), str(log), "127.0.0.1", str(port)):
        wait_for(port)
        server = Server(url=f"http://127.0.0.1:{port}", authority=None, log=log, kind="stand-in")
        environ = build_environ(server, tmp_path)
        built = build_lock(server, root, tmp_path, environ, metadata=metadata)
        _, place = server.read_traffic(0)
        run_commands(uv_lock_commands(built), environ, allowed=(0,))
        traffic, place = server.read_traffic(place)
        # It really resolves: every page is asked for.
        assert traffic.page_requests == RELEASES

        (command,) = wheelaudit_lock_commands(built, "--format", "json", "--no-cache")
        done = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=TIME_LIMIT)
        traffic, _ = server.read_traffic(place)
    summary = json.loads(done.stdout)["summary"]
    single = sum(number % SINGLE == 1 for number in range(RELEASES))
    wrong = len(range(0, RELEASES, WRONG))
    full = (RELEASES - single) * len(PLATFORMS) * len(PYTHONS)
    assert built.wheels == summary["wheels"] == full + single
    assert (summary["releases"], summary["skipped"], summary["wrong"]) == (RELEASES, single, wrong)
    assert traffic.page_requests == RELEASES - single
    if metadata:
        # Two or three distinct METADATA a release; a Linux wheel that asks for more has its own.
        assert 2 * (RELEASES - single) < traffic.requests - traffic.page_requests <= 4 * (RELEASES - single)
    else:
        assert traffic.requests - traffic.page_requests == full


def test_page_lists_every_version_and_its_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    wheels = write_project(tmp_path, "locked", 3, metadata=True)
    text = (tmp_path / "simple" / "locked-3" / "index.html").read_text()
    links = re.findall(r'<a href="([^"#]+)#[^"]+" data-core-metadata="sha256=(\w+)"', text)
    assert len(links) == wheels * VERSIONS
    newest = links[-wheels:]
    for path, advertised in newest:
        data = (tmp_path / f"{path}.metadata".lstrip("/")).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (METADATA_BYTES, advertised)
    assert len({advertised for _, advertised in newest}) == 3
