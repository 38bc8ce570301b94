"""Nights to render as pages: four that follow each other, one that attacks the reader, one of 48 streams and a year."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from packaging.utils import NormalizedName
from packaging.version import Version

from tests.releases import build_reading
from tests.report.examples import COMMON, CUDA_LINES, audit_readings
from wheelaudit.audit.values import Audit
from wheelaudit.errors import HttpStatusError
from wheelaudit.history.values import (
    CalendarNight,
    Event,
    EventWheel,
    Night,
    OpenEvent,
    Snapshot,
    Stream,
    StreamNight,
)
from wheelaudit.metadata import Reading, WheelMetadata

FIRST = datetime.date(2025, 1, 14)
TORCH = Stream(project=NormalizedName("torch"), index="nightly/cu126", label="cu126")
VISION = Stream(project=NormalizedName("torchvision"), index="nightly/cpu", label="cpu")
LOST = tuple(line.partition(";")[0] for line in CUDA_LINES)
WHERE = "linux x86_64, CPython 3.11-3.13"


def build_build(
    stream: Stream, night: datetime.date, *, broken: bool = False, pythons: Sequence[int] = (11, 12, 13)
) -> Audit:
    """Return the audit of a nightly build; broken, its Linux aarch64 wheels lack what the others name."""
    cuda = [line.replace(' and platform_machine == "x86_64"', "") for line in CUDA_LINES]
    readings: list[Reading] = []
    for minor in pythons:
        for platform in ("manylinux_2_28_aarch64", "manylinux_2_28_x86_64", "win_amd64"):
            name = f"{stream.project}-2.7.0.dev{night:%Y%m%d}+{stream.label}-cp3{minor}-cp3{minor}-{platform}.whl"
            lines = COMMON if broken and "aarch64" in platform else [*COMMON, *cuda]
            readings.append(build_reading(name, lines, requires_python=">=3.10", index=stream.index))
    return audit_readings(readings)


def build_snapshot(stream: Stream, night: datetime.date, audit: Audit) -> Snapshot:
    return Snapshot(
        stream=stream,
        night=night,
        release=audit.release,
        readings=audit.readings,
        verdict=audit.verdict,
        findings=audit.findings,
    )


def build_event(stream: Stream, night: datetime.date, audit: Audit, **fields: object) -> Event:
    """Return a WA501 of ``audit``, or what ``fields`` make of it."""
    before = Version(f"2.7.0.dev{night - datetime.timedelta(days=1):%Y%m%d}+{stream.label}")
    event = Event(
        id="WA501",
        stream=stream,
        night=night,
        level="regression",
        subject="",
        before=before,
        after=audit.release.version,
        message=f"{audit.release.spec} is newly inconsistent: 3 wheels lack 14 requirements that {WHERE} needs.",
        platforms=(WHERE,),
        lost=LOST,
        wheels=build_evidence(audit),
    )
    return replace(event, **fields)  # type: ignore[arg-type]


def build_evidence(audit: Audit) -> tuple[EventWheel, ...]:
    return tuple(
        EventWheel(
            filename=each.wheel.filename,
            url=each.wheel.url,
            metadata_sha256=each.sha256 if isinstance(each, WheelMetadata) else None,
        )
        for each in audit.readings
    )


def build_four_nights() -> tuple[Night, Night, Night, Night]:
    """Return them: consistent; aarch64 loses nvidia-*; unchanged; fixed, while the wheels of cp313 vanish."""
    days = [FIRST + datetime.timedelta(days=number) for number in range(4)]
    torch = [
        build_build(TORCH, day, broken=number in (1, 2), pythons=(11, 12) if number == 3 else (11, 12, 13))
        for number, day in enumerate(days)
    ]
    vision = [build_build(VISION, day) for day in days]
    broken = build_event(TORCH, days[1], torch[1])
    fixed = build_event(
        TORCH,
        days[3],
        torch[3],
        id="WA502",
        level="note",
        message=f"{torch[3].release.spec} is consistent again: all 6 wheels ask for the same.",
        lost=(),
        platforms=(),
    )
    vanished = build_event(
        TORCH,
        days[3],
        torch[3],
        id="WA504",
        subject="CPython 3.13",
        message=f"{torch[3].release.spec} has no wheel for CPython 3.13, and the build before had.",
        platforms=("linux aarch64, linux x86_64 and windows AMD64, CPython 3.13",),
        lost=(),
        wheels=(),
    )
    told: list[tuple[Event, ...]] = [(), (broken,), (), (fixed, vanished)]
    still = OpenEvent(event=broken, since=days[1], since_version=broken.after, known_good=torch[0].release.version)
    nights = [
        Night(
            night=day,
            streams=(
                _follow(TORCH, days, torch, number, told[number], (still,) if number == 2 else ()),
                _follow(VISION, days, vision, number, (), ()),
            ),
            failures=((str(f"triton on {TORCH.index}"), build_failure()),) if number == 2 else (),
            calendar={
                TORCH: tuple(_on(day, torch[n], told[n]) for n, day in enumerate(days[: number + 1])),
                VISION: tuple(_on(day, vision[n], ()) for n, day in enumerate(days[: number + 1])),
            },
        )
        for number, day in enumerate(days)
    ]
    return nights[0], nights[1], nights[2], nights[3]


def build_failure() -> HttpStatusError:
    url = "https://index.example/nightly/cu126/triton/"
    return HttpStatusError(
        f"The server answered 503 for {url} four times.", url=url, status=503, remedy="Try again in a few minutes."
    )


def _follow(
    stream: Stream,
    days: Sequence[datetime.date],
    audits: Sequence[Audit],
    number: int,
    events: tuple[Event, ...],
    still: tuple[OpenEvent, ...],
) -> StreamNight:
    before = audits[number - 1] if number else None
    return StreamNight(
        snapshot=build_snapshot(stream, days[number], audits[number]),
        audit=audits[number],
        before=None if before is None else build_snapshot(stream, days[number - 1], before),
        before_audit=before,
        events=events,
        open=still,
    )


def _on(day: datetime.date, audit: Audit, told: tuple[Event, ...]) -> CalendarNight:
    return CalendarNight(
        night=day, version=audit.release.version, verdict=audit.verdict, told=tuple(each.id for each in told)
    )


def build_hostile_night(audit: Audit, text: str) -> Night:
    """Return a night in which every field that can hold text holds ``text``; nothing here went through a parser."""
    stream = Stream(project=NormalizedName(text), index=text, label=text)
    day = FIRST
    event = Event(
        id=text,
        stream=stream,
        night=day,
        level="regression",
        subject=text,
        before=None,
        after=Version("1.0"),
        message=text,
        platforms=(text,),
        lost=(text,),
        gained=(text,),
        wheels=(EventWheel(filename=text, url=text, metadata_sha256=text),),
    )
    still = OpenEvent(event=replace(event, level="finding"), since=day, since_version=Version("1.0"), known_good=None)
    found = StreamNight(
        snapshot=build_snapshot(stream, day, audit),
        audit=audit,
        before=None,
        before_audit=None,
        events=(event, replace(event, level="note")),
        open=(still,),
    )
    nights = (CalendarNight(night=day, version=Version("1.0"), verdict="undecided", told=(text,)),)
    failure = HttpStatusError(text, url=text, status=503, remedy=text)
    return Night(night=day, streams=(found,), failures=((text, failure),), calendar={stream: nights})


def build_year(*, projects: int = 8, indexes: int = 6, nights: int = 365) -> Night:
    """Return a night of many streams, each with a year behind it."""
    last = FIRST + datetime.timedelta(days=nights - 1)
    days = [FIRST + datetime.timedelta(days=number) for number in range(nights)]
    streams: list[StreamNight] = []
    calendar: dict[Stream, tuple[CalendarNight, ...]] = {}
    for project in range(projects):
        for index in range(indexes):
            stream = Stream(project=NormalizedName(f"project{project}"), index=f"nightly/cu12{index}", label="cu126")
            audit = build_build(stream, last, broken=(project + index) % 3 == 0)
            events = (build_event(stream, last, audit),) if project == index == 0 else ()
            streams.append(_follow(stream, [last], [audit], 0, events, ()))
            calendar[stream] = tuple(_on_some_night(day, project + index) for day in days)
    return Night(night=last, streams=tuple(streams), failures=(), calendar=calendar)


def _on_some_night(day: datetime.date, seed: int) -> CalendarNight:
    number = (day - FIRST).days + 17 * seed
    phase = number % 90
    told = ("WA501",) if phase == 40 else ("WA502",) if phase == 55 else ()
    return CalendarNight(
        night=day,
        version=Version(f"2.7.0.dev{day:%Y%m%d}+cu126"),
        verdict="inconsistent" if 40 <= phase < 55 else "undecided" if number % 37 == 0 else "consistent",
        told=told,
    )
