"""OUTPUT (pure): a table of a lock file, read key by key: the value that a key is to have, or an error that names it.

Whoever sends a lock may have written anything into it: what is there and not understood
is refused, never passed over. Keys that nobody asks for are: later revisions add some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.index.locations import without_credentials
from wheelaudit.markers import Expression, parse_expression
from wheelaudit.metadata import parse_requires_python
from wheelaudit.project.documents import parse_toml
from wheelaudit.project.statements import UnplacedError, parse_statements

_T = TypeVar("_T")
_HASH = re.compile(r"(?P<name>[A-Za-z0-9_-]+):(?P<value>[A-Za-z0-9_=+/-]+)", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)

# A lock repeats its markers: that of the four-extras project has 70, of which 29 are distinct.
parse_marker = lru_cache(maxsize=4096)(parse_expression)
"""`markers.parse_expression`, remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTable:
    """A table, and what errors call it. Every method but `refuse` raises `ProjectFileError`."""

    values: Mapping[str, Any] = field(repr=False)
    file: str
    remedy: str
    where: str = "the lock"
    """``the package torch 2.6.0+cu126``."""
    path: str = ""
    """The keys that lead from there to this table, with a dot behind: ``dependencies.``."""

    def refuse(self, key: str, what: str) -> ProjectFileError:
        """Say what is wrong with a key. Its value is not repeated: that may hold a password, or anything at all."""
        return ProjectFileError(
            f"{self.file}: {self.path}{key} of {self.where} cannot be understood: {what}.", remedy=self.remedy
        )

    def rename(self, where: str) -> LockTable:
        """Return the same table under another name."""
        return replace(self, where=where)

    def find_text(self, key: str) -> str | None:
        """Return a string; None where there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.refuse(key, "it is not a string")
        return value

    def find_list(self, key: str) -> list[Any]:
        """Return an array; an empty one where there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.refuse(key, "it is not an array")
        return value

    def find_texts(self, key: str) -> tuple[str, ...]:
        """Return an array of strings; an empty one where there is none."""
        return tuple(self._as_text(key, value) for value in self.find_list(key))

    def find_table(self, key: str) -> LockTable | None:
        """Return a table; None where there is none."""
        value = self.values.get(key)
        return None if value is None else self.as_table(key, value)

    def find_tables(self, key: str) -> tuple[LockTable, ...]:
        """Return an array of tables; an empty one where there is none."""
        return tuple(self.as_table(key, value) for value in self.find_list(key))

    def find_name(self, key: str) -> NormalizedName | None:
        """Return the name of a project, an extra or a group; None where there is none."""
        text = self.find_text(key)
        return None if text is None else self.as_name(key, text)

    def read_name(self, key: str) -> NormalizedName:
        """Return a name that has to be there."""
        name = self.find_name(key)
        if name is None:
            raise self.refuse(key, "it is missing")
        return name

    def find_version(self, key: str) -> Version | None:
        """Return a version (PEP 440); None where there is none."""
        return self._find(key, Version, "it is no version (PEP 440)")

    def find_marker(self, key: str, parse: Callable[[str], Expression] = parse_marker) -> Expression | None:
        """Return a marker; None where there is none."""
        return self._find(key, parse, "it is no marker (PEP 508)")

    def find_markers(self, key: str, parse: Callable[[str], Expression] = parse_marker) -> tuple[Expression, ...]:
        """Return an array of markers; an empty one where there is none."""
        return tuple(
            self._parse(key, text, parse, "it has an element that is no marker (PEP 508)")
            for text in self.find_texts(key)
        )

    def find_requires_python(self) -> SpecifierSet | None:
        """Return the bound; None where there is none."""
        return self._find("requires-python", _parse_specifier, "it is no version specifier (PEP 440)")

    def find_address(self, key: str) -> str | None:
        """Return a URL without credentials, or a path; None where there is none."""
        text = self.find_text(key)
        if text is not None and _SCHEME.match(text):
            return self._parse(key, text, _parse_url, "it is no URL")
        if text is not None and (not text or "\0" in text):
            raise self.refuse(key, "it is no path")
        return text

    def find_file(self, name_key: str) -> tuple[str, str | None]:
        """Return the name of a file, and its ``url``, else its ``path``; None where there is only the name."""
        url = self._find("url", _parse_url, "it is no URL")
        path = self.find_text("path")
        # No path that a tool writes; but a URL there must not show its password either.
        path = None if path is None else without_credentials(path)
        name = self.find_text(name_key)
        if name is None and url is not None:
            name = unquote(urlsplit(url).path.rpartition("/")[2])
        elif name is None and path is not None:
            # A lock made on Windows may have either separator.
            name = path.replace("\\", "/").rpartition("/")[2]
        if not name or any(separator in name for separator in "/\\\0"):
            raise self.refuse(name_key, "there is no name of a file")
        return name, url or path

    def find_hash(self, key: str) -> str | None:
        """Return the sha256 of ``sha256:HEX``; None where there is none, or another hash."""
        text = self.find_text(key)
        match = None if text is None else _HASH.fullmatch(text)
        if text is not None and match is None:
            raise self.refuse(key, "it is no hash with its name before it")
        if match is None or match["name"].lower() != "sha256":
            return None
        return self._parse(key, match["value"], _parse_sha256, "it is no sha256")

    def find_sha256(self, key: str) -> str | None:
        """Return a sha256 in lower-case hex; None where there is none."""
        return self._find(key, _parse_sha256, "it is no sha256")

    def as_name(self, key: str, text: str) -> NormalizedName:
        """Return a name normalised (PEP 503, 685, 735)."""
        return self._parse(key, text, parse_name, "there is no name (PEP 508)")

    def as_table(self, key: str, value: object) -> LockTable:
        """Return a table that was found at a key."""
        if not isinstance(value, dict):
            raise self.refuse(key, "it is not a table")
        return replace(self, values=value, path=f"{self.path}{key}.")

    def _find(self, key: str, parse: Callable[[str], _T], what: str) -> _T | None:
        text = self.find_text(key)
        return None if text is None else self._parse(key, text, parse, what)

    def _parse(self, key: str, text: str, parse: Callable[[str], _T], what: str) -> _T:
        try:
            return parse(text)
        except ValueError as error:
            raise self.refuse(key, what) from error

    def _as_text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.refuse(key, "it has an element that is not a string")
        return value


