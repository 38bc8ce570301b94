"""README: its blocks are what the program says now, and its findings are those that exist."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.locks import TORCH_TAPE, write_torch_project
from tests.cli.projects import FOUR, copy_four_extras
from wheelaudit.cli.audit import command
from wheelaudit.cli.help import build_help
from wheelaudit.cli.main import run

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SHOW = ("torch==2.6.0+cu126", "--index", "cu126", "--replay", "cassettes/torch-2.6.0+cu126")

Block = Callable[[str, str], None]


@pytest.fixture
def block(request: pytest.FixtureRequest) -> Block:
    """Hold the README's block of a name against a text; under ``--update-golden`` write it there."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        page = README.read_text(encoding="utf-8")
        found = re.search(rf"(<!-- {name}\b[^>]*-->\n)(.*?)(<!-- /{name} -->)", page, re.DOTALL)
        assert found is not None, f"the README has no block {name}"
        wanted = f"\n```text\n{text}```\n\n"
        if update:
            README.write_text(page[: found.end(1)] + wanted + page[found.start(3) :], encoding="utf-8", newline="\n")
        else:
            assert found[2] == wanted, f"the README's {name} is not current: run with --update-golden"

    return compare


def test_report_is_what_the_command_prints(
    block: Block, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*SHOW, "--color", "never"]) == 1
    block("report", capsys.readouterr().out)


def test_check_is_what_the_command_prints(
    block: Block, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    path = copy_four_extras(tmp_path)
    assert run(["torch", *FOUR, "--write"]) == 0
    text = path.read_text(encoding="utf-8").replace("nvidia-nccl-cu12==2.21.5", "nvidia-nccl-cu12==2.20.5")
    assert f"    {capsys.readouterr().err.strip()}\n".replace("\n", "\n    ").rstrip(" ") in README.read_text(
        encoding="utf-8"
    )
    by_hand = '[[tool.uv.dependency-metadata]]\nname = "torch"\nversion = "2.6.0+cu124"\nrequires-dist = []\n'
    path.write_text(f"{text}\n{by_hand}", encoding="utf-8")
    assert run(["check", *FOUR, "--color", "never"]) == 1
    block("check", capsys.readouterr().out)


def test_explanation_is_what_the_command_prints(
    block: Block, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["explain", *SHOW, "--color", "never"]) == 0
    block("explain", capsys.readouterr().out)


def test_lock_is_what_the_command_prints(
    block: Block, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_torch_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["lock", *TORCH_TAPE, "--color", "never"]) == 1
    block("lock", capsys.readouterr().out)


def test_report_is_of_the_command_above_it() -> None:
    page = README.read_text(encoding="utf-8")
    assert f"<!-- report: what `wheelaudit {' '.join(SHOW)}` prints" in page


def test_help_is_current(block: Block) -> None:
    block("help", build_help(command))


def test_every_finding_has_its_heading_and_no_other_does() -> None:
    # Ids stand in the source as text of their own; what is only mentioned in prose does not count.
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py")))
    used = set(re.findall(r'"(WA\d{3})"', sources))
    headings = re.findall(r"^### (WA\d{3}): \S", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert headings == sorted(used)


def test_python_examples_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_torch_project(tmp_path)
    shutil.copytree(ROOT / "cassettes" / "torch-2.6.0+cu126", tmp_path / "cassettes" / "torch-2.6.0+cu126")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    # The second goes on where the first ends.
    exec(compile("".join(examples), "README.md", "exec"), {"__name__": "example"})
    out = capsys.readouterr().out
    assert out.startswith("torch==2.6.0+cu126 inconsistent\n[[tool.uv.dependency-metadata]]\n")
    assert out.endswith("\nWA411 torch 2.6.0+cu126 linux x86_64, CPython 3.10-3.13\n")


def test_links_lead_to_files_of_the_project() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
