"""What is shown while the work goes on: calm, on stderr, and never among the data."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import anyio
import pytest

from tests.cli.indexes import write_wheel
from wheelaudit.cli.progress import build_watcher
from wheelaudit.pipeline import Outcome, Watcher, audit_specs

BAR = re.compile(r"(\S.*?)\s+[━╸╺ ]+\s+(\d+)/(\d+|\?)\s+wheels")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def put_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal; in the test, as pytest has its own stderr put back when a fixture is done."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return terminal


def write_releases(folder: Path, count: int) -> None:
    for number in range(count):
        write_wheel(folder / "demo", "py3-none-any", version=f"{number}.0")


def audit(folder: Path, watcher: Watcher) -> tuple[Outcome, ...]:
    async def run() -> tuple[Outcome, ...]:
        return await audit_specs(["demo", "nothere"], index=["."], cwd=folder, every=True, watcher=watcher, environ={})

    return anyio.run(run)


def test_bar_of_many_releases_is_one_line_that_only_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = put_terminal(monkeypatch)
    write_releases(tmp_path, 120)
    with build_watcher(verbosity=0, bar=True) as watcher:
        audit(tmp_path, watcher)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stderr.getvalue())
    assert "demo==" not in shown
    counts = [(match[1], int(match[2]), match[3]) for match in BAR.finditer(shown)]
    totals = [total for _, _, total in counts if total != "?"]
    assert totals, shown
    assert set(totals) == {"120"}  # all is known when the page is, so the bar never jumps back
    assert [done for _, done, _ in counts] == sorted(done for _, done, _ in counts)
    texts = [text.strip() for text, _, total in counts if total != "?"]
    assert all(re.fullmatch(r"\d+ of 120 releases", text) for text in texts)
    assert texts[-1] == "120 of 120 releases"


def test_nothing_is_shown_without_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    write_releases(tmp_path, 3)
    with build_watcher(verbosity=0, bar=False) as watcher:
        audit(tmp_path, watcher)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("verbosity", "bar"), [(0, False), (0, True), (1, False)])
def test_each_outcome_is_handed_on_as_it_comes_whatever_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verbosity: int, bar: bool
) -> None:
    stderr = put_terminal(monkeypatch)
    write_releases(tmp_path, 3)
    heard: list[Outcome] = []
    with build_watcher(verbosity=verbosity, bar=bar, on_done=heard.append) as watcher:
        outcomes = audit(tmp_path, watcher)
    assert len(heard) == 4
    assert {id(outcome) for outcome in heard} == {id(outcome) for outcome in outcomes}
    assert bool(stderr.getvalue()) == (bar or verbosity > 0)


def test_data_on_stdout_is_not_drawn_into_the_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = put_terminal(monkeypatch)
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    write_releases(tmp_path, 2)
    with build_watcher(verbosity=0, bar=True, on_done=lambda _: print("data")) as watcher:  # noqa: T201
        audit(tmp_path, watcher)
    assert stdout.getvalue() == "data\n" * 3
    assert "data" not in stderr.getvalue()
