"""scripts/bench (writes one folder): synthetic indexes, the same bytes for the same shape.

The releases are of torch's kind: METADATA of about 33 KB, fourteen pins that only the
Linux x86_64 wheels name, so that the audit has something to find and an override to prove.
"""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Literal

METADATA_BYTES = 33_000
"""About what torch's METADATA has, the description included."""
WORDS = 2_000
"""That a description is made of: it deflates to about a third, as real ones do."""
PAYLOAD_BYTES = 300_000
"""Of a small wheel that has no ``.metadata`` beside it: enough that reading it whole is not the same."""
DIRECTORY_BYTES = 1_300_000
"""Of the central directory in the Range case: torch's wheels have 0.9 to 1.3 MB."""
ENTRY_NAME_BYTES = 72
ENTRY_BYTES = 46 + ENTRY_NAME_BYTES
"""Of one file in a central directory (APPNOTE 4.3.12)."""

VERSION = "1.0"
CPYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp39", "cp38")
PYPYS = ("pp39", "pp310", "pp311")
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_28_aarch64",
    "macosx_11_0_arm64",
    "win_amd64",
    "manylinux_2_17_x86_64",
    "manylinux_2_17_aarch64",
    "macosx_10_9_x86_64",
    "win_arm64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_14_0_arm64",
    "win32",
    "manylinux_2_34_x86_64",
    "manylinux_2_34_aarch64",
    "macosx_12_0_arm64",
    "manylinux_2_28_s390x",
    "manylinux_2_28_ppc64le",
    "manylinux_2_31_armv7l",
    "manylinux_2_31_riscv64",
    "macosx_13_0_x86_64",
)
PINS = tuple(
    f'nvidia-{name}-cu12==12.6.{number}; platform_system == "Linux" and platform_machine == "x86_64"'
    for number, name in enumerate(
        (
            *("cublas", "cuda-cupti", "cuda-nvrtc", "cuda-runtime", "cudnn", "cufft", "cufile"),
            *("curand", "cusolver", "cusparse", "cusparselt", "nccl", "nvjitlink", "nvtx"),
        )
    )
)
COMMON = (
    "filelock",
    "typing-extensions>=4.10.0",
    "networkx",
    "jinja2",
    "fsspec",
    'setuptools; python_version >= "3.12"',
    'sympy==1.13.1; python_version >= "3.9"',
    'opt-einsum>=3.3; extra == "opt-einsum"',
    'optree>=0.13.0; extra == "optree"',
)

