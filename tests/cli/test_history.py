from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.history.recorded import (
    build_event,
    build_finding,
    build_open,
    build_snapshot,
    night_of,
    stream_of,
    version_of,
)
from wheelaudit.cli.history import command
from wheelaudit.history.lines import export_lines
from wheelaudit.history.store import History
from wheelaudit.history.values import Stream


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two nights of two streams; the first tells of one what stays open."""
    path = tmp_path / "history.sqlite3"
    broken, other = stream_of(0), stream_of(1, index="nightly/cpu")
    told = build_event("WA501", 0, message="It is newly inconsistent \x1b[31m.")
    with History.open(path, create=True) as history:
        for number in range(2):
            with history.begin_night() as night:
                snapshot = build_snapshot(number, verdict="inconsistent", findings=(build_finding(),))
                night.record(snapshot, events=[told] if number == 0 else [], still_open=[build_open(told)])
                night.record(build_snapshot(number, stream=other, version=version_of(0)))
    assert broken < other
    monkeypatch.setenv("WHEELAUDIT_HISTORY", str(path))
    return path


def test_list_names_streams_with_their_last_night(cli: Cli, path: Path) -> None:
    done = cli("history", "list")
    assert (done.code, done.err) == (0, "")
    first, second, last = done.out.splitlines()
    assert first.split() == [
        *("thing-0+cu126", "on", "nightly/cu126", str(version_of(1))),
        *("inconsistent", "2025-01-02", "1", "open"),
    ]
    assert second.split() == [
        *("thing-1+cu126", "on", "nightly/cpu", str(version_of(0)), "consistent", "2025-01-02"),
    ]
    assert last.startswith("2 nights, 2 streams, 3 builds, ")
    assert last.endswith(str(path))


def test_show_is_of_the_last_night_and_tells_what_is_open(cli: Cli, path: Path) -> None:
    done = cli("history", "show")
    assert (done.code, done.err) == (0, "")
    text = " ".join(done.out.split())
    assert text.startswith(
        "Night of 2025-01-02 thing-0+cu126 on nightly/cu126: 2.7.0.dev20250102+cu126 is inconsistent"
    )
    assert "WA101 says: They differ." in text
    assert r"WA501 open since 2025-01-01, 2.7.0.dev20250101+cu126: It is newly inconsistent \x1b[31m." in text
    assert "thing-1+cu126 on nightly/cpu: 2.7.0.dev20250101+cu126 is consistent (6 wheels)" in text


def test_show_is_of_the_night_project_and_index_that_are_named(cli: Cli, path: Path) -> None:
    done = cli("history", "show", "Thing.0", "--night", "2025-01-01", "--index", "nightly/cu126")
    assert "WA501 told: " in done.out
    assert "thing-1" not in done.out
    assert "thing-0" not in cli("history", "show", "--index", "nightly/cpu").out


def test_show_as_json_has_all_that_is_kept(cli: Cli, path: Path) -> None:
    document = json.loads(cli("history", "show", "--night", "2025-01-01", "--format", "json").out)
    with History.open(path, create=False) as history:
        lines = [json.loads(line) for line in export_lines(history)]
    assert (document["schema"], document["night"]) == (1, "2025-01-01")
    assert [{"schema": 1, **record} for record in document["records"]] == lines[:2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nothing"), "Nothing is remembered of nothing on the night 2025-01-02"),
        (("show", "--index", "cpu"), "Nothing is remembered of on cpu"),
        (("show", "--night", "2024-01-01"), "from 2025-01-01 to 2025-01-02"),
        (("show", "--night", "yesterday"), '"yesterday" is not a date'),
        (("list", "--history", "missing"), "There is no history at missing"),
        (("import", "missing"), "missing cannot be read"),
        (("export", "-o", "missing/export.jsonl"), "cannot be written"),
        (("everything",), "No such command"),
        ((), "Missing command"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_2(
    cli: Cli, path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = cli("history", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.startswith("error: ")
    assert "hint: " in done.err


def test_history_without_a_night_has_nothing_to_show(cli: Cli, tmp_path: Path) -> None:
    History.open(tmp_path / "empty", create=True).close()
    done = cli("history", "show", "--history", tmp_path / "empty")
    assert (done.code, done.out) == (2, "")
    assert "remembers no night yet" in done.err
    assert cli("history", "list", "--history", tmp_path / "empty").out.startswith("0 nights, 0 streams, 0 builds")


def test_export_imported_elsewhere_is_the_same_again(cli: Cli, path: Path, tmp_path: Path) -> None:
    export, again = tmp_path / "export.jsonl", tmp_path / "again.jsonl"
    done = cli("history", "export", "-o", export)
    assert (done.code, done.out, done.err) == (0, "", "")
    other = ("--history", tmp_path / "other" / "history.sqlite3")
    assert cli("history", "import", export, *other).out == "imported 4 lines\n"
    assert cli("history", "import", export, *other).out == "imported 0 lines; 4 lines there already\n"
    assert cli("history", "export", "-o", again, *other).code == 0
    assert again.read_bytes() == export.read_bytes()
    assert len(export.read_bytes().splitlines()) == 4
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".tmp")] == []


def test_line_that_cannot_be_imported_is_told_with_file_and_number(cli: Cli, path: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("\n{}\n")
    done = cli("history", "import", tmp_path / "bad.jsonl")
    assert (done.code, done.out) == (2, "")
    assert f"Line 2 of {tmp_path / 'bad.jsonl'} cannot be imported" in done.err


@pytest.mark.skipif(os.name != "posix", reason="modes say little on Windows; the profile's access list does it there")
def test_export_is_private_unless_the_file_was_not(cli: Cli, path: Path, tmp_path: Path) -> None:
    export = tmp_path / "export.jsonl"
    cli("history", "export", "-o", export)
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    export.chmod(0o644)
    cli("history", "export", "-o", export)
    assert stat.S_IMODE(export.stat().st_mode) == 0o644


def test_export_that_fails_midway_leaves_the_file_as_it_was(cli: Cli, path: Path, tmp_path: Path) -> None:
    import sqlite3

    export = tmp_path / "export.jsonl"
    export.write_text("as it was")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE snapshots SET seal = x'00' WHERE night = ?", (night_of(1).toordinal(),))
    connection.commit()
    connection.close()
    done = cli("history", "export", "-o", export)
    assert done.code == 2
    assert "is damaged" in done.err
    assert export.read_text() == "as it was"
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".tmp")] == []


def test_export_goes_through_a_pipe_and_back(path: Path, tmp_path: Path) -> None:
    wheelaudit = [sys.executable, "-m", "wheelaudit", "history"]
    exported = subprocess.run([*wheelaudit, "export"], capture_output=True, check=True).stdout
    other = ["--history", str(tmp_path / "other")]
    done = subprocess.run([*wheelaudit, "import", "-", *other], input=exported, capture_output=True, check=True)
    assert done.stdout.split() == [b"imported", b"4", b"lines"]
    with History.open(tmp_path / "other", create=False) as history:
        assert b"".join(export_lines(history)) == exported


def test_foreign_text_is_escaped_on_a_terminal(cli: Cli, tmp_path: Path) -> None:
    stream = Stream(project=stream_of().project, index="\x1b[31mred\u202e", label="")
    with History.open(tmp_path / "hostile", create=True) as history, history.begin_night() as night:
        night.record(build_snapshot(0, stream=stream, findings=(build_finding("\x1b]0;x\x07\r\n::error::x"),)))
    for action in ("list", "show"):
        out = cli("history", action, "--history", tmp_path / "hostile").out
        assert "\x1b" not in out
        assert "\r" not in out
        assert "\u202e" not in out
        assert not [line for line in out.splitlines() if line.startswith("::")]


def test_every_command_has_a_help(cli: Cli) -> None:
    for name in ("list", "show", "export", "import"):
        done = cli("history", name, "--help")
        assert (done.code, done.err) == (0, "")
        assert "--history FILE" in done.out
        assert name in cli("history", "--help").out
    assert (command.help or "").startswith("Look into")
