from __future__ import annotations

from pathlib import Path

import pytest

from scripts._bench_history import CHANNELS, PROJECTS, fill, measure_night, print_table
from wheelaudit.history.store import History


def test_history_of_the_bench_holds_its_nights_and_measuring_leaves_it_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "2.sqlite3"
    fill(path, 2)
    cost = measure_night(path, 2)
    with History.open(path, create=False) as history:
        info = history.read_info()
    assert (info.nights, info.streams) == (2, len(PROJECTS) * len(CHANNELS))
    assert info.releases == 2 * info.streams
    print_table({2: path}, {2: [cost]})
    assert "| 2 | " in capsys.readouterr().out
