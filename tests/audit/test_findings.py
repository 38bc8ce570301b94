"""Each finding from the least release that has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.releases import build_reading, build_release, build_wheel
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.groups import Scene
from wheelaudit.audit.values import Audit, Finding
from wheelaudit.errors import HashMismatchError, InvalidMetadataError, MetadataError, MetadataUnreadableError
from wheelaudit.metadata import Fault, Reading, UnreadableWheel, WheelMetadata, parse_metadata

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
MUSL = "cp312-cp312-musllinux_1_2_x86_64"
MACOS = "cp312-cp312-macosx_11_0_arm64"
WINDOWS = "cp312-cp312-win_amd64"


def name(tag: str) -> str:
    return f"thing-1.0-{tag}.whl"


def read(tag: str, *lines: str, **fields: Any) -> WheelMetadata:
    return build_reading(name(tag), lines, **fields)


def read_bytes(tag: str, data: bytes, **fields: Any) -> WheelMetadata:
    return WheelMetadata(wheel=build_wheel(name(tag), **fields), core=parse_metadata(data), sha256="0", source="range")


def unread(tag: str, error: MetadataError) -> UnreadableWheel:
    return UnreadableWheel(wheel=build_wheel(name(tag)), error=error)


def audit(*readings: Reading) -> Audit:
    return audit_release(build_release(readings), readings)


def find(finding: str, *readings: Reading) -> list[Finding]:
    return [each for each in audit(*readings).findings if each.id == finding]


def ids(*readings: Reading) -> list[str]:
    return [finding.id for finding in audit(*readings).findings]


def test_consistent_release_without_faults_has_no_findings() -> None:
    assert ids(read(LINUX, "foo", "foo"), read(WINDOWS, "Foo")) == []
    assert ids(read(LINUX, "foo", provides_extra=["x"]), read(WINDOWS, "foo")) == []


# --- wheels disagree ----------------------------------------------------------------------------------


def test_wa101_requirement_missing_from_some_wheels() -> None:
    line = "foo>=1; sys_platform == 'linux'"
    (finding,) = audit(read(LINUX, line), read(WINDOWS)).findings
    assert finding == Finding(
        id="WA101",
        message="1 wheel lacks 1 requirement that linux x86_64, CPython 3.12 needs.",
        wheels=(name(WINDOWS),),
        requirements=("foo>=1",),
        help="Ask the project to give all wheels one metadata; until then lock with the override.",
    )


def test_wa101_names_all_wheels_of_one_meaning_together() -> None:
    lines = [f"{project}; sys_platform == 'linux'" for project in ("nccl", "cudnn")]
    (finding,) = audit(read(LINUX, *lines), read(MACOS), read(WINDOWS)).findings
    assert finding.message == "2 wheels lack 2 requirements that linux x86_64, CPython 3.12 needs."
    assert finding.wheels == (name(MACOS), name(WINDOWS))
    assert finding.requirements == ("cudnn", "nccl")


def test_wa102_requirement_that_would_leak() -> None:
    (finding,) = find("WA102", read(LINUX, "foo", "bar"), read(WINDOWS))
    assert finding.message == (
        "1 wheel asks for 2 requirements in places whose own wheels do not: "
        "read for all, they would leak to windows AMD64, CPython 3.12."
    )
    assert finding.wheels == (name(LINUX),)
    assert finding.requirements == ("bar", "foo")
    assert (
        finding.help
        == "Ask the project to mark these requirements for their platforms; until then lock with the override."
    )


def test_wa102_is_not_told_of_a_requirement_that_its_marker_confines() -> None:
    assert ids(read(LINUX, "foo; sys_platform == 'linux'"), read(WINDOWS)) == ["WA101"]


def test_wa103_versions_of_one_project_differ() -> None:
    linux, windows = audit(read(LINUX, "foo==1"), read(WINDOWS, "foo==2")).findings
    assert (linux.id, windows.id) == ("WA103", "WA103")
    assert (linux.wheels, linux.requirements) == ((name(LINUX),), ("foo==2",))
    assert linux.message == (
        "1 wheel asks for 1 requirement in another version than windows AMD64, CPython 3.12 needs."
    )
    assert (windows.wheels, windows.requirements) == ((name(WINDOWS),), ("foo==1",))
    assert linux.help == "Ask the project to pin one version, or to mark each pin; until then lock with the override."


def test_wa104_requires_python_shuts_out_served_environments() -> None:
    old, new = read("cp38-cp38-win_amd64", requires_python=">=3.8"), read(WINDOWS, requires_python=">=3.9")
    (finding,) = audit(old, new).findings
    assert finding.id == "WA104"
    assert finding.message == (
        "Requires-Python >=3.9 shuts out windows AMD64, CPython 3.8, which other wheels of the release serve."
    )
    assert finding.wheels == (name(WINDOWS),)
    assert finding.help == "Ask the project to give all wheels one Requires-Python; until then lock with the override."


def test_wa105_extras_differ() -> None:
    line = "foo; extra == 'gpu' and sys_platform == 'linux'"
    readings = [
        read(LINUX, line, provides_extra=["gpu", "docs"]),
        read(MACOS, line, provides_extra=["gpu", "docs"]),
        read(WINDOWS),
    ]
    (finding,) = find("WA105", *readings)
    assert finding.message == "1 wheel does not provide the extras docs, gpu."
    assert finding.wheels == (name(WINDOWS),)
    assert (
        finding.help == "Ask the project to provide the same extras in all wheels; until then lock with the override."
    )


def test_wa106_no_marker_can_tell_the_wheels_apart() -> None:
    (finding,) = find("WA106", read(LINUX, "foo", "bar"), read(MUSL, "foo"), read(WINDOWS, "foo"))
    assert finding.message == (
        "No marker can tell apart the wheels that serve linux x86_64, CPython 3.12 (free threading, C library or "
        "system version). The override asks there for what any of these wheels asks for."
    )
    assert finding.wheels == (name(LINUX), name(MUSL))
    assert finding.requirements == ("bar",)
    assert "override" not in finding.help


def test_wa106_names_requirements_that_differ_in_their_extra_alone() -> None:
    one = read(LINUX, "foo; extra == 'a'", provides_extra=["a", "b"])
    other = read(MUSL, "foo; extra == 'b'", provides_extra=["a", "b"])
    (finding,) = find("WA106", one, other)
    assert finding.requirements == ("foo",)


def test_wa106_says_why_there_is_no_override() -> None:
    result = audit(read(LINUX, "foo==1"), read(MUSL, "foo==2"))
    (finding,) = [each for each in result.findings if each.id == "WA106"]
    assert result.no_override is not None
    assert finding.message.endswith(result.no_override)


@pytest.mark.parametrize(
    "readings",
    [
        [read(LINUX, "foo==1"), read(MUSL, "foo==2")],
        [read(LINUX, "foo", "bar"), read(WINDOWS), unread(MACOS, MetadataUnreadableError("It could not be read."))],
        [read(LINUX, "foo", "not pep 508"), read(WINDOWS, "not pep 508", requires_python=">=3.13")],
    ],
)
def test_help_names_no_override_where_there_is_none(readings: list[Reading]) -> None:
    result = audit(*readings)
    assert result.verdict == "inconsistent"
    assert result.override is None
    assert result.findings
    assert all(finding.help and "override" not in finding.help for finding in result.findings)


def test_nothing_is_said_of_needs_that_only_an_unread_wheel_knows() -> None:
    unknown = unread(MACOS, MetadataUnreadableError("It could not be read."))
    line = "foo; sys_platform == 'darwin'"
    found = audit(read(LINUX, line, "bar"), read(WINDOWS, "bar"), unknown)
    assert found.verdict == "inconsistent"
    assert [finding.id for finding in found.findings] == ["WA201"]


# --- faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MetadataUnreadableError("https://files.example/thing.whl answered 503."), "WA201"),
        (HashMismatchError("https://files.example/thing.whl.metadata has another hash."), "WA202"),
        (InvalidMetadataError("the metadata has no Name field."), "WA206"),
    ],
)
def test_unreadable_wheel_is_a_finding_by_its_error(error: MetadataError, expected: str) -> None:
    (finding,) = audit(read(LINUX), unread(WINDOWS, error)).findings
    assert (finding.id, finding.message, finding.wheels) == (expected, error.message, (name(WINDOWS),))
    assert finding.help


def test_faults_seen_while_reading_are_findings_even_of_a_consistent_release() -> None:
    fault = Fault(finding="WA202", message="The hash of the metadata differs from the advertised one.")
    readings = [replace(read(tag), faults=(fault,)) for tag in (LINUX, WINDOWS)]
    result = audit(*readings)
    assert result.verdict == "consistent"
    (finding,) = result.findings
    assert (finding.id, finding.wheels) == ("WA202", (name(LINUX), name(WINDOWS)))


def test_faults_of_an_unreadable_wheel_are_findings_too() -> None:
    fault = Fault(finding="WA202", message="The hash differs.")
    wheel = replace(unread(WINDOWS, MetadataUnreadableError("It could not be read.")), faults=(fault,))
    assert ids(read(LINUX), wheel) == ["WA201", "WA202"]


@pytest.mark.parametrize("version", ["1.1", "1.0+cu126", "not a version", "1." + "9" * 5000])
def test_wa203_version_differs_from_the_file_name(version: str) -> None:
    (finding,) = audit(read_bytes(LINUX, f"Name: thing\nVersion: {version}\n".encode())).findings
    assert finding.id == "WA203"
    assert finding.message == f"The metadata is of thing {version}, the file name of thing 1.0."


def test_wa203_name_differs_from_the_file_name_and_spelling_does_not() -> None:
    assert ids(read_bytes(LINUX, b"Name: other\nVersion: 1.0\n")) == ["WA203"]
    assert ids(read_bytes(LINUX, b"Name: Thing\nVersion: 1.0.0\n")) == []


def test_wa204_page_s_requires_python_differs() -> None:
    data = b"Name: thing\nVersion: 1.0\nRequires-Python: >=3.9\n"
    (finding,) = audit(replace_page(read_bytes(LINUX, data), ">=3.8")).findings
    assert finding.id == "WA204"
    assert finding.message == "The page says Requires-Python >=3.8, the metadata >=3.9."
    silent = audit(replace_page(read_bytes(LINUX, b"Name: thing\nVersion: 1.0\n"), ">=3.8")).findings
    assert [each.message for each in silent] == ["The page says Requires-Python >=3.8, the metadata nothing."]


@pytest.mark.parametrize("page", [None, ">=3.9", " >= 3.9", ">=3.9.0", "nonsense"])
def test_wa204_is_not_told_where_the_page_means_the_same_or_nothing(page: str | None) -> None:
    data = b"Name: thing\nVersion: 1.0\nRequires-Python: >=3.9\n"
    assert ids(replace_page(read_bytes(LINUX, data), page)) == []


def replace_page(reading: WheelMetadata, requires_python: str | None) -> WheelMetadata:
    """The reading as if the project page said this."""
    return replace(reading, wheel=replace(reading.wheel, requires_python=requires_python))


@pytest.mark.parametrize("text", ["three", "===foo", ">=3." + "9" * 5000])
def test_wa206_requires_python_that_is_no_specifier(text: str) -> None:
    (finding,) = audit(read(LINUX, requires_python=text)).findings
    assert finding.id == "WA206"
    assert finding.message == f"Requires-Python {text!r} is not a version specifier (PEP 440)."


def test_wa206_requirement_that_is_not_pep_508() -> None:
    result = audit(read(LINUX, "foo !! 1", "foo !! 1", "bar"), read(WINDOWS, "foo !! 1", "bar"))
    assert result.verdict == "consistent"
    (finding,) = result.findings
    assert finding.id == "WA206"
    assert finding.message == "Requires-Dist 'foo !! 1' is not a requirement (PEP 508)."
    assert finding.wheels == (name(LINUX), name(WINDOWS))


def test_findings_are_sorted_by_id_and_wheels() -> None:
    readings = [
        read(LINUX, "foo==1", "bar; extra == 'x'", provides_extra=["x"]),
        read(MACOS, "foo==2", requires_python="three"),
        read(WINDOWS, "foo==2", "bad one"),
    ]
    found = audit(*readings).findings
    keys = [(finding.id, finding.wheels) for finding in found]
    assert keys == sorted(keys)
    assert {"WA101", "WA103", "WA105", "WA206"} <= {finding.id for finding in found}


# --- one version on two indexes -----------------------------------------------------------------------


def test_wa301_one_file_on_two_indexes_with_other_metadata() -> None:
    (finding,) = find("WA301", read(LINUX, "foo", "bar", index="one"), read(LINUX, "bar", "baz", index="two"))
    assert finding.message == (
        "One version on two indexes, two metadata: in linux x86_64, CPython 3.12 one and two differ: "
        "one alone asks for foo; two alone asks for baz. uv would take one override for both."
    )
    assert finding.wheels == (name(LINUX),)
    assert finding.requirements == ("baz", "foo")
    assert finding.help == (
        "Pin versions whose local parts differ, or use one of the indexes alone; uv has no override per index, "
        "though a source with a marker gives each platform the metadata of its own index."
    )


@pytest.mark.parametrize(("one", "two"), [("foo==1", "foo==2"), ("foo", "bar")], ids=["conflict", "union"])
def test_wa301_leaves_no_override_that_is_right_for_both(one: str, two: str) -> None:
    audited = audit(read(LINUX, one, index="one"), read(LINUX, two, index="two"))
    assert "WA301" in [finding.id for finding in audited.findings]
    assert audited.override is None
    assert audited.no_override == "There is no override: one for both one and two is right for neither (WA301)."


def test_wa301_names_the_platform_where_they_differ_and_only_that() -> None:
    both = [read(tag, "foo", index=index) for index in ("one", "two") for tag in (LINUX, WINDOWS)]
    (finding,) = find("WA301", *both, read(MACOS, "foo", index="one"), read(MACOS, "foo", "bar", index="two"))
    assert "in macos arm64, CPython 3.12 one and two differ: two alone asks for bar." in finding.message


def test_wa301_is_of_each_pair_of_indexes() -> None:
    readings = [read(LINUX, line, index=index) for index, line in (("one", "a"), ("two", "b"), ("three", "b"))]
    messages = [finding.message for finding in find("WA301", *readings)]
    assert len(messages) == 2
    assert all(" one and " in message for message in messages)


def test_wa301_is_not_told_where_the_indexes_agree() -> None:
    # Two wheels disagree, on both indexes alike: one entry is right for both.
    both = [read(tag, line, index=index) for index in ("one", "two") for tag, line in ((LINUX, "a"), (WINDOWS, "b"))]
    audited = audit(*both)
    assert audited.verdict == "inconsistent"
    assert audited.proof is not None
    assert audited.proof.deviations == ()
    assert "WA301" not in [finding.id for finding in audited.findings]


def test_wa301_is_not_told_of_platforms_that_only_one_index_has() -> None:
    audited = audit(read(LINUX, "foo", index="one"), read(WINDOWS, "bar", index="two"))
    assert audited.verdict == "inconsistent"
    assert audited.proof is not None
    assert audited.proof.deviations == ()
    assert "WA301" not in [finding.id for finding in audited.findings]


def test_wa301_takes_of_each_index_the_wheel_that_an_installer_takes_there() -> None:
    # The other build is best nowhere: what it asks for sets the indexes apart for nobody.
    second, first = f"thing-1.0-2-{LINUX}.whl", f"thing-1.0-1-{LINUX}.whl"
    best = [build_reading(second, ["foo"], index=index) for index in ("one", "two")]
    audited = audit(*best, build_reading(first, ["bar"], index="two"))
    assert audited.verdict == "inconsistent"
    assert "WA301" not in [finding.id for finding in audited.findings]
    assert "WA301" in ids(best[0], build_reading(first, ["bar"], index="two"))


def test_wa301_is_not_told_of_an_unread_wheel() -> None:
    other = build_wheel(name(LINUX), index="two")
    gone = UnreadableWheel(wheel=other, error=MetadataUnreadableError("gone"))
    assert "WA301" not in ids(read(LINUX, "foo", index="one"), read(WINDOWS, "bar", index="one"), gone)


def test_wa106_names_the_index_where_that_is_what_sets_wheels_apart() -> None:
    (two,) = find("WA106", read(LINUX, "foo", index="one"), read(LINUX, "bar", index="two"))
    assert "(index, free threading, C library or system version)" in two.message
    (one,) = find("WA106", read(LINUX, "foo"), read(MUSL, "bar"))
    assert "(free threading, C library or system version)" in one.message


def test_many_ties_cost_no_more_looks_at_all_environments_than_few(monkeypatch: pytest.MonkeyPatch) -> None:
    # With a look for each tie, three wheels with nine requirements took 16 seconds.
    looks: list[Scene] = []
    reckon = Scene.__dict__["best_kin"].fget

    def look(scene: Scene) -> object:
        looks.append(scene)
        return reckon(scene)

    monkeypatch.setattr(Scene, "best_kin", property(look))
    counts: list[int] = []
    for spread in (0, 1):
        lines = [f"foo-{number}; python_version == '3.{8 + number * spread}'" for number in range(20)]
        glibc, musl = read("py3-none-manylinux_2_28_x86_64", *lines), read("py3-none-musllinux_1_2_x86_64", "bar")
        assert len(find("WA106", glibc, musl)) == 1
        counts.append(len(looks))
        looks.clear()
    assert counts[0] == counts[1] < 20
