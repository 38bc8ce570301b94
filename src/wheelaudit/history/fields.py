"""OUTPUT (pure): JSON of a history (RFC 8259), written one way only and believed only as far as it is checked.

What is read may have been written by anybody: a file in git, a database out of a
workflow's cache. `Fields` gives out values of the type that was asked for, and knows
whether anything was left over.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

from packaging.version import Version

Document = None | bool | int | str | Sequence["Document"] | Mapping[str, "Document"]

MAX_NUMBER = 2**63 - 1
"""Of a size in bytes: what SQLite and most other readers of JSON hold."""
MAX_SHOWN = 60
"""Characters of a foreign text in a message: enough to find it by."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)

T = TypeVar("T")


class MalformedError(ValueError):
    """A document is not what a history holds: where in it, and why, in half a sentence."""


def write_document(document: Document) -> bytes:
    """Return the one spelling of a document: ASCII, no spaces, keys in the order they were given."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def parse_document(data: bytes) -> object:
    """Parse JSON. Raises `MalformedError`, also where it nests too deeply or holds a number that is none of JSON's."""
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except MalformedError:
        raise
    except RecursionError as error:
        raise MalformedError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise MalformedError("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"it is not JSON ({error.msg} at character {error.pos + 1})") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise MalformedError("it holds a number that is too long") from error


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is no number of JSON")


class Fields:
    """The fields of one object, each taken once: ``fields.text("url")``, and ``fields.close()`` at the end.

    Everything raises `MalformedError`, which says where: ``wheels[3].size is not a number``.
    """

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, dict):
            raise MalformedError(f"{place or 'it'} is not an object")
        self._left = dict(value)
        self._place = place

    def text(self, key: str) -> str:
        return self._take(key, str, "a text")

    def text_or_none(self, key: str) -> str | None:
        return None if self._left.get(key) is None and self._drop(key) else self.text(key)

    def flag(self, key: str, *, default: bool) -> bool:
        return self._take(key, bool, "true or false") if key in self._left else default

    def number_or_none(self, key: str) -> int | None:
        """A whole number from 0 to `MAX_NUMBER`."""
        if self._left.get(key) is None and self._drop(key):
            return None
        number = self._take(key, int, "a number")
        return number if 0 <= number <= MAX_NUMBER else self._refuse(key, f"is not between 0 and {MAX_NUMBER}")

    def sha256(self, key: str) -> str:
        return self.parsed(key, _parse_sha256, "a SHA-256 in lower-case hex")

    def sha256_or_none(self, key: str) -> str | None:
        return None if self._left.get(key) is None and self._drop(key) else self.sha256(key)

    def date(self, key: str) -> datetime.date:
        return self.parsed(key, _parse_date, "a date as YYYY-MM-DD")

    def version(self, key: str) -> Version:
        return self.parsed(key, parse_version, "a version as PEP 440 normalises it")

    def version_or_none(self, key: str) -> Version | None:
        return None if self._left.get(key) is None and self._drop(key) else self.version(key)

    def choice(self, key: str, choices: Mapping[str, T]) -> T:
        """Return what the text stands for."""
        text = self.text(key)
        return choices[text] if text in choices else self._refuse(key, f"is none of {', '.join(choices)}")

    def parsed(self, key: str, parse: Callable[[str], T], what: str) -> T:
        """Return the text as ``parse`` understands it, which raises ValueError where it is not ``what``."""
        text = self.text(key)
        try:
            return parse(text)
        except ValueError:  # its words may repeat all of the text
            return self._refuse(key, f"({text[:MAX_SHOWN]!r}) is not {what}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; none where the key is missing."""
        values = self.items(key)
        for number, value in enumerate(values):
            if not isinstance(value, str):
                self._refuse(f"{key}[{number}]", "is not a text")
        return tuple(str(value) for value in values)

    def objects(self, key: str) -> tuple[Fields, ...]:
        """A list of objects; none where the key is missing."""
        return tuple(Fields(value, f"{self._path(key)}[{number}]") for number, value in enumerate(self.items(key)))

    def entry(self, key: str) -> Fields:
        return Fields(self._left.pop(key, None), self._path(key))

    def items(self, key: str) -> list[object]:
        return self._take(key, list, "a list") if key in self._left else []

    def has(self, key: str) -> bool:
        return key in self._left

    def refuse(self, reason: str) -> NoReturn:
        """Say that the object as a whole cannot be: ``reason`` follows its place."""
        raise MalformedError(f"{self._place or 'it'} {reason}")

    def close(self) -> None:
        """See that nothing is left: what a newer wheelaudit wrote must not be lost silently."""
        if self._left:
            self.refuse(f"has an unknown field {str(min(self._left))[:MAX_SHOWN]!r}")

    def _take(self, key: str, kind: type[T], what: str) -> T:
        if key not in self._left:
            self.refuse(f"has no field {key!r}")
        value = self._left.pop(key)
        # Not isinstance: JSON's true is no number, and for Python it is one.
        if type(value) is not kind:
            self._refuse(key, f"is not {what}")
        return value

    def _drop(self, key: str) -> bool:
        self._left.pop(key, None)
        return True

    def _path(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _refuse(self, key: str, reason: str) -> NoReturn:
        raise MalformedError(f"{self._path(key)} {reason}")


def parse_version(text: str) -> Version:
    """Return the version. Raises ValueError unless it is spelled as PEP 440 normalises it, as a history writes it."""
    version = Version(text)
    if str(version) != text:
        raise ValueError(text)
    return version


def _parse_date(text: str) -> datetime.date:
    date = datetime.date.fromisoformat(text)
    if date.isoformat() != text:  # Python knows more spellings of ISO 8601 than a history has
        raise ValueError(text)
    return date


def _parse_sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(text)
    return text
