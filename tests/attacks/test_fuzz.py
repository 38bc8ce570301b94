"""A short run of scripts/_attack_fuzz.py: the same inputs every time. And the fuzzer itself: it would see a crash."""

from __future__ import annotations

import math
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import _attack_fuzz
from scripts._attack_fuzz import find_targets
from scripts._attack_fuzz_engine import (
    MAX_PEAK_BYTES,
    SAMPLED,
    Guard,
    NewLines,
    Target,
    always,
    cut_anyhow,
    encode,
    fuzz,
    mutate,
)
from wheelaudit.report.text import count_of

SEED = 7
HANG_SECONDS = 120.0
"""Of one input; a slow machine is no hang."""


@pytest.mark.parametrize("target", find_targets(), ids=lambda target: target.name)
def test_no_input_of_a_short_run_breaks_a_promise(target: Target, tmp_path: Path) -> None:
    fuzzed = fuzz(target, tmp_path, inputs=target.short, seed=SEED, seconds=math.inf, hang=HANG_SECONDS)
    assert fuzzed.inputs == target.short
    assert not fuzzed.crashes, "\n".join(f"{crash.data!r}: {crash.told}" for crash in fuzzed.crashes)


def build_target(check: Callable[[bytes], None]) -> Target:
    return Target(name="own", prepare=always(check), seeds=encode("seed", "other"), tokens=("token",), longest=50)


def test_same_seed_makes_the_same_inputs(tmp_path: Path) -> None:
    runs: list[list[bytes]] = []
    for seed in (1, 1, 2):
        runs.append([])
        fuzz(build_target(runs[-1].append), tmp_path, inputs=500, seed=seed, seconds=math.inf)
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][:2] == [b"seed", b"other"]
    assert len(set(runs[0])) > 400
    assert max(map(len, runs[0])) <= 50


def test_crash_is_kept_once_for_each_place_with_its_input(tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        if b"token" in data:
            raise KeyError(data)
        assert b"s" in data

    fuzzed = fuzz(build_target(check), tmp_path, inputs=500, seed=1, seconds=math.inf)
    assert {crash.place.split()[0] for crash in fuzzed.crashes} == {"AssertionError", "KeyError"}
    assert len(fuzzed.crashes) == 2
    assert any(b"token" in crash.data and "KeyError" in crash.told for crash in fuzzed.crashes)


def test_too_deep_a_recursion_is_a_crash(tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        check(data)

    (crash,) = fuzz(build_target(check), tmp_path, inputs=1, seed=1, seconds=math.inf).crashes
    assert crash.place.startswith("RecursionError")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no alarm")
def test_input_that_hangs_is_a_crash() -> None:
    def check(data: bytes) -> None:
        while data:
            pass

    guard = Guard(check, seconds=0.05)
    with guard.armed():
        guard.run(b"for ever")
        guard.run(b"")
    (crash,) = guard.crashes
    assert (crash.data, crash.place.split()[0]) == (b"for ever", "HangError")


def test_input_that_takes_much_memory_is_a_crash() -> None:
    def check(data: bytes) -> None:
        assert len(bytearray(len(data) * 2**20)) >= len(data)

    guard = Guard(check, seconds=HANG_SECONDS)
    for _ in range(SAMPLED - 1):
        guard.run(b"")
    guard.run(bytes(MAX_PEAK_BYTES // 2**20 + 1))
    (crash,) = guard.crashes
    assert crash.place.startswith("BlowUpError")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12")
def test_line_that_runs_for_the_first_time_is_noticed_once() -> None:
    for _ in range(2):
        with NewLines() as lines:
            assert not lines.take()
            assert count_of(1, "wheel") == "1 wheel"
            assert lines.take()
            assert count_of(2, "wheel") == "2 wheels"
            assert not lines.take()


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 4])
def test_pieces_are_the_whole(data: bytes) -> None:
    assert b"".join(cut_anyhow(data)) == data
    assert list(cut_anyhow(data)) == list(cut_anyhow(data))


def test_mutation_stays_within_its_length() -> None:
    chance = random.Random(0)
    mutated = [mutate(chance, [b"", b"abc" * 9], [b"x" * 99], 64) for _ in range(1000)]
    assert max(map(len, mutated)) == 64


def test_unknown_target_is_told_with_those_that_are_known() -> None:
    with pytest.raises(SystemExit, match=r"no target nothing: metadata, .*foreign-reports"):
        find_targets(["nothing"])


def test_run_gives_a_row_for_each_target_and_keeps_what_crashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(data: bytes) -> None:
        assert data != b"seed", "it broke"

    monkeypatch.setattr(_attack_fuzz, "find_targets", lambda names: (build_target(check),))
    (row,) = _attack_fuzz.run(["--plain", "--inputs", "50", "--seconds", "60", "--crashes", str(tmp_path)])
    assert (row.target, row.inputs, len(row.crashes)) == ("own", 50, 1)
    assert "| own | 50 |" in capsys.readouterr().err
    data, told = sorted(tmp_path.iterdir())
    assert data.read_bytes() == b"seed"
    assert "it broke" in told.read_text(encoding="utf-8")
