"""Measure what a history costs after a month and after a year: ``scripts/bench_history [--nights N ...] [--rounds N]``.

A history is made of 8 projects on 6 channels (48 streams), each with a new build every
night: 20 wheels with new names and hashes, three requirement sets of 30 lines that one
build in twenty changes a line of. Then one more night is read and recorded in each of
them, one after the other, so that a busy moment of the machine hits them alike, and
taken back. Printed are sizes, medians, and the ratio of the medians, as Markdown.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.history.store import History
from wheelaudit.history.values import Event, OpenEvent, Snapshot, Stream
from wheelaudit.metadata import CoreMetadata, WheelMetadata, parse_requirement_line
from wheelaudit.release import Release, WheelFile, parse_wheel_name

PROJECTS = tuple(f"project-{number}" for number in range(8))
CHANNELS = ("cpu", "cu118", "cu126", "cu128", "rocm6.4", "xpu")
PYTHONS = ("310", "311", "312", "313", "314")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64", "macosx_11_0_arm64")
LINES = 30
CHANGES = 20
"""Nights between two changes of a requirement set."""
FIRST = datetime.date(2025, 1, 1)


def main() -> None:
    """Make the histories and print what they cost."""
    arguments = _parse_arguments()
    with tempfile.TemporaryDirectory(prefix="wheelaudit-bench-") as name:
        paths = {nights: Path(name) / f"{nights}.sqlite3" for nights in arguments.nights}
        for nights, path in paths.items():
            fill(path, nights)
        times: dict[int, list[tuple[float, float]]] = {nights: [] for nights in paths}
        for number in range(arguments.rounds + 1):
            for nights, path in paths.items():
                cost = measure_night(path, nights)
                if number:  # a first round is not counted
                    times[nights].append(cost)
        print_table(paths, times)


def _parse_arguments() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="scripts/bench_history", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--nights", type=int, nargs="+", default=[30, 365], metavar="N", help="default: 30 365")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="counted rounds (default: 15)")
    arguments = parser.parse_args()
    if not 1 <= arguments.rounds <= 1000 or not all(1 <= nights <= 5000 for nights in arguments.nights):
        parser.error("--rounds is 1 to 1000, --nights 1 to 5000")
    return arguments


def fill(path: Path, nights: int) -> None:
    """Record that many nights."""
    with History.open(path, create=True) as history:
        for number in range(nights):
            record_night(history, number, build_night(number))


def build_night(number: int) -> tuple[Snapshot, ...]:
    """Return what all streams say on a night."""
    return tuple(_build_snapshot(project, channel, number) for project in PROJECTS for channel in CHANNELS)


def record_night(history: History, number: int, snapshots: Sequence[Snapshot]) -> None:
    """Record a night: in every stream a pin that has moved is told, and one event is open for a month at a time."""
    with history.begin_night() as night:
        for snapshot in snapshots:
            note = _build_event(snapshot, "WA503", snapshot.night, "sympy")
            opened = _build_event(snapshot, "WA501", FIRST + datetime.timedelta(days=number - number % 30), "")
            still_open = OpenEvent(
                event=opened, since=opened.night, since_version=Version("2.7.0.dev1"), known_good=None
            )
            night.record(snapshot, events=[note], still_open=[still_open] if number % 30 > 20 else [])


def measure_night(path: Path, nights: int) -> tuple[float, float]:
    """Return the seconds that one more night takes to read what it is held against, and to be recorded."""
    snapshots = build_night(nights)
    with History.open(path, create=False) as history:
        start = time.perf_counter()
        for snapshot in snapshots:
            stream, night = snapshot.stream, snapshot.night
            last = history.find_last(stream, before=night)
            assert last is not None
            history.find_last_decided(stream, before=night)
            history.find_open(stream, before=night)
            history.find_first_seen(stream, last.version)
        middle = time.perf_counter()
        record_night(history, nights, snapshots)
        end = time.perf_counter()
        with history.begin_night():
            # As it was, for the next round.
            for table in ("snapshots WHERE night = ?",):
                history._connection.execute(f"DELETE FROM {table}", (snapshots[0].night.toordinal(),))
    return middle - start, end - middle


def print_table(paths: dict[int, Path], times: dict[int, list[tuple[float, float]]]) -> None:
    """Print one row a history, and the ratio of the last to the first."""
    streams = len(PROJECTS) * len(CHANNELS)
    print(f"{streams} streams, {len(PYTHONS) * len(PLATFORMS)} wheels each, a new build every night.\n")
    print("| nights | on disk | a night and stream | read | record |")
    print("|---:|---:|---:|---:|---:|")
    medians: list[tuple[float, float]] = []
    for nights, path in paths.items():
        size = path.stat().st_size
        read, record = (statistics.median(each) for each in zip(*times[nights], strict=True))
        medians.append((read, record))
        share = size / nights / streams
        print(f"| {nights} | {size / 1e6:.1f} MB | {share:.0f} bytes | {read * 1e3:.1f} ms | {record * 1e3:.1f} ms |")
    (read, record), (last_read, last_record) = medians[0], medians[-1]
    print(f"\nThe last takes {last_read / read:.2f} times as long to read, and {last_record / record:.2f} to record.")


def _build_snapshot(project: str, channel: str, number: int) -> Snapshot:
    night = FIRST + datetime.timedelta(days=number)
    stream = Stream(project=canonicalize_name(project), index=f"nightly/{channel}", label=channel)
    version = Version(f"2.7.0.dev{night:%Y%m%d}+{channel}")
    cores = [_build_core(stream, version, kind, number // CHANGES) for kind in range(3)]
    names = [
        f"{project.replace('-', '_')}-{version}-cp{python}-cp{python}-{platform}.whl"
        for python in PYTHONS
        for platform in PLATFORMS
    ]
    readings = tuple(
        _build_reading(name, stream, cores[min(2, len(name) % 4)]) for name in sorted(names, key=str.encode)
    )
    wheels = tuple(reading.wheel for reading in readings)
    release = Release(project=stream.project, version=version, wheels=wheels, indexes=(stream.index,))
    return Snapshot(stream=stream, night=night, release=release, readings=readings, verdict="consistent", findings=())


def _build_core(stream: Stream, version: Version, kind: int, change: int) -> CoreMetadata:
    texts = [
        f"nvidia-thing{line}-{stream.label}==12.{kind}.{change if line == change % LINES else 0}; "
        f'platform_system == "Linux" and platform_machine == "x86_64"'
        for line in range(LINES)
    ]
    lines = tuple(parse_requirement_line(text) for text in texts)
    return CoreMetadata(name=stream.project, version=str(version), requires_dist=lines, requires_python=">=3.10.0")


def _build_reading(filename: str, stream: Stream, core: CoreMetadata) -> WheelMetadata:
    project, version, build, tags = parse_wheel_name(filename)
    metadata = _hash(f"{core.version} {core.requires_dist[0].text}")
    wheel = WheelFile(
        filename=filename,
        url=f"https://files.example/whl/{stream.index}/{filename.replace('+', '%2B')}",
        index=stream.index,
        project=project,
        version=version,
        build=build,
        tags=tags,
        sha256=_hash(f"{stream} {filename}"),
        has_metadata=True,
        metadata_sha256=metadata,
    )
    return WheelMetadata(wheel=wheel, core=core, sha256=metadata, source="pep658")


def _build_event(snapshot: Snapshot, finding: str, night: datetime.date, subject: str) -> Event:
    return Event(
        id=finding,
        stream=snapshot.stream,
        night=night,
        level="note",
        subject=subject,
        before=None,
        after=Version("2.7.0.dev1") if finding == "WA501" else snapshot.version,
        message="The pin of sympy moves on all platforms alike.",
        lost=("sympy==1.13.1",),
        gained=("sympy==1.13.3",),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
