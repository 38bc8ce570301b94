"""Measure wheelaudit beside curl, a script and uv: ``scripts/bench [--rounds N] [--rtt MS] [--only PART ...]``.

Synthetic indexes (`_bench_index`) are served from this machine (`_bench_server`) over a
wire with a round-trip time (`_bench_wire`); nothing leaves it. In each round every peer
(`_bench_peers`) runs once, one after the other, so that a busy moment of the machine
hits them alike; a first round is not counted. Printed are medians, and the medians of
the rounds' own ratios, as Markdown. It takes about ten minutes; what it made goes when it ends.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scripts import _bench_peers as peers
from scripts import _bench_wire as wire
from scripts._bench_index import PLACES, BuiltProject, Shape, build_project
from scripts._bench_lock import RELEASES, build_lock, uv_lock_commands, wheelaudit_lock_commands
from scripts._bench_peers import Cost
from scripts._bench_server import Server, Traffic, serve

INSIDE = "WHEELAUDIT_BENCH_INSIDE"
"""Set for the run within the namespace."""

SHAPES = {
    "20": Shape(wheels=20, links=200, distinct=8),
    "200": Shape(wheels=200, links=4_000, distinct=200),
    "2000": Shape(wheels=2_000, links=30_000, distinct=200),
    "20-inside": Shape(wheels=20, links=200, distinct=8, metadata=False),
    "200-inside": Shape(wheels=200, links=4_000, distinct=200, metadata=False),
}
RANGE_WHEELS = 4
LOCKS = {"lock": True, "lock-inside": False}
"""Part to whether ``.metadata`` files lie beside the wheels."""
PARTS = (*SHAPES, *LOCKS, "range", "page", "start")

Samples = list[tuple[Cost, Traffic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Somebody who reads a release, and how a run of theirs is made."""

    name: str
    commands: Sequence[Sequence[str]]
    allowed: Sequence[int] = (0,)
    cold: bool = True
    """Caches are emptied before."""
    rounds: int | None = None
    """Fewer than the others', where one takes minutes; None: as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run of this script."""

    server: Server
    folder: Path
    root: Path
    rounds: int
    projects: dict[Shape, BuiltProject] = field(default_factory=dict)

    def project(self, shape: Shape) -> BuiltProject:
        """Build a project when it is first asked for."""
        if shape not in self.projects:
            self.projects[shape] = build_project(shape, self.root)
        return self.projects[shape]

    def measure(self, each: Sequence[Peer]) -> dict[str, Samples]:
        """Run every peer once a round, interleaved; one that fails is told of on stderr, and left out."""
        environ = peers.build_environ(self.server, self.folder)
        samples: dict[str, Samples] = {peer.name: [] for peer in each}
        failed: set[str] = set()
        for number in range(self.rounds + 1):
            for peer in each:
                rounds = self.rounds if peer.rounds is None else peer.rounds
                if peer.name in failed or (rounds < self.rounds and not 0 < number <= rounds):
                    continue
                try:
                    cost = self._run(peer, environ)
                except peers.CommandFailedError as error:
                    print(f"{peer.name} is left out: {error}", file=sys.stderr)
                    failed.add(peer.name)
                    continue
                if number:  # the first round fills the system's caches
                    samples[peer.name].append(cost)
        return {name: runs for name, runs in samples.items() if runs and name not in failed}

    def _run(self, peer: Peer, environ: Mapping[str, str]) -> tuple[Cost, Traffic]:
        if peer.cold:
            for name in ("WHEELAUDIT_CACHE_DIR", "UV_CACHE_DIR"):
                shutil.rmtree(environ[name], ignore_errors=True)
        _, place = self.server.read_traffic(0)
        cost = peers.run_commands(peer.commands, environ, allowed=peer.allowed)
        traffic, _ = self.server.read_traffic(place)
        return cost, traffic


def main() -> None:
    """Run within namespaces where they can be had, and print the tables."""
    arguments = _parse_arguments()
    if INSIDE not in os.environ and wire.can_make_namespaces():
        command = [*wire.enter_namespace(), sys.executable, "-m", "scripts._bench", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode)
    for missing in peers.find_missing():
        print(missing, file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="wheelaudit-bench-") as name:
        folder = Path(name)
        (folder / "root").mkdir()
        with serve(folder / "root", folder, round_trip=arguments.rtt, inside=INSIDE in os.environ) as server:
            bench = Bench(server=server, folder=folder, root=folder / "root", rounds=arguments.rounds)
            _print_head(bench)
            for part in arguments.only:
                _print_part(bench, part)


