"""Issues follow the files, told by a stand-in for gh: a program of its own, which keeps what it was given."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import _sync_issues
from scripts._sync_issues import LABEL, MOST_NEW, CannotError, find_key, parse_pages, parse_wanted, read_folder, sync
from tests.report.hostile import hostile_text
from tests.report.nights import build_hostile_night
from wheelaudit.cli.issues import write_issues

STANDIN = Path(__file__).with_name("gh_standin.py")
SCRIPT = Path(__file__).parents[2] / "scripts" / "sync-issues"
KEY = "0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """A repository, and a night's folder beside it."""

    state: Path
    folder: Path

    @property
    def gh(self) -> tuple[str, ...]:
        return sys.executable, str(STANDIN), str(self.state)

    @property
    def issues(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._read()["issues"]
        return found

    def calls(self) -> list[str]:
        """Commands since the last time."""
        state = self._read()
        self.change(calls=[])
        return [" ".join(call[:2]) for call in state["calls"]]

    def change(self, **fields: Any) -> None:
        self.state.write_text(json.dumps({**self._read(), **fields}), encoding="utf-8")

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.state.read_text(encoding="utf-8"))
        return state

    def night(self, state: str, *, key: str = KEY, title: str = "torch is broken", said: str = "It is.") -> None:
        """Write a file, and bring the issues in line."""
        self.write(state, key=key, title=title, said=said)
        sync(self.folder, gh=self.gh, dry_run=False)

    def write(self, state: str, *, key: str = KEY, title: str = "torch is broken", said: str = "It is.") -> None:
        body = f"<!-- wheelaudit:{key} -->\n\n{said}\n"
        document = {"key": key, "state": state, "title": title, "body": body}
        # As the artifacts of several watches lie beside each other.
        path = self.folder / "night-cuda" / "issues" / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    state = tmp_path / "state.json"
    state.write_text('{"issues": [], "calls": []}', encoding="utf-8")
    folder = tmp_path / "nights"
    folder.mkdir()
    return Tracker(state=state, folder=folder)


def test_issue_is_opened_kept_up_to_date_and_closed(tracker: Tracker) -> None:
    tracker.night("open", said="First told.")
    (issue,) = tracker.issues
    assert (issue["title"], issue["state"], issue["labels"]) == ("torch is broken", "open", [LABEL])
    assert issue["body"] == f"<!-- wheelaudit:{KEY} -->\n\nFirst told.\n"
    assert tracker.calls() == ["api --paginate", "label create", "issue create"]

    tracker.night("open", said="Still so.")
    (issue,) = tracker.issues
    assert issue["body"].endswith("Still so.\n")
    assert tracker.calls() == ["api --paginate", "issue edit"]

    tracker.night("closed", said="Over.")
    (issue,) = tracker.issues
    assert (issue["state"], issue["body"].endswith("Over.\n")) == ("closed", True)
    assert tracker.calls() == ["api --paginate", "issue edit", "issue close"]


@pytest.mark.parametrize("state", ["open", "closed"])
def test_second_run_changes_nothing(tracker: Tracker, state: str) -> None:
    tracker.night("open")
    tracker.night(state)
    before = tracker.issues
    tracker.calls()
    tracker.night(state)
    assert tracker.calls() == ["api --paginate"]
    assert tracker.issues == before


def test_what_comes_back_opens_its_own_issue_again(tracker: Tracker) -> None:
    for state in ("open", "closed", "open"):
        tracker.night(state)
    (issue,) = tracker.issues
    assert issue["state"] == "open"


def test_issue_that_somebody_closed_as_not_planned_stays_closed(tracker: Tracker) -> None:
    tracker.night("open")
    tracker.change(issues=[{**tracker.issues[0], "state": "closed", "state_reason": "not_planned"}])
    tracker.night("open", said="Still so.")
    (issue,) = tracker.issues
    assert (issue["state"], issue["body"].endswith("It is.\n")) == ("closed", True)


