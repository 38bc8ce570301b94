"""What uv reads of an entry, and for what it drops all settings: the tables of tests/audit/test_acceptance.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.audit.test_acceptance import BOUNDS_READ, BOUNDS_REFUSED, READ, REFUSED, SPELLINGS_REFUSED
from tests.project.locking import build_environ, lock_folder

PROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'


def is_taken(folder: Path, *, bound: str = ">=3.8", requirement: str = "y") -> bool:
    """Return whether uv takes an entry; the lock names those that it has read."""
    entry = (
        f'name = "a"\nversion = "1"\nrequires-python = {json.dumps(bound)}\nrequires-dist = [{json.dumps(requirement)}]'
    )
    text = f"{PROJECT}[[tool.uv.dependency-metadata]]\n{entry}\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    locked = lock_folder(folder, build_environ(folder / "home"), options=("--offline",))
    assert locked.status == 0, locked.stderr
    assert locked.lock is not None
    return "dependency-metadata" in locked.lock.get("manifest", {})


@pytest.mark.parametrize("text", READ)
def test_requirement_is_read(text: str, tmp_path: Path) -> None:
    assert is_taken(tmp_path, requirement=text)


@pytest.mark.parametrize("text", [*REFUSED, *SPELLINGS_REFUSED])
def test_requirement_drops_all_settings(text: str, tmp_path: Path) -> None:
    assert not is_taken(tmp_path, requirement=text)


@pytest.mark.parametrize("text", BOUNDS_READ)
def test_bound_is_read(text: str, tmp_path: Path) -> None:
    assert is_taken(tmp_path, bound=text)


@pytest.mark.parametrize("text", BOUNDS_REFUSED)
def test_bound_drops_all_settings(text: str, tmp_path: Path) -> None:
    assert not is_taken(tmp_path, bound=text)
