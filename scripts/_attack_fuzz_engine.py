"""scripts/attack: the fuzzer behind `_attack_fuzz`: what a target is, how inputs are made, what counts as a crash.

Two ways to make inputs, one way to judge them. With ``atheris`` (libFuzzer; not a dependency,
as it has wheels for few platforms) mutation follows the branches of what is fuzzed; without it,
seeds are mutated by a seeded chance alone, and on Python 3.12 and later an input that reaches a
new line (`sys.monitoring`, which then costs next to nothing) becomes a seed as well.
"""

from __future__ import annotations

import functools
import gc
import random
import signal
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

import wheelaudit
from wheelaudit.errors import WheelAuditError

PACKAGE = str(Path(wheelaudit.__file__).parent)

HANG_SECONDS = 2.0
"""Of the processor, as a busy machine is no hang; no honest input of these sizes needs a tenth of it."""
MAX_PEAK_BYTES = 64 * 1024 * 1024
"""Of memory for one input: a few thousand bytes must not become this many."""
SAMPLED = 1000
"""Every so many inputs the memory of one is measured, which makes it ten times as slow."""
FORGOTTEN = 10_000
"""Every so many inputs what is remembered between calls (`functools.lru_cache`) is dropped: it would hide a leak."""
MAX_CORPUS = 4096
MAX_STACKED = 6
"""Mutations on top of one another."""
SHOWN = 2000
"""Characters of a traceback that are kept."""

INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"0",
    b"-1",
    b"9" * 20,
    b"9" * 5000,
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
)
"""What parsers trip over, whatever they parse: 5,000 digits are more than Python converts to an integer."""
TEXTS = (
    '"',
    "'",
    "\\",
    "<",
    ">",
    "&",
    "%00",
    "%2F",
    "../",
    "é",
    "\u202e",
    "\u2028",
    "\U000e0001",
    "\x1b[31m",
    "\ufeff",
)
NESTED = (b"[", b"{", b"(", b'{"a":', b"<a ", b"a.", b"a-", b"a,")
"""What is repeated a thousand times, and so nested where the language nests."""

