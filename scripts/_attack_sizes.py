"""scripts/attack: what is too large, deep or slow: each attack a run of the command line, and what it must come to.

An attack that holds ends within `Attack.seconds` and `Attack.memory`, with the exit code and
the words that are due, and says what it could read beside what it could not.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts._attack_run import GUARDED_MB, Ran, Row, build_environ, run_child
from scripts._attack_server import Body, Site, serve, text

METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WHEEL = "demo-1.0-cp312-cp312-win_amd64.whl"
GOOD_WHEEL = "demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
CANNOT, UNDECIDED, INCONSISTENT, CONSISTENT = 2, 3, 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attack is built: an index to fill, and the folder that the command runs in."""

    site: Site
    folder: Path

    def put(self, path: str, body: Body | bytes) -> None:
        """Serve ``body`` at ``path``."""
        self.site.bodies[path] = text(body) if isinstance(body, bytes) else body

    def list_wheels(self, names: Sequence[str], *, metadata: bool = True) -> None:
        """Serve a page of ``demo`` with these wheels."""
        mark = ' data-core-metadata="true"' if metadata else ""
        links = "".join(f'<a href="/files/{name}"{mark}>{name}</a>\n' for name in names)
        self.put("/simple/demo/", b"<!DOCTYPE html><html><body>\n" + links.encode() + b"</body></html>")

    def list_beside_good(self, body: Body | bytes) -> None:
        """Serve a page of two wheels: the ``.metadata`` of one is ``body``, that of the other is as it should be."""
        self.list_wheels([WHEEL, GOOD_WHEEL])
        self.put(f"/files/{WHEEL}.metadata", body)
        self.put(f"/files/{GOOD_WHEEL}.metadata", METADATA + b"Requires-Dist: a\n\n")

    def write(self, name: str, pieces: Iterator[bytes] | bytes) -> Path:
        """Write a file that the command finds."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in (pieces,) if isinstance(pieces, bytes) else pieces:
                file.write(piece)
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack, and what it must come to."""

    name: str
    tried: str
    build: Callable[[Place], object]
    code: int
    says: str = ""
    """What the report or the error has to say."""
    arguments: Sequence[str] | None = None
    """Of the command line; None: the release of the place's index is audited."""
    memory: float = 400.0
    """MB."""
    seconds: float = 120.0


def run(part: str, folder: Path, *, named: Sequence[str] | None = None) -> Iterator[Row]:
    """Do the attacks of a part, one after the other; ``named``: those whose names begin so."""
    attacks: tuple[Attack, ...] = importlib.import_module(f"scripts._attack_sizes_{part}").ATTACKS
    for number, attack in enumerate(attacks):
        if named is None or any(attack.name.startswith(name) for name in named):
            place = folder / str(number)
            place.mkdir()
            yield do_attack(attack, place)


def do_attack(attack: Attack, folder: Path) -> Row:
    """Build an attack, run it and see whether it held."""
    home = folder / "home"
    home.mkdir()
    with serve() as site:
        attack.build(Place(site=site, folder=folder))
        command = [sys.executable, "-m", "wheelaudit", *_build_arguments(attack, site, folder)]
        ran = run_child(command, build_environ(home), limit=attack.seconds, cwd=folder)
    said = _find_said(ran, folder / "report.json", attack.says)
    trouble = _find_trouble(attack, ran, said)
    outcome = said if trouble is None else f"{trouble}: {said}"
    return Row(
        attack=attack.name,
        tried=attack.tried,
        outcome=outcome[:300],
        memory=ran.memory,
        seconds=ran.seconds,
        held=trouble is None,
    )


def _build_arguments(attack: Attack, site: Site, folder: Path) -> list[str]:
    if attack.arguments is not None:
        return [*attack.arguments]
    report = str(folder / "report.json")
    return [
        *("demo==1.0", "--index", f"{site.url}/simple", "--no-cache", "--no-progress", "--retries", "0"),
        *("--timeout", "5", "--format", "json", "-o", report),
    ]


def _find_said(ran: Ran, report: Path, due: str) -> str:
    """Return the verdict with the finding that is ``due``, else with the first; or the error."""
    if report.exists():
        releases = json.loads(report.read_bytes()).get("releases", [])
        if releases:
            findings = [finding["message"] for finding in releases[0]["findings"] if finding["id"] >= "WA2"]
            findings.sort(key=lambda finding: due not in finding)
            return f"exit {ran.code}, {releases[0]['verdict']}. {''.join(findings[:1])}"
    return f"exit {ran.code}. {' '.join(ran.words.split())}"


def _find_trouble(attack: Attack, ran: Ran, said: str) -> str | None:
    """Say what is not as it should be; None where all is."""
    if ran.code == -9:
        return f"not done after {attack.seconds:.0f} s"
    if "Traceback" in ran.words or '.py", line ' in ran.words:
        return "a traceback"
    if ran.code != attack.code:
        return f"exit {ran.code} in the place of {attack.code}"
    if attack.says not in said and attack.says not in ran.words:
        return f'it does not say "{attack.says}"'
    if ran.memory > min(attack.memory, GUARDED_MB):
        return f"more than {attack.memory:.0f} MB"
    return None
