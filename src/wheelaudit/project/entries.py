"""OUTPUT (pure): the ``dependency-metadata`` entries of a pyproject.toml or a uv.toml, and where they stand.

Obeys TOML 1.0 and uv's reference of ``dependency-metadata``. `tomllib` says what the
entries are; `statements` says where they might be, and each place counts only when the
text found there parses to the very entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project import documents
from wheelaudit.project.documents import PYPROJECT_TABLE
from wheelaudit.project.statements import Path, Statement, parse_elements, parse_statements

KEY = "dependency-metadata"

OWN_COMMENT = "# Written by wheelaudit:"
"""How the comment line starts that makes an entry ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFault:
    """Something in an entry for which uv drops all of its settings, with no more than a warning."""

    key: str
    message: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ``dependency-metadata`` entry, as it was found in a file."""

    position: int
    """Index among the entries. Of two for one version uv takes the first."""
    table: Mapping[str, Any]
    """Its TOML value; empty where it is no table (`faults` says so)."""
    name: NormalizedName | None
    """None where it is missing or invalid."""
    version: Version | None
    """None where it is missing (all versions, see `all_versions`) or invalid."""
    comments: tuple[str, ...]
    """The comment lines directly above, ours included."""
    ours: bool
    """Whether the last of them says that wheelaudit wrote the entry."""
    line: int
    """The line it starts in, from 1, its comments not counted."""
    faults: tuple[EntryFault, ...]

    @property
    def all_versions(self) -> bool:
        """Whether it names no version, and so stands for all that have no entry of their own."""
        return "version" not in self.table

    def is_for(self, name: NormalizedName, version: Version) -> bool:
        """Whether uv takes it for exactly this release: normalised names, versions equal by PEP 440."""
        return self.name == name and self.version == version


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry and where it stands."""

    entry: Entry
    spans: tuple[tuple[int, int], ...]
    """Start and end of its text: whole lines of a table (more than one span where its
    sub-tables stand apart), the braces and what is between them of an inline table."""
    own_start: int
    """Where our comment line above it starts; the start of the first span where there is none."""
    inner_comments: tuple[str, ...]
    """The comments within it."""
    value: object
    """What this text alone parses to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file holds its entries."""

    document: Mapping[str, Any]
    """The whole text as TOML."""
    path: Path
    """Of the entries: ``tool.uv.dependency-metadata``, or ``dependency-metadata``."""
    statements: tuple[Statement, ...]
    places: tuple[Place, ...]
    array: Statement | None
    """The assignment where the entries are one inline array; None where they are tables, or none is there."""


def find_entries(text: str, *, table: Path = PYPROJECT_TABLE, file: str = "the file") -> tuple[Entry, ...]:
    """Return the entries in the order that uv sees; ``file`` names the text in errors.

    Raises `ProjectFileError` where the text is not TOML, or ``dependency-metadata`` no array
    (uv then drops all of its settings).
    """
    return tuple(place.entry for place in parse_layout(text, table=table, file=file).places)


def parse_layout(text: str, *, table: Path = PYPROJECT_TABLE, file: str = "the file") -> Layout:
    """Return where the entries of ``text`` stand. Raises `ProjectFileError`."""
    document = parse_toml(text, file=file)
    path = (*table, KEY)
    values = _values_at(document, path, file)
    try:
        statements = parse_statements(text)
        array = next((s for s in statements if s.kind == "assignment" and s.path == path), None)
        places = _inline_places(text, array) if array else _table_places(text, statements, path)
    except ValueError as error:
        raise _untold(path, file) from error
    # A header within a multi-line string, say, cannot be taken for one: it parses to no entry of the document.
    if not equal_toml([place.value for place in places], values):
        raise _untold(path, file)
    return Layout(document=document, path=path, statements=statements, places=places, array=array)


