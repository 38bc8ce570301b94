from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.project.locking import write_files
from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Choice, Dependency, LockKind
from wheelaudit.markers import Comparison, Expression, comparisons, join_all, parse_expression
from wheelaudit.project import locks
from wheelaudit.project.locks import find_kind, find_roots, read_lock, read_lock_text
from wheelaudit.project.workspace import read_workspace

UV_LOCK = "version = 1\n"
PYLOCK = 'lock-version = "1.0"\npackages = []\n'


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uv.lock", "uv.lock"),
        ("script.py.lock", "uv.lock"),
        ("other.lock", "uv.lock"),
        ("pylock.toml", "pylock.toml"),
        ("pylock.dev.toml", "pylock.toml"),
        ("pylock.a.b.toml", None),
        ("lock.toml", None),
        ("uv.lock.toml", None),
    ],
)
def test_name_of_a_file_says_its_kind(name: str, kind: LockKind | None) -> None:
    assert find_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("uv.lock", UV_LOCK, "uv.lock"),
        ("script.py.lock", UV_LOCK, "uv.lock"),
        ("pylock.dev.toml", PYLOCK, "pylock.toml"),
        ("saved", UV_LOCK, "uv.lock"),
        ("saved.toml", PYLOCK, "pylock.toml"),
        ("uv.lock", f"\ufeff{UV_LOCK}".replace("\n", "\r\n"), "uv.lock"),
    ],
)
def test_lock_is_read_by_its_name_else_by_its_content(tmp_path: Path, name: str, text: str, kind: LockKind) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_lock(tmp_path / name).kind == kind


def test_error_in_a_lock_names_its_path(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(PYLOCK, encoding="utf-8")
    with pytest.raises(ProjectFileError) as caught:
        read_lock(path)
    assert caught.value.message.startswith(f"{path} is not a lock of version 1")


def test_missing_lock_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match="cannot be read") as caught:
        read_lock(tmp_path / "uv.lock")
    assert "`uv lock`" in (caught.value.remedy or "")


@pytest.mark.parametrize("name", [".", "a\0b"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectFileError, match="cannot be read"):
        read_lock(tmp_path / name)


def test_lock_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(ProjectFileError, match=r"is not UTF-8 \(line 2\)"):
        read_lock(tmp_path / "uv.lock")


def test_lock_of_no_known_name_and_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").write_text("a = ", encoding="utf-8")
    with pytest.raises(ProjectFileError, match="is not valid TOML"):
        read_lock(tmp_path / "saved")


def test_lock_without_end_is_not_read_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_LOCK_BYTES", len(UV_LOCK))
    path = tmp_path / "uv.lock"
    path.write_text(UV_LOCK, encoding="utf-8", newline="")
    assert read_lock(path).packages == ()
    path.write_text(f"{UV_LOCK}#", encoding="utf-8", newline="")
    with pytest.raises(ProjectFileError, match=f"more than {len(UV_LOCK)} bytes"):
        read_lock(path)


def test_text_of_a_lock_that_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert read_lock_text(tmp_path / "uv.lock") is None
    assert read_lock_text(tmp_path / "file" / "uv.lock") is None
    assert read_lock_text(tmp_path / "file") == ""


ROOT = """\
[project]
name = "root"
version = "1"
dependencies = ["a; sys_platform == 'linux'", "b[x_y]>=1"]
[project.optional-dependencies]
gpu_all = ["c==1", "a; sys_platform == 'linux'"]
[dependency-groups]
dev = ["d", { include-group = "more" }]
more = ["a; sys_platform == 'linux'"]
[tool.uv]
dev-dependencies = ["d"]
[tool.uv.workspace]
members = ["one", "two"]
"""
MEMBERS = {
    "one/pyproject.toml": '[project]\nname = "one"\nversion = "1"\ndependencies = ["e", "two"]\n',
    "two/pyproject.toml": '[project]\nname = "two"\nversion = "1"\ndependencies = ["f"]\n',
}


def on(marker: str | None, choice: Choice) -> Expression | None:
    """Return a marker that also asks for a choice."""
    return join_all(None if marker is None else parse_expression(marker), Comparison("extra", "==", choice.text))


def test_roots_are_all_that_the_members_ask_for_and_by_which_choice(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": ROOT, **MEMBERS})
    a, b, c, d, e, f = map(canonicalize_name, "abcdef")
    extra = Choice(project="", extra=canonicalize_name("gpu-all"))
    dev, more = (Choice(project="", group=canonicalize_name(name)) for name in ("dev", "more"))
    one, two = (Choice(project=name) for name in ("one", "two"))
    linux = "sys_platform == 'linux'"
    assert find_roots(read_workspace(tmp_path / "pyproject.toml")) == (
        Dependency(project=a, marker=parse_expression(linux)),
        Dependency(project=b, extras=(canonicalize_name("x-y"),)),
        Dependency(project=c, marker=on(None, extra)),
        Dependency(project=a, marker=on(linux, extra)),
        Dependency(project=d, marker=on(None, dev)),
        Dependency(project=a, marker=on(linux, dev)),
        Dependency(project=a, marker=on(linux, more)),
        Dependency(project=e, marker=on(None, one)),
        Dependency(project=canonicalize_name("two"), marker=on(None, one)),
        Dependency(project=f, marker=on(None, two)),
    )


def find_sure(pyproject: Path) -> set[str]:
    """Return the projects that are asked for without any choice."""
    roots = find_roots(read_workspace(pyproject))
    return {root.project for root in roots if "extra" not in {each.variable for each in comparisons(root.marker)}}


def test_members_are_sure_as_far_as_the_project_that_was_asked_for_needs_them(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": ROOT, **MEMBERS})
    assert find_sure(tmp_path / "pyproject.toml") == {"a", "b"}
    assert find_sure(tmp_path / "one" / "pyproject.toml") == {"e", "two", "f"}
    assert find_sure(tmp_path / "two" / "pyproject.toml") == {"f"}


def test_root_without_a_project_stands_for_all_members(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": ROOT[ROOT.index("[dependency-groups]") :], **MEMBERS})
    assert find_sure(tmp_path / "pyproject.toml") == {"e", "two", "f"}


def test_root_that_is_overridden_is_asked_for_as_the_user_says(tmp_path: Path) -> None:
    table = """\
[project]
name = "root"
dependencies = ["a[x]", "b[x]", "c[x]"]
[tool.uv]
override-dependencies = ["A==1", { package = { name = "d" }, dependencies = ["b"] }]
"""
    write_files(tmp_path, {"pyproject.toml": table})
    x = canonicalize_name("x")
    found = {root.project: root.extras for root in find_roots(read_workspace(tmp_path / "pyproject.toml"))}
    assert found == {"a": (), "b": (), "c": (x,)}


@pytest.mark.parametrize("entry", ["1", "'=='", "{ package = { name = 'a' }, dependencies = 1 }"])
def test_override_that_is_no_requirement_is_told(tmp_path: Path, entry: str) -> None:
    write_files(tmp_path, {"pyproject.toml": f"[tool.uv]\noverride-dependencies = [{entry}]\n"})
    with pytest.raises(ProjectFileError, match="override-dependencies"):
        find_roots(read_workspace(tmp_path / "pyproject.toml"))
