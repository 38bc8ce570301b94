"""WING A (pure): what is wrong with a lock for one release, gathered into findings (WA411 to WA413 of the README).

One finding for each id and set of environments: the 14 requirements that a platform
lost are one line of a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.audit.groups import judge
from wheelaudit.audit.points import Mask
from wheelaudit.audit.stages import Stage
from wheelaudit.audit.values import LockFinding
from wheelaudit.environments import describe_environments
from wheelaudit.lock import Lock
from wheelaudit.metadata import RequirementKey
from wheelaudit.release import Release

MAX_LISTED = 3
"""Pins named in a message; `LockFinding.requirements` has all requirements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One requirement that a lock does not meet, or one project that it gives for nothing."""

    id: Literal["WA411", "WA412", "WA413"]
    key: RequirementKey
    """WA412: the project alone."""
    version: Version | None = None
    """The one that is locked, for WA412 and WA413; None where the lock does not say."""

    def spell(self, extra: NormalizedName | None) -> str:
        """Return it without marker, and with the extra that brings it."""
        pin = f"=={self.version}" if self.id == "WA412" and self.version is not None else ""
        return f"{self.key}{pin}" if extra is None else f'{self.key}{pin}; extra == "{extra}"'


@dataclass(slots=True, kw_only=True)
class Losses:
    """What is wrong, where; filled while a lock is judged."""

    covered: Mask = 0
    """Points of the release that the lock covers."""
    found: dict[Discrepancy, Mask] = field(default_factory=dict)

    def add(self, discrepancy: Discrepancy, mask: Mask) -> None:
        """Add points at which something is wrong; none of them is nothing."""
        if mask:
            self.found[discrepancy] = self.found.get(discrepancy, 0) | mask


Row = tuple[Discrepancy, NormalizedName | None]
"""With the extra that brings it; None where it comes without one."""

_Place = tuple[int, ...]
"""A set of environments, by their numbers in `Scene.distinct`."""


def build_findings(lock: Lock, stage: Stage, losses: Losses) -> tuple[LockFinding, ...]:
    """Return what is wrong with a release, by id and then in the order of environments."""
    gathered: dict[tuple[str, _Place], list[Row]] = {}
    for row, place in _find_rows(stage, losses):
        gathered.setdefault((row[0].id, place), []).append(row)
    return tuple(_build_finding(lock, stage, losses, place, gathered[key, place]) for key, place in sorted(gathered))


def _find_rows(stage: Stage, losses: Losses) -> Iterator[tuple[Row, _Place]]:
    """Yield every requirement with its environments, and with an extra only those where it is not wrong without."""
    for discrepancy, mask in losses.found.items():
        plain = _find_place(stage, mask, None)
        if plain:
            yield (discrepancy, None), plain
        for extra in stage.points.extras:
            place = tuple(sorted({*_find_place(stage, mask, extra)} - {*plain})) if extra is not None else ()
            if place:
                yield (discrepancy, extra), place


def _find_place(stage: Stage, mask: Mask, extra: NormalizedName | None) -> _Place:
    points = stage.points
    shift = points.extras.index(extra)
    return tuple(
        number
        for number, assignment in enumerate(stage.scene.assignment_of)
        if mask >> (assignment * points.width + shift) & 1
    )


def _build_finding(lock: Lock, stage: Stage, losses: Losses, place: _Place, rows: Sequence[Row]) -> LockFinding:
    where = describe_environments(
        [stage.scene.distinct[number].environment for number in place],
        [stage.scene.distinct[number].environment for number in _find_place(stage, losses.covered, None)],
    )
    finding = rows[0][0].id
    entry = _is_overridden(lock, stage.release)
    told = f" The lock was made with the project's own entry for {stage.release.spec}." if entry else ""
    return LockFinding(
        id=finding,
        message=f"{_MESSAGES[finding].format(lock=lock.kind, what=_name(rows), where=where)}{told}",
        requirements=tuple(dict.fromkeys(sorted(discrepancy.spell(extra) for discrepancy, extra in rows))),
        environments=where,
        wheels=_find_wheels(stage, place, rows),
        help=_find_help(lock, stage, entry=entry),
    )


_MESSAGES: Mapping[str, str] = {
    "WA411": "{lock} does not give {what} that the wheels of {where} ask for.",
    "WA412": "{lock} gives {what} that the wheels of {where} do not ask for.",
    "WA413": "{lock} pins {what}, which the wheels of {where} do not admit.",
}


def _name(rows: Sequence[Row]) -> str:
    """Count what is lost or gained, and name the pins."""
    if rows[0][0].id == "WA413":
        pins = sorted({f"{each.key.project} to {each.version}" for each, _ in rows})
        more = f" and {len(pins) - MAX_LISTED} more" if len(pins) > MAX_LISTED else ""
        return f"{', '.join(pins[:MAX_LISTED])}{more}"
    count = len({discrepancy for discrepancy, _ in rows})
    noun = "project" if rows[0][0].id == "WA412" else "requirement"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _is_overridden(lock: Lock, release: Release) -> bool:
    return not lock.overridden.isdisjoint({(release.project, release.version), (release.project, None)})


def _find_help(lock: Lock, stage: Stage, *, entry: bool) -> str:
    if entry:
        return "Run `wheelaudit check`: the entry is not what the wheels ask for."
    again = " and export pylock.toml again" if lock.kind == "pylock.toml" else ""
    if stage.package.origin != "index":
        return "Ask the project to give all wheels one metadata."
    if judge(stage.scene) == "consistent":
        # No override would help: the lock was made from other metadata than the wheels have now.
        name = stage.release.project
        return (
            f"Run `uv lock --upgrade-package {name} --refresh-package {name}`{again}: the wheels all ask for one thing."
        )
    return f"Write the override with `wheelaudit lock --write`, then run `uv lock`{again}."


def _find_wheels(stage: Stage, place: _Place, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the best wheels there that ask for what is not given; of what is gained, all of them."""
    best = {wheel for number in place for wheel in stage.scene.distinct[number].best}
    here = stage.points.where({stage.scene.assignment_of[number] for number in place})
    keys = {discrepancy.key for discrepancy, _ in rows if discrepancy.id != "WA412"}
    asking = set()
    for wheel in best:
        asks = stage.scene.kin[stage.scene.kin_of[wheel]].meaning.asks
        if any(asks.get(key, 0) & here for key in keys):
            asking.add(wheel)
    return tuple(sorted({wheel.filename for wheel in asking or best}))
