"""What tests of the command line share: a clean world to run it in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import wheelaudit
from wheelaudit.cli.main import run

CASSETTES = Path(__file__).parents[2] / "cassettes"
TORCH = ("torch==2.6.0+cu126", "--index", "cu126", "--replay", str(CASSETTES / "torch-2.6.0+cu126"))
"""The first Show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run came to."""

    code: int
    out: str
    err: str


Cli = Callable[..., Done]


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Run in an empty folder, as a user without settings, whose default index does not exist."""
    for name in [*os.environ]:
        if name.startswith(("WHEELAUDIT_", "UV_", "PIP_", "XDG_")) or name in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    folder = tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    # Processes of their own find the package from the empty folder too.
    monkeypatch.setenv("PYTHONPATH", str(Path(wheelaudit.__file__).parents[1]))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    # The user's own cache is named by other variables on Windows.
    monkeypatch.setenv("WHEELAUDIT_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://index.example/simple")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process."""

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Done(code=code, out=out, err=err)

    return call
