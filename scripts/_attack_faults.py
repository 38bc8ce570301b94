"""Audit releases over a connection that fails: ``python -m scripts._attack_faults [--audits N] [--seed S]``.

Each audit has a number, and all of it is drawn from that: the release (`_attack_world`), what
goes wrong (`_attack_proxy`), and the command: an audit, in half of them with the metadata
store, a lock, or nights with a history. What is right is known from the release itself. It
has to come out, or "undecided", or an error: never another verdict, nor another override,
nor a traceback, nor silence. What a faulty run leaves behind (store, history) must not
mislead the faultless one after it.

Some faults nothing can show (`_attack_proxy.is_covered`): those audits come on top, and are counted apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from scripts._attack_child import HANG, Child, Done, Run
from scripts._attack_proxy import FAULTS, Fault, FaultyIndex, is_covered, serve
from scripts._attack_run import Row
from scripts._attack_world import Truth, World, build_files, draw_metadata, draw_world, find_truth

Mode = Literal["audit", "store", "lock", "nightly"]
MODES: tuple[Mode, ...] = ("audit", "store", "audit", "store", "audit", "store", "audit", "store", "lock", "nightly")
AUDITS = 500
SEED = 20250601
HANG_SECONDS = 120.0
"""Of one run. The slowest takes some seconds: what is above a minute has lost count of something."""
EXIT_CODES: Mapping[str, int] = {"consistent": 0, "inconsistent": 1, "undecided": 3}
CANNOT = 2
HARD = ("--timeout", "0.5", "--retries", "1", "--no-progress")
"""How a faulty run asks: a server that falls silent costs half a second, twice."""
BEFORE, AFTER = "2.7.0.dev20250114", "2.7.0.dev20250115"
"""The builds of the nights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One audit, drawn from its number."""

    number: int
    mode: Mode
    world: World
    faults: tuple[Fault, ...]
    covered: bool

    def describe(self) -> str:
        told = "; ".join(f"{each.name} x{each.times} at {each.path}" for each in self.faults)
        shown = f"{self.world.hashes}, {self.world.form}{', gzip' if self.world.packed else ''}"
        return f"{self.number}: {self.mode} of {self.world.spec} ({shown}): {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an audit."""

    plan: Plan
    outcome: str
    """``right``, ``right, without override``, ``undecided``, ``error``, or what must not be."""
    wrong: bool
    met: int
    """Answers that a fault has met."""
    seconds: float


def draw_plan(number: int) -> Plan:
    """Draw an audit; the same of the same number."""
    draw = random.Random(f"plan {number}")
    mode = draw.choice(MODES)
    world = draw_world(number)
    if mode == "nightly":
        variants = draw.choice((1, 2, 2, 3))
        world = replace(
            world, project="demo", version=AFTER, metadata=draw_metadata(draw, "demo", AFTER, variants=variants)
        )
    faults = _draw_faults(draw, world)
    kinds = {path: payload.kind for path, payload in build_files([world]).items()}
    covered = all(is_covered(fault, world, kinds[fault.path]) for fault in faults)
    return Plan(number=number, mode=mode, world=world, faults=faults, covered=covered)