Place = Literal["first", "middle", "last"]
PLACES: tuple[Place, ...] = ("last", "middle", "first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a project of the index looks like."""

    wheels: int
    links: int
    distinct: int
    """METADATA that differ, in bytes at least."""
    metadata: bool = True
    """Whether ``.metadata`` files lie beside the wheels (PEP 658)."""
    place: Place | None = None
    """Range case: where dist-info lies in an archive with a large directory; None: a usual one."""

    @property
    def project(self) -> str:
        """A name of its own for each shape, so that all live in one index."""
        kind = self.place or ("" if self.metadata else "inside")
        return f"bench-{self.wheels}{'-' if kind else ''}{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltProject:
    """A project in the served folder; paths are those of URLs, from the server's root."""

    shape: Shape
    page: str
    wheels: tuple[str, ...]


def build_project(shape: Shape, root: Path) -> BuiltProject:
    """Write the page and the files of ``shape`` below ``root``."""
    files = root / "files" / shape.project
    files.mkdir(parents=True)
    page = root / "simple" / shape.project / "index.html"
    page.parent.mkdir(parents=True)
    names = list(islice(_wheel_names(shape.project), shape.wheels))
    metadata = [_build_metadata(shape, number, names[number]) for number in range(shape.distinct)]
    hashes: dict[str, str] = {}
    archive = _build_archive(shape, metadata[0]) if shape.place else b""
    for number, name in enumerate(names):
        own = metadata[number % shape.distinct]
        if shape.metadata:
            (files / f"{name}.metadata").write_bytes(own)
            hashes[name] = hashlib.sha256(own).hexdigest()
        elif archive:
            (files / name).write_bytes(archive)
        else:
            _write_small_wheel(files / name, shape, own)
    page.write_text(_build_page(shape, names, hashes))
    folder = f"/files/{shape.project}"
    return BuiltProject(
        shape=shape, page=f"/simple/{shape.project}/", wheels=tuple(f"{folder}/{name}" for name in names)
    )


def _wheel_names(project: str) -> Iterator[str]:
    """Name wheels, the platform changing fastest: equal METADATA then belong to one platform, as in real releases."""
    stem = project.replace("-", "_")
    first = list(product(CPYTHONS[:5], PLATFORMS[:4]))
    every = dict.fromkeys((*first, *product((*CPYTHONS, *PYPYS), PLATFORMS)))
    for build, (python, platform) in product(range(10), every):
        yield f"{stem}-{VERSION}{f'-{build}' if build else ''}-{_tag(python)}-{platform}.whl"


def _tag(python: str) -> str:
    return f"{python}-{python}" if python.startswith("cp") else f"{python}-pypy{python[2:]}_pp73"


def _build_metadata(shape: Shape, number: int, filename: str) -> bytes:
    pins = PINS if "linux" in filename and "x86_64" in filename else ()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {shape.project}",
        f"Version: {VERSION}",
        f"Keywords: variant {number}",
        "Requires-Python: >=3.8",
        *("Provides-Extra: opt-einsum", "Provides-Extra: optree"),
        *(f"Requires-Dist: {line}" for line in (*COMMON, *pins)),
    ]
    head = "\n".join(lines) + "\n\n"
    chance = random.Random(number)
    text = " ".join(f"{chance.randrange(WORDS) ** 2:x}" for _ in range(METADATA_BYTES // 4))
    return (head + text)[:METADATA_BYTES].encode()


def _build_page(shape: Shape, names: list[str], hashes: dict[str, str]) -> str:
    """Return a page such as PyTorch's, the release in the middle of older and newer ones."""
    stem = shape.project.replace("-", "_")
    others = [
        f"{stem}-{'0.9' if number % 2 else '1.1'}.0.dev{20240101 + number // 40}"
        f"-{_tag(CPYTHONS[number % 7])}-{PLATFORMS[number % 20]}.whl"
        for number in range(shape.links - shape.wheels)
    ]
    older = [name for name in others if "-0.9" in name]
    newer = [name for name in others if "-0.9" not in name]
    links = [_build_link(shape, name, hashes.get(name)) for name in (*older, *names, *newer)]
    head = f"<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for {shape.project}</h1>\n"
    return f"{head}{''.join(links)}  </body>\n</html>\n"


def _build_link(shape: Shape, name: str, metadata: str | None) -> str:
    own = hashlib.sha256(name.encode()).hexdigest()
    advertised = ""
    if shape.metadata:
        value = f"sha256={metadata or own}"
        advertised = f' data-dist-info-metadata="{value}" data-core-metadata="{value}"'
    return f'    <a href="/files/{shape.project}/{name}#sha256={own}"{advertised}>{name}</a><br/>\n'


def _write_small_wheel(path: Path, shape: Shape, metadata: bytes) -> None:
    stem = shape.project.replace("-", "_")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_entry(f"{stem}/payload.bin"), b"\0" * PAYLOAD_BYTES)
        archive.writestr(_entry(f"{stem}-{VERSION}.dist-info/METADATA"), metadata, zipfile.ZIP_DEFLATED)
        archive.writestr(_entry(f"{stem}-{VERSION}.dist-info/RECORD"), b"")


def _build_archive(shape: Shape, metadata: bytes) -> bytes:
    """Return a wheel whose central directory has `DIRECTORY_BYTES`, dist-info at the shape's place."""
    import io

    stem = shape.project.replace("-", "_")
    count = DIRECTORY_BYTES // ENTRY_BYTES
    at = {"first": 0, "middle": count // 2, "last": count}[shape.place or "last"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count + 1):
            if number == at:
                archive.writestr(_entry(f"{stem}-{VERSION}.dist-info/METADATA"), metadata, zipfile.ZIP_DEFLATED)
                archive.writestr(_entry(f"{stem}-{VERSION}.dist-info/RECORD"), b"")
            archive.writestr(_entry(f"{stem}/{number:0>{ENTRY_NAME_BYTES - len(stem) - 1}}"), b"x" * 400)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A member without the time of day: the same bytes in every run."""
    return zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
