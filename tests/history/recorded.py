"""What tests of the history record in it, and processes that do; imports no more than the history itself."""

from __future__ import annotations

import datetime
import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.audit.values import Finding, Verdict
from wheelaudit.errors import HashMismatchError, InvalidMetadataError, MetadataError, MetadataUnreadableError
from wheelaudit.history.records import Record
from wheelaudit.history.store import History
from wheelaudit.history.values import Event, EventWheel, Level, OpenEvent, Snapshot, Stream
from wheelaudit.metadata import (
    CoreMetadata,
    Fault,
    Reading,
    UnreadableWheel,
    WheelMetadata,
    parse_requirement_line,
)
from wheelaudit.release import Release, SkippedFile, WheelFile, parse_wheel_name

ROOT = Path(__file__).parents[2]
FIRST = datetime.date(2025, 1, 1)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64")
ERRORS = (MetadataUnreadableError, HashMismatchError, InvalidMetadataError, MetadataError)


def night_of(number: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=number)


def stream_of(number: int = 0, *, index: str = "nightly/cu126") -> Stream:
    return Stream(project=canonicalize_name(f"thing-{number}"), index=index, label="cu126")


def version_of(night: int) -> Version:
    return Version(f"2.7.0.dev{night_of(night):%Y%m%d}+cu126")


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def build_snapshot(
    night: int = 0,
    *,
    stream: Stream | None = None,
    version: Version | None = None,
    pythons: Sequence[str] = ("310", "311"),
    unread: int = 0,
    verdict: Verdict = "consistent",
    findings: tuple[Finding, ...] = (),
    read_back: bool = False,
    lines: int = 6,
) -> Snapshot:
    """Return what a build said on a night: two metadata, the first ``unread`` wheels unread, one of each error."""
    stream = stream or stream_of()
    version = version or version_of(night)
    readings: list[Reading] = []
    for number, (python, platform) in enumerate((python, platform) for python in pythons for platform in PLATFORMS):
        stem = str(stream.project).replace("-", "_")
        wheel = _build_wheel(f"{stem}-{version}-cp{python}-cp{python}-{platform}.whl", stream)
        if number < unread:
            error = ERRORS[number % len(ERRORS)](
                f"{wheel.filename}: no answer.", remedy="Try again." if number else None
            )
            readings.append(UnreadableWheel(wheel=wheel, error=error))
        else:
            core = _build_core(stream, version, lines + (platform == PLATFORMS[0]))
            faults = (Fault(finding="WA205", message="It differs."),) if number == 1 else ()
            sha256 = sha256_of(f"{version} {len(core.requires_dist)}")
            readings.append(WheelMetadata(wheel=wheel, core=core, sha256=sha256, source="pep658", faults=faults))
    readings.sort(key=lambda reading: reading.wheel.filename.encode())
    release = Release(
        project=stream.project,
        version=version,
        wheels=tuple(reading.wheel for reading in readings),
        skipped=(SkippedFile(filename="thing-1.tar.gz", reason="it is no wheel"),),
        indexes=(stream.index,),
    )
    return Snapshot(
        stream=stream,
        night=night_of(night),
        release=release,
        readings=tuple(readings),
        verdict=verdict,
        findings=findings,
        read_back=read_back,
    )


def _build_wheel(filename: str, stream: Stream) -> WheelFile:
    project, version, build, tags = parse_wheel_name(filename)
    return WheelFile(
        filename=filename,
        url=f"https://files.example/{stream.index}/{filename.replace('+', '%2B')}",
        index=stream.index,
        project=project,
        version=version,
        build=build,
        tags=tags,
        sha256=sha256_of(filename),
        has_metadata=True,
        metadata_sha256=sha256_of(f"{filename}.metadata"),
        requires_python=">=3.9",
        yanked="" if "cp310" in filename else None,
        size=1_000_000 + len(filename),
    )


def _build_core(stream: Stream, version: Version, lines: int) -> CoreMetadata:
    texts = [
        f'nvidia-thing-{number}-cu12 (==12.6.{number}) ; platform_system == "Linux" and extra == "gpu"'
        for number in range(lines)
    ]
    return CoreMetadata(
        name=str(stream.project).replace("-", "_"),
        version=str(version),
        requires_dist=tuple(parse_requirement_line(text) for text in texts),
        requires_python=">=3.9",
        provides_extra=(canonicalize_name("gpu"),),
        unparsed=("no requirement ((",),
    )


def build_finding(message: str = "They differ.") -> Finding:
    return Finding(id="WA101", message=message, wheels=("a.whl",), requirements=("sympy>=1",), help="Read them.")


def build_event(
    finding: str = "WA501",
    night: int = 0,
    *,
    subject: str = "",
    stream: Stream | None = None,
    level: Level = "regression",
    message: str = "It is newly inconsistent.",
) -> Event:
    return Event(
        id=finding,
        stream=stream or stream_of(),
        night=night_of(night),
        level=level,
        subject=subject,
        before=version_of(night - 1) if night else None,
        after=version_of(night),
        message=message,
        platforms=("linux aarch64",),
        lost=("nvidia-nccl-cu12==2.21.5",),
        gained=("sympy>=1.13",),
        wheels=(EventWheel(filename="a.whl", url="https://files.example/a.whl", metadata_sha256=sha256_of("a")),),
    )


