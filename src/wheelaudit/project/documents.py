"""OUTPUT (disk): a settings file as TOML, and how an error names a setting in it.

Obeys TOML 1.0, but for a byte order mark, which Windows editors write and uv reads over.
"""

from __future__ import annotations

import errno
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wheelaudit.errors import ProjectFileError

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of a settings file: the largest pyproject.toml seen has 200 KB, and 4 MiB of nested tables take ten seconds."""

MAX_KEY_PARTS = 200
"""Of a dotted key: tomllib's time for one goes by the square of their number, and real keys have five."""

_LONG_KEY = re.compile(rf"""[ \t\[]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS}}}""")

Table = Mapping[str, Any]
"""A TOML table as `tomllib` gives it."""

PYPROJECT_TABLE: tuple[str, ...] = ("tool", "uv")
"""Where uv's settings are in a pyproject.toml: the keys that lead there."""

UV_TOML_TABLE: tuple[str, ...] = ()
"""Where they are in a uv.toml."""


def read_document(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises `ProjectFileError`, which names file and line."""
    try:
        return parse_toml(read_bounded(path).decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise ProjectFileError(
            f"{path} cannot be read: {error.strerror or error}.",
            remedy="Name a file that exists and that you may read.",
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectFileError(f"{path} is not UTF-8 (line {line}).", remedy="Save it as UTF-8.") from error
    except ValueError as error:
        # TOMLDecodeError ends with "(at line 3, column 7)"; a number of 5,000 digits is a plain ValueError.
        raise ProjectFileError(f"{path} is not valid TOML: {error}.", remedy="Correct it there.") from error
    except RecursionError as error:
        raise ProjectFileError(f"{path} is nested too deeply to be read.", remedy="Flatten its arrays.") from error


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a settings file. Raises OSError, also where it is larger than any."""
    with path.open("rb") as file:
        data = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MAX_DOCUMENT_BYTES // 1024**2} MiB")
    return data


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML 1.0 as `tomllib` does, but in a time that does not go by the square of the text's length.

    Raises ValueError, and RecursionError where it is nested too deeply.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") >= MAX_KEY_PARTS and _LONG_KEY.match(line):
            raise ValueError(f"a key has more than {MAX_KEY_PARTS} parts (at line {number})")
    return tomllib.loads(text)


def find_table(parent: Table, key: str, path: Path) -> Table:
    """Return the table at ``key``, an empty one where there is none."""
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise build_setting_error(path, key, "is not a table")
    return value


def find_list(parent: Table, key: str, path: Path) -> list[Any]:
    """Return the array at ``key``, an empty one where there is none."""
    value = parent.get(key, [])
    if not isinstance(value, list):
        raise build_setting_error(path, key, "is not an array")
    return value


def find_text(parent: Table, key: str, path: Path, *, within: str) -> str | None:
    """Return the string at ``key`` of a table that errors call ``within``; None where there is none."""
    value = parent.get(key)
    if value is not None and not isinstance(value, str):
        raise build_setting_error(path, f"{within}.{key}", "is not a string")
    return value


def find_uv_table(document: Table, path: Path) -> Table:
    """Return ``[tool.uv]`` of a pyproject.toml, an empty one where there is none."""
    return find_table(find_table(document, "tool", path), "uv", path)


def has_uv_table(document: Table) -> bool:
    """Whether a pyproject.toml has a ``[tool.uv]``, be it empty: that is what makes uv read its settings there."""
    tool = document.get("tool")
    return isinstance(tool, dict) and "uv" in tool


def build_setting_error(path: Path, key: str, what: str) -> ProjectFileError:
    """Say what is wrong with one setting."""
    return ProjectFileError(f"{path}: {key} {what}.", remedy="Correct it there.")
