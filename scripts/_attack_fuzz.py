"""Fuzz every parser: ``python -m scripts._attack_fuzz [--target NAME ...] [--inputs N] [--seed S] [--seconds T]``.

For each target (`_attack_fuzz_ground`, `_index`, `_wire`, `_project`, `_disk`, `_report`) inputs are made
from real pages, metadata, locks and settings, and each is held against what its parser promises:
only typed errors, no hang, no memory blow-up, and the answers of a second implementation or of
the same one fed otherwise. Where ``atheris`` can be imported it makes the inputs, a process for
each target; else, or with ``--plain``, `_attack_fuzz_engine` does, and the same seed makes the
same inputs. What crashes is written into ``--crashes`` by its place.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts._attack_fuzz_engine import Crash, Fuzzed, Guard, Target, fuzz

ROOMS = ("ground", "index", "wire", "project", "disk", "report")
"""Modules with targets, imported when they are needed: atheris has to see them come."""
INSTRUMENTED = ("wheelaudit", "packaging", "tomllib")
SLACK_SECONDS = 600.0
"""For a process to start, and for a machine that stands still meanwhile; what then has not ended hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What fuzzing one target came to."""

    target: str
    inputs: int
    seconds: float
    crashes: tuple[Crash, ...]

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0.0
        return f"| {self.target} | {self.inputs:,} | {self.seconds:.0f} | {rate:,.0f} | {len(self.crashes)} |"


HEAD = "| target | inputs | seconds | inputs/s | crashes |\n|---|---:|---:|---:|---:|"


def find_targets(names: Sequence[str] = ()) -> tuple[Target, ...]:
    """Return all targets, or those of ``names``. Raises SystemExit for a name that is none."""
    rooms = [importlib.import_module(f"scripts._attack_fuzz_{room}") for room in ROOMS]
    targets: list[Target] = [target for room in rooms for target in room.TARGETS]
    unknown = set(names) - {target.name for target in targets}
    if unknown:
        raise SystemExit(f"no target {', '.join(sorted(unknown))}: {', '.join(target.name for target in targets)}")
    return tuple(target for target in targets if not names or target.name in names)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", action="append", default=[], metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--inputs", type=int, default=10**9, help="at most, of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0, help="of all targets together")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--crashes", type=Path, help="a folder for the inputs that crash")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser


def run(arguments: Sequence[str] = ()) -> list[Row]:
    """Fuzz as the command line says; one row for each target, told on stderr as soon as it is there."""
    options = build_parser().parse_args(arguments)
    guided = not options.plain and importlib.util.find_spec("atheris") is not None
    targets = find_targets(options.target)
    total = sum(target.share for target in targets)
    rows: list[Row] = []
    for target in targets:
        seconds = options.seconds * target.share / total
        with tempfile.TemporaryDirectory(prefix="wheelaudit-fuzz-") as scratch:
            fuzzed = (
                _fuzz_guided(target, Path(scratch), options, seconds)
                if guided
                else fuzz(target, Path(scratch), inputs=options.inputs, seed=options.seed, seconds=seconds)
            )
        rows.append(Row(target=target.name, inputs=fuzzed.inputs, seconds=fuzzed.seconds, crashes=fuzzed.crashes))
        print(rows[-1], file=sys.stderr, flush=True)
        _keep_crashes(options.crashes, rows[-1])
    return rows


def _keep_crashes(folder: Path | None, row: Row) -> None:
    for crash in row.crashes:
        print(f"    {crash.place}: {crash.data[:200]!r}", file=sys.stderr, flush=True)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{row.target}-{hashlib.sha256(crash.place.encode()).hexdigest()[:8]}"
            (folder / name).write_bytes(crash.data)
            (folder / f"{name}.txt").write_text(crash.told, encoding="utf-8", errors="backslashreplace")


def _fuzz_guided(target: Target, scratch: Path, options: argparse.Namespace, seconds: float) -> Fuzzed:
    """Run a target under atheris, which ends its process when it is done."""
    result = scratch / "result.json"
    command = [sys.executable, "-m", "scripts._attack_fuzz", "--target", target.name, "--child", str(result)]
    command += ["--inputs", str(options.inputs), "--seed", str(options.seed), "--seconds", str(seconds)]
    with (scratch / "log").open("wb") as log:
        try:
            subprocess.run(command, stdout=log, stderr=log, timeout=seconds + SLACK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            log.write(b"\nit did not end\n")
    told = (scratch / "log").read_text(encoding="utf-8", errors="replace")
    if not result.exists():
        return Fuzzed(inputs=0, seconds=0.0, crashes=(Crash(place="no result", told=told[-2000:], data=b""),))
    found = json.loads(result.read_text(encoding="utf-8"))
    crashes = [Crash(place=each[0], told=each[1], data=bytes.fromhex(each[2])) for each in found["crashes"]]
    if not found["ended"] and "DONE" not in told and "Done" not in told:
        crashes.append(Crash(place="the process died", told=told[-2000:], data=b""))
    return Fuzzed(inputs=found["inputs"], seconds=found["seconds"], crashes=tuple(crashes))


def _run_child(options: argparse.Namespace) -> None:
    """Fuzz one target in this process until libFuzzer ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        (target,) = find_targets(options.target)
    folder = options.child.parent / "files"
    corpus = options.child.parent / "corpus"
    for each in (folder, corpus):
        each.mkdir()
    for number, seed in enumerate(target.seeds()):
        (corpus / f"{number:05}").write_bytes(seed[: target.longest])
    words = options.child.parent / "words"
    words.write_text("".join(f'"{_spell(word)}"\n' for word in target.tokens), encoding="ascii")
    guard = Guard(target.prepare(folder))
    told = _Told(options.child, guard, options.inputs)
    limits = [f"-runs={options.inputs}", f"-seed={options.seed + 1}", f"-max_total_time={max(1, int(options.seconds))}"]
    limits += [f"-max_len={target.longest}", "-timeout=300", "-rss_limit_mb=4096", "-len_control=20"]
    limits += [f"-dict={words}"] if target.tokens else []
    # What hears no alarm is shown by where it stands.
    faulthandler.dump_traceback_later(options.seconds + SLACK_SECONDS / 2, exit=True)
    with ExitStack() as stack:
        stack.enter_context(guard.armed())
        atheris.Setup([sys.argv[0], *limits, str(corpus)], told.run, enable_python_coverage=True)
        atheris.Fuzz()


