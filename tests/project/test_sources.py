from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.markers import parse_expression
from wheelaudit.project.requirements import Context
from wheelaudit.project.sources import ConflictItem, Source, find_conflicts, find_sources
from wheelaudit.project.workspace import Member, read_member


def read(tmp_path: Path, text: str) -> Member:
    path = tmp_path / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return read_member(path)


def test_one_source_and_several_are_read(tmp_path: Path) -> None:
    member = read(
        tmp_path,
        """
        [tool.uv.sources]
        Torch_Vision = { index = "a" }
        torch = [
            { index = "b", extra = "CU_126" },
            { index = "c", group = "dev", marker = "sys_platform == 'linux'" },
            { git = "https://git.example/torch" },
        ]
        local = { workspace = true }
        """,
    )
    assert find_sources(member) == {
        "torch-vision": (Source(index="a"),),
        "torch": (
            Source(index="b", extra=canonicalize_name("cu-126")),
            Source(index="c", group=canonicalize_name("dev"), marker=parse_expression("sys_platform == 'linux'")),
            Source(index=None),
        ),
        "local": (Source(index=None),),
    }


def test_source_of_an_extra_is_for_no_group_and_not_for_everybody() -> None:
    name = canonicalize_name("one")
    source = Source(index="a", extra=name)
    assert source.is_for(Context(member=None, kind="extra", name=name))
    assert not source.is_for(Context(member=None, kind="group", name=name))
    assert not source.is_for(Context(member=None, kind="always"))


def test_side_of_a_conflict_without_a_package_is_the_projects_own(tmp_path: Path) -> None:
    member = read(
        tmp_path,
        """
        [project]
        name = "Demo"
        [tool.uv]
        conflicts = [[{ extra = "a_b" }, { group = "c" }, { package = "other", extra = "d" }, { package = "whole" }]]
        """,
    )
    demo, other, whole = (canonicalize_name(name) for name in ("demo", "other", "whole"))
    assert find_conflicts(member) == (
        (
            ConflictItem(package=demo, extra=canonicalize_name("a-b")),
            ConflictItem(package=demo, group=canonicalize_name("c")),
            ConflictItem(package=other, extra=canonicalize_name("d")),
            ConflictItem(package=whole),
        ),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.uv]\nsources = 1", "sources is not a table"),
        ("[tool.uv.sources]\ntorch = 'a'", "sources.torch is not a table"),
        ("[tool.uv.sources]\ntorch = [1]", "sources.torch is not a table"),
        ("[tool.uv.sources]\ntorch = { index = 1 }", "sources.torch.index is not a string"),
        ("[tool.uv.sources]\ntorch = { index = 'a', marker = 'linux' }", "is not a marker"),
        ("[tool.uv]\nconflicts = 1", "conflicts is not an array"),
        ("[tool.uv]\nconflicts = [{ extra = 'a' }]", "no array"),
        ("[tool.uv]\nconflicts = [['a']]", "no table"),
    ],
)
def test_what_cannot_be_understood_is_told_by_name(tmp_path: Path, text: str, told: str) -> None:
    member = read(tmp_path, text)
    with pytest.raises(ProjectFileError, match=told):
        (find_sources(member), find_conflicts(member))
