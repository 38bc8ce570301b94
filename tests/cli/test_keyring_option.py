"""``--keyring-provider``: a switch of every command that reads indexes, in the place of uv's variable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.index.server import FileServer
from tests.index.standin import StandIn, build_stand_in
from tests.project.locking import add_index
from tests.project.test_uv_credentials import serve_private


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    with serve_private(server):
        add_index(server, "simple", "torch-1.0-py3-none-any.whl")
        yield server


@pytest.fixture
def stand_in(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = build_stand_in(tmp_path / "keyring", {f"{server.url}/simple": "s3cret"})
    monkeypatch.setenv("PATH", stand_in.environ["PATH"])
    monkeypatch.delenv("UV_KEYRING_PROVIDER", raising=False)
    return stand_in


def build_arguments(server: FileServer, *options: str) -> tuple[str, ...]:
    url = server.url.replace("://", "://me@")
    return ("torch", "--index", f"{url}/simple", "--no-cache", "--retries", "0", *options)


def test_keyring_is_asked_when_it_is_asked_for(cli: Cli, server: FileServer, stand_in: StandIn) -> None:
    done = cli(*build_arguments(server, "--keyring-provider", "subprocess"))
    assert (done.code, len(stand_in.calls)) == (0, 1)
    assert "s3cret" not in done.out + done.err
    assert "UV_KEYRING_PROVIDER" not in os.environ


def test_own_variable_and_that_of_uv_say_the_same_and_the_option_overrules_them(
    cli: Cli, server: FileServer, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEELAUDIT_KEYRING_PROVIDER", "subprocess")
    assert cli(*build_arguments(server)).code == 0
    monkeypatch.delenv("WHEELAUDIT_KEYRING_PROVIDER")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    assert cli(*build_arguments(server)).code == 0
    asked = len(stand_in.calls)
    done = cli(*build_arguments(server, "--keyring-provider", "disabled"))
    assert done.code == 2
    assert "keyring is off" in done.err
    assert len(stand_in.calls) == asked == 2
    assert os.environ["UV_KEYRING_PROVIDER"] == "subprocess"


def test_keyring_is_off_by_default(cli: Cli, server: FileServer, stand_in: StandIn) -> None:
    done = cli(*build_arguments(server))
    assert done.code == 2
    assert "keyring is off" in done.err
    assert "--keyring-provider subprocess" in done.err
    assert stand_in.calls == []


def test_program_that_is_missing_is_a_part_of_the_error(
    cli: Cli, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli(*build_arguments(server, "--keyring-provider", "subprocess"))
    assert done.code == 2
    assert "there is no program keyring on PATH" in done.err
    assert "Traceback" not in done.err


def test_other_provider_is_a_usage_error(cli: Cli, server: FileServer) -> None:
    assert cli(*build_arguments(server, "--keyring-provider", "import")).code == 2
