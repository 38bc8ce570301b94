"""LANDING: what of a lock file is read, and where: its releases of indexes, and each one's wheels on a page.

Pure but for the working folder, which paths are made absolute by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.index.listing import build_wheel
from wheelaudit.index.locations import IndexLocation, path_of_url, url_of_path
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.jobs import Indexes
from wheelaudit.lock import Lock, LockedPackage, LockedWheel, Origin
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.project.indexes import locate
from wheelaudit.release import Release, SkippedFile, WheelFile, wheel_order

_ORIGINS: dict[Origin, str] = {
    "project": "the project itself",
    "path": "from a path",
    "url": "from a URL",
    "git": "from a repository",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A release that the lock takes from an index."""

    release: Release
    """With the wheels as the lock has them: what a page adds to them is not known yet."""
    location: IndexLocation | None
    """None: pylock.toml does not say."""

    def is_beside(self, other: Target) -> bool:
        """Whether another release is listed on the same page."""
        return self.release.project == other.release.project and self.location == other.location


def build_targets(lock: Lock, path: Path, indexes: Indexes) -> dict[int, Target]:
    """Return all releases of indexes, by their positions in the lock."""
    known = indexes.find_known()
    folder = path.absolute().parent
    targets: dict[int, Target] = {}
    for position, package in enumerate(lock.packages):
        location: IndexLocation | None = None
        if package.registry is not None:
            # uv: a path in the lock is relative to it.
            located = locate(package.registry, folder=folder, name=None, source=str(path))
            location = known.get(located.url, located)
        if package.origin == "index" and package.version is not None:
            # uv.lock: a path of a wheel is relative to the index; PEP 751: to the lock.
            base = folder if lock.kind == "pylock.toml" else _find_folder(location)
            targets[position] = _build_target(package, package.version, location, base)
    return targets


def _find_folder(location: IndexLocation | None) -> Path | None:
    """Return the folder that an index is; None where it is none."""
    return path_of_url(location.url) if location is not None and location.url.startswith("file:") else None


def _build_target(
    package: LockedPackage, version: Version, location: IndexLocation | None, base: Path | None
) -> Target:
    name = "the lock's own addresses" if location is None else location.name
    wheels: list[WheelFile] = []
    skipped: list[SkippedFile] = []
    for each in package.wheels:
        try:
            wheel = _build_locked_wheel(each, name, base)
            if (wheel.project, wheel.version) != (package.project, version):
                raise ValueError(f"it is a wheel of {wheel.project} {wheel.version}")
            wheels.append(wheel)
        except ValueError as error:
            skipped.append(SkippedFile(filename=each.filename, reason=str(error)))
    release = Release(
        project=package.project,
        version=version,
        wheels=tuple(sorted(wheels, key=wheel_order)),
        skipped=tuple(skipped),
        indexes=(name,),
    )
    return Target(release=release, location=location)


def _build_locked_wheel(wheel: LockedWheel, index: str, base: Path | None) -> WheelFile:
    """Build a wheel of what the lock says of it; raises ValueError where its name is none of PEP 427."""
    link = PageLink(
        filename=wheel.filename,
        url=_find_address(wheel, base),
        sha256=wheel.sha256,
        has_metadata=False,
        metadata_sha256=None,
        requires_python=None,
        yanked=None,
        size=None,
    )
    return build_wheel(link, index)


def _find_address(wheel: LockedWheel, base: Path | None) -> str:
    """Return where a wheel is; its name alone, which is no address, where the lock does not say."""
    if wheel.url is not None and "://" in wheel.url:
        return wheel.url
    return wheel.filename if wheel.url is None or base is None else url_of_path(base / wheel.url)


def find_skipped(lock: Lock, package: LockedPackage, target: Target | None) -> str | None:
    """Say in a few words why there is nothing to compare; None where there is."""
    if package.origin != "index":
        return _ORIGINS[package.origin]
    if target is None:
        return "no version"
    if not package.wheels:
        return "sdist only" if package.has_sdist else "no files"
    if not target.release.wheels:
        return "no wheel whose name is understood"
    # Of one wheel there is nothing that it could disagree with.
    return "one wheel" if len(package.wheels) == 1 and lock.kind == "uv.lock" else None


def find_plan(lock: Lock, targets: Mapping[int, Target], only: Collection[NormalizedName]) -> tuple[int, ...]:
    """Return the positions of what is to be read; ``only`` these projects, if any."""
    # Who asks for what, a pylock.toml does not say: there all that is locked is read.
    every = lock.kind == "pylock.toml" or not only
    return tuple(
        position
        for position, target in targets.items()
        if (every or target.release.project in only) and find_skipped(lock, lock.packages[position], target) is None
    )


def find_advertised(target: Target, page: ProjectPage | None) -> Iterator[WheelFile | UnreadableWheel]:
    """Yield each wheel with what the page says of its metadata; without, where the page does not list it any more.

    A file of its name with another hash is not the one that was locked: what it asks for
    says nothing of the lock.
    """
    listed: dict[str, list[PageLink]] = {}
    for link in () if page is None else page.links:
        listed.setdefault(link.filename, []).append(link)
    for wheel in target.release.wheels:
        links = listed.get(wheel.filename, [])
        same = _find_same_file(wheel, links)
        if same is not None:
            yield build_wheel(same, wheel.index)
        elif not links and "://" in wheel.url:
            yield wheel
        else:
            yield _build_unread(wheel, "has another file of this name now" if links else "does not list it any more")


def _find_same_file(wheel: WheelFile, links: Sequence[PageLink]) -> PageLink | None:
    """Return the link to the file that was locked: by its hash, by its address where a side has none."""
    # PyTorch's pages of all channels list one name several times, with different bytes.
    return max(
        (link for link in links if may_be(link, wheel)),
        key=lambda link: (wheel.sha256 is not None and link.sha256 == wheel.sha256, link.url == wheel.url),
        default=None,
    )


def may_be(link: PageLink, wheel: WheelFile) -> bool:
    """Whether a link may be to the file that was locked: of its name, and of no other hash."""
    hashes = {link.sha256, wheel.sha256} - {None}
    return link.filename == wheel.filename and len(hashes) < 2


def _build_unread(wheel: WheelFile, what: str) -> UnreadableWheel:
    error = MetadataUnreadableError(
        f"{wheel.filename}: the index {wheel.index} {what}.",
        remedy=f"Run `uv lock --upgrade-package {wheel.project}`.",
    )
    return UnreadableWheel(wheel=wheel, error=error)
