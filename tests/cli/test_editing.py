"""`--diff`, `--write`, `--check`: what becomes of the project's file, and every bad input that leaves it as it was."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import CASSETTES, Cli, Done
from tests.cli.indexes import write_wheel
from tests.cli.projects import (
    FOUR,
    NEEDING,
    NUMPY,
    PROJECT,
    REFUSED,
    TORCH,
    copy_four_extras,
    read_versions,
    write_project,
)
from tests.index.server import FileServer, serve_files

EDITS = ("--write", "--diff", "--check")


def test_write_gives_each_release_that_needs_one_an_entry(cli: Cli, world: Path) -> None:
    path = copy_four_extras(world)
    done = cli("torch", *FOUR, "--write")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "torch==2.6.0        consistent    needs no entry",
        "torch==2.6.0+cpu    inconsistent  entry written, right in 72 of 72 environment/extra pairs",
        "torch==2.6.0+cu118  inconsistent  entry written, right in 48 of 48 environment/extra pairs",
        "torch==2.6.0+cu124  consistent    needs no entry",
        "torch==2.6.0+cu126  inconsistent  entry written, right in 84 of 84 environment/extra pairs",
        "pyproject.toml: written. Now run `uv lock`.",
    ]
    assert read_versions(path) == NEEDING


def test_second_write_changes_nothing(cli: Cli, world: Path) -> None:
    path = copy_four_extras(world)
    cli("torch", *FOUR, "--write")
    before = path.read_bytes(), path.stat().st_mtime_ns
    done = cli("torch", *FOUR, "--write")
    assert done.code == 0
    assert done.err.splitlines()[-1] == "pyproject.toml: nothing to change"
    assert done.err.count("entry is there") == 3
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_check_changes_nothing_and_says_whether_write_would(cli: Cli, world: Path) -> None:
    path = copy_four_extras(world)
    before = path.read_bytes()
    done = cli("torch", *FOUR, "--check")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == (
        "pyproject.toml: would change (torch==2.6.0+cpu, torch==2.6.0+cu118, torch==2.6.0+cu126); --write does it."
    )
    assert path.read_bytes() == before
    cli("torch", *FOUR, "--write")
    assert cli("torch", *FOUR, "--check").code == 0


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_diff_is_what_write_does(cli: Cli, world: Path, newline: str) -> None:
    path = copy_four_extras(world)
    path.write_bytes(path.read_bytes().replace(b"\n", newline.encode()))
    before = path.read_bytes()
    done = cli("torch", *FOUR, "--diff", "-o", "my.patch")
    assert (done.code, done.out) == (1, "")
    assert path.read_bytes() == before
    cli("torch", *FOUR, "--write")
    written = path.read_bytes()
    path.write_bytes(before)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "my.patch"]
    subprocess.run(command, cwd=world, check=True, timeout=60)
    assert path.read_bytes() == written
    assert cli("torch", *FOUR, "--diff", "-q") == Done(code=0, out="", err="")


def test_diff_on_stdout_is_the_patch_alone(cli: Cli, world: Path) -> None:
    copy_four_extras(world)
    done = cli("torch", *FOUR, "--diff")
    assert done.code == 1
    assert done.out.startswith("diff --git a/pyproject.toml b/pyproject.toml\n--- a/pyproject.toml\n")
    assert done.out.count("\n+[[tool.uv.dependency-metadata]]") == 3
    assert "torch==2.6.0+cu118" in done.err


def test_diff_names_the_file_as_git_would_from_here(cli: Cli, world: Path) -> None:
    (world / "sub").mkdir()
    copy_four_extras(world / "sub")
    done = cli("torch", *FOUR, "--diff", "--pyproject", "sub/pyproject.toml")
    assert "+++ b/sub/pyproject.toml\n" in done.out


def test_quiet_says_it_by_the_exit_code_alone(cli: Cli, world: Path) -> None:
    copy_four_extras(world)
    assert cli("torch", *FOUR, "--check", "-q") == Done(code=1, out="", err="")
    assert cli("torch", *FOUR, "--write", "-q") == Done(code=0, out="", err="")
    assert cli("torch", *FOUR, "--check", "-q") == Done(code=0, out="", err="")


def test_json_report_and_edit_go_together(cli: Cli, world: Path) -> None:
    path = write_project(world)
    done = cli(*TORCH, "--write", "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["releases"][0]["verdict"] == "inconsistent"
    assert read_versions(path) == ("2.6.0+cu126",)


def test_entry_of_a_consistent_release_is_pointed_at(cli: Cli, world: Path) -> None:
    entry = '[[tool.uv.dependency-metadata]]\nname = "NumPy"\nversion = "2.2"\n'
    path = write_project(world, f"{PROJECT}\n{entry}")
    done = cli("numpy==2.2.0", *NUMPY, "--write")
    assert done.code == 0
    assert "has an entry that it does not need: see `wheelaudit check`" in done.err
    assert path.read_bytes() == f"{PROJECT}\n{entry}".encode()


def test_uv_toml_is_written_where_it_shadows(cli: Cli, world: Path) -> None:
    path = copy_four_extras(world)
    before = path.read_bytes()
    (world / "uv.toml").write_text("# mine\n")
    done = cli("torch", *FOUR, "--write")
    assert done.code == 0
    assert "uv.toml: written" in done.err
    assert path.read_bytes() == before
    assert len(tomllib.loads((world / "uv.toml").read_text())["dependency-metadata"]) == 3


def test_member_s_override_goes_to_the_root(cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_project(world, PROJECT + '[tool.uv.workspace]\nmembers = ["m"]\n')
    (world / "m").mkdir()
    member = write_project(world / "m", PROJECT.replace('"x"', '"m"'))
    monkeypatch.chdir(world / "m")
    assert cli(*TORCH, "--write").code == 0
    assert (read_versions(root), read_versions(member)) == (("2.6.0+cu126",), ())


def test_undecided_release_is_left_alone(cli: Cli, world: Path) -> None:
    path = write_project(world)
    name = "demo-1.0-py3-none-any.whl"
    wheel = write_wheel(world, "py3-none-any").read_bytes()
    page = f'<!DOCTYPE html><html><body><a href="/{name}">{name}</a></body></html>'.encode()
    with serve_files(FileServer(files={"/simple/demo/": page, f"/{name}": wheel}, ranges=False)) as server:
        for edit in EDITS:
            done = cli("demo", "--index", f"{server.url}/simple", "--retries", "0", edit)
            assert (done.code, done.out) == (3, "")
            assert "demo==1.0  undecided     some wheel could not be read: nothing done" in done.err
    assert path.read_bytes() == PROJECT.encode()


def test_release_without_an_override_is_not_passed_over(cli: Cli, world: Path) -> None:
    path = write_project(world)
    wheels = world / "wheels"
    write_wheel(wheels, "cp312-cp312-manylinux_2_28_x86_64", "foo==1")
    write_wheel(wheels, "cp312-cp312-musllinux_1_2_x86_64", "foo==2")
    for edit in EDITS:
        done = cli(wheels, edit)
        assert (done.code, done.out) == (2, "")
        assert "error: demo==1.0: There is no override: foo==1 and foo==2 " in done.err
        assert "Traceback" not in done.err
    assert path.read_bytes() == PROJECT.encode()


def test_failure_of_one_spec_leaves_the_others_and_exits_2(cli: Cli, world: Path) -> None:
    path = write_project(world)
    done = cli("torch==9.9", *TORCH, "--write")
    assert done.code == 2
    assert "torch==9.9" in done.err
    assert read_versions(path) == ("2.6.0+cu126",)


def test_two_audits_of_one_release_that_differ_are_refused(cli: Cli, world: Path) -> None:
    path = write_project(world)
    one = write_wheel(world / "one", "cp312-cp312-win_amd64", "foo")
    write_wheel(world / "one", "cp312-cp312-win_arm64", "bar")
    write_wheel(world / "simple" / "demo", "cp312-cp312-win_amd64", "baz")
    write_wheel(world / "simple" / "demo", "cp312-cp312-win_arm64", "bar")
    done = cli(one.parent, "demo==1.0", "--index", "simple", "--write")
    assert (done.code, done.out) == (2, "")
    assert "WA301" in done.err
    assert path.read_bytes() == PROJECT.encode()


# --- bad input ------------------------------------------------------------------------------------------


def assert_refused(done: Done, *words: str) -> None:
    """One sentence and what to do, no traceback."""
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, done.err
    assert lines[lines.index(errors[0]) + 1].startswith("hint: ")
    for word in words:
        assert word in done.err


def assert_pasteable(done: Done) -> None:
    """The hint ends with the block, ready to paste."""
    block = done.err.partition("hint: ")[2].partition("\n\n")[2]
    (entry,) = tomllib.loads(block)["tool"]["uv"]["dependency-metadata"]
    assert (entry["version"], len(entry["requires-dist"])) == ("2.6.0+cu126", 23)


@pytest.mark.parametrize("edit", EDITS)
def test_no_pyproject(cli: Cli, edit: str) -> None:
    assert_refused(cli(*TORCH, edit), "no pyproject.toml", "--pyproject", "--format toml")


@pytest.mark.parametrize("edit", EDITS)
def test_pyproject_that_is_not_there(cli: Cli, edit: str) -> None:
    assert_refused(cli(*TORCH, edit, "--pyproject", "nowhere/pyproject.toml"), "nowhere")


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project\n", ["not valid TOML", "line 1"]),
        ("tool = 1\n", ["tool"]),
        ("[tool.uv]\ndependency-metadata = 1\n", ["dependency-metadata", "not an array"]),
    ],
)
def test_pyproject_that_cannot_be_understood(cli: Cli, world: Path, edit: str, text: str, words: list[str]) -> None:
    path = write_project(world, text)
    assert_refused(cli(*TORCH, edit), "pyproject.toml", *words)
    assert path.read_bytes() == text.encode()


def test_pyproject_that_is_no_utf8(cli: Cli, world: Path) -> None:
    path = world / "pyproject.toml"
    path.write_bytes(b"# \xff\n")
    assert_refused(cli(*TORCH, "--write"), "pyproject.toml", "UTF-8")
    assert path.read_bytes() == b"# \xff\n"


@pytest.mark.parametrize("edit", EDITS)
def test_file_that_cannot_be_edited_safely(cli: Cli, world: Path, edit: str) -> None:
    path = write_project(world, REFUSED)
    done = cli(*TORCH, edit)
    assert_refused(done, "cannot be edited safely", "inline table")
    assert_pasteable(done)
    assert path.read_bytes() == REFUSED.encode()


def test_file_without_write_permission(cli: Cli, world: Path) -> None:
    path = write_project(world)
    path.chmod(0o444)
    done = cli(*TORCH, "--write")
    assert_refused(done, "pyproject.toml", "write-protected")
    assert_pasteable(done)
    assert path.read_bytes() == PROJECT.encode()
    assert cli(*TORCH, "--check").code == 1


def test_full_disk_in_the_middle_of_the_write(cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = write_project(world)
    monkeypatch.setattr(os, "fsync", fail)
    done = cli(*TORCH, "--write")
    assert_refused(done, "pyproject.toml", os.strerror(errno.ENOSPC))
    assert_pasteable(done)
    assert path.read_bytes() == PROJECT.encode()
    assert [each.name for each in world.iterdir()] == ["pyproject.toml"]


def test_pyproject_that_changes_between_reading_and_writing(
    cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_project(world)
    monkeypatch.setattr(os, "fsync", lambda _: path.write_bytes(b"# theirs\n"))
    assert_refused(cli(*TORCH, "--write"), "pyproject.toml", "changed while it was being edited", "Run this again.")
    assert path.read_bytes() == b"# theirs\n"
    assert [each.name for each in world.iterdir()] == ["pyproject.toml"]


def test_settings_that_uv_does_not_read(cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(world)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    assert_refused(cli(*TORCH, "--write"), "UV_NO_CONFIG")


def test_what_cannot_be_edited_is_told_before_any_index_is_asked(cli: Cli, world: Path) -> None:
    write_project(world, "[tool.uv]\ndependency-metadata = 1\n")
    with serve_files(FileServer()) as server:
        assert_refused(cli("demo", "--index", f"{server.url}/simple", "--write"))
    assert server.requests == []


@pytest.mark.parametrize("pair", [("--write", "--check"), ("--diff", "--write"), ("--diff", "--check")])
def test_edits_exclude_each_other(cli: Cli, world: Path, pair: tuple[str, str]) -> None:
    write_project(world)
    assert_refused(cli(*TORCH, *pair), "--diff, --write and --check")


def test_diff_is_no_format(cli: Cli, world: Path) -> None:
    write_project(world)
    assert_refused(cli(*TORCH, "--diff", "--format", "json"), "--diff", "--format")


# --- [tool.wheelaudit] -----------------------------------------------------------------------------------


def test_index_of_the_rules_counts_unless_another_is_named(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + '[tool.wheelaudit]\nindex = "cu126"\n')
    replay = ("--replay", CASSETTES / "torch-2.6.0+cu126")
    assert cli("torch==2.6.0", *replay).code == 1
    done = cli("torch==2.6.0", *replay, "--index", "cpu")
    assert (done.code, done.out) == (2, "")
    assert "whl/cpu/torch" in done.err


def test_union_of_the_rules_counts_unless_another_is_named(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + '[tool.wheelaudit]\nunion = "plain"\n')
    spec = ("tensorflow==2.14.0", *NUMPY[:2], "--replay", CASSETTES / "tensorflow-2.14.0", "--format", "json")
    (plain,) = json.loads(cli(*spec).out)["releases"]
    (scoped,) = json.loads(cli(*spec, "--union", "scoped").out)["releases"]
    assert plain["proof"]["deviations"] != []
    assert scoped["proof"]["deviations"] == []


def ignore(*findings: str, until: str = "9999-12-31", more: str = "") -> str:
    return PROJECT + "".join(
        f'[[tool.wheelaudit.ignore]]\nid = "{each}"\nreason = "upstream knows"\nuntil = {until}\n{more}'
        for each in findings
    )


def test_ignored_findings_do_not_count_and_are_told(cli: Cli, world: Path) -> None:
    write_project(world, ignore("WA101", "WA103", more='project = "torch"\n'))
    done = cli(*TORCH)
    assert done.code == 0
    assert "INCONSISTENT" in done.out
    assert done.err.splitlines() == [
        f"torch==2.6.0+cu126: {each} is ignored until 9999-12-31: upstream knows" for each in ("WA101", "WA103")
    ]


@pytest.mark.parametrize(
    "text",
    [
        ignore("WA101"),
        ignore("WA101", "WA103", until="2020-01-01"),
        ignore("WA101", "WA103", more='project = "numpy"\n'),
        ignore("WA101", "WA103", more='version = "2.6.0"\n'),
    ],
    ids=["one of two", "expired", "another project", "another version"],
)
def test_what_is_not_ignored_counts(cli: Cli, world: Path, text: str) -> None:
    write_project(world, text)
    done = cli(*TORCH)
    assert (done.code, done.err) == (1, "")


def test_fail_level_says_what_fails(cli: Cli, world: Path) -> None:
    name = "demo-1.0-py3-none-any.whl"
    page = f'<!DOCTYPE html><html><body><a href="/{name}">{name}</a></body></html>'.encode()
    codes: dict[str, tuple[int, int, int]] = {}
    for level in ("undecided", "inconsistent", "never"):
        write_project(world, PROJECT + f'[tool.wheelaudit]\nfail-level = "{level}"\n')
        with serve_files(FileServer(files={"/simple/demo/": page, f"/{name}": b"x"}, ranges=False)) as server:
            undecided = cli("demo", "--index", f"{server.url}/simple", "--retries", "0").code
        codes[level] = (undecided, cli(*TORCH).code, cli("torch==9.9", *TORCH[1:]).code)
    assert codes == {"undecided": (3, 1, 2), "inconsistent": (0, 1, 2), "never": (0, 0, 2)}


def test_unknown_key_names_the_nearest(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + "[tool.wheelaudit]\nindexes = []\n")
    assert_refused(cli(*TORCH), "indexes", "Did you mean index?")
