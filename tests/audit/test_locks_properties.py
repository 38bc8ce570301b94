"""A second opinion on random small locks: every marker evaluated by `packaging` in every environment, by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from tests import oracle
from tests.audit.locked import judge, lock, member, package
from tests.places import names
from tests.releases import build_oracle_wheels, build_reading
from wheelaudit.audit.values import LockAudit, LockFinding
from wheelaudit.lock import LockKind
from wheelaudit.metadata import WheelMetadata

TAGS = tuple(
    f"cp3{minor}-cp3{minor}-{platform}"
    for minor in (10, 11)
    for platform in ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "win_amd64")
)
MARKERS = (
    "",
    "sys_platform == 'linux'",
    "sys_platform != 'win32'",
    "python_version < '3.11'",
    "platform_machine == 'aarch64' or sys_platform == 'darwin'",
    "os_name == 'nt' and python_version >= '3.11'",
)
ASKED = ("foo", "foo==1", "foo>=2", "bar", "baz<2")
LOCKED = ("foo==1", "foo==2", "bar==1", "baz==1")
EXTRA = re.compile(r'^(?P<requirement>.*); extra == "gpu"$')


def marked(requirements: Iterable[str], *, extra: bool = False) -> st.SearchStrategy[list[str]]:
    """Requirements with random markers, each project once; ``extra``: some of them of the extra gpu."""
    contexts = ("", "", "extra == 'gpu'") if extra else ("",)

    def spell(drawn: list[tuple[str, str, str]]) -> list[str]:
        return [
            "; ".join(filter(None, (text, " and ".join(f"({each})" for each in (marker, context) if each))))
            for text, marker, context in drawn
        ]

    each = st.tuples(st.sampled_from(tuple(requirements)), st.sampled_from(MARKERS), st.sampled_from(contexts))
    return st.lists(each, max_size=4, unique_by=lambda drawn: Requirement(drawn[0]).name).map(spell)


@dataclass(frozen=True)
class Case:
    readings: tuple[WheelMetadata, ...]
    asking: str
    dependencies: list[str]
    optional: list[str]
    bound: str
    """Of the project's Python, as a marker."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    tags = draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=4, unique=True))
    readings = [
        build_reading(f"thing-1.0-{tag}.whl", draw(marked(ASKED, extra=True)), provides_extra=["gpu"]) for tag in tags
    ]
    marker = draw(st.sampled_from(MARKERS))
    extra = draw(st.sampled_from(("", "[gpu]")))
    return Case(
        readings=tuple(readings),
        asking=f"thing{extra}; {marker}" if marker else f"thing{extra}",
        dependencies=draw(marked(LOCKED)),
        optional=draw(marked(LOCKED)),
        bound=draw(st.sampled_from(("python_version >= '3.9'", "python_version >= '3.11'"))),
    )


def holds(text: str, variables: Mapping[str, str]) -> bool:
    marker = Requirement(text).marker
    return marker is None or marker.evaluate({**variables, "extra": ""})


def expect(need: oracle.Need, given: Iterable[str]) -> set[tuple[str, str]]:
    """Return (id, project) of what is wrong in one environment that is given these."""
    found: set[tuple[str, str]] = set()
    arrows: dict[str, set[str]] = {}
    for text in given:
        if holds(text, need.target.variables):
            requirement = Requirement(text)
            arrows.setdefault(requirement.name, set()).add(str(requirement.specifier)[2:])
    for name, _, specifier, _ in need.asked:
        if name not in arrows:
            found.add(("WA411", name))
        elif not any(specifier.contains(version) for version in arrows[name]):
            found.add(("WA413", name))
    asked = {name for name, *_ in need.asked}
    return found | {("WA412", name) for name in arrows.keys() - asked}


def find_told(audit: LockAudit, need: oracle.Need) -> set[tuple[str, str]]:
    """Return what is said to be wrong there: without the extra, or only with it."""
    return {
        (finding.id, name)
        for finding in audit.findings
        if names(finding.environments, need.target.variables)
        for name in _names_of(finding, need.extra)
    }


def _names_of(finding: LockFinding, extra: str) -> set[str]:
    of_extra = {match["requirement"] for text in finding.requirements if (match := EXTRA.match(text))}
    plain = {text for text in finding.requirements if not EXTRA.match(text)}
    return {Requirement(text).name for text in (of_extra if extra else plain)}


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_findings_are_where_what_is_given_is_not_what_is_needed(case: Case) -> None:
    asker, thing = member(case.asking), package("thing==1.0", *case.dependencies, optional={"gpu": case.optional})
    others = [package(spec) for spec in LOCKED]
    audit = judge(lock(asker, thing, *others, requires_python=case.bound[15:].replace("'", "")), *case.readings)
    plain: dict[int, set[tuple[str, str]]] = {}
    compared = False
    for need in oracle.needs(build_oracle_wheels(case.readings)):
        covered = holds(case.asking, need.target.variables) and holds(f"x; {case.bound}", need.target.variables)
        compared = compared or covered
        if not need.extra:
            plain[need.target.number] = expect(need, case.dependencies) if covered else set()
            assert find_told(audit, need) == plain[need.target.number], need
        else:
            asked = covered and "[gpu]" in case.asking
            expected = expect(need, [*case.dependencies, *case.optional]) if asked else set()
            # What is wrong without the extra need not be told again.
            known = plain[need.target.number]
            assert find_told(audit, need) - known == expected - known, need
    assert (audit.environments > 0) == compared


@settings(max_examples=60, deadline=None)
@given(case=cases(), where=st.lists(st.sampled_from(MARKERS), min_size=3, max_size=3))
def test_without_arrows_what_is_locked_there_is_given(case: Case, where: list[str]) -> None:
    kind: LockKind = "pylock.toml"
    given = [f"{spec}; {marker}" if marker else spec for spec, marker in zip(LOCKED[1:], where, strict=True)]
    others = [
        package(spec, where=[marker] if marker else [], unsaid=True)
        for spec, marker in zip(LOCKED[1:], where, strict=True)
    ]
    audit = judge(lock(package("thing==1.0", unsaid=True), *others, kind=kind), *case.readings)
    for need in oracle.needs(build_oracle_wheels(case.readings)):
        expected = set() if need.extra else {each for each in expect(need, given) if each[0] != "WA412"}
        assert find_told(audit, need) == expected, need
