from __future__ import annotations

from collections.abc import Iterable

import pytest
from packaging.specifiers import SpecifierSet

from tests.releases import build_wheel
from wheelaudit.environments import Served
from wheelaudit.grid import LATE_PATCH, build_served, find_distinct, find_platforms, is_floor
from wheelaudit.markers import Comparison, comparisons, parse_expression
from wheelaudit.release import WheelFile


def literals(*markers: str) -> list[Comparison]:
    return [comparison for marker in markers for comparison in comparisons(parse_expression(marker))]


def serve(
    *tags: str | WheelFile, markers: Iterable[str] = (), bounds: dict[str, str] | None = None
) -> tuple[Served, ...]:
    """The environments of a release with these tags; ``bounds``: tag to Requires-Python."""
    wheels = [tag if isinstance(tag, WheelFile) else build_wheel(f"thing-1.0-{tag}.whl") for tag in tags]
    requires = {
        wheel: SpecifierSet((bounds or {}).get(wheel.filename.removeprefix("thing-1.0-").removesuffix(".whl"), ""))
        for wheel in wheels
    }
    return build_served(wheels, requires_python=requires, comparisons=literals(*markers))


def pythons(served: Iterable[Served]) -> list[str]:
    return list(dict.fromkeys(each.environment.interpreter.label for each in served))


def platforms(served: Iterable[Served]) -> set[str]:
    return {each.environment.platform.label for each in served}


def best(
    served: Iterable[Served],
    *,
    platform: str = "linux x86_64",
    python: str = "3.12",
    level: tuple[int, int] | None = None,
) -> set[str]:
    """The tags of the best wheels of some environments."""
    return {
        wheel.filename.removeprefix("thing-1.0-").removesuffix(".whl")
        for each in served
        for wheel in each.best
        if each.environment.platform.label == platform
        and each.environment.interpreter.label == python
        and level in (None, each.environment.platform.level)
    }


def values(served: Iterable[Served], variable: str) -> set[str]:
    return {each.environment.variables()[variable] for each in served}


def test_exact_wheel_serves_its_python_and_machine_alone() -> None:
    served = serve("cp312-cp312-win_amd64")
    assert platforms(served) == {"windows AMD64"}
    assert pythons(served) == ["3.12"]
    assert values(served, "sys_platform") == {"win32"}
    assert values(served, "python_full_version") == {"3.12.0", f"3.12.{LATE_PATCH}"}


def test_stable_abi_is_a_floor_up_to_one_above_the_newest_python_that_tags_name() -> None:
    served = serve("cp39-abi3-win_amd64", "cp312-cp312-win_amd64")
    assert pythons(served) == ["3.9", "3.10", "3.11", "3.12", "3.13"]
    assert best(served, platform="windows AMD64", python="3.12") == {"cp312-cp312-win_amd64"}
    assert best(served, platform="windows AMD64", python="3.13") == {"cp39-abi3-win_amd64"}


def test_floor_goes_above_the_newest_python_that_markers_and_requires_python_name() -> None:
    by_marker = serve("cp310-abi3-win_amd64", markers=['python_version < "3.13"'])
    assert pythons(by_marker) == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    by_bound = serve("cp310-abi3-win_amd64", bounds={"cp310-abi3-win_amd64": ">=3.10,<3.12"})
    assert pythons(by_bound) == ["3.10", "3.11"]


def test_no_abi_wheel_serves_pypy_and_free_threaded_builds_as_well() -> None:
    served = serve("py3-none-win_amd64", bounds={"py3-none-win_amd64": ">=3.12"}, markers=['python_version < "3.13"'])
    assert pythons(served) == ["3.12", "3.13", "3.13t", "3.14", "3.14t", "pypy3.12", "pypy3.13", "pypy3.14"]


def test_interpreter_specific_wheel_without_abi_serves_its_python_with_and_without_threads() -> None:
    assert pythons(serve("cp313-none-win_amd64")) == ["3.13", "3.13t"]
    assert pythons(serve("cp312-none-any")) == ["3.12"]


def test_stable_abi_does_not_serve_free_threaded_builds_and_theirs_does() -> None:
    assert pythons(serve("cp313-abi3-win_amd64")) == ["3.13", "3.14"]
    assert pythons(serve("cp315-abi3t-win_amd64")) == ["3.15t", "3.16t"]


