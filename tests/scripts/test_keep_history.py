"""What git remembers of nights, against a real git and a repository on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import _keep_history
from scripts._keep_history import CannotError, check, fetch, find_night, push
from tests.history.recorded import build_record
from tests.history.test_lines import build_history, export
from wheelaudit.history.lines import MAX_LINE_BYTES

SCRIPT = Path(__file__).parents[2] / "scripts" / "keep-history"
NAME = "night-cuda"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A checkout, and the repository that it was made from."""

    remote: Path
    work: Path

    def night(self, *lines: bytes, name: str = NAME) -> str:
        """Push an export."""
        path = self.work / "nights" / name / "history.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(lines))
        return push(self.work / "nights")

    def read(self, name: str = NAME) -> bytes | None:
        """Fetch the export again."""
        path = self.work / "kept.jsonl"
        path.unlink(missing_ok=True)
        fetch(name, path)
        return path.read_bytes() if path.exists() else None

    def git(self, *arguments: str) -> str:
        """Ask the remote."""
        done = subprocess.run(["git", *arguments], cwd=self.remote, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def count(self) -> int:
        return int(self.git("rev-list", "--count", "history"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    for name in [*os.environ]:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    subprocess.run(["git", "init", "--quiet", str(work)], check=True)
    monkeypatch.chdir(work)
    # A URL, as it is on a network: of a path git takes no part of a history.
    subprocess.run(["git", "remote", "add", "origin", remote.as_uri()], check=True)
    return Kept(remote=remote, work=work)


def line(night: str, said: str = "x") -> bytes:
    return json.dumps({"schema": 1, "said": said, "night": night, "events": [{"night": "2001-01-01"}]}).encode() + b"\n"


def test_first_night_has_no_history_and_is_remembered(kept: Kept) -> None:
    assert kept.read() is None
    kept.night(line("2026-11-20"))
    assert kept.read() == line("2026-11-20")


def test_nights_come_back_as_they_were_oldest_first(kept: Kept) -> None:
    nights = [line("2026-11-19", "a\\u2028"), line("2026-11-19", "b"), line("2026-11-20")]
    kept.night(*nights[:2])
    kept.night(*nights)
    assert kept.read() == b"".join(nights)
    assert kept.count() == 2


def test_new_night_is_a_file_of_its_own(kept: Kept) -> None:
    kept.night(line("2026-11-19"))
    kept.night(line("2026-11-19"), line("2026-11-20"))
    assert kept.git("diff", "--name-status", "history~", "history") == f"A\t{NAME}/2026-11-20.jsonl"


def test_branch_has_nothing_of_the_program(kept: Kept) -> None:
    Path("README.md").write_text("x", encoding="utf-8")
    kept.night(line("2026-11-20"))
    assert kept.git("ls-tree", "-r", "--name-only", "history") == f"{NAME}/2026-11-20.jsonl"
    assert kept.git("for-each-ref", "--format=%(refname)") == "refs/heads/history"


def test_same_night_again_adds_no_commit(kept: Kept) -> None:
    kept.night(line("2026-11-20"))
    assert kept.night(line("2026-11-20")) == "nothing new to remember"
    assert kept.count() == 1


def test_night_that_is_forgotten_leaves_the_folder_but_not_git(kept: Kept) -> None:
    kept.night(line("2026-11-19"), line("2026-11-20"))
    kept.night(line("2026-11-20"))
    assert kept.read() == line("2026-11-20")
    assert kept.git("show", f"history~:{NAME}/2026-11-19.jsonl") == line("2026-11-19").decode().strip()


def test_watch_without_an_export_keeps_its_nights(kept: Kept) -> None:
    kept.night(line("2026-11-19", "cpu"), name="night-cpu")
    shutil.rmtree(kept.work / "nights")
    kept.night(line("2026-11-20", "cuda"))
    assert kept.read("night-cpu") == line("2026-11-19", "cpu")
    assert kept.read() == line("2026-11-20", "cuda")
    assert kept.read("night") is None


def test_bytes_of_a_real_export_survive(kept: Kept, tmp_path: Path) -> None:
    with build_history(tmp_path / "one.sqlite3", build_record(0), build_record(1), build_record(2)) as history:
        data = export(history)
    kept.night(data)
    assert kept.read() == data
    assert kept.git("ls-tree", "-r", "--name-only", "history").count("\n") == 2


def test_line_ends_are_not_touched(kept: Kept) -> None:
    subprocess.run(["git", "config", "core.autocrlf", "true"], check=True)
    kept.night(line("2026-11-20", "a\\r"))
    assert kept.read() == line("2026-11-20", "a\\r")


def test_remote_that_cannot_be_asked_is_no_first_night(kept: Kept) -> None:
    kept.night(line("2026-11-20"))
    kept.remote.rename(kept.remote.with_name("gone"))
    with pytest.raises(CannotError, match="`git ls-remote` failed"):
        kept.read()
    with pytest.raises(CannotError, match="`git ls-remote` failed"):
        kept.night(line("2026-11-21"))


def test_password_of_a_remote_is_not_told() -> None:
    words = b"fatal: unable to access 'https://me:hunter2@git.example/x.git/': \x1b[31mno"
    done = subprocess.CompletedProcess(args=[], returncode=128, stdout=b"", stderr=words)
    with pytest.raises(CannotError, match="failed with 128") as caught:
        check(done, "fetch")
    assert "hunter2" not in caught.value.message
    assert "https://git.example/x.git/" in caught.value.message
    assert caught.value.message.isprintable()


def test_of_two_that_push_the_second_is_refused(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.night(line("2026-11-19"))
    before = _keep_history.fetch_branch()
    kept.night(line("2026-11-19"), line("2026-11-20", "first"))
    # As if both had fetched before either pushed.
    monkeypatch.setattr(_keep_history, "fetch_branch", lambda: before)
    with pytest.raises(CannotError, match="`git push` failed"):
        kept.night(line("2026-11-19"), line("2026-11-20", "second"))
    monkeypatch.undo()
    assert "first" in kept.git("show", f"history:{NAME}/2026-11-20.jsonl")


@pytest.mark.parametrize(
    "data",
    [
        b"not json\n",
        b"[]\n",
        b"{}\n",
        b'{"night": null}\n',
        b'{"night": "../../x"}\n',
        b'{"night": "2026-11-20/x"}\n',
        b'{"night": "2026-11-20"}',
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_no_export_is_not_pushed(kept: Kept, data: bytes) -> None:
    with pytest.raises(CannotError, match=r"Line 2 of .* is not of a night"):
        kept.night(line("2026-11-19"), data)
    assert kept.git("for-each-ref") == ""


def test_nothing_to_push_is_said(kept: Kept) -> None:
    with pytest.raises(CannotError, match=r"has no \*/history\.jsonl"):
        push(kept.work)


@pytest.mark.parametrize("name", ["..", "-x", "a/b", "", "A", ".git", "a" * 65, "é"])
def test_name_that_is_no_folder_is_refused(kept: Kept, name: str) -> None:
    with pytest.raises(CannotError, match="is not the name of a watch"):
        fetch(name, kept.work / "kept.jsonl")


@given(st.dates())
def test_night_is_found_wherever_its_key_stands(night: object) -> None:
    assert find_night(json.dumps({"z": {"night": "x"}, "night": str(night)}).encode() + b"\n") == str(night)


@given(st.binary())
def test_bytes_are_a_night_or_none(data: bytes) -> None:
    found = find_night(data + b"\n")
    assert found is None or len(found) == 10


def test_longest_line_is_that_of_the_import() -> None:
    assert _keep_history.MOST_LINE == MAX_LINE_BYTES


def test_script_runs_by_itself(kept: Kept) -> None:
    kept.night(line("2026-11-20"))
    command = [sys.executable, str(SCRIPT), "fetch", NAME, "again.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{NAME}: 1 night\n", "")
    assert Path("again.jsonl").read_bytes() == line("2026-11-20")
    done = subprocess.run([sys.executable, str(SCRIPT), "push", "none"], capture_output=True, text=True, check=False)
    assert done.returncode == _keep_history.CANNOT
    assert [each.split(":")[0] for each in done.stderr.splitlines()] == ["error", "hint"]
