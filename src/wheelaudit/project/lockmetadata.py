"""OUTPUT (pure): what the projects of a uv.lock ask for in their own words, and the extras that its arrows leave out.

Source: of an extra that the wheel it has read lacks, or has empty, uv writes nothing into
an arrow (``torch[x]`` becomes ``torch``). Beside the arrows of what is no release of an
index it keeps the requirements themselves, in ``[package.metadata]``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.lock import Dependency, LockedPackage
from wheelaudit.markers import All, AnyOf, Comparison, Expression, comparisons, count_comparisons, join_all, join_any
from wheelaudit.project.locktable import LockTable

MAX_STEPS = 1_000_000
"""Requirements that are held against arrows, of a whole lock: a workspace of a hundred members comes to 100,000, and a
lock that was made to be slow to some seconds."""

_Target = tuple[NormalizedName, Version | None, str | None]
"""What tells packages of a lock apart, as an arrow names it."""

_Place = tuple[NormalizedName | None, Expression | None]
"""An extra that is asked for (None: the project without one), and where."""


class Patience:
    """How many steps of `MAX_STEPS` a lock has left; one for all of its packages."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self, steps: int, table: LockTable) -> None:
        """Raise `ProjectFileError`, which names the package of ``table``, where they come to an end."""
        self._left -= steps
        if self._left < 0:
            raise table.refuse("metadata", "it asks for too much")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A requirement with extras."""

    project: NormalizedName
    extras: tuple[NormalizedName, ...]
    marker: Expression | None
    """Without what it says of the extra that brings it."""


def add_lost_extras(
    package: LockedPackage, table: LockTable, *, overrides: Collection[NormalizedName], patience: Patience
) -> LockedPackage:
    """Return ``package`` with an arrow for each extra that its ``[package.metadata]`` asks for and its arrows lack.

    The new ones stand behind the others. Who asks for one of ``overrides`` is given what the
    user says instead, so nothing is lost there. Raises `ProjectFileError`.
    """
    metadata = table.find_table("metadata")
    if metadata is None:
        return package
    completion = _Completion(package, table, overrides, patience)
    own = completion.sort_by_extra(metadata.find_tables("requires-dist"))
    # What a group asks for is for no extra: of the project's own extras it has an arrow to the project itself.
    groups = {
        name: completion.sort_by_extra(entries).get(None, ()) for name, entries in _find_group_tables(metadata).items()
    }
    return replace(
        package,
        dependencies=completion.complete(package.dependencies or (), own, None),
        optional={extra: completion.complete(arrows, own, extra) for extra, arrows in package.optional.items()},
        groups={
            name: completion.complete(arrows, {None: groups.get(name, ())}, None)
            for name, arrows in package.groups.items()
        },
    )


def _find_group_tables(metadata: LockTable) -> Mapping[NormalizedName, tuple[LockTable, ...]]:
    groups = metadata.find_table("requires-dev")
    if groups is None:
        return {}
    found: dict[NormalizedName, tuple[LockTable, ...]] = {}
    for key in groups.values:
        name = metadata.as_name("requires-dev", key)
        if name in found:
            raise metadata.refuse(f"requires-dev.{name}", "it is there twice")
        found[name] = groups.find_tables(key)
    return found


_Wishes = Mapping[NormalizedName | None, Sequence[_Wish]]
"""By the extra of the project that brings them; None: without one."""


def settle_extra(expression: Expression, extra: NormalizedName | None) -> Expression | bool:
    """Return what is left of a marker once it is known which extra is asked for; a truth value where nothing is.

    Obeys PEP 685: extras are compared normalised.
    """
    match expression:
        case Comparison(variable="extra", op=op, value=value):
            return (canonicalize_name(value) == extra) == (op == "==")
        case Comparison():
            return expression
        case All(parts):
            rests = [settle_extra(part, extra) for part in parts]
            kept = [rest for rest in rests if not isinstance(rest, bool)]
            # Without a part that is left it always holds.
            return False if False in rests else join_all(*kept) or True
        case AnyOf(parts):
            rests = [settle_extra(part, extra) for part in parts]
            kept = [rest for rest in rests if not isinstance(rest, bool)]
            if True in rests or not kept:
                return True in rests
            return join_any(*kept) or True


class _Completion:
    """Finds the arrows that one package lacks."""

    def __init__(
        self, package: LockedPackage, table: LockTable, overrides: Collection[NormalizedName], patience: Patience
    ) -> None:
        self.project, self.table, self.overrides, self.patience = package.project, table, overrides, patience
        self.known: dict[_Target, set[NormalizedName]] = {}
        for arrows in (package.dependencies or (), *package.optional.values(), *package.groups.values()):
            for arrow in arrows:
                # Whether uv writes an extra depends on the target alone: what one arrow has, none of them lacks.
                self.known.setdefault(_find_target(arrow), set()).update(arrow.extras)

    def sort_by_extra(self, entries: Iterable[LockTable]) -> _Wishes:
        """Return the requirements that ask for extras."""
        found: dict[NormalizedName | None, dict[_Wish, None]] = {}
        for entry in entries:
            project, marker = entry.read_name("name"), entry.find_marker("marker")
            extras = tuple(dict.fromkeys(entry.as_name("extras", name) for name in entry.find_texts("extras")))
            if not extras:
                continue
            named = {canonicalize_name(each.value): None for each in comparisons(marker) if each.variable == "extra"}
            for extra in (None, *named):
                self.patience.spend(count_comparisons(marker) + len(extras), self.table)
                rest = True if marker is None else settle_extra(marker, extra)
                if rest is not False:
                    wish = _Wish(project=project, extras=extras, marker=None if rest is True else rest)
                    found.setdefault(extra, {})[wish] = None
        return {extra: tuple(wishes) for extra, wishes in found.items()}

    def complete(
        self, arrows: tuple[Dependency, ...], wishes: _Wishes, extra: NormalizedName | None
    ) -> tuple[Dependency, ...]:
        """Return the arrows of the project, or of its ``extra``, with those that they lack behind them."""
        targets = _find_targets(arrows)
        found: dict[Dependency, None] = {}
        for wish in self._follow(wishes, extra) if targets else ():
            for target, (marker, size) in targets.get(wish.project, {}).items():
                self.patience.spend(size + len(wish.extras), self.table)
                lost = tuple(each for each in wish.extras if each not in self.known[target])
                if lost and wish.project not in self.overrides:
                    found[_build_arrow(target, lost, join_all(marker, wish.marker))] = None
        return (*arrows, *found)

    def _follow(self, wishes: _Wishes, extra: NormalizedName | None) -> Iterator[_Wish]:
        """Yield what is asked for with ``extra``, also by what the project then asks of itself (``asker[gpu]``).

        Source: uv writes no arrow from a project to itself, but those that follow from it.
        """
        places: dict[_Place, None] = {(extra, None): None}
        pending = list(places)
        for asked, marker in pending:
            for wish in wishes.get(asked, ()):
                where = join_all(marker, wish.marker)
                self.patience.spend(count_comparisons(where) + len(wish.extras), self.table)
                if wish.project != self.project:
                    yield replace(wish, marker=where)
                    continue
                more = [(each, where) for each in wish.extras if (each, where) not in places]
                places.update(dict.fromkeys(more))
                pending += more


def _find_targets(
    arrows: Iterable[Dependency],
) -> Mapping[NormalizedName, Mapping[_Target, tuple[Expression | None, int]]]:
    """Return by project what arrows lead to: where any of them does, and how many comparisons say so."""
    markers: dict[_Target, dict[Expression | None, None]] = {}
    for arrow in arrows:
        markers.setdefault(_find_target(arrow), {})[arrow.marker] = None
    found: dict[NormalizedName, dict[_Target, tuple[Expression | None, int]]] = {}
    for target, each in markers.items():
        joined = join_any(*each)
        found.setdefault(target[0], {})[target] = joined, count_comparisons(joined)
    return found


def _find_target(arrow: Dependency) -> _Target:
    return arrow.project, arrow.version, arrow.registry


def _build_arrow(target: _Target, extras: tuple[NormalizedName, ...], marker: Expression | None) -> Dependency:
    project, version, registry = target
    return Dependency(project=project, version=version, registry=registry, extras=extras, marker=marker)
