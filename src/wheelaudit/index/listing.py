"""WING B (pure): what pages list of a project, version by version, and the release of one of them.

Obeys the names of distributions (PEP 427, 625), version specifiers (PEP 440) and yanked
files (PEP 592). A page may list 30,000 files of a thousand versions: they are grouped by
the text of their version, and only those of a release are parsed further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.release import Release, SkippedFile, WheelFile, parse_wheel_name, wheel_order

WHEEL_SUFFIX = ".whl"
_SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFiles:
    """What indexes list of one version, before any wheel's name is understood."""

    wheels: list[tuple[str, PageLink]] = field(default_factory=list)
    """Index name and link: indexes as the user gave them, links in the page's order."""
    others: list[PageLink] = field(default_factory=list)
    """Source distributions and eggs."""
    skipped: list[SkippedFile] = field(default_factory=list)
    """Files of this version whose address or version cannot be understood."""

    def takes_part(self, *, yanked: bool) -> bool:
        """Whether any file may be chosen; a yanked one only where ``yanked`` files are admitted."""
        links = [*(link for _, link in self.wheels), *self.others]
        return any(yanked or link.yanked is None for link in links)


def build_release(project: NormalizedName, version: Version, files: ListedFiles, *, yanked: bool) -> Release:
    """Build the release of ``files``: names parsed, each URL of an index once, in the order uv reads them.

    What cannot be placed is in ``skipped``; so the release may have no wheels.
    """
    wheels: dict[WheelFile, None] = {}
    skipped: dict[SkippedFile, None] = dict.fromkeys(files.skipped)
    for index, link in files.wheels:
        if link.yanked is not None and not yanked:
            reason = f"it is yanked: {link.yanked}" if link.yanked else "it is yanked"
            skipped[SkippedFile(filename=link.filename, reason=reason)] = None
            continue
        try:
            wheels.setdefault(build_wheel(link, index))
        except ValueError as error:
            skipped[SkippedFile(filename=link.filename, reason=_reason(error, link.filename))] = None
    return Release(
        project=project,
        version=version,
        # Stable: wheels of one name keep the order of the indexes, then of the page.
        wheels=tuple(sorted(wheels, key=wheel_order)),
        skipped=tuple(sorted(skipped, key=lambda file: (file.filename, file.reason))),
        indexes=tuple(dict.fromkeys(wheel.index for wheel in wheels)),
    )


def build_wheel(link: PageLink, index: str) -> WheelFile:
    """Build the wheel of a link; raises ValueError where its name is none of PEP 427."""
    project, version, build, tags = parse_wheel_name(link.filename)
    return WheelFile(
        filename=link.filename,
        url=link.url,
        index=index,
        project=project,
        version=version,
        build=build,
        tags=tags,
        sha256=link.sha256,
        has_metadata=link.has_metadata,
        metadata_sha256=link.metadata_sha256,
        requires_python=link.requires_python,
        yanked=link.yanked,
        size=link.size,
    )


def build_listing(pages: Sequence[tuple[str, ProjectPage]], project: NormalizedName) -> dict[Version, ListedFiles]:
    """Group the files of ``project`` by version; equal versions (``2.6``, ``2.6.0``) are one."""
    by_text: dict[str, ListedFiles] = {}
    unplaced: list[tuple[str, SkippedFile]] = []
    is_project = ProjectNames(project)
    for index, page in pages:
        for link in page.links:
            text = find_version_text(link.filename, is_project)
            if text is not None:
                files = by_text.setdefault(text, ListedFiles())
                if link.filename.endswith(WHEEL_SUFFIX):
                    files.wheels.append((index, link))
                else:
                    files.others.append(link)
        for file in page.skipped:
            text = find_version_text(file.filename, is_project)
            if text is not None:
                unplaced.append((text, file))
    listing: dict[Version, ListedFiles] = {}
    for text, files in by_text.items():
        version = parse_version(text)
        if version is None:
            reason = f'its version "{text}" is not a version (PEP 440)'
            unplaced += [(text, SkippedFile(filename=link.filename, reason=reason)) for _, link in files.wheels]
            continue
        merged = listing.setdefault(version, ListedFiles())
        merged.wheels.extend(files.wheels)
        merged.others.extend(files.others)
    _place_skipped(listing, unplaced)
    return listing


def _place_skipped(listing: Mapping[Version, ListedFiles], unplaced: Iterable[tuple[str, SkippedFile]]) -> None:
    """Report a file that cannot be used with each release that it plausibly belongs to."""
    for text, file in unplaced:
        version = parse_version(text)
        if version is not None and version in listing:
            listing[version].skipped.append(file)
        elif version is None:
            for other, files in listing.items():
                # "2.6.0.git1a2b" may belong to 2.6.0 and 2.6.0+cpu, but not to 2.6 or 2.
                if re.match(rf"{re.escape(other.public)}(?!\.?\d)", text):
                    files.skipped.append(file)


class ProjectNames:
    """Whether a name as spelled in a file name is the project's; one page has few spellings of many files."""

    def __init__(self, project: NormalizedName) -> None:
        self._project = project
        self._known: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = canonicalize_name(name) == self._project
        return known


def find_version_text(filename: str, is_project: ProjectNames) -> str | None:
    """Return the version part of a file's name; None where it is another project's file, or no distribution."""
    if filename.endswith((WHEEL_SUFFIX, ".egg")):
        # In both a dash within a part is escaped, so the version lies between the first two.
        name, _, rest = filename.rpartition(".")[0].partition("-")
        text = rest.partition("-")[0]
    elif filename.endswith(_SDIST_SUFFIXES):
        stem = next(filename.removesuffix(suffix) for suffix in _SDIST_SUFFIXES if filename.endswith(suffix))
        name, _, text = stem.rpartition("-")
    else:
        return None
    return text if name and is_project(name) else None


def parse_version(text: str) -> Version | None:
    """Return the version that ``text`` is; None where it is none (PEP 440)."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _reason(error: ValueError, filename: str) -> str:
    """Say why a name is not understood without repeating the name, which is shown beside it."""
    text = str(error).replace(repr(filename), "").replace(filename, "").strip(" :")
    return f"its name is not understood ({text})" if text else "its name is not understood"
