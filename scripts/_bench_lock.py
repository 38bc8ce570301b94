"""scripts/bench (writes one folder): a lock of 120 releases on an index like any other, and who reads it.

Most projects have six wheels of two or three distinct METADATA, some a single wheel; each
asks for two others, so that a resolver goes down seven rounds, and some have a Linux
wheel that asks for more, so that the lock has lost something.
"""

from __future__ import annotations

import hashlib
import random
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts._bench_peers import find_tool, run_commands
from scripts._bench_server import Server

RELEASES = 120
VERSIONS = 30
"""Of each project on its page: what a project of some years has."""
METADATA_BYTES = 8_000
"""About what an ordinary project has, its description included; torch's are four times as long."""
PAYLOAD_BYTES = 100_000
"""Of a wheel that has no ``.metadata`` beside it: more than what is read of it."""
SINGLE = 8
"""Every so manieth project has one wheel for all: there is nothing to compare."""
WRONG = 24
"""Every so manieth has a Linux x86_64 wheel that asks for a project besides."""

VERSION = f"1.{VERSIONS - 1}"
PLATFORMS = ("macosx_11_0_arm64", "manylinux_2_28_x86_64", "win_amd64")
PYTHONS = ("cp311", "cp312")
WORDS = 2_000
"""That a description is made of: it deflates to about a third, as real ones do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLock:
    """A project whose dependencies are served, and its lock."""

    folder: Path
    wheels: int
    """That the lock names."""


def build_lock(server: Server, root: Path, folder: Path, environ: Mapping[str, str], *, metadata: bool) -> BuiltLock:
    """Write pages and files below ``root``, and a project below ``folder``, and have uv lock it.

    ``metadata``: whether ``.metadata`` files lie beside the wheels (PEP 658).
    """
    prefix = "locked" if metadata else "inside"
    wheels = sum(write_project(root, prefix, number, metadata=metadata) for number in range(RELEASES))
    home = folder / f"{prefix}-project"
    home.mkdir()
    (home / "pyproject.toml").write_text(
        f'[project]\nname = "asker"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{prefix}-0"]\n'
        f'[[tool.uv.index]]\nname = "bench"\nurl = "{server.url}/simple/"\ndefault = true\n'
    )
    built = BuiltLock(folder=home, wheels=wheels)
    run_commands(uv_lock_commands(built), environ, allowed=(0,))
    assert (home / "uv.lock").read_text().count("[[package]]") == RELEASES + 1
    return built


def uv_lock_commands(built: BuiltLock, *options: str) -> list[list[str]]:
    """Resolve anew: uv otherwise keeps a lock that still holds. ``--upgrade`` also asks for every page again."""
    uv = find_tool("uv")
    assert uv is not None
    common = [uv, "lock", "--quiet", "--upgrade", "--no-python-downloads", "--python", sys.executable]
    return [[*common, "--project", str(built.folder), *options]]


def wheelaudit_lock_commands(built: BuiltLock, *options: str) -> list[list[str]]:
    """Hold the lock against its wheels; ``--exit-zero``, as 1 is "wrong" and also what Python says of a crash."""
    common = [sys.executable, "-m", "wheelaudit", "lock", str(built.folder / "uv.lock")]
    return [[*common, "--exit-zero", "--no-progress", *options]]


def write_project(root: Path, prefix: str, number: int, *, metadata: bool) -> int:
    """Write page and files of a project; return how many wheels its newest version has."""
    project, stem = f"{prefix}-{number}", f"{prefix}_{number}"
    files, page = root / "files" / project, root / "simple" / project / "index.html"
    files.mkdir(parents=True)
    page.parent.mkdir(parents=True)
    links = [
        _build_link(project, name, hashlib.sha256(name.encode()).hexdigest() if metadata else None)
        for version in range(VERSIONS - 1)
        for name in _wheel_names(stem, number, f"1.{version}")
    ]
    names = list(_wheel_names(stem, number, VERSION))
    for place, name in enumerate(names):
        own = _build_metadata(prefix, number, place % (2 + number % 2), name)
        if metadata:
            (files / f"{name}.metadata").write_bytes(own)
        else:
            _write_wheel(files / name, stem, own)
        links.append(_build_link(project, name, hashlib.sha256(own).hexdigest() if metadata else None))
    page.write_text(f"<!DOCTYPE html>\n<html>\n  <body>\n{''.join(links)}  </body>\n</html>\n")
    return len(names)


def _wheel_names(stem: str, number: int, version: str) -> Iterator[str]:
    """Name wheels, the platform changing fastest."""
    if number % SINGLE == 1:
        yield f"{stem}-{version}-py3-none-any.whl"
        return
    for python in PYTHONS:
        yield from (f"{stem}-{version}-{python}-{python}-{platform}.whl" for platform in PLATFORMS)


def _build_metadata(prefix: str, number: int, variant: int, filename: str) -> bytes:
    children = [child for child in (2 * number + 1, 2 * number + 2) if child < RELEASES]
    if number % WRONG == 0 and "linux" in filename:
        # Everybody's dependency: it is locked in any case.
        children.append(RELEASES - 1)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {prefix}-{number}",
        f"Version: {VERSION}",
        f"Keywords: variant {variant}",
        "Requires-Python: >=3.9",
        "Provides-Extra: test",
        *(f"Requires-Dist: {prefix}-{child}>=1.0" for child in children),
        *(f"Requires-Dist: tool-{each}>=1.0; extra == 'test'" for each in range(6)),
    ]
    chance = random.Random(number * 3 + variant)
    text = " ".join(f"{chance.randrange(WORDS) ** 2:x}" for _ in range(METADATA_BYTES // 4))
    return ("\n".join(lines) + "\n\n" + text)[:METADATA_BYTES].encode()


def _build_link(project: str, name: str, advertised: str | None) -> str:
    own = hashlib.sha256(name.encode()).hexdigest()
    told = "" if advertised is None else f' data-core-metadata="sha256={advertised}"'
    return f'    <a href="/files/{project}/{name}#sha256={own}"{told}>{name}</a><br/>\n'


def _write_wheel(path: Path, stem: str, metadata: bytes) -> None:
    members: Sequence[tuple[str, bytes, int]] = (
        (f"{stem}/payload.bin", b"\0" * PAYLOAD_BYTES, zipfile.ZIP_STORED),
        (f"{stem}-{VERSION}.dist-info/METADATA", metadata, zipfile.ZIP_DEFLATED),
        (f"{stem}-{VERSION}.dist-info/RECORD", b"", zipfile.ZIP_STORED),
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data, method in members:
            # Without the time of day: the same bytes in every run.
            archive.writestr(zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0)), data, method)
