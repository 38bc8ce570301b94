"""The overrides of a project, held against audits: status, finding, and what mending does."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tests.releases import build_reading
from tests.report.examples import audit_readings, build_torch, build_undecided
from wheelaudit.audit.values import Audit
from wheelaudit.checking import Check, CheckedEntry, check_project, mend
from wheelaudit.errors import ProjectNotFoundError
from wheelaudit.patching import Patch, put_overrides, read_target
from wheelaudit.pipeline import Failure, Outcome
from wheelaudit.project.settings import read_project_settings

pytestmark = pytest.mark.anyio

LINUX, WINDOWS = "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-win_amd64"
HEAD = '[project]\nname = "x"\nversion = "1"\n\n[tool.uv]\n'
OURS = "# Written by wheelaudit: by a test.\n"
TORCH = build_torch()


def build_thing(version: str, *, consistent: bool = False) -> Audit:
    """A release that needs ``foo`` on Linux only; with ``consistent`` all wheels say so."""
    line = "foo; sys_platform == 'linux'"
    return audit_readings(
        [
            build_reading(f"thing-{version}-{LINUX}.whl", [line]),
            build_reading(f"thing-{version}-{WINDOWS}.whl", [line] if consistent else []),
        ]
    )


NEEDED = build_thing("1.0")
NEEDLESS = build_thing("1.0", consistent=True)
RIGHT = ["foo; sys_platform == 'linux'"]


def entry(version: str | None = "1.0", *requires: str, name: str = "thing", more: str = "", ours: bool = True) -> str:
    lines = [
        f'name = "{name}"',
        *([f'version = "{version}"'] if version else []),
        f"requires-dist = {list(requires)!r}",
    ]
    return (
        "\n"
        + (OURS if ours else "")
        + "\n".join(["[[tool.uv.dependency-metadata]]", *lines, *([more] if more else []), ""])
    )


def lock(*versions: str, overridden: Sequence[str] = ("1.0",)) -> str:
    source = 'source = { registry = "https://index.example/simple" }'
    locked = [("other", "1"), *(("thing", version) for version in versions)]
    packages = (f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n' for name, version in locked)
    entries = (f'[[manifest.dependency-metadata]]\nname = "thing"\nversion = "{each}"\n' for each in overridden)
    return "version = 1\n" + "".join(entries) + "".join(packages)


class Auditor:
    """Stands for the pipeline: answers SPECs with audits, and keeps what it was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.asked: list[str] = []

    async def __call__(self, specs: Sequence[str]) -> Sequence[Outcome]:
        self.asked += specs
        return self.outcomes


async def check(folder: Path, text: str, *outcomes: Outcome, environ: dict[str, str] | None = None) -> Check:
    path = folder / "pyproject.toml"
    path.write_text(HEAD + text, encoding="utf-8", newline="\n")
    return await check_project(read_project_settings(path, environ=environ or {}, cwd=folder), Auditor(*outcomes))


def tell(each: CheckedEntry) -> tuple[str, list[str]]:
    return each.status, [finding.id for finding in each.findings]


def find_entries(patch: Patch) -> list[Any]:
    document = tomllib.loads(patch.text)
    for key in patch.table:
        document = document.get(key, {})
    return list(document.get("dependency-metadata", []))


async def mend_to(checked: Check, *, every: bool = False) -> list[Any]:
    """Return the entries that the one file holds when it is mended."""
    patches = mend(checked, every=every).patches
    return find_entries(patches[0] if patches else next(iter(checked.patches.values())))


