"""A simple repository on this machine's loopback (PEP 503, 592, 658, 714), of METADATA without wheels.

`uv lock` never opens a wheel whose page advertises a ``.metadata`` file; so a release is
its file names and its METADATA, and a project that is only depended upon is a stub.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from tests.cli.indexes import pack_metadata
from tests.index.server import FileServer
from wheelaudit.metadata import Reading, WheelMetadata


@dataclass(frozen=True, kw_only=True)
class ServedWheel:
    """One wheel of a page."""

    filename: str
    metadata: bytes
    yanked: str | None = None
    requires_python: str | None = None
    """The page's ``data-requires-python``; None: not there."""
    sha256: str | None = None
    """Of the wheel, as the page gives it; None: it does not. Without it uv fetches the wheel for an export."""
    inside: bool = False
    """Whether METADATA lies in the wheel alone, and no ``.metadata`` beside it."""


@dataclass(kw_only=True)
class SimpleIndex:
    """One index below ``path`` of a server."""

    server: FileServer
    path: str
    wheels: dict[str, list[ServedWheel]] = field(default_factory=dict)
    """By normalised project."""

    @property
    def url(self) -> str:
        return f"{self.server.url}{self.path}"

    def add(self, wheels: Iterable[ServedWheel]) -> None:
        """Put wheels on their projects' pages, below those that are there."""
        changed = set()
        for wheel in wheels:
            project, version, *_ = parse_wheel_filename(wheel.filename)
            self.wheels.setdefault(project, []).append(wheel)
            path = f"{self.path}/{project}/{quote(wheel.filename)}"
            if wheel.inside:
                self.server.files[path] = pack_metadata(wheel.metadata, project, str(version))
            else:
                self.server.files[f"{path}.metadata"] = wheel.metadata
            changed.add(project)
        for project in changed:
            lines = "\n".join(map(_anchor, self.wheels[project]))
            self.server.files[f"{self.path}/{project}/"] = (
                f"<!DOCTYPE html><html><body>\n{lines}\n</body></html>".encode()
            )


def _anchor(wheel: ServedWheel) -> str:
    digest = hashlib.sha256(wheel.metadata).hexdigest()
    attributes = "" if wheel.inside else f'data-core-metadata="sha256={digest}"'
    if wheel.requires_python is not None:
        attributes += f' data-requires-python="{html.escape(wheel.requires_python)}"'
    if wheel.yanked is not None:
        attributes += f' data-yanked="{html.escape(wheel.yanked)}"'
    fragment = "" if wheel.sha256 is None else f"#sha256={wheel.sha256}"
    return f'<a href="{quote(wheel.filename)}{fragment}" {attributes}>{wheel.filename}</a><br>'


def build_metadata(project: str, version: str, *, extras: Iterable[str] = (), requires: Iterable[str] = ()) -> bytes:
    """Return the METADATA of a wheel that is nothing but what it asks for."""
    lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {each}" for each in requires]
    return ("\n".join(lines) + "\n").encode()


def build_stub(filename: str, *, yanked: str | None = None, requires: Iterable[str] = ()) -> ServedWheel:
    """Return a wheel of any name that asks for ``requires``."""
    project, version, *_ = parse_wheel_filename(filename)
    return ServedWheel(
        filename=filename, metadata=build_metadata(project, str(version), requires=requires), yanked=yanked
    )


def build_requirement_stubs(readings: Iterable[Reading]) -> list[ServedWheel]:
    """Return stub wheels of everything that ``readings`` ask for: for each specifier a version that meets it."""
    texts = {
        line.text for reading in readings if isinstance(reading, WheelMetadata) for line in reading.core.requires_dist
    }
    specifiers: dict[str, set[SpecifierSet]] = {}
    extras: dict[str, set[str]] = {}
    for requirement in map(Requirement, sorted(texts)):
        project = canonicalize_name(requirement.name)
        specifiers.setdefault(project, set()).add(requirement.specifier)
        extras.setdefault(project, set()).update(requirement.extras)
    return [
        ServedWheel(
            filename=f"{project.replace('-', '_')}-{version}-py3-none-any.whl",
            metadata=build_metadata(project, str(version), extras=sorted(extras[project])),
        )
        for project in sorted(specifiers)
        for version in sorted(_find_versions(specifiers[project]))
    ]


def _find_versions(specifiers: Iterable[SpecifierSet]) -> set[Version]:
    """Every version that a specifier names (so the lower bounds) and one far above them all."""
    named = {Version(each.version.removesuffix(".*")) for specifier in specifiers for each in specifier}
    versions = {*named, Version("999")}
    for specifier in specifiers:
        assert any(specifier.contains(version, prereleases=True) for version in versions), specifier
    return versions
