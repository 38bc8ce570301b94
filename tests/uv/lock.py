"""The real uv, run in a project of its own, and what its uv.lock gives each environment."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import uv
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.uv.index import SimpleIndex

Entry = Mapping[str, Any]

OWN_VERSION = ".".join(map(str, sys.version_info[:3]))

TIME_LIMIT = 60.0
"""Seconds for one run of uv, which takes a fraction of one: a hanging uv fails the test, not the night."""

_SELECTED = re.compile(r"DEBUG Selecting: (?P<project>\S+?)==(?P<version>\S+) \[\w+\] \((?P<filename>[^)]+\.whl)\)")

_STAND_IN = """\
import json, subprocess, sys

answer = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
about = json.loads(answer.stdout)
about["markers"].update(python_version={short!r}, python_full_version={full!r}, implementation_version={full!r})
sys.stdout.write(json.dumps(about))
raise SystemExit(answer.returncode)
"""
"""uv asks an interpreter what it is by running a script with it, and reads JSON."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of uv came to."""

    status: int
    stderr: str
    lock: Mapping[str, Any] | None
    """uv.lock parsed; None where there is none."""

    @property
    def selected(self) -> dict[str, str]:
        """The wheel whose metadata stands for each project, as ``-v`` prints it; always the same of one version."""
        found: dict[str, dict[str, str]] = {}
        for match in _SELECTED.finditer(self.stderr):
            own = found.setdefault(match["project"], {})
            assert own.setdefault(match["version"], match["filename"]) == match["filename"], match[0]
        return {project: own.popitem()[1] for project, own in found.items()}


@dataclass(frozen=True, kw_only=True)
class Uv:
    """The real uv with a home and a cache of its own: nothing of this machine's settings takes part."""

    home: Path

    def lock(
        self,
        folder: Path,
        *indexes: SimpleIndex,
        requires_python: str,
        dependencies: Iterable[str] = (),
        extras: Mapping[str, Sequence[str]] | None = None,
        block: str = "",
        options: Sequence[str] = (),
    ) -> Run:
        """Lock a project that has these dependencies and these optional ones, and ``block`` in its pyproject.toml."""
        folder.mkdir(parents=True, exist_ok=True)
        text = render_pyproject(
            requires_python=requires_python,
            dependencies=dependencies,
            extras=extras or {},
            indexes=indexes,
            block=block,
        )
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        python = self.find_python(SpecifierSet(requires_python))
        command = [find_uv(), "lock", "--python", str(python), "--no-progress", *options]
        # No proxy, no UV_* and no index of the machine's own: the environment holds this and nothing else.
        environ = {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "APPDATA": str(self.home),
            "LOCALAPPDATA": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "XDG_CONFIG_DIRS": str(self.home),
            "UV_CACHE_DIR": str(self.home / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
            # Windows opens no socket without it.
            **{name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
        }
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT, check=False
        )
        path = folder / "uv.lock"
        lock = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return Run(status=done.returncode, stderr=done.stderr, lock=lock)

    def find_python(self, bound: SpecifierSet) -> Path:
        """Return an interpreter that ``bound`` admits: this one, or a script that says it is another version.

        uv refuses to lock with a Python outside of the project's bound, though the
        interpreter has no part in what is locked.
        """
        if bound.contains(OWN_VERSION):
            return Path(sys.executable)
        version = find_python_version(bound)
        path = self.home / f"python{version}"
        if not path.is_file():
            script = path.with_suffix(".script")
            script.write_text(_STAND_IN.format(short=version.rpartition(".")[0], full=version), encoding="utf-8")
            command = shlex.join([sys.executable, str(script)])
            path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
            path.chmod(0o755)
        return path


def find_python_version(bound: SpecifierSet) -> str:
    """Return a version that ``bound`` admits."""
    return next(version for minor in range(6, 40) if bound.contains(version := f"3.{minor}.5"))


def needs_stand_in(bound: str) -> bool:
    """Whether ``bound`` needs an interpreter that cannot be had: on Windows uv starts programs, not scripts."""
    return sys.platform == "win32" and not SpecifierSet(bound).contains(OWN_VERSION)


@cache
def find_uv() -> str:
    """Return the uv that is installed beside the tests."""
    return uv.find_uv_bin()


def render_pyproject(
    *,
    requires_python: str,
    dependencies: Iterable[str],
    extras: Mapping[str, Sequence[str]],
    indexes: Sequence[SimpleIndex],
    block: str,
) -> str:
    """Return a pyproject.toml; of several indexes the last is the default one, which uv asks last."""
    lines = [
        "[project]",
        'name = "asker"',
        'version = "1"',
        f"requires-python = {json.dumps(requires_python)}",
        f"dependencies = {json.dumps(list(dependencies))}",
        "[project.optional-dependencies]",
        *(f"{json.dumps(extra)} = {json.dumps(list(wanted))}" for extra, wanted in extras.items()),
    ]
    for number, index in enumerate(indexes):
        default = json.dumps(index is indexes[-1])
        lines += ["[[tool.uv.index]]", f'name = "index-{number}"', f'url = "{index.url}"', f"default = {default}"]
    return "\n".join([*lines, block])


def find_package(lock: Mapping[str, Any], project: str, variables: Mapping[str, str]) -> Entry | None:
    """Return the entry of ``project`` that an environment uses; None where it uses none."""
    entries = [entry for entry in lock["package"] if entry["name"] == project]
    found = [
        entry
        for entry in entries
        if "resolution-markers" not in entry or any(_holds(each, variables) for each in entry["resolution-markers"])
    ]
    assert len(found) <= 1, (project, found)
    return found[0] if found else None


def find_given(lock: Mapping[str, Any], project: str, variables: Mapping[str, str], extra: str) -> dict[str, Version]:
    """Return what ``project`` brings in one environment with ``extra`` (``""``: without any): project to version."""
    package = find_package(lock, project, variables)
    assert package is not None, project
    entries: list[Entry] = [*package.get("dependencies", ())]
    entries += package.get("optional-dependencies", {}).get(extra, ()) if extra else ()
    given: dict[str, Version] = {}
    for entry in entries:
        if "marker" in entry and not _holds(entry["marker"], variables):
            continue
        version = entry.get("version")
        if version is None:
            # uv names the version where several are locked, and there the entry decides.
            (version,) = (each["version"] for each in lock["package"] if each["name"] == entry["name"])
        assert given.setdefault(entry["name"], Version(version)) == Version(version), entry
    return given


@cache
def _marker(text: str) -> Marker:
    return Marker(text)


def _holds(text: str, variables: Mapping[str, str]) -> bool:
    return _marker(text).evaluate({**variables, "extra": ""})
