"""The real uv where a build's wheels have vanished: what a night's report says of it is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.index.server import FileServer, serve_files
from tests.project.locking import add_index, build_environ, lock_folder, write_files
from tests.uv.lock import TIME_LIMIT, find_uv

PROJECT = """\
[project]
name = "app"
version = "1"
requires-python = ">={python}"
dependencies = ["demo=={version}"]

[[tool.uv.index]]
url = "{url}"
default = true
"""
THERE, GONE = ("x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc")
"""Platforms, as uv names them: one that has a wheel still, and one that has none."""


def sync(folder: Path, environ: dict[str, str], platform: str) -> subprocess.CompletedProcess[str]:
    command = [find_uv(), "sync", "--frozen", "--dry-run", "--python", sys.executable, "--python-platform", platform]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT, check=False
    )


@pytest.mark.parametrize("version", ["2.0", "1.0"])
def test_build_without_wheels_for_a_platform_is_locked_and_cannot_be_synced_there(version: str, tmp_path: Path) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environ = build_environ(tmp_path)
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        index = add_index(
            server,
            "simple",
            *("demo-1.0-py3-none-manylinux_2_17_x86_64.whl", "demo-1.0-py3-none-win_amd64.whl"),
            "demo-2.0-py3-none-manylinux_2_17_x86_64.whl",
        )
        text = PROJECT.format(python=python, version=version, url=index.url)
        write_files(tmp_path, {"pyproject.toml": text})
        locked = lock_folder(tmp_path, environ)
        assert {str(each) for each in locked.versions("demo")} == {version}
        assert sync(tmp_path, environ, THERE).returncode == 0
        done = sync(tmp_path, environ, GONE)
    # The older build still has its wheel: what a user goes back to.
    assert (done.returncode == 0) is (version == "1.0"), done.stderr
    if version == "2.0":
        assert "wheel" in done.stderr