def _draw_faults(draw: random.Random, world: World) -> tuple[Fault, ...]:
    faults = [_draw_fault(draw, world) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
    for fault in tuple(faults):
        if fault.path.endswith(".metadata") and draw.random() < 0.5:
            # The wheel too, or most that goes wrong is made up for.
            wheel = fault.path.removesuffix(".metadata")
            name, other = draw.choice([*FAULTS]), fault.other.removesuffix(".metadata")
            faults.append(Fault(name=name, path=wheel, times=99, seed=draw.randrange(2**32), other=other))
    return tuple(faults)


def _draw_fault(draw: random.Random, world: World) -> Fault:
    files = build_files([world])
    name = draw.choice([*FAULTS])
    pages = [] if name == "404 of a file" else [world.page_path]
    # What is asked for: the page, of each METADATA one `.metadata`, and wheels where there is none.
    first = {data: path for path, data in reversed([(path, each.body) for path, each in files.items()])}
    asked = [path for path in files if path.endswith(".metadata")]
    if world.hashes == "sha256":
        asked = [path for path in asked if first[files[path].body] == path]
    wheels = [path for path in files if path.endswith(".whl")]
    path = draw.choice([*pages, *draw.sample(asked or wheels, 2 if len(asked or wheels) > 1 else 1)])
    others = [each for each in files if each != path and files[each].kind == files[path].kind] or [*files]
    other = draw.choice(others if draw.random() < 0.8 else [*files])
    times = draw.choice((1, 1, 2, 99))
    return Fault(name=name, path=path, times=times, seed=draw.randrange(2**32), other=other)


def attack(plan: Plan, run: Run, folder: Path) -> Result:
    """Carry out an audit in ``folder``, which is empty."""
    started = time.monotonic()
    with serve(FaultyIndex(world=plan.world, files=build_files([plan.world]))) as index:
        trial = _Trial(plan=plan, run=run, folder=folder, index=index)
        found = [each for each in getattr(trial, f"try_{plan.mode}")() if each is not None]
    wrong = [each for each in found if each not in FINE]
    return Result(
        plan=plan,
        outcome=wrong[0] if wrong else found[0],
        wrong=bool(wrong),
        met=sum(index.met.values()),
        seconds=time.monotonic() - started,
    )


FINE = ("right", "right, without override", "undecided", "error")
TROUBLE = ("hang", "traceback")


@dataclass(slots=True, kw_only=True)
class _Trial:
    """The runs of one audit; each method returns what came of them."""

    plan: Plan
    run: Run
    folder: Path
    index: FaultyIndex
    places: list[int] = field(default_factory=list)

    def ask(self, *arguments: str, faulty: bool) -> Done:
        """Run a command, with the faults in place or without."""
        self.index.faults = self.plan.faults if faulty else ()
        hard = HARD if faulty else ("--no-progress",)
        return self.run([*arguments, "--format", "json", *hard], self.folder)

    def audit(self, *options: str, faulty: bool) -> str:
        done = self.ask(self.plan.world.spec, "--index", f"{self.index.url}/simple", *options, faulty=faulty)
        return judge_audit(done, find_truth(self.plan.world), must=not faulty)

    def try_audit(self) -> list[str]:
        return [self.audit("--no-cache", faulty=True)]

    def try_store(self) -> list[str]:
        """The faulty run, and two faultless ones over what it left in the store."""
        kept = ("--cache-dir", str(self.folder / "cache"))
        first = self.audit(*kept, faulty=True)
        second, third = self.audit(*kept, faulty=False), self.audit(*kept, "--offline", faulty=False)
        return [first, _after(second), _after(third)]

    def try_lock(self) -> list[str]:
        lock = self.folder / "uv.lock"
        lock.write_text(build_lock(self.plan.world, self.index.url), encoding="utf-8")
        arguments = ("lock", str(lock), "--cache-dir", str(self.folder / "cache"))
        truth = self.ask("lock", str(lock), "--no-cache", faulty=False)
        first, second = self.ask(*arguments, faulty=True), self.ask(*arguments, faulty=False)
        return [judge_lock(first, truth, must=False), _after(judge_lock(second, truth, must=True))]

    def try_nightly(self) -> list[str]:
        """A night before, the faulty one, and a faultless one the day after: each thing told once, none made up."""
        world = self.plan.world
        one = next(iter(world.metadata.values())).replace(AFTER.encode(), BEFORE.encode())
        steady = dict.fromkeys((name.replace(AFTER, BEFORE) for name in world.metadata), one)
        before = replace(world, version=BEFORE, metadata=steady)
        nights = []
        for history in ("truth", "tried"):
            self.index.files = build_files([before])
            self.night(history, "2025-01-14", faulty=False)
            self.index.files = build_files([before, world])
            nights.append(self.night(history, "2025-01-15", faulty=history == "tried"))
        last = self.night("tried", "2025-01-16", faulty=False)
        return judge_nights(nights[0], nights[1], last, find_truth(world))

    def night(self, history: str, date: str, *, faulty: bool) -> Done:
        arguments = ("--index", f"{self.index.url}/simple", "--history", str(self.folder / f"{history}.sqlite3"))
        return self.ask("nightly", "demo", *arguments, "--night", date, "--no-cache", faulty=faulty)


def _after(outcome: str) -> str:
    return outcome if outcome in FINE else f"afterwards: {outcome}"


def find_trouble(done: Done) -> str | None:
    """Return what no run may do; None where it did not."""
    if done.code == HANG:
        return TROUBLE[0]
    if "Traceback" in done.err or done.code not in (0, 1, 2, 3):
        return TROUBLE[1]
    return None


def judge_audit(done: Done, truth: Truth, *, must: bool) -> str:
    """Say what came out, against what is right; ``must``: nothing else will do."""
    trouble = find_trouble(done)
    if trouble is not None:
        return trouble
    if done.code == CANNOT:
        return "wrong: it could not be done" if must else "error"
    (release,) = json.loads(done.out)["releases"]
    verdict, override = release["verdict"], release["override"]
    if EXIT_CODES[verdict] != done.code:
        return f"wrong: {verdict} with exit code {done.code}"
    if must and (verdict, override) != (truth.verdict, truth.override):
        return f"wrong: {verdict}, where all is well"
    if verdict == "undecided":
        return "undecided"
    if verdict != truth.verdict:
        return f"wrong: {verdict}"
    if override is None and truth.override is not None:
        return "right, without override"
    return "right" if override == truth.override else "wrong: another override"


def judge_lock(done: Done, truth: Done, *, must: bool) -> str:
    """The same of a lock, against what a faultless run says."""
    trouble = find_trouble(done) or find_trouble(truth)
    if trouble is not None:
        return trouble
    (right,), found = json.loads(truth.out)["releases"], json.loads(done.out or '{"releases": []}')["releases"]
    if (done.code, found) == (truth.code, [right]):
        return "right"
    if must or truth.code not in (0, 1):
        return f"wrong: {done.code} of a lock, where all is well"
    if done.code == CANNOT:
        return "error"
    told, known = _told(found[0]), _told(right)
    if found[0]["override"] not in (None, right["override"]):
        return "wrong: another override"
    if done.code == truth.code and told <= known:
        return "right, without override"
    # What was told may be less than there is where wheels are unread; never more, and never "right".
    return "undecided" if found[0]["status"] == "unknown" and told <= known else f"wrong: {done.code} of a lock"


def _told(release: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(finding["id"], line) for finding in release["findings"] for line in finding["requirements"]}


def judge_nights(truth: Done, faulty: Done, last: Done, right: Truth) -> list[str]:
    """The same of a night that failed, and of the one after."""
    for done in (truth, faulty, last):
        trouble = find_trouble(done)
        if trouble is not None:
            return [trouble]
    wanted, found, then = (json.loads(done.out or '{"streams": [], "events": []}') for done in (truth, faulty, last))
    verdicts = [stream["verdict"] for stream in found["streams"]]
    if any(verdict not in (right.verdict, "undecided") for verdict in verdicts):
        return [f"wrong: {verdicts[0]}"]
    told, expected = _find_told(found, then), _find_told(wanted)
    if [stream["verdict"] for stream in then["streams"]] != [right.verdict] or last.code == CANNOT:
        return ["afterwards: wrong: the night after does not see what is"]
    if told != expected:
        return [f"afterwards: wrong: told {sorted(told.elements())} instead of {sorted(expected.elements())}"]
    return ["error" if faulty.code == CANNOT else "undecided" if faulty.code == 3 else "right"]


def _find_told(*nights: Mapping[str, Any]) -> Counter[str]:
    """Return what is told of the builds; what is told of the index (WA2xx) is the fault itself."""
    return Counter(event["key"] for night in nights for event in night["events"] if event["id"].startswith("WA5"))


def build_lock(world: World, url: str) -> str:
    """Return a lock that has the release, and nothing that it asks for: what is lost is all of it."""
    files = build_files([world])
    wheels = "".join(f'    {{ url = "{url}{path}" }},\n' for path, each in files.items() if each.kind == "wheel")
    return (
        'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n'
        f'[[package]]\nname = "{world.project}"\nversion = "{world.version}"\n'
        f'source = {{ registry = "{url}/simple" }}\nwheels = [\n{wheels}]\n\n'
        '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
        f'dependencies = [\n    {{ name = "{world.project}" }},\n]\n'
    )


def run(arguments: Sequence[str] = ()) -> list[Row]:
    """Carry out all audits in a child process that is ended where one hangs; return the rows of the table."""
    options = _parse_arguments(arguments)
    results: list[Result] = []
    with Child(limit=HANG_SECONDS) as child:
        for number in itertools.count(options.seed):
            if sum(each.plan.covered for each in results) == options.audits:
                break
            with tempfile.TemporaryDirectory(prefix="wheelaudit-attack-", ignore_cleanup_errors=True) as folder:
                result = attack(draw_plan(number), child.run, Path(folder))
            results.append(result)
            if options.verbose or (result.wrong and result.plan.covered):
                print(f"{result.outcome} <- {result.plan.describe()} ({result.seconds:.1f} s)", file=sys.stderr)
        memory = child.read_memory()
    return [_build_row(results, memory, covered=True), _build_row(results, 0.0, covered=False)]


def _build_row(results: Sequence[Result], memory: float, *, covered: bool) -> Row:
    own = [each for each in results if each.plan.covered == covered]
    # What nothing can show may come out wrong, but neither never nor with a traceback.
    gave = [each for each in own if each.wrong and (covered or each.outcome in TROUBLE)]
    counts = Counter("wrong" if each.wrong else each.outcome for each in own)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda each: -each[1]))
    met = sum(each.met for each in own)
    return Row(
        attack="faults on the way" if covered else "faults that no hash, CRC-32 or length can show",
        tried=f"{len(own)} audits, {met} faulty answers",
        outcome=told if counts["wrong"] else f"{told or 'none'}, 0 wrong",
        memory=memory,
        seconds=sum(each.seconds for each in own),
        held=not gave,
    )


def _parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m scripts._attack_faults", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--audits", type=int, default=AUDITS, metavar="N", help=f"whose faults can be shown (default: {AUDITS})"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"number of the first (default: {SEED})")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell each audit")
    return parser.parse_args(arguments)


def main() -> None:
    """Print the rows as Markdown; fail where something gave that need not have."""
    rows = run(sys.argv[1:])
    print("| attack | tried | what came out | peak memory | time |\n|---|---|---|---:|---:|")
    for row in rows:
        print(f"| {row.attack} | {row.tried} | {row.outcome} | {row.memory:.0f} MB | {row.seconds:.0f} s |")
    sys.exit(not all(row.held for row in rows))


if __name__ == "__main__":
    main()
