"""The real uv in folders of several files, on indexes of this machine's loopback; and the four-extras project there."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.version import Version

from tests.index.server import FileServer
from tests.uv.index import SimpleIndex, build_stub
from tests.uv.lock import TIME_LIMIT, find_uv
from wheelaudit.index.cassettes import read_cassette

FOUR_EXTRAS = Path(__file__).parent / "four-extras"
HOST = "https://index.example"
"""What the files of the four-extras project call the host of its indexes."""


@dataclass(frozen=True, kw_only=True)
class Locked:
    """What `uv lock` came to."""

    status: int
    stderr: str
    lock: Mapping[str, Any] | None
    """uv.lock parsed; None where there is none."""

    def versions(self, project: str) -> set[Version]:
        """Return the versions of ``project`` that are locked from an index."""
        assert self.status == 0, self.stderr
        assert self.lock is not None
        return {
            Version(each["version"])
            for each in self.lock["package"]
            if each["name"] == project and "registry" in each["source"]
        }


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files by their paths below ``folder``."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build_environ(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment that holds nothing of this machine's settings, for uv and for us."""
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home),
        "LOCALAPPDATA": str(home),
        "PROGRAMDATA": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CONFIG_DIRS": str(home / "machine"),
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_CACHE_DIR": str(home / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_HTTP_RETRIES": "0",
        "NO_COLOR": "1",
        **variables,
    }


def lock_folder(
    folder: Path, environ: Mapping[str, str], *, root: Path | None = None, options: tuple[str, ...] = ()
) -> Locked:
    """Run `uv lock` in ``folder``; ``root`` is where uv.lock is expected, if not there."""
    done = subprocess.run(
        [find_uv(), "lock", "--python", sys.executable, "--no-progress", *options],
        cwd=folder,
        env=dict(environ),
        capture_output=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
        check=False,
    )
    path = (root or folder) / "uv.lock"
    lock = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return Locked(status=done.returncode, stderr=done.stderr, lock=lock)


def add_index(server: FileServer, name: str, *filenames: str) -> SimpleIndex:
    """Serve an index ``/NAME`` of stub wheels."""
    index = SimpleIndex(server=server, path=f"/{name}")
    index.add(build_stub(filename) for filename in filenames)
    return index


def serve_four_extras(server: FileServer, folder: Path) -> Path:
    """Serve the indexes of the four-extras project and write its pyproject.toml, which names this server; return that.

    Its links are root-relative, so pages and METADATA are served as they are.
    """
    for exchange in read_cassette(FOUR_EXTRAS / "cassette"):
        assert exchange.body is not None
        server.files[urlsplit(exchange.url).path] = exchange.body
    text = (FOUR_EXTRAS / "pyproject.toml").read_text(encoding="utf-8")
    write_files(folder, {"pyproject.toml": text.replace(HOST, server.url)})
    return folder / "pyproject.toml"
