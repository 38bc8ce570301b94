"""`wheelaudit explain`: why that index, that version, that wheel, and what each platform gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import CASSETTES, TORCH, Cli
from tests.cli.indexes import write_wheel
from tests.cli.projects import FOUR, PROJECT, copy_four_extras, write_project
from tests.conftest import Golden
from wheelaudit.report.explain import read_explain_schema

LOCKED = (
    'version = 1\n[[manifest.dependency-metadata]]\nname = "torch"\nversion = "2.6.0+cu126"\n'
    '[[package]]\nname = "torch"\nversion = "2.6.0+cu126"\n'
    'source = { registry = "https://download.pytorch.org/whl/cu126" }\n'
)


def squeeze(text: str) -> str:
    return " ".join(text.split())


def test_torch_is_explained_on_one_screen(cli: Cli, world: Path, golden: Golden) -> None:
    write_project(world)
    done = cli("explain", *TORCH)
    assert (done.code, done.err) == (0, "")
    golden("explain/cli-torch.txt", done.out)


def test_json_obeys_its_schema(cli: Cli) -> None:
    done = cli("explain", *TORCH, "--format", "json")
    document = json.loads(done.out)
    Draft202012Validator(json.loads(read_explain_schema())).validate(document)
    assert document["requires_python"] is None
    assert document["releases"][0]["reads"] == "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl"


@pytest.mark.parametrize(
    ("bound", "wheel"), [(">=3.10", "cp310-cp310-linux_aarch64"), (">=3.12", "cp312-cp312-linux_aarch64")]
)
def test_bound_of_the_project_decides(cli: Cli, world: Path, bound: str, wheel: str) -> None:
    path = write_project(world, PROJECT.replace(">=3.10", bound))
    done = cli("explain", *TORCH, "--pyproject", path)
    assert done.out.splitlines()[:2] == ["torch==2.6.0+cu126: uv reads", f"  torch-2.6.0+cu126-{wheel}.whl"]


def test_every_release_that_the_project_means_is_explained(cli: Cli, world: Path) -> None:
    copy_four_extras(world)
    done = cli("explain", "torch", *FOUR, "--format", "json")
    releases = json.loads(done.out)["releases"]
    assert [each["version"] for each in releases] == [
        "2.6.0",
        "2.6.0+cpu",
        "2.6.0+cu118",
        "2.6.0+cu124",
        "2.6.0+cu126",
    ]
    assert {each["index_reason"] for each in releases} == {"[tool.uv.sources] names it"}
    assert "pytorch-cu126" in {each["index"] for each in releases}


def test_index_that_a_local_version_names_is_said(cli: Cli) -> None:
    spec, _, _, *replay = TORCH
    done = cli("explain", spec, *replay)
    assert "index cu126: the channel that the local version names" in squeeze(done.out)
    assert "version 2.6.0+cu126: the requirement names it" in squeeze(done.out)


def test_index_of_the_settings_is_said(cli: Cli, world: Path) -> None:
    write_project(world, f'{PROJECT}[tool.wheelaudit]\nindex = ["cu126"]\n')
    spec, _, _, *replay = TORCH
    assert "index cu126: [tool.wheelaudit] says so" in squeeze(cli("explain", spec, *replay).out)


def test_default_index_and_newest_version_are_said(cli: Cli) -> None:
    done = cli("explain", "numpy", "--replay", CASSETTES / "numpy-2.2.0")
    assert "index pypi: your default index" in squeeze(done.out)
    assert "version 2.2.0: the newest public version" in squeeze(done.out)
    done = cli("explain", "numpy>=2", "--replay", CASSETTES / "numpy-2.2.0")
    assert "version 2.2.0: the newest that >=2 admits" in squeeze(done.out)


def test_locked_version_is_said(cli: Cli, world: Path) -> None:
    write_project(world)
    (world / "uv.lock").write_text(LOCKED)
    done = cli("explain", "torch", *TORCH[3:])
    assert (done.code, done.err) == (0, "")
    text = squeeze(done.out)
    assert "uv.lock has the project from there" in text
    assert "version 2.6.0+cu126: uv.lock locks it" in text


def test_index_of_the_project_that_has_it_first_is_said(cli: Cli, world: Path) -> None:
    write_wheel(world / "dist" / "demo", "py3-none-any")
    (world / "dist" / "demo" / "index.html").write_text(
        '<a href="demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a>'
    )
    write_project(world, f'{PROJECT}dependencies = ["demo"]\n[[tool.uv.index]]\nname = "own"\nurl = "./dist"\n')
    done = cli("explain", "demo")
    assert (done.code, done.err) == (0, "")
    assert "index own: the first of the project's own that has it" in squeeze(done.out)


@pytest.mark.parametrize("locked", [True, False])
def test_override_of_the_project_is_said(cli: Cli, world: Path, locked: bool) -> None:
    write_project(world)
    assert cli(*TORCH, "--write").code == 0
    if locked:
        (world / "uv.lock").write_text(LOCKED)
    text = squeeze(cli("explain", *TORCH).out)
    assert "override: pyproject.toml, line 7, tells uv what the release asks for, so no wheel is read" in text
    assert ("; uv.lock was made with it." in text) is locked
    assert ("; no uv.lock was made with it yet." in text) is not locked
    assert text.startswith("torch==2.6.0+cu126: uv reads the project's override, and without it ")


def test_override_for_another_version_is_not_said(cli: Cli, world: Path) -> None:
    entry = '[[tool.uv.dependency-metadata]]\nname = "torch"\nversion = "2.6.0"\nrequires-dist = []\n'
    write_project(world, PROJECT + entry)
    assert "override" not in cli("explain", *TORCH).out
    write_project(world, PROJECT + entry.replace('version = "2.6.0"\n', ""))
    assert "override: pyproject.toml, line 5," in squeeze(cli("explain", *TORCH).out)


def test_what_could_not_be_done_exits_with_2(cli: Cli) -> None:
    spec, *rest = TORCH
    done = cli("explain", spec.replace("2.6.0", "9.9"), *rest)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    done = cli("explain", "torch-1.0-py3-none-any.whl")
    assert done.code == 2
    assert "is on disk" in done.err
    assert cli("explain").code == 2


def test_output_goes_to_a_file(cli: Cli, world: Path) -> None:
    done = cli("explain", *TORCH, "-o", "report.txt", "--color", "never")
    assert (done.code, done.out) == (0, "")
    assert (world / "report.txt").read_text(encoding="utf-8") == cli("explain", *TORCH).out
