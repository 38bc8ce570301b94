"""Which wheel the real uv reads, by what ``uv lock -v`` prints, against `find_wheel_read`."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.releases import CONSISTENT, INCONSISTENT, build_wheel
from tests.uv.cases import Case, build_random_cases, build_real_case, build_tag_cases
from tests.uv.conftest import MakeIndex
from tests.uv.index import SimpleIndex, build_stub
from tests.uv.lock import Uv, find_python_version, needs_stand_in
from wheelaudit.audit.uv import find_wheel_read
from wheelaudit.release import WheelFile

BOUNDS = (
    ">=3.8",
    ">=3.9",
    ">=3.10",
    ">=3.11",
    ">=3.12",
    ">=3.13",
    "<3.11",
    "==3.11.*",
    "==3.*",
    "~=3.10",
    "~=3.10.2",
    ">=3.10,<3.12",
    ">=3.10.5,<3.12.3",
    ">3.10,<=3.12",
    ">=3.9,!=3.9.*",
    ">=3.9,<3.13,!=3.12.*",
)
EMPTY = 3
"""Releases without a wheel for a bound are locked one by one: that many are enough a bound."""

REAL = tuple(build_real_case(name) for name in (*INCONSISTENT, *CONSISTENT))
CASES = (*REAL, *build_tag_cases(), *build_random_cases())


@pytest.fixture(scope="module")
def index(make_index: MakeIndex) -> SimpleIndex:
    """All releases of this module on one index, their wheels in no order."""
    index = make_index()
    index.add(build_stub(wheel.filename, yanked=wheel.yanked) for case in CASES for wheel in case.wheels)
    return index


def predict(case: Case, bound: str) -> str | None:
    wheel = find_wheel_read(case.admitted, requires_python=SpecifierSet(bound))
    return None if wheel is None else wheel.filename


@pytest.mark.parametrize("bound", BOUNDS)
def test_wheel_that_uv_reads_is_predicted(uv: Uv, index: SimpleIndex, tmp_path: Path, bound: str) -> None:
    if needs_stand_in(bound):
        pytest.skip("uv wants a Python inside of the bound, and no script can pass for one here")
    predicted = {case.project: filename for case in CASES if (filename := predict(case, bound))}
    assert len(predicted) > len(CASES) // 2
    run = uv.lock(
        tmp_path,
        index,
        requires_python=bound,
        dependencies=[case.requirement for case in CASES if case.project in predicted],
        options=["-v"],
    )
    assert run.status == 0, run.stderr
    assert run.selected == predicted
    for case in [case for case in CASES if case.project not in predicted][:EMPTY]:
        alone = uv.lock(tmp_path / case.project, index, requires_python=bound, dependencies=[case.requirement])
        assert alone.status == 1, (case, alone.stderr)
        assert case.project in alone.stderr


def read_by_uv(uv: Uv, folder: Path, *indexes: SimpleIndex, requirement: str, bound: str = ">=3.11") -> str:
    run = uv.lock(folder, *indexes, requires_python=bound, dependencies=[requirement], options=["-v"])
    assert run.status == 0, run.stderr
    return run.selected["thing"]


def read_by_us(*wheels: WheelFile, bound: str = ">=3.11", indexes: tuple[str, ...] = ()) -> str:
    wheel = find_wheel_read(wheels, requires_python=SpecifierSet(bound), indexes=indexes)
    assert wheel is not None
    return wheel.filename


def test_yanked_wheel_counts_where_the_version_is_pinned(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index()
    yanked, kept = "thing-1.0-cp311-cp311-linux_x86_64.whl", "thing-1.0-cp312-cp312-linux_x86_64.whl"
    index.add([build_stub(yanked, yanked="broken"), build_stub(kept)])
    assert read_by_uv(uv, tmp_path / "pinned", index, requirement="thing==1.0") == yanked
    assert read_by_uv(uv, tmp_path / "open", index, requirement="thing") == kept
    assert read_by_us(build_wheel(yanked, yanked="broken"), build_wheel(kept)) == yanked


def test_first_index_that_has_the_project_is_the_only_one_that_counts(
    uv: Uv, make_index: MakeIndex, tmp_path: Path
) -> None:
    first, second = make_index(), make_index()
    near, far = "thing-1.0-cp312-cp312-linux_x86_64.whl", "thing-1.0-1-cp311-cp311-linux_x86_64.whl"
    first.add([build_stub(near)])
    second.add([build_stub(far)])
    assert read_by_uv(uv, tmp_path, first, second, requirement="thing==1.0") == near
    wheels = (build_wheel(far, index="second"), build_wheel(near, index="first"))
    assert read_by_us(*wheels, indexes=("first", "second")) == near


def test_metadata_of_one_version_is_not_taken_from_a_second_index(
    uv: Uv, make_index: MakeIndex, tmp_path: Path
) -> None:
    first, second = make_index(), make_index()
    same = "thing-1.0-py3-none-any.whl"
    first.add([build_stub(same, requires=["alpha"]), build_stub("alpha-1.0-py3-none-any.whl")])
    second.add([build_stub(same, requires=["beta"]), build_stub("beta-1.0-py3-none-any.whl")])
    run = uv.lock(tmp_path, first, second, requires_python=">=3.11", dependencies=["thing==1.0"])
    assert run.lock is not None, run.stderr
    assert {entry["name"] for entry in run.lock["package"]} == {"asker", "thing", "alpha"}


def test_forks_have_no_part_in_the_choice(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index()
    wheels = ("thing-1.0-cp311-cp311-linux_x86_64.whl", "thing-1.0-cp313-cp313-linux_x86_64.whl")
    index.add(map(build_stub, wheels))
    index.add(build_stub(f"split-{version}-py3-none-any.whl") for version in (1, 2))
    run = uv.lock(
        tmp_path,
        index,
        requires_python=">=3.11",
        dependencies=["thing==1.0", 'split==1; python_version < "3.13"', 'split==2; python_version >= "3.13"'],
        options=["-v"],
    )
    assert run.lock is not None, run.stderr
    assert [entry["name"] for entry in run.lock["package"]].count("split") == 2
    assert run.selected["thing"] == wheels[0]


@pytest.mark.parametrize("bound", BOUNDS)
def test_stand_in_is_inside_of_its_bound(bound: str) -> None:
    assert Version(find_python_version(SpecifierSet(bound))) in SpecifierSet(bound)


def test_stable_abi_of_a_later_python_alone_cannot_be_locked(uv: Uv, make_index: MakeIndex, tmp_path: Path) -> None:
    bound = ">=3.10,<3.13"
    if needs_stand_in(bound):
        pytest.skip("uv wants a Python inside of the bound, and no script can pass for one here")
    alone, beside = make_index(), make_index()
    late, early = "thing-1.0-cp313-abi3-win_amd64.whl", "thing-1.0-cp39-abi3-win_amd64.whl"
    alone.add([build_stub(late)])
    assert uv.lock(tmp_path / "alone", alone, requires_python=bound, dependencies=["thing==1.0"]).status == 1
    assert find_wheel_read([build_wheel(late)], requires_python=SpecifierSet(bound)) is None
    # Beside a wheel that serves, its metadata is read all the same.
    beside.add([build_stub(late), build_stub(early)])
    assert read_by_uv(uv, tmp_path / "beside", beside, requirement="thing==1.0", bound=bound) == late
    assert read_by_us(build_wheel(late), build_wheel(early), bound=bound) == late
