"""GROUND (pure): core metadata, and what reading one wheel came to.

Obeys the core metadata specifications (PEP 241 to 643), dependency specifiers
(PEP 508, 685) and version specifiers (PEP 440). Parsing is lenient: of 866 real
files 383 fail strict validation, none for a field that is read here.
"""

from __future__ import annotations

import email.parser
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.errors import InvalidMetadataError, MetadataError
from wheelaudit.markers import Expression, build_expression, refuse_escapes
from wheelaudit.release import WheelFile

MAX_METADATA_BYTES = 4 * 1024 * 1024
"""Of one METADATA, packed and unpacked, wherever it is read; the largest of 866 real ones has 112 KB, nearly all of it
the description. 64 may be in memory at once."""
MAX_HEADER_BYTES = 2 * 1024 * 1024
"""Of METADATA up to its first blank line; the largest METADATA seen has 200 KB, nearly all of it the description."""
MAX_LINES = 10_000
"""``Requires-Dist`` of one METADATA, and as many ``Provides-Extra``; projects with an extra for each of their plugins
come to some 1,500."""
MAX_REQUIREMENT_CHARACTERS = 8 * 1024
"""Of one ``Requires-Dist``: 200 comparisons in its marker; real lines have at most 600 characters. What is longer is
no requirement that is understood, and takes `packaging` a time that grows with its square."""
MAX_BOUND_CHARACTERS = 1024
"""Of a Requires-Python; real ones have at most 100."""
_MAX_CACHED = 512
"""Characters of a line that is remembered: 65,536 of the longest would be half a gigabyte."""