async def test_no_entries_ask_no_index(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(HEAD)
    auditor = Auditor()
    checked = await check_project(read_project_settings(tmp_path / "pyproject.toml"), auditor)
    assert (checked.entries, auditor.asked) == ((), [])


async def test_entry_that_is_current(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED)
    (each,) = checked.entries
    assert tell(each) == ("current", [])
    assert each.upkeep is not None
    assert mend(checked, every=True).patches == ()


async def test_names_and_versions_are_compared_as_uv_does(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1", *RIGHT, name="Thing"), NEEDED)
    assert tell(checked.entries[0]) == ("current", [])


@pytest.mark.parametrize("ours", [True, False])
async def test_entry_that_is_stale_is_replaced_if_it_is_ours(tmp_path: Path, ours: bool) -> None:
    checked = await check(tmp_path, entry("1.0", "bar", ours=ours), NEEDED)
    assert tell(checked.entries[0]) == ("stale", ["WA401"])
    requires = [each["requires-dist"] for each in await mend_to(checked)]
    assert requires == [RIGHT if ours else ["bar"]]
    assert [each["requires-dist"] for each in await mend_to(checked, every=True)] != [["bar"]]


@pytest.mark.parametrize("ours", [True, False])
async def test_entry_of_a_release_that_is_consistent_is_removed_if_it_is_ours(tmp_path: Path, ours: bool) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT, ours=ours), NEEDLESS)
    assert tell(checked.entries[0]) == ("unneeded", ["WA402"])
    assert len(await mend_to(checked)) == (0 if ours else 1)
    assert await mend_to(checked, every=True) == []


async def test_entry_of_a_release_that_is_not_locked_any_more(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock("2.0"))
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED)
    (each,) = checked.entries
    assert tell(each) == ("unneeded", ["WA402"])
    assert "it locks 2.0" in each.findings[0].message
    assert await mend_to(checked) == []


async def test_entry_that_is_newer_than_the_lock_is_needed(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock("2.0", overridden=[]))
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED)
    assert tell(checked.entries[0]) == ("current", [])


async def test_entry_of_a_project_that_is_not_locked_asks_no_index(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock())
    path = tmp_path / "pyproject.toml"
    path.write_text(HEAD + entry("1.0", *RIGHT))
    auditor = Auditor()
    checked = await check_project(read_project_settings(path), auditor)
    assert "does not lock this project at all" in checked.entries[0].findings[0].message
    assert auditor.asked == []


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "no lock"])
async def test_entry_without_the_local_part_moves_to_the_versions_that_have_one(tmp_path: Path, locked: bool) -> None:
    if locked:
        (tmp_path / "uv.lock").write_text(lock("1.0+cpu"))
    checked = await check(tmp_path, entry("1.0", *RIGHT), build_thing("1.0+cpu"), build_thing("1.0+cu126"))
    (each,) = checked.entries
    assert tell(each) == ("ineffective", ["WA403"])
    assert "1.0+cpu" in each.findings[0].message
    assert each.mending == "moved"
    assert [each["version"] for each in await mend_to(checked)] == (["1.0+cpu"] if locked else ["1.0+cpu", "1.0+cu126"])


async def test_entry_without_the_local_part_moves_to_none_that_needs_none(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT), build_thing("1.0+cpu", consistent=True))
    assert tell(checked.entries[0]) == ("ineffective", ["WA403"])
    assert await mend_to(checked) == []


async def test_version_without_local_part_that_exists_is_an_entry_like_any_other(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED, build_thing("1.0+cpu"))
    assert tell(checked.entries[0]) == ("current", [])


async def test_second_of_two_entries_has_no_effect_and_only_it_is_removed(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT) + entry("1.0", "bar"), NEEDED)
    assert [tell(each) for each in checked.entries] == [("current", []), ("ineffective", ["WA403"])]
    assert "line 8" in checked.entries[1].findings[0].message
    assert [each["requires-dist"] for each in await mend_to(checked)] == [RIGHT]


