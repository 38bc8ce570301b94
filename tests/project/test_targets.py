"""What a name alone means in a project: on which indexes, in which versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.project.locking import FOUR_EXTRAS, write_files
from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.project import locks
from wheelaudit.project.settings import ProjectSettings, read_project_settings
from wheelaudit.project.targets import Target, find_rules, find_targets

TORCH = canonicalize_name("torch")
PROJECT = '[project]\nname = "demo"\ndependencies = ["torch>=2"]\n'
SOURCE = '[tool.uv.sources]\ntorch = { index = "a" }\n'
INDEX = '[[tool.uv.index]]\nname = "a"\nurl = "https://index.example/a/"\nexplicit = true\n'


def find(folder: Path, files: Mapping[str, str], project: str = "torch") -> tuple[Target, ...]:
    write_files(folder, files)
    settings = read_project_settings(folder / "pyproject.toml")
    return find_targets(settings, canonicalize_name(project), environ={}, cwd=folder)


def show(targets: tuple[Target, ...]) -> list[tuple[str | None, list[str], list[str]]]:
    return [
        (
            None if target.location is None else target.location.name,
            [str(version) for version in target.versions],
            [str(specifier) for specifier in target.specifiers],
        )
        for target in targets
    ]


def lock(*packages: tuple[str, str, str]) -> str:
    rows = (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "{registry}" }}\n'
        for name, version, registry in packages
    )
    return "version = 1\n" + "".join(rows)


def test_four_extras_are_four_indexes_in_the_order_of_the_sources() -> None:
    settings = read_project_settings(FOUR_EXTRAS / "pyproject.toml")
    found = find_targets(settings, TORCH, environ={}, cwd=FOUR_EXTRAS)
    assert show(found) == [(f"pytorch-{channel}", [], [">=2.6.0"]) for channel in ("cpu", "cu118", "cu124", "cu126")]
    assert settings.workspace is not None
    assert [len(conflict) for conflict in find_rules(settings.workspace).conflicts] == [4]


def test_locked_versions_come_before_what_requirements_admit(tmp_path: Path) -> None:
    locked = lock(
        ("torch", "2.6.0+cpu", "https://index.example/a"),
        ("torch", "2.6.0", "https://index.example/a"),
        ("other", "1", "https://index.example/a"),
    )
    found = find(tmp_path, {"pyproject.toml": PROJECT + SOURCE + INDEX, "uv.lock": locked})
    assert show(found) == [("a", ["2.6.0", "2.6.0+cpu"], [">=2"])]


def test_what_is_locked_from_an_index_without_a_source_is_a_target_too(tmp_path: Path) -> None:
    locked = lock(
        ("torch", "2.6.0", "https://index.example/a"),
        ("torch", "2.5", "https://user@elsewhere.example/simple"),
        ("torch", "2.4", "wheels"),
    )
    found = find(tmp_path, {"pyproject.toml": PROJECT + SOURCE + INDEX, "uv.lock": locked})
    assert [target.location and target.location.url for target in found] == [
        "https://index.example/a",
        "https://elsewhere.example/simple",
        (tmp_path / "wheels").as_uri(),
    ]


def test_project_that_is_only_locked_is_known(tmp_path: Path) -> None:
    locked = lock(("numpy", "2.2.0", "https://index.example/simple"))
    found = find(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": locked}, "numpy")
    assert show(found) == [("https://index.example/simple", ["2.2.0"], [])]


def test_lock_of_a_member_is_the_roots(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["m"]\n',
            "uv.lock": lock(("torch", "2.1", "https://index.example/a")),
            "m/uv.lock": "not read",
        },
    )
    found = find(tmp_path / "m", {"pyproject.toml": PROJECT + SOURCE + INDEX})
    assert show(found) == [("a", ["2.1"], [">=2"])]


def test_requirement_without_source_is_for_the_indexes_of_everything(tmp_path: Path) -> None:
    assert show(find(tmp_path, {"pyproject.toml": PROJECT})) == [(None, [], [">=2"])]


def test_project_that_nobody_names_has_no_target(tmp_path: Path) -> None:
    assert find(tmp_path, {"pyproject.toml": PROJECT}, "numpy") == ()
    assert find_targets(ProjectSettings(), TORCH, environ={}, cwd=tmp_path) == ()


def test_source_without_requirement_admits_any_version(tmp_path: Path) -> None:
    assert show(find(tmp_path, {"pyproject.toml": '[project]\nname = "demo"\n' + SOURCE + INDEX})) == [("a", [], [""])]


@pytest.mark.parametrize("source", ['{ git = "https://git.example/torch" }', '{ path = "../torch" }'])
def test_project_from_a_repository_is_told(tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="comes from no index") as caught:
        find(tmp_path, {"pyproject.toml": f"{PROJECT}[tool.uv.sources]\ntorch = {source}\n"})
    assert "--index" in (caught.value.remedy or "")


def test_source_that_names_no_index_is_told(tmp_path: Path) -> None:
    files = {"pyproject.toml": PROJECT + SOURCE, "uv.toml": INDEX.replace("tool.uv.", "")}
    with pytest.raises(ProjectFileError, match='"a", which is not declared') as caught:
        find(tmp_path, files)
    assert "[[tool.uv.index]]" in (caught.value.remedy or "")


def test_broken_lock_is_told_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match=r"uv\.lock"):
        find(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": "version = 7\n"})


def test_lock_without_end_is_not_read_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_LOCK_BYTES", 20)
    with pytest.raises(ProjectFileError, match=r"uv\.lock has more than 20 bytes"):
        find(tmp_path, {"pyproject.toml": PROJECT, "uv.lock": lock() + "#" * 20})


def test_lock_that_is_no_text_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": PROJECT})
    (tmp_path / "uv.lock").write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(ProjectFileError, match=r"uv\.lock is not UTF-8 \(line 2\)") as caught:
        find(tmp_path, {})
    assert "`uv lock`" in (caught.value.remedy or "")


def test_environments_and_bounds_of_the_root_are_read(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": PROJECT
            + "[tool.uv]\nenvironments = \"sys_platform == 'linux'\"\n"
            + "required-environments = [\"sys_platform == 'darwin'\"]\n"
            + 'constraint-dependencies = ["torch<3"]\noverride-dependencies = ["numpy>=2"]\n'
        },
    )
    settings = read_project_settings(tmp_path / "pyproject.toml")
    assert settings.workspace is not None
    rules = find_rules(settings.workspace)
    assert [str(each) for each in rules.environments] == ['sys_platform == "linux"']
    assert [str(each) for each in rules.required_environments] == ['sys_platform == "darwin"']
    assert [line.key.specifier for line in rules.constraints] == [SpecifierSet("<3")]
    assert [line.key.project for line in rules.overrides] == ["numpy"]


def test_wrong_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match="environments"):
        find(tmp_path, {"pyproject.toml": PROJECT + '[tool.uv]\nenvironments = ["linux"]\n'})
