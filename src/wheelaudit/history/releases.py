"""OUTPUT (pure): a release and its readings as a document, and back, so that they are judged the same again.

No secret goes into a document: of an address the userinfo, the query (signed links) and
the fragment are left out. Where wheels of one index differ in nothing else, the later
ones are numbered (``...#2``): a release must not lose a wheel by it. What a wheel itself
asks for (``name @ https://...``) is published metadata, and is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never, get_args

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.errors import HashMismatchError, InvalidMetadataError, MetadataError, MetadataUnreadableError
from wheelaudit.history.fields import Document, Fields, MalformedError, write_document
from wheelaudit.metadata import (
    CoreMetadata,
    Fault,
    Reading,
    RequirementLine,
    Source,
    UnreadableWheel,
    WheelMetadata,
    parse_extra,
    parse_requirement_line,
)
from wheelaudit.release import Release, SkippedFile, WheelFile, parse_wheel_name

_ERRORS: Mapping[str, type[MetadataError]] = {
    "unreadable": MetadataUnreadableError,
    "hash": HashMismatchError,
    "invalid": InvalidMetadataError,
    "other": MetadataError,
}
_SOURCES: Mapping[str, Source] = {source: source for source in get_args(Source)}


def clean_url(url: str) -> str:
    """Return an address without userinfo, query and fragment (RFC 3986 section 3)."""
    scheme, colon, rest = url.partition("#")[0].partition("?")[0].partition("://")
    if not colon:
        return scheme
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def build_release_document(release: Release, readings: Sequence[Reading]) -> dict[str, Document]:
    """Return ``indexes``, ``skipped``, ``metadata`` and ``wheels``; each distinct metadata once, by number.

    ``readings`` has one per wheel, in the release's order (ValueError otherwise: a bug).
    """
    numbers: dict[bytes, int] = {}
    metadata: list[Document] = []
    wheels: list[Document] = []
    for wheel, url, reading in zip(release.wheels, _clean_urls(release.wheels), readings, strict=True):
        if reading.wheel != wheel:
            raise ValueError(f"the reading of {reading.wheel.filename} stands in the place of {wheel.filename}")
        number: int | None = None
        if isinstance(reading, WheelMetadata):
            core = _build_core(reading.core)
            number = numbers.setdefault(write_document(core), len(numbers))
            metadata += [core] if number == len(metadata) else []
        wheels.append({**_build_wheel(wheel, url), **_build_reading(reading, number)})
    return {
        "indexes": list(release.indexes),
        "skipped": [{"filename": each.filename, "reason": each.reason} for each in release.skipped],
        "metadata": metadata,
        "wheels": wheels,
    }


def _clean_urls(wheels: Iterable[WheelFile]) -> list[str]:
    """Return an address for each wheel: those of one index all differ, as the wheels did."""
    seen: dict[tuple[str, str], int] = {}
    urls: list[str] = []
    for wheel in wheels:
        url = clean_url(wheel.url)
        number = seen[wheel.index, url] = seen.get((wheel.index, url), 0) + 1
        urls.append(url if number == 1 else f"{url}#{number}")
    return urls


def _build_core(core: CoreMetadata) -> dict[str, Document]:
    return {
        "name": core.name,
        "version": core.version,
        "requires_dist": [line.text for line in core.requires_dist],
        "requires_python": core.requires_python,
        "provides_extra": list(core.provides_extra),
        "unparsed": list(core.unparsed),
    }


def _build_wheel(wheel: WheelFile, url: str) -> dict[str, Document]:
    """Return what the index said; without what it did not say, and without what the file name says."""
    fields: dict[str, Document] = {
        "filename": wheel.filename,
        "url": url,
        "index": wheel.index,
        "sha256": wheel.sha256,
        "has_metadata": wheel.has_metadata or None,
        "metadata_sha256": wheel.metadata_sha256,
        "requires_python": wheel.requires_python,
        "yanked": wheel.yanked,
        "size": wheel.size,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _build_reading(reading: Reading, number: int | None) -> dict[str, Document]:
    fields: dict[str, Document]
    match reading:
        case WheelMetadata():
            fields = {"read": {"metadata": number, "sha256": reading.sha256, "source": reading.source}}
        case UnreadableWheel():
            error = reading.error
            kind = next(name for name, each in _ERRORS.items() if isinstance(error, each))
            fields = {"unread": {"kind": kind, "message": error.message, "remedy": error.remedy}}
        case other:
            assert_never(other)
    if reading.faults:
        fields["faults"] = [{"finding": fault.finding, "message": fault.message} for fault in reading.faults]
    return fields


def parse_release(fields: Fields, *, project: NormalizedName, version: Version) -> tuple[Release, tuple[Reading, ...]]:
    """Return the release and a reading per wheel. Raises `MalformedError`."""
    indexes = fields.texts("indexes")
    skipped = tuple(_parse_skipped(each) for each in fields.objects("skipped"))
    cores = [_parse_core(each) for each in fields.objects("metadata")]
    readings = tuple(_parse_reading(each, cores) for each in fields.objects("wheels"))
    wheels = tuple(reading.wheel for reading in readings)
    if not wheels or len(set(wheels)) < len(wheels):
        raise MalformedError("its wheels are none, or one of them twice")
    release = Release(project=project, version=version, wheels=wheels, skipped=skipped, indexes=indexes)
    return release, readings


def _parse_skipped(fields: Fields) -> SkippedFile:
    skipped = SkippedFile(filename=fields.text("filename"), reason=fields.text("reason"))
    fields.close()
    return skipped


def _parse_core(fields: Fields) -> CoreMetadata:
    lines: list[RequirementLine] = []
    unparsed = list(fields.texts("unparsed"))
    for text in fields.texts("requires_dist"):
        try:
            lines.append(parse_requirement_line(text))
        except ValueError:
            # Understood by the `packaging` that wrote it, and not by this one: as `parse_metadata` would have it.
            unparsed.append(text)
    core = CoreMetadata(
        name=fields.text("name"),
        version=fields.text("version"),
        requires_dist=tuple(lines),
        requires_python=fields.text_or_none("requires_python"),
        provides_extra=tuple(extra for extra in map(parse_extra, fields.texts("provides_extra")) if extra is not None),
        unparsed=tuple(unparsed),
    )
    fields.close()
    return core


def _parse_reading(fields: Fields, cores: Sequence[CoreMetadata]) -> Reading:
    wheel = _parse_wheel(fields)
    faults = tuple(_parse_fault(each) for each in fields.objects("faults"))
    if fields.has("read") == fields.has("unread"):
        fields.refuse("is neither read nor unread, or both")
    reading: Reading
    if fields.has("read"):
        read = fields.entry("read")
        number = read.number_or_none("metadata")
        if number is None or number >= len(cores):
            read.refuse("has metadata that is not there")
        sha256, source = read.sha256("sha256"), read.choice("source", _SOURCES)
        read.close()
        reading = WheelMetadata(wheel=wheel, core=cores[number], sha256=sha256, source=source, faults=faults)
    else:
        unread = fields.entry("unread")
        kind = unread.choice("kind", _ERRORS)
        error = kind(unread.text("message"), remedy=unread.text_or_none("remedy"))
        unread.close()
        reading = UnreadableWheel(wheel=wheel, error=error, faults=faults)
    fields.close()
    return reading


def _parse_wheel(fields: Fields) -> WheelFile:
    filename = fields.text("filename")
    try:
        project, version, build, tags = parse_wheel_name(filename)
    except ValueError:
        fields.refuse("has a file name that is no wheel's")
    return WheelFile(
        filename=filename,
        url=fields.text("url"),
        index=fields.text("index"),
        project=project,
        version=version,
        build=build,
        tags=tags,
        sha256=fields.sha256_or_none("sha256"),
        has_metadata=fields.flag("has_metadata", default=False),
        metadata_sha256=fields.sha256_or_none("metadata_sha256"),
        requires_python=fields.text_or_none("requires_python"),
        yanked=fields.text_or_none("yanked"),
        size=fields.number_or_none("size"),
    )


def _parse_fault(fields: Fields) -> Fault:
    fault = Fault(finding=fields.text("finding"), message=fields.text("message"))
    fields.close()
    return fault
