"""SPECs and indexes in, outcomes out: which index is asked, and what the failure of one means for the others."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.indexes import write_wheel
from wheelaudit.audit.values import Audit
from wheelaudit.errors import (
    NetworkError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
    WheelAuditError,
)
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import ProjectPage
from wheelaudit.index.selection import RequirementSpec, parse_spec
from wheelaudit.metadata import Reading
from wheelaudit.pipeline import Failure, Indexes, Outcome, Watcher, audit_specs, find_foreseen
from wheelaudit.project.settings import ProjectSettings
from wheelaudit.release import Release

pytestmark = pytest.mark.anyio

CASSETTES = Path(__file__).parents[1] / "cassettes"
ENVIRON = {"UV_DEFAULT_INDEX": "https://index.example/simple", "PIP_CONFIG_FILE": "/dev/null"}


def read_audit(outcome: Outcome) -> Audit:
    assert isinstance(outcome, Audit)
    return outcome


def read_failure(outcome: Outcome) -> WheelAuditError:
    assert isinstance(outcome, Failure)
    return outcome.error


class Diary(Watcher):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def page_read(self, index: str, page: ProjectPage) -> None:
        self.lines.append(f"page {page.project} on {index}")

    def release_found(self, release: Release) -> None:
        self.lines.append(f"release {release.spec}")

    def wheel_read(self, reading: Reading) -> None:
        self.lines.append(f"wheel {reading.wheel.filename}")

    def release_done(self, outcome: Outcome) -> None:
        self.lines.append(f"failure {outcome.spec}" if isinstance(outcome, Failure) else f"done {outcome.verdict}")


async def test_wheels_of_one_version_on_two_indexes_are_one_release(tmp_path: Path) -> None:
    write_wheel(tmp_path / "one" / "demo", "cp311-cp311-win_amd64", "foo")
    write_wheel(tmp_path / "two" / "demo", "cp311-cp311-macosx_11_0_arm64", "bar")
    (outcome,) = await audit_specs(["demo"], index=["./one", "./two"], cwd=tmp_path)
    audit = read_audit(outcome)
    assert audit.verdict == "inconsistent"
    assert [wheel.index for wheel in audit.release.wheels] == ["./two", "./one"]


async def test_project_missing_on_one_of_two_indexes_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_wheel(tmp_path / "full" / "demo", "py3-none-any")
    (outcome,) = await audit_specs(["demo"], index=["./empty", "./full"], cwd=tmp_path)
    assert read_audit(outcome).verdict == "consistent"


async def test_project_missing_on_all_indexes_names_them_all(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (outcome,) = await audit_specs(["demo"], index=["./one", "./two"], cwd=tmp_path)
    error = read_failure(outcome)
    assert isinstance(error, ProjectNotFoundError)
    assert "./one, ./two" in error.message


async def test_index_that_does_not_answer_is_not_one_without_the_project(tmp_path: Path) -> None:
    write_wheel(tmp_path / "full" / "demo", "py3-none-any")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{unused.getsockname()[1]}/simple"
        (outcome,) = await audit_specs(["demo"], index=[silent, "./full"], cwd=tmp_path, retries=0)
    assert isinstance(read_failure(outcome), NetworkError)


async def test_failure_of_one_spec_leaves_the_others_in_their_order(tmp_path: Path) -> None:
    write_wheel(tmp_path / "demo", "py3-none-any")
    write_wheel(tmp_path / "other", "py3-none-any", project="other")
    outcomes = await audit_specs(["demo", "demo==9", "nothere", "other"], index=["."], cwd=tmp_path)
    assert read_audit(outcomes[0]).release.spec == "demo==1.0"
    assert isinstance(read_failure(outcomes[1]), ReleaseNotFoundError)
    assert isinstance(read_failure(outcomes[2]), ProjectNotFoundError)
    assert read_audit(outcomes[3]).release.spec == "other==1.0"


async def test_wheels_on_disk_are_gathered_into_releases_in_the_place_of_the_first(tmp_path: Path) -> None:
    one = write_wheel(tmp_path / "dist", "cp311-cp311-win_amd64", "foo")
    two = write_wheel(tmp_path / "dist", "cp311-cp311-macosx_11_0_arm64", "foo")
    write_wheel(tmp_path / "index" / "other", "py3-none-any", project="other")
    outcomes = await audit_specs([str(one), "other", str(two)], index=["./index"], cwd=tmp_path)
    assert [read_audit(outcome).release.spec for outcome in outcomes] == ["demo==1.0", "other==1.0"]
    assert len(read_audit(outcomes[0]).release.wheels) == 2


@pytest.mark.parametrize(("specs", "index"), [(["torch=2"], []), (["torch[extra]"], []), (["demo"], ["no-such-index"])])
async def test_what_means_nothing_is_told_before_anything_is_fetched(specs: list[str], index: list[str]) -> None:
    with pytest.raises(UsageError):
        await audit_specs(["demo", *specs], index=index, environ=ENVIRON)


async def test_page_is_read_once_for_two_specs_of_a_project(tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        write_wheel(tmp_path / "demo", "py3-none-any", version=version)
    diary = Diary()
    await audit_specs(["demo==1.0", "demo==2.0", "nothere"], index=["."], cwd=tmp_path, watcher=diary)
    assert diary.lines == [
        "page demo on .",
        "release demo==1.0",
        "wheel demo-1.0-py3-none-any.whl",
        "done consistent",
        "release demo==2.0",
        "wheel demo-2.0-py3-none-any.whl",
        "done consistent",
        "failure nothere",
    ]


async def test_index_given_twice_is_asked_once(tmp_path: Path) -> None:
    write_wheel(tmp_path / "demo", "py3-none-any")
    diary = Diary()
    (outcome,) = await audit_specs(["demo"], index=[".", "."], cwd=tmp_path, watcher=diary)
    assert diary.lines.count("page demo on .") == 1
    assert len(read_audit(outcome).release.wheels) == 1


async def test_python_bound_of_the_project_decides_what_uv_reads(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.13"\n')
    (outcome,) = await audit_specs(
        ["torch==2.6.0+cu126"], pyproject=tmp_path / "pyproject.toml", replay=CASSETTES / "torch-2.6.0+cu126"
    )
    read = read_audit(outcome).reads_uv
    assert read is not None
    assert read.filename == "torch-2.6.0+cu126-cp313-cp313-linux_aarch64.whl"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("torch==2.6.0+cu126", "cu126"),
        ("torch==2.6.0+cpu", "cpu"),
        ("torch==2.7.0.dev20250116+cu126", "nightly/cu126"),
        ("torch==2.6.0", "pypi"),
        ("torch>=2.6", "pypi"),
        ("torch", "pypi"),
        ("demo==1.0+local.build", "pypi"),
        ("demo===whatever", "pypi"),
    ],
)
def test_without_index_the_local_version_names_the_channel(tmp_path: Path, spec: str, name: str) -> None:
    indexes = Indexes(project=ProjectSettings(), environ=ENVIRON, cwd=tmp_path)
    assert indexes.find_unnamed(parse_requirement(spec)).name == name


@pytest.mark.parametrize(
    ("environ", "name"), [({}, "mine"), ({"UV_DEFAULT_INDEX": "https://other.example/simple"}, "pypi")]
)
def test_default_index_of_the_project_comes_before_the_channel(
    tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    mine = IndexLocation(name="mine", url="https://index.example/mine")
    indexes = Indexes(project=ProjectSettings(default_index=mine), environ=environ, cwd=tmp_path)
    location = indexes.find_unnamed(parse_requirement("torch==2.6.0+cu126"))
    assert location.name == name


def parse_requirement(text: str) -> RequirementSpec:
    spec = parse_spec(text)
    assert isinstance(spec, RequirementSpec)
    return spec


def test_foreseen_failure_is_found_in_what_task_groups_wrap_around_it() -> None:
    error = UsageError("no.")
    assert find_foreseen(error) is error
    assert find_foreseen(ExceptionGroup("", [ExceptionGroup("", [error])])) is error
    assert find_foreseen(ExceptionGroup("", [error, ValueError()])) is None
    assert find_foreseen(ValueError()) is None


async def test_bug_is_not_taken_for_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Audit:
        raise ZeroDivisionError

    write_wheel(tmp_path / "demo", "py3-none-any")
    monkeypatch.setattr("wheelaudit.pipeline.audit_release", fail)
    with pytest.raises(ZeroDivisionError):
        await audit_specs(["demo"], index=["."], cwd=tmp_path)
