"""Locks that the real uv wrote, judged: what is told is what the second opinion finds, and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import oracle
from tests.index.server import FileServer, serve_files
from tests.places import names
from tests.project.locking import build_environ, lock_folder, serve_four_extras
from tests.releases import build_oracle_wheels, build_release, build_wheel, load_release
from tests.uv.conftest import FindIndex, MakeIndex
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata, build_requirement_stubs
from tests.uv.lock import TIME_LIMIT, Uv, find_given, find_uv
from tests.uv.test_random_releases import build_releases
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.locks import judge_lock
from wheelaudit.audit.values import LockAudit
from wheelaudit.lock import Dependency, Lock, LockedPackage
from wheelaudit.metadata import WheelMetadata, parse_metadata
from wheelaudit.project.lockfile import parse_lock
from wheelaudit.project.pylock import parse_pylock
from wheelaudit.release import Release
from wheelaudit.report.toml import render_override

ON_LINUX = "linux x86_64, CPython 3.10-3.13"
RANDOM = range(0, 40, 3)
"""A third of the random releases: each is locked twice here."""


def read_wheels(package: LockedPackage, server: FileServer) -> tuple[WheelMetadata, ...]:
    """Return the readings of all wheels that a lock names, by the METADATA that was served to uv."""
    readings = []
    for wheel in package.wheels:
        assert wheel.url is not None
        data = server.files[urlsplit(wheel.url).path + ".metadata"]
        readings.append(
            WheelMetadata(
                wheel=build_wheel(unquote(wheel.filename)),
                core=parse_metadata(data),
                sha256=hashlib.sha256(data).hexdigest(),
                source="pep658",
            )
        )
    return tuple(readings)


def judge(lock: Lock, server: FileServer, *, only: Iterable[str] = ()) -> dict[str, LockAudit]:
    """Judge a lock, every package of an index read or ``only`` some projects; by ``name==version``."""
    chosen = set(only)
    readings: dict[int, tuple[Release, tuple[WheelMetadata, ...]]] = {}
    for position, package in enumerate(lock.packages):
        if package.wheels and (not chosen or package.project in chosen):
            own = read_wheels(package, server)
            readings[position] = (build_release(own), own)
    return {audit.release.spec: audit for audit in judge_lock(lock, dict(readings)).values()}


def lock_cassette(
    uv: Uv, index: SimpleIndex, folder: Path, name: str, *, bound: str = ">=3.10", block: str = ""
) -> Lock:
    """Lock a project that asks for the release of cassettes/NAME alone."""
    release, _ = load_release(name)
    run = uv.lock(folder, index, requires_python=bound, dependencies=[release.spec], block=block)
    assert run.status == 0, run.stderr
    return parse_lock((folder / "uv.lock").read_text(encoding="utf-8"))


def export(uv: Uv, folder: Path) -> str:
    """Export a locked project to a pylock.toml."""
    path = folder / "pylock.toml"
    command = [find_uv(), "export", "--format", "pylock.toml", "-o", path.name, "--frozen", "--quiet"]
    done = subprocess.run(
        [*command, "--python", sys.executable],
        cwd=folder,
        # Windows opens no socket without SYSTEMROOT.
        env=build_environ(uv.home, **{name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}),
        capture_output=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return path.read_text(encoding="utf-8")


def told(audit: LockAudit) -> list[tuple[str, str, int]]:
    return [(each.id, each.environments, len(each.requirements)) for each in audit.findings]


def find_wrong(audits: Mapping[str, LockAudit]) -> list[str]:
    return [spec for spec, audit in audits.items() if audit.status != "right"]


# --- recorded releases --------------------------------------------------------------------------------


def test_flagship_lost_fourteen_requirements_on_linux_x86_64_and_nothing_elsewhere(
    uv: Uv, release_index: FindIndex, tmp_path: Path
) -> None:
    index = release_index("torch-2.6.0+cu126")
    audits = judge(lock_cassette(uv, index, tmp_path, "torch-2.6.0+cu126"), index.server)
    assert find_wrong(audits) == ["torch==2.6.0+cu126"]
    audit = audits["torch==2.6.0+cu126"]
    assert told(audit) == [("WA411", ON_LINUX, 14)]
    lost = {Requirement(text).name for text in audit.findings[0].requirements}
    assert {name for name in lost if not name.startswith("nvidia-")} == {"triton"}


@pytest.mark.parametrize("name", ["torch-2.6.0+cu126", "tensorflow-2.15.1"])
def test_override_mends_the_lock(uv: Uv, release_index: FindIndex, tmp_path: Path, name: str) -> None:
    release, readings = load_release(name)
    override = audit_release(release, readings).override
    assert override is not None
    index = release_index(name)
    lock = lock_cassette(uv, index, tmp_path, name, block=render_override(override))
    assert lock.overridden == {(release.project, release.version)}
    assert find_wrong(judge(lock, index.server)) == []


def test_shim_platforms_gained_the_whole_and_lost_their_shim(uv: Uv, release_index: FindIndex, tmp_path: Path) -> None:
    index = release_index("tensorflow-2.15.1")
    audits = judge(lock_cassette(uv, index, tmp_path, "tensorflow-2.15.1"), index.server)
    assert find_wrong(audits) == ["tensorflow==2.15.1"]
    findings = audits["tensorflow==2.15.1"].findings
    assert [(each.id, each.environments) for each in findings] == [
        ("WA411", "linux aarch64, CPython 3.10-3.11"),
        ("WA411", "windows AMD64, CPython 3.10-3.11"),
        ("WA412", "linux aarch64 and windows AMD64, CPython 3.10-3.11"),
    ]
    assert findings[0].requirements == ("tensorflow-cpu-aws==2.15.1",)
    assert findings[1].requirements == ("tensorflow-intel==2.15.1",)
    assert len(findings[2].requirements) == 22


@pytest.mark.parametrize(
    ("name", "bound"), [("torch-2.10.0", ">=3.10"), ("numpy-2.2.0", ">=3.10"), ("torch-2.15.0", ">=3.11")]
)
def test_lock_of_a_consistent_release_is_right(
    uv: Uv, release_index: FindIndex, tmp_path: Path, name: str, bound: str
) -> None:
    index = release_index(name)
    audits = judge(lock_cassette(uv, index, tmp_path, name, bound=bound), index.server)
    assert find_wrong(audits) == []
    release, _ = load_release(name)
    assert audits[release.spec].environments > 0


def test_export_lost_what_its_lock_has_lost(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index, lock = lock_exportable(uv, make_index, tmp_path, "torch-2.6.0+cu126")
    audits = judge(lock, index.server, only=["torch"])
    assert told(audits["torch==2.6.0+cu126"]) == [("WA411", ON_LINUX, 14)]


def test_export_tells_what_was_gained_beside_its_project(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index, alone = lock_exportable(uv, make_index, tmp_path, "tensorflow-2.15.1")
    roots = (Dependency(project=canonicalize_name("tensorflow")),)
    beside = told(judge(replace(alone, roots=roots), index.server)["tensorflow==2.15.1"])
    locked = parse_lock((tmp_path / "uv.lock").read_text(encoding="utf-8"))
    assert beside == told(judge(locked, index.server)["tensorflow==2.15.1"])
    assert beside[-1] == ("WA412", "linux aarch64 and windows AMD64, CPython 3.10-3.11", 22)
    assert told(judge(alone, index.server)["tensorflow==2.15.1"]) == beside[:-1]


def lock_exportable(uv: Uv, make_index: MakeIndex, folder: Path, name: str) -> tuple[SimpleIndex, Lock]:
    """Lock a recorded release and export it."""
    index = make_index()
    _, readings = load_release(name)
    index.add(build_requirement_stubs(readings))
    index.add(
        ServedWheel(filename=reading.wheel.filename, metadata=rebuild(reading))
        for reading in readings
        if isinstance(reading, WheelMetadata)
    )
    add_hashes(index)
    lock_cassette(uv, index, folder, name)
    return index, parse_pylock(export(uv, folder), file="pylock.toml")


def add_hashes(index: SimpleIndex) -> None:
    """Give each wheel of the pages a hash, which a pylock.toml must have (PEP 751); no wheel is ever opened."""
    for path, body in index.server.files.items():
        if path.startswith(index.path) and path.endswith("/"):
            index.server.files[path] = re.sub(
                rb'href="([^"]+)"', lambda m: b'href="%s#sha256=%s"' % (m[1], _digest(m[1]).encode()), body
            )


def _digest(name: bytes) -> str:
    return hashlib.sha256(name).hexdigest()


def rebuild(reading: WheelMetadata) -> bytes:
    lines = [line.text for line in reading.core.requires_dist]
    return build_metadata(reading.core.name, reading.core.version, extras=reading.core.provides_extra, requires=lines)


def test_of_four_extras_only_the_cu126_fork_is_wrong(tmp_path: Path) -> None:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        pyproject = serve_four_extras(server, tmp_path / "work")
        index = SimpleIndex(server=server, path="/simple")
        cores = [parse_metadata(body) for path, body in server.files.items() if path.endswith(".metadata")]
        wheel = build_wheel("torch-1-py3-none-any.whl")
        index.add(
            build_requirement_stubs(WheelMetadata(wheel=wheel, core=core, sha256="", source="pep658") for core in cores)
        )
        done = lock_folder(pyproject.parent, build_environ(tmp_path / "home", UV_DEFAULT_INDEX=index.url))
        assert done.status == 0, done.stderr
        lock = parse_lock((pyproject.parent / "uv.lock").read_text(encoding="utf-8"))
        audits = judge(lock, server)
    assert len([spec for spec in audits if spec.startswith("torch==")]) == 5
    assert find_wrong(audits) == ["torch==2.6.0+cu126"]
    assert told(audits["torch==2.6.0+cu126"]) == [("WA411", ON_LINUX, 14)]
    assert all(audit.environments for audit in audits.values())


# --- releases that nobody has seen --------------------------------------------------------------------


@pytest.mark.parametrize("override", [False, True], ids=["without-override", "with-override"])
@pytest.mark.parametrize("number", RANDOM)
def test_findings_are_where_the_lock_gives_other_than_is_needed(
    uv: Uv, make_index: MakeIndex, tmp_path: Path, number: int, override: bool
) -> None:
    readings = build_releases()[number]
    project = readings[0].wheel.project
    entry = audit_release(build_release(readings), readings).override
    assert entry is not None
    index = make_index()
    index.add(build_requirement_stubs(readings))
    index.add(ServedWheel(filename=each.wheel.filename, metadata=rebuild(each)) for each in readings)
    needs = {(need.target, need.extra): need for need in oracle.needs(build_oracle_wheels(readings))}
    pythons = [Version(need.target.variables["python_version"]) for need in needs.values()]
    # Of the Pythons above the newest that is named, reports name the first: it stands for all of them.
    newest = max(int(minor) for each in readings for minor in re.findall(r"[cp]p3(\d+)-", each.wheel.filename))
    needs = {key: need for key, need in needs.items() if int(need.target.variables["python_version"][2:]) <= newest}
    run = uv.lock(
        tmp_path,
        index,
        requires_python=f">={min(pythons)}",
        dependencies=[f"{project}==1.0"],
        extras={"gpu": [f"{project}[gpu]==1.0"]},
        block=render_override(entry) if override else "",
    )
    assert run.lock is not None, run.stderr
    lock = parse_lock((tmp_path / "uv.lock").read_text(encoding="utf-8"))
    audits = judge(lock, index.server)
    audit = audits[f"{project}==1.0"]
    assert find_wrong(audits) in ([], [audit.release.spec])
    wrong = False
    for (target, extra), need in needs.items():
        expected = find_expected(need, find_given(run.lock, project, target.variables, extra))
        if extra:
            # uv writes no extra that the wheel it has read has empty: then the lock does not say that it was asked for.
            plain = find_expected(needs[target, ""], find_given(run.lock, project, target.variables, ""))
            expected = expected - plain if asks_for(lock, project, extra) else set()
        assert find_told(audit, target.variables, extra) == expected, need
        wrong = wrong or bool(expected)
    assert (audit.status == "wrong") == wrong
    assert not (override and wrong)


def asks_for(lock: Lock, project: str, extra: str) -> bool:
    """Whether the lock says that its own project asks for ``project[extra]``."""
    (asker,) = (package for package in lock.packages if package.origin == "project")
    arrows = [*(asker.dependencies or ()), *(arrow for own in asker.optional.values() for arrow in own)]
    return any(arrow.project == project and extra in arrow.extras for arrow in arrows)


def find_expected(need: oracle.Need, given: Mapping[str, Version]) -> set[tuple[str, str]]:
    """Return (id, project) of what the lock does not give as it is needed."""
    found: set[tuple[str, str]] = {
        ("WA412", project) for project in given.keys() - {project for project, *_ in need.asked}
    }
    for project, _, specifier, _ in need.asked:
        if project not in given:
            found.add(("WA411", project))
        elif not specifier.contains(given[project], prereleases=True):
            found.add(("WA413", project))
    return found


def find_told(audit: LockAudit, variables: Mapping[str, str], extra: str) -> set[tuple[str, str]]:
    """Return (id, project) of what is said of an environment: without an extra, or with this one alone."""
    found: set[tuple[str, str]] = set()
    for finding in audit.findings:
        if names(finding.environments, variables):
            for text in finding.requirements:
                requirement, _, of_extra = text.partition("; extra == ")
                if of_extra.strip('"') == extra:
                    found.add((finding.id, canonicalize_name(Requirement(requirement).name)))
    return found


# --- what the user decides ----------------------------------------------------------------------------

SETTINGS = """
[tool.uv]
override-dependencies = ["over==1.0; sys_platform != 'win32'"]
exclude-dependencies = ["excluded"]
constraint-dependencies = ["constrained<2"]
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
conflicts = [[{ extra = "one" }, { extra = "two" }]]
"""


def test_settings_of_the_project_are_no_false_alarm(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index()
    lines = ["over>=2", "excluded", "constrained", "mac; sys_platform == 'darwin'", "tool[fast]; extra == 'all'"]
    lines += ["thing[more]; extra == 'all'", "more; extra == 'more'", "missing[lack]", "hollow[empty]", "tool"]
    extras = ["all", "more"]
    tags = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-win_amd64", "cp311-cp311-macosx_11_0_arm64")
    for version in ("1.0", "2.0"):
        data = build_metadata("thing", version, extras=extras, requires=lines)
        index.add(ServedWheel(filename=f"thing-{version}-{tag}.whl", metadata=data) for tag in tags)
    for stub in ("over", "excluded", "constrained", "mac", "more", "missing"):
        index.add(build_stub_wheel(stub, version) for version in ("1.0", "2.0"))
    index.add([build_stub_wheel("hollow", "1.0", extras=["empty"])])
    index.add([build_stub_wheel("tool", "1.0", extras=["fast"], requires=["more; extra == 'fast'"])])
    run = uv.lock(
        tmp_path,
        index,
        requires_python=">=3.11",
        dependencies=["tool; sys_platform == 'linux'"],
        extras={"one": ["thing[all]==1.0"], "two": ["thing==2.0"]},
        block=SETTINGS,
    )
    assert run.status == 0, run.stderr
    audits = judge(parse_lock((tmp_path / "uv.lock").read_text(encoding="utf-8")), index.server)
    assert find_wrong(audits) == []
    assert audits["thing==1.0"].environments > audits["thing==2.0"].environments > 0
    assert not any("macos" in str(finding) for audit in audits.values() for finding in audit.findings)


def build_stub_wheel(
    project: str, version: str, *, extras: Iterable[str] = (), requires: Iterable[str] = ()
) -> ServedWheel:
    return ServedWheel(
        filename=f"{project}-{version}-py3-none-any.whl",
        metadata=build_metadata(project, version, extras=extras, requires=requires),
    )


def test_lost_extra_of_what_is_given_is_told(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index()
    index.add([build_stub_wheel("tool", "1.0", extras=["fast"], requires=["more; extra == 'fast'"])])
    index.add([build_stub_wheel("more", "1.0")])
    for tag, line in (("manylinux_2_17_aarch64", "tool"), ("manylinux_2_17_x86_64", "tool[fast]")):
        data = build_metadata("thing", "1.0", requires=[line])
        index.add([ServedWheel(filename=f"thing-1.0-cp311-cp311-{tag}.whl", metadata=data)])
    run = uv.lock(tmp_path, index, requires_python=">=3.11", dependencies=["thing"])
    assert run.status == 0, run.stderr
    audits = judge(parse_lock((tmp_path / "uv.lock").read_text(encoding="utf-8")), index.server)
    assert find_wrong(audits) == ["thing==1.0"]
    assert [each.requirements for each in audits["thing==1.0"].findings] == [("tool[fast]",)]
    assert audits["thing==1.0"].findings[0].environments == "linux x86_64, CPython 3.11"


def test_forks_of_one_project_are_each_held_against_their_own_environments(
    uv: Uv, make_index: MakeIndex, tmp_path: Path
) -> None:
    index = make_index()
    for version, wanted in (("1.0", "old"), ("2.0", "new")):
        for tag in ("manylinux_2_17_x86_64", "win_amd64"):
            lines = [wanted] if tag == "win_amd64" else [wanted, "linux-only"]
            data = build_metadata("thing", version, requires=lines)
            index.add([ServedWheel(filename=f"thing-{version}-py3-none-{tag}.whl", metadata=data)])
    index.add(build_stub_wheel(stub, "1.0") for stub in ("old", "new", "linux_only"))
    run = uv.lock(
        tmp_path,
        index,
        requires_python=">=3.10",
        dependencies=["thing<2; python_version < '3.12'", "thing>=2; python_version >= '3.12'"],
    )
    assert run.status == 0, run.stderr
    audits = judge(parse_lock((tmp_path / "uv.lock").read_text(encoding="utf-8")), index.server)
    # uv has read the manylinux wheel.
    assert find_wrong(audits) == ["thing==1.0", "thing==2.0"]
    for spec, pythons in (("thing==1.0", {10, 11}), ("thing==2.0", {12})):
        (finding,) = audits[spec].findings
        assert (finding.id, finding.requirements) == ("WA412", ("linux-only==1.0",))
        for minor in (10, 11, 12):
            variables = {
                "sys_platform": "win32",
                "platform_machine": "AMD64",
                "platform_python_implementation": "CPython",
                "python_version": f"3.{minor}",
                "python_full_version": f"3.{minor}.0",
            }
            assert names(finding.environments, variables) == (minor in pythons)