def test_old_and_new_python_in_one_tag_set_serve_both() -> None:
    served = serve("py2.py3-none-any", bounds={"py2.py3-none-any": ">=2.7,!=3.0.*,!=3.1.*,!=3.2.*"})
    assert pythons(served) == ["2.7", "3.3", "pypy2.7", "pypy3.3"]


def test_pypy_tags_without_minor_version_serve_every_pypy() -> None:
    served = serve("pp3-none-any", bounds={"pp3-none-any": ">=3.9,<3.11"})
    assert pythons(served) == ["pypy3.9", "pypy3.10"]


def test_python_that_markers_name_is_there_only_where_a_wheel_serves_it() -> None:
    assert pythons(serve("cp310-cp310-win_amd64", markers=['python_version >= "3.14"'])) == ["3.10"]


def test_patch_releases_that_markers_name_split_a_minor_version() -> None:
    served = serve("cp311-cp311-win_amd64", "cp312-cp312-win_amd64", markers=['python_full_version >= "3.11.4"'])
    assert values(served, "python_full_version") == {
        *("3.11.0", "3.11.3", "3.11.4", "3.11.5", f"3.11.{LATE_PATCH}"),
        *("3.12.0", f"3.12.{LATE_PATCH}"),
    }


def test_pre_releases_that_markers_name_are_there() -> None:
    served = serve("cp313-cp313-win_amd64", markers=['python_full_version < "3.13.0rc2"'])
    assert "3.13.0rc2" in values(served, "python_full_version")


def test_requires_python_keeps_a_wheel_from_serving() -> None:
    served = serve("cp312-cp312-win_amd64", "py3-none-any", bounds={"cp312-cp312-win_amd64": ">=3.12.4"})
    by_patch = {
        each.environment.interpreter.full_version: each.best[0].filename
        for each in served
        if each.environment.platform.label == "windows AMD64" and each.environment.interpreter.label == "3.12"
    }
    assert by_patch["3.12.3"] == "thing-1.0-py3-none-any.whl"
    assert by_patch["3.12.4"] == "thing-1.0-cp312-cp312-win_amd64.whl"
    assert serve("cp38-cp38-win_amd64", bounds={"cp38-cp38-win_amd64": ">=3.9"}) == ()


def test_highest_build_tag_is_best_and_numbers_are_compared_as_numbers() -> None:
    served = serve("cp312-cp312-win_amd64", "2-cp312-cp312-win_amd64", "10-cp312-cp312-win_amd64")
    assert best(served, platform="windows AMD64") == {"10-cp312-cp312-win_amd64"}


def test_specific_tag_is_preferred_to_a_higher_build_tag() -> None:
    served = serve("cp312-cp312-win_amd64", "9-cp312-abi3-win_amd64")
    assert best(served, platform="windows AMD64") == {"cp312-cp312-win_amd64"}


def test_first_file_name_is_best_among_wheels_of_one_tag_and_build() -> None:
    served = serve("cp312-cp312-macosx_11_0_arm64.win_amd64", "cp312-cp312-win_amd64")
    assert best(served, platform="windows AMD64") == {"cp312-cp312-macosx_11_0_arm64.win_amd64"}


def test_newest_level_of_the_c_library_that_a_system_reaches_is_best() -> None:
    old = "cp312-cp312-manylinux2014_x86_64"
    new = "cp312-cp312-manylinux_2_28_x86_64"
    musl = "cp312-cp312-musllinux_1_2_x86_64"
    served = serve(old, new, musl)
    assert best(served, level=(2, 28)) == {new}
    assert best(served, level=(2, 17)) == {old}
    assert best(served, platform="linux x86_64 (musl)") == {musl}


def test_bare_linux_wheel_serves_every_c_library_and_comes_after_the_bound_ones() -> None:
    bound, bare = "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-linux_x86_64"
    served = serve(bound, bare)
    assert best(served, level=(2, 28)) == {bound}
    assert best(served, level=(2, 5)) == {bare}
    assert best(served, platform="linux x86_64 (musl)") == {bare}


def test_manylinux_alone_serves_no_musl() -> None:
    assert platforms(serve("cp312-cp312-manylinux_2_28_x86_64")) == {"linux x86_64"}