def test_what_has_no_file_is_left_alone(tracker: Tracker) -> None:
    tracker.night("open")
    (tracker.folder / "night-cuda" / "issues" / f"{KEY}.json").unlink()
    sync(tracker.folder, gh=tracker.gh, dry_run=False)
    assert [issue["state"] for issue in tracker.issues] == ["open"]


def test_end_of_what_nobody_was_told_opens_nothing(tracker: Tracker) -> None:
    tracker.night("closed")
    assert tracker.issues == []


def test_many_issues_are_found_again_on_every_page(tracker: Tracker) -> None:
    keys = [f"{number:016x}" for number in range(5)]
    for key in keys:
        tracker.write("open", key=key)
    sync(tracker.folder, gh=tracker.gh, dry_run=False)
    sync(tracker.folder, gh=tracker.gh, dry_run=False)
    assert [find_key(issue["body"]) for issue in tracker.issues] == keys


def test_outage_opens_no_more_than_is_read_and_the_rest_the_next_night(
    tracker: Tracker, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(MOST_NEW + 3):
        tracker.write("open", key=f"{number:016x}")
    sync(tracker.folder, gh=tracker.gh, dry_run=False)
    assert len(tracker.issues) == MOST_NEW
    assert "3 more put off" in capsys.readouterr().out
    sync(tracker.folder, gh=tracker.gh, dry_run=False)
    assert len(tracker.issues) == MOST_NEW + 3


def test_dry_run_says_what_it_would_do_and_does_not(tracker: Tracker, capsys: pytest.CaptureFixture[str]) -> None:
    tracker.write("open")
    sync(tracker.folder, gh=tracker.gh, dry_run=True)
    assert f"would open an issue for {KEY}" in capsys.readouterr().out
    assert tracker.calls() == ["api --paginate"]


def test_issue_of_another_without_our_label_is_not_ours(tracker: Tracker) -> None:
    body = f"<!-- wheelaudit:{KEY} -->\n\nClose me.\n"
    others = {"number": 1, "state": "open", "state_reason": None, "title": "x", "body": body, "labels": ["bug"]}
    tracker.change(issues=[others])
    tracker.night("closed")
    assert tracker.issues == [others]


def test_pull_request_and_quoted_marker_are_not_ours(tracker: Tracker) -> None:
    common = {"state": "open", "state_reason": None, "title": "x", "labels": [LABEL]}
    marker = f"<!-- wheelaudit:{KEY} -->"
    others = [
        {**common, "number": 1, "body": marker, "pull_request": {}},
        {**common, "number": 2, "body": f"It says {marker}"},
        {**common, "number": 3, "body": None},
    ]
    tracker.change(issues=others)
    tracker.night("closed")
    assert tracker.issues == others


def test_line_ends_of_a_browser_are_no_difference(tracker: Tracker) -> None:
    tracker.night("open", said="One.\nTwo.")
    (issue,) = tracker.issues
    tracker.change(issues=[{**issue, "body": issue["body"].strip().replace("\n", "\r\n")}])
    tracker.calls()
    tracker.night("open", said="One.\nTwo.")
    assert tracker.calls() == ["api --paginate"]


@pytest.mark.parametrize("title", ["--repo=other/one", "$(touch x); `id` & | < > \"'", "-F evil", "%PATH% ^ !"])
def test_foreign_text_reaches_gh_as_text(tracker: Tracker, title: str) -> None:
    said = f"{title}\n::error::no\n--body-file=/etc/passwd"
    tracker.night("open", title=title, said=said)
    tracker.night("open", title=title, said=said)
    (issue,) = tracker.issues
    assert issue["title"] == title
    assert issue["body"] == f"<!-- wheelaudit:{KEY} -->\n\n{said}\n"


@pytest.mark.parametrize("command", ["api --paginate", "label create", "issue create"])
def test_what_fails_ends_the_run_and_is_done_the_next_time(tracker: Tracker, command: str) -> None:
    tracker.change(fail=command)
    with pytest.raises(CannotError, match=f"`gh {command}` failed with 1") as caught:
        tracker.night("open")
    assert caught.value.message.isprintable(), "a terminal's escapes are shown as text"
    assert tracker.issues == []
    tracker.change(fail=None)
    tracker.night("open")
    assert len(tracker.issues) == 1


@pytest.mark.parametrize(
    "answer", ["", "{}", "[1]", '[{"number": 1}]', "not json", '[{"state": "open", "number": []}]']
)
def test_answer_that_is_no_list_is_never_taken_for_an_empty_one(tracker: Tracker, answer: str) -> None:
    tracker.write("open")
    gh = (sys.executable, "-c", "import sys; print(sys.argv[1], end='')", answer)
    with pytest.raises(CannotError, match="no list of issues"):
        sync(tracker.folder, gh=gh, dry_run=False)


def test_missing_program_is_said(tracker: Tracker, tmp_path: Path) -> None:
    tracker.write("open")
    with pytest.raises(CannotError, match="There is no program"):
        sync(tracker.folder, gh=(str(tmp_path / "none"),), dry_run=False)


GOOD = {"key": KEY, "state": "open", "title": "x", "body": f"<!-- wheelaudit:{KEY} -->\n"}


@pytest.mark.parametrize(
    "change",
    [
        {"key": "f" * 16},
        {"state": "reopened"},
        {"state": ["open"]},
        {"title": ""},
        {"title": "two\nlines"},
        {"title": "x" * 257},
        {"title": None},
        {"body": "no marker"},
        {"body": f"<!-- wheelaudit:{'f' * 16} -->"},
        {"body": f"<!-- wheelaudit:{KEY} -->{'x' * 65_536}"},
        {"body": f"<!-- wheelaudit:{KEY} -->\0"},
        {"body": f"<!-- wheelaudit:{KEY} -->\ud800"},
    ],
)
def test_file_that_wheelaudit_did_not_write_stops_all_of_them(tracker: Tracker, change: dict[str, object]) -> None:
    tracker.write("open", key="0" * 16)
    (tracker.folder / f"{KEY}.json").write_text(json.dumps({**GOOD, **change}), encoding="utf-8")
    with pytest.raises(CannotError, match="is not an issue that wheelaudit wrote"):
        sync(tracker.folder, gh=tracker.gh, dry_run=False)
    assert tracker.calls() == []


def test_good_document_is_read() -> None:
    assert parse_wanted(GOOD, key=KEY).title == "x"


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 500_000, b" " * 1_000_001, b"[]", b"null"])
def test_file_that_is_no_document_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / f"{KEY}.json").write_bytes(data)
    with pytest.raises(CannotError):
        read_folder(tmp_path)


