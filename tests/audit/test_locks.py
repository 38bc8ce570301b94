"""What a lock gives each environment, against what the wheels that it names ask for there: uv.lock, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.audit.locked import arrow, judge, judge_all, lock, member, package, told
from tests.releases import build_reading, build_release, build_wheel
from wheelaudit.audit.locks import judge_lock
from wheelaudit.audit.worlds import MAX_WORLDS, find_worlds
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.lock import Choice
from wheelaudit.metadata import UnreadableWheel, WheelMetadata

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
ARM = "cp312-cp312-manylinux_2_28_aarch64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"
ON_LINUX = "linux x86_64, CPython 3.12"
ON_WINDOWS = "windows AMD64, CPython 3.12"
ON_BOTH = "linux x86_64 and windows AMD64, CPython 3.12"


def read(tag: str, *lines: str, project: str = "thing", **fields: Any) -> WheelMetadata:
    return build_reading(f"{project}-1.0-{tag}.whl", lines, **fields)


def unread(tag: str) -> UnreadableWheel:
    wheel = build_wheel(f"thing-1.0-{tag}.whl")
    return UnreadableWheel(wheel=wheel, error=MetadataUnreadableError(f"{wheel.url} could not be read."))


FOO, BAR = package("foo==1.0"), package("bar==1.0")


# --- what is given against what is needed -------------------------------------------------------------


def test_lock_that_gives_what_is_needed_is_right() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    audit = judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert (audit.status, audit.findings) == ("right", ())


def test_requirements_without_an_arrow_are_one_loss_where_they_are_needed() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    audit = judge(locked, read(ARM, "foo"), read(LINUX, "foo", "nccl==2", "triton"))
    (finding,) = audit.findings
    assert audit.status == "wrong"
    assert told(audit) == [("WA411", ON_LINUX, ("nccl==2", "triton"))]
    assert (
        finding.message == "uv.lock does not give 2 requirements that the wheels of linux x86_64, CPython 3.12 ask for."
    )
    assert finding.wheels == (f"thing-1.0-{LINUX}.whl",)
    assert finding.help == "Write the override with `wheelaudit lock --write`, then run `uv lock`."


def test_arrow_that_nobody_asked_for_is_gained_with_its_version() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo", "bar"), FOO, BAR)
    audit = judge(locked, read(LINUX, "foo", "bar"), read(WINDOWS, "foo"))
    assert told(audit) == [("WA412", ON_WINDOWS, ("bar==1.0",))]
    assert audit.findings[0].message == f"uv.lock gives 1 project that the wheels of {ON_WINDOWS} do not ask for."
    assert audit.findings[0].wheels == (f"thing-1.0-{WINDOWS}.whl",)


def test_version_that_the_wheel_does_not_admit_is_neither_lost_nor_gained() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    audit = judge(locked, read(LINUX, "foo==1.0"), read(WINDOWS, "foo>=2"))
    assert told(audit) == [("WA413", ON_WINDOWS, ("foo>=2",))]
    assert audit.findings[0].message == f"uv.lock pins foo to 1.0, which the wheels of {ON_WINDOWS} do not admit."


@pytest.mark.parametrize("requirement", ["foo>=1.0rc1", "foo==1.0", "foo @ https://files.example/foo.zip", "foo~=1.0"])
def test_version_that_the_wheel_admits_is_right(requirement: str) -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), package("foo==1.0+cpu"))
    assert judge(locked, read(LINUX, requirement)).status == "right"


def test_pre_release_is_admitted_and_so_is_a_version_that_the_lock_does_not_know() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo", "bar"), package("foo==2.0b1"), package("bar"))
    assert judge(locked, read(LINUX, "foo>=1", "bar>=7")).status == "right"


def test_arrow_to_what_the_lock_lacks_still_gives_its_project() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo==3.0"))
    assert told(judge(locked, read(LINUX, "foo<2"))) == [("WA413", ON_LINUX, ("foo<2",))]


def test_marker_of_an_arrow_says_where_it_gives() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo; sys_platform == 'win32'"), FOO)
    readings = (read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert told(judge(locked, *readings)) == [("WA411", ON_LINUX, ("foo",))]


def test_two_arrows_to_one_project_are_told_apart_by_version() -> None:
    arrows = ("foo==1.0; sys_platform == 'linux'", "foo==2.0; sys_platform != 'linux'")
    locked = lock(member("thing"), package("thing==1.0", *arrows), FOO, package("foo==2.0"))
    assert judge(locked, read(LINUX, "foo<2"), read(WINDOWS, "foo>=2")).status == "right"
    audit = judge(locked, read(LINUX, "foo>=2"), read(WINDOWS, "foo<2"))
    assert told(audit) == [("WA413", ON_LINUX, ("foo>=2",)), ("WA413", ON_WINDOWS, ("foo<2",))]


def test_packages_of_one_name_are_told_apart_by_their_own_markers() -> None:
    locked = lock(
        member("thing"),
        package("thing==1.0", "foo"),
        package("foo==1.0", where=["sys_platform == 'linux'"]),
        package("foo==2.0", where=["sys_platform != 'linux'"]),
    )
    assert judge(locked, read(LINUX, "foo<2"), read(WINDOWS, "foo>=2")).status == "right"


def test_environments_that_lose_alike_are_one_finding() -> None:
    locked = lock(member("thing"), package("thing==1.0"))
    tags = [f"cp3{minor}-cp3{minor}-{tag}" for minor in (10, 11, 12) for tag in ("win_amd64", LINUX[12:])]
    audit = judge(locked, *(read(tag, "foo") for tag in tags))
    assert told(audit) == [("WA411", "linux x86_64 and windows AMD64, CPython 3.10-3.12", ("foo",))]


def test_findings_come_by_id_and_then_by_environments() -> None:
    locked = lock(member("thing"), package("thing==1.0", "bar", "old"), BAR, package("old==1.0"))
    audit = judge(locked, read(LINUX, "foo", "bar"), read(WINDOWS, "bar>1", "foo2", "old"))
    assert [each.id for each in audit.findings] == ["WA411", "WA411", "WA412", "WA413"]
    assert [each.environments for each in audit.findings[:2]] == [ON_LINUX, ON_WINDOWS]


# --- what is covered ----------------------------------------------------------------------------------


def test_environments_outside_of_the_python_bound_are_not_compared() -> None:
    locked = lock(member("thing"), package("thing==1.0"), requires_python=">=3.13")
    audit = judge(locked, read(LINUX, "foo"))
    assert (audit.status, audit.environments) == ("right", 0)


def test_python_bound_with_a_patch_release_cuts_a_minor_version() -> None:
    locked = lock(member("thing"), package("thing==1.0"), requires_python=">=3.12.4")
    audit = judge(locked, read(LINUX, "foo; python_full_version < '3.12.4'"))
    assert audit.status == "right"
    assert audit.environments > 0


def test_python_bound_of_one_patch_release_is_an_environment() -> None:
    locked = lock(member("thing"), package("thing==1.0"), requires_python="==3.12.4")
    audit = judge(locked, read(LINUX, "foo"))
    assert told(audit) == [("WA411", ON_LINUX, ("foo",))]
    assert audit.environments == 1


def test_environments_that_the_lock_does_not_support_are_not_compared() -> None:
    locked = lock(member("thing"), package("thing==1.0"), environments=["sys_platform == 'linux'"])
    assert told(judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))) == [("WA411", ON_LINUX, ("foo",))]


def test_package_is_compared_only_where_it_is_the_one_that_is_taken() -> None:
    locked = lock(member("thing"), package("thing==1.0", where=["sys_platform == 'linux'", "python_version < '3'"]))
    assert told(judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))) == [("WA411", ON_LINUX, ("foo",))]


def test_package_is_compared_only_where_arrows_lead_to_it() -> None:
    locked = lock(member("mid; sys_platform == 'linux'"), package("mid==1.0", "thing"), package("thing==1.0"))
    assert told(judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))) == [("WA411", ON_LINUX, ("foo",))]


def test_package_that_nothing_leads_to_is_not_compared() -> None:
    audit = judge(lock(member(), package("thing==1.0")), read(LINUX, "foo"))
    assert (audit.status, audit.environments) == ("right", 0)


def test_roots_of_a_script_lead_to_packages() -> None:
    locked = lock(package("thing==1.0"), roots=["thing; sys_platform == 'win32'"])
    assert told(judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))) == [("WA411", ON_WINDOWS, ("foo",))]


def test_extras_and_groups_of_the_project_lead_to_packages() -> None:
    optional, groups = {"win": ["thing; sys_platform == 'win32'"]}, {"dev": ["thing; sys_platform == 'linux'"]}
    readings = (read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert judge(lock(member(optional=optional), package("thing==1.0")), *readings).findings[0].environments == (
        ON_WINDOWS
    )
    assert judge(lock(member(groups=groups), package("thing==1.0")), *readings).findings[0].environments == ON_LINUX
    both = lock(member(optional=optional, groups=groups), package("thing==1.0"))
    assert told(judge(both, *readings)) == [("WA411", ON_BOTH, ("foo",))]


def test_circle_of_packages_is_walked_once() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), package("foo==1.0", "thing"))
    assert judge(locked, read(LINUX, "foo")).status == "right"


def test_marker_of_the_lock_refines_the_environments() -> None:
    locked = lock(member("thing; python_full_version < '3.12.7'"), package("thing==1.0"))
    ((_, environments, _),) = told(judge(locked, read(LINUX, "foo")))
    assert environments == "linux x86_64, CPython 3.12"


def test_arrow_to_one_of_two_registries_leads_to_that_one() -> None:
    other = "https://other.example/simple"
    asker = replace(member(), dependencies=(arrow("thing", registry=other),))
    packages = (package("thing==1.0"), package("thing==1.0", registry=other))
    release = read(LINUX, "foo")
    readings = {number: (build_release([release]), (release,)) for number in (1, 2)}
    audits = judge_lock(lock(asker, *packages), readings)
    assert [(audits[number].status, audits[number].environments > 0) for number in (1, 2)] == [
        ("right", False),
        ("wrong", True),
    ]


# --- extras -------------------------------------------------------------------------------------------

GPU: dict[str, Any] = {"provides_extra": ["gpu"]}


def test_extra_counts_only_where_it_is_asked_for() -> None:
    reading = read(LINUX, "foo; extra == 'gpu'", **GPU)
    assert judge(lock(member("thing"), package("thing==1.0")), reading).status == "right"
    audit = judge(lock(member("thing[gpu]"), package("thing==1.0")), reading)
    assert told(audit) == [("WA411", ON_LINUX, ('foo; extra == "gpu"',))]


def test_what_is_lost_without_an_extra_is_not_told_again_with_it() -> None:
    audit = judge(lock(member("thing[gpu]"), package("thing==1.0")), read(LINUX, "foo", **GPU))
    assert told(audit) == [("WA411", ON_LINUX, ("foo",))]


def test_optional_arrows_are_given_with_their_extra_alone() -> None:
    given = package("thing==1.0", optional={"gpu": ["foo"]})
    assert judge(lock(member("thing[gpu]"), given, FOO), read(LINUX, "foo; extra == 'gpu'", **GPU)).status == "right"
    audit = judge(lock(member("thing[gpu]"), given, FOO), read(LINUX, "foo", **GPU))
    assert told(audit) == [("WA411", ON_LINUX, ("foo",))]
    audit = judge(lock(member("thing[gpu]"), given, FOO), read(LINUX, **GPU))
    assert told(audit) == [("WA412", ON_LINUX, ('foo==1.0; extra == "gpu"',))]


def test_extra_asked_for_by_another_package_counts() -> None:
    locked = lock(member("mid"), package("mid==1.0", "thing[gpu]; sys_platform == 'win32'"), package("thing==1.0"))
    line = "foo; extra == 'gpu'"
    audit = judge(locked, read(LINUX, line, **GPU), read(WINDOWS, line, **GPU))
    assert told(audit) == [("WA411", ON_WINDOWS, ('foo; extra == "gpu"',))]


def test_requirement_on_itself_is_nothing_and_brings_what_its_extra_asks_for() -> None:
    extras: dict[str, Any] = {"provides_extra": ["all", "gpu", "one"]}
    lines = ("thing", "thing[one]; extra == 'all'", "thing[gpu]; extra == 'one'", "foo; extra == 'gpu'")
    reading = read(LINUX, *lines, **extras)
    assert judge(lock(member("thing[all]"), package("thing==1.0", optional={"all": ["foo"]}), FOO), reading).status == (
        "right"
    )
    audit = judge(lock(member("thing[all]"), package("thing==1.0")), reading)
    assert told(audit) == [("WA411", ON_LINUX, ('foo; extra == "all"',))]


def test_requirement_on_itself_holds_where_its_marker_does() -> None:
    lines = ("thing[gpu]; sys_platform == 'win32'", "foo; extra == 'gpu'")
    locked = lock(member("thing"), package("thing==1.0"))
    audit = judge(locked, read(LINUX, *lines, **GPU), read(WINDOWS, *lines, **GPU))
    assert told(audit) == [("WA411", ON_WINDOWS, ("foo",))]


def test_extra_that_the_lock_knows_to_bring_something_is_lost_where_the_arrow_lacks_it() -> None:
    dep = package("dep==1.0", optional={"fast": ["foo"]})
    locked = lock(member("thing", "dep[fast]"), package("thing==1.0", "dep"), dep, FOO)
    audit = judge(locked, read(LINUX, "dep[fast]>=1"), read(WINDOWS, "dep"))
    assert told(audit) == [("WA411", ON_LINUX, ("dep[fast]>=1",))]


def test_extra_that_brings_nothing_there_is_not_lost() -> None:
    dep = package("dep==1.0", optional={"fast": ["foo; sys_platform == 'win32'"]})
    locked = lock(member("thing", "dep[fast]"), package("thing==1.0", "dep"), dep, FOO)
    assert judge(locked, read(LINUX, "dep[fast]>=1")).status == "right"


def test_extra_that_the_lock_does_not_know_is_not_lost() -> None:
    # uv writes no extra that the wheel it has read lacks, or has empty.
    locked = lock(member("thing"), package("thing==1.0", "dep"), package("dep==1.0"))
    assert judge(locked, read(LINUX, "dep[fast]>=1")).status == "right"


def test_second_arrow_with_the_extra_gives_it() -> None:
    dep = package("dep==1.0", optional={"fast": ["foo"]})
    locked = lock(member("thing"), package("thing==1.0", "dep", "dep[fast]; sys_platform == 'linux'"), dep, FOO)
    audit = judge(locked, read(LINUX, "dep", "dep[fast]"), read(WINDOWS, "dep", "dep[fast]"))
    assert told(audit) == [("WA411", ON_WINDOWS, ("dep[fast]",))]


def test_extra_that_every_wheel_of_the_other_release_fills_is_lost() -> None:
    locked = lock(member("thing"), package("thing==1.0", "dep"), package("dep==1.0"))
    line = "foo; extra == 'fast'"
    dep = [read(tag, line, project="dep", provides_extra=["fast"]) for tag in (LINUX, WINDOWS)]
    audits = judge_all(locked, [read(LINUX, "dep[fast]"), read(WINDOWS, "dep[fast]")], dep)
    assert told(audits["thing==1.0"]) == [("WA411", ON_BOTH, ("dep[fast]",))]
    assert audits["dep==1.0"].status == "right"


def test_extra_that_one_wheel_of_the_other_release_lacks_is_lost_there() -> None:
    locked = lock(member("thing"), package("thing==1.0", "dep"), package("dep==1.0"))
    dep = [read(LINUX, "foo; extra == 'fast'", project="dep", provides_extra=["fast"]), read(ARM, project="dep")]
    audits = judge_all(locked, [read(LINUX, "dep[fast]"), read(ARM, "dep[fast]")], dep)
    assert audits["thing==1.0"].status == "right"
    assert told(audits["dep==1.0"]) == [("WA411", ON_LINUX, ('foo; extra == "fast"',))]


# --- what the user decides ----------------------------------------------------------------------------


def test_override_of_a_project_explains_whatever_becomes_of_it() -> None:
    readings = (read(LINUX, "foo>=2", "lost"), read(WINDOWS))
    packages = (member("thing"), package("thing==1.0", "foo"), FOO)
    assert judge(lock(*packages, overrides=["foo", "lost"]), *readings).status == "right"
    assert len(judge(lock(*packages), *readings).findings) == 3


def test_extra_asked_of_an_overridden_project_is_not_owed() -> None:
    packages = (member("thing"), package("thing==1.0", "dep"), package("dep==1.0"))
    line = "foo; extra == 'fast'"
    dep = [read(LINUX, line, project="dep", provides_extra=["fast"]), read(ARM, project="dep")]
    asking = [read(LINUX, "dep[fast]")]
    assert judge_all(lock(*packages), asking, dep)["dep==1.0"].status == "wrong"
    assert judge_all(lock(*packages, overrides=["dep"]), asking, dep)["dep==1.0"].status == "right"


def test_exclusion_explains_what_is_not_given_and_nothing_else() -> None:
    readings = (read(LINUX, "foo", "bar>1"),)
    locked = lock(member("thing"), package("thing==1.0", "bar"), BAR, excludes=["foo", "bar"])
    assert told(judge(locked, *readings)) == [("WA413", ON_LINUX, ("bar>1",))]


@pytest.mark.parametrize("version", [None, Version("1.0")])
def test_finding_says_that_the_lock_was_made_with_an_entry_of_the_project(version: Version | None) -> None:
    entry = frozenset({(NormalizedName("thing"), version)})
    (finding,) = judge(lock(member("thing"), package("thing==1.0"), overridden=entry), read(LINUX, "foo")).findings
    assert finding.message.endswith(" The lock was made with the project's own entry for thing==1.0.")
    assert "wheelaudit check" in finding.help


def test_entry_of_another_version_is_not_blamed() -> None:
    entry = frozenset({(NormalizedName("thing"), Version("2.0"))})
    (finding,) = judge(lock(member("thing"), package("thing==1.0"), overridden=entry), read(LINUX, "foo")).findings
    assert "entry" not in finding.message


def test_lock_of_wheels_that_agree_is_to_be_made_again() -> None:
    (finding,) = judge(lock(member("thing"), package("thing==1.0")), read(LINUX, "foo"), read(ARM, "foo")).findings
    assert "uv lock --upgrade-package thing" in finding.help


# --- conflicts ----------------------------------------------------------------------------------------

CPU, CUDA = (Choice(project="asker", extra=NormalizedName(extra)) for extra in ("cpu", "cuda"))


def conflicting(*arrows: str) -> Any:
    return lock(
        member(optional={"cpu": [f"thing; extra == '{CPU.text}'"], "cuda": ["foo"]}),
        package("thing==1.0", *arrows),
        FOO,
        conflicts=((CPU, CUDA),),
    )


def test_marker_that_asks_for_a_choice_holds_where_it_is_on() -> None:
    reading = read(LINUX, "foo")
    assert judge(conflicting(f"foo; extra == '{CPU.text}'"), reading).status == "right"
    assert judge(conflicting(f"foo; extra != '{CUDA.text}'"), reading).status == "right"
    assert judge(conflicting(f"foo; extra == '{CUDA.text}'"), reading).status == "wrong"


def test_choices_in_conflict_are_never_on_together() -> None:
    assert judge(conflicting(f"foo; extra == '{CPU.text}' and extra != '{CUDA.text}'"), read(LINUX, "foo")).status == (
        "right"
    )


def test_loss_in_one_world_is_a_loss() -> None:
    extra = Choice(project="asker", extra=NormalizedName("cuda")).text
    locked = lock(
        member("thing", optional={"cuda": ["bar"], "cpu": []}),
        package("thing==1.0", f"foo; extra == '{extra}'"),
        FOO,
        BAR,
        conflicts=((CPU, CUDA),),
    )
    assert told(judge(locked, read(LINUX, "foo"))) == [("WA411", ON_LINUX, ("foo",))]


def test_choices_without_conflict_are_on_in_every_world() -> None:
    locked = lock(member(optional={"a": [], "cpu": [], "cuda": []}), conflicts=((CPU, CUDA),))
    free = {Choice(project="asker").text, Choice(project="asker", extra=NormalizedName("a")).text}
    assert find_worlds(locked) == (
        frozenset(free),
        frozenset({*free, CPU.text}),
        frozenset({*free, CUDA.text}),
    )


def test_group_in_conflict_with_an_extra_is_a_choice() -> None:
    dev = Choice(project="asker", group=NormalizedName("dev"))
    locked = lock(member(optional={"cpu": []}, groups={"dev": []}), conflicts=((CPU, dev),))
    assert sorted(len(world) for world in find_worlds(locked)) == [1, 2, 2]


def test_number_of_worlds_is_bounded_and_each_choice_is_tried() -> None:
    sets = [[Choice(project="asker", extra=NormalizedName(f"e{n}{side}")) for side in "ab"] for n in range(20)]
    worlds = find_worlds(lock(member(), conflicts=tuple(map(tuple, sets))))
    assert len(worlds) <= MAX_WORLDS
    assert all(any(choice.text in world for world in worlds) for each in sets for choice in each)


def test_member_in_conflict_is_come_to_only_where_it_is_on() -> None:
    one, two = Choice(project="asker"), Choice(project="other")
    locked = lock(
        member("thing"),
        package("other==1", "thing", origin="project"),
        package("thing==1.0", f"foo; extra == '{one.text}' or extra == '{two.text}'"),
        FOO,
        conflicts=((one, two),),
    )
    assert judge(locked, read(LINUX, "foo")).status == "right"


# --- what is not known --------------------------------------------------------------------------------


def test_unread_wheel_makes_a_right_lock_unknown() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    audit = judge(locked, read(LINUX, "foo"), unread(WINDOWS))
    assert (audit.status, audit.findings) == ("unknown", ())
    assert audit.environments == judge(locked, read(LINUX, "foo")).environments


def test_unread_wheel_does_not_hide_what_is_wrong_elsewhere() -> None:
    locked = lock(member("thing"), package("thing==1.0"))
    audit = judge(locked, read(LINUX, "foo"), unread(WINDOWS))
    assert audit.status == "wrong"
    assert told(audit) == [("WA411", ON_LINUX, ("foo",))]


def test_release_of_unread_wheels_is_unknown() -> None:
    audit = judge(lock(member("thing"), package("thing==1.0")), unread(LINUX))
    assert (audit.status, audit.findings, audit.environments) == ("unknown", (), 0)


def test_requirement_that_is_not_pep_508_makes_a_right_lock_unknown_and_nothing_gained() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    audit = judge(locked, read(LINUX, "foo (>=1.0,)~"))
    assert (audit.status, audit.findings) == ("unknown", ())


def test_wheels_that_no_marker_tells_apart_may_each_be_the_one() -> None:
    locked = lock(member("thing"), package("thing==1.0", "foo"), FOO)
    glibc, musl = LINUX, "cp312-cp312-musllinux_1_2_x86_64"
    assert judge(locked, read(glibc, "foo"), read(musl)).status == "right"
    audit = judge(locked, read(glibc, "foo", "bar"), read(musl, "foo"))
    assert told(audit) == [("WA411", ON_LINUX, ("bar",))]
    assert audit.findings[0].wheels == (f"thing-1.0-{glibc}.whl",)
    audit = judge(locked, read(glibc, "foo", "bar"), read(musl, "foo", "bar; sys_platform == 'win32'"))
    assert audit.findings[0].wheels == (f"thing-1.0-{glibc}.whl",)


def test_nothing_is_told_where_one_of_the_wheels_that_no_marker_tells_apart_is_unread() -> None:
    locked = lock(member("thing"), package("thing==1.0"))
    audit = judge(locked, read("cp312-cp312-musllinux_1_2_x86_64", "foo"), unread(LINUX))
    assert (audit.status, audit.findings, audit.environments) == ("unknown", (), 0)


def test_kernel_that_another_release_names_multiplies_no_environments() -> None:
    locked = lock(member("thing", "other"), package("thing==1.0"), package("other==1.0"))
    other = [read(MACOS, "foo; platform_release >= '20.0' and platform_release < '1'", project="other")]
    alone = judge(locked, read(MACOS))
    assert judge_all(locked, [read(MACOS)], other)["thing==1.0"].environments == alone.environments


def test_environments_are_counted_with_the_extras_that_are_asked_for() -> None:
    readings = (read(LINUX, "foo", **GPU), read(WINDOWS, "foo", **GPU))
    given = package("thing==1.0", "foo")
    plain = judge(lock(member("thing"), given, FOO), *readings).environments
    assert judge(lock(member("thing[gpu]"), given, FOO), *readings).environments == 2 * plain
    assert judge(lock(member("thing[gpu]"), given, FOO), readings[0]).environments == plain
