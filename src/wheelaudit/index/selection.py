"""WING B (pure but for a look whether a folder exists): what a SPEC means, and which releases answer to it.

Obeys dependency and version specifiers (PEP 508, 440), normalised names (PEP 503)
and yanked files (PEP 592). A page may list 30,000 files of a thousand versions:
they are grouped by the text of their version, and only those of the chosen ones are parsed.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ReleaseNotFoundError, UsageError
from wheelaudit.index.listing import (
    WHEEL_SUFFIX,
    ListedFiles,
    ProjectNames,
    build_listing,
    build_release,
    find_version_text,
    parse_version,
)
from wheelaudit.index.locations import path_of_url
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.release import Release, parse_wheel_name

_NEAREST = 5
_EXAMPLE = "Write NAME or NAME==VERSION, such as torch==2.6.0+cu126, or a wheel or folder such as dist/."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementSpec:
    """A SPEC that names a project and which of its versions."""

    project: NormalizedName
    specifier: SpecifierSet
    """Empty: any version, so the newest."""
    text: str
    """As the user wrote it."""

    @property
    def pins(self) -> bool:
        """Whether it names exact versions, which is what lets yanked files take part (PEP 592)."""
        return _pins(self.specifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSpec:
    """A SPEC that names a wheel, a folder of wheels, or wheels by a pattern (where no shell expanded it)."""

    path: Path


def parse_spec(text: str) -> RequirementSpec | LocalSpec:
    """Tell by its shape what a SPEC is; raises `UsageError` where it is nothing that can be audited.

    A wheel ends in ``.whl``; a folder is written with a path separator or as ``.``,
    so that a folder ``torch`` in the working folder never hides the project.
    """
    stripped = text.strip()
    if stripped.startswith("file:"):
        return LocalSpec(path=path_of_url(stripped))
    if "://" in stripped:  # Not shown: it may hold a password.
        raise UsageError(
            "a SPEC cannot be or name a URL.",
            remedy="Name the release and its index: wheelaudit NAME==VERSION --index URL.",
        )
    if stripped.endswith(WHEEL_SUFFIX):
        return LocalSpec(path=Path(stripped))
    if _looks_like_folder(stripped):
        # os.path answers False where Path.is_dir raises: names too long, or with a NUL.
        if os.path.isdir(stripped):
            return LocalSpec(path=Path(stripped))
        if "@" not in stripped:
            raise UsageError(f'there is no folder "{stripped}".', remedy=_EXAMPLE)
    return _parse_requirement(stripped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which versions of a project one run may need of a page; all that `find_releases` is asked for is among them."""

    project: NormalizedName
    specifiers: tuple[SpecifierSet, ...] = ()
    versions: frozenset[Version] = frozenset()

    @property
    def exact(self) -> bool:
        """Whether every version that is wanted will be read: only where each is pinned, not where the newest counts."""
        return all(_pins(specifier) for specifier in self.specifiers)

    def admits(self, version: Version) -> bool:
        """Whether files of ``version`` may be chosen, pre-releases among them."""
        return version in self.versions or any(_may_admit(each, version) for each in self.specifiers)


class VersionSieve:
    """A `wheelaudit.index.pages.Sieve` that lets only files of wanted versions become links.

    Files of other projects are left out, files whose version is none stay: they are told
    with the release that they may belong to. ``on_wheel`` hears of each wheel that is
    certain to be read, while the page is still on its way.
    """

    def __init__(self, wanted: Wanted, *, on_wheel: Callable[[PageLink], None] | None = None) -> None:
        self._wanted = wanted
        self._is_project = ProjectNames(wanted.project)
        self._known: dict[str, bool] = {}
        """By name and version as wheels' names begin with them."""
        self._on_wheel = on_wheel if wanted.exact else None
        self.others: dict[str, Version] = {}
        """Versions that have wheels and are not wanted, by their text: an error names the nearest of them."""

    def wants(self, filename: str) -> bool:
        """Whether the file is of a wanted version."""
        if not filename.endswith(WHEEL_SUFFIX):
            text = find_version_text(filename, self._is_project)
            return text is not None and self._admits(text)
        # Asked of each of 30,000 wheels: what decides, name and version, comes before the second dash.
        prefix = filename[: filename.find("-", filename.find("-") + 1)]
        known = self._known.get(prefix)
        if known is None:
            text = find_version_text(filename, self._is_project)
            known = self._known[prefix] = text is not None and self._admits(text)
            if text is not None and not known:
                self.others[text] = Version(text)
        return known

    def keep(self, link: PageLink) -> None:
        """Pass on a wheel of a wanted version."""
        if self._on_wheel is not None and link.filename.endswith(WHEEL_SUFFIX):
            self._on_wheel(link)

    def _admits(self, text: str) -> bool:
        version = parse_version(text)
        return version is None or self._wanted.admits(version)


