"""LANDING: what SPECs mean to one user in one project: which indexes are asked, and for which versions."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelaudit.errors import ReleaseNotFoundError
from wheelaudit.index.locations import IndexLocation, build_channel_location, channel_of_version, find_location
from wheelaudit.index.selection import LocalSpec, RequirementSpec, Wanted, find_releases
from wheelaudit.project.settings import (
    ProjectSettings,
    SettingsFiles,
    build_settings_files,
    find_default_index,
    find_implicit_indexes,
    find_keyring_provider,
)

if TYPE_CHECKING:
    from wheelaudit.index.keyring import Keyring
    from wheelaudit.index.pages import ProjectPage
    from wheelaudit.project.targets import Target
    from wheelaudit.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The indexes that names mean to one user in one project."""

    project: ProjectSettings
    environ: Mapping[str, str]
    cwd: Path

    def find(self, text: str) -> IndexLocation:
        """Return the index that ``--index`` ``text`` means; raises `UsageError` where it means none."""
        return find_location(text, project_indexes=self.project.indexes, default=self.default, cwd=self.cwd)

    def default(self) -> IndexLocation:
        """Return the index that ``pypi`` means to the user."""
        return find_default_index(environ=self.environ, project=self.project, files=self._files(), cwd=self.cwd)

    def find_keyring(self) -> Keyring | None:
        """Return the program that is asked for passwords; None where the user's settings say that none is."""
        if find_keyring_provider(environ=self.environ, project=self.project, files=self._files()) == "disabled":
            return None
        from wheelaudit.index.keyring import Keyring

        return Keyring(environ=self.environ, platform=sys.platform)

    def find_unnamed(self, spec: RequirementSpec) -> IndexLocation:
        """Return the index of a SPEC that neither ``--index`` nor a source says anything of.

        That is the project's default one, else the channel of the local version, else the user's.
        """
        own = self.project.default_index or self.project.index_url
        if own is not None:
            default = self.default()
            # By the name the project gives it, unless the user's environment overrules the project.
            return own if default.url == own.url else default
        return _channel_of(spec) or self.default()

    def find_chain(self, spec: RequirementSpec) -> tuple[IndexLocation, ...]:
        """Return the indexes that are asked one after the other, until one has the project: as uv does."""
        if self.project.path is None:
            return (self.find_unnamed(spec),)
        implicit = find_implicit_indexes(environ=self.environ, project=self.project, files=self._files(), cwd=self.cwd)
        return tuple(dict.fromkeys((*(index.location for index in implicit), self.find_unnamed(spec))))

    def find_known(self) -> dict[str, IndexLocation]:
        """Return by its address every index that the project or the user has named: with names and credentials."""
        implicit = find_implicit_indexes(environ=self.environ, project=self.project, files=self._files(), cwd=self.cwd)
        named = [*self.project.indexes.values(), *(index.location for index in implicit), self.default()]
        # The first to name an address counts, as it does for uv.
        return {location.url: location for location in reversed(named)}

    def find_ignored(self) -> dict[IndexLocation, frozenset[int]]:
        """Return the statuses with which an index says "not here" (uv's ``ignore-error-codes``)."""
        return {index.location: index.ignore_error_codes for index in self.project.settled.tables}

    def find_targets(self, spec: RequirementSpec) -> tuple[Target, ...]:
        """Return where the project has what ``spec`` names; empty where it says nothing of it.

        A SPEC with a version is looked for on every index that a source names.
        """
        # Lazy: where --index is given the project's sources have no say.
        from wheelaudit.project.targets import Target, find_named_locations, find_targets

        if not spec.specifier:
            return find_targets(self.project, spec.project, environ=self.environ, cwd=self.cwd)
        named = find_named_locations(self.project, spec.project, environ=self.environ, cwd=self.cwd)
        return tuple(Target(location=location, specifiers=(spec.specifier,)) for location in named)

    def _files(self) -> SettingsFiles:
        return build_settings_files(environ=self.environ, platform=sys.platform, home=find_home(self.environ))


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexJob:
    """One SPEC that is looked for on indexes, whose wheels of one version are one release."""

    spec: RequirementSpec
    locations: tuple[IndexLocation, ...]
    wanted: tuple[SpecifierSet, ...]
    """Of each the newest release; of more than one each stands for some of a project's environments."""
    first: bool = False
    """Whether only the first index counts that has the project, as uv takes it."""

    @property
    def text(self) -> str:
        return self.spec.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectJob:
    """One SPEC whose releases the project's sources or its lock put on several indexes, each audited for itself.

    What uv would take from each has a version of its own, as a rule; where two of them
    come to one version, each is audited for itself all the same: uv keeps the metadata of
    each index. Only an override stands for both, which `patching` guards (WA301).
    """

    spec: RequirementSpec
    targets: tuple[TargetJob, ...]

    @property
    def text(self) -> str:
        return self.spec.text


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetJob:
    """One index, and the exact versions that are wanted there, or the newest of each specifier."""

    location: IndexLocation
    versions: tuple[Version, ...]
    wanted: tuple[SpecifierSet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalJob:
    """All SPECs that are on disk: ``dist/*.whl`` arrives as one SPEC a wheel, and means releases."""

    paths: tuple[Path, ...]

    @property
    def text(self) -> str:
        return ", ".join(map(str, self.paths))


Job = IndexJob | ProjectJob | LocalJob


def build_jobs(
    wanted: Sequence[RequirementSpec | LocalSpec], named: tuple[IndexLocation, ...], indexes: Indexes
) -> Iterator[Job]:
    """Pair each SPEC with its indexes; wheels on disk are one job, in the place of the first of them."""
    paths = tuple(spec.path for spec in wanted if isinstance(spec, LocalSpec))
    local = [LocalJob(paths=paths)]
    for spec in wanted:
        match spec:
            case RequirementSpec() if named:
                yield IndexJob(spec=spec, locations=named, wanted=(spec.specifier,))
            case RequirementSpec():
                yield _build_unnamed_job(spec, indexes)
            case LocalSpec():
                if local:
                    yield local.pop()


def _build_unnamed_job(spec: RequirementSpec, indexes: Indexes) -> IndexJob | ProjectJob:
    """Say where a SPEC without ``--index`` is looked for: where the project has it, else where everything is."""
    targets = indexes.find_targets(spec)
    named = tuple(
        TargetJob(location=target.location, versions=target.versions, wanted=target.specifiers)
        for target in targets
        if target.location is not None
    )
    if named:
        return ProjectJob(spec=spec, targets=named)
    wanted = tuple(dict.fromkeys(each for target in targets for each in target.specifiers)) or (spec.specifier,)
    return IndexJob(spec=spec, locations=indexes.find_chain(spec), wanted=wanted, first=True)


def find_locations(jobs: Iterable[Job]) -> Iterator[IndexLocation]:
    """Yield every index that is going to be asked: credentials come with it."""
    for job in jobs:
        match job:
            case IndexJob():
                yield from job.locations
            case ProjectJob():
                yield from (target.location for target in job.targets)
            case LocalJob():
                pass


def find_wanted(jobs: Iterable[Job], *, every: bool) -> dict[tuple[IndexLocation, NormalizedName], Wanted]:
    """Return, for every page that may be read, the versions that some job looks for on it."""
    wanted: dict[tuple[IndexLocation, NormalizedName], Wanted] = {}
    for job in jobs:
        for location, versions, specifiers in _find_choices(job, every=every):
            assert not isinstance(job, LocalJob)
            project = job.spec.project
            known = wanted.get((location, project), Wanted(project=project))
            wanted[location, project] = Wanted(
                project=project,
                specifiers=(*known.specifiers, *specifiers),
                versions=known.versions.union(versions),
            )
    return wanted


def _find_choices(
    job: Job, *, every: bool
) -> Iterator[tuple[IndexLocation, Iterable[Version], Iterable[SpecifierSet]]]:
    """Yield each index that a job asks, with the exact versions and the bounds by which it chooses there."""
    match job:
        case IndexJob():
            for location in job.locations:
                yield location, (), job.wanted or (job.spec.specifier,)
        case ProjectJob():
            for target in job.targets:
                if target.versions and not every and not job.spec.specifier:
                    yield target.location, target.versions, ()
                else:
                    own = () if job.spec.specifier else target.wanted
                    yield target.location, (), own or (job.spec.specifier,)
        case LocalJob():
            pass


def narrow_spec(spec: RequirementSpec, specifier: SpecifierSet) -> RequirementSpec:
    """Return ``spec`` with the bounds that the project sets; as the user wrote it where that is what it says."""
    if specifier == spec.specifier:
        return spec
    return replace(spec, specifier=specifier, text=f"{spec.project}{specifier}")


def find_locked_release(pages: Sequence[tuple[str, ProjectPage]], spec: RequirementSpec, version: Version) -> Release:
    """Return exactly one version: ``==2.6.0`` alone would mean its local versions too (PEP 440).

    Raises `ReleaseNotFoundError` where no page has it.
    """
    releases: tuple[Release, ...] = ()
    with contextlib.suppress(ReleaseNotFoundError):
        releases = find_releases(pages, narrow_spec(spec, SpecifierSet(f"=={version}")), every=True)
    for release in releases:
        if release.version == version:
            return release
    index, page = pages[0]
    raise ReleaseNotFoundError(
        f"uv.lock has {spec.project} {version} from {index} ({page.url}), which lists no wheels of it.",
        url=page.url,
        remedy=f"Run `uv lock --upgrade-package {spec.project}`, or name a release: {spec.project}==VERSION.",
    )


def find_home(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder."""
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    # expanduser, as Path.home() raises where nobody is at home (containers with a bare user number).
    return Path(home or os.path.expanduser("~"))


def _channel_of(spec: RequirementSpec) -> IndexLocation | None:
    """Return PyTorch's channel that a pinned local version names (``+cu126``)."""
    for part in spec.specifier:
        try:
            version = Version(part.version)
        except InvalidVersion:
            continue
        channel = channel_of_version(version.local, nightly=version.is_devrelease)
        if channel is not None:
            return build_channel_location(channel)
    return None
