"""The action: what its inputs become. Nothing is installed here: the environment is the one that the tests run in."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import _action
from scripts._action import COMMANDS, FORMATS, CannotError, build_source, escape, main, read_inputs
from tests.cli.conftest import CASSETTES, world  # noqa: F401  (a clean one, for programs of their own too)
from wheelaudit.cli.main import load_command

CHECKOUT = Path("checkout")


def build_environ(**inputs: str) -> dict[str, str]:
    return {"GITHUB_ACTION_PATH": str(CHECKOUT), **{f"INPUT_{name.upper()}": text for name, text in inputs.items()}}


def test_inputs_become_arguments() -> None:
    inputs = read_inputs(build_environ(command="lock", args="uv.lock --only 'torch'\n--exit-zero"))
    assert inputs.arguments == ("lock", "--format", "github", "uv.lock", "--only", "torch", "--exit-zero")
    assert (inputs.folder, inputs.source) == (Path(), str(CHECKOUT))


@pytest.mark.parametrize("text", ["$(touch x)", "`id`", "; rm -rf x", "&& x", "| x", "> x", "${{ github.token }}", "*"])
def test_nothing_in_the_arguments_is_a_shells(text: str) -> None:
    inputs = read_inputs(build_environ(command="check", args=text))
    assert inputs.arguments == ("check", "--format", "github", *text.split())


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"command": "cache"}, "There is no command"),
        ({"command": ""}, "There is no command"),
        ({"command": "--version"}, "There is no command"),
        ({"command": "explain", "format": "github"}, "has no format"),
        ({"command": "check", "format": "html"}, "has no format"),
        ({"command": "lock", "args": "'open"}, "cannot be split"),
        ({"command": "lock", "version": "latest"}, "is no version"),
    ],
)
def test_input_that_is_wrong_is_said(inputs: dict[str, str], words: str) -> None:
    with pytest.raises(CannotError, match=words):
        read_inputs(build_environ(**inputs))


@pytest.mark.parametrize("command", COMMANDS)
def test_formats_are_those_of_the_command(command: str) -> None:
    (option,) = (each for each in load_command(command).params if each.name == "output_format")
    assert isinstance(option.type, click.Choice)
    assert sorted(FORMATS[command]) == sorted(option.type.choices)
    assert FORMATS[command][0] == ("github" if "github" in option.type.choices else "human")


@pytest.mark.parametrize(
    ("version", "ref"), [("0.1.0", "v0.1.0"), ("v0.1.0", "v0.1.0"), ("1.0rc1", "v1.0rc1"), ("a" * 40, "a" * 40)]
)
def test_version_is_a_tag_or_a_commit_of_the_repository(version: str, ref: str) -> None:
    source = build_source(version, CHECKOUT)
    assert source == f"wheelaudit @ git+https://github.com/wheelaudit/wheelaudit@{ref}"


@given(
    st.text(min_size=1)
    | st.sampled_from(["main", "--upload-pack=x", "0.1.0#egg=x", "0.1.0 ; x", "a" * 39, "..", "1\n"])
)
def test_version_never_becomes_anything_else(version: str) -> None:
    try:
        source = build_source(version, CHECKOUT)
    except CannotError:
        return
    ref = source.removeprefix("wheelaudit @ git+https://github.com/wheelaudit/wheelaudit@")
    assert ref.isascii()
    assert ref.replace(".", "").isalnum()


def test_source_is_one_argument_of_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr("venv.create", lambda folder, **options: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: calls.append(command))
    python = _action.make_environment(tmp_path, "a checkout; x")
    ((first, *options, source),) = calls
    assert (first, source) == (str(python), "a checkout; x")
    assert options[:3] == ["-m", "pip", "install"]


@given(st.text())
def test_error_is_one_line(text: str) -> None:
    assert not {"\r", "\n"} & set(escape(text))


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runner's variables; return the file of the step's outputs."""
    output = tmp_path / "output"
    for name, text in build_environ().items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "temp"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setattr(_action, "make_environment", lambda folder, source: Path(sys.executable))
    return output


def test_it_runs_and_exits_as_wheelaudit_does(
    runner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    # What a project happens to have is not taken for a module of ours.
    for name in ("wheelaudit.py", "packaging.py"):
        (project / name).write_text("raise SystemExit(9)", encoding="utf-8")
    cassette = (CASSETTES / "torch-2.6.0+cu126").as_posix()
    monkeypatch.setenv("INPUT_COMMAND", "audit")
    monkeypatch.setenv("INPUT_ARGS", f"torch==2.6.0+cu126 --index cu126 --replay '{cassette}'")
    monkeypatch.setenv("INPUT_WORKING_DIRECTORY", str(project))
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 1
    assert runner.read_text() == "exit-code=1\n"
    assert capfd.readouterr().out.startswith("::")


def test_wrong_input_is_an_annotation(
    runner: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INPUT_COMMAND", "x\n::error::y")
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2
    assert runner.read_text() == "exit-code=2\n"
    (line,) = capfd.readouterr().out.splitlines()
    assert line.startswith("::error title=wheelaudit::There is no command")
