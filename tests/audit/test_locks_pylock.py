"""The same of a pylock.toml: without arrows, what is locked in an environment is given to all who may ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.utils import NormalizedName

from tests.audit.locked import judge, judge_all, lock, member, package, told
from tests.audit.test_locks import ARM, BAR, FOO, GPU, LINUX, ON_LINUX, ON_WINDOWS, WINDOWS, read, unread
from wheelaudit.audit.locks import tells_gained
from wheelaudit.lock import Choice, Lock, LockedPackage


def pylock(*packages: LockedPackage, **fields: Any) -> Lock:
    return lock(*packages, kind="pylock.toml", **fields)


def unsaid(spec: str, *where: str) -> LockedPackage:
    return package(spec, where=where, unsaid=True)


THING, GIVEN = unsaid("thing==1.0"), unsaid("foo==1.0")


def test_what_is_locked_in_the_environment_is_given() -> None:
    assert judge(pylock(THING, GIVEN), read(LINUX, "foo"), read(WINDOWS, "foo")).status == "right"
    only = pylock(THING, unsaid("foo==1.0", "sys_platform == 'linux'"))
    audit = judge(only, read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert told(audit) == [("WA411", ON_WINDOWS, ("foo",))]
    assert audit.findings[0].message.startswith("pylock.toml does not give 1 requirement ")


def test_version_that_is_not_admitted_is_told() -> None:
    assert told(judge(pylock(THING, GIVEN), read(LINUX, "foo>1"))) == [("WA413", ON_LINUX, ("foo>1",))]


def test_nothing_is_told_where_the_package_itself_is_not_for() -> None:
    locked = pylock(unsaid("thing==1.0", "sys_platform == 'linux'"))
    assert told(judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))) == [("WA411", ON_LINUX, ("foo",))]


def test_extra_is_compared_only_where_somebody_surely_asks_for_it() -> None:
    reading = read(LINUX, "foo; extra == 'gpu'", **GPU)
    lost = [("WA411", ON_LINUX, ('foo; extra == "gpu"',))]
    assert judge(pylock(THING), reading).status == "right"
    assert told(judge(pylock(THING, roots=["thing[gpu]"]), reading)) == lost
    asker = [read(LINUX, "thing[gpu]", project="mid")]
    assert told(judge_all(pylock(THING, unsaid("mid==1.0")), [reading], asker)["thing==1.0"]) == lost
    elsewhere = pylock(THING, unsaid("mid==1.0", "sys_platform == 'win32'"))
    assert judge_all(elsewhere, [reading], asker)["thing==1.0"].status == "right"


def test_extra_that_an_unknown_choice_of_the_project_asks_for_is_not_compared() -> None:
    text = Choice(project="asker", extra=None).text
    locked = pylock(THING, roots=[f"thing[gpu]; extra == '{text}'"])
    assert judge(locked, read(LINUX, "foo; extra == 'gpu'", **GPU)).status == "right"


def test_choices_that_only_markers_name_are_tried_alone_together_and_not_at_all() -> None:
    one, two = (Choice(project="", extra=NormalizedName(name)).text for name in ("one", "two"))
    for marker in (f"extra == '{one}' and extra != '{two}'", f"extra == '{one}' and extra == '{two}'"):
        locked = pylock(unsaid("thing==1.0", marker))
        assert told(judge(locked, read(LINUX, "foo"))) == [("WA411", ON_LINUX, ("foo",))]
    assert judge(pylock(unsaid("thing==1.0", f"extra != '{one}' and extra != '{two}'")), read(LINUX, "foo")).findings


def test_extra_of_what_is_given_is_not_known_to_be_lost() -> None:
    locked = pylock(THING, unsaid("dep==1.0"), unsaid("foo==1.0"))
    dep = [read(LINUX, "foo; extra == 'fast'", project="dep", provides_extra=["fast"])]
    audits = judge_all(locked, [read(LINUX, "dep[fast]")], dep)
    assert {audit.status for audit in audits.values()} == {"right"}


# --- gained: only where everything is known -----------------------------------------------------------

READINGS = (read(LINUX, "foo"), read(WINDOWS))
STUB = (read(LINUX, project="foo"), read(WINDOWS, project="foo"))
GAINED = [("WA412", ON_WINDOWS, ("foo==1.0",))]


def test_package_that_nobody_asks_for_there_is_gained() -> None:
    audits = judge_all(pylock(THING, GIVEN, roots=["thing"]), READINGS, STUB)
    assert told(audits["thing==1.0"]) == GAINED


def test_package_itself_need_not_be_read() -> None:
    assert told(judge(pylock(THING, GIVEN, roots=["thing"]), *READINGS)) == GAINED


def test_nothing_is_gained_where_the_project_s_wishes_are_unknown() -> None:
    assert judge(pylock(THING, GIVEN), *READINGS).status == "right"
    assert judge(pylock(THING, GIVEN, roots=["thing", "foo"]), *READINGS).status == "right"


def test_nothing_is_gained_that_another_package_asks_for() -> None:
    locked = pylock(THING, GIVEN, unsaid("mid==1.0"), roots=["thing", "mid"])
    mid = [read(tag, "foo; sys_platform == 'win32'", project="mid") for tag in (LINUX, WINDOWS)]
    assert judge_all(locked, READINGS, mid)["thing==1.0"].status == "right"
    idle = [read(tag, project="mid") for tag in (LINUX, WINDOWS)]
    assert told(judge_all(locked, READINGS, idle)["thing==1.0"]) == GAINED


def test_nothing_is_gained_beside_packages_that_were_not_read() -> None:
    locked = pylock(THING, GIVEN, unsaid("mid==1.0"), roots=["thing", "mid"])
    assert judge(locked, *READINGS).status == "right"
    elsewhere = pylock(THING, GIVEN, unsaid("mid==1.0", "sys_platform == 'linux'"), roots=["thing", "mid"])
    assert told(judge(elsewhere, *READINGS)) == GAINED


def test_nothing_is_gained_that_an_extra_may_have_asked_for() -> None:
    readings = (read(LINUX, "foo"), read(WINDOWS, "foo; extra == 'gpu'", **GPU))
    assert judge(pylock(THING, GIVEN, roots=["thing"]), *readings).status == "right"


def test_project_s_own_package_asks_for_the_roots_alone() -> None:
    asker = member(unsaid=True)
    assert told(judge(pylock(asker, THING, GIVEN, roots=["thing"]), *READINGS)) == GAINED


def test_unread_wheel_of_another_package_may_ask_for_it() -> None:
    locked = pylock(THING, GIVEN, unsaid("mid==1.0"), roots=["thing", "mid"])
    mid = [read(LINUX, project="mid"), read(ARM, project="mid")]
    # No wheel of it serves Windows: nobody knows what is installed there, and what that asks for.
    assert judge_all(locked, READINGS, mid)["thing==1.0"].status == "right"


# --- locks of other tools, with arrows ----------------------------------------------------------------


def test_arrow_gives_where_its_target_s_marker_holds() -> None:
    locked = pylock(package("thing==1.0", "foo"), package("foo==1.0", where=["sys_platform == 'linux'"]))
    audit = judge(locked, read(LINUX, "foo"), read(WINDOWS, "foo"))
    assert told(audit) == [("WA411", ON_WINDOWS, ("foo",))]


def test_arrow_that_no_extra_asks_for_is_gained() -> None:
    locked = pylock(package("thing==1.0", "foo", "bar"), FOO, BAR)
    readings = (read(LINUX, "foo", "bar; extra == 'gpu'", **GPU), read(WINDOWS, "bar; extra == 'gpu'", **GPU))
    assert told(judge(locked, *readings)) == GAINED


@pytest.mark.parametrize(
    ("locked", "tells"),
    [
        (lock(member("thing"), package("thing==1.0")), True),
        (pylock(THING), False),
        (pylock(THING, roots=[]), True),
        (pylock(package("thing==1.0", "foo"), FOO), True),
    ],
)
def test_lock_tells_what_was_gained_by_arrows_or_roots(locked: Lock, tells: bool) -> None:
    assert tells_gained(locked) is tells


def test_unread_wheel_is_unknown_here_too() -> None:
    assert judge(pylock(THING), read(LINUX), unread(WINDOWS)).status == "unknown"
