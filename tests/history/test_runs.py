"""Several runs at once, and runs that are killed: processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.history.recorded import check_whole, night_of, start, stream_of
from wheelaudit.history.store import History

KILLS = 60
PATIENCE = 240
"""Seconds before a process counts as stuck; what it does takes a few."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows neither forks nor kills by signal")
def test_night_of_a_process_that_is_killed_is_whole_or_absent_and_the_next_is_right(tmp_path: Path) -> None:
    process = start(f"kill_again_and_again(Path({str(tmp_path / 'history.sqlite3')!r}), {KILLS}, range(8))")
    out, err = process.communicate(timeout=PATIENCE)
    assert (err, process.returncode) == ("", 0)
    turns, whole = map(int, out.split())
    assert turns == KILLS >= 50
    assert 0 <= whole <= KILLS


def test_processes_that_record_at_once_both_end_and_lose_nothing(tmp_path: Path) -> None:
    path, nights = tmp_path / "history.sqlite3", 12
    calls = [
        f"record_nights(Path({str(path)!r}), range({nights}), range(4))",
        f"record_nights(Path({str(path)!r}), range({nights}), range(4))",
        f"read_nights(Path({str(path)!r}), range(4), {nights - 1})",
    ]
    processes = [start(call) for call in calls]
    try:
        done = [process.communicate(timeout=PATIENCE) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [(err, process.returncode) for (_, err), process in zip(done, processes, strict=True)] == [("", 0)] * 3
    # Both recorded the same: every event was told by one of them, and by one alone.
    assert sum(int(out) for out, _ in done[:2]) == nights * 4
    assert done[2][0] == "done\n"
    assert check_whole(path, range(4)) == nights
    with History.open(path, create=False) as history:
        assert history.find_streams() == tuple(map(stream_of, range(4)))
        assert history.find_nights()[-1] == night_of(nights - 1)
