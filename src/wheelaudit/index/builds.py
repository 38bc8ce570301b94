"""WING B (pure): the newest builds of a channel, one row of them for each local version label.

A nightly channel lists years of builds (``2.7.0.dev20250116+cu126``), of every label that
it ever had. A label that none of the newest builds has is one that is built no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.index.listing import ListedFiles, build_listing, build_release
from wheelaudit.index.pages import ProjectPage
from wheelaudit.release import Release

RECENT_BUILDS = 14
"""Public versions among which a label must occur: two weeks of nightlies. One that stopped this morning is told (no new
build), one that stopped years ago is not told every night."""

_COMMIT = re.compile(r"git[0-9a-f]{6,40}")
"""A label that names a commit (pytorch-triton ``3.2.0+git0d4682f0``): another one each build, and no row of its own."""


def find_builds(page: ProjectPage, project: NormalizedName, *, index: str, last: int) -> dict[str, tuple[Release, ...]]:
    """Return the newest ``last`` builds of each label, oldest first; "" is the label of builds that have none.

    Pre-releases count where there is nothing else (PEP 440), as on a nightly channel;
    yanked wheels do not. Empty where the page has no wheels.
    """
    listing = build_listing([(index, page)], project)
    versions = list(SpecifierSet().filter(version for version, files in listing.items() if _has_wheels(files)))
    recent = set(sorted({Version(version.public) for version in versions})[-RECENT_BUILDS:])
    labels = sorted({find_label(version) for version in versions if Version(version.public) in recent})
    builds: dict[str, tuple[Release, ...]] = {}
    for label in labels:
        own = sorted(version for version in versions if find_label(version) == label)
        releases = _build_newest(own, listing, project, last)
        if releases:
            builds[label] = releases
    return builds


def find_label(version: Version) -> str:
    """Return the local version label by which builds follow each other: ``git`` for all that name a commit."""
    local = version.local or ""
    return "git" if _COMMIT.fullmatch(local) else local


def _build_newest(
    versions: list[Version], listing: Mapping[Version, ListedFiles], project: NormalizedName, last: int
) -> tuple[Release, ...]:
    """Build the newest releases of which any wheel's name is understood."""
    releases: list[Release] = []
    for version in reversed(versions):
        release = build_release(project, version, listing[version], yanked=False)
        if release.wheels:
            releases.append(release)
        if len(releases) == last:
            break
    return tuple(reversed(releases))


def _has_wheels(files: ListedFiles) -> bool:
    return any(link.yanked is None for _, link in files.wheels)