def test_folder_that_is_not_there_is_no_quiet_night(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match="There is no folder"):
        read_folder(tmp_path / "none")


def test_other_files_are_no_issues(tmp_path: Path) -> None:
    for name in ("report.json", "history.jsonl", "KEY.json", "0123.json", f"{KEY}.json.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert read_folder(tmp_path) == ()


@given(hostile_text)
def test_what_the_night_writes_is_read_whatever_an_index_says(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_issues(build_hostile_night(text), Path(folder))
        assert {each.state for each in read_folder(Path(folder))} == {"open"}


@given(st.text() | st.lists(st.integers() | st.none()).map(json.dumps))
def test_pages_are_lists_or_a_value_error(text: str) -> None:
    try:
        entries = parse_pages(text)
    except ValueError:
        return
    assert isinstance(entries, list)


@given(st.dictionaries(st.sampled_from([*GOOD]), st.text() | st.none() | st.integers()))
def test_any_document_is_an_issue_of_its_key_or_a_value_error(change: dict[str, object]) -> None:
    try:
        wanted = parse_wanted({**GOOD, **change}, key=KEY)
    except ValueError:
        return
    assert wanted.key == find_key(wanted.body) == KEY


def test_script_runs_by_itself(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, tmp_path, "--dry-run"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing to do\n", "")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path / "no"], capture_output=True, text=True, check=False)
    assert done.returncode == _sync_issues.CANNOT
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
