"""OUTPUT (pure): which versions of one project a workspace can come to, and on which index.

uv resolves a workspace for every environment at once, all extras and groups together
but for those that are declared to conflict. So each environment with each choice among
the conflicting ones is a world of its own: what is asked for in it together bounds one version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from wheelaudit.errors import ProjectFileError
from wheelaudit.markers import Expression, evaluate
from wheelaudit.metadata import RequirementLine
from wheelaudit.project.requirements import Context, ProjectRequirement
from wheelaudit.project.sources import Conflict, Source

MAX_CHOICES = 4096
"""Among conflicting extras and groups that ask for one project. Real ones have a dozen; the number multiplies."""

_PLATFORMS = (
    ("posix", "linux", "Linux", ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "armv7l", "i686")),
    ("nt", "win32", "Windows", ("AMD64", "ARM64", "x86")),
    ("posix", "darwin", "Darwin", ("x86_64", "arm64")),
)
_MINORS = range(6, 21)
"""Of Python 3: those that a lock made today can be for."""
_PATCH = 99
"""Stands for any late patch release, so that ``>=3.10.4`` admits 3.10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the requirements of one world come to."""

    member: NormalizedName | None
    """The project of the workspace whose source names the index; None where none does."""
    index: str | None
    """The name that the source gives; None: no source applies, so the indexes that are asked for everything."""
    specifier: SpecifierSet


def find_demands(
    requirements: Sequence[ProjectRequirement],
    sources: Mapping[NormalizedName | None, Sequence[Source]],
    *,
    conflicts: Iterable[Conflict] = (),
    environments: Sequence[Expression] = (),
    requires_python: SpecifierSet | None = None,
    constraints: Sequence[RequirementLine] = (),
    overrides: Sequence[RequirementLine] = (),
) -> tuple[Demand, ...]:
    """Return the distinct demands of all worlds; none where nothing asks for the project from an index.

    All of ``requirements``, ``constraints`` and ``overrides`` are of one project;
    ``sources`` are its own by member. ``environments`` are those that the workspace is
    confined to; empty: none.
    """
    contexts = frozenset(requirement.context for requirement in requirements)
    demands: dict[Demand, None] = {}
    points = [
        point
        for point in build_points(requires_python)
        if not environments or any(evaluate(environment, point) for environment in environments)
    ]
    for chosen, point in product(find_choices(contexts, conflicts), points):
        active = [each for each in requirements if each.context in chosen and evaluate(each.line.marker, point)]
        if active:
            specifier = _join(active, constraints, overrides, point)
            demands.update(dict.fromkeys(_find_places(active, sources, specifier, point)))
    return tuple(demands)


def find_choices(contexts: frozenset[Context], conflicts: Iterable[Conflict]) -> tuple[frozenset[Context], ...]:
    """Return the largest sets of ``contexts`` of which no two conflict, in a stable order."""
    choices = {contexts: None}
    for conflict in conflicts:
        narrowed: dict[frozenset[Context], None] = {}
        for choice in choices:
            narrowed.update(dict.fromkeys(_resolve(choice, conflict)))
            if len(narrowed) > MAX_CHOICES:
                raise ProjectFileError(
                    f"the conflicts of the project leave more than {MAX_CHOICES} combinations to look at.",
                    remedy="Name the release that is to be audited, as NAME==VERSION.",
                )
        choices = narrowed
    return tuple(choice for choice in choices if not any(choice < other for other in choices))


def build_points(requires_python: SpecifierSet | None) -> tuple[dict[str, str], ...]:
    """Return environments that tell the markers of real projects apart: platforms, machines, Pythons."""
    versions = [f"3.{minor}.{_PATCH}" for minor in _MINORS]
    admitted = [version for version in versions if requires_python is None or requires_python.contains(version)]
    return tuple(
        {
            "os_name": os_name,
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": machine,
            "platform_release": "",
            "platform_version": "",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": version,
            "python_version": version.rpartition(".")[0],
            "python_full_version": version,
        }
        # A bound such as ==3.11.4 admits none of these, and says nothing against any.
        for version in admitted or versions
        for os_name, sys_platform, system, machines in _PLATFORMS
        for machine in machines
    )


def find_source(sources: Iterable[Source], context: Context, point: Mapping[str, str]) -> Source | None:
    """Return the source of a requirement in one environment; None where none applies."""
    return next((source for source in sources if source.is_for(context) and evaluate(source.marker, point)), None)


def _resolve(choice: frozenset[Context], conflict: Conflict) -> Iterator[frozenset[Context]]:
    """Yield what is left of ``choice`` when one side of the conflict stays; all where fewer than two are in it."""
    sides = [frozenset(context for context in choice if item.covers(context)) for item in conflict]
    sides = [side for side in sides if side]
    if len(sides) < 2:
        yield choice
        return
    for kept in sides:
        yield choice - frozenset().union(*sides) | kept


def _find_places(
    active: Sequence[ProjectRequirement],
    sources: Mapping[NormalizedName | None, Sequence[Source]],
    specifier: SpecifierSet,
    point: Mapping[str, str],
) -> Iterator[Demand]:
    """Yield where uv looks in one world: where a source names an index, it is that one for all who ask."""
    applied = [
        (each.context.member, find_source(sources.get(each.context.member, ()), each.context, point)) for each in active
    ]
    if any(source is not None and source.index is None for _, source in applied):
        return
    if any(each.line.key.url is not None for each in active):
        return
    named = [(member, source.index) for member, source in applied if source is not None]
    for member, index in named or [(None, None)]:
        yield Demand(member=member, index=index, specifier=specifier)


def _join(
    active: Sequence[ProjectRequirement],
    constraints: Sequence[RequirementLine],
    overrides: Sequence[RequirementLine],
    point: Mapping[str, str],
) -> SpecifierSet:
    """Return the bounds of one world together; uv: overrides take the place of requirements, constraints join them."""
    lines = [each.line for each in active] if not overrides else list(overrides)
    lines += constraints
    texts = {str(part) for line in lines if evaluate(line.marker, point) for part in line.key.specifier}
    return SpecifierSet(",".join(sorted(texts, key=_specifier_order)))


def _specifier_order(text: str) -> tuple[str, str]:
    return text.lstrip("<>=!~"), text