def find_releases(
    pages: Sequence[tuple[str, ProjectPage]], spec: RequirementSpec, *, every: bool = False
) -> tuple[Release, ...]:
    """Return the releases that ``spec`` means on ``pages`` (index name, page), oldest first; never none.

    That is the newest public version with all its local versions, or ``every`` match.
    A version that several indexes have is one release with the wheels of all.
    Pre-releases as PEP 440 says: where the specifier names one or nothing else
    matches. Raises `ReleaseNotFoundError`, which names the nearest versions.
    """
    listing = build_listing(pages, spec.project)
    pinned = spec.pins
    # A version of which only a source distribution is left still counts here: wheels of a
    # pre-release do not stand in for a final release without any.
    candidates = [version for version, files in listing.items() if files.takes_part(yanked=pinned)]
    matching = sorted(spec.specifier.filter(candidates))
    chosen: list[Release] = []
    publics = sorted({Version(version.public) for version in matching if listing[version].wheels}, reverse=True)
    for public in publics:
        versions = [version for version in matching if Version(version.public) == public]
        releases = (build_release(spec.project, version, listing[version], yanked=pinned) for version in versions)
        chosen += [release for release in releases if release.wheels]
        if chosen and not every:
            break
    if not chosen:
        raise _release_not_found(pages, spec, listing, matching)
    return tuple(sorted(chosen, key=lambda release: release.version))


def _pins(specifier: SpecifierSet) -> bool:
    return any(
        part.operator == "===" or (part.operator == "==" and not part.version.endswith(".*")) for part in specifier
    )


def _may_admit(specifier: SpecifierSet, version: Version) -> bool:
    # "===" compares texts (PEP 440), and the text that stands for a version is that of its first file.
    texts = (part.version for part in specifier if part.operator == "===")
    return specifier.contains(version, prereleases=True) or any(parse_version(text) == version for text in texts)


def _looks_like_folder(text: str) -> bool:
    return text in {".", ".."} or "/" in text or "\\" in text


def _parse_requirement(text: str) -> RequirementSpec:
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:  # parentheses in parentheses, a thousand deep
        hint = re.fullmatch(r"([A-Za-z0-9][\w.-]*)\s*=\s*([\w.+!]+)", text)
        remedy = f"Write {hint[1]}=={hint[2]}." if hint else _EXAMPLE
        raise UsageError(f'"{text}" is not a requirement.', remedy=remedy) from error
    bare = f"{requirement.name}{requirement.specifier}"
    if requirement.url is not None:
        raise UsageError(
            f"the SPEC {requirement.name} names a URL.",
            remedy=f"Name the release and its index: wheelaudit {requirement.name}==VERSION --index URL.",
        )
    if requirement.extras:
        raise UsageError(
            f'the SPEC "{text}" names extras, but a release is always read with all of them.',
            remedy=f'Write "{bare}".',
        )
    if requirement.marker is not None:
        raise UsageError(
            f'the SPEC "{text}" has a marker, but a release is always read for every environment.',
            remedy=f'Write "{bare}".',
        )
    return RequirementSpec(project=canonicalize_name(requirement.name), specifier=requirement.specifier, text=text)


def _release_not_found(
    pages: Sequence[tuple[str, ProjectPage]],
    spec: RequirementSpec,
    listing: Mapping[Version, ListedFiles],
    matching: Sequence[Version],
) -> ReleaseNotFoundError:
    """Say why nothing could be chosen, from the nearest miss to the farthest."""
    where = ", ".join(f"{index} ({page.url})" for index, page in pages)
    url = pages[0][1].url if pages else ""
    unpinned = "Pin the version with == if it is to be audited all the same."
    yanked = sorted(version for version in spec.specifier.filter(listing) if listing[version].wheels)
    failures = list(_unparsed(listing, matching))
    present = {version for version, files in listing.items() if files.wheels}
    present.update(version for _, page in pages for version in page.others)
    nearest = ", ".join(map(str, _nearest_versions(present, spec.specifier)))
    if failures:
        message = f"no wheel of {spec.text} on {where} has a name that is understood: {failures[0]}."
        remedy = "Ask the index's owner for file names of PEP 427, or name another version."
    elif yanked and not spec.pins:
        message = f"every wheel of {spec.project} {yanked[-1]} on {where} is yanked."
        remedy = unpinned
    elif matching:
        message = f"{spec.project} {matching[-1]} has no wheels on {where}, only other files."
        remedy = f"Name a version that has wheels: {nearest}." if nearest else "Name another index with --index."
    elif nearest:
        message = f"no version of {spec.project} on {where} answers to {spec.text}."
        remedy = f"Name one that is there (nearest: {nearest}), or another index with --index."
    else:
        message = f"{where} lists no wheels of {spec.project}."
        remedy = "Check the name of the project, or name another index with --index."
    return ReleaseNotFoundError(message, url=url, remedy=remedy)


def _unparsed(listing: Mapping[Version, ListedFiles], matching: Iterable[Version]) -> Iterator[str]:
    for version in matching:
        for _, link in listing[version].wheels:
            try:
                parse_wheel_name(link.filename)
            except ValueError:
                yield link.filename


def _nearest_versions(present: Iterable[Version], specifier: SpecifierSet) -> list[Version]:
    """Return up to five versions with wheels around the one that the specifier names, else the newest."""
    targets = (parse_version(part.version.removesuffix(".*")) for part in specifier)
    target = next((version for version in targets if version is not None), None)
    versions = sorted(present)
    if target is None or not target.is_prerelease:
        versions = [version for version in versions if not version.is_prerelease] or versions
    if target is None:
        return versions[-_NEAREST:]
    # The other local versions of the very version are nearest of all.
    kin = [version for version in versions if version.public == target.public][:_NEAREST]
    rest = [version for version in versions if version.public != target.public]
    place, missing = bisect.bisect(rest, target), _NEAREST - len(kin)
    start = min(max(0, place - (missing + 1) // 2), max(0, len(rest) - missing))
    return sorted(kin + rest[start : start + missing])
