"""scripts/attack: releases as they truly are, and an index that shows each of them in one of many ways.

Some are real (``cassettes/``), most are drawn: wheels of a few platforms and Pythons with one,
two or three METADATA. What is right of a release is judged from these values alone, without
an index: `find_truth`.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal
from urllib.parse import quote

from tests.cli.indexes import pack_metadata
from tests.releases import build_release, build_wheel, load_metadata
from wheelaudit.audit.audit import audit_release
from wheelaudit.metadata import WheelMetadata, parse_metadata
from wheelaudit.report import json as report

Kind = Literal["page", "metadata", "wheel"]
Hashes = Literal["sha256", "true", "inside"]
"""What a page says of ``.metadata`` files: their hash, that they are there (PEP 714), or nothing: none is there."""

REAL = ("opencv-python-4.4.0.46", "torch-2.1.0", "torch-2.6.0+cu126", "torch-2.10.0")
PYTHONS = ("cp310", "cp311", "cp312", "cp313")
PLATFORMS = (
    "macosx_11_0_arm64",
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_28_aarch64",
    "win_amd64",
)
REQUIREMENTS = ("alpha", "beta==1.0", "beta==2.0", "gamma>=1", "delta[fast]>=1", "epsilon")
MARKERS = ("", "", 'sys_platform == "linux"', 'platform_machine == "x86_64"', 'python_version < "3.12"')
HTML, JSON = "text/html; charset=utf-8", "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is right of a release."""

    verdict: str
    override: object
    """As the JSON report has it; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A file of the index."""

    kind: Kind
    body: bytes
    content_type: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A release, and how the index shows it."""

    project: str
    version: str
    metadata: Mapping[str, bytes] = field(repr=False)
    """Of each wheel, by file name."""
    hashes: Hashes = "sha256"
    form: Literal["html", "json"] = "html"
    packed: bool = True
    """Whether pages and ``.metadata`` come in gzip, which has a CRC-32 of its own."""
    chunked: bool = False
    wheel_hashes: bool = False

    @property
    def spec(self) -> str:
        return f"{self.project}=={self.version}"

    @property
    def page_path(self) -> str:
        return f"/simple/{self.project}/"


def draw_world(seed: int) -> World:
    """Return a world; the same of the same number."""
    draw = random.Random(seed)
    project, version, metadata = _draw_release(draw)
    return World(
        project=project,
        version=version,
        metadata=metadata,
        hashes=draw.choice(("sha256", "sha256", "sha256", "true", "inside")),
        form=draw.choice(("html", "json")),
        packed=draw.random() < 0.7,
        chunked=draw.random() < 0.3,
        wheel_hashes=draw.random() < 0.3,
    )


def _draw_release(draw: random.Random) -> tuple[str, str, dict[str, bytes]]:
    if draw.random() < 0.15:
        name = draw.choice(REAL)
        project, _, version = name.rpartition("-")
        return project, version, load_metadata(name)
    project, version = "demo", f"{draw.randint(1, 9)}.{draw.randint(0, 9)}"
    return project, version, draw_metadata(draw, project, version, variants=draw.choice((1, 1, 2, 3)))


def draw_metadata(draw: random.Random, project: str, version: str, *, variants: int) -> dict[str, bytes]:
    """Return wheels of a release that hold so many METADATA."""
    texts = [_draw_text(draw, project, version) for _ in range(variants)]
    pairs = [(python, platform) for python in PYTHONS for platform in PLATFORMS]
    chosen = draw.sample(pairs, draw.randint(3, 8))
    return {
        f"{project}-{version}-{python}-{python}-{platform}.whl": draw.choice(texts)
        for python, platform in sorted(chosen)
    }


def _draw_text(draw: random.Random, project: str, version: str) -> bytes:
    lines = [f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}", "Provides-Extra: gpu"]
    asked: dict[str, str] = {}
    for requirement in draw.sample(REQUIREMENTS, 3):
        marker = draw.choice(MARKERS)
        asked[requirement.partition("=")[0]] = f"{requirement}; {marker}" if marker else requirement
    if draw.random() < 0.5:
        asked["zeta"] = 'zeta>=2; extra == "gpu"'
    lines += [f"Requires-Dist: {line}" for line in asked.values()]
    return ("\n".join(lines) + f"\n\n{'A long description. ' * draw.randint(1, 60)}\n").encode()


def find_truth(world: World) -> Truth:
    """Judge the release from what its wheels say, without any index."""
    return _find_truth(tuple(world.metadata.items()))


@cache
def _find_truth(metadata: tuple[tuple[str, bytes], ...]) -> Truth:
    readings = [
        WheelMetadata(
            wheel=build_wheel(name), core=parse_metadata(data), sha256=hashlib.sha256(data).hexdigest(), source="pep658"
        )
        for name, data in metadata
    ]
    told = report.build_release(audit_release(build_release(readings), readings))
    # Through JSON: what is compared with it comes out of a report.
    return Truth(verdict=str(told["verdict"]), override=json.loads(json.dumps(told["override"])))


def build_files(worlds: Iterable[World]) -> dict[str, Payload]:
    """Return what the index has, by path; the worlds are releases of one project."""
    shown = list(worlds)
    files: dict[str, Payload] = {}
    for world in shown:
        for name, data in world.metadata.items():
            path = f"/files/{quote(name)}"
            wheel = pack_metadata(data, world.project.replace("-", "_"), world.version)
            files[path] = Payload(kind="wheel", body=wheel, content_type="application/octet-stream")
            if world.hashes != "inside":
                files[f"{path}.metadata"] = Payload(kind="metadata", body=data, content_type="text/plain")
    page = _build_json(shown, files) if shown[0].form == "json" else _build_html(shown, files)
    files[shown[0].page_path] = Payload(kind="page", body=page, content_type=JSON if shown[0].form == "json" else HTML)
    return files


def _build_html(worlds: Iterable[World], files: Mapping[str, Payload]) -> bytes:
    anchors = []
    for world in worlds:
        for name, data in world.metadata.items():
            path = f"/files/{quote(name)}"
            fragment = f"#sha256={_digest(files[path].body)}" if world.wheel_hashes else ""
            said = f"sha256={_digest(data)}" if world.hashes == "sha256" else "true"
            attribute = "" if world.hashes == "inside" else f' data-core-metadata="{said}"'
            anchors.append(f'<a href="{path}{fragment}"{attribute}>{html.escape(name)}</a><br>')
    lines = ["<!DOCTYPE html>", "<html>", "<body>", "<h1>Links for it</h1>", *anchors, "</body>", "</html>"]
    return ("\n".join(lines) + "\n").encode()


def _build_json(worlds: Iterable[World], files: Mapping[str, Payload]) -> bytes:
    entries = []
    for world in worlds:
        for name, data in world.metadata.items():
            path = f"/files/{quote(name)}"
            said = {"sha256": _digest(data)} if world.hashes == "sha256" else world.hashes == "true"
            hashes = {"sha256": _digest(files[path].body)} if world.wheel_hashes else {}
            entries.append({"filename": name, "url": path, "hashes": hashes, "core-metadata": said})
    project = next(iter(worlds)).project
    return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": entries}, indent=1).encode()


def pack(data: bytes) -> bytes:
    """Pack a body; the same bytes at any time of day."""
    return gzip.compress(data, mtime=0)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
