"""`wheelaudit check`: what is told of each entry, with which exit code, and what `--write` mends."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import CASSETTES, Cli, Done
from tests.cli.indexes import answer, change_cassette, wheel_request
from tests.cli.projects import (
    FOUR,
    NEEDING,
    NUMPY,
    PROJECT,
    TORCH,
    copy_four_extras,
    read_entries,
    read_versions,
    write_project,
)
from tests.index.server import FileServer, serve_files
from wheelaudit.cli.main import COMMANDS
from wheelaudit.index.cassettes import Exchange
from wheelaudit.report.check import read_check_schema

OURS = "# Written by wheelaudit: by a test.\n"
TORCH_INDEX = TORCH[1:]


def entry(name: str, version: str | None, *, ours: bool = True, more: str = "", table: str = "tool.uv.") -> str:
    lines = [f"[[{table}dependency-metadata]]", f'name = "{name}"', *([f'version = "{version}"'] if version else [])]
    return (
        "\n" + (OURS if ours else "") + "\n".join([*lines, 'requires-dist = ["wrong"]', *([more] if more else []), ""])
    )


def find_told(done: Done) -> list[tuple[str | None, str, list[str]]]:
    """Return version, status and findings of each entry of a JSON report, which obeys its schema."""
    document: Any = json.loads(done.out)
    Draft202012Validator(json.loads(read_check_schema())).validate(document)
    return [
        (each["version"], each["status"], [finding["id"] for finding in each["findings"]])
        for each in document["entries"]
    ]


def check(cli: Cli, *arguments: str | Path, index: tuple[str, ...] = TORCH_INDEX) -> tuple[int, list[Any]]:
    done = cli("check", *index, "--format", "json", *arguments)
    assert done.err == ""
    return done.code, find_told(done)


@pytest.fixture
def written(cli: Cli, world: Path) -> Path:
    """The four-extras project, its three overrides written."""
    path = copy_four_extras(world)
    assert cli("torch", *FOUR, "--write").code == 0
    return path


def test_what_write_wrote_is_current(cli: Cli, written: Path) -> None:
    before = written.read_bytes()
    done = cli("check", *FOUR)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "pyproject.toml: 3 overrides, all in order"
    assert done.out.count("right in ") == 3
    assert cli("check", *FOUR, "--write", "--all-entries").code == 0
    assert written.read_bytes() == before


def test_entries_that_are_stale_are_mended(cli: Cli, written: Path) -> None:
    good = written.read_bytes()
    written.write_bytes(good.replace(b"==12.6.77", b"==12.4.127"))
    code, told = check(cli, index=FOUR)
    assert code == 1
    assert told == [
        ("2.6.0+cpu", "current", []),
        ("2.6.0+cu118", "current", []),
        ("2.6.0+cu126", "stale", ["WA401"]),
    ]
    done = cli("check", *FOUR, "--write")
    assert done.code == 0
    assert "replaced now" in done.out
    assert done.out.endswith("Written: pyproject.toml. Now run `uv lock`.\n")
    assert written.read_bytes() == good
    assert cli("check", *FOUR).code == 0


def test_entry_of_others_is_mended_only_when_all_are_meant(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126", ours=False))
    before = path.read_bytes()
    done = cli("check", *TORCH_INDEX, "--write")
    assert done.code == 1
    assert "not written by wheelaudit" in done.out
    assert "`wheelaudit check --write --all-entries` mends what others wrote too." in done.out
    assert path.read_bytes() == before
    assert cli("check", *TORCH_INDEX, "--write", "--all-entries").code == 0
    assert len(read_entries(path)[0]["requires-dist"]) == 23
    assert cli("check", *TORCH_INDEX).code == 0


def test_entry_of_a_consistent_release_goes(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("numpy", "2.2.0"))
    assert check(cli, index=NUMPY) == (1, [("2.2.0", "unneeded", ["WA402"])])
    assert check(cli, "--write", index=NUMPY)[0] == 0
    assert path.read_bytes() == PROJECT.encode()
    assert check(cli, index=NUMPY) == (0, [])


def test_entry_of_a_release_that_is_not_locked_goes_without_asking_an_index(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.5.1+cu124"))
    (world / "uv.lock").write_text(
        'version = 1\n[[manifest.dependency-metadata]]\nname = "torch"\nversion = "2.5.1+cu124"\n'
        '[[package]]\nname = "torch"\nversion = "2.6.0+cu126"\n'
        'source = { registry = "https://index.example/simple" }\n'
    )
    done = cli("check")
    assert done.code == 1
    assert "WA402  The project does not lock torch 2.5.1+cu124: it locks 2.6.0+cu126." in done.out
    assert cli("check", "--write").code == 0
    assert path.read_bytes() == PROJECT.encode()


def test_entry_without_local_part_moves_to_the_version_that_has_one(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0"))
    assert check(cli) == (1, [("2.6.0", "ineffective", ["WA403"])])
    done = cli("check", *TORCH_INDEX, "--write")
    assert done.code == 0
    assert "uv does not apply it to 2.6.0+cu126" in " ".join(done.out.split())
    assert "moved now" in done.out
    assert read_versions(path) == ("2.6.0+cu126",)
    assert check(cli) == (0, [("2.6.0+cu126", "current", [])])


def test_second_of_two_entries_goes(cli: Cli, written: Path) -> None:
    good = written.read_bytes()
    written.write_bytes(good + entry("torch", "2.6.0+cu126").encode())
    code, told = check(cli, index=FOUR)
    assert (code, told[3]) == (1, ("2.6.0+cu126", "ineffective", ["WA403"]))
    assert check(cli, "--write", index=FOUR)[0] == 0
    assert written.read_bytes() == good


def test_entry_with_an_unknown_key_is_put_right(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126", more='hash = "sha256:0"'))
    done = cli("check", *TORCH_INDEX)
    assert done.code == 1
    text = " ".join(done.out.split())
    assert "WA403 uv drops all of its settings over this entry" in text
    assert "uv knows no key 'hash' in it." in text
    assert check(cli, "--write")[0] == 0
    assert "hash" not in path.read_text()
    assert check(cli) == (0, [("2.6.0+cu126", "current", [])])


def test_entry_for_all_versions(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", None, ours=False))
    before = path.read_bytes()
    assert check(cli, "--all-entries", "--write") == (1, [(None, "stale", ["WA401"])])
    assert path.read_bytes() == before


def test_entry_of_a_member_moves_to_the_root(cli: Cli, world: Path) -> None:
    root = write_project(world, PROJECT + '[tool.uv.workspace]\nmembers = ["m"]\n')
    (world / "m").mkdir()
    member = write_project(world / "m", PROJECT.replace('"x"', '"m"') + entry("torch", "2.6.0+cu126"))
    # The same whichever of the two is asked for.
    for path in (root, member):
        assert check(cli, path) == (1, [("2.6.0+cu126", "ineffective", ["WA403"])])
    done = cli("check", *TORCH_INDEX, "--write")
    assert done.code == 0
    assert "Written: pyproject.toml, m/pyproject.toml." in done.out
    assert (read_versions(root), read_versions(member)) == (("2.6.0+cu126",), ())
    assert check(cli) == (0, [("2.6.0+cu126", "current", [])])


def test_entry_that_a_uv_toml_shadows_moves_there(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    (world / "uv.toml").write_text("")
    assert check(cli) == (1, [("2.6.0+cu126", "shadowed", ["WA404"])])
    assert check(cli, "--write")[0] == 0
    assert path.read_bytes() == PROJECT.encode()
    assert check(cli) == (0, [("2.6.0+cu126", "current", [])])


def test_settings_that_a_variable_turns_off_are_told(cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    done = cli("check", *TORCH_INDEX)
    assert done.code == 1
    assert "WA404  The entry has no effect: UV_NO_CONFIG is set." in done.out


def test_release_that_the_index_has_not_is_no_verdict(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.1+cu126") + entry("torch", "2.6.0+cu126"))
    done = cli("check", *TORCH_INDEX, "--write")
    assert done.code == 2
    assert "not checked  torch 2.6.1+cu126" in done.out
    # What could be judged has been.
    assert [len(each["requires-dist"]) for each in read_entries(path)] == [1, 23]


def test_release_that_is_undecided_exits_3(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("numpy", "2.2.0"))
    before = path.read_bytes()

    def change(exchange: Exchange) -> Iterable[Exchange]:
        return (answer(exchange, 404), wheel_request(exchange, 404)) if "-win" in exchange.url else (exchange,)

    gone = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    told = check(cli, "--write", index=(*NUMPY[:3], str(gone)))
    assert told == (3, [("2.2.0", "unknown", [])])
    assert path.read_bytes() == before


def test_exit_zero_forgives_findings_but_no_failure(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    assert check(cli, "--exit-zero")[0] == 0
    write_project(world, PROJECT + entry("torch", "9.9"))
    assert check(cli, "--exit-zero")[0] == 2


def test_nothing_to_check(cli: Cli, world: Path) -> None:
    write_project(world)
    done = cli("check")
    assert done == Done(
        code=0, out="pyproject.toml has no overrides (dependency-metadata), nothing to check.\n", err=""
    )


def test_project_is_named_by_file_or_folder_or_found_above(
    cli: Cli, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = cli("check", *FOUR)
    (written.parent / "sub").mkdir()
    monkeypatch.chdir(written.parent / "sub")
    for arguments in ((), (written,), (written.parent,)):
        done = cli("check", *FOUR, *arguments)
        assert (done.code, done.out.count("current")) == (here.code, 3)
    monkeypatch.chdir(written.parent.parent)
    monkeypatch.setenv("WHEELAUDIT_PYPROJECT", str(written))
    assert cli("check", *FOUR).out.count("work/pyproject.toml, line") == 3


def test_report_goes_to_a_file(cli: Cli, written: Path) -> None:
    done = cli("check", *FOUR, "-o", "report.json", "--format", "json")
    assert (done.code, done.out) == (0, "")
    assert json.loads((written.parent / "report.json").read_text())["file"] == "pyproject.toml"


def test_markdown_is_the_report(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    done = cli("check", *TORCH_INDEX, "--format", "markdown")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("# `pyproject.toml`: 1 override, 1 needs attention\n\n| Override |")
    assert "1. `wheelaudit check --write` mends what wheelaudit wrote.\n" in done.out


def test_sarif_is_a_log_of_the_findings_and_of_what_could_not_be_done(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + entry("torch", "2.6.0+cu126") + entry("torch", "2.6.1+cu126"))
    done = cli("check", *TORCH_INDEX, "--format", "sarif", "-o", "check.sarif")
    assert (done.code, done.out) == (2, "")
    (log,) = json.loads((world / "check.sarif").read_text(encoding="utf-8"))["runs"]
    (result,) = log["results"]
    (location,) = result["locations"]
    assert (result["ruleId"], result["level"]) == ("WA401", "error")
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "pyproject.toml"
    (untold,) = log["invocations"][0]["toolExecutionNotifications"]
    assert "torch 2.6.1+cu126 could not be checked: " in untold["message"]["text"]
    assert log["invocations"][0]["executionSuccessful"] is False


def test_github_is_an_annotation_in_the_line_of_the_entry(cli: Cli, world: Path) -> None:
    text = PROJECT + entry("torch", "2.6.0+cu126")
    path = write_project(world, text)
    line = text[: text.index("[[tool.uv")].count("\n") + 1
    done = cli("check", *TORCH_INDEX, "--format", "github")
    assert (done.code, done.err) == (1, "")
    head = f"file=pyproject.toml,line={line},title=WA401%3A override stale::torch 2.6.0+cu126: "
    assert done.out.startswith(f"::error {head}")
    assert done.out.endswith("%0A`wheelaudit check --write` mends it.\n")
    mended = cli("check", *TORCH_INDEX, "--format", "github", "--write")
    assert mended.code == 0
    assert mended.out.startswith(f"::notice {head}")
    assert mended.out.endswith("%0AThe entry is replaced now.\n")
    assert len(read_entries(path)[0]["requires-dist"]) == 23
    assert cli("check", *TORCH_INDEX, "--format", "github") == Done(code=0, out="", err="")


def test_indexes_are_those_of_the_sources(cli: Cli, world: Path) -> None:
    page = (
        b'<!DOCTYPE html><html><body><a href="/demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a></body></html>'
    )
    with serve_files(FileServer(files={"/mine/demo/": page}, ranges=False)) as server:
        write_project(
            world,
            PROJECT
            + f'[[tool.uv.index]]\nname = "mine"\nurl = "{server.url}/mine"\nexplicit = true\n'
            + '[tool.uv.sources]\ndemo = { index = "mine" }\n'
            + entry("demo", "1.0"),
        )
        assert check(cli, "--retries", "0", index=())[0] == 3
    assert server.requests[0] == ("/mine/demo/", None)


# --- [tool.wheelaudit] -----------------------------------------------------------------------------------


def ignore(finding: str, until: str) -> str:
    return f'\n[[tool.wheelaudit.ignore]]\nid = "{finding}"\nproject = "torch"\nreason = "later"\nuntil = {until}\n'


def test_ignored_finding_is_told_but_does_not_count_and_is_not_mended(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126") + ignore("WA401", "9999-12-31"))
    before = path.read_bytes()
    done = cli("check", *TORCH_INDEX, "--write")
    assert done.code == 0
    assert "ignored: WA401 until 9999-12-31: later" in done.out
    assert path.read_bytes() == before
    assert check(cli) == (0, [("2.6.0+cu126", "stale", [])])


@pytest.mark.parametrize(
    "rule", [ignore("WA401", "2020-01-01"), ignore("WA402", "9999-12-31")], ids=["expired", "another"]
)
def test_finding_that_is_not_ignored_counts(cli: Cli, world: Path, rule: str) -> None:
    write_project(world, PROJECT + entry("torch", "2.6.0+cu126") + rule)
    assert check(cli) == (1, [("2.6.0+cu126", "stale", ["WA401"])])


def test_index_of_the_rules_counts(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + '[tool.wheelaudit]\nindex = "cu126"\n' + entry("torch", "2.6.0+cu126"))
    assert check(cli, index=("--replay", TORCH[-1]))[0] == 1


def test_fail_level_of_the_rules_counts(cli: Cli, world: Path) -> None:
    write_project(world, PROJECT + '[tool.wheelaudit]\nfail-level = "never"\n' + entry("torch", "2.6.0+cu126"))
    assert check(cli)[0] == 0


# --- bad input -------------------------------------------------------------------------------------------


def assert_refused(done: Done, *words: str) -> None:
    assert (done.code, done.out) == (2, "")
    first, second, *_ = done.err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("hint: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def test_no_pyproject(cli: Cli) -> None:
    assert_refused(cli("check"), "no pyproject.toml", "PATH/pyproject.toml")
    assert_refused(cli("check", "nowhere.toml"), "nowhere.toml")


def test_all_entries_needs_write(cli: Cli, written: Path) -> None:
    assert_refused(cli("check", "--all-entries"), "--write")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[project\n", "line 1"),
        ("[tool.uv]\ndependency-metadata = 1\n", "not an array"),
        ("[tool.wheelaudit]\nignored = []\n", "Did you mean ignore?"),
    ],
)
def test_pyproject_that_cannot_be_understood(cli: Cli, world: Path, text: str, word: str) -> None:
    path = write_project(world, text)
    assert_refused(cli("check", "--write"), "pyproject.toml", word)
    assert path.read_bytes() == text.encode()


def test_lock_that_cannot_be_understood(cli: Cli, written: Path) -> None:
    (written.parent / "uv.lock").write_text("version = 99\n")
    assert_refused(cli("check"), "uv.lock", "uv lock")


def test_file_without_write_permission(cli: Cli, world: Path) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    before = path.read_bytes()
    path.chmod(0o444)
    assert_refused(cli("check", *TORCH_INDEX, "--write"), "write-protected", "[[tool.uv.dependency-metadata]]")
    assert path.read_bytes() == before


def test_pyproject_that_changes_while_the_index_is_read(cli: Cli, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_project(world, PROJECT + entry("torch", "2.6.0+cu126"))
    monkeypatch.setattr(os, "fsync", lambda _: path.write_bytes(b"# theirs\n"))
    assert_refused(cli("check", *TORCH_INDEX, "--write"), "changed while it was being edited", "Run this again.")
    assert path.read_bytes() == b"# theirs\n"


def test_versions_of_the_four_extras_are_those_that_need_one(written: Path) -> None:
    assert read_versions(written) == NEEDING


def test_hook_runs_a_command_that_exists_on_the_files_that_matter() -> None:
    text = (CASSETTES.parent / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (command,) = re.findall(r"^  entry: wheelaudit (\w+) --prefer-offline$", text, re.MULTILINE)
    assert command in COMMANDS
    (files,) = re.findall(r"^  files: (.+)$", text, re.MULTILINE)
    for path in ("pyproject.toml", "uv.lock", "packages/m/pyproject.toml", "uv.toml"):
        assert re.search(files, path)
    assert not re.search(files, "src/my-pyproject.toml")
