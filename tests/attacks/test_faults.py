"""Forty audits over a connection that fails, the same ones in every run; 500 are `python -m scripts._attack_faults`."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts._attack_child import Done, make_impatient, run_here
from scripts._attack_faults import FINE, SEED, Plan, attack, draw_plan, judge_audit, judge_lock
from scripts._attack_proxy import FAULTS, Fault, FaultyIndex, serve
from scripts._attack_world import Truth, World, build_files, draw_metadata, draw_world, find_truth
from wheelaudit.index import wire

AUDITS = 40
NUMBERS = [*itertools.islice((number for number in itertools.count(SEED) if draw_plan(number).covered), AUDITS)]
"""Those whose faults something can show."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Hardly wait between two attempts, and have no settings of this machine."""
    for name in [*os.environ]:
        if name.startswith(("WHEELAUDIT_", "UV_", "PIP_")) or name.upper().endswith("PROXY"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    base, most = wire.BACKOFF_BASE, wire.MAX_BACKOFF
    make_impatient()
    yield
    wire.BACKOFF_BASE, wire.MAX_BACKOFF = base, most


def make_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("number", NUMBERS)
def test_audit_is_right_or_says_that_it_is_not_sure(number: int, tmp_path: Path) -> None:
    plan = draw_plan(number)
    result = attack(plan, run_here, make_folder(tmp_path / "run"))
    assert result.outcome in FINE, plan.describe()


@pytest.mark.parametrize("mode", ["audit", "store", "lock", "nightly"])
def test_without_a_fault_it_is_right(mode: str, tmp_path: Path) -> None:
    version = "2.7.0.dev20250115"
    world = replace(
        draw_world(1),
        project="demo",
        version=version,
        metadata=draw_metadata(random.Random(4), "demo", version, variants=2),
    )
    assert find_truth(world).verdict == "inconsistent"
    plan = Plan(number=0, mode=mode, world=world, faults=(), covered=True)  # type: ignore[arg-type]
    assert attack(plan, run_here, make_folder(tmp_path / "run")).outcome == "right"


def test_every_fault_is_among_the_audits_of_a_whole_run() -> None:
    drawn = {fault.name for number in range(SEED, SEED + 500) for fault in draw_plan(number).faults}
    assert drawn == {*FAULTS}


def test_fault_that_nothing_shows_is_seen_by_the_judge(tmp_path: Path) -> None:
    """A `.metadata` file without a hash comes as another wheel's: the audit is wrong, and is found to be."""
    world = build_pair(hashes="true")
    one, two = (path for path in build_files([world]) if path.endswith(".metadata"))
    fault = Fault(name="another file's answer", path=one, times=99, seed=1, other=two)
    result = attack(
        Plan(number=0, mode="audit", world=world, faults=(fault,), covered=False), run_here, make_folder(tmp_path / "x")
    )
    assert (result.outcome, result.wrong, result.met) == ("wrong: consistent", True, 1)


def test_judge_takes_nothing_else_for_right() -> None:
    truth = Truth(verdict="inconsistent", override={"name": "demo"})

    def say(code: int, verdict: str, override: object = None) -> str:
        out = json.dumps({"releases": [{"verdict": verdict, "override": override}]})
        return judge_audit(Done(code=code, out=out, err=""), truth, must=False)

    assert say(1, "inconsistent", {"name": "demo"}) == "right"
    assert say(1, "inconsistent") == "right, without override"
    assert say(3, "undecided") == "undecided"
    assert say(0, "consistent").startswith("wrong")
    assert say(1, "inconsistent", {"name": "other"}).startswith("wrong")
    assert say(0, "undecided").startswith("wrong")
    assert judge_audit(Done(code=2, out="", err="error: x"), truth, must=False) == "error"
    assert judge_audit(Done(code=2, out="", err="error: x"), truth, must=True).startswith("wrong")
    assert judge_audit(Done(code=2, out="", err="Traceback (most"), truth, must=False) == "traceback"
    assert judge_audit(Done(code=-1, out="", err=""), truth, must=False) == "hang"


def test_judge_of_locks_takes_nothing_else_for_right() -> None:
    def say(code: int, status: str, *lines: str) -> Done:
        found = [{"id": "WA411", "requirements": [*lines]}]
        release = {"status": status, "findings": found, "override": None}
        return Done(code=code, out=json.dumps({"releases": [release]}), err="")

    truth = say(1, "wrong", "a", "b")
    assert judge_lock(say(1, "wrong", "a", "b"), truth, must=True) == "right"
    assert judge_lock(say(3, "unknown"), truth, must=False) == "undecided"
    assert judge_lock(say(0, "right"), truth, must=False).startswith("wrong")
    assert judge_lock(say(1, "wrong", "a", "c"), truth, must=False).startswith("wrong")
    assert judge_lock(say(3, "unknown"), truth, must=True).startswith("wrong")


def build_pair(**shown: str | bool) -> World:
    """A release of two wheels that do not agree."""
    release = {
        f"demo-1.0-cp312-cp312-{platform}.whl": f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n{lines}\n".encode()
        for platform, lines in (("win_amd64", "Requires-Dist: one"), ("macosx_11_0_arm64", "Requires-Dist: two"))
    }
    return World(project="demo", version="1.0", metadata=release, packed=False, **shown)  # type: ignore[arg-type]


def meet(world: World, name: str, suffix: str, folder: Path, seed: int = 1) -> Done:
    """Audit ``world`` where every answer of a file of that suffix meets a fault."""
    paths = [path for path in build_files([world]) if path.endswith(suffix)]
    faults = tuple(Fault(name=name, path=path, times=99, seed=seed, other=path) for path in paths)
    with serve(FaultyIndex(world=world, files=build_files([world]), faults=faults)) as index:
        arguments = ["demo==1.0", "--index", f"{index.url}/simple", "--no-cache", "--retries", "0", "--format", "json"]
        return run_here(arguments, folder)


@pytest.mark.parametrize("name", ["length too short", "no length, cut"])
@pytest.mark.parametrize("seed", range(5))
def test_html_page_that_was_cut_is_no_page(tmp_path: Path, name: str, seed: int) -> None:
    """The part that came is a page of its own, and only the missing end tells."""
    done = meet(build_pair(form="html"), name, "/simple/demo/", tmp_path, seed)
    assert (done.code, done.out) == (2, "")
    assert "is not a project page" in done.err


@pytest.mark.parametrize("name", ["no length, cut", "no length, whole"])
def test_metadata_without_hash_and_length_is_read_out_of_the_wheel(tmp_path: Path, name: str) -> None:
    done = meet(build_pair(hashes="true"), name, ".metadata", tmp_path)
    (release,) = json.loads(done.out)["releases"]
    assert (done.code, release["verdict"]) == (1, "inconsistent")
    assert [wheel["source"] for wheel in release["wheels"]] == ["range", "range"]
    told = [finding["message"] for finding in release["findings"] if finding["id"] == "WA201"]
    assert told
    assert all("came without its length" in message for message in told)


def test_metadata_with_a_hash_needs_no_length(tmp_path: Path) -> None:
    done = meet(build_pair(hashes="sha256"), "no length, whole", ".metadata", tmp_path)
    (release,) = json.loads(done.out)["releases"]
    assert [wheel["source"] for wheel in release["wheels"]] == ["pep658", "pep658"]
    assert "WA201" not in {finding["id"] for finding in release["findings"]}