async def test_entry_of_others_stays_whatever_becomes_of_ours_beside_it(tmp_path: Path) -> None:
    text = entry("1.0", "theirs", ours=False) + entry("1.0", "ours")
    checked = await check(tmp_path, text, NEEDED)
    assert [tell(each) for each in checked.entries] == [("stale", ["WA401"]), ("ineffective", ["WA403"])]
    assert [each["requires-dist"] for each in await mend_to(checked)] == [["theirs"]]
    text = entry("1.0", "ours") + entry("1.0", "theirs", ours=False)
    checked = await check(tmp_path, text, NEEDED)
    assert [each["requires-dist"][0][:3] for each in await mend_to(checked)] == ["foo", "the"]
    assert len(await mend_to(checked, every=True)) == 1


@pytest.mark.parametrize(
    ("fault", "word"),
    [("hash = 'x'", "hash"), ("requires-python = 'new'", "requires-python"), ("provides-extra = 1", "provides-extra")],
)
async def test_entry_with_a_fault_makes_uv_drop_all_and_is_replaced(tmp_path: Path, fault: str, word: str) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT, more=fault), NEEDED)
    (each,) = checked.entries
    assert tell(each) == ("ineffective", ["WA403"])
    assert "drops all of its settings" in each.findings[0].message
    assert word in each.findings[0].message
    (mended,) = await mend_to(checked)
    assert set(mended) == {"name", "version", "requires-dist"}


async def test_entry_with_a_fault_that_is_not_needed_is_removed(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT, more="hash = 'x'"), NEEDLESS)
    assert tell(checked.entries[0]) == ("ineffective", ["WA403"])
    assert await mend_to(checked) == []


async def test_entry_that_names_nothing_is_left_for_a_person(tmp_path: Path) -> None:
    text = "\n[[tool.uv.dependency-metadata]]\nrequires-dist = []\n" + entry("new", *RIGHT)
    checked = await check(tmp_path, text)
    assert [tell(each) for each in checked.entries] == [("ineffective", ["WA403"])] * 2
    assert checked.entries[0].label == "an entry without a name (all versions)"
    assert checked.entries[1].label == "thing (version not understood)"
    assert mend(checked, every=True).patches == ()


async def test_entry_for_all_versions_is_held_against_all_that_are_locked(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock("1.0", "2.0"))
    path = tmp_path / "pyproject.toml"
    path.write_text(HEAD + entry(None, *RIGHT))
    auditor = Auditor(NEEDED, build_thing("2.0"))
    checked = await check_project(read_project_settings(path), auditor)
    assert auditor.asked == ["thing==1.0", "thing==2.0"]
    (each,) = checked.entries
    assert (each.label, tell(each)) == ("thing (all versions)", ("current", []))


async def test_entry_for_all_versions_that_is_wrong_for_one_of_them_is_stale(tmp_path: Path) -> None:
    other = audit_readings(
        [build_reading(f"thing-2.0-{LINUX}.whl", ["bar"]), build_reading(f"thing-2.0-{WINDOWS}.whl", [])]
    )
    checked = await check(tmp_path, entry(None, *RIGHT), NEEDED, other)
    (each,) = checked.entries
    assert tell(each) == ("stale", ["WA401"])
    assert "thing==2.0" in each.findings[0].message
    assert mend(checked, every=True).patches == ()


async def test_entry_for_all_versions_that_is_wrong_for_a_consistent_one_is_stale(tmp_path: Path) -> None:
    other = audit_readings([build_reading(f"thing-2.0-{LINUX}.whl", ["bar"])])
    (each,) = (await check(tmp_path, entry(None, *RIGHT), NEEDED, other)).entries
    assert tell(each) == ("stale", ["WA401"])
    assert "thing==2.0 asks for, which needs no override" in each.findings[0].message
    right = build_thing("2.0", consistent=True)
    assert tell((await check(tmp_path, entry(None, *RIGHT), NEEDED, right)).entries[0]) == ("current", [])


async def test_entry_for_all_versions_that_no_version_needs(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry(None, *RIGHT), NEEDLESS)
    assert tell(checked.entries[0]) == ("unneeded", ["WA402"])
    assert await mend_to(checked) == []
    checked = await check(tmp_path, entry("1.0", *RIGHT) + entry(None, "bar"), NEEDED)
    assert [tell(each) for each in checked.entries] == [("current", []), ("unneeded", ["WA402"])]
    assert [each["version"] for each in await mend_to(checked)] == ["1.0"]


