"""A short part of scripts/attack: real runs of the command line, each with its own limits of time and memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import _attack_sizes_files, _attack_sizes_release, _attack_sizes_wire, _attack_sizes_zip
from scripts._attack import render_row
from scripts._attack_run import Row, build_environ, run_child
from scripts._attack_sizes import Attack, Place, do_attack

SHORT = (
    "page without end",
    "page, gzip bomb",
    ".metadata without end",
    "wheel, METADATA packed 1:1000, lying",
    "wheel, directory of 4 GB",
    "wheel, overlapping members",
    "requirement of 10,000 marker terms",
    "version of 10,000 digits",
    "tags that come to 64,000",
    "Python, kernel and machine multiplied",
    "uv.lock, a key of 200,000 parts",
    "pyproject.toml, 50,000 inline tables deep",
)
ATTACKS = {
    attack.name: attack
    for part in (_attack_sizes_wire, _attack_sizes_zip, _attack_sizes_release, _attack_sizes_files)
    for attack in part.ATTACKS
}


@pytest.mark.parametrize("name", SHORT)
def test_attack_comes_to_what_it_should(name: str, tmp_path: Path) -> None:
    row = do_attack(ATTACKS[name], tmp_path)
    assert row.held, row.outcome


def test_attack_that_comes_to_something_else_is_told(tmp_path: Path) -> None:
    def build(place: Place) -> None:
        place.list_wheels([])

    row = do_attack(Attack(name="none", tried="a page without wheels", build=build, code=0), tmp_path)
    assert not row.held
    assert row.outcome.startswith("exit 2 in the place of 0")
    assert "**GAVE**" in render_row(row)


def test_child_that_hangs_is_killed(tmp_path: Path) -> None:
    ran = run_child(
        [sys.executable, "-c", "import time; time.sleep(600)"], build_environ(tmp_path), limit=1.0, cwd=tmp_path
    )
    assert ran.code != 0


def test_row_is_one_line_of_a_table_whatever_is_said() -> None:
    line = render_row(Row(attack="a|b", tried="c\nd", outcome="e", memory=12.3, seconds=4.56))
    assert line == "| a\\|b | c d | e | 12 MB | 4.6 s |"


def test_every_attack_has_a_name_of_its_own() -> None:
    parts = (_attack_sizes_wire, _attack_sizes_zip, _attack_sizes_release, _attack_sizes_files)
    assert len(ATTACKS) == sum(len(part.ATTACKS) for part in parts)
