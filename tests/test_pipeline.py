"""SPECs and indexes in, outcomes out: which index is asked, and what the failure of one means for the others."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import respx

from tests.cli.indexes import write_wheel
from tests.project.locking import FOUR_EXTRAS, write_files
from wheelaudit.audit import audit as judging
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.errors import (
    HttpStatusError,
    NetworkError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
    WheelAuditError,
)
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.pages import ProjectPage
from wheelaudit.index.selection import RequirementSpec, parse_spec
from wheelaudit.jobs import Indexes
from wheelaudit.metadata import Reading
from wheelaudit.pipeline import RELEASES_AT_ONCE, Failure, Outcome, Watcher, audit_specs
from wheelaudit.project.settings import ProjectSettings
from wheelaudit.release import Release
from wheelaudit.session import find_foreseen

pytestmark = pytest.mark.anyio

CASSETTES = Path(__file__).parents[1] / "cassettes"
ENVIRON = {"UV_DEFAULT_INDEX": "https://index.example/simple", "PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Be a user without settings: what this machine's user has of indexes and passwords takes no part."""
    for name in [*os.environ]:
        if name.startswith(("UV_", "PIP_", "XDG_")) or name == "NETRC":
            monkeypatch.delenv(name)
    home = str(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, home)


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

    def releases_found(self, releases: Sequence[Release]) -> None:
        self.lines.append("found " + " ".join(release.spec for release in releases))

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
    assert sorted(diary.lines) == [
        "done consistent",
        "done consistent",
        "failure nothere",
        "found demo==1.0",
        "found demo==2.0",
        "page demo on .",
        "release demo==1.0",
        "release demo==2.0",
        "wheel demo-1.0-py3-none-any.whl",
        "wheel demo-2.0-py3-none-any.whl",
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
    monkeypatch.setattr("wheelaudit.audit.audit.audit_release", fail)
    with pytest.raises(ZeroDivisionError):
        await audit_specs(["demo"], index=["."], cwd=tmp_path)


class TestInAProject:
    """Without ``--index`` a project says where its releases are, and a name alone which ones."""

    async def test_each_index_of_the_sources_is_audited_for_itself(self) -> None:
        diary = Diary()
        outcomes = await audit_specs(
            ["torch"], pyproject=FOUR_EXTRAS / "pyproject.toml", replay=FOUR_EXTRAS / "cassette", watcher=diary
        )
        found = [
            (str(audit.release.version), audit.verdict, {wheel.index for wheel in audit.release.wheels})
            for audit in map(read_audit, outcomes)
        ]
        assert found == [
            ("2.6.0", "consistent", {"pytorch-cpu"}),
            ("2.6.0+cpu", "inconsistent", {"pytorch-cpu"}),
            ("2.6.0+cu118", "inconsistent", {"pytorch-cu118"}),
            ("2.6.0+cu124", "consistent", {"pytorch-cu124"}),
            ("2.6.0+cu126", "inconsistent", {"pytorch-cu126"}),
        ]
        assert sum(line.startswith("page ") for line in diary.lines) == 4

    async def test_version_is_looked_for_on_every_index_of_the_sources(self) -> None:
        (outcome,) = await audit_specs(
            ["torch==2.6.0+cu126"], pyproject=FOUR_EXTRAS / "pyproject.toml", replay=FOUR_EXTRAS / "cassette"
        )
        assert {wheel.index for wheel in read_audit(outcome).release.wheels} == {"pytorch-cu126"}

    async def test_version_that_none_of_them_has_is_one_failure_that_names_them_all(self) -> None:
        (outcome,) = await audit_specs(
            ["torch==9"], pyproject=FOUR_EXTRAS / "pyproject.toml", replay=FOUR_EXTRAS / "cassette"
        )
        error = read_failure(outcome)
        assert isinstance(error, ReleaseNotFoundError)
        assert "pytorch-cpu" in error.message
        assert "pytorch-cu126" in error.message

    async def test_named_index_overrules_the_sources(self) -> None:
        (outcome,) = await audit_specs(
            ["torch"],
            index=["pytorch-cu124"],
            pyproject=FOUR_EXTRAS / "pyproject.toml",
            replay=FOUR_EXTRAS / "cassette",
        )
        assert read_audit(outcome).release.spec == "torch==2.6.0+cu124"

    async def test_locked_versions_are_audited_and_not_the_newest(self, tmp_path: Path) -> None:
        write_project(tmp_path, lock=("1.0", "2.0"))
        diary = Diary()
        outcomes = await audit_specs(["demo", "demo"], pyproject=tmp_path / "pyproject.toml", watcher=diary)
        specs = [read_audit(outcome).release.spec for outcome in outcomes]
        assert specs == ["demo==1.0", "demo==2.0"] * 2
        assert diary.lines.count("page demo on a") == 1

    async def test_locked_version_means_no_local_version_of_it(self, tmp_path: Path) -> None:
        write_project(tmp_path, lock=("1.0",))
        write_wheel(tmp_path / "a" / "demo", "py3-none-any", version="1.0+cpu")
        (outcome,) = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml")
        assert read_audit(outcome).release.spec == "demo==1.0"

    async def test_locked_version_that_is_gone_is_a_failure_beside_the_others(self, tmp_path: Path) -> None:
        write_project(tmp_path, lock=("1.0", "1.5"))
        outcomes = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml")
        assert read_audit(outcomes[0]).release.spec == "demo==1.0"
        assert "uv.lock has demo 1.5 from a" in read_failure(outcomes[1]).message
        assert len(outcomes) == 2

    async def test_all_matches_are_more_than_the_locked_ones(self, tmp_path: Path) -> None:
        write_project(tmp_path, lock=("1.0",))
        outcomes = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml", every=True)
        assert [read_audit(outcome).release.spec for outcome in outcomes] == ["demo==1.0", "demo==2.0", "demo==3.0"]

    async def test_requirements_bound_the_newest(self, tmp_path: Path) -> None:
        write_project(tmp_path, requirement="demo>=1,<3")
        (outcome,) = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml")
        assert read_audit(outcome).release.spec == "demo==2.0"

    async def test_bound_that_no_version_meets_is_told_as_the_project_has_it(self, tmp_path: Path) -> None:
        write_project(tmp_path, requirement="demo>9")
        (outcome,) = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml")
        assert "demo>9" in read_failure(outcome).message

    async def test_index_that_fails_leaves_the_other_ones(self, tmp_path: Path) -> None:
        write_project(tmp_path)
        text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        one = '{ index = "a", marker = "sys_platform == \'linux\'" }'
        two = '{ index = "b", marker = "sys_platform != \'linux\'" }'
        text = text.replace('{ index = "a" }', f"[{one}, {two}]") + '[[tool.uv.index]]\nname = "b"\nurl = "b"\n'
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        (tmp_path / "b").mkdir()
        outcomes = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml")
        assert read_audit(outcomes[0]).release.spec == "demo==3.0"
        assert isinstance(read_failure(outcomes[1]), ProjectNotFoundError)

    @pytest.mark.parametrize(("status", "settings"), [(404, ""), (403, "ignore-error-codes = [403]")])
    async def test_index_without_the_project_leads_to_the_next(
        self, tmp_path: Path, status: int, settings: str
    ) -> None:
        write_chain(tmp_path, settings)
        with respx.mock:
            respx.get("https://one.example/simple/demo/").respond(status)
            (outcome,) = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml", retries=0)
        assert {wheel.index for wheel in read_audit(outcome).release.wheels} == {"two"}

    @pytest.mark.parametrize("status", [401, 403, 500])
    async def test_index_that_refuses_is_not_one_without_the_project(self, tmp_path: Path, status: int) -> None:
        write_chain(tmp_path, "")
        with respx.mock:
            respx.get("https://one.example/simple/demo/").respond(status)
            (outcome,) = await audit_specs(["demo"], pyproject=tmp_path / "pyproject.toml", retries=0)
        assert isinstance(read_failure(outcome), HttpStatusError)


def write_chain(folder: Path, settings: str) -> None:
    """Write a project with an index that is asked first, and another one that has demo."""
    write_wheel(folder / "next" / "demo", "py3-none-any")
    one = f'[[tool.uv.index]]\nname = "one"\nurl = "https://one.example/simple"\n{settings}\n'
    two = '[[tool.uv.index]]\nname = "two"\nurl = "next"\ndefault = true\n'
    write_files(folder, {"pyproject.toml": f'[project]\nname = "x"\n{one}{two}'})


def write_project(folder: Path, *, lock: tuple[str, ...] = (), requirement: str = "demo") -> None:
    """Write a project that takes demo from an index with the versions 1.0, 2.0 and 3.0."""
    for version in ("1.0", "2.0", "3.0"):
        write_wheel(folder / "a" / "demo", "py3-none-any", version=version)
    source = '[tool.uv.sources]\ndemo = { index = "a" }\n[[tool.uv.index]]\nname = "a"\nurl = "a"\n'
    project = f'[project]\nname = "x"\nversion = "1"\ndependencies = ["{requirement}"]\n'
    write_files(folder, {"pyproject.toml": project + source})
    if lock:
        rows = (f'[[package]]\nname = "demo"\nversion = "{v}"\nsource = {{ registry = "a" }}\n' for v in lock)
        write_files(folder, {"uv.lock": "version = 1\n" + "".join(rows)})


async def test_offline_asks_no_index_but_reads_folders_and_recordings(tmp_path: Path) -> None:
    write_wheel(tmp_path / "demo", "py3-none-any")
    environ = {**ENVIRON, "UV_OFFLINE": "1"}
    outcomes = await audit_specs(["demo"], index=["."], cwd=tmp_path, environ=environ)
    assert read_audit(outcomes[0]).verdict == "consistent"
    (refused,) = await audit_specs(["demo"], cwd=tmp_path, environ=environ)
    error = read_failure(refused)
    assert isinstance(error, NetworkError)
    assert "UV_OFFLINE" in error.message
    (replayed,) = await audit_specs(
        ["torch==2.6.0+cu126"], cwd=tmp_path, environ=environ, replay=CASSETTES / "torch-2.6.0+cu126"
    )
    assert read_audit(replayed).verdict == "inconsistent"


async def test_netrc_of_the_home_is_used(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine index.example login me password s3cret\n")
    environ = {**ENVIRON, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with respx.mock:
        route = respx.get("https://index.example/simple/demo/").respond(404)
        await audit_specs(["demo"], cwd=tmp_path, environ=environ)
    assert route.calls.last.request.headers["authorization"] == "Basic bWU6czNjcmV0"


class TestSideBySide:
    """SPECs and releases are worked on at once, within bounds, and told in the order of the SPECs."""

    async def test_outcomes_are_told_as_they_come_and_returned_in_order(self) -> None:
        told: list[str] = []
        first = anyio.Event()

        class Listener(Watcher):
            def release_done(self, outcome: Outcome) -> None:
                told.append(read_audit(outcome).release.spec)
                first.set()

        with respx.mock:
            slow = mock_index("slow", wheels=1)
            fast = mock_index("fast", wheels=1)

            async def answer_late(request: httpx.Request) -> httpx.Response:
                await first.wait()
                return slow

            respx.get(url__startswith="https://index.example/files/").mock(side_effect=mock_metadata)
            respx.get("https://index.example/simple/slow/").mock(side_effect=answer_late)
            respx.get("https://index.example/simple/fast/").mock(return_value=fast)
            outcomes = await audit_specs(["slow", "fast"], index=[INDEX], watcher=Listener(), environ=NOBODY)
        assert [read_audit(outcome).release.spec for outcome in outcomes] == ["slow==1.0", "fast==1.0"]
        assert told == ["fast==1.0", "slow==1.0"]

    @pytest.mark.parametrize("concurrency", [1, 3])
    async def test_one_bound_holds_for_the_requests_of_all_releases(self, concurrency: int) -> None:
        now, most = 0, 0

        async def count(request: httpx.Request) -> httpx.Response:
            nonlocal now, most
            now, most = now + 1, max(most, now + 1)
            await anyio.sleep(0.001)
            now -= 1
            project = str(request.url).split("/")[4]
            return mock_index(project, wheels=5) if request.url.path.startswith("/simple/") else mock_metadata(request)

        specs = [f"p{number}" for number in range(6)]
        with respx.mock, anyio.fail_after(60):
            respx.get(url__startswith="https://index.example/").mock(side_effect=count)
            outcomes = await audit_specs(specs, index=[INDEX], concurrency=concurrency, environ=NOBODY)
        assert [len(read_audit(outcome).readings) for outcome in outcomes] == [5] * 6
        assert most == concurrency

    async def test_releases_in_flight_are_bounded(self, tmp_path: Path) -> None:
        now, most = 0, 0

        class Counter(Watcher):
            def release_found(self, release: Release) -> None:
                nonlocal now, most
                now, most = now + 1, max(most, now + 1)

            def release_done(self, outcome: Outcome) -> None:
                nonlocal now
                now -= 1

        for number in range(20):
            write_wheel(tmp_path / "demo", "py3-none-any", version=f"{number}.0")
        outcomes = await audit_specs(["demo"], index=["."], cwd=tmp_path, every=True, watcher=Counter())
        assert [str(read_audit(outcome).release.version) for outcome in outcomes] == [f"{n}.0" for n in range(20)]
        assert 1 < most <= RELEASES_AT_ONCE

    async def test_failure_of_one_release_leaves_the_others(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        real = audit_release

        def fail_once(release: Release, *rest: Any, **options: Any) -> Audit:
            if str(release.version) == "2.0":
                raise UsageError("no.")
            return real(release, *rest, **options)

        monkeypatch.setattr(judging, "audit_release", fail_once)
        for version in ("1.0", "2.0", "3.0"):
            write_wheel(tmp_path / "demo", "py3-none-any", version=version)
        one, two, three = await audit_specs(["demo"], index=["."], cwd=tmp_path, every=True)
        assert [read_audit(each).release.spec for each in (one, three)] == ["demo==1.0", "demo==3.0"]
        assert read_failure(two).message == "no."

    async def test_bug_in_one_release_ends_the_run_with_its_own_traceback(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def fail(*_: object, **__: object) -> Audit:
            raise ZeroDivisionError

        write_wheel(tmp_path / "index" / "demo", "py3-none-any")
        write_wheel(tmp_path / "index" / "other", "py3-none-any", project="other")
        monkeypatch.setattr(judging, "audit_release", fail)
        with pytest.raises(ZeroDivisionError) as caught:
            await audit_specs(["demo", "other"], index=["./index"], cwd=tmp_path, record=None)
        assert any(entry.name == "_audit" for entry in caught.traceback)

    async def test_version_that_is_missing_names_the_nearest_of_a_page_that_was_sieved(self) -> None:
        with respx.mock:
            respx.get("https://index.example/simple/demo/").mock(return_value=mock_index("demo", wheels=2))
            (outcome,) = await audit_specs(["demo==9"], index=[INDEX], environ=NOBODY)
        assert "nearest: 1.0" in (read_failure(outcome).remedy or "")

    async def test_two_specs_of_a_project_share_a_page_that_has_what_either_wants(self) -> None:
        with respx.mock:
            page = respx.get("https://index.example/simple/demo/").mock(
                return_value=mock_index("demo", wheels=1, versions=("1.0", "2.0", "3.0"))
            )
            respx.get(url__startswith="https://index.example/files/").mock(side_effect=mock_metadata)
            outcomes = await audit_specs(["demo==1.0", "demo<3"], index=[INDEX], environ=NOBODY)
        assert [read_audit(outcome).release.spec for outcome in outcomes] == ["demo==1.0", "demo==2.0"]
        assert page.call_count == 1


INDEX = "https://index.example/simple"
NOBODY: dict[str, str] = {}


def mock_index(project: str, *, wheels: int, versions: Sequence[str] = ("1.0",)) -> httpx.Response:
    """Return the page of a project whose wheels have no ``.metadata`` that is answered, or `mock_metadata`."""
    names = [f"{project}-{version}-{n}-py3-none-any.whl" for version in versions for n in range(wheels)]
    text = "".join(f'<a href="/files/{project}/{name}" data-core-metadata="true">{name}</a>\n' for name in names)
    return httpx.Response(200, headers={"Content-Type": "text/html"}, text=text)


def mock_metadata(request: httpx.Request) -> httpx.Response:
    project, version = request.url.path.split("/")[-1].split("-")[:2]
    return httpx.Response(200, text=f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n\n")


def write_two_indexes(folder: Path) -> Path:
    """A project whose sources give ``demo`` from one index to Linux and from another to Windows."""
    path = folder / "pyproject.toml"
    path.write_text(
        '[project]\nname = "p"\nversion = "1"\ndependencies = ["demo"]\n[tool.uv.sources]\n'
        'demo = [{ index = "one", marker = "sys_platform == \'linux\'" },'
        ' { index = "two", marker = "sys_platform == \'win32\'" }]\n'
        '[[tool.uv.index]]\nname = "one"\nurl = "./one"\nexplicit = true\n'
        '[[tool.uv.index]]\nname = "two"\nurl = "./two"\nexplicit = true\n'
    )
    return path


async def test_indexes_of_a_project_that_differ_are_told_and_have_no_common_override(tmp_path: Path) -> None:
    for index, more in (("one", "bar"), ("two", "baz")):
        write_wheel(tmp_path / index / "demo", "cp311-cp311-win_amd64", "foo")
        write_wheel(tmp_path / index / "demo", "cp311-cp311-macosx_11_0_arm64", more)
    outcomes = await audit_specs(["demo"], pyproject=write_two_indexes(tmp_path), cwd=tmp_path)
    audits = [read_audit(outcome) for outcome in outcomes]
    assert [audit.release.indexes for audit in audits] == [("one",), ("two",)]
    assert [audit.verdict for audit in audits] == ["inconsistent"] * 2
    for audit in audits:
        assert "WA301" in [finding.id for finding in audit.findings]
        assert (audit.override, audit.proof) == (None, None)
        assert audit.no_override is not None
        assert "WA301" in audit.no_override


async def test_indexes_of_a_project_with_platforms_of_their_own_share_one_override(tmp_path: Path) -> None:
    write_wheel(tmp_path / "one" / "demo", "cp311-cp311-win_amd64", "foo")
    write_wheel(tmp_path / "one" / "demo", "cp311-cp311-macosx_11_0_arm64", "bar")
    write_wheel(tmp_path / "two" / "demo", "cp311-cp311-manylinux_2_28_x86_64", "baz")
    outcomes = await audit_specs(["demo"], pyproject=write_two_indexes(tmp_path), cwd=tmp_path)
    one, two = (read_audit(outcome) for outcome in outcomes)
    assert (one.verdict, two.verdict, two.override) == ("inconsistent", "consistent", None)
    assert "WA301" not in [finding.id for finding in (*one.findings, *two.findings)]
    assert one.override is not None
    assert {line.partition(";")[0] for line in one.override.requires_dist} == {"foo", "bar", "baz"}
    assert one.proof is not None
    assert one.proof.deviations == ()
