"""How a command reads: what the options come to, whichever command has them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from wheelaudit.cli.audit import AuditOptions
from wheelaudit.cli.check import CheckOptions
from wheelaudit.cli.explain import ExplainOptions
from wheelaudit.cli.lock import LockOptions
from wheelaudit.cli.main import load_command
from wheelaudit.cli.nightly import NightlyOptions
from wheelaudit.cli.progress import Bar, Lines, Told
from wheelaudit.cli.reading import ReadingChoice, open_manner
from wheelaudit.errors import UsageError
from wheelaudit.session import Manner, Watcher

CHOICE = ReadingChoice(
    replay=Path("tape"),
    cache_dir=None,
    no_cache=True,
    refresh=True,
    offline=False,
    concurrency=3,
    timeout=4.0,
    retries=5,
    quiet=False,
)
OPTIONS = {
    "audit": AuditOptions,
    "check": CheckOptions,
    "explain": ExplainOptions,
    "lock": LockOptions,
    "nightly": NightlyOptions,
}
TAKEN_APART = {"keyring_provider"}
"""What becomes a variable of the environment before the command is called."""


def read_manner(choice: ReadingChoice, cwd: Path) -> Manner:
    with open_manner(choice, environ={}, cwd=cwd) as (manner, _):
        return manner


def find_watcher(choice: ReadingChoice, on_done: Callable[[object], None] | None = None) -> Watcher:
    with open_manner(choice, environ={}, cwd=Path(), on_done=on_done) as (_, watcher):
        return watcher


@pytest.mark.parametrize("name", OPTIONS)
def test_fields_are_the_options_of_the_command(name: str) -> None:
    said = {each.name for each in load_command(name).params if each.expose_value} - TAKEN_APART
    known = {field.name for field in fields(OPTIONS[name])}
    assert said <= known
    # What a command does not ask for stays what it is.
    assert known - said <= {"record", "no_progress", "verbose"}


def test_manner_is_what_was_chosen(tmp_path: Path) -> None:
    assert read_manner(CHOICE, tmp_path) == Manner(
        concurrency=3, timeout=4.0, retries=5, replay=Path("tape"), refresh=True, environ={}, cwd=tmp_path
    )
    other = replace(CHOICE, replay=None, record=Path("new"), refresh=False, no_cache=False, offline=True)
    manner = read_manner(replace(other, cache_dir=tmp_path), tmp_path)
    assert (manner.replay, manner.record, manner.refresh, manner.offline) == (None, Path("new"), False, True)
    assert manner.store is not None
    assert manner.store.path.is_relative_to(tmp_path)


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--offline"):
        read_manner(replace(CHOICE, offline=True), tmp_path)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be looked at by a person, on both streams."""
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_terminal_shows_a_bar_unless_it_is_not_wanted() -> None:
    assert isinstance(find_watcher(CHOICE), Bar)
    for unwanted in (replace(CHOICE, quiet=True), replace(CHOICE, no_progress=True)):
        assert type(find_watcher(unwanted)) is Watcher


def test_no_terminal_shows_no_bar() -> None:
    assert type(find_watcher(CHOICE)) is Watcher


def test_verbose_is_lines_and_quiet_is_nothing() -> None:
    assert isinstance(find_watcher(replace(CHOICE, verbose=1)), Lines)
    assert type(find_watcher(replace(CHOICE, verbose=1, quiet=True))) is Watcher


@pytest.mark.usefixtures("terminal")
def test_lines_of_data_on_a_terminal_take_the_place_of_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(_: object) -> None: ...

    told = find_watcher(CHOICE, take)
    assert isinstance(told, Told)
    assert type(told._watcher) is Watcher
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    told = find_watcher(CHOICE, take)
    assert isinstance(told, Told)
    assert isinstance(told._watcher, Bar)