def build_open(event: Event, *, known_good: bool = True) -> OpenEvent:
    good = event.before if known_good else None
    return OpenEvent(event=event, since=event.night, since_version=event.after, known_good=good)


def build_record(night: int = 0, *, told: int = 1, **fields: object) -> Record:
    """Return a record whose night tells that many events, all of them left open."""
    snapshot = build_snapshot(night, **fields)  # type: ignore[arg-type]
    events = tuple(build_event("WA504", night, subject=f"p{n}", stream=snapshot.stream) for n in range(told))
    return Record(snapshot=snapshot, events=events, open=tuple(map(build_open, events)))


def plain(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot whose errors are equal where their words are: exceptions are equal to themselves alone."""
    readings = tuple(
        replace(reading, error=_Told((type(reading.error), reading.error.message, reading.error.remedy)))  # type: ignore[arg-type]
        if isinstance(reading, UnreadableWheel)
        else reading
        for reading in snapshot.readings
    )
    return replace(snapshot, readings=readings)


class _Told(tuple[object, ...]):
    """The words of an error."""


def details(snapshot: Snapshot) -> list[tuple[object, ...]]:
    """Return every field of the wheels: two are equal by index and address alone."""
    names = WheelFile.__dataclass_fields__
    return [tuple(getattr(wheel, name) for name in names) for wheel in snapshot.release.wheels]


# What other processes do


def record_night(history: History, night: int, streams: range) -> int:
    """Record a night of several streams; return how many events were told for the first time."""
    with history.begin_night() as writer:
        told = 0
        for number in streams:
            stream = stream_of(number)
            event = build_event("WA503", night, subject=f"of {night}", stream=stream, level="note")
            snapshot = build_snapshot(night, stream=stream)
            told += len(writer.record(snapshot, events=[event], still_open=[build_open(event)]))
        return told


def record_nights(path: Path, nights: range, streams: range) -> None:
    """Record nights one after the other, and say how many events were told first."""
    told = 0
    for night in nights:
        with History.open(path, create=True) as history:
            told += record_night(history, night, streams)
    sys.stdout.write(f"{told}\n")


def read_nights(path: Path, streams: range, last: int) -> None:
    """Read until the last night is there, and see that each night is whole whenever it is looked at."""
    with History.open(path, create=True) as history:
        while True:
            with history.hold_still():
                nights = history.find_nights()
                for night in nights[-2:]:
                    assert len(history.find_snapshots(night)) == len(streams), night
            if nights[-1:] == (night_of(last),):
                break
    sys.stdout.write("done\n")


def start(call: str) -> subprocess.Popen[str]:
    """Start a process that calls a function of this module."""
    code = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'src')]!r}\n"
        f"from pathlib import Path\nfrom tests.history import recorded\nrecorded.{call}"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_again_and_again(path: Path, turns: int, streams: range) -> None:
    """Fork and kill processes that record a night, at points that the seeds choose; look at the file after each.

    Even turns end within SQLite, after a number of its steps; odd ones wherever a moment
    finds them. A turn records the night after the last one that is there.
    """
    whole = 0
    for turn in range(turns):
        chance = random.Random(turn)
        with History.open(path, create=True) as history:
            nights = history.find_nights()
        child = os.fork()
        if child == 0:
            _record_until_killed(path, len(nights), streams, chance.randrange(100, 6000) if turn % 2 == 0 else None)
        if turn % 2:
            time.sleep(chance.uniform(0, 0.04))
            os.kill(child, 9)
        os.waitpid(child, 0)
        whole += check_whole(path, streams, last=3) > len(nights)
    with History.open(path, create=False) as history:
        night = len(history.find_nights())
        assert record_night(history, night, streams) == len(streams)
        assert record_night(history, night, streams) == 0
    assert check_whole(path, streams) == night + 1
    sys.stdout.write(f"{turns} {whole}\n")


def _record_until_killed(path: Path, night: int, streams: range, steps: int | None) -> None:
    try:
        with History.open(path, create=False) as history:
            if steps is not None:
                history._connection.set_progress_handler(lambda: os.kill(os.getpid(), 9), steps)
            while True:
                record_night(history, night, streams)
                night += 1
    finally:
        os._exit(1)  # never back into the parent's work


def check_whole(path: Path, streams: range, last: int | None = None) -> int:
    """See that each night (of the ``last``) has all its streams and what it told; return how many there are."""
    with History.open(path, create=False) as history:
        nights = history.find_nights()
        assert nights == tuple(map(night_of, range(len(nights))))
        for number in range(len(nights))[-(last or len(nights)) :]:
            night = nights[number]
            records = history.find_records(night)
            assert [record.snapshot.stream for record in records] == [stream_of(n) for n in streams]
            for record in records:
                assert record.snapshot == build_snapshot(number, stream=record.snapshot.stream)
                assert [event.night for event in record.events] == [night]
                assert len(record.open) == 1
        return len(nights)
