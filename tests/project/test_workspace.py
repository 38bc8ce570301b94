"""Which projects share a lock. What the real uv finds is in test_uv_rules.py; here is what it does not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.locking import write_files
from wheelaudit.errors import ProjectFileError
from wheelaudit.project.configuration import find_configuration
from wheelaudit.project.workspace import Workspace, find_project_file, read_workspace

ROOT = '[project]\nname = "root"\n[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/no"]\n'
MEMBER = '[project]\nname = "{}"\n'


def names(workspace: Workspace) -> list[str | None]:
    return [member.name for member in workspace.members]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(
        tmp_path,
        {
            "pyproject.toml": ROOT,
            "packages/b/pyproject.toml": MEMBER.format("B_b"),
            "packages/a/pyproject.toml": MEMBER.format("a"),
            "packages/a/src/a.py": "",
            "packages/no/pyproject.toml": MEMBER.format("no"),
            "packages/readme.md": "",
            "packages/empty/readme.md": "",
        },
    )
    return tmp_path


def test_members_are_what_the_globs_find_the_root_first(folder: Path) -> None:
    workspace = read_workspace(folder / "pyproject.toml")
    assert names(workspace) == ["root", "a", "b-b"]
    assert workspace.folder == folder


def test_member_finds_the_same_workspace(folder: Path) -> None:
    workspace = read_workspace(folder / "packages" / "a" / "pyproject.toml")
    assert names(workspace) == ["root", "a", "b-b"]
    assert workspace.asked == folder / "packages" / "a" / "pyproject.toml"
    assert workspace.lockfile == folder / "uv.lock"


def test_excluded_project_stands_alone(folder: Path) -> None:
    assert names(read_workspace(folder / "packages" / "no" / "pyproject.toml")) == ["no"]


def test_project_is_looked_for_upwards(folder: Path) -> None:
    assert find_project_file(folder / "packages" / "a" / "src") == folder / "packages" / "a" / "pyproject.toml"
    assert find_project_file(folder / "packages" / "empty") == folder / "pyproject.toml"


def test_relative_path_finds_the_workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "packages" / "a")
    assert names(read_workspace(Path("pyproject.toml"))) == ["root", "a", "b-b"]
    assert find_project_file(Path()) == Path("pyproject.toml")


def test_only_the_next_file_above_decides(folder: Path) -> None:
    write_files(folder, {"packages/a/inner/pyproject.toml": MEMBER.format("inner")})
    assert names(read_workspace(folder / "packages" / "a" / "inner" / "pyproject.toml")) == ["inner"]


def test_workspace_within_a_workspace_is_its_own_root(folder: Path) -> None:
    write_files(folder, {"packages/a/pyproject.toml": MEMBER.format("a") + "[tool.uv.workspace]\nmembers = []\n"})
    assert names(read_workspace(folder / "packages" / "a" / "pyproject.toml")) == ["a"]


def test_broken_file_above_is_told_with_both_names(folder: Path) -> None:
    write_files(folder, {"pyproject.toml": "[project\n"})
    with pytest.raises(ProjectFileError, match="may be a member") as caught:
        read_workspace(folder / "packages" / "a" / "pyproject.toml")
    assert str(folder / "pyproject.toml") in caught.value.message


@pytest.mark.parametrize("members", ['"packages/*"', "[1]", '["a\\u0000b"]'])
def test_members_that_are_no_patterns_are_told(tmp_path: Path, members: str) -> None:
    write_files(tmp_path, {"pyproject.toml": f"[tool.uv.workspace]\nmembers = {members}\n"})
    with pytest.raises(ProjectFileError, match="members"):
        read_workspace(tmp_path / "pyproject.toml")


def test_file_of_another_name_stands_for_itself(folder: Path) -> None:
    write_files(folder, {"packages/a/other.toml": MEMBER.format("other")})
    assert names(read_workspace(folder / "packages" / "a" / "other.toml")) == ["other"]


class TestConfiguration:
    """Where uv reads ``dependency-metadata``, and what that shadows; test_uv_rules.py asks the real one."""

    def test_members_settings_are_shadowed_by_the_root(self, folder: Path) -> None:
        write_files(folder, {"packages/a/uv.toml": ""})
        found = find_configuration(read_workspace(folder / "pyproject.toml"), environ={}, cwd=folder)
        assert (found.path, found.table, found.inherited) == (folder / "pyproject.toml", ("tool", "uv"), False)
        assert [(each.path.relative_to(folder).as_posix(), each.table, each.cause) for each in found.shadowed] == [
            ("packages/a/uv.toml", (), "member"),
            ("packages/a/pyproject.toml", ("tool", "uv"), "member"),
            ("packages/b/pyproject.toml", ("tool", "uv"), "member"),
        ]

    def test_uv_toml_shadows_the_table_beside_it(self, folder: Path) -> None:
        write_files(folder, {"uv.toml": 'index-url = "https://index.example"\n'})
        found = find_configuration(read_workspace(folder / "pyproject.toml"), environ={}, cwd=folder)
        assert (found.path, found.table) == (folder / "uv.toml", ())
        assert found.settings == {"index-url": "https://index.example"}
        assert (folder / "pyproject.toml", "uv.toml") in {(each.path, each.cause) for each in found.shadowed}

    def test_variable_shadows_everything(self, folder: Path) -> None:
        write_files(folder, {"uv.toml": "", "my.toml": "offline = true\n"})
        workspace = read_workspace(folder / "pyproject.toml")
        found = find_configuration(workspace, environ={"UV_CONFIG_FILE": "my.toml"}, cwd=folder)
        assert (found.path, found.table, found.settings) == (folder / "my.toml", (), {"offline": True})
        assert {each.cause for each in found.shadowed} == {"UV_CONFIG_FILE"}
        none = find_configuration(workspace, environ={"UV_NO_CONFIG": "true"}, cwd=folder)
        assert none.path is None
        assert {each.path for each in none.shadowed} >= {folder / "pyproject.toml", folder / "uv.toml"}

    def test_file_of_the_variable_that_is_not_there_is_told(self, folder: Path) -> None:
        with pytest.raises(ProjectFileError, match=r"my\.toml cannot be read"):
            find_configuration(
                read_workspace(folder / "pyproject.toml"), environ={"UV_CONFIG_FILE": "my.toml"}, cwd=folder
            )

    def test_settings_from_above_are_inherited(self, tmp_path: Path) -> None:
        write_files(tmp_path, {"uv.toml": "", "c/pyproject.toml": MEMBER.format("c")})
        found = find_configuration(read_workspace(tmp_path / "c" / "pyproject.toml"), environ={}, cwd=tmp_path)
        assert (found.path, found.inherited, found.shadowed) == (tmp_path / "uv.toml", True, ())

    def test_way_to_the_project_is_not_above_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_files(tmp_path, {"beside/uv.toml": "", "c/pyproject.toml": MEMBER.format("c")})
        monkeypatch.chdir(tmp_path / "beside")
        workspace = read_workspace(Path("..", "c", "pyproject.toml"))
        assert find_configuration(workspace, environ={}, cwd=Path()).path == Path("..", "c", "pyproject.toml")

    def test_broken_project_far_above_is_passed_over(self, tmp_path: Path) -> None:
        write_files(
            tmp_path,
            {
                "uv.toml": "",
                "x/pyproject.toml": "[tool.uv\n",
                "x/y/pyproject.toml": MEMBER.format("y"),
                "x/y/c/pyproject.toml": MEMBER.format("c"),
            },
        )
        workspace = read_workspace(tmp_path / "x" / "y" / "c" / "pyproject.toml")
        assert find_configuration(workspace, environ={}, cwd=tmp_path).path == tmp_path / "uv.toml"

    def test_without_settings_anywhere_it_is_the_roots_own_file(self, tmp_path: Path) -> None:
        write_files(tmp_path, {"pyproject.toml": MEMBER.format("c")})
        found = find_configuration(read_workspace(tmp_path / "pyproject.toml"), environ={}, cwd=tmp_path)
        assert (found.path, found.table, found.inherited) == (tmp_path / "pyproject.toml", ("tool", "uv"), False)
        assert found.shadowed == ()
