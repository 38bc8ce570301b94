"""``--cache-dir``, ``--no-cache``, ``--refresh``, ``--offline``: what a run asks for, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import TORCH, Cli
from tests.index.server import FileServer, serve_files
from tests.index.test_client_store import DISTINCT, Asked, build_server

SPEC = "demo-project==1.0"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files(build_server()) as server:
        yield server


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    chosen = tmp_path / "chosen"
    monkeypatch.setenv("WHEELAUDIT_CACHE_DIR", str(chosen))
    return chosen


def test_second_run_asks_once_and_offline_never(cli: Cli, folder: Path, server: FileServer) -> None:
    asked = Asked(server)
    arguments = (SPEC, "--index", f"{server.url}/simple", "--format", "toml")
    cold = cli(*arguments)
    assert asked.look() == (1 + DISTINCT, 0, 0)
    assert cli(*arguments) == cold
    assert asked.look() == (1, 1, 1)
    assert cli(*arguments, "--offline") == cold
    assert asked.look() == (0, 0, 0)
    assert cli(*arguments, "--refresh") == cold
    assert cli(*arguments, "--no-cache") == cold
    assert asked.look() == (2 * (1 + DISTINCT), 0, 0)
    assert (cold.code, [path.name for path in folder.iterdir()]) == (1, ["metadata-1"])


def test_no_cache_leaves_nothing_behind(cli: Cli, folder: Path, server: FileServer) -> None:
    assert cli(SPEC, "--index", f"{server.url}/simple", "--no-cache").code == 1
    assert not folder.exists()


def test_offline_without_the_page_cannot_be_done(cli: Cli, folder: Path, server: FileServer) -> None:
    done = cli(SPEC, "--index", f"{server.url}/simple", "--offline", "--cache-dir", folder / "empty")
    assert (done.code, done.out, server.requests) == (2, "", [])
    assert "/simple/demo-project/ is not in the metadata store" in done.err


def test_offline_without_the_metadata_is_undecided(cli: Cli, folder: Path, server: FileServer) -> None:
    for path in [path for path in server.files if path.startswith("/files/")]:
        del server.files[path]
    assert cli(SPEC, "--index", f"{server.url}/simple", "--retries", "0").code == 3
    assert cli(SPEC, "--index", f"{server.url}/simple", "--offline").code == 3


@pytest.mark.parametrize("other", ["--no-cache", "--refresh"])
def test_offline_contradicts_the_others(cli: Cli, other: str) -> None:
    done = cli(SPEC, "--offline", other)
    assert (done.code, done.out) == (2, "")
    assert "--offline" in done.err


def test_replay_leaves_the_store_alone(cli: Cli, folder: Path) -> None:
    assert cli(*TORCH).code == 1
    assert not folder.exists()


def test_check_asks_the_index_only_where_what_is_kept_does_not_settle_it(
    cli: Cli, world: Path, folder: Path, server: FileServer
) -> None:
    (world / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\n'
        '[[tool.uv.dependency-metadata]]\nname = "demo-project"\nversion = "1.0"\nrequires-dist = []\n'
    )
    asked = Asked(server)
    arguments = ("check", "--prefer-offline", "--index", f"{server.url}/simple")
    first = cli(*arguments)
    assert asked.look()[0] == 1 + DISTINCT
    assert cli(*arguments) == first
    assert asked.look()[0] == 0
    assert (first.code, "WA401" in first.out) == (1, True)