def _spell(word: str) -> str:
    """Spell a word of a dictionary as libFuzzer reads it."""
    return "".join(f"\\x{byte:02X}" for byte in word.encode())


class _Told:
    """Writes down how far a run is, as nothing runs after libFuzzer's end."""

    def __init__(self, path: Path, guard: Guard, inputs: int) -> None:
        self._path = path
        self._guard = guard
        self._inputs = inputs
        self._started = self._written = time.monotonic()
        self._known = 0

    def run(self, data: bytes) -> None:
        self._guard.run(data)
        now = time.monotonic()
        known = len(self._guard.crashes)
        if now - self._written > 0.5 or known != self._known or self._guard.count >= self._inputs:
            self._written, self._known = now, known
            self._write(now - self._started)

    def _write(self, seconds: float) -> None:
        crashes = [(each.place, each.told, each.data.hex()) for each in self._guard.crashes]
        ended = self._guard.count >= self._inputs
        found = {"inputs": self._guard.count, "seconds": seconds, "crashes": crashes, "ended": ended}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(found), encoding="utf-8")
        os.replace(new, self._path)


def main() -> None:
    options = build_parser().parse_args()
    if options.child is not None:
        _run_child(options)
        return
    rows = run(sys.argv[1:])
    print(HEAD, *rows, sep="\n")
    print(f"\n{sum(row.inputs for row in rows):,} inputs, {sum(len(row.crashes) for row in rows)} crashes")
    sys.exit(1 if any(row.crashes for row in rows) else 0)


if __name__ == "__main__":
    main()
