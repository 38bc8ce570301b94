"""A file is replaced whole or not at all, and a document only if it is still what was read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import wheelaudit
from wheelaudit.errors import ProjectFileError
from wheelaudit.project.files import Document, read_document, replace_file, write_document

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


def test_document_keeps_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    for data in (b"", b"\xef\xbb\xbf", b"\xef\xbb\xbfa = 1\r\nb = 2\n", b"a = 1\r"):
        path.write_bytes(data)
        document = read_document(path)
        assert document.encode(document.text) == data
        assert not document.text.startswith("\ufeff")
        write_document(document, document.text + "# é\r\n")
        assert path.read_bytes() == data + "# é\r\n".encode()


@pytest.mark.parametrize("name", ["missing.toml", ".", "nul\0byte", "missing/pyproject.toml"])
def test_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectFileError, match=r"cannot be read: .+\.$"):
        read_document(tmp_path / name)


def test_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(ProjectFileError, match=r"latin\.toml is not UTF-8 \(line 2\)"):
        read_document(tmp_path / "latin.toml")


def test_same_text_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_document(tmp_path)
    monkeypatch.setattr(os, "replace", lambda *_: pytest.fail("written"))
    write_document(document, document.text)


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_file_that_changed_meanwhile_is_left_alone(tmp_path: Path, change: str) -> None:
    document = make_document(tmp_path)
    if change == "edited":
        document.path.write_bytes(b"theirs\n")
    else:
        document.path.unlink()
    files = sorted(tmp_path.iterdir())
    with pytest.raises(ProjectFileError):
        write_document(document, "ours\n")
    assert sorted(tmp_path.iterdir()) == files
    if change == "edited":
        assert document.path.read_bytes() == b"theirs\n"


def test_file_that_changes_at_the_last_moment_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_document(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: document.path.write_bytes(b"theirs\n"))
    with pytest.raises(ProjectFileError, match=r"changed while it was being edited") as caught:
        write_document(document, "ours\n")
    assert caught.value.remedy == "Run this again."
    assert document.path.read_bytes() == b"theirs\n"
    assert list(tmp_path.iterdir()) == [document.path]


def test_write_protected_file_is_left_alone(tmp_path: Path) -> None:
    document = make_document(tmp_path)
    document.path.chmod(0o444)
    with pytest.raises(ProjectFileError, match=r"pyproject\.toml cannot be written: it is write-protected"):
        write_document(document, "new\n")
    document.path.chmod(0o644)
    assert document.path.read_bytes() == document.data
    assert list(tmp_path.iterdir()) == [document.path]


def test_full_disk_leaves_the_document_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_document(tmp_path)

    def fail(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ProjectFileError, match="No space left on device"):
        write_document(document, "new\n")
    assert document.path.read_bytes() == document.data
    assert list(tmp_path.iterdir()) == [document.path]


def test_file_that_does_not_hold_what_was_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_document(tmp_path)
    replace = os.replace

    def replace_and_spoil(source: str, target: str) -> None:
        replace(source, target)
        Path(target).write_bytes(b"spoiled")

    monkeypatch.setattr(os, "replace", replace_and_spoil)
    with pytest.raises(ProjectFileError, match="does not hold what was written"):
        write_document(document, "new\n")


@posix_only
def test_document_keeps_link_and_permissions(tmp_path: Path) -> None:
    document = make_document(tmp_path)
    document.path.chmod(0o604)
    link = tmp_path / "link.toml"
    link.symlink_to("pyproject.toml")
    write_document(read_document(link), "new\n")
    assert link.is_symlink()
    assert document.path.read_bytes() == b"new\n"
    assert stat.S_IMODE(document.path.stat().st_mode) == 0o604


@posix_only
def test_device_is_no_document_to_write(tmp_path: Path) -> None:
    link = tmp_path / "pyproject.toml"
    link.symlink_to(os.devnull)
    with pytest.raises(ProjectFileError, match="not a regular file"):
        write_document(read_document(link), "new\n")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


KILLED = """
import os, signal, sys
from pathlib import Path
from wheelaudit.project.files import read_document, write_document

def die(*_):
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(9)  # Windows: no handler and no finally block runs here either

replace = os.replace
if sys.argv[2] == "after the replace":
    os.replace = lambda *names: (replace(*names), die())
else:
    os.replace = die
if sys.argv[2] == "before all is written":
    os.fsync = die
document = read_document(Path(sys.argv[1]))
write_document(document, "new\\n" * 100000)
"""


@pytest.mark.parametrize("moment", ["before all is written", "before the replace", "after the replace"])
def test_killed_process_leaves_the_old_file_or_the_new_one(tmp_path: Path, moment: str) -> None:
    document = make_document(tmp_path)
    command = [sys.executable, "-c", KILLED, str(document.path), moment]
    path = str(Path(wheelaudit.__file__).parents[1])
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False, timeout=60)
    assert ended.returncode != 0
    new = b"new\n" * 100000
    assert document.path.read_bytes() == (new if moment == "after the replace" else document.data)
    # The next run is not disturbed by what this one left behind.
    left = [path for path in tmp_path.iterdir() if path != document.path]
    assert len(left) == (0 if moment == "after the replace" else 1)
    write_document(read_document(document.path), "newer\n")
    assert document.path.read_bytes() == b"newer\n"


def make_document(folder: Path) -> Document:
    path = folder / "pyproject.toml"
    path.write_bytes(b"old = 1\r\n")
    return read_document(path)
