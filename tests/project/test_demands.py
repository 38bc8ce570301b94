"""Which versions a workspace can come to; test_uv_rules.py holds the usual cases against the real uv."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.markers import parse_expression
from wheelaudit.metadata import parse_requirement_line
from wheelaudit.project.demands import Demand, build_points, find_choices, find_demands
from wheelaudit.project.requirements import Context, ProjectRequirement
from wheelaudit.project.sources import ConflictItem, Source

DEMO = canonicalize_name("demo")
ALWAYS = Context(member=DEMO, kind="always")


def extra(name: str) -> Context:
    return Context(member=DEMO, kind="extra", name=canonicalize_name(name))


def item(name: str) -> ConflictItem:
    return ConflictItem(package=DEMO, extra=canonicalize_name(name))


def asks(text: str, context: Context = ALWAYS) -> ProjectRequirement:
    return ProjectRequirement(line=parse_requirement_line(text), context=context)


def demand(specifier: str, index: str | None = None) -> Demand:
    return Demand(member=None if index is None else DEMO, index=index, specifier=SpecifierSet(specifier))


def test_each_extra_goes_to_its_own_index_with_its_own_bound_and_the_common_one() -> None:
    one, two = (Source(index=name, extra=canonicalize_name(name)) for name in ("one", "two"))
    found = find_demands(
        [asks("torch<3"), asks("torch>=2", extra("one")), asks("torch>=2.5", extra("two"))],
        {DEMO: [one, two]},
        conflicts=[(item("one"), item("two"))],
    )
    assert set(found) == {demand("<3,>=2", "one"), demand("<3,>=2.5", "two")}


def test_environment_that_no_source_serves_is_left_to_the_other_indexes() -> None:
    source = Source(index="a", marker=parse_expression("sys_platform == 'linux'"))
    assert set(find_demands([asks("torch")], {DEMO: [source]})) == {demand("", "a"), demand("")}


def test_pythons_outside_of_the_bound_ask_for_nothing() -> None:
    requirements = [asks("torch<2; python_version < '3.10'"), asks("torch>=2; python_version >= '3.10'")]
    assert find_demands(requirements, {}, requires_python=SpecifierSet(">=3.10.4")) == (demand(">=2"),)
    assert set(find_demands(requirements, {})) == {demand("<2"), demand(">=2")}


def test_bound_that_no_listed_python_meets_excludes_none() -> None:
    assert build_points(SpecifierSet("==3.11.4")) == build_points(None)


@pytest.mark.parametrize("source", [Source(index=None), Source(index=None, extra=None)])
def test_what_comes_from_a_repository_is_no_demand(source: Source) -> None:
    assert find_demands([asks("torch")], {DEMO: [source]}) == ()


def test_requirement_with_a_url_is_no_demand() -> None:
    assert find_demands([asks("torch @ https://files.example/torch-1-py3-none-any.whl")], {}) == ()


def test_side_of_a_conflict_may_be_a_whole_project() -> None:
    other = Context(member=canonicalize_name("other"), kind="always")
    conflict = (ConflictItem(package=DEMO), ConflictItem(package=canonicalize_name("other")))
    found = find_demands([asks("torch<2"), asks("torch>=2", other)], {}, conflicts=[conflict])
    assert set(found) == {demand("<2"), demand(">=2")}


def test_too_many_combinations_are_refused_before_they_are_made() -> None:
    contexts = frozenset(extra(f"{side}{number}") for side in "ab" for number in range(14))
    conflicts = [(item(f"a{number}"), item(f"b{number}")) for number in range(14)]
    with pytest.raises(ProjectFileError, match="combinations"):
        find_choices(contexts, conflicts)


letters = st.sampled_from("abcdef")


@given(st.sets(letters, max_size=6), st.lists(st.sets(letters, min_size=2, max_size=4), max_size=4))
def test_choices_are_the_largest_sets_without_a_conflict(present: set[str], conflicts: list[set[str]]) -> None:
    contexts = frozenset(extra(letter) for letter in present)
    choices = find_choices(contexts, [tuple(item(letter) for letter in sorted(each)) for each in conflicts])
    assert set(choices) == set(largest(contexts, [frozenset(map(extra, each)) for each in conflicts]))
    assert len(choices) == len(set(choices))


def largest(contexts: frozenset[Context], conflicts: list[frozenset[Context]]) -> list[frozenset[Context]]:
    """Return them by trying every set."""
    ordered = sorted(contexts, key=str)
    every = [frozenset(each) for size in range(len(ordered) + 1) for each in combinations(ordered, size)]
    free = [each for each in every if all(len(each & conflict) <= 1 for conflict in conflicts)]
    return [each for each in free if not any(each < other for other in free)]