Check = Callable[[bytes], None]
"""Holds one input against every promise; raises where one is broken, and returns where it is merely refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser, or several that are fed alike."""

    name: str
    prepare: Callable[[Path], Check]
    """Gets a folder of its own."""
    seeds: Callable[[], Iterable[bytes]]
    tokens: Sequence[str] = ()
    """Words of its language."""
    longest: int = 4096
    """Bytes of an input."""
    share: float = 1.0
    """Of the time, beside other targets."""
    short: int = 2000
    """Inputs of the short run that is among the tests: what half a second is enough for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A promise that an input breaks; of those with one place the first."""

    place: str
    """Kind of the exception, and where it was raised."""
    told: str
    """The end of its traceback."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """What a run came to."""

    inputs: int
    seconds: float
    crashes: tuple[Crash, ...]


class HangError(BaseException):
    """An input took too long. No Exception: nothing on the way may take it for a failure that it knows."""


class BlowUpError(Exception):
    """An input took too much memory."""


class Guard:
    """Runs a check on inputs: counts them, bounds time and memory, and keeps the crashes apart by their place."""

    def __init__(self, check: Check, *, seconds: float = HANG_SECONDS) -> None:
        self._check = check
        self._seconds = seconds
        # Windows has no such alarm: there an input that hangs is found by whoever waits for the run.
        self._alarmed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
        self._crashes: dict[str, Crash] = {}
        self.count = 0

    @property
    def crashes(self) -> tuple[Crash, ...]:
        return tuple(self._crashes.values())

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Hold the alarm for the block."""
        if not self._alarmed:
            yield
            return
        before = signal.signal(signal.SIGPROF, _ring)
        try:
            yield
        finally:
            signal.signal(signal.SIGPROF, before)

    def run(self, data: bytes) -> None:
        """Check one input; whatever it raises is kept as a crash."""
        self.count += 1
        if self.count % FORGOTTEN == 0:
            for cache in self._caches:
                cache.cache_clear()
        try:
            self._set_alarm(self._seconds)
            self._measure(data) if self.count % SAMPLED == 0 else self._check(data)
            self._set_alarm(0)
        except (Exception, HangError) as error:
            self._set_alarm(0)
            self._keep(error, data)

    def _set_alarm(self, seconds: float) -> None:
        if self._alarmed:
            signal.setitimer(signal.ITIMER_PROF, seconds)

    def _measure(self, data: bytes) -> None:
        tracemalloc.start()
        try:
            self._check(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        if peak > MAX_PEAK_BYTES:
            raise BlowUpError(f"{len(data)} bytes of input took {peak} bytes of memory")

    def _keep(self, error: BaseException, data: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename.startswith(PACKAGE)] or frames
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "nowhere"
        place = f"{type(error).__name__} at {where}"
        told = "".join(traceback.format_exception(error))[-SHOWN:]
        self._crashes.setdefault(place, Crash(place=place, told=told, data=data))


def _ring(number: int, frame: FrameType | None) -> None:
    raise HangError("it took too long")


def fuzz(target: Target, folder: Path, *, inputs: int, seed: int, seconds: float, hang: float = HANG_SECONDS) -> Fuzzed:
    """Feed a target its seeds and then what becomes of them; the same arguments make the same inputs.

    ``seconds`` ends the run early, ``hang`` bounds one input.
    """
    guard = Guard(target.prepare(folder), seconds=hang)
    started = time.monotonic()
    corpus = list(target.seeds())
    tokens = (*INTERESTING, *(each.encode() for each in (*TEXTS, *target.tokens)))
    # Not hash(): it differs from run to run.
    chance = random.Random(f"{target.name} {seed}")
    with guard.armed(), NewLines() as lines:
        # Of a short run no more than half: there may be hundreds.
        for data in corpus[: (inputs + 1) // 2]:
            guard.run(data)
        lines.take()
        while guard.count < inputs and (guard.count % 64 or time.monotonic() - started < seconds):
            data = mutate(chance, corpus, tokens, target.longest)
            guard.run(data)
            if lines.take() and len(corpus) < MAX_CORPUS:
                corpus.append(data)
    return Fuzzed(inputs=guard.count, seconds=time.monotonic() - started, crashes=guard.crashes)


def mutate(chance: random.Random, corpus: Sequence[bytes], tokens: Sequence[bytes], longest: int) -> bytes:
    """Return one of the corpus, changed in one place or a few."""
    data = chance.choice(corpus)
    for _ in range(chance.randint(1, MAX_STACKED)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + 1 + int(chance.expovariate(1 / 8)))
        match chance.randrange(9):
            case 0 if data:
                at = min(at, len(data) - 1)
                data = data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]
            case 1:
                data = data[:at] + chance.randbytes(chance.randint(1, 4)) + data[at:]
            case 2:
                data = data[:at] + data[end:]
            case 3:
                data = data[:at] + data[at:end] * chance.choice((2, 3, 16, 256)) + data[end:]
            case 4:
                data = data[:at] + chance.choice(NESTED) * chance.choice((2, 60, 1000)) + data[at:]
            case 5:
                other = chance.choice(corpus)
                data = data[:at] + other[chance.randrange(len(other) + 1) :]
            case 6:
                other = chance.choice(corpus)
                start = chance.randrange(len(other) + 1)
                data = data[:at] + other[start : start + chance.randint(1, 64)] + data[at:]
            case 7:
                data = data[:at] + chance.choice(tokens) + data[end:]
            case _:
                data = data[:at] + chance.choice(tokens) + data[at:]
    return data[:longest]


class NewLines:
    """Tells whether a line of wheelaudit ran that had not run before; never, on Python 3.11."""

    def __init__(self) -> None:
        self._new = False

    def take(self) -> bool:
        new, self._new = self._new, False
        return new

    def __enter__(self) -> NewLines:
        self._watching = False
        if sys.version_info >= (3, 12) and sys.monitoring.get_tool(sys.monitoring.COVERAGE_ID) is None:
            monitoring = sys.monitoring
            monitoring.restart_events()  # whatever an earlier run has seen
            monitoring.use_tool_id(monitoring.COVERAGE_ID, "fuzz")
            monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._see)
            monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)
            self._watching = True
        return self

    def __exit__(self, *_: object) -> None:
        if sys.version_info >= (3, 12) and self._watching:
            monitoring = sys.monitoring
            monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.NO_EVENTS)
            monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, None)
            monitoring.free_tool_id(monitoring.COVERAGE_ID)

    def _see(self, code: CodeType, line: int) -> object:
        self._new = self._new or code.co_filename.startswith(PACKAGE)
        if sys.version_info >= (3, 12):
            return sys.monitoring.DISABLE  # each line is told once
        else:
            return None


def spread(data: bytes) -> random.Random:
    """Return a chance that depends on the input alone: a crash is found again by its bytes."""
    return random.Random(data)


def cut_anyhow(data: bytes) -> Iterator[bytes]:
    """Yield the input in pieces, some of them empty, some of one byte."""
    chance = spread(data)
    if len(data) <= 200 and chance.random() < 0.2:
        yield from (data[at : at + 1] for at in range(len(data)))
        return
    places = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randint(1, 6)))
    for start, end in zip((0, *places), (*places, len(data)), strict=True):
        yield data[start:end]


def read_text(data: bytes) -> str:
    """Return the input as text; what is no UTF-8 becomes lone surrogates now and then, as JSON can bring them."""
    return data.decode("utf-8", "surrogateescape" if len(data) % 8 == 0 else "replace")


def encode(*texts: str) -> Callable[[], Iterable[bytes]]:
    """Return seeds that are these texts."""
    return lambda: (text.encode() for text in texts)


def always(check: Check) -> Callable[[Path], Check]:
    """Return the preparation of a check that needs none."""
    return lambda folder: check


def check_error(error: WheelAuditError, *, secret: str = "") -> None:
    """See that an error says what to do, and no secret."""
    assert error.remedy, error
    assert not secret or secret not in str(error), error