def parse_toml(text: str, *, file: str = "the file") -> dict[str, Any]:
    """Parse TOML. Raises `ProjectFileError`, which names the line."""
    try:
        return documents.parse_toml(text)
    except ValueError as error:
        # TOMLDecodeError ends with "(at line 3, column 7)"; a number of 5,000 digits is a plain ValueError.
        raise ProjectFileError(f"{file} is not valid TOML: {error}.", remedy="Correct it there.") from error
    except RecursionError as error:
        raise ProjectFileError(f"{file} is nested too deeply to be read.", remedy="Flatten its arrays.") from error


def equal_toml(one: object, other: object) -> bool:
    """Whether two TOML values are the same, types included: ``1``, ``1.0`` and ``true`` differ, two NaN do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_toml(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal_toml, one, other))
    # repr: == takes -0.0 for 0.0, True for 1 and one instant in two time zones for the same.
    return type(one) is type(other) and repr(one) == repr(other)


def _values_at(document: Mapping[str, Any], path: Path, file: str) -> list[Any]:
    value: Any = document
    for number, key in enumerate(path):
        if not isinstance(value, dict):
            raise ProjectFileError(f"{file}: {'.'.join(path[:number])} is not a table.", remedy="Correct it there.")
        if key not in value:
            return []
        value = value[key]
    if not isinstance(value, list):
        raise ProjectFileError(
            f"{file}: {'.'.join(path)} is not an array, so uv drops all of its settings.",
            remedy=f"Write each entry under a header of its own, [[{'.'.join(path)}]].",
        )
    return value


def _table_places(text: str, statements: Sequence[Statement], path: Path) -> tuple[Place, ...]:
    """Find what stands under ``[[path]]``, with the sub-tables (``[path.x]``) that follow it, wherever they do."""
    bodies: list[list[range]] = []
    for number, statement in enumerate(statements):
        if statement.kind == "array" and statement.path == path:
            bodies.append([])
        elif statement.kind not in {"table", "array"} or statement.path[: len(path)] != path or not bodies:
            continue
        part = range(number, _body_end(statements, number))
        if bodies[-1] and all(each.kind == "blank" for each in statements[bodies[-1][-1].stop : number]):
            part = range(bodies[-1].pop().start, part.stop)
        bodies[-1].append(part)
    return tuple(_table_place(text, statements, position, body, path) for position, body in enumerate(bodies))


def _body_end(statements: Sequence[Statement], header: int) -> int:
    """Return the index behind the last assignment under a header; what follows belongs to no table."""
    end = header + 1
    for number in range(header + 1, len(statements)):
        if statements[number].kind in {"table", "array"}:
            break
        if statements[number].kind == "assignment":
            end = number + 1
    return end


def _table_place(text: str, statements: Sequence[Statement], position: int, body: list[range], path: Path) -> Place:
    spans = tuple((statements[part.start].start, statements[part.stop - 1].end) for part in body)
    inner = tuple(comment for part in body for number in part for comment in statements[number].comments)
    above: list[Statement] = []
    for statement in reversed(statements[: body[0].start]):
        if statement.kind != "comment":
            break
        above.insert(0, statement)
    comments = tuple(statement.comments[0] for statement in above)
    value = _dig(tomllib.loads("".join(text[start:end] for start, end in spans)), path)
    return Place(
        entry=_build_entry(value, position, comments, _line_of(text, spans[0][0])),
        spans=spans,
        own_start=above[-1].start if _is_own(comments) else spans[0][0],
        inner_comments=inner,
        value=value,
    )


def _dig(document: Mapping[str, Any], path: Path) -> Any:
    """Return the one entry of a document that holds nothing else."""
    value: Any = document
    for key in path:
        value = value[key]
    (entry,) = value
    return entry


def _inline_places(text: str, array: Statement) -> tuple[Place, ...]:
    places: list[Place] = []
    floor = array.value[0] + 1
    for position, element in enumerate(parse_elements(text, array.value[0])):
        above = _comment_lines_above(text, element.start, floor)
        floor = element.end if element.comma is None else element.comma + 1
        comments = tuple(comment for _, comment in above)
        value = tomllib.loads(f"value = {text[element.start : element.end]}")["value"]
        places.append(
            Place(
                entry=_build_entry(value, position, comments, _line_of(text, element.start)),
                spans=((element.start, element.end),),
                own_start=above[-1][0] if _is_own(comments) else element.start,
                inner_comments=element.comments,
                value=value,
            )
        )
    return tuple(places)


def _comment_lines_above(text: str, start: int, floor: int) -> list[tuple[int, str]]:
    """Return offset and text of the comment lines directly above ``start``, if only space stands before it there.

    Nothing above ``floor`` is looked at: it is another element.
    """
    above: list[tuple[int, str]] = []
    line = text.rfind("\n", 0, start) + 1
    while line > floor and not text[line:start].strip():
        start = text.rfind("\n", 0, line - 1) + 1
        comment = text[start:line].strip()
        if start < floor or not comment.startswith("#"):
            break
        above.insert(0, (start, comment))
        line = start
    return above


def _is_own(comments: Sequence[str]) -> bool:
    """Whether the last of the comment lines above an entry is ours; we write one."""
    return bool(comments) and comments[-1].startswith(OWN_COMMENT)


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _untold(path: Path, file: str) -> ProjectFileError:
    name = ".".join(path)
    return ProjectFileError(
        f"{file}: it cannot be told where each entry of {name} stands.",
        remedy=f"Write each of them under a header of its own, [[{name}]].",
    )


def _build_entry(value: object, position: int, comments: tuple[str, ...], line: int) -> Entry:
    table: dict[str, Any] = value if isinstance(value, dict) else {}
    faults = list(_find_faults(table)) if table is value else [EntryFault(key="", message="It is not a table.")]
    return Entry(
        position=position,
        table=MappingProxyType(table),
        name=_parsed(_parse_name, table.get("name")),
        version=_parsed(Version, table.get("version")),
        comments=comments,
        ours=_is_own(comments),
        line=line,
        faults=tuple(faults),
    )


def _find_faults(table: Mapping[str, Any]) -> Iterator[EntryFault]:
    if "name" not in table:
        yield EntryFault(key="name", message="It has no name.")
    if {"provides-extra", "provides-extras"} <= table.keys():
        yield EntryFault(key="provides-extra", message="It has both provides-extra and provides-extras.")
    for key, value in table.items():
        parse = _PARSERS.get(key)
        if parse is None:
            yield EntryFault(key=key, message=f"uv knows no key {key!r} in it.")
        elif key in _LISTS and not isinstance(value, list):
            yield EntryFault(key=key, message=f"Its {key} is not an array.")
        else:
            for each in value if key in _LISTS else [value]:
                if _parsed(parse, each) is None:
                    yield EntryFault(key=key, message=f"Its {key} cannot be parsed: {each!r:.{MAX_SHOWN}}.")


def _parse_name(text: str) -> NormalizedName:
    return canonicalize_name(text, validate=True)


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "name": _parse_name,
    "version": Version,
    "requires-python": SpecifierSet,
    "requires-dist": Requirement,
    # uv 0.13 takes both spellings, older versions only the plural.
    "provides-extra": _parse_name,
    "provides-extras": _parse_name,
}
"""The keys that uv knows, and what their values, or the elements of their values, are."""

MAX_SHOWN = 200
"""Characters of a value that is wrong, in a message."""

_LISTS = {"requires-dist", "provides-extra", "provides-extras"}

_T = TypeVar("_T")


def _parsed(parse: Callable[[str], _T], value: object) -> _T | None:
    """Parse a string; None where it is none, or not what it should be."""
    if not isinstance(value, str):
        return None
    try:
        return parse(value)
    except (ValueError, RecursionError):  # InvalidName, InvalidVersion and the others are of the first kind.
        return None