def parse_lock_table(text: str, *, file: str, remedy: str) -> LockTable:
    """Parse a whole lock file as TOML 1.0. Raises `ProjectFileError`."""
    try:
        return LockTable(values=parse_toml(text), file=file, remedy=remedy)
    except ValueError as error:
        # TOMLDecodeError ends with "(at line 3, column 7)"; a number of 5,000 digits is a plain ValueError.
        raise ProjectFileError(f"{file} is not valid TOML: {error}.", remedy=remedy) from error
    except RecursionError as error:
        raise ProjectFileError(f"{file} is nested too deeply to be read.", remedy=remedy) from error


def find_header_lines(text: str, key: str, count: int) -> tuple[int | None, ...]:
    """Return the line of each ``[[key]]`` of a valid document, counted from 1: ``count`` of them, in its order.

    None where there are not as many: an array may be written as a value too.
    """
    plain = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(key)}[ \t]*\]\]", re.MULTILINE)
    offsets = [match.start() for match in plain.finditer(text)]
    # Without strings of several lines no other line can look so; to cut a great lock into statements takes seconds.
    if len(offsets) != count or any(quote * 3 in text for quote in "\"'"):
        offsets = _find_headers(text, key)
    if len(offsets) != count:
        return (None,) * count
    ends = accumulate(text.count("\n", start, end) for start, end in pairwise((0, *offsets)))
    return tuple(number + 1 for number in ends)


def _find_headers(text: str, key: str) -> list[int]:
    """Return the offset of each ``[[key]]``, however it is spelled and whatever else looks like it."""
    try:
        statements = parse_statements(text)
    except UnplacedError:
        return []
    return [each.start for each in statements if each.kind == "array" and each.path == (key,)]


def parse_name(text: str) -> NormalizedName:
    """Return a name normalised. Raises ValueError where it is none."""
    return canonicalize_name(text, validate=True)


def parse_identity(package: LockTable, number: int) -> tuple[NormalizedName, Version | None, LockTable]:
    """Return name and version of a package, and its table under the name that errors give it from here on.

    Of a package nothing is named by the way that leads to it: there are hundreds.
    """
    package = replace(package, path="")
    name = package.rename(f"package {number}").read_name("name")
    version = package.rename(f"the package {name}").find_version("version")
    return name, version, package.rename(f"the package {name}" if version is None else f"the package {name} {version}")


def _parse_url(text: str) -> str:
    """Return an address without credentials, and without the fragment, which no server is sent."""
    url = without_credentials(text).partition("#")[0]
    parts = urlsplit(url)
    # urlsplit drops line ends, and whoever asks for the file would keep them.
    if not parts.scheme or not url.isprintable() or " " in url:
        raise ValueError("no URL")
    # Reading the port is what checks it: urlsplit itself does not.
    if parts.scheme in ("http", "https") and (not parts.hostname or parts.port == 0):
        raise ValueError("no host")
    return url


def _parse_sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError("no sha256")
    return text.lower()


def _parse_specifier(text: str) -> SpecifierSet:
    specifier = parse_requires_python(text)
    if specifier is None:
        raise ValueError("no specifier")
    return specifier
