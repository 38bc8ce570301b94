"""WING A (pure): the graph of a lock: which of its packages an environment comes to, and with which extras.

Source: uv's installation of a lock follows arrows from the project's own; a
pylock.toml (PEP 751) has none, and its packages say themselves where they are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName

from wheelaudit.audit.points import Mask
from wheelaudit.audit.worlds import Markers, World, names_choice
from wheelaudit.lock import Choice, Dependency, Lock

Node = tuple[int, NormalizedName | None]
"""Position in `Lock.packages`, and an extra; None: what it brings without one."""

Edge = tuple[Node, Mask]
"""What is come to, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A dependency, and the packages of the lock that it may mean."""

    dependency: Dependency
    targets: tuple[int, ...]
    """More than one: their own markers say where each is meant. None where the lock lacks it."""


class Graph:
    """A lock with its arrows tied to what they point to."""

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self._positions: dict[NormalizedName, list[int]] = {}
        for position, package in enumerate(lock.packages):
            self._positions.setdefault(package.project, []).append(position)
        self._arrows: dict[Node, tuple[Arrow, ...]] = {}
        for position, package in enumerate(lock.packages):
            self._arrows[position, None] = self._tie(package.dependencies or ())
            for extra, dependencies in package.optional.items():
                self._arrows[position, extra] = self._tie(dependencies)

    def find_positions(self, project: NormalizedName) -> tuple[int, ...]:
        """Return where in the lock a project's packages are."""
        return tuple(self._positions.get(project, ()))

    def find_arrows(self, node: Node) -> tuple[Arrow, ...]:
        """Return what a package brings: without an extra, or with this one besides."""
        return self._arrows.get(node, ())

    def find_places(self, arrow: Arrow, markers: Markers, world: World) -> Iterator[tuple[int, Mask]]:
        """Yield each package that an arrow means, and where."""
        mask = markers.holds(arrow.dependency.marker, world)
        for target in arrow.targets:
            # An arrow of uv's is as narrow as need be; PEP 751's names a project, and the package has the marker.
            alone = len(arrow.targets) == 1 and self.lock.kind == "uv.lock"
            yield target, mask if alone else mask & markers.holds_any(self.lock.packages[target].where, world)

    def find_reached(
        self, markers: Markers, world: World, *, asked: Mapping[Node, tuple[Edge, ...]]
    ) -> dict[Node, Mask]:
        """Return where each package is come to in ``world``, by extra.

        ``asked`` are edges besides the lock's own: what wheels are known to ask for with extras.
        """
        reached: dict[Node, Mask] = {}
        edges: dict[Node, tuple[Edge, ...]] = {}
        full = markers.holds_any(self.lock.environments, world) & _admitted(self.lock, markers)
        pending = [(node, mask & full) for node, mask in self._find_starts(markers, world)]
        while pending:
            node, mask = pending.pop()
            package = self.lock.packages[node[0]]
            new = mask & markers.holds_any(package.where, world) & ~reached.get(node, 0)
            if not new:
                continue
            reached[node] = reached.get(node, 0) | new
            if node[1] is not None:
                pending.append(((node[0], None), new))
            if node not in edges:
                own = self._find_edges(self.find_arrows(node), markers, world)
                edges[node] = (*own, *asked.get(node, ()))
            pending += [(target, new & where) for target, where in edges[node] if new & where]
        return reached

    def _find_starts(self, markers: Markers, world: World) -> Iterator[Edge]:
        full = markers.points.full
        for position, package in enumerate(self.lock.packages):
            if self.lock.kind == "pylock.toml":
                yield (position, None), full
            elif package.origin == "project":
                if Choice(project=package.project).text in world:
                    yield (position, None), full
                    for extra in package.optional:
                        if Choice(project=package.project, extra=extra).text in world:
                            yield (position, extra), full
                for group, dependencies in package.groups.items():
                    if Choice(project=package.project, group=group).text in world:
                        yield from self._find_edges(self._tie(dependencies), markers, world)
        yield from self._find_edges(self._tie(self._find_sure_roots()), markers, world)

    def _find_sure_roots(self) -> Iterator[Dependency]:
        """Yield what is asked for besides; a pylock.toml does not say with which choices it was made."""
        for root in self.lock.roots or ():
            if self.lock.kind == "uv.lock" or root.marker is None or not names_choice(root.marker):
                yield root

    def _find_edges(self, arrows: Iterable[Arrow], markers: Markers, world: World) -> Iterator[Edge]:
        for arrow in arrows:
            for target, where in self.find_places(arrow, markers, world):
                yield (target, None), where
                yield from (((target, extra), where) for extra in arrow.dependency.extras)

    def _tie(self, dependencies: Iterable[Dependency]) -> tuple[Arrow, ...]:
        return tuple(Arrow(dependency=each, targets=self._find_targets(each)) for each in dependencies)

    def _find_targets(self, dependency: Dependency) -> tuple[int, ...]:
        found = self._positions.get(dependency.project, [])
        if dependency.version is not None:
            found = [each for each in found if self.lock.packages[each].version in (dependency.version, None)]
        if dependency.registry is not None:
            found = [each for each in found if self.lock.packages[each].registry == dependency.registry] or found
        return tuple(found)


def _admitted(lock: Lock, markers: Markers) -> Mask:
    """The points inside the lock's Python bound."""
    points, bound = markers.points, lock.requires_python
    if bound is None:
        return points.full
    versions = {each["python_full_version"] for each in points.assignments}
    admitted = {version for version in versions if bound.contains(version, prereleases=True)}
    return points.where(
        number for number, each in enumerate(points.assignments) if each["python_full_version"] in admitted
    )
