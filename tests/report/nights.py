"""Nights to render: four of one stream (right, broken, still broken, mended with wheels gone), two real ones, one that
attacks the reader.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from packaging.utils import NormalizedName
from packaging.version import Version

from tests.releases import build_reading, load_release
from tests.report.examples import COMMON, LINUX, audit_readings, build_torch, build_undecided
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.errors import NetworkError
from wheelaudit.history.values import Event, EventWheel, Level, Night, OpenEvent, Snapshot, Stream, StreamNight
from wheelaudit.metadata import WheelMetadata

PINS = ["nvidia-cublas-cu12==12.6.4.1", "nvidia-cudnn-cu12==9.5.1.17", "nvidia-nccl-cu12==2.21.5"]
"""What the aarch64 wheels lack on the second night."""
STREAM = Stream(project=NormalizedName("torch"), index="nightly/cu126", label="cu126")
CPU = Stream(project=NormalizedName("torch"), index="nightly/cpu", label="cpu")
FAILURE = (
    "torchaudio on nightly/cu126",
    NetworkError(
        "There was no answer from https://index.example/whl/nightly/cu126/torchaudio/ four times.",
        url="https://index.example/whl/nightly/cu126/torchaudio/",
        remedy="Try again in a few minutes.",
    ),
)


def build_date(day: int) -> datetime.date:
    return datetime.date(2025, 1, day)


def build_build(day: int, *, lacking: Sequence[str] = (), without: Sequence[str] = (), label: str = "cu126") -> Audit:
    """One night's build for two Pythons on two platforms; wheels that hold a word of ``lacking`` do not name `PINS`."""
    readings = [
        build_reading(
            f"torch-2.7.0.dev202501{day}+{label}-{python}-{platform}.whl",
            [*COMMON, *(() if any(word in platform for word in lacking) else [f"{pin}; {LINUX}" for pin in PINS])],
            requires_python=">=3.9.0",
            index=f"nightly/{label}",
            has_metadata=True,
        )
        for python in ("cp312-cp312", "cp313-cp313")
        for platform in ("linux_aarch64", "manylinux_2_28_x86_64")
        if not any(word in python for word in without)
    ]
    return audit_readings(readings)


def take_snapshot(audit: Audit, stream: Stream, day: int) -> Snapshot:
    return Snapshot(
        stream=stream,
        night=build_date(day),
        release=audit.release,
        readings=audit.readings,
        verdict=audit.verdict,
        findings=audit.findings,
    )


def build_stream_night(
    stream: Stream,
    day: int,
    audit: Audit,
    before: Audit | None,
    *,
    events: Sequence[Event] = (),
    opened: Sequence[OpenEvent] = (),
) -> StreamNight:
    return StreamNight(
        snapshot=take_snapshot(audit, stream, day),
        audit=audit,
        before=None if before is None else take_snapshot(before, stream, day - 1),
        before_audit=before,
        events=tuple(events),
        open=tuple(opened),
    )


def build_night(day: int, *streams: StreamNight) -> Night:
    return Night(night=build_date(day), streams=streams, failures=())


def pick_wheels(audit: Audit, *words: str) -> tuple[EventWheel, ...]:
    return tuple(
        EventWheel(filename=each.wheel.filename, url=each.wheel.url, metadata_sha256=each.sha256)
        for each in audit.readings
        if isinstance(each, WheelMetadata) and any(word in each.wheel.filename for word in words)
    )


def build_event(finding: str, day: int, message: str, *, level: Level = "regression", **fields: object) -> Event:
    told = Event(
        id=finding,
        stream=STREAM,
        night=build_date(day),
        level=level,
        subject="",
        before=Version(f"2.7.0.dev202501{day - 1}+cu126"),
        after=Version(f"2.7.0.dev202501{day}+cu126"),
        message=message,
    )
    return replace(told, **fields)  # type: ignore[arg-type]


RIGHT, BROKEN, STILL, MENDED = (
    build_build(13),
    build_build(14, lacking=["aarch64"]),
    build_build(15, lacking=["aarch64"]),
    build_build(16, without=["cp313"]),
)
DISAGREE = build_event(
    "WA501",
    14,
    "The wheels of torch disagree since 2.7.0.dev20250114+cu126 (2.7.0.dev20250113+cu126 was consistent): "
    "a lock loses 3 requirements in linux x86_64, CPython 3.12-3.13.",
    platforms=("linux x86_64, CPython 3.12-3.13",),
    lost=tuple(PINS),
    wheels=pick_wheels(BROKEN, "aarch64", "cp312-manylinux"),
)
AGREE = build_event(
    "WA502",
    16,
    "The wheels of torch agree since 2.7.0.dev20250116+cu126 (2.7.0.dev20250115+cu126 was inconsistent).",
    level="note",
    platforms=("linux x86_64, CPython 3.12",),
    gained=tuple(PINS),
    wheels=pick_wheels(MENDED, "aarch64"),
)
VANISHED = build_event(
    "WA504",
    16,
    "CPython 3.13 is gone from linux aarch64 and linux x86_64 since 2.7.0.dev20250116+cu126.",
    subject="CPython 3.13 on linux aarch64, linux x86_64",
    platforms=("linux aarch64, CPython 3.13", "linux x86_64, CPython 3.13"),
    wheels=pick_wheels(STILL, "cp313"),
)
MOVED = build_event(
    "WA503",
    15,
    "sympy==1.13.1 became sympy==1.13.3 wherever it is asked for.",
    level="note",
    subject="sympy",
    lost=("sympy==1.13.1",),
    gained=("sympy==1.13.3",),
)
REPINNED = build_event(
    "WA503",
    15,
    "nvidia-nccl-cu12==2.21.5 became nvidia-nccl-cu12==2.25.1 in linux x86_64, CPython 3.12.",
    level="finding",
    subject="nvidia-nccl-cu12",
    platforms=("linux x86_64, CPython 3.12",),
    lost=("nvidia-nccl-cu12==2.21.5",),
    gained=("nvidia-nccl-cu12==2.25.1",),
    wheels=(*pick_wheels(BROKEN, "cp312-manylinux"), *pick_wheels(STILL, "cp312-manylinux")),
)
OPEN = OpenEvent(
    event=DISAGREE, since=build_date(14), since_version=DISAGREE.after, known_good=Version("2.7.0.dev20250113+cu126")
)
FOUR = (
    build_night(13, build_stream_night(STREAM, 13, RIGHT, None)),
    build_night(14, build_stream_night(STREAM, 14, BROKEN, RIGHT, events=[DISAGREE])),
    build_night(15, build_stream_night(STREAM, 15, STILL, BROKEN, opened=[OPEN])),
    build_night(16, build_stream_night(STREAM, 16, MENDED, STILL, events=[AGREE, VANISHED])),
)
"""The four nights of the issue: a baseline, a regression, the same still, mended while the cp313 wheels vanish."""


