"""WING B (disk): wheels, folders and ``file:`` indexes on this machine.

A folder is an index when it is laid out as one (PEP 503: a folder a project, with
``index.html`` or the wheels themselves) or simply holds wheels. Metadata comes out
of a wheel with the standard library's zipfile; a file here can be as broken or as
hostile as one from the network, so its sizes are bounded too.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelaudit.errors import (
    IndexAccessError,
    InvalidMetadataError,
    MetadataError,
    MetadataUnreadableError,
    NotAProjectPageError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
)
from wheelaudit.index.listing import WHEEL_SUFFIX, ListedFiles, build_release
from wheelaudit.index.locations import IndexLocation, path_of_url, url_of_path
from wheelaudit.index.pages import MAX_PAGE_BYTES, PageLink, ProjectPage, parse_project_page
from wheelaudit.metadata import MAX_METADATA_BYTES, Fault, WheelMetadata, parse_metadata
from wheelaudit.release import Release, SkippedFile, WheelFile, parse_wheel_name

_READ_ERRORS = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression or version that zipfile lacks
    RuntimeError,  # an encrypted member
    ValueError,
    IndexError,
)
"""What zipfile lets through where an archive is broken; found by feeding it broken ones."""


def read_local_page(location: IndexLocation, project: NormalizedName) -> ProjectPage:
    """Return what an index on this machine lists of ``project``.

    Looked for in this order: ``PROJECT/index.html``, ``PROJECT/*.whl``, ``*.whl``.
    Raises `ProjectNotFoundError` where the folder has none, `IndexAccessError` where
    there is no such folder.
    """
    folder = path_of_url(location.url)
    try:
        own = _find_project_folder(folder, project)
        page = None if own is None else own / "index.html"
        if own is not None and page is not None and page.is_file():
            return parse_project_page(
                _read_page(page), content_type="text/html", url=f"{url_of_path(own)}/", project=project
            )
        for candidate in (own, folder):
            links = [] if candidate is None else _find_links(candidate, project)
            if candidate is not None and links:
                return ProjectPage(url=f"{url_of_path(candidate)}/", project=project, links=tuple(links))
    except OSError as error:
        raise IndexAccessError(
            f"the folder {folder} cannot be read as an index: {_cause(error)}.",
            url=location.url,
            remedy="Give a folder that exists and that you may read.",
        ) from error
    raise ProjectNotFoundError(
        f"the folder {folder} has no wheels of {project}.",
        url=location.url,
        remedy=f"Put the wheels into it or into {folder / project}, or name another index with --index.",
    )


def build_local_releases(paths: Sequence[Path]) -> tuple[Release, ...]:
    """Return the releases that wheels and folders on disk make up, by project and version.

    A path is a wheel, a folder of wheels, or a pattern of wheels (``dist/*.whl``: not
    every shell expands it). The index of a wheel is its folder, as given. Raises
    `UsageError` for a path that is not there or a wheel whose name is none,
    `ReleaseNotFoundError` where a folder holds no wheels.
    """
    listing: dict[tuple[NormalizedName, Version], ListedFiles] = {}
    skipped: list[tuple[str, SkippedFile]] = []
    for wheel, named in _find_wheels(paths):
        try:
            project, version, _, _ = parse_wheel_name(wheel.name)
        except ValueError as error:
            if named:
                raise UsageError(
                    f"{wheel} is not named as a wheel must be.", remedy="Give it the name that its build tool gave it."
                ) from error
            reason = "its name is not understood"
            skipped.append((wheel.name, SkippedFile(filename=wheel.name, reason=reason)))
            continue
        listing.setdefault((project, version), ListedFiles()).wheels.append((str(wheel.parent), _build_link(wheel)))
    if not listing:
        shown = ", ".join(map(str, paths))
        raise ReleaseNotFoundError(
            f"there are no wheels in {shown}.", url=shown, remedy="Build them first, or name another folder."
        )
    for name, file in skipped:
        # What no release claims by its project's name is still told, with every release.
        claims = [key for key in listing if canonicalize_name(name.partition("-")[0]) == key[0]]
        for key in claims or listing:
            listing[key].skipped.append(file)
    # Someone who names a wheel wants that wheel: nothing on disk is yanked.
    return tuple(build_release(*key, listing[key], yanked=True) for key in sorted(listing))


def read_local_metadata(wheel: WheelFile, *, deep: bool = False) -> WheelMetadata:
    """Read the metadata of a wheel with a ``file:`` URL: the ``.metadata`` file its page advertises, else the wheel.

    A ``.metadata`` file that is missing or has another hash is noted as a fault, and
    the wheel is read. ``deep`` reads the wheel too, and notes where the two differ in
    meaning. Raises `MetadataError` where neither can be read.
    """
    path = path_of_url(wheel.url)
    if not wheel.has_metadata:
        return _build_metadata(wheel, read_wheel_member(path, wheel), faults=())
    data, fault = _read_sibling(path, wheel)
    if data is None:
        return _build_metadata(wheel, read_wheel_member(path, wheel), faults=() if fault is None else (fault,))
    beside = _build_metadata(wheel, data, faults=())
    if not deep:
        return beside
    inside = _build_metadata(wheel, read_wheel_member(path, wheel), faults=())
    if inside.core == beside.core:
        return beside
    message = f"{wheel.filename}.metadata differs from the METADATA inside the wheel."
    return _build_metadata(wheel, data, faults=(Fault(finding="WA205", message=message),))


def read_wheel_member(path: Path, wheel: WheelFile) -> bytes:
    """Return the METADATA inside the wheel at ``path``, at most `MAX_METADATA_BYTES`, CRC-32 checked.

    Raises `MetadataUnreadableError`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _find_member(archive, wheel)
            with archive.open(member) as file:
                # One byte more than allowed: the size that the archive states need not be true.
                data = file.read(MAX_METADATA_BYTES + 1)
    except FileNotFoundError as error:
        raise _unreadable(path, "the file is not there") from error
    except _READ_ERRORS as error:
        raise _unreadable(path, _cause(error)) from error
    if len(data) > MAX_METADATA_BYTES:
        raise _unreadable(path, f"its METADATA is larger than {MAX_METADATA_BYTES // 1024**2} MiB")
    return data


def _find_member(archive: zipfile.ZipFile, wheel: WheelFile) -> zipfile.ZipInfo:
    """Find the wheel's own METADATA: at the top level (vendored ones lie deeper) and of its project (PEP 427)."""
    members = [info for info in archive.infolist() if _project_of_member(info.filename) == wheel.project]
    if len(members) > 1:
        members = [info for info in members if _version_of_member(info.filename) == wheel.version]
    match members:
        case [member]:
            if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ValueError("its METADATA is neither stored nor deflated")
            return member
        case []:
            raise ValueError(f"it holds no METADATA of {wheel.project}")
        case _:
            raise ValueError(f"it holds more than one METADATA of {wheel.project}")


def _project_of_member(name: str) -> NormalizedName | None:
    folder, slash, file = name.partition("/")
    if not slash or file != "METADATA" or not folder.endswith(".dist-info"):
        return None
    return canonicalize_name(folder.removesuffix(".dist-info").rpartition("-")[0])


def _version_of_member(name: str) -> Version | None:
    try:
        return Version(name.partition("/")[0].removesuffix(".dist-info").rpartition("-")[2])
    except InvalidVersion:
        return None


def _read_sibling(path: Path, wheel: WheelFile) -> tuple[bytes | None, Fault | None]:
    """Read the advertised ``.metadata`` (PEP 658); without bytes there is a fault that says why."""
    sibling = path.with_name(f"{path.name}.metadata")
    try:
        with sibling.open("rb") as file:
            data = file.read(MAX_METADATA_BYTES + 1)
    except OSError as error:
        message = f"{sibling} is advertised but cannot be read: {_cause(error)}."
        return None, Fault(finding="WA201", message=message)
    if len(data) > MAX_METADATA_BYTES:
        message = f"{sibling} is larger than {MAX_METADATA_BYTES // 1024**2} MiB."
        return None, Fault(finding="WA201", message=message)
    if wheel.metadata_sha256 not in {None, hashlib.sha256(data).hexdigest()}:
        message = f"{sibling} does not have the hash that the index advertises for it."
        return None, Fault(finding="WA202", message=message)
    return data, None


def _build_metadata(wheel: WheelFile, data: bytes, *, faults: tuple[Fault, ...]) -> WheelMetadata:
    try:
        core = parse_metadata(data)
    except InvalidMetadataError as error:
        raise InvalidMetadataError(
            f"{wheel.url}: {error.message}", remedy="Build the wheel again with a current build tool."
        ) from error
    return WheelMetadata(wheel=wheel, core=core, sha256=hashlib.sha256(data).hexdigest(), source="file", faults=faults)


def _unreadable(path: Path, reason: str) -> MetadataError:
    return MetadataUnreadableError(
        f"the metadata of {path} cannot be read: {reason}.", remedy="Build or download the wheel again."
    )


def _find_project_folder(folder: Path, project: NormalizedName) -> Path | None:
    """Find a project's folder: by its normalised name, else by one that normalises to it (PEP 503)."""
    if (folder / project).is_dir():
        return folder / project
    entries = sorted(entry for entry in folder.iterdir() if canonicalize_name(entry.name) == project)
    return next((entry for entry in entries if entry.is_dir()), None)


def _find_links(folder: Path, project: NormalizedName) -> list[PageLink]:
    wheels = (entry for entry in folder.iterdir() if entry.name.endswith(WHEEL_SUFFIX))
    own = (wheel for wheel in wheels if canonicalize_name(wheel.name.partition("-")[0]) == project)
    return [_build_link(wheel) for wheel in sorted(own)]


def _build_link(wheel: Path) -> PageLink:
    return PageLink(
        filename=wheel.name,
        url=url_of_path(wheel),
        # Hashing would read it whole, up to a gigabyte, and there is nothing to hold it against.
        sha256=None,
        has_metadata=False,
        metadata_sha256=None,
        requires_python=None,
        yanked=None,
        size=wheel.stat().st_size,
    )


def _read_page(page: Path) -> bytes:
    with page.open("rb") as file:
        data = file.read(MAX_PAGE_BYTES + 1)
    if len(data) > MAX_PAGE_BYTES:
        raise NotAProjectPageError(
            f"{page} is larger than {MAX_PAGE_BYTES // 1024**2} MiB, too large for a project page.",
            url=url_of_path(page),
            remedy="Give the folder of an index, or a folder of wheels.",
        )
    return data


def _find_wheels(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield each wheel once, and whether the user named it itself."""
    seen: set[str] = set()
    for path in paths:
        try:
            wheels = _expand(path)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path} cannot be read: {_cause(error)}.", remedy="Name a wheel or a folder of wheels that exists."
            ) from error
        for wheel, named in wheels:
            url = url_of_path(wheel)
            if url not in seen:
                seen.add(url)
                yield wheel, named


def _expand(path: Path) -> list[tuple[Path, bool]]:
    try:
        mode = path.stat().st_mode
    except OSError:
        # Windows calls a name with these signs invalid, others say that it is not there.
        if any(sign in path.name for sign in "*?["):
            return [(wheel, False) for wheel in sorted(path.parent.glob(path.name))]
        raise
    if stat.S_ISDIR(mode):
        return [(wheel, False) for wheel in sorted(path.iterdir()) if wheel.name.endswith(WHEEL_SUFFIX)]
    return [(path, True)]


def _cause(error: BaseException) -> str:
    """Say in words what the system or zipfile says, without the path, which the message already has."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).rstrip(".")