def test_any_beside_platform_wheels_serves_what_they_do_not() -> None:
    exact, anywhere = "cp312-cp312-manylinux_2_28_x86_64", "py3-none-any"
    served = serve(exact, anywhere, bounds={anywhere: ">=3.12"})
    assert best(served, level=(2, 28)) == {exact}
    for platform in ("linux x86_64 (musl)", "linux aarch64", "macos arm64", "windows AMD64", "freebsd14 amd64"):
        assert best(served, platform=platform) == {anywhere}, platform
    for python in ("3.13", "3.13t", "pypy3.12"):
        assert best(served, python=python) == {anywhere}, python
    assert best(served, level=(2, 5)) == {anywhere}


def test_universal2_serves_two_machines_and_the_thin_wheel_is_preferred() -> None:
    fat, thin = "cp312-cp312-macosx_10_13_universal2", "cp312-cp312-macosx_11_0_arm64"
    served = serve(fat, thin)
    assert platforms(served) == {"macos arm64", "macos x86_64"}
    assert best(served, platform="macos arm64") == {thin}
    assert best(served, platform="macos x86_64") == {fat}


def test_newer_macos_level_serves_only_newer_systems() -> None:
    old, new = "cp312-cp312-macosx_11_0_arm64", "cp312-cp312-macosx_14_0_arm64"
    served = serve(old, new)
    assert best(served, platform="macos arm64", level=(14, 0)) == {new}
    assert best(served, platform="macos arm64", level=(11, 0)) == {old}


def test_wheel_of_one_name_on_two_indexes_is_best_twice() -> None:
    one = build_wheel("thing-1.0-cp312-cp312-win_amd64.whl", index="one")
    two = build_wheel("thing-1.0-cp312-cp312-win_amd64.whl", index="two")
    assert {each.best for each in serve(one, two)} == {(one, two)}


@pytest.mark.parametrize(
    ("tag", "sys_platform", "machine"),
    [
        ("cp313-cp313-freebsd_14_1_release_amd64", "freebsd14", "amd64"),
        ("cp313-cp313-android_24_arm64_v8a", "android", "aarch64"),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", "ios", "arm64"),
        ("cp313-cp313-ios_13_0_arm64_iphonesimulator", "ios", "arm64"),
        ("cp313-cp313-emscripten_3_1_58_wasm32", "emscripten", "wasm32"),
        ("cp313-cp313-pyodide_2025_0_wasm32", "emscripten", "wasm32"),
        ("cp313-cp313-wasi_0_0_0_wasm32", "wasi", "wasm32"),
        ("cp313-cp313-solaris_2_11_sparc", "solaris", "sparc"),
        ("cp313-cp313-weird", "weird", "weird"),
    ],
)
def test_platforms_that_are_rare_or_unknown_are_served(tag: str, sys_platform: str, machine: str) -> None:
    served = serve(tag)
    assert values(served, "sys_platform") == {sys_platform}
    assert values(served, "platform_machine") == {machine}


def test_device_and_simulator_are_no_platforms_of_one_another() -> None:
    device, simulator = "cp313-cp313-ios_13_0_arm64_iphoneos", "cp313-cp313-ios_13_0_arm64_iphonesimulator"
    served = serve(device, simulator)
    assert best(served, platform="ios arm64", python="3.13") == {device}
    assert best(served, platform="ios simulator arm64", python="3.13") == {simulator}


@pytest.mark.parametrize(
    "tag", ["source-none-any", "cp-cp-win_amd64", "cp31x-none-any", "py9-none-any", "py99-none-any"]
)
def test_odd_python_tags_do_not_crash(tag: str) -> None:
    assert best(serve(tag, "cp312-cp312-win_amd64"), platform="windows AMD64") == {"cp312-cp312-win_amd64"}


def test_other_interpreters_are_served_by_their_own_wheels() -> None:
    served = serve("graalpy311-graalpy242_311_native-win_amd64")
    assert pythons(served) == ["graalpy3.11"]
    assert values(served, "platform_python_implementation") == {"GraalVM"}


def test_marker_with_an_absurd_python_costs_its_neighbours_only() -> None:
    served = serve("py3-none-any", markers=['python_version < "3.1000000"', 'python_version >= "3.999"'])
    assert len(pythons(served)) < 300


def test_tag_with_an_absurd_python_is_served() -> None:
    assert pythons(serve("cp3999-abi3-win_amd64")) == ["3.999", "3.1000"]


