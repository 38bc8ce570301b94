from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.index.stored import answer_of, key_of
from wheelaudit.cli import cache, store
from wheelaudit.cli.cache import render_size
from wheelaudit.cli.clock import find_today
from wheelaudit.cli.store import open_store
from wheelaudit.errors import UsageError
from wheelaudit.index.store import MetadataStore


def fill(folder: Path, count: int, *, age: int = 0) -> None:
    with MetadataStore(folder, today=find_today().toordinal() - age) as kept:
        for number in range(count):
            kept.keep(key_of(number), answer_of(number))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    chosen = tmp_path / "chosen"
    monkeypatch.setenv("WHEELAUDIT_CACHE_DIR", str(chosen))
    return chosen


def test_dir_is_the_user_s_cache_folder_and_is_not_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WHEELAUDIT_CACHE_DIR", raising=False)
    done = cli("cache", "dir")
    folder = Path(done.out.removesuffix("\n"))
    assert (done.code, done.err) == (0, "")
    assert folder.is_relative_to(tmp_path / "home") or sys.platform == "win32"
    assert "wheelaudit" in folder.parts
    assert not folder.exists() or sys.platform == "win32"


def test_dir_is_what_the_environment_and_the_option_say(cli: Cli, folder: Path) -> None:
    assert cli("cache", "dir").out == f"{folder}\n"
    assert cli("cache", "dir", "--cache-dir", "elsewhere").out == "elsewhere\n"


def test_info_tells_what_is_kept(cli: Cli, folder: Path) -> None:
    fill(folder, 3)
    rows = dict(line.split(maxsplit=1) for line in cli("cache", "info").out.splitlines())
    assert rows["folder"] == str(folder)
    assert rows["answers"] == "3"
    assert rows["contents"].startswith("3 (")
    assert rows["on"].removeprefix("disk").strip()[0].isdigit()


def test_info_of_nothing_is_no_error_and_makes_nothing(cli: Cli, folder: Path) -> None:
    done = cli("cache", "info")
    assert (done.code, done.err) == (0, "")
    assert "answers   0\n" in done.out
    assert not folder.exists()


def test_prune_removes_what_is_older_than_the_days(cli: Cli, folder: Path) -> None:
    fill(folder, 3, age=31)
    assert cli("cache", "prune", "--days", "31").out.startswith("removed 0 answers")
    done = cli("cache", "prune")
    assert (done.code, done.out.partition(",")[0]) == (0, "removed 3 answers")
    assert "answers   0\n" in cli("cache", "info").out


def test_clear_removes_everything_of_ours(cli: Cli, folder: Path) -> None:
    fill(folder, 1)
    (folder / "mine.txt").write_text("not wheelaudit's")
    done = cli("cache", "clear")
    assert (done.code, done.out.partition(",")[0], done.err) == (0, "removed 1 answer", "")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert cli("cache", "clear").out == "removed 0 answers, 0 bytes\n"


@pytest.mark.parametrize("arguments", [(), ("everything",), ("prune", "--days", "-1")])
def test_wrong_word_is_a_usage_error(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("cache", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_store_that_cannot_be_removed_is_one_sentence(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, 1)

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)  # what Windows does while another process has the file open
    done = cli("cache", "clear")
    assert (done.code, done.out) == (2, "")
    assert "metadata-1 cannot be removed: Permission denied" in done.err


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "2 kB"), (1_250_000_000, "1,250.0 MB")]
)
def test_sizes_are_told_as_people_read_them(size: int, text: str) -> None:
    assert render_size(size) == text


def test_store_is_opened_for_a_run_unless_it_is_not_wanted(tmp_path: Path) -> None:
    with open_store(cache_dir=tmp_path / "c", no_cache=False, refresh=False, offline=False) as opened:
        assert opened is not None
        assert opened.path.is_relative_to(tmp_path / "c")
    with open_store(cache_dir=tmp_path / "c", no_cache=True, refresh=True, offline=False) as none:
        assert none is None
    assert not (tmp_path / "c").exists()


def test_user_without_a_home_has_no_store_until_a_folder_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WHEELAUDIT_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache/wheelaudit"))
    with open_store(cache_dir=None, no_cache=False, refresh=False, offline=False) as opened:
        assert opened is None
    done = cli("cache", "dir")
    assert (done.code, done.out) == (2, "")
    assert "--cache-dir" in done.err
    assert cli("cache", "dir", "--cache-dir", tmp_path).code == 0


@pytest.mark.parametrize(("no_cache", "refresh"), [(True, False), (False, True), (True, True)])
def test_offline_contradicts_what_needs_an_index(no_cache: bool, refresh: bool) -> None:
    with (
        pytest.raises(UsageError, match="--offline"),
        open_store(cache_dir=None, no_cache=no_cache, refresh=refresh, offline=True),
    ):
        pytest.fail("it was opened")


def test_command_names_every_action() -> None:
    help_text = cache.command.help or ""
    assert all(f"{action} " in help_text for action in ("dir", "info", "prune", "clear"))
    assert store.find_cache_dir(Path("x")) == Path("x")