async def test_release_that_cannot_be_audited_is_no_finding(tmp_path: Path) -> None:
    error = ProjectNotFoundError("No such project.", url="https://index.example/simple/thing/")
    checked = await check(tmp_path, entry("1.0", *RIGHT), Failure(spec="thing==1.0", error=error))
    (each,) = checked.entries
    assert (tell(each), each.error) == (("failed", []), error)
    assert mend(checked, every=True).patches == ()


async def test_failure_of_another_release_does_not_count(tmp_path: Path) -> None:
    error = ProjectNotFoundError("No such project.", url="https://index.example/simple/other/")
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED, Failure(spec="other==1.0", error=error))
    assert tell(checked.entries[0]) == ("current", [])


async def test_release_with_an_unread_wheel_is_unknown(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", *RIGHT, name="gone"), build_undecided())
    assert tell(checked.entries[0]) == ("unknown", [])
    assert mend(checked, every=True).patches == ()


async def test_of_two_audits_of_one_release_that_of_the_most_wheels_counts(tmp_path: Path) -> None:
    part = audit_readings([build_reading(f"thing-1.0-{LINUX}.whl", RIGHT)])
    for outcomes in ((part, NEEDED), (NEEDED, part)):
        assert tell((await check(tmp_path, entry("1.0", *RIGHT), *outcomes)).entries[0]) == ("current", [])


async def test_uv_keeps_files_of_its_hosts_and_the_remedy_says_so(tmp_path: Path) -> None:
    url = f"https://download.pytorch.org/whl/cpu/thing-1.0-{LINUX}.whl"
    reading = build_reading(f"thing-1.0-{LINUX}.whl", RIGHT)
    kept = audit_readings([replace(reading, wheel=replace(reading.wheel, url=url))])
    checked = await check(tmp_path, entry("1.0", *RIGHT), kept)
    assert "`uv cache clean thing`" in checked.entries[0].findings[0].help
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDLESS)
    assert "cache clean" not in checked.entries[0].findings[0].help


MEMBER = '[project]\nname = "m"\nversion = "1"\n[tool.uv]\n'
WORKSPACE = '[tool.uv.workspace]\nmembers = ["m"]\n'


async def check_member(folder: Path, root: str, member: str, *outcomes: Outcome) -> Check:
    (folder / "m").mkdir(exist_ok=True)
    (folder / "m" / "pyproject.toml").write_text(MEMBER + member)
    return await check(folder, WORKSPACE + root, *outcomes)


async def test_entry_of_a_member_has_no_effect_and_moves_to_the_root(tmp_path: Path) -> None:
    checked = await check_member(tmp_path, "", entry("1.0", "bar"), NEEDED)
    (each,) = checked.entries
    assert (each.file, tell(each)) == (tmp_path / "m" / "pyproject.toml", ("ineffective", ["WA403"]))
    assert f"Move the entry to {tmp_path / 'pyproject.toml'}." == each.findings[0].help
    root, member = mend(checked, every=False).patches
    assert root.document.path == tmp_path / "pyproject.toml"
    assert [each["requires-dist"] for each in find_entries(root)] == [RIGHT]
    assert find_entries(member) == []


async def test_entry_of_a_member_that_the_root_has_too_is_removed_there(tmp_path: Path) -> None:
    checked = await check_member(tmp_path, entry("1.0", *RIGHT, ours=False), entry("1.0", "bar"), NEEDED)
    assert [tell(each) for each in checked.entries] == [("current", []), ("ineffective", ["WA403"])]
    (member,) = mend(checked, every=False).patches
    assert (member.document.path, find_entries(member)) == (tmp_path / "m" / "pyproject.toml", [])


