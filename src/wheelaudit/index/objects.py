"""WING B (pure): a JSON object (RFC 8259) parsed while it arrives.

The standard library parses whole documents only, and a project page of 30,000 files
would be held three times: as bytes, as text, as dictionaries. What is parsed by hand
here are the braces and commas of the outermost object and of one list in it; every
value between them is the standard library's.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Literal

_SPACE = re.compile(r"[ \t\n\r]*")
_PIECE = 64 * 1024

State = Literal[
    "object", "first key", "key", "colon", "value", "first entry", "entry", "comma of entries", "comma", "end"
]


class ObjectParser:
    """Hands out an object's values, and the entries of the list named ``listed`` one by one; keeps none of them.

    `feed` and `close` raise ValueError (or RecursionError) where it is no JSON object.
    """

    def __init__(
        self, listed: str, *, on_entry: Callable[[object], None], on_value: Callable[[str, object], None]
    ) -> None:
        self._listed = listed
        self._on_entry = on_entry
        self._on_value = on_value
        # utf-8-sig: a byte order mark is none of JSON's, and met all the same.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._scanner = json.JSONDecoder()
        self._state: State = "object"
        self._key = ""
        self._text = ""
        self._pending: list[str] = []
        """What has come and is not parsed yet; joined only when there is enough."""
        self._size = 0
        self.has_list = False
        """Whether the list has been met."""
        self._enough = 0
        """Characters without which it is not worth while to try again."""

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        for start in range(0, len(data), _PIECE):
            self._pending.append(self._decoder.decode(data[start : start + _PIECE]))
            self._size += len(self._pending[-1])
            if self._size >= self._enough:
                self._parse_pending()

    def close(self) -> None:
        """Refuse what has not come to its end."""
        self._pending.append(self._decoder.decode(b"", final=True))
        self._parse_pending()
        if self._state != "end":
            raise ValueError("it breaks off")

    def _parse_pending(self) -> None:
        self._text = "".join(self._pending)
        self._pending = [self._text[self._parse() :]]
        self._size = len(self._pending[0])

    def _parse(self) -> int:
        """Parse as far as the text goes, and return how far that is."""
        at = 0
        while True:
            at = self._skip(at)
            if at == len(self._text):
                self._enough = 0
                return at
            end = self._step(at)
            if end is None:
                # Incomplete, or wrong: that shows at the end. What is parsed again is at least doubled each time,
                # so that a value of a megabyte in a thousand pieces costs two and not a thousand parses.
                self._enough = 2 * (len(self._text) - at)
                return at
            at = end

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        assert space is not None, "the pattern matches nothing too"
        return space.end()

    def _step(self, at: int) -> int | None:
        """Parse one thing and return its end; None where it is not complete."""
        mark = self._text[at]
        match self._state:
            case "object":
                return self._expect(mark, {"{": "first key"}, at)
            case "first key" | "key":
                if mark == "}" and self._state == "first key":
                    return self._expect(mark, {"}": "end"}, at)
                return self._read_key(at)
            case "colon":
                return self._expect(mark, {":": "value"}, at)
            case "value":
                if self._key == self._listed and mark == "[":
                    if self.has_list:
                        raise ValueError(f"it has {self._listed} twice")
                    self.has_list = True
                    return self._expect(mark, {"[": "first entry"}, at)
                return self._read_value(at, "comma")
            case "first entry" | "entry":
                if mark == "]" and self._state == "first entry":
                    return self._expect(mark, {"]": "comma"}, at)
                return self._read_value(at, "comma of entries")
            case "comma of entries":
                return self._expect(mark, {",": "entry", "]": "comma"}, at)
            case "comma":
                return self._expect(mark, {",": "key", "}": "end"}, at)
            case "end":
                raise ValueError("something follows the object")

    def _expect(self, mark: str, following: dict[str, State], at: int) -> int:
        if mark not in following:
            raise ValueError(f"{mark!r} stands where {' or '.join(following)} is due")
        self._state = following[mark]
        return at + 1

    def _read_key(self, at: int) -> int | None:
        if self._text[at] != '"':
            raise ValueError("a key is no string")
        decoded = self._decode(at)
        if decoded is None:
            return None
        key, end = decoded
        self._key, self._state = str(key), "colon"
        return end

    def _read_value(self, at: int, state: State) -> int | None:
        decoded = self._decode(at)
        # "0" may become "0.5e1": a number goes on until something else comes.
        if decoded is None or self._mark_after(decoded[1]) not in (",", "]", "}"):
            return None
        value, end = decoded
        if state == "comma":
            self._on_value(self._key, value)
        else:
            self._on_entry(value)
        self._state = state
        return end

    def _mark_after(self, end: int) -> str:
        at = self._skip(end)
        return self._text[at : at + 1]

    def _decode(self, at: int) -> tuple[object, int] | None:
        try:
            return self._scanner.raw_decode(self._text, at)
        except json.JSONDecodeError:
            return None
