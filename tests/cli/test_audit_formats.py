"""`wheelaudit SPEC --format markdown|sarif|github`: the same audit, for an issue, code scanning and a workflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wheelaudit.cli.audit import RENDERERS, command
from wheelaudit.cli.main import run

ROOT = Path(__file__).parents[2]
TAPE = ("--index", "cu126", "--replay", str(ROOT / "cassettes" / "torch-2.6.0+cu126"), "--no-cache")
SPEC = ("torch==2.6.0+cu126", *TAPE)
UNKNOWN = ("torch==9.9", *TAPE)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_markdown_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SPEC, "--format", "markdown"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("# `torch==2.6.0+cu126` is INCONSISTENT: 14 wheels, 3 different metadata\n")
    assert "```toml\n[[tool.uv.dependency-metadata]]\n" in out


def test_sarif_is_a_log_of_the_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SPEC, "--format", "sarif"]) == 1
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["ruleId"] for result in log["results"]] == ["WA101", "WA103"]
    assert log["invocations"][0]["executionSuccessful"] is True


def test_github_is_an_annotation_for_each_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SPEC, "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("%3A")[0] for line in lines] == ["::error title=WA101", "::error title=WA103"]


def test_what_could_not_be_done_is_in_the_log_and_in_the_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*UNKNOWN, "--format", "sarif"]) == 2
    printed = capsys.readouterr()
    (log,) = json.loads(printed.out)["runs"]
    assert log["invocations"][0]["executionSuccessful"] is False
    assert "error: no version of torch" in printed.err
    assert run([*UNKNOWN, "--format", "github"]) == 2
    assert capsys.readouterr().out.startswith("::error title=wheelaudit::torch==9.9 could not be done: ")


def test_markdown_of_nothing_is_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*UNKNOWN, "--format", "markdown"]) == 2
    assert capsys.readouterr().out == ""


def test_report_goes_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SPEC, "--format", "sarif", "-o", "report.sarif"]) == 1
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "report.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_every_renderer_that_is_named_is_there() -> None:
    (option,) = [each for each in command.params if each.name == "output_format"]
    formats = option.type.choices  # type: ignore[attr-defined]
    assert set(RENDERERS) <= set(formats)
    for name in formats:
        for module in RENDERERS.get(name, (name,)):
            assert (ROOT / "src" / "wheelaudit" / "report" / f"{module}.py").is_file()
