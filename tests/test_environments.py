from __future__ import annotations

from dataclasses import replace

import pytest

from wheelaudit.environments import Environment, Interpreter, Platform, describe_environments, python_label
from wheelaudit.markers import VARIABLES
from wheelaudit.tags import Libc

LINUX = Platform(
    os_name="posix",
    sys_platform="linux",
    platform_system="Linux",
    platform_machine="x86_64",
    platform_release="6.8.0",
    platform_version="#1 SMP",
    libc="glibc",
    level=(2, 28),
    system="linux",
)
WINDOWS = Platform(
    os_name="nt",
    sys_platform="win32",
    platform_system="Windows",
    platform_machine="AMD64",
    platform_release="11",
    platform_version="10.0.26100",
    system="windows",
)


def on(
    python: str, *, platform: Platform = LINUX, kind: str = "cp", patch: int = 0, libc: Libc | None = "glibc"
) -> Environment:
    """An environment; a python that ends with ``t`` is free-threaded."""
    major, minor = python.removesuffix("t").split(".")
    interpreter = Interpreter(
        kind=kind,
        major=int(major),
        minor=int(minor),
        full_version=f"{major}.{minor}.{patch}",
        abi=f"{kind}{major}{minor}{'t' if python.endswith('t') else ''}",
        implementation_version="7.3.17" if kind == "pp" else None,
    )
    return Environment(platform=replace(platform, libc=libc), interpreter=interpreter)


def many(*pythons: str, platform: Platform = LINUX, kind: str = "cp") -> list[Environment]:
    return [on(python, platform=platform, kind=kind) for python in pythons]


ALL = many("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.13t")


def test_environment_assigns_every_marker_variable() -> None:
    assert sorted(on("3.12").variables()) == sorted(VARIABLES)
    assert all(isinstance(value, str) for value in on("3.12").variables().values())


def test_variables_are_those_of_its_platform_and_interpreter() -> None:
    variables = on("3.10", platform=WINDOWS, patch=4).variables()
    assert variables["sys_platform"] == "win32"
    assert variables["python_version"] == "3.10"
    assert variables["python_full_version"] == variables["implementation_version"] == "3.10.4"
    pypy = on("3.10", kind="pp").variables()
    assert (pypy["platform_python_implementation"], pypy["implementation_name"]) == ("PyPy", "pypy")
    assert pypy["implementation_version"] == "7.3.17"


def test_interpreter_of_an_unknown_kind_is_named_by_its_tag() -> None:
    assert on("3.11", kind="rp").variables()["implementation_name"] == "rp"


def test_free_threading_and_c_library_are_no_variables() -> None:
    assert on("3.13").variables() == on("3.13t").variables()
    assert on("3.13").variables() == on("3.13", libc="musl").variables()


@pytest.mark.parametrize(
    ("kind", "free_threaded", "label"),
    [("cp", False, "3.13"), ("cp", True, "3.13t"), ("pp", False, "pypy3.13"), ("graalpy", False, "graalpy3.13")],
)
def test_python_label(kind: str, free_threaded: bool, label: str) -> None:
    assert python_label(kind, "3.13", free_threaded) == label


def test_platform_label_names_musl_and_not_glibc() -> None:
    assert on("3.12").platform.label == "linux x86_64"
    assert on("3.12", libc="musl").platform.label == "linux x86_64 (musl)"
    assert str(on("3.12", patch=4)) == "linux x86_64, 3.12 (3.12.4)"


def test_neighbouring_versions_are_a_range_in_the_order_of_versions() -> None:
    assert describe_environments(many("3.10", "3.9", "3.11"), ALL) == "linux x86_64, CPython 3.9-3.11"


def test_gap_that_is_served_parts_a_range() -> None:
    assert describe_environments(many("3.8", "3.10", "3.11"), ALL) == "linux x86_64, CPython 3.8, 3.10-3.11"


def test_gap_that_no_wheel_serves_parts_no_range() -> None:
    served = many("3.8", "3.10", "3.12")
    assert describe_environments(served, served) == "linux x86_64, CPython 3.8-3.12"


def test_one_version_is_no_range() -> None:
    assert describe_environments(many("3.12"), ALL) == "linux x86_64, CPython 3.12"


def test_free_threaded_python_is_named_only_where_its_usual_build_is_not() -> None:
    assert describe_environments(many("3.12", "3.13", "3.13t"), ALL) == "linux x86_64, CPython 3.12-3.13"
    assert describe_environments(many("3.13t"), ALL) == "linux x86_64, CPython 3.13t"
    assert describe_environments(many("3.12", "3.13t"), ALL) == "linux x86_64, CPython 3.12, 3.13t"


def test_pypy_follows_cpython() -> None:
    universe = [*ALL, *many("3.9", "3.10", kind="pp")]
    chosen = many("3.9", "3.10", kind="pp") + many("3.12")
    assert describe_environments(chosen, universe) == "linux x86_64, CPython 3.12 and PyPy 3.9-3.10"


def test_patch_releases_are_named_where_only_some_are_there() -> None:
    universe = [on("3.11"), on("3.11", patch=3), on("3.11", patch=4), on("3.12")]
    assert describe_environments([on("3.11", patch=4), on("3.12")], universe) == "linux x86_64, CPython 3.12, 3.11.4"
    assert describe_environments(universe, universe) == "linux x86_64, CPython 3.11-3.12"


def test_platforms_with_the_same_pythons_are_named_together() -> None:
    arm = replace(LINUX, platform_machine="aarch64")
    universe = [env for platform in (LINUX, arm, WINDOWS) for env in many("3.11", "3.12", platform=platform)]
    assert describe_environments(universe, universe) == (
        "linux x86_64, linux aarch64 and windows AMD64, CPython 3.11-3.12"
    )
    chosen = many("3.11", "3.12", platform=arm) + many("3.12", platform=WINDOWS)
    assert describe_environments(chosen, universe) == "linux aarch64, CPython 3.11-3.12; windows AMD64, CPython 3.12"


def test_c_library_is_not_named() -> None:
    both = [on("3.12"), on("3.12", libc="musl")]
    assert describe_environments(both, both) == "linux x86_64, CPython 3.12"


def test_no_environments_are_an_empty_text() -> None:
    assert describe_environments([], ALL) == ""
