"""`wheelaudit lock`: which lock is meant, what is printed in each format, exit codes, and what `--write` mends.

What it is told of the lock is a stub's: the comparison has its own tests.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from tests.cli.conftest import CASSETTES, Cli
from tests.cli.locks import TORCH_TAPE, write_torch_project
from tests.cli.projects import PROJECT, REFUSED, read_versions, write_project
from tests.report.examples import LOST, build_consistent, build_torch, build_undecided, build_without_override
from wheelaudit import locking
from wheelaudit.audit.values import Audit, LockAudit, LockFinding, LockStatus
from wheelaudit.errors import ProjectFileError, ReleaseNotFoundError, WheelAuditError
from wheelaudit.locking import CheckedRelease, LockCheck
from wheelaudit.report.lock_json import read_lock_schema
from wheelaudit.session import Manner


@dataclass(slots=True, kw_only=True)
class Stub:
    """In the place of `locking.check_lock`: says what a test has given it, and keeps what it was asked."""

    result: LockCheck | WheelAuditError = field(default_factory=lambda: LockCheck(kind="uv.lock", releases=()))
    path: Path | None = None
    only: Collection[str] = ()
    asked: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, path: Path, *, only: Collection[NormalizedName], **asked: Any) -> LockCheck:
        self.path, self.only, self.asked = path, only, asked
        if isinstance(self.result, WheelAuditError):
            raise self.result
        return self.result

    def say(self, *releases: CheckedRelease, **fields: Any) -> None:
        self.result = LockCheck(kind="uv.lock", releases=releases, **fields)


FINDING = LockFinding(
    id="WA411",
    message="The lock lost triton==3.2.0.",
    requirements=("triton==3.2.0",),
    environments="linux x86_64, CPython 3.10-3.13",
    wheels=("x.whl",),
    help="Lock with the override.",
)


def build_locked(audit: Audit, status: LockStatus) -> CheckedRelease:
    findings = (FINDING,) if status == "wrong" else ()
    compared = LockAudit(
        release=audit.release, status=status, readings=audit.readings, findings=findings, environments=84
    )
    return CheckedRelease(
        project=audit.release.project,
        version=audit.release.version,
        index="cu126",
        wheels=len(audit.release.wheels),
        lock_audit=compared,
        audit=audit if status == "wrong" else None,
    )


WRONG = build_locked(build_torch(), "wrong")
RIGHT = build_locked(build_consistent(), "right")
UNKNOWN = build_locked(build_undecided(), "unknown")
UNMENDED = build_locked(build_without_override(), "wrong")
AGREED = build_locked(build_consistent(), "wrong")
SKIPPED = CheckedRelease(
    project=canonicalize_name("old"), version=Version("1.0"), index="cu126", wheels=0, skipped="sdist only"
)
FAILED = CheckedRelease(
    project=canonicalize_name("gone"),
    version=Version("1.0"),
    index="cu126",
    wheels=0,
    error=ReleaseNotFoundError("The index has no gone.", url="https://index.example/gone/", remedy="Check its name."),
)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, world: Path) -> Stub:
    """A stub in the place of what compares, and a lock to be named to it."""
    made = Stub()
    monkeypatch.setattr(locking, "check_lock", made)
    (world / "uv.lock").write_text("version = 1\n")
    return made


# --- which lock --------------------------------------------------------------------------------------


def test_lock_of_the_working_folder_is_meant(cli: Cli, stub: Stub, world: Path) -> None:
    (world / "pylock.toml").write_text("")
    assert cli("lock").code == 0
    assert stub.path == Path("uv.lock")
    (world / "uv.lock").unlink()
    assert cli("lock").code == 0
    assert stub.path == Path("pylock.toml")


def test_lock_of_the_workspace_is_meant_in_a_member(
    cli: Cli, stub: Stub, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(world, f'{PROJECT}[tool.uv.workspace]\nmembers = ["member"]\n')
    member = world / "member"
    member.mkdir()
    write_project(member, PROJECT.replace('"x"', '"y"'))
    monkeypatch.chdir(member)
    assert cli("lock").code == 0
    assert stub.path == world / "uv.lock"
    assert stub.asked["pyproject"] == world / "pyproject.toml"


def test_lock_that_is_named_is_meant(cli: Cli, stub: Stub, world: Path) -> None:
    folder = world / "sub"
    folder.mkdir()
    path = write_project(folder)
    (folder / "pylock.toml").write_text("")
    assert cli("lock", folder / "pylock.toml").code == 0
    assert (stub.path, stub.asked["pyproject"]) == (folder / "pylock.toml", path)
    assert cli("lock", folder).code == 0
    assert stub.path == folder / "pylock.toml"
    other = write_project(world)
    assert cli("lock", folder, "--pyproject", other).code == 0
    assert stub.asked["pyproject"] == other


def test_no_lock_at_all_is_told(cli: Cli, stub: Stub, world: Path) -> None:
    (world / "uv.lock").unlink()
    done = cli("lock")
    assert (done.code, done.out) == (2, "")
    assert "There is no uv.lock and no pylock.toml here." in done.err
    (world / "empty").mkdir()
    assert "no pylock.toml in empty" in cli("lock", "empty").err
    assert stub.path is None


def test_lock_that_cannot_be_read_exits_with_2(cli: Cli, stub: Stub) -> None:
    stub.result = ProjectFileError("uv.lock is of version 2.", remedy="Lock with an older uv.")
    done = cli("lock")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: uv.lock is of version 2.\nhint: Lock with an older uv.\n"


def test_names_are_normalised_and_must_be_in_the_lock(cli: Cli, stub: Stub) -> None:
    stub.say(RIGHT, WRONG)
    assert cli("lock", "--only", "Same", "--only", "TORCH").code == 1
    assert stub.only == {"same", "torch"}
    done = cli("lock", "--only", "torhc")
    assert done.code == 2
    assert "uv.lock locks no torhc." in done.err


def test_options_of_reading_are_handed_on(cli: Cli, stub: Stub, world: Path) -> None:
    cli("lock", "--concurrency", "3", "--timeout", "4", "--retries", "5", "--replay", "tape", "--refresh", "--no-cache")
    manner = Manner(concurrency=3, timeout=4.0, retries=5, replay=Path("tape"), refresh=True, cwd=world)
    assert (stub.asked["manner"], stub.asked["pyproject"]) == (manner, None)


# --- exit codes and formats --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("releases", "code"),
    [
        ((RIGHT, SKIPPED), 0),
        ((RIGHT, WRONG), 1),
        ((RIGHT, UNKNOWN), 3),
        ((WRONG, UNKNOWN), 1),
        ((WRONG, UNKNOWN, FAILED), 2),
        ((), 0),
    ],
)
def test_exit_code_is_the_gravest(cli: Cli, stub: Stub, releases: tuple[CheckedRelease, ...], code: int) -> None:
    stub.say(*releases)
    assert cli("lock").code == code
    assert cli("lock", "--exit-zero").code == (2 if code == 2 else 0)


def test_project_says_what_counts(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(UNKNOWN)
    write_project(world, f'{PROJECT}[tool.wheelaudit]\nfail-level = "inconsistent"\n')
    assert cli("lock").code == 0
    stub.say(WRONG)
    assert cli("lock").code == 1
    write_project(world, f'{PROJECT}[tool.wheelaudit]\nfail-level = "never"\n')
    assert cli("lock").code == 0


def test_report_is_for_a_person(cli: Cli, stub: Stub) -> None:
    stub.say(RIGHT, WRONG, SKIPPED, notes=("A note.",))
    done = cli("lock")
    assert done.err == ""
    assert done.out.startswith("uv.lock: 1 of 2 releases is not given what the wheels ask for\n\ntorch 2.6.0+cu126 on")
    assert "WA411  LOST 1: needed there, missing from the lock" in done.out
    assert "1 sdist only\n" in done.out
    assert "old 1.0" not in done.out
    assert "1 sdist only: old 1.0\n" in cli("lock", "-v").out
    assert "note: A note." in done.out


def test_failure_stands_in_the_report_and_on_stderr(cli: Cli, stub: Stub) -> None:
    stub.say(RIGHT, FAILED)
    done = cli("lock")
    assert "not done: gone 1.0: The index has no gone. Check its name." in done.out
    assert done.err == "error: The index has no gone.\nhint: Check its name.\n"


def test_unknown_release_has_its_reason(cli: Cli, stub: Stub) -> None:
    stub.say(UNKNOWN)
    text = " ".join(cli("lock").out.split())
    assert "unknown: gone 1.0, 1 of 3 wheels unread: The server answered 503 for" in text


def test_json_obeys_its_schema(cli: Cli, stub: Stub) -> None:
    stub.say(RIGHT, WRONG, UNKNOWN, SKIPPED, FAILED)
    document = json.loads(cli("lock", "--format", "json").out)
    Draft202012Validator(json.loads(read_lock_schema())).validate(document)
    assert [each["status"] for each in document["releases"]] == ["right", "wrong", "unknown", "skipped", "failed"]
    assert [(each["wheels"], each["read"]) for each in document["releases"]] == [
        (4, 4),
        (14, 14),
        (3, 2),
        (0, 0),
        (0, 0),
    ]


def test_other_formats_are_for_where_they_go(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    assert cli("lock", "--format", "markdown").out.startswith("# `uv.lock`: 1 of 2 releases")
    assert cli("lock", "--format", "github").out.startswith("::error file=uv.lock,line=1,title=WA411%3A ")
    assert cli("lock", "--format", "sarif", "-o", "log.sarif").out == ""
    log = json.loads((world / "log.sarif").read_text(encoding="utf-8"))
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["WA411"]
    stub.say(RIGHT)
    assert cli("lock", "--format", "github").out == ""


# --- what the project ignores ------------------------------------------------------------------------

IGNORE = '[[tool.wheelaudit.ignore]]\nid = "WA411"\nproject = "torch"\nreason = "wait for 2.7"\nuntil = {}\n'


def test_finding_that_the_project_puts_off_counts_for_nothing_but_is_told(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    path = write_project(world, PROJECT + IGNORE.format("9999-01-01"))
    done = cli("lock")
    assert done.code == 0
    assert "1 ignored: WA411 until 9999-01-01: wait for 2.7" in " ".join(done.out.split())
    before = path.read_bytes()
    assert cli("lock", "--write").code == 0
    assert path.read_bytes() == before


def test_what_is_put_off_comes_back(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    write_project(world, PROJECT + IGNORE.format("2001-01-01"))
    assert cli("lock").code == 1


def test_unread_wheel_is_not_put_off_with_the_finding(cli: Cli, stub: Stub, world: Path) -> None:
    assert WRONG.lock_audit is not None
    assert UNKNOWN.lock_audit is not None
    half = replace(WRONG.lock_audit, readings=UNKNOWN.lock_audit.readings)
    stub.say(RIGHT, replace(WRONG, lock_audit=half))
    write_project(world, PROJECT + IGNORE.format("9999-01-01"))
    assert cli("lock").code == 3


# --- the project's file ------------------------------------------------------------------------------


def test_write_puts_the_override_into_the_project(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    path = write_project(world)
    done = cli("lock", "--write")
    assert (done.code, done.err) == (0, "")
    assert read_versions(path) == ("2.6.0+cu126",)
    assert "override: written into the project." in done.out
    assert "  1. Written: pyproject.toml.\n  2. Run `uv lock`.\n" in done.out
    again = cli("lock", "--write")
    assert again.code == 0
    assert "in the project already" in again.out
    assert "Written" not in again.out


def test_check_changes_nothing_and_says_whether_write_would(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    path = write_project(world)
    before = path.read_bytes()
    done = cli("lock", "--check")
    assert done.code == 1
    assert "`wheelaudit lock --write`" in done.out
    assert path.read_bytes() == before
    cli("lock", "--write")
    assert cli("lock", "--check").code == 0


def test_diff_prints_a_patch_and_nothing_else(cli: Cli, stub: Stub, world: Path) -> None:
    stub.say(RIGHT, WRONG)
    path = write_project(world)
    before = path.read_bytes()
    done = cli("lock", "--diff", "-q")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("diff --git a/pyproject.toml b/pyproject.toml\n--- a/pyproject.toml\n")
    assert path.read_bytes() == before
    assert cli("lock", "--diff", "--format", "json").code == 2
    assert cli("lock", "--diff", "--write").code == 2


@pytest.mark.parametrize("edit", ["--write", "--diff", "--check"])
@pytest.mark.parametrize(("more", "code"), [((), 0), ((UNKNOWN,), 3), ((FAILED,), 2), ((UNMENDED,), 2)])
def test_what_is_not_known_or_mended_counts_beside_the_file(
    cli: Cli, stub: Stub, world: Path, edit: str, more: tuple[CheckedRelease, ...], code: int
) -> None:
    write_project(world)
    stub.say(WRONG)
    cli("lock", "--write")
    stub.say(WRONG, RIGHT, *more)
    assert cli("lock", edit).code == code


def test_release_whose_wheels_agree_by_now_needs_no_override(cli: Cli, stub: Stub, world: Path) -> None:
    path = write_project(world)
    stub.say(AGREED)
    done = cli("lock", "--write")
    assert done.code == 0
    assert "none is needed" in " ".join(done.out.split())
    assert "cache clean" not in done.out
    assert path.read_bytes() == PROJECT.encode()
    entry = '[[tool.uv.dependency-metadata]]\nname = "same"\nversion = "1.0"\nrequires-dist = []\n'
    write_project(world, PROJECT + entry)
    assert "Run `wheelaudit check`" in cli("lock").out


def test_metadata_that_uv_keeps_for_good_is_to_be_cleaned(cli: Cli, stub: Stub) -> None:
    agreed = replace(build_torch(), verdict="consistent", override=None, proof=None)
    stub.say(build_locked(agreed, "wrong"))
    assert "Run `uv cache clean torch`" in cli("lock").out


def test_without_a_project_the_report_says_why_nothing_can_be_written(cli: Cli, stub: Stub) -> None:
    stub.say(WRONG)
    done = cli("lock")
    assert done.code == 1
    assert "there is one, but it cannot be written: There is no pyproject.toml here" in " ".join(done.out.split())
    done = cli("lock", "--write")
    assert (done.code, done.out) == (2, "")
    assert "There is no pyproject.toml here" in done.err


def test_file_that_cannot_be_edited_is_left_and_the_report_is_printed(cli: Cli, stub: Stub, world: Path) -> None:
    path = write_project(world, REFUSED)
    stub.say(WRONG)
    done = cli("lock", "--write")
    assert done.code == 2
    assert "WA411  LOST 1" in done.out
    assert done.err.startswith("error: ")
    assert path.read_bytes() == REFUSED.encode()


# --- all of it ---------------------------------------------------------------------------------------


def test_lock_made_from_the_aarch64_wheel_is_told_and_mended(cli: Cli, world: Path) -> None:
    path = write_torch_project(world)
    done = cli("lock", *TORCH_TAPE, "--format", "json")
    assert (done.code, done.err) == (1, "")
    document = json.loads(done.out)
    Draft202012Validator(json.loads(read_lock_schema())).validate(document)
    (torch,) = (each for each in document["releases"] if each["project"] == "torch")
    (finding,) = torch["findings"]
    assert (finding["id"], finding["environments"]) == ("WA411", "linux x86_64, CPython 3.10-3.13")
    assert sorted(finding["requirements"]) == sorted(LOST)
    assert (torch["override"], torch["wheels"], torch["read"]) == ("would write", 14, 14)
    assert document["summary"]["skipped"] == len(document["releases"]) - 1
    assert cli("lock", *TORCH_TAPE, "--check").code == 1
    assert cli("lock", *TORCH_TAPE, "--write").code == 0
    assert read_versions(path) == ("2.6.0+cu126",)


def test_annotation_stands_at_the_package_in_the_lock(cli: Cli, world: Path) -> None:
    write_torch_project(world)
    lines = (world / "uv.lock").read_text(encoding="utf-8").split("\n")
    line = lines.index('name = "torch"')
    assert lines[line - 1] == "[[package]]"
    run = cli("lock", *TORCH_TAPE, "--format", "github")
    assert run.out.startswith(f"::error file=uv.lock,line={line},title=WA411%3A ")


def test_only_what_is_asked_for_is_read(cli: Cli, world: Path) -> None:
    write_torch_project(world)
    done = cli("lock", *TORCH_TAPE, "--only", "sympy")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("uv.lock: nothing to compare in 1 release\n")


def test_index_that_answers_nothing_is_a_failure_and_no_empty_result(cli: Cli, world: Path) -> None:
    write_torch_project(world)
    done = cli("lock", "--replay", CASSETTES / "numpy-2.2.0")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "not done: torch 2.6.0+cu126: " in done.out