async def test_entry_of_a_member_that_is_others_stays(tmp_path: Path) -> None:
    checked = await check_member(tmp_path, "", entry("1.0", "bar", ours=False), NEEDED)
    assert mend(checked, every=False).patches == ()
    assert len(mend(checked, every=True).patches) == 2


async def test_entry_that_a_uv_toml_shadows_moves_there(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("# mine\n")
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDED)
    (each,) = checked.entries
    assert tell(each) == ("shadowed", ["WA404"])
    assert each.findings[0].help == f"Move the entry to {tmp_path / 'uv.toml'}."
    target, shadowed = mend(checked, every=False).patches
    assert (target.document.path, len(find_entries(target))) == (tmp_path / "uv.toml", 1)
    assert target.text.startswith("# mine\n")
    assert find_entries(shadowed) == []


async def test_shadowed_entry_whose_release_cannot_be_audited_stays(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("")
    error = ProjectNotFoundError("No such project.", url="https://index.example/simple/thing/")
    checked = await check(tmp_path, entry("1.0", *RIGHT), Failure(spec="thing==1.0", error=error))
    assert tell(checked.entries[0]) == ("shadowed", ["WA404"])
    assert mend(checked, every=True).patches == ()


async def test_shadowed_entry_that_is_not_needed_is_removed(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("")
    checked = await check(tmp_path, entry("1.0", *RIGHT), NEEDLESS)
    assert tell(checked.entries[0]) == ("shadowed", ["WA404"])
    assert await mend_to(checked) == []


@pytest.mark.parametrize(
    "environ", [{"UV_NO_CONFIG": "1"}, {"UV_CONFIG_FILE": "other.toml"}], ids=lambda each: next(iter(each))
)
async def test_entry_that_a_variable_shadows_is_told_and_left(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "other.toml").write_text("")
    checked = await check(tmp_path, entry("1.0", "bar"), NEEDED, environ=environ)
    (each,) = checked.entries
    assert tell(each) == ("shadowed", ["WA404"])
    assert next(iter(environ)) in each.findings[0].message
    assert mend(checked, every=True).patches == ()


async def test_entry_whose_findings_are_ignored_is_left(tmp_path: Path) -> None:
    checked = await check(tmp_path, entry("1.0", "bar"), NEEDED)
    (each,) = checked.entries
    assert mend(checked, every=True).patches != ()
    assert mend(replace(checked, entries=(replace(each, findings=()),)), every=True).patches == ()


async def test_many_are_mended_at_once_and_what_is_between_stays(tmp_path: Path) -> None:
    text = (
        entry("1.0", "bar")
        + "\n# a comment of others\n[tool.other]\nkey = 1\n"
        + entry("2.0", *RIGHT)
        + entry("3.0", *RIGHT, ours=False)
        + entry("4.0", "bar")
    )
    audits = [NEEDED, build_thing("2.0", consistent=True), build_thing("3.0", consistent=True), build_thing("4.0")]
    checked = await check(tmp_path, text, *audits)
    (patch,) = mend(checked, every=False).patches
    assert [each["version"] for each in find_entries(patch)] == ["1.0", "3.0", "4.0"]
    assert "\n# a comment of others\n[tool.other]\nkey = 1\n" in patch.text
    assert patch.text.count("# Written by wheelaudit") == 2
    again = await check(tmp_path, patch.text.removeprefix(HEAD), *audits)
    assert [tell(each) for each in again.entries] == [("current", []), ("unneeded", ["WA402"]), ("current", [])]
    assert mend(again, every=False).patches == ()


async def test_what_audit_write_writes_is_current(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(HEAD)
    settings = read_project_settings(tmp_path / "pyproject.toml")
    text = put_overrides(read_target(settings), [TORCH, NEEDED]).text
    checked = await check(tmp_path, text.removeprefix(HEAD), TORCH, NEEDED)
    assert [tell(each) for each in checked.entries] == [("current", [])] * 2
    assert checked.entries[0].entry.is_for(TORCH.release.project, Version("2.6.0+cu126"))
