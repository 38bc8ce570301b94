"""scripts/attack, part ``files``: locks, settings, cassettes and histories that are too large or too deep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

from scripts._attack_sizes import CANNOT, CONSISTENT, Attack, Place

MB = 1024 * 1024
PROJECT = b'[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
LOCK = b'version = 1\nrequires-python = ">=3.11"\n'


def _lock(pieces: Iterator[bytes] | bytes) -> Callable[[Place], None]:
    def build(place: Place) -> None:
        place.write("pyproject.toml", PROJECT)
        place.write("uv.lock", pieces)

    return build


def _pyproject(pieces: Iterator[bytes] | bytes) -> Callable[[Place], object]:
    return lambda place: place.write("pyproject.toml", pieces)


def _many(start: bytes, piece: bytes, size: int, end: bytes = b"") -> Iterator[bytes]:
    yield start
    yield from repeat(piece * (MB // len(piece)), size // MB)
    yield end


def _packages(count: int) -> Iterator[bytes]:
    yield LOCK
    for number in range(count):
        url = f"https://files.example/p{number}-1.0-py3-none-any.whl"
        yield (
            f'[[package]]\nname = "p{number}"\nversion = "1.0"\n'
            'source = { registry = "https://index.example/simple" }\n'
            f'wheels = [{{ url = "{url}", hash = "sha256:{number:064x}" }}]\n'
        ).encode()


def _overrides(count: int) -> bytes:
    entry = '{ name = "torch", version = "1.%d", requires-dist = ["a; os_name == \'x\'"] }'
    entries = ", ".join(entry % number for number in range(count))
    return PROJECT + f"[tool.uv]\ndependency-metadata = [{entries}]\n".encode()


_LOCKED = ("lock", "--no-progress", "--offline")
_CHECKED = ("check", "--offline")
_REPLAYED = ("demo==1.0", "--index", "https://index.example/simple", "--replay", "cassette", "--no-progress")
_IMPORTED = ("history", "import", "--history", "history.sqlite3", "lines.jsonl")

ATTACKS = (
    Attack(
        name="uv.lock of 100 MB",
        tried="comments",
        build=_lock(_many(LOCK, b"# x\n", 100 * MB)),
        arguments=_LOCKED,
        code=CANNOT,
        says="more than 67108864 bytes",
    ),
    Attack(
        name="uv.lock of 100,000 packages",
        tried="a wheel each",
        build=_lock(_packages(100_000)),
        arguments=_LOCKED,
        code=CONSISTENT,
        memory=800.0,
    ),
    Attack(
        name="uv.lock, 100,000 arrays deep",
        tried="a = [[[...",
        build=_lock(LOCK + b"a = " + b"[" * 100_000 + b"]" * 100_000),
        arguments=_LOCKED,
        code=CANNOT,
        says="nested too deeply",
    ),
    Attack(
        name="uv.lock, a key of 200,000 parts",
        tried="a.a.a...",
        build=_lock(LOCK + b".".join([b"a"] * 200_000) + b" = 1\n"),
        arguments=_LOCKED,
        code=CANNOT,
        says="more than 200 parts",
    ),
    Attack(
        name="uv.lock, a marker in 100,000 parentheses",
        tried="of a dependency",
        build=_lock(
            LOCK
            + b'[[package]]\nname = "demo"\nversion = "1"\nsource = { virtual = "." }\n'
            + b'dependencies = [{ name = "a", marker = "'
            + b"(" * 100_000
            + b"os_name == 'a'"
            + b")" * 100_000
            + b'" }]\n'
        ),
        arguments=_LOCKED,
        code=CANNOT,
        says="marker",
    ),
    Attack(
        name="pyproject.toml of 10 MB",
        tried="150,000 overrides in one inline array",
        build=_pyproject(_overrides(150_000)),
        arguments=_CHECKED,
        code=CANNOT,
        says="more than 4 MiB",
    ),
    Attack(
        name="pyproject.toml of 4 MB",
        tried="nested inline tables",
        build=_pyproject(_many(PROJECT + b"[tool.other]\na = [", b"{b={c={d={e=[1,2,{f=1}]}}}},", 3 * MB, b"]\n")),
        arguments=_CHECKED,
        code=CONSISTENT,
    ),
    Attack(
        name="pyproject.toml, 50,000 inline tables deep",
        tried="a={b={b=...",
        build=_pyproject(PROJECT + b"a=" + b"{b=" * 50_000 + b"1" + b"}" * 50_000),
        arguments=_CHECKED,
        code=CANNOT,
        says="nested too deeply",
    ),
    Attack(
        name="pyproject.toml, a requirement in 100,000 parentheses",
        tried="an override of torch 1.0",
        build=_pyproject(
            PROJECT
            + b'[[tool.uv.dependency-metadata]]\nname = "torch"\nversion = "1.0"\nrequires-dist = ["a; '
            + b"(" * 100_000
            + b'"]\n'
        ),
        arguments=_CHECKED,
        code=CANNOT,
    ),
    Attack(
        name="cassette, index of 100 MB",
        tried="numbers",
        build=lambda place: place.write(
            "cassette/exchanges.json", _many(b'{"schema": 1, "exchanges": [', b"1,", 100 * MB, b"1]}")
        ),
        arguments=_REPLAYED,
        code=CANNOT,
        says="larger than",
    ),
    Attack(
        name="cassette, index of 15 MB",
        tried="5 million empty lists",
        build=lambda place: place.write(
            "cassette/exchanges.json", _many(b'{"schema": 1, "exchanges": [', b"[],", 15 * MB, b"1]}")
        ),
        arguments=_REPLAYED,
        code=CANNOT,
        says="cannot be read",
        memory=600.0,
    ),
    Attack(
        name="history, a line of 200 MB",
        tried="a string",
        build=lambda place: place.write("lines.jsonl", _many(b'{"schema": 1, "a": "', b"x", 200 * MB, b'"}\n')),
        arguments=_IMPORTED,
        code=CANNOT,
        says="bytes",
        memory=600.0,
    ),
    Attack(
        name="history, a line of 100 MB",
        tried="a list of numbers",
        build=lambda place: place.write("lines.jsonl", _many(b'{"schema": 1, "a": [', b"1,", 100 * MB, b"1]}\n")),
        arguments=_IMPORTED,
        code=CANNOT,
        memory=1200.0,
    ),
)
