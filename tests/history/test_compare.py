"""What a night brings: each rule by itself, what they share, and two nights that really were."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from packaging.version import Version

from tests.history.compared import (
    ARM,
    LINUX,
    PLATFORMS,
    WINDOWS,
    build_night,
    build_readings,
    compare,
    follow,
    ids,
    night,
    only,
)
from tests.releases import build_wheel, load_release
from wheelaudit.errors import MetadataUnreadableError
from wheelaudit.history.age import find_build_date
from wheelaudit.history.changes import find_requirement_events
from wheelaudit.history.nights import Build, Nights, strip_version
from wheelaudit.metadata import Fault, UnreadableWheel

NVIDIA = ("nccl==2.1", "triton==3.2")


def consistent(version: str, day: int = 1, lines: tuple[str, ...] = NVIDIA) -> Build:
    return night(version, dict.fromkeys(PLATFORMS, lines), day)


def inconsistent(version: str, day: int = 2, lines: tuple[str, ...] = NVIDIA) -> Build:
    """The Linux aarch64 wheel, which uv reads, lacks what the others ask for."""
    return night(version, {LINUX: lines, ARM: (), WINDOWS: lines}, day)


def unread(version: str, tag: str) -> UnreadableWheel:
    wheel = build_wheel(f"thing-{version}-{tag}.whl")
    return UnreadableWheel(wheel=wheel, error=MetadataUnreadableError(f"{wheel.url} could not be read."))


# --- WA501 and WA502: the verdict ---------------------------------------------------------------------


def test_first_night_is_a_baseline_that_opens_what_is_wrong_and_tells_nothing() -> None:
    told = compare(None, inconsistent("1.0"))
    assert told.events == ()
    (opened,) = told.opened
    assert (opened.event.id, opened.known_good, opened.since_version) == ("WA501", None, Version("1.0"))
    assert opened.event.before is None
    assert opened.event.message.startswith("The wheels of thing disagree in 1.0: ")


def test_first_night_of_a_right_build_opens_nothing() -> None:
    assert compare(None, consistent("1.0")) == compare(consistent("1.0"), consistent("1.1"))
    assert compare(None, consistent("1.0")).opened == ()


def test_wheels_that_begin_to_disagree_are_told_with_the_lines_that_a_lock_loses() -> None:
    told = compare(consistent("1.0"), inconsistent("1.1"))
    event = only(told.events)
    assert (event.id, event.level, event.subject) == ("WA501", "regression", "")
    assert (event.before, event.after) == (Version("1.0"), Version("1.1"))
    assert event.lost == NVIDIA
    assert event.gained == ()
    assert event.platforms == ("linux x86_64 and windows AMD64, CPython 3.12",)
    assert event.message == (
        "The wheels of thing disagree since 1.1 (1.0 was consistent): "
        "a lock loses 2 requirements in linux x86_64 and windows AMD64, CPython 3.12."
    )
    (opened,) = told.opened
    assert (opened.event, opened.since_version, opened.known_good) == (event, Version("1.1"), Version("1.0"))
    assert opened.since == datetime.date(2025, 1, 2)


def test_disagreement_is_shown_by_the_wheel_that_lacks_and_one_that_has_each_with_its_hash() -> None:
    after = inconsistent("1.1")
    hashes = {reading.wheel.filename: reading.sha256 for reading in build_readings("1.1", {ARM: (), LINUX: NVIDIA})}
    wheels = only(compare(consistent("1.0"), after).events).wheels
    assert {wheel.filename: wheel.metadata_sha256 for wheel in wheels} == hashes
    assert [wheel.url for wheel in wheels] == [f"https://files.example/example/{wheel.filename}" for wheel in wheels]


def test_what_a_lock_would_have_too_much_is_gained() -> None:
    after = night("1.1", {LINUX: (), ARM: NVIDIA, WINDOWS: ()})
    event = only(compare(night("1.0", dict.fromkeys(PLATFORMS, ())), after).events)
    assert (event.lost, event.gained) == ((), NVIDIA)
    assert "a lock gains 2 requirements" in event.message


def test_disagreement_of_which_a_lock_shows_nothing_names_what_wheels_lack() -> None:
    # uv reads the aarch64 wheel, whose markers are right everywhere; the Windows wheel alone is wrong.
    marked = 'nccl; sys_platform == "linux"'
    after = night("1.1", {LINUX: (marked,), ARM: (marked,), WINDOWS: ()})
    assert after.audit.impact == ()
    event = only(compare(night("1.0", dict.fromkeys(PLATFORMS, (marked,))), after).events)
    assert event.lost == ("nccl",)
    assert event.platforms == ("linux aarch64 and linux x86_64, CPython 3.12",)
    assert event.message.endswith(" about 1 requirement of linux aarch64 and linux x86_64, CPython 3.12.")


def test_disagreement_of_extras_alone_is_told() -> None:
    readings = (*build_readings("1.1", [ARM]), *build_readings("1.1", [LINUX], requires_python=">=3.12.1"))
    event = only(compare(night("1.0", [ARM, LINUX]), build_night(readings)).events)
    assert event.id == "WA501"
    assert (event.lost, event.gained) == ((), ())
    assert len(event.wheels) == 2


def test_disagreement_that_goes_on_is_still_open_since_it_began() -> None:
    told = follow(consistent("1.0", 1), inconsistent("1.1", 2), inconsistent("1.2", 3))
    assert ids(told[2].events) == []
    assert told[2].still_open == told[1].opened


def test_wheels_that_agree_again_are_told_and_end_the_disagreement() -> None:
    told = follow(consistent("1.0", 1), inconsistent("1.1", 2), inconsistent("1.2", 3), consistent("1.3", 4))
    event = only(told[3].events)
    assert (event.id, event.level, event.subject) == ("WA502", "note", "")
    assert event.message == "The wheels of thing agree since 1.3 (1.2 was inconsistent)."
    assert (event.lost, event.gained) == ((), NVIDIA)
    assert event.platforms == ("linux x86_64 and windows AMD64, CPython 3.12",)
    assert [wheel.filename for wheel in event.wheels] == [f"thing-1.3-{ARM}.whl"]
    assert told[3].closed == told[1].opened
    assert told[3].still_open == ()


def test_four_nights_of_the_issue() -> None:
    threaded = [tag.replace("312", "313") for tag in PLATFORMS]
    every = (*PLATFORMS, *threaded)
    lossy = {tag: () if "aarch64" in tag else NVIDIA for tag in every}
    told = follow(
        night("1.0.dev20250101", dict.fromkeys(every, NVIDIA), 1),
        night("1.0.dev20250102", lossy, 2),
        night("1.0.dev20250103", lossy, 3),
        night("1.0.dev20250104", dict.fromkeys(PLATFORMS, NVIDIA), 4),
    )
    assert [ids(each.events) for each in told] == [[], ["WA501"], [], ["WA502", "WA504"]]
    assert [str(each.since_version) for each in told[2].still_open] == ["1.0.dev20250102"]


def test_undecided_night_neither_begins_nor_ends_a_disagreement() -> None:
    undecided = build_night([*build_readings("1.1", {LINUX: NVIDIA, WINDOWS: NVIDIA}), unread("1.1", ARM)], 2)
    assert undecided.audit.verdict == "undecided"
    from_good = compare(consistent("1.0"), undecided)
    assert ids(from_good.events) == ["WA201"]
    pending = compare(consistent("1.0"), inconsistent("1.1")).opened
    assert ids(compare(inconsistent("1.1"), undecided, pending).still_open) == ["WA501"]
    after = compare(undecided, inconsistent("1.2"))
    assert ids(after.events) == []
    assert [(each.event.id, each.known_good) for each in after.opened] == [("WA501", None)]
    assert "WA502" not in ids(compare(undecided, consistent("1.2")).events)


def test_disagreement_that_was_open_before_an_undecided_night_is_told_fixed_after_it() -> None:
    undecided = build_night([*build_readings("1.2", {LINUX: NVIDIA, WINDOWS: NVIDIA}), unread("1.2", ARM)], 3)
    told = follow(consistent("1.0", 1), inconsistent("1.1", 2), undecided, consistent("1.3", 4))
    assert ids(told[3].events) == ["WA502"]
    assert told[3].events[0].gained == NVIDIA
    assert ids(told[3].closed) == ["WA201", "WA501"]


def test_disagreement_of_before_that_nobody_had_opened_is_opened_in_silence() -> None:
    told = compare(inconsistent("1.0", 1), inconsistent("1.1", 2))
    assert told.events == ()
    (opened,) = told.opened
    assert (opened.since_version, opened.known_good) == (Version("1.0"), None)


def test_two_readings_of_one_build_are_told_apart_by_their_nights() -> None:
    event = only(compare(consistent("1.0", 1), inconsistent("1.0", 2)).events)
    assert "since 2025-01-02, when 1.0 changed (on 2025-01-01 it was consistent)" in event.message


# --- WA503: requirements ------------------------------------------------------------------------------


def test_pin_that_moves_on_all_platforms_alike_is_a_note() -> None:
    told = compare(
        consistent("1.0", lines=("nccl==2.1", "pytorch-triton==3.2.0+gitaaa")),
        consistent("1.1", lines=("nccl==2.1", "pytorch-triton==3.2.0+gitbbb")),
    )
    event = only(told.events)
    assert (event.id, event.level, event.subject) == ("WA503", "note", "pytorch-triton")
    assert (event.lost, event.gained) == (("pytorch-triton==3.2.0+gitaaa",), ("pytorch-triton==3.2.0+gitbbb",))
    assert event.message == (
        "pytorch-triton==3.2.0+gitaaa became pytorch-triton==3.2.0+gitbbb wherever it is asked for "
        "since 1.1 (1.0 had the former)."
    )
    assert (told.opened, told.closed) == ((), ())


def test_pin_that_moves_wherever_a_marker_lets_it_be_is_a_note() -> None:
    lines = [f"triton=={version}; sys_platform == 'linux'" for version in ("1", "2")]
    event = only(compare(consistent("1.0", lines=(lines[0],)), consistent("1.1", lines=(lines[1],))).events)
    assert event.level == "note"
    assert event.platforms == ("linux aarch64 and linux x86_64, CPython 3.12",)


@pytest.mark.parametrize(("before", "after"), [(("foo",), ()), ((), ("foo",))])
def test_requirement_that_comes_or_goes_everywhere_is_a_note(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    event = only(compare(consistent("1.0", lines=before), consistent("1.1", lines=after)).events)
    assert (event.level, event.subject, event.lost, event.gained) == ("note", "foo", before, after)
    assert event.platforms == ("linux aarch64, linux x86_64 and windows AMD64, CPython 3.12",)


def test_pin_that_moves_on_some_platforms_only_is_a_finding() -> None:
    before = ("foo==1",)
    after = ("foo==2; platform_machine == 'aarch64'", "foo==1; platform_machine != 'aarch64'")
    event = only(compare(consistent("1.0", lines=before), consistent("1.1", lines=after)).events)
    assert (event.level, event.lost, event.gained) == ("finding", ("foo==1",), ("foo==2",))
    assert event.platforms == ("linux aarch64, CPython 3.12",)
    assert "in linux aarch64, CPython 3.12 since 1.1" in event.message


def test_requirement_lost_on_some_platforms_only_is_a_finding() -> None:
    event = only(
        compare(consistent("1.0", lines=("foo",)), consistent("1.1", lines=("foo; sys_platform == 'win32'",))).events
    )
    assert (event.level, event.lost, event.gained) == ("finding", ("foo",), ())
    assert event.platforms == ("linux aarch64 and linux x86_64, CPython 3.12",)
    assert event.message.startswith("foo is asked for no more in linux aarch64 and linux x86_64, CPython 3.12 since ")


def test_requirements_are_compared_by_environment_and_not_by_wheel() -> None:
    before = night("1.0", {LINUX: ("foo", "bar; sys_platform == 'win32'"), WINDOWS: ("foo", "bar")})
    one = night("1.1", {"py3-none-any": ("foo", "bar; sys_platform == 'win32'")})
    assert "WA503" not in ids(compare(before, one).events)


def test_newer_c_library_is_no_change_of_what_is_needed() -> None:
    old = night("1.0", {"cp312-cp312-linux_x86_64": ("foo",)})
    new = night("1.1", {LINUX: ("foo",)})
    assert compare(old, new).events == ()
    assert only(compare(old, night("1.1", {LINUX: ("bar", "foo")})).events).subject == "bar"


def test_wheel_for_a_newer_c_library_changes_what_is_needed_there_alone() -> None:
    older = "cp312-cp312-manylinux_2_17_x86_64"
    nights = Nights(before=night("1.0", {older: ("foo",)}), after=night("1.1", {older: ("foo",), LINUX: ("bar",)}))
    found = {event.subject: (event.level, event.lost, event.gained) for event in find_requirement_events(nights)}
    assert found == {"bar": ("note", (), ("bar",)), "foo": ("finding", ("foo",), ())}


def test_environment_that_only_one_build_serves_is_not_compared() -> None:
    told = compare(night("1.0", {LINUX: ("foo",)}), night("1.1", {LINUX: ("foo",), WINDOWS: ("foo", "bar")}))
    assert "WA503" not in ids(told.events)


def test_requirement_of_an_extra_is_named_with_its_extra() -> None:
    before, after = (
        build_night(build_readings(version, {LINUX: (f"cupy=={version}; extra == 'gpu'",)}, provides_extra=["gpu"]))
        for version in ("1.0", "1.1")
    )
    event = only(compare(before, after).events)
    assert (event.lost, event.gained) == (('cupy==1.0; extra == "gpu"',), ('cupy==1.1; extra == "gpu"',))
    assert event.level == "note"


def test_requirement_that_an_extra_does_not_change_is_named_once() -> None:
    before, after = (
        build_night(build_readings(version, {LINUX: (f"foo=={version}",)}, provides_extra=["gpu"]))
        for version in ("1.0", "1.1")
    )
    event = only(compare(before, after).events)
    assert (event.lost, event.gained) == (("foo==1.0",), ("foo==1.1",))


def test_spelling_is_no_change() -> None:
    told = compare(consistent("1.0", lines=("ml_dtypes (==1.0)",)), consistent("1.1", lines=("ml-dtypes==1.0",)))
    assert told.events == ()


def test_environment_whose_wheel_is_unread_is_not_compared() -> None:
    before = build_night([*build_readings("1.0", {LINUX: ("foo",), WINDOWS: ()}), unread("1.0", ARM)])
    after = night("1.1", {LINUX: ("foo",), WINDOWS: (), ARM: ("bar", "foo")})
    assert before.audit.verdict == "inconsistent"
    assert ids(compare(before, after).events) == []


def test_line_that_nobody_understands_is_not_a_lost_requirement() -> None:
    told = compare(consistent("1.0", lines=("foo>=1",)), consistent("1.1", lines=("foo>>1",)))
    assert set(ids(told.events)) == {"WA206"}


def test_lines_on_which_wheels_begin_to_disagree_are_told_once() -> None:
    before = night("1.0", dict.fromkeys(PLATFORMS, ("bar==1", "foo")))
    after = night("1.1", {LINUX: ("bar==2", "foo"), ARM: ("bar==2",), WINDOWS: ("bar==2", "foo")})
    told = compare(before, after)
    assert [(event.id, event.subject) for event in told.events] == [("WA501", ""), ("WA503", "bar")]
    # And when they agree again, that alone tells of them.
    again = compare(after, night("1.2", dict.fromkeys(PLATFORMS, ("bar==2", "foo"))), told.opened)
    assert ids(again.events) == ["WA502"]


def test_change_of_a_build_that_is_inconsistent_already_is_told() -> None:
    told = follow(consistent("1.0", 1), inconsistent("1.1", 2), inconsistent("1.2", 3, lines=(NVIDIA[0],)))
    event = only(told[2].events)
    assert (event.id, event.level, event.lost) == ("WA503", "note", (NVIDIA[1],))


def test_undecided_night_leaves_its_changes_to_the_next_that_is_decided() -> None:
    good = consistent("1.0", lines=("foo==1",))
    undecided = build_night([*build_readings("1.1", {LINUX: ("foo==2",)}), unread("1.1", ARM)], 2)
    assert "WA503" not in ids(compare(good, undecided).events)
    assert "WA503" in ids(compare(good, consistent("1.2", 3, lines=("foo==2",))).events)


def test_evidence_of_a_change_is_the_same_wheel_in_both_builds() -> None:
    before, after = ("foo",), ("foo; sys_platform != 'win32'",)
    event = only(compare(consistent("1.0", lines=before), consistent("1.1", lines=after)).events)
    assert [wheel.filename for wheel in event.wheels] == [f"thing-1.0-{WINDOWS}.whl", f"thing-1.1-{WINDOWS}.whl"]


# --- WA504: wheels ------------------------------------------------------------------------------------


def tags(*pythons: str, platforms: tuple[str, ...] = PLATFORMS) -> list[str]:
    return [tag.replace("cp312", python, 1).replace("cp312", python) for python in pythons for tag in platforms]


def test_python_that_is_gone_from_every_platform_is_one_event() -> None:
    told = compare(night("1.0", tags("cp312", "cp313")), night("1.1", tags("cp312"), 2))
    event = only(told.events)
    assert (event.id, event.level) == ("WA504", "regression")
    assert event.subject == "CPython 3.13 on linux aarch64, linux x86_64, windows AMD64"
    assert event.message == (
        "CPython 3.13 is gone from linux aarch64, linux x86_64 and windows AMD64 since 1.1 (1.0 had wheels for it)."
    )
    assert event.platforms == tuple(
        f"{platform}, CPython 3.13" for platform in ("linux aarch64", "linux x86_64", "windows AMD64")
    )
    assert [wheel.filename for wheel in event.wheels] == sorted(f"thing-1.0-{tag}.whl" for tag in tags("cp313"))
    assert [(each.known_good, each.since_version) for each in told.opened] == [(Version("1.0"), Version("1.1"))]


def test_platform_that_is_gone_is_one_event_with_its_pythons() -> None:
    event = only(
        compare(
            night("1.0", tags("cp312", "cp313")), night("1.1", tags("cp312", "cp313", platforms=(LINUX, ARM)))
        ).events
    )
    assert event.subject == "CPython 3.12 and 3.13 on windows AMD64"
    assert "CPython 3.12 and 3.13 are gone from windows AMD64" in event.message


def test_pythons_that_vanish_from_unlike_platforms_are_an_event_each() -> None:
    threaded = "cp313-cp313t-manylinux_2_28_x86_64"
    told = compare(night("1.0", [*tags("cp312", "cp313"), threaded]), night("1.1", tags("cp312")))
    assert [event.subject for event in told.events] == [
        "CPython 3.13 on linux aarch64, linux x86_64, windows AMD64",
        "CPython 3.13t on linux x86_64",
    ]


def test_what_is_gone_stays_open_until_it_is_back_and_narrows_meanwhile() -> None:
    told = follow(
        night("1.0", tags("cp312", "cp313"), 1),
        night("1.1", tags("cp312"), 2),
        night("1.2", [*tags("cp312"), LINUX.replace("312", "313")], 3),
        night("1.3", tags("cp312", "cp313"), 4),
    )
    assert [ids(each.events) for each in told] == [[], ["WA504"], [], []]
    (left,) = told[2].still_open
    assert left.event.platforms == ("linux aarch64, CPython 3.13", "windows AMD64, CPython 3.13")
    assert left.event.subject == told[1].opened[0].event.subject
    assert told[2].closed == ()
    assert told[3].closed == (left,)
    assert told[3].still_open == ()


def test_what_came_back_and_vanishes_again_is_told_again() -> None:
    told = follow(
        night("1.0", tags("cp312", "cp313"), 1),
        night("1.1", tags("cp312"), 2),
        night("1.2", [*tags("cp312"), LINUX.replace("312", "313")], 3),
        night("1.3", tags("cp312"), 4),
    )
    assert only(told[3].events).subject == "CPython 3.13 on linux x86_64"
    assert ids(told[3].still_open) == ["WA504"]


def test_what_is_open_and_narrowed_is_not_told_again_against_an_older_build() -> None:
    # Between the two lies an undecided night: the third is held against the first.
    first, second = night("1.0", tags("cp312", "cp313"), 1), night("1.1", tags("cp312"), 2)
    third = night("1.2", [*tags("cp312"), LINUX.replace("312", "313")], 3)
    told = compare(first, third, compare(first, second).opened)
    assert (told.events, told.opened) == ((), ())
    assert len(told.still_open[0].event.platforms) == 2


def test_free_threaded_python_is_served_by_a_wheel_for_any_though_no_tag_names_it() -> None:
    before = night("1.0", ["py3-none-any", "cp310-cp310-win_amd64"])
    assert compare(before, night("1.1", ["py3-none-any"])).events == ()


def test_floor_covers_every_python_above_it() -> None:
    stable = "cp39-abi3-manylinux_2_28_x86_64"
    exact = [LINUX, LINUX.replace("312", "313")]
    assert compare(night("1.0", exact), night("1.1", [stable])).events == ()
    gone = only(compare(night("1.0", [stable]), night("1.1", exact)).events)
    assert gone.subject == "CPython 3.9, 3.10, 3.11 and 3.14+ on linux x86_64"


def test_floor_that_rises_tells_the_pythons_below_and_no_others() -> None:
    before = night("1.0", ["cp39-abi3-manylinux_2_28_x86_64"])
    event = only(compare(before, night("1.1", ["cp311-abi3-manylinux_2_28_x86_64"])).events)
    assert event.subject == "CPython 3.9 and 3.10 on linux x86_64"
    higher = night("1.1", ["cp39-abi3-manylinux_2_28_x86_64", "cp314-cp314-win_amd64"])
    assert compare(before, higher).events == ()


def test_floor_that_is_gone_comes_back_with_any_floor_below_it() -> None:
    told = follow(
        night("1.0", [WINDOWS, "cp39-abi3-manylinux_2_28_x86_64"], 1),
        night("1.1", [WINDOWS], 2),
        night("1.2", [WINDOWS, "cp311-abi3-manylinux_2_28_x86_64"], 3),
        night("1.3", [WINDOWS, "py3-none-any"], 4),
    )
    assert only(told[1].events).platforms == ("linux x86_64, CPython 3.9+",)
    assert told[2].still_open[0].event.platforms == ("linux x86_64, CPython 3.9, 3.10",)
    assert ids(told[3].closed) == ["WA504"]


def test_wheel_for_any_platform_stands_in_for_each() -> None:
    assert compare(night("1.0", tags("cp312")), night("1.1", ["py3-none-any"])).events == ()
    gone = compare(night("1.0", ["py3-none-any"]), night("1.1", [LINUX])).events
    assert [event.subject.rpartition(" on ")[2] for event in gone] == ["any"]
    assert " are gone from every platform since 1.1 (1.0 had wheels for it)." in gone[0].message


def test_requires_python_that_shuts_a_python_out_takes_it_away() -> None:
    before = night("1.0", ["py3-none-any"], requires_python=">=3.9")
    after = night("1.1", ["py3-none-any"], requires_python=">=3.10")
    gone = only(compare(before, after).events)
    assert gone.subject == "Python 3.9 and pypy3.9 on any"
    assert gone.platforms == ("any, Python 3.9, pypy3.9",)


def test_wheel_that_was_unread_is_no_promise_of_its_pythons() -> None:
    before = build_night([*build_readings("1.0", [LINUX]), unread("1.0", "py3-none-any")])
    after = build_night([*build_readings("1.1", [LINUX, "py3-none-any"], requires_python=">=3.9")])
    assert "WA504" not in ids(compare(before, after).events)


def test_wheel_that_leaves_the_page_of_its_build_is_told_though_another_serves_its_place() -> None:
    older = "cp312-cp312-manylinux_2_17_x86_64"
    before, after = night("1.0", [LINUX, older], 1), night("1.0", [LINUX], 2)
    event = only(compare(before, after).events)
    assert (event.id, event.subject, event.platforms) == ("WA504", f"thing-*-{older}.whl", ())
    assert [wheel.filename for wheel in event.wheels] == [f"thing-1.0-{older}.whl"]
    told = follow(before, after, night("1.0", [LINUX], 3), night("1.0", [LINUX, older], 4))
    assert [ids(each.still_open) for each in told] == [[], [], ["WA504"], []]
    # Another build is another page.
    assert ids(follow(before, after, night("1.1", [LINUX], 3))[2].closed) == ["WA504"]
    assert compare(before, night("1.1", [LINUX])).events == ()


def test_wheel_that_leaves_its_page_with_its_python_is_told_once() -> None:
    told = compare(night("1.0", tags("cp312", "cp313"), 1), night("1.0", tags("cp312"), 2))
    assert only(told.events).subject.startswith("CPython 3.13 on ")


def test_hostile_platform_name_neither_breaks_nor_hides_anything() -> None:
    # Commas and blanks are refused with the file's name; this is what is left to an index.
    odd = "cp312-cp312-x86_64_CPython_3_and_on_windows_AMD64"
    told = follow(night("1.0", [LINUX, odd], 1), night("1.1", [LINUX], 2), night("1.2", [LINUX, odd], 3))
    assert ids(told[1].events) == ["WA504"]
    assert ids(told[2].closed) == ["WA504"]


# --- WA505: age ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "date"),
    [
        ("2.7.0.dev20250116+cu126", datetime.date(2025, 1, 16)),
        ("2.7.0", datetime.date(2025, 2, 1)),
        ("2.7.0.dev7", datetime.date(2025, 2, 1)),
        ("2.7.0.dev20251399", datetime.date(2025, 2, 1)),
        ("2.7.0.dev99991231", datetime.date(2025, 2, 1)),
        ("2.7.0.dev202501160", datetime.date(2025, 2, 1)),
    ],
)
def test_build_is_as_old_as_its_version_says_or_as_it_was_first_seen(version: str, date: datetime.date) -> None:
    assert find_build_date(Version(version), first_seen=datetime.date(2025, 2, 1)) == date


def test_index_without_a_new_build_is_told_on_the_day_it_becomes_stale_and_once() -> None:
    nights = [night("1.0.dev20250102", [LINUX], day) for day in (2, 3, 4, 5, 6)]
    told = follow(*nights, night("1.0.dev20250107", [LINUX], 7), stale_days=3)
    assert [ids(each.events) for each in told] == [[], [], [], ["WA505"], [], []]
    event = told[3].events[0]
    assert (event.level, event.subject) == ("finding", "")
    assert event.message == (
        "There has been no new build of thing for 3 days: 1.0.dev20250102 of 2025-01-02 is the newest."
    )
    assert ids(told[4].still_open) == ["WA505"]
    assert (ids(told[5].closed), told[5].still_open) == (["WA505"], ())


def test_index_that_was_stale_on_the_first_night_is_opened_in_silence() -> None:
    told = compare(None, night("1.0.dev20240101", [LINUX]), stale_days=3)
    assert (told.events, ids(told.opened)) == ((), ["WA505"])


def test_build_without_a_date_grows_old_from_the_day_it_was_first_seen() -> None:
    one, two = night("1.0", [LINUX], 9), night("1.0", [LINUX], 10)
    seen = datetime.date(2025, 1, 8)
    assert compare(one, two, stale_days=3, first_seen=seen).events == ()
    assert ids(compare(one, two, stale_days=2, first_seen=seen).events) == ["WA505"]


# --- WA2xx: the index ---------------------------------------------------------------------------------


def faulty(version: str, day: int = 1, message: str = "the hash differs.") -> Build:
    bad, good = build_readings(version, [ARM, LINUX])
    return build_night([replace(bad, faults=(Fault(finding="WA202", message=message),)), good], day)


def test_fault_that_is_new_is_told_with_its_wheel_and_followed_from_build_to_build() -> None:
    clean = [night(version, [ARM, LINUX], day) for version, day in (("1.0", 1), ("1.3", 4))]
    told = follow(clean[0], faulty("1.1", 2), faulty("1.2", 3, "another hash differs."), clean[1])
    assert [ids(each.events) for each in told] == [[], ["WA202"], [], []]
    event = told[1].events[0]
    assert (event.level, event.subject) == ("finding", f"thing-*-{ARM}.whl")
    assert event.message == f"thing-1.1-{ARM}.whl: the hash differs."
    assert [wheel.filename for wheel in event.wheels] == [f"thing-1.1-{ARM}.whl"]
    assert ids(told[2].still_open) == ["WA202"]
    assert (ids(told[3].closed), told[3].still_open) == (["WA202"], ())


def test_fault_of_the_first_night_is_opened_in_silence() -> None:
    told = compare(None, faulty("1.0"))
    assert (told.events, [(each.event.id, each.known_good) for each in told.opened]) == ((), [("WA202", None)])


def test_fault_that_was_there_before_is_opened_in_silence_since_then() -> None:
    told = compare(faulty("1.0", 1), faulty("1.1", 2))
    assert told.events == ()
    assert [(str(each.since_version), each.since.day, each.known_good) for each in told.opened] == [("1.0", 1, None)]


@pytest.mark.parametrize(
    ("filename", "stripped"),
    [
        ("torch-2.7.0.dev20250116+cu126-cp312-cp312-linux_aarch64.whl", "torch-*-cp312-cp312-linux_aarch64.whl"),
        ("thing-1.0-2-py3-none-any.whl", "thing-*-2-py3-none-any.whl"),
    ],
)
def test_subject_of_a_wheel_is_its_name_without_the_version(filename: str, stripped: str) -> None:
    assert strip_version(filename) == stripped


# --- two nights that were -----------------------------------------------------------------------------


def test_two_real_nightlies_are_one_disagreement_that_goes_on() -> None:
    names = ("torch-2.6.0.dev20241222+cu126", "torch-2.7.0.dev20250116+cu126")
    loaded = [load_release(name) for name in names]
    first, second = (build_night(readings, day, release=release) for day, (release, readings) in enumerate(loaded, 1))
    told = follow(first, second)
    assert [each.events for each in told] == [(), ()]
    (left,) = told[1].still_open
    assert (left.event.id, str(left.since_version), left.known_good) == ("WA501", "2.6.0.dev20241222+cu126", None)
    # As the public issues quote them (astral-sh/uv#10693).
    assert left.event.lost == (
        "nvidia-cublas-cu12==12.6.4.1",
        "nvidia-cuda-cupti-cu12==12.6.80",
        "nvidia-cuda-nvrtc-cu12==12.6.77",
        "nvidia-cuda-runtime-cu12==12.6.77",
        "nvidia-cudnn-cu12==9.5.1.17",
        "nvidia-cufft-cu12==11.3.0.4",
        "nvidia-curand-cu12==10.3.7.77",
        "nvidia-cusolver-cu12==11.7.1.2",
        "nvidia-cusparse-cu12==12.5.4.2",
        "nvidia-cusparselt-cu12==0.6.3",
        "nvidia-nccl-cu12==2.21.5",
        "nvidia-nvjitlink-cu12==12.6.85",
        "nvidia-nvtx-cu12==12.6.77",
        "pytorch-triton==3.2.0+git0d4682f0",
    )
    assert left.event.platforms == ("linux x86_64, CPython 3.12",)