@pytest.mark.parametrize("variable", ["platform_release", "platform_version"])
def test_releases_of_the_system_are_there_below_at_and_above_a_literal(variable: str) -> None:
    found = values(serve("cp312-cp312-win_amd64", markers=[f'{variable} >= "10.0.22000"']), variable)
    assert {"0", "10.0.22000", "10.0.22000.1"} <= found


@pytest.mark.parametrize("variable", ["platform_release", "platform_version"])
def test_words_that_markers_look_for_in_a_release_are_there(variable: str) -> None:
    found = values(serve("cp312-cp312-win_amd64", markers=[f'"microsoft" in {variable}']), variable)
    assert "microsoft" in found
    assert len(found) > 1


def test_implementation_version_that_markers_name_splits_cpython() -> None:
    served = serve("cp311-cp311-win_amd64", markers=['implementation_version >= "3.11.4"'])
    assert {"3.11.3", "3.11.4"} <= values(served, "implementation_version")


def test_platforms_that_only_markers_name_are_served_by_any() -> None:
    markers = ['sys_platform == "cygwin"', 'platform_system == "Emscripten"', 'platform_machine == "loongarch64"']
    served = serve("py3-none-any", markers=markers)
    assert {"cygwin", "emscripten"} <= values(served, "sys_platform")
    assert "linux loongarch64" in platforms(served)
    assert "cygwin" not in values(serve("cp312-cp312-win_amd64", markers=markers), "sys_platform")


def test_words_of_a_list_in_a_marker_are_values() -> None:
    served = serve("py3-none-any", markers=['sys_platform in "cygwin, wasi"'])
    assert {"cygwin", "wasi"} <= values(served, "sys_platform")


def test_machines_are_spelled_as_each_system_spells_them() -> None:
    tags = ["win_amd64", "win_arm64", "win32", "macosx_11_0_arm64", "macosx_10_9_x86_64", "manylinux2014_aarch64"]
    served = serve(*(f"cp312-cp312-{tag}" for tag in tags))
    found = {(each.environment.platform.sys_platform, each.environment.platform.platform_machine) for each in served}
    assert found == {
        ("win32", "AMD64"),
        ("win32", "ARM64"),
        ("win32", "x86"),
        ("darwin", "arm64"),
        ("darwin", "x86_64"),
        ("linux", "aarch64"),
    }


def test_environments_come_in_one_order_however_the_wheels_come() -> None:
    tags = ["cp312-cp312-win_amd64", "py3-none-any", "cp39-abi3-manylinux2014_x86_64"]
    one, other = serve(*tags), serve(*reversed(tags))
    assert [each.environment for each in one] == [each.environment for each in other]
    assert [each.best for each in one] == [each.best for each in other]


def test_distinct_environments_differ_in_a_variable_or_in_the_best_wheel() -> None:
    served = serve("cp313-cp313-manylinux_2_28_x86_64", "py3-none-any", bounds={"py3-none-any": ">=3.13"})
    distinct = find_distinct(served)
    keys = [(tuple(each.environment.variables().items()), each.best) for each in distinct]
    assert len(set(keys)) == len(keys) < len(served)
    assert {(tuple(each.environment.variables().items()), each.best) for each in served} == set(keys)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("cp39-abi3-win_amd64", True),
        ("cp315-abi3t-win_amd64", True),
        ("py3-none-win_amd64", True),
        ("py2.py3-none-any", True),
        ("cp312-none-win_amd64", False),
        ("cp312-cp312-win_amd64", False),
        ("pp310-pypy310_pp73-win_amd64", False),
    ],
)
def test_floor_wheels_are_those_that_serve_every_later_python(tag: str, expected: bool) -> None:
    assert is_floor(build_wheel(f"thing-1.0-{tag}.whl")) is expected


def test_platforms_of_a_wheel_do_not_depend_on_its_python() -> None:
    wheels = [
        build_wheel("thing-1.0-cp312-cp312-win_amd64.whl"),
        build_wheel("thing-1.0-cp38-cp38-macosx_10_9_universal2.whl"),
        build_wheel("thing-1.0-py3-none-any.whl"),
    ]
    found = find_platforms(wheels, comparisons=())
    named = [{(each["sys_platform"], each["platform_machine"]) for each in found[wheel]} for wheel in wheels]
    assert named[0] == {("win32", "AMD64")}
    assert named[1] == {("darwin", "arm64"), ("darwin", "x86_64")}
    assert named[2] > named[0] | named[1]
    assert "python_version" not in found[wheels[0]][0]