def _parse_arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="counted rounds (default: 5)")
    parser.add_argument("--rtt", type=float, default=40.0, metavar="MS", help="round-trip time (default: 40)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    arguments = parser.parse_args()
    if not 1 <= arguments.rounds <= 100 or not 0 <= arguments.rtt <= 1000:
        parser.error("--rounds is 1 to 100, --rtt 0 to 1000")
    return arguments


def _print_part(bench: Bench, part: str) -> None:
    match part:
        case "lock" | "lock-inside":
            _print_lock(bench, metadata=LOCKS[part])
        case "range":
            _print_range(bench)
        case "page":
            _print_page(bench)
        case "start":
            _print_start(bench)
        case _:
            _print_release(bench, SHAPES[part])


def _print_head(bench: Bench) -> None:
    versions = [
        _ask([sys.executable, "-m", "wheelaudit", "--version"]),
        *(_ask([tool, "--version"]) for name in ("curl", "uv") if (tool := peers.find_tool(name))),
    ]
    print(f"Server: {bench.server.kind}. {os.cpu_count()} CPUs, Python {platform.python_version()}.")
    print(f"{'; '.join(versions)}. {bench.rounds} interleaved rounds, medians.", flush=True)


def _ask(command: Sequence[str]) -> str:
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return " ".join(told.partition("\n")[0].split(" ")[:2])


def _print_release(bench: Bench, shape: Shape) -> None:
    """A whole release, by everyone who can read it."""
    project = bench.project(shape)
    audit = peers.wheelaudit_commands(bench.server, project)
    offline = peers.wheelaudit_commands(bench.server, project, "--offline")
    candidates = [
        Peer(name="wheelaudit, cold", commands=audit),
        Peer(name="wheelaudit, warm", commands=audit, cold=False),
    ]
    if _knows_offline():
        candidates.append(Peer(name="wheelaudit --offline", commands=offline, cold=False))
    if shape.metadata and peers.find_tool("curl"):
        commands = peers.curl_commands(bench.server, project, bench.folder)
        candidates.append(Peer(name="page + curl --parallel", commands=commands))
    if shape.metadata:
        commands = peers.script_commands(bench.server, project)
        rounds = 1 if shape.wheels > 20 else None
        candidates.append(Peer(name="a script, one after the other", commands=commands, rounds=rounds))
    if peers.find_tool("uv"):
        commands = peers.uv_commands(bench.server, project, bench.folder)
        rounds = 1 if shape.wheels > 200 else None
        candidates.append(Peer(name=f"{len(commands)} x uv pip compile", commands=commands, rounds=rounds))
    samples = bench.measure(candidates)
    beside = "with" if shape.metadata else "without"
    size = f"{shape.wheels:,} wheels among {shape.links:,} links, {shape.distinct} distinct"
    print(f"\n**{size}, {beside} `.metadata`**\n")
    if not samples:
        return
    base = "page + curl --parallel" if "page + curl --parallel" in samples else next(iter(samples))
    print(f"| | time | ratio to {base} | CPU | CPU a wheel | peak memory | requests | bytes |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, runs in samples.items():
        print(f"| {name} | {' | '.join(_describe(runs, samples[base], shape.wheels))} |", flush=True)


def _knows_offline() -> bool:
    """Whether there is a store to work from."""
    told = subprocess.run([sys.executable, "-m", "wheelaudit", "--help"], capture_output=True, text=True, check=False)
    return "--offline" in told.stdout


def _describe(runs: Samples, base: Samples, wheels: int) -> list[str]:
    if len(runs) == len(base):
        ratio = statistics.median(one.seconds / other.seconds for (one, _), (other, _) in zip(runs, base, strict=True))
    else:
        ratio = _median(runs, lambda cost, _: cost.seconds) / _median(base, lambda cost, _: cost.seconds)
    cpu = _median(runs, lambda cost, _: cost.cpu)
    times = f"{_median(runs, lambda cost, _: cost.seconds):.2f} s"
    return [
        f"{times}{' (one run)' if len(runs) == 1 != len(base) else ''}",
        f"{ratio:.2f}",
        f"{cpu:.2f} s",
        f"{cpu / wheels * 1000:.2f} ms",
        f"{_median(runs, lambda cost, _: cost.memory):.0f} MB",
        f"{_median(runs, lambda _, traffic: traffic.requests):,.0f}",
        _size(_median(runs, lambda _, traffic: traffic.octets)),
    ]


def _median(runs: Samples, measure: Callable[[Cost, Traffic], float]) -> float:
    return statistics.median(measure(cost, traffic) for cost, traffic in runs)


def _size(octets: float) -> str:
    return f"{octets / 1e6:,.2f} MB" if octets >= 1e6 else f"{octets / 1e3:,.1f} kB"


def _print_lock(bench: Bench, *, metadata: bool) -> None:
    """A whole lock: what uv takes to make it, and wheelaudit to hold it against its wheels."""
    if not peers.find_tool("uv"):
        return
    environ = peers.build_environ(bench.server, bench.folder)
    built = build_lock(bench.server, bench.root, bench.folder, environ, metadata=metadata)
    makers = _build_lock_peers("uv lock", partial(uv_lock_commands, built))
    readers = _build_lock_peers("wheelaudit lock", partial(wheelaudit_lock_commands, built))
    # A cold run empties all caches: first all of uv's, then all of wheelaudit's.
    samples = bench.measure([*makers, *readers])
    beside = "with" if metadata else "without"
    print(f"\n**A lock of {RELEASES} releases, {built.wheels} wheels, {beside} `.metadata`**\n")
    print("| | time | ratio to `uv lock` so | CPU | CPU a wheel | peak memory | requests | bytes |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for maker, reader in zip(makers, readers, strict=True):
        for peer in (maker, reader):
            if peer.name in samples and maker.name in samples:
                cells = _describe(samples[peer.name], samples[maker.name], built.wheels)
                print(f"| {peer.name} | {' | '.join(cells)} |", flush=True)


def _build_lock_peers(name: str, build: Callable[..., list[list[str]]]) -> list[Peer]:
    """Return a command in three states: with nothing kept, with pages to be asked for again, without network."""
    return [
        Peer(name=f"{name}, cold", commands=build()),
        Peer(name=f"{name}, warm", commands=build(), cold=False),
        Peer(name=f"{name}, offline", commands=build("--offline"), cold=False),
    ]


def _print_range(bench: Bench) -> None:
    """Wheels without ``.metadata``, whose central directory has 1.3 MB."""
    print(f"\n**METADATA out of a wheel with a directory of 1.3 MB, {RANGE_WHEELS} wheels, project page aside**\n")
    print("| dist-info | reader | time | requests a wheel | bytes a wheel | of uv's bytes |")
    print("|---|---|---:|---:|---:|---:|")
    for place in PLACES:
        project = bench.project(Shape(wheels=RANGE_WHEELS, links=RANGE_WHEELS, distinct=1, metadata=False, place=place))
        audit = peers.wheelaudit_commands(bench.server, project)
        candidates = [Peer(name="wheelaudit", commands=audit)]
        if peers.find_tool("uv"):
            commands = peers.uv_commands(bench.server, project, bench.folder, pythons=peers.PYTHONS[:1])
            candidates.append(Peer(name="uv", commands=commands))
        samples = bench.measure(candidates)
        octets = {
            name: _median(runs, lambda _, traffic: traffic.octets - traffic.page_octets) / RANGE_WHEELS
            for name, runs in samples.items()
        }
        for name, runs in samples.items():
            requests = _median(runs, lambda _, traffic: traffic.requests - traffic.page_requests) / RANGE_WHEELS
            time = _median(runs, lambda cost, _: cost.seconds)
            share = f"{octets[name] / octets['uv']:.3f}" if octets.get("uv") else "-"
            print(f"| {place} | {name} | {time:.2f} s | {requests:g} | {_size(octets[name])} | {share} |", flush=True)


def _print_page(bench: Bench) -> None:
    """What a page costs by its size: one wheel of it is audited."""
    print("\n**One wheel on a page, the whole process**\n")
    print("| links | page | CPU | peak memory |")
    print("|---:|---:|---:|---:|")
    shapes = [Shape(wheels=1, links=links, distinct=1) for links in (1, 30_000)]
    for shape in shapes:
        # Both are called alike, and so is their project: each in its turn.
        project = build_project(shape, bench.root)
        commands = peers.wheelaudit_commands(bench.server, project)
        (runs,) = bench.measure([Peer(name="wheelaudit", commands=commands)]).values()
        page = _size(_median(runs, lambda _, traffic: traffic.page_octets))
        cpu, memory = _median(runs, lambda cost, _: cost.cpu), _median(runs, lambda cost, _: cost.memory)
        print(f"| {shape.links:,} | {page} | {cpu:.2f} s | {memory:.0f} MB |", flush=True)
        for kind in ("simple", "files"):
            shutil.rmtree(bench.root / kind / shape.project)


def _print_start(bench: Bench) -> None:
    """What a start costs, and judging alone."""
    python = sys.executable
    bare = Peer(name="a bare interpreter", commands=[[python, "-c", "pass"]])
    helped = Peer(name="wheelaudit --help", commands=[[python, "-m", "wheelaudit", "--help"]])
    samples = bench.measure([bare, helped] * 3)
    times = {name: _median(runs, lambda cost, _: cost.seconds) for name, runs in samples.items()}
    ratio = times[helped.name] / times[bare.name]
    print(f"\n`--help`: {times[helped.name] * 1000:.0f} ms, {ratio:.2f} x a bare interpreter.")
    told = subprocess.run(
        [python, "-m", "scripts._bench_judge", "torch-2.10.0"], capture_output=True, text=True, check=True
    ).stdout.split()
    wheels, seconds = int(told[0]), float(told[1])
    print(f"Judging torch 2.10.0 ({wheels} wheels), nothing remembered: {seconds / wheels * 1000:.3f} ms a wheel.")


if __name__ == "__main__":
    main()
