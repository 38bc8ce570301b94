"""Overrides into the file that uv reads them from."""

from __future__ import annotations

import errno
import os
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.releases import build_reading
from tests.report.examples import audit_readings, build_consistent, build_torch
from wheelaudit.audit.values import Audit
from wheelaudit.errors import MetadataUnreadableError, ProjectFileError, UsageError
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.patching import Patch, put_overrides, read_patch, read_target, remove_at, replace_at, write_patch
from wheelaudit.project.settings import ProjectSettings, read_project_settings

TORCH = build_torch()
PROJECT = '[project]\nname = "x"\nversion = "1"\n\n[tool.uv]\n'


def build_thing(index: str, *requires: str) -> Audit:
    """An inconsistent release on one index: Windows asks for nothing."""
    audit = audit_readings(
        [
            build_reading("thing-1.0-cp312-cp312-manylinux_2_28_x86_64.whl", requires, index=index),
            build_reading("thing-1.0-cp312-cp312-win_amd64.whl", [], index=index),
        ]
    )
    return replace(audit, release=replace(audit.release, indexes=(index,)))


@pytest.fixture
def patch(tmp_path: Path) -> Patch:
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, encoding="utf-8", newline="\n")
    return read_target(read_project_settings(path))


def find_versions(patch: Patch) -> list[str]:
    return [entry["version"] for entry in tomllib.loads(patch.text)["tool"]["uv"].get("dependency-metadata", [])]


def test_target_is_unchanged_at_first(patch: Patch) -> None:
    assert (patch.text, patch.entries, patch.changes) == (PROJECT, (), False)


def test_without_a_project_there_is_no_target() -> None:
    with pytest.raises(UsageError, match=r"no pyproject\.toml") as raised:
        read_target(ProjectSettings())
    assert raised.value.remedy is not None
    assert "--pyproject" in raised.value.remedy


def test_where_uv_reads_no_settings_there_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    settings = read_project_settings(tmp_path / "pyproject.toml", environ={"UV_NO_CONFIG": "1"})
    with pytest.raises(ProjectFileError, match="UV_NO_CONFIG"):
        read_target(settings)


