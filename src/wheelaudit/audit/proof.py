"""WING A (pure): the evaluation of an override in every served environment.

Deliberately a second way: it parses the override's text again and asks `packaging`
to evaluate each marker in full environments, and shares nothing with the builder
but the list of environments and their best wheels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from wheelaudit.audit.groups import find_extras
from wheelaudit.audit.values import Deviation, Override, Proof
from wheelaudit.environments import Environment, Served, describe_environments
from wheelaudit.errors import ReleaseTooLargeError
from wheelaudit.markers import VARIABLES
from wheelaudit.metadata import CoreMetadata, RequirementKey
from wheelaudit.release import WheelFile

MAX_EVALUATIONS = 50_000_000
"""Requirements by environments by extras: a minute. Of a release with 100 extras and 1,000 requirements in 400
environments there are 40 million, of a usual one 5,000."""

Wanted = frozenset[RequirementKey]
Parsed = tuple[tuple[RequirementKey, Marker | None], ...]


def prove(
    override: Override,
    *,
    served: Sequence[Served],
    cores: Mapping[WheelFile, CoreMetadata],
    extras: Iterable[NormalizedName],
) -> Proof:
    """Evaluate ``override`` in every environment of ``served``, without an extra and with each of ``extras``.

    Raises `ReleaseTooLargeError` where that would take more than `MAX_EVALUATIONS`: what is not proven is not said.
    """
    extras = tuple(extras)
    most = max((len(core.requires_dist) for core in cores.values()), default=0) + len(override.requires_dist)
    if len(served) * (len(extras) + 1) * most > MAX_EVALUATIONS:
        raise ReleaseTooLargeError(
            f"To prove an override for the release takes more than {MAX_EVALUATIONS} evaluations.",
            remedy="Tell the project; no release that is installed anywhere needs as many.",
        )
    evaluator = _Evaluator()
    offered = evaluator.parse(override.requires_dist)
    # By identity: wheels of one advertised hash share one object.
    distinct = {id(core): core for core in cores.values()}
    asked = {number: evaluator.parse(line.text for line in core.requires_dist) for number, core in distinct.items()}
    named = {number: find_extras([core]) for number, core in distinct.items()}
    deviations: dict[tuple[NormalizedName | None, Wanted, Wanted], list[Environment]] = {}
    contexts: tuple[NormalizedName | None, ...] = (None, *extras)
    for each in served:
        variables = each.environment.variables()
        for extra in contexts:
            got = evaluator.wanted(offered, variables, extra)
            missing: set[RequirementKey] = set()
            unwanted: set[RequirementKey] = set()
            for wheel in each.best:
                own = id(cores[wheel])
                needed = evaluator.wanted(asked[own], variables, extra if extra in named[own] else None)
                missing |= needed - got
                unwanted |= got - needed
            if missing or unwanted:
                key = (extra, frozenset(missing), frozenset(unwanted))
                deviations.setdefault(key, []).append(each.environment)
    universe = [each.environment for each in served]
    return Proof(
        environments=len(served) * len(contexts),
        deviations=tuple(
            Deviation(
                environments=describe_environments(environments, universe),
                extra=extra,
                missing=tuple(sorted(map(str, missing))),
                unwanted=tuple(sorted(map(str, unwanted))),
            )
            for (extra, missing, unwanted), environments in deviations.items()
        ),
    )


class _Evaluator:
    """Evaluates requirements with `packaging`, each marker once per distinct values of the variables it names."""

    def __init__(self) -> None:
        self._answers: dict[tuple[int, str, tuple[str, ...]], bool] = {}
        self._extras: dict[int, set[NormalizedName]] = {}
        """By marker, every text in it."""
        self._parsed: dict[str, tuple[RequirementKey, Marker | None]] = {}
        self._variables: dict[int, tuple[str, ...]] = {}

    def parse(self, texts: Iterable[str]) -> Parsed:
        """Parse requirements, repeated ones once."""
        return tuple(self._parse(text) for text in dict.fromkeys(texts))

    def wanted(self, requirements: Parsed, variables: Mapping[str, str], extra: NormalizedName | None) -> Wanted:
        """Return what is asked for, markers aside."""
        values = {**variables, "extra": extra or ""}
        return frozenset(key for key, marker in requirements if marker is None or self._holds(marker, values))

    def _parse(self, text: str) -> tuple[RequirementKey, Marker | None]:
        if text not in self._parsed:
            requirement = Requirement(text)
            self._parsed[text] = (_key(requirement), requirement.marker)
            if requirement.marker is not None:
                named = str(requirement.marker)
                self._variables[id(requirement.marker)] = tuple(name for name in VARIABLES if name in named)
                texts = re.findall(r"\"([^\"]*)\"|'([^']*)'", named)
                self._extras[id(requirement.marker)] = {canonicalize_name(one or other) for one, other in texts}
        return self._parsed[text]

    def _holds(self, marker: Marker, values: Mapping[str, str]) -> bool:
        # An extra that a marker does not name is to it as any other such, and as none.
        extra = values["extra"] if values["extra"] in self._extras[id(marker)] else ""
        key = (id(marker), extra, tuple([values[name] for name in self._variables[id(marker)]]))
        if key not in self._answers:
            # All variables are given: none is borrowed from the machine that wheelaudit runs on.
            self._answers[key] = marker.evaluate({**values, "extra": extra})
        return self._answers[key]


def _key(requirement: Requirement) -> RequirementKey:
    return RequirementKey(
        project=canonicalize_name(requirement.name),
        extras=tuple(sorted(canonicalize_name(extra) for extra in requirement.extras)),
        specifier=requirement.specifier,
        url=requirement.url,
    )