def build_busy_night() -> Night:
    """Several streams: broken, moving, undecided, new, and one that could not be read."""
    cpu = build_build(15, label="cpu")
    stream = Stream(project=NormalizedName("gone"), index="nightly/cu126")
    undecided = build_undecided()
    return Night(
        night=build_date(15),
        streams=(
            build_stream_night(stream, 15, undecided, undecided),
            build_stream_night(CPU, 15, cpu, None),
            build_stream_night(STREAM, 15, STILL, BROKEN, events=[MOVED, REPINNED], opened=[OPEN]),
        ),
        failures=(FAILURE,),
    )


def build_real_night() -> Night:
    """The two nightlies of the cassettes: the second night of a fault that is older than the first."""
    first = audit_release(*load_release("torch-2.6.0.dev20241222+cu126"))
    second = audit_release(*load_release("torch-2.7.0.dev20250116+cu126"))
    (impact,) = first.impact
    told = build_event(
        "WA501",
        16,
        "The wheels of torch disagree in 2.6.0.dev20241222+cu126: a lock loses 14 requirements in "
        f"{impact.environments}.",
        night=datetime.date(2024, 12, 22),
        before=None,
        after=first.release.version,
        platforms=(impact.environments,),
        lost=impact.lost,
        wheels=pick_wheels(first, "linux"),
    )
    opened = OpenEvent(event=told, since=told.night, since_version=told.after, known_good=None)
    return build_night(16, build_stream_night(STREAM, 16, second, first, opened=[opened]))


def build_real_regression() -> Night:
    """The same night, had a consistent build come before: the issue that upstream would have got."""
    audit = audit_release(*load_release("torch-2.7.0.dev20250116+cu126"))
    (impact,) = audit.impact
    told = build_event(
        "WA501",
        16,
        "The wheels of torch disagree since 2.7.0.dev20250116+cu126 (2.7.0.dev20250115+cu126 was consistent): "
        f"a lock loses 14 requirements in {impact.environments}.",
        platforms=(impact.environments,),
        lost=impact.lost,
        wheels=pick_wheels(audit, "linux"),
    )
    return build_night(16, build_stream_night(STREAM, 16, audit, build_build(15), events=[told]))


_TORCH = build_torch()


def build_hostile_night(text: str, level: Level = "regression") -> Night:
    """Whatever an index, a wheel or a history can say is ``text``; nothing here went through a parser."""
    torch = _TORCH
    wheel = replace(torch.release.wheels[0], filename=text, index=text, url=f"https://x/{text}", has_metadata=True)
    reading = torch.readings[0]
    assert isinstance(reading, WheelMetadata)
    line = replace(reading.core.requires_dist[0], text=text)
    hostile = replace(reading, wheel=wheel, core=replace(reading.core, requires_dist=(line,)))
    audit = replace(
        torch,
        release=replace(torch.release, wheels=(wheel, *torch.release.wheels[1:])),
        readings=(hostile, *torch.readings[1:]),
        reads_uv=wheel,
        groups=(
            replace(torch.groups[0], wheels=(wheel,), environments=text, requires_dist=(text,)),
            *torch.groups[1:],
        ),
        impact=tuple(replace(each, environments=text, lost=(text,), gained=(text,)) for each in torch.impact),
        matrix=replace(torch.matrix, columns=(text,), rows=((text, ("lost",)),)),
        findings=tuple(replace(each, message=text, help=text, wheels=(text,)) for each in torch.findings),
        override=None,
        proof=None,
        no_override=text,
    )
    stream = Stream(project=NormalizedName(text), index=text, label=text)
    event = Event(
        id="WA501",
        stream=stream,
        night=build_date(16),
        level=level,
        subject=text,
        before=None,
        after=Version("1.0"),
        message=text,
        platforms=(text,),
        lost=(text,),
        gained=(text,),
        wheels=(EventWheel(filename=text, url=f"https://x/{text}", metadata_sha256=text),),
    )
    opened = OpenEvent(
        event=replace(event, id="WA504"), since=build_date(15), since_version=Version("0.9"), known_good=None
    )
    night = build_stream_night(stream, 16, audit, torch, events=[event], opened=[opened])
    failure = (text, NetworkError(text, url=text, remedy=text))
    return Night(night=build_date(16), streams=(night,), failures=(failure,))