def test_target_is_the_uv_toml_that_shadows(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.toml").write_text("")
    patch = put_overrides(read_target(read_project_settings(tmp_path / "pyproject.toml")), [TORCH])
    assert patch.document.path == tmp_path / "uv.toml"
    (entry,) = tomllib.loads(patch.text)["dependency-metadata"]
    assert entry["version"] == "2.6.0+cu126"
    assert "[[dependency-metadata]]" in patch.blocks[0]


def test_only_releases_with_an_override_are_put_in(patch: Patch) -> None:
    new = put_overrides(patch, [build_consistent(), TORCH])
    assert new.entries == ("torch==2.6.0+cu126",)
    assert find_versions(new) == ["2.6.0+cu126"]
    assert "# Written by wheelaudit: torch 2.6.0+cu126, 14 wheels in 3 variants." in new.text
    assert new.blocks[0] in new.text


def test_what_is_there_already_changes_nothing(patch: Patch) -> None:
    once = put_overrides(patch, [TORCH])
    twice = put_overrides(replace(once, entries=(), blocks=()), [TORCH])
    assert (twice.text, twice.entries, twice.blocks) == (once.text, (), ())


def test_equal_audits_of_one_release_are_one_entry(patch: Patch) -> None:
    assert find_versions(put_overrides(patch, [TORCH, TORCH])) == ["2.6.0+cu126"]


def test_audits_of_one_release_that_differ_are_refused(patch: Patch) -> None:
    with pytest.raises(ProjectFileError, match=r"thing==1\.0 .* on one than .* on two, .*WA301") as raised:
        put_overrides(patch, [build_thing("one", "foo"), build_thing("two", "bar")])
    assert raised.value.remedy == "Audit it once, on all of them: wheelaudit thing==1.0 --index one --index two."


@pytest.mark.parametrize("turned", [False, True])
def test_override_that_is_wrong_for_a_consistent_audit_of_the_release_is_refused(patch: Patch, turned: bool) -> None:
    other = audit_readings([build_reading("thing-1.0-cp312-cp312-win_amd64.whl", ["baz"], index="two")])
    other = replace(other, release=replace(other.release, indexes=("two",)))
    assert other.verdict == "consistent"
    audits = [build_thing("one", "foo"), other]
    with pytest.raises(ProjectFileError, match="WA301"):
        put_overrides(patch, audits[::-1] if turned else audits)


def test_override_that_a_consistent_audit_of_the_release_agrees_with_is_written(patch: Patch) -> None:
    other = audit_readings([build_reading("thing-1.0-cp312-cp312-win_amd64.whl", [], index="two")])
    assert find_versions(put_overrides(patch, [build_thing("one", "foo"), other])) == ["1.0"]


def test_override_is_refused_beside_an_audit_that_does_not_know(patch: Patch) -> None:
    thing = build_thing("one", "foo")
    unread = UnreadableWheel(wheel=thing.release.wheels[0], error=MetadataUnreadableError("gone"))
    with pytest.raises(ProjectFileError, match="WA301"):
        put_overrides(patch, [thing, audit_readings([unread])])


def test_audits_of_one_release_on_two_indexes_that_agree_are_one_entry(patch: Patch) -> None:
    assert find_versions(put_overrides(patch, [build_thing("one", "foo"), build_thing("two", "foo")])) == ["1.0"]


def test_exactly_one_entry_is_replaced_or_removed(patch: Patch) -> None:
    entry = '[[tool.uv.dependency-metadata]]\nname = "torch"\nversion = "2.6.0+cu126"\nrequires-dist = ["{}"]\n'
    text = PROJECT + entry.format("one") + entry.format("two")
    doubled = replace(patch, text=text)
    assert TORCH.override is not None
    replaced = tomllib.loads(replace_at(doubled, 1, TORCH, TORCH.override).text)["tool"]["uv"]["dependency-metadata"]
    assert (replaced[0]["requires-dist"], len(replaced[1]["requires-dist"])) == (["one"], 23)
    removed = remove_at(doubled, 0, "torch 2.6.0+cu126")
    assert removed.text == PROJECT + entry.format("two")
    assert removed.entries == ("torch 2.6.0+cu126",)


def test_written_file_holds_the_text(patch: Patch) -> None:
    new = put_overrides(patch, [TORCH])
    write_patch(new)
    assert read_patch(new.document.path, new.table).text == new.text


def test_full_disk_leaves_the_file_and_gives_the_block(patch: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    new = put_overrides(patch, [TORCH])
    with pytest.raises(ProjectFileError, match=os.strerror(errno.ENOSPC)) as raised:
        write_patch(new)
    assert raised.value.remedy is not None
    assert raised.value.remedy.startswith("Mend that and run this again, or paste this into it:\n\n# Written by")
    (entry,) = tomllib.loads(raised.value.remedy.partition(":\n")[2])["tool"]["uv"]["dependency-metadata"]
    assert len(entry["requires-dist"]) == 23
    assert [path.name for path in patch.document.path.parent.iterdir()] == ["pyproject.toml"]
    assert patch.document.path.read_text() == PROJECT


def test_file_that_has_changed_is_not_a_case_for_pasting(patch: Patch) -> None:
    new = put_overrides(patch, [TORCH])
    patch.document.path.write_text("# theirs\n")
    with pytest.raises(ProjectFileError, match="changed") as raised:
        write_patch(new)
    assert raised.value.remedy == "Run this again."
    assert patch.document.path.read_text() == "# theirs\n"


def test_removal_that_cannot_be_written_has_nothing_to_paste(patch: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = put_overrides(patch, [TORCH])
    write_patch(filled)
    removed = remove_at(read_patch(patch.document.path, patch.table), 0, "torch 2.6.0+cu126")
    patch.document.path.chmod(0o444)
    with pytest.raises(ProjectFileError, match="write-protected") as raised:
        write_patch(removed)
    assert raised.value.remedy == "Mend that and run this again."
