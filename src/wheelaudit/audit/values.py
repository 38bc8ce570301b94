"""WING A (pure): what an audit says, as frozen values: verdict, groups, impact, findings, override, proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.metadata import Reading
from wheelaudit.release import Release, WheelFile

Verdict = Literal["consistent", "inconsistent", "undecided"]
Union = Literal["scoped", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Wheels of a release whose metadata means the same in every served environment."""

    wheels: tuple[WheelFile, ...]
    requires_dist: tuple[str, ...]
    """As the first of the wheels spells them, repeated lines once."""
    requires_python: str | None
    provides_extra: tuple[NormalizedName, ...]
    environments: str
    """Where one of these wheels is the best wheel, in one line; "" where none ever is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A platform that has a wheel, and the Pythons that have one on it."""

    platform: str
    pythons: tuple[str, ...]
    """``3.12``, ``3.13t``, ``pypy3.10``; ``3.9+``: this one and all above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a lock made from the wheel that uv reads loses and gains in a set of environments."""

    environments: str
    lost: tuple[str, ...]
    """Requirements without marker; ``; extra == "x"`` follows where only that extra brings them."""
    gained: tuple[str, ...]


State = Literal["same", "lost", "gained", "needed", "absent", "unknown"]
"""Of a requirement in an environment: needed and read, needed and not read, read and not needed; ``needed`` where
the wheel that is read is unknown; absent: neither; unknown where the best wheel itself is unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The requirements in which wheels differ, against sets of environments that see them alike."""

    columns: tuple[str, ...]
    """Sets of environments, each in one line."""
    rows: tuple[tuple[str, tuple[State, ...]], ...]
    """Requirement, and its state per column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, under a stable id (README)."""

    id: str
    message: str
    wheels: tuple[str, ...] = ()
    """File names, sorted."""
    requirements: tuple[str, ...] = ()
    help: str = ""
    """What to do about it, one sentence in the imperative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A ``[[tool.uv.dependency-metadata]]`` entry: the keys that uv reads, and no other."""

    name: NormalizedName
    version: Version
    requires_python: str | None
    """None: no key, every Python is admitted."""
    requires_dist: tuple[str, ...]
    provides_extras: tuple[NormalizedName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where an override does not ask for what its environments need."""

    environments: str
    extra: NormalizedName | None
    missing: tuple[str, ...]
    unwanted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The evaluation of an override in every served environment."""

    environments: int
    """(environment, extra) pairs evaluated."""
    deviations: tuple[Deviation, ...]
    """None of them: the override is faithful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFinding:
    """Where a lock does not give a set of environments what the wheels ask for there."""

    id: str
    """WA411 lost, WA412 gained, WA413 pinned to a version that the wheel does not admit."""
    message: str
    requirements: tuple[str, ...]
    """Without marker, as the wheels spell them (WA412: the projects, with the version that is locked);
    ``; extra == "x"`` follows where only that extra brings them."""
    environments: str
    """In one line, as `Impact` has it."""
    wheels: tuple[str, ...]
    """File names of the wheels that ask otherwise than the lock gives, sorted."""
    help: str = ""


LockStatus = Literal["right", "wrong", "unknown"]
"""Of a locked release: given as its wheels ask; not so in some environment; not known, as some wheel is unread and
nothing is wrong elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAudit:
    """What a lock gives the environments of one release, against what its wheels ask for."""

    release: Release
    """The wheels that the lock names."""
    status: LockStatus
    readings: tuple[Reading, ...]
    """One per wheel, in the release's order."""
    findings: tuple[LockFinding, ...]
    """By id, then in the order of environments."""
    environments: int
    """(environment, extra) pairs compared: served by a wheel, covered by the lock, and reached from a member."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Audit:
    """Everything that wheelaudit says of one release."""

    release: Release
    verdict: Verdict
    readings: tuple[Reading, ...]
    """One per wheel, in the release's order."""
    groups: tuple[Group, ...]
    """Of the wheels that were read, by their first wheel; one group where they agree."""
    requires_python: SpecifierSet | None
    """The project's bound, which decides what uv reads and what its lock covers; None: no bound."""
    reads_uv: WheelFile | None
    """The wheel whose metadata uv takes for all; None where the project's Python bound leaves none."""
    coverage: tuple[Coverage, ...]
    impact: tuple[Impact, ...]
    matrix: Matrix
    findings: tuple[Finding, ...]
    override: Override | None
    """None unless the release is inconsistent and every wheel was read."""
    proof: Proof | None
    """There exactly where `override` is."""
    no_override: str | None
    """Why an inconsistent release has no override: one sentence; None where it has one or needs none."""

    def __repr__(self) -> str:
        # Short on purpose: when asyncio ends, it spells what its main task returned and throws the text away
        # (`asyncio.Runner` asks `signal.getsignal`, seen in 3.11); of 2,000 wheels that took a third of a second.
        return f"<{type(self).__name__} of {self.release.spec}: {self.verdict}>"

    @property
    def group_of(self) -> dict[WheelFile, int]:
        """Index into `groups` of every wheel that was read."""
        return {wheel: number for number, group in enumerate(self.groups) for wheel in group.wheels}
