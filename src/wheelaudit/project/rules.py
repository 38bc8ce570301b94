"""OUTPUT (disk): ``[tool.wheelaudit]`` of a pyproject.toml: what a project wants of wheelaudit."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import build_setting_error, find_table, read_document

FailLevel = Literal["undecided", "inconsistent", "never"]
"""From where on the exit code says so: an unread wheel already (the default), a disagreement, or nothing."""

KEYS = ("index", "union", "ignore", "fail-level")
IGNORE_KEYS = ("id", "project", "version", "reason", "until")
_FINDING = re.compile(r"WA\d{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A finding that the project has looked at and lives with for a while."""

    id: str
    project: NormalizedName | None
    """None: of any project."""
    version: Version | None
    """None: of any version."""
    reason: str
    until: datetime.date
    """The last day on which it counts: what is put off comes back."""

    def covers(self, finding: str, project: NormalizedName, version: Version | None, *, today: datetime.date) -> bool:
        """Whether a finding of a release is ignored on ``today``."""
        return (
            self.id == finding
            and self.project in (None, project)
            and self.version in (None, version)
            and today <= self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What ``[tool.wheelaudit]`` says; a command line option overrules it."""

    index: tuple[str, ...] = ()
    """As ``--index``."""
    union: Literal["scoped", "plain"] | None = None
    """As ``--union``; None: not said."""
    ignore: tuple[Ignored, ...] = ()
    fail_level: FailLevel = "undecided"


def read_rules(pyproject: Path) -> Rules:
    """Read the table. Raises `ProjectFileError`, which names a key that is unknown and the nearest that is not."""
    table = find_table(find_table(read_document(pyproject), "tool", pyproject), "wheelaudit", pyproject)
    _check_keys(table, KEYS, "tool.wheelaudit", pyproject)
    return Rules(
        index=_find_texts(table, "index", pyproject),
        union=cast("Any", _find_choice(table, "union", ("scoped", "plain"), pyproject)),
        ignore=tuple(_parse_ignored(entry, pyproject) for entry in _find_list(table, "ignore", pyproject)),
        fail_level=cast(
            "FailLevel",
            _find_choice(table, "fail-level", ("undecided", "inconsistent", "never"), pyproject) or "undecided",
        ),
    )


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str, path: Path) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(known)}."
            raise ProjectFileError(f"{path}: {where} has an unknown key {key!r}.", remedy=meant)


def _find_list(table: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise build_setting_error(path, f"tool.wheelaudit.{key}", "is not an array")
    return value


def _find_texts(table: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = table.get(key, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise build_setting_error(path, f"tool.wheelaudit.{key}", "is not a string or an array of strings")
    return tuple(texts)


def _find_choice(table: Mapping[str, Any], key: str, choices: Sequence[str], path: Path) -> str | None:
    value = table.get(key)
    if value is not None and value not in choices:
        raise build_setting_error(path, f"tool.wheelaudit.{key}", f"is none of {', '.join(choices)}: {value!r}")
    return cast("str | None", value)


def _parse_ignored(entry: object, path: Path) -> Ignored:
    where = "tool.wheelaudit.ignore"
    if not isinstance(entry, dict):
        raise build_setting_error(path, where, "has an element that is not a table")
    _check_keys(entry, IGNORE_KEYS, where, path)
    finding, reason, until = entry.get("id"), entry.get("reason"), entry.get("until")
    if not isinstance(finding, str) or not _FINDING.fullmatch(finding):
        raise build_setting_error(path, where, 'has an element without an id such as "WA101"')
    if not isinstance(reason, str) or not reason.strip():
        raise build_setting_error(path, where, f"has an element for {finding} without a reason")
    if type(until) is not datetime.date:
        raise build_setting_error(path, where, f"has an element for {finding} without an end: until = 2027-01-31")
    return Ignored(
        id=finding,
        project=_find_project(entry.get("project"), path, where),
        version=_find_version(entry.get("version"), path, where),
        reason=reason,
        until=until,
    )


def _find_project(value: object, path: Path, where: str) -> NormalizedName | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise build_setting_error(path, where, "has a project that is not a string")
    return canonicalize_name(value)


def _find_version(value: object, path: Path, where: str) -> Version | None:
    if value is None:
        return None
    try:
        return Version(str(value))
    except InvalidVersion as error:
        raise build_setting_error(path, where, f"has a version that is none (PEP 440): {value!r}") from error
