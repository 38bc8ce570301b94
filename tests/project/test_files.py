"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.files import replace_file

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX permissions, links and devices")


def test_new_file_is_written_and_nothing_beside_it(tmp_path: Path) -> None:
    replace_file(tmp_path / "new.txt", b"one\r\ntwo\n")
    assert (tmp_path / "new.txt").read_bytes() == b"one\r\ntwo\n"
    assert [path.name for path in tmp_path.iterdir()] == ["new.txt"]


def test_relative_path_is_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    replace_file(Path("new.txt"), b"x")
    assert (tmp_path / "new.txt").read_bytes() == b"x"


def test_failure_in_the_middle_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.txt").write_bytes(b"old")

    def fail(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ProjectFileError, match=r"old\.txt cannot be written: No space left on device"):
        replace_file(tmp_path / "old.txt", b"new")
    assert (tmp_path / "old.txt").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]


@pytest.mark.parametrize("name", ["missing/file.txt", ".", "nul\0byte"])
def test_path_that_cannot_be_a_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectFileError, match="cannot be written"):
        replace_file(tmp_path / name, b"x")


@posix_only
def test_permissions_are_kept_and_new_files_get_the_usual_ones(tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_bytes(b"old")
    old.chmod(0o640)
    replace_file(old, b"new")
    usual = tmp_path / "usual.txt"
    usual.touch()
    replace_file(tmp_path / "new.txt", b"new")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert (tmp_path / "new.txt").stat().st_mode == usual.stat().st_mode


@posix_only
def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file.txt").write_bytes(b"old")
    (tmp_path / "link.txt").symlink_to(Path("real") / "file.txt")
    replace_file(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_bytes() == b"new"


@posix_only
def test_device_is_written_to_and_not_replaced() -> None:
    before = os.stat(os.devnull).st_mode
    replace_file(Path(os.devnull), b"x")
    assert os.stat(os.devnull).st_mode == before
    assert stat.S_ISCHR(before)