Source = Literal["pep658", "range", "file", "cache"]
"""How metadata was read: the ``.metadata`` file, Range requests into the wheel, a file on disk, the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementKey:
    """What one requirement asks for, its marker aside: equal keys ask for the same.

    `packaging` normalises what is only spelling: the case of the name, the order of
    extras and specifiers, ``==1.0`` and ``==1.0.0``.
    """

    project: NormalizedName
    extras: tuple[str, ...] = ()
    """Normalised and sorted."""
    specifier: SpecifierSet = field(default_factory=SpecifierSet)
    url: str | None = None
    _hash: int = field(init=False, repr=False, compare=False)
    """Reckoned once: `packaging` spells every version anew for each hash, and judging hashes each key many times."""

    def __post_init__(self) -> None:
        # `packaging` looks at a version only when it is used: one too long for an integer is refused (ValueError) here.
        object.__setattr__(self, "_hash", hash((self.project, self.extras, self.specifier, self.url)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        """The requirement without marker, as `packaging` spells it."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        target = f" @ {self.url}" if self.url else str(self.specifier)
        return f"{self.project}{extras}{target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLine:
    """One ``Requires-Dist`` of a wheel. Two are equal when they mean the same by their text's structure."""

    text: str = field(compare=False)
    """As the METADATA spells it, unfolded to one line."""
    key: RequirementKey
    marker: Expression | None
    """None: holds everywhere."""

    @property
    def bare(self) -> str:
        """The requirement without its marker, spelled plainly (``absl-py>=1.0.0``)."""
        return str(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """The fields of one METADATA that decide what an installer or a lock tool does."""

    name: str
    """As written, not normalised."""
    version: str
    """As written; compare through `packaging.version.Version`."""
    requires_dist: tuple[RequirementLine, ...] = ()
    """In the file's order, repeated lines kept."""
    requires_python: str | None = None
    """As written; None where it is missing."""
    provides_extra: tuple[NormalizedName, ...] = ()
    """Normalised (PEP 685), in the file's order, each once."""
    unparsed: tuple[str, ...] = ()
    """``Requires-Dist`` values that are not PEP 508 requirements; what they ask for is unknown."""

    @property
    def python_specifier(self) -> SpecifierSet | None:
        """`requires_python` parsed; None where it is missing or not a version specifier (PEP 440)."""
        return parse_requires_python(self.requires_python)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with the index or the wheel, seen while reading it, that did not stop the reading."""

    finding: str
    """Finding id, ``WA2xx``."""
    message: str
    """One sentence, without credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelMetadata:
    """A wheel whose core metadata was read."""

    wheel: WheelFile
    core: CoreMetadata
    sha256: str
    """Hash of the METADATA's bytes, lower-case hex."""
    source: Source
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableWheel:
    """A wheel whose core metadata could not be read: what it asks for is unknown, never "nothing"."""

    wheel: WheelFile
    error: MetadataError
    faults: tuple[Fault, ...] = ()


Reading = WheelMetadata | UnreadableWheel


def parse_requirement_line(text: str) -> RequirementLine:
    """Parse one ``Requires-Dist`` value; strings repeat 16 times in real releases, so results are kept.

    Raises ValueError where it is not a requirement of PEP 508, or too long for one.
    """
    if len(text) > MAX_REQUIREMENT_CHARACTERS:
        raise ValueError(f"the requirement has more than {MAX_REQUIREMENT_CHARACTERS} characters")
    return _parse_known_line(text) if len(text) <= _MAX_CACHED else _parse_line(text)


def _parse_line(text: str) -> RequirementLine:
    try:
        requirement = Requirement(text)
        marker = None if requirement.marker is None else build_expression(requirement.marker)
    except RecursionError as error:
        raise ValueError("the marker's parentheses are nested too deeply") from error
    if marker is not None:
        refuse_escapes(text)
    key = RequirementKey(
        # `packaging` takes names that end in "_", which are none (PEP 508): normalised they could not be written back.
        project=canonicalize_name(requirement.name, validate=True),
        extras=tuple(sorted(canonicalize_name(extra, validate=True) for extra in requirement.extras)),
        specifier=requirement.specifier,
        url=requirement.url,
    )
    spelling = str(key)
    if len(spelling) <= _MAX_CACHED:
        key = _one_of(key, spelling)
    return RequirementLine(text=text, key=key, marker=marker)


_parse_known_line = lru_cache(maxsize=65536)(_parse_line)


@lru_cache(maxsize=65536)
def _one_of(key: RequirementKey, spelling: str) -> RequirementKey:
    """Return the first of equal keys: objects that are the same need no comparison of their specifiers.

    Only of those with one spelling: a report must not say ``1.0.0`` for another wheel's
    ``1.0`` because that was read first.
    """
    return key


@lru_cache(maxsize=4096)
def parse_requires_python(text: str | None) -> SpecifierSet | None:
    """Parse a Requires-Python; None where there is none or it is not a version specifier (PEP 440).

    That includes ``===`` with a text that is no version: uv refuses it.
    """
    if not text or len(text) > MAX_BOUND_CHARACTERS:
        return None
    try:
        specifier = SpecifierSet(text)
        for each in specifier:
            Version(each.version.removesuffix(".*"))
    except ValueError:
        return None
    return specifier


def parse_metadata(data: bytes) -> CoreMetadata:
    """Parse the header part of a METADATA file (everything up to the first blank line).

    Raises `InvalidMetadataError` where the bytes are not text or lack Name or Version,
    and where they are more than any project's.
    """
    text = _decode_headers(data)
    message = email.parser.HeaderParser().parsestr(text)
    for header in ("Requires-Dist", "Provides-Extra"):
        if len(message.get_all(header, [])) > MAX_LINES:
            raise InvalidMetadataError(f"the metadata has more than {MAX_LINES} {header} fields.")
    name = _one_line(message.get("Name"))
    version = _one_line(message.get("Version"))
    if not name or not version:
        missing = "Name" if not name else "Version"
        raise InvalidMetadataError(f"the metadata has no {missing} field.")
    lines: list[RequirementLine] = []
    unparsed: list[str] = []
    for value in message.get_all("Requires-Dist", []):
        requirement = _one_line(value)
        try:
            lines.append(parse_requirement_line(requirement))
        except ValueError:
            unparsed.append(requirement)
    extras = (parse_extra(_one_line(value)) for value in message.get_all("Provides-Extra", []))
    return CoreMetadata(
        name=name,
        version=version,
        requires_dist=tuple(lines),
        requires_python=_one_line(message.get("Requires-Python")) or None,
        provides_extra=tuple(dict.fromkeys(extra for extra in extras if extra)),
        unparsed=tuple(unparsed),
    )


def parse_extra(text: str) -> NormalizedName | None:
    """Return the extra; None for a name that nobody can ask for, which uv passes over too (PEP 685)."""
    try:
        return canonicalize_name(text, validate=True)
    except InvalidName:
        return None


def _decode_headers(data: bytes) -> str:
    """Return the header part as text with ``\\n`` line ends; 110 of 866 real files have ``\\r\\n``."""
    head = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    ends = [end for end in (head.find(b"\n\n"), head.find(b"\n\r\n")) if end >= 0]
    if ends:
        head = head[: min(ends) + 1]
    if len(head) > MAX_HEADER_BYTES:
        raise InvalidMetadataError(f"the metadata has a header of more than {MAX_HEADER_BYTES // 1024**2} MiB.")
    if b"\0" in head:
        raise InvalidMetadataError("the metadata is not text (it holds NUL bytes).")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        # Before Metadata 2.0 no encoding was prescribed; every byte is a Latin-1 character,
        # and the fields that are read here are ASCII in either.
        text = head.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _one_line(value: object) -> str:
    """Unfold a header (RFC 5322 section 2.2.3) and trim it; "" for None."""
    return "" if value is None else " ".join(str(value).split())
