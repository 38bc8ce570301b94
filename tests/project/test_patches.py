from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.project.patches import render_diff

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def apply_with_git(patch: bytes, folder: Path) -> None:
    command = ["git", "-c", "core.autocrlf=false", "-c", "core.eol=lf", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, input=patch, cwd=folder, check=True, timeout=60)


def test_patch_is_a_unified_diff_with_gits_paths() -> None:
    assert render_diff(b"a\nb\n", b"a\nc\n", "sub/pyproject.toml") == (
        b"diff --git a/sub/pyproject.toml b/sub/pyproject.toml\n"
        b"--- a/sub/pyproject.toml\n"
        b"+++ b/sub/pyproject.toml\n"
        b"@@ -1,2 +1,2 @@\n"
        b" a\n-b\n+c\n"
    )


def test_equal_files_give_no_patch() -> None:
    assert render_diff(b"a", b"a", "pyproject.toml") == b""


def test_missing_final_line_end_is_said_on_each_side() -> None:
    patch = render_diff(b"a", b"b", "x")
    assert patch.endswith(b"-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")


@needs_git
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"a\n"),
        (b"", b"a"),
        (b"a", b"a\n"),
        (b"a\n", b"a"),
        (b"a\r\nb\r\n", b"a\r\nc\r\nb"),
        (b"a\nb\rc\x0cd\n", b"a\r\nb\rc\x0ce\n"),
        (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfb\n"),
        (b"x\xe2\x80\xa8y\n", b"x\xe2\x80\xa8z\n"),
        (b"-- a\n++ b\n", b"-- a\n++ c\n"),
        (b"".join(b"%d\n" % (n % 7) for n in range(900)), b"".join(b"%d\n" % (n % 7) for n in range(1, 901))),
    ],
)
def test_git_applies_it_to_the_same_bytes(before: bytes, after: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(before)
    apply_with_git(render_diff(before, after, "file"), tmp_path)
    assert (tmp_path / "file").read_bytes() == after


AWKWARD_PATHS = ["a b.toml", " a/ b ", "ü/世.toml", "a'b", "a$b;c", "{a}", "--a", "a/b/c", "b/a b/c"]
if sys.platform != "win32":
    AWKWARD_PATHS += ['"quoted".toml', "a\tb", "a\\b", "a\nb", "a\x7fb\x01", "a \tb"]


@needs_git
@pytest.mark.parametrize("path", AWKWARD_PATHS)
def test_git_finds_the_file_under_any_path(path: str, tmp_path: Path) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"a\n")
    apply_with_git(render_diff(b"a\n", b"b\n", path), tmp_path)
    assert file.read_bytes() == b"b\n"


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"\r\n", b"\n", b"c\r\n", b"- d\n", b"\\ No\n"]), max_size=30)
files = st.tuples(lines, st.sampled_from([b"", b"end", b"\r"])).map(lambda parts: b"".join(parts[0]) + parts[1])


def apply_by_hand(patch: bytes, before: bytes) -> bytes:
    """Apply a patch as its format says, without git."""
    old = re.findall(rb"[^\n]*\n|[^\n]+", before)
    result: list[bytes] = []
    position = 0
    changes = re.findall(rb"([^\n]*\n)(\\ No newline at end of file\n)?", patch)[3:]
    for line, ended in changes:
        text = line[1:-1] if ended else line[1:]
        if line.startswith(b"@@"):
            start, _, count = line.split()[1][1:].partition(b",")
            first = int(start) - (count != b"0")
            result += old[position:first]
            position = first
        else:
            if not line.startswith(b"+"):
                assert old[position] == text
                position += 1
            if not line.startswith(b"-"):
                result.append(text)
    return b"".join((*result, *old[position:]))


@given(before=files, after=files)
def test_removed_and_added_lines_make_the_two_files(before: bytes, after: bytes) -> None:
    assert apply_by_hand(render_diff(before, after, "x"), before) == after
