from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PYPROJECT = """\
[dependency-groups]
test = ["pytest>=9", { include-group = "base" }]
base = ["respx"]
lint = ["ruff", { include-group = "base" }]
"""


@pytest.fixture
def commands() -> list[list[str]]:
    """What the environment module asked the system to run."""
    return []


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]) -> ModuleType:
    """scripts/_environment.py over a checkout of its own, with a stand-in for venv and pip."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    copy = tmp_path / "scripts" / "_environment.py"
    copy.write_bytes((SCRIPTS / "_environment.py").read_bytes())
    spec = importlib.util.spec_from_file_location("_environment", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run_quietly(command: list[str], lock: int, remedy: str) -> None:
        commands.append(command)
        if "venv" in command:
            Path(module.PYTHON).parent.mkdir(parents=True)
            Path(module.PYTHON).touch()

    monkeypatch.setattr(module, "_run_quietly", run_quietly)
    return module


@pytest.mark.parametrize("name", ["_environment.py", "wheelaudit", "test", "check", "fix"])
def test_script_parses_on_pythons_that_are_too_old(name: str) -> None:
    ast.parse((SCRIPTS / name).read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("name", ["wheelaudit", "test", "check", "fix"])
def test_script_starts_by_itself(name: str) -> None:
    script = SCRIPTS / name
    assert script.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    if sys.platform != "win32":
        assert os.access(script, os.X_OK)


def test_old_python_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit) as exit_:
        exec(compile((SCRIPTS / "_environment.py").read_text(encoding="utf-8"), "_environment.py", "exec"), {})
    assert exit_.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("wheelaudit needs Python 3.11 or newer")
    assert len(said.err.splitlines()) == 1


def test_first_use_makes_the_environment_and_second_use_runs_nothing(
    environment: ModuleType, commands: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    environment.ensure(("test",))
    assert [command[2] for command in commands] == ["venv", "pip"]
    assert commands[1][-3:] == [".", "pytest>=9", "respx"]
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1

    environment.ensure(("test",))
    environment.ensure(())
    assert len(commands) == 2
    assert capfd.readouterr() == ("", "")


def test_new_group_is_added_to_those_that_are_there(environment: ModuleType, commands: list[list[str]]) -> None:
    environment.ensure(("test",))
    environment.ensure(("lint",))
    assert [command[2] for command in commands] == ["venv", "pip", "pip"]
    assert commands[-1][-4:] == [".", "ruff", "pytest>=9", "respx"]
    environment.ensure(("test", "lint"))
    assert len(commands) == 3


def test_changed_pyproject_is_installed_again(environment: ModuleType, commands: list[list[str]]) -> None:
    environment.ensure(())
    (Path(environment.TOP) / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    environment.ensure(())
    assert [command[2] for command in commands] == ["venv", "pip", "pip"]


def move_checkout(environment: ModuleType) -> None:
    vars(environment)["PLACE"] = "Python 3.11 in another folder"


def lose_python(environment: ModuleType) -> None:
    Path(environment.PYTHON).unlink()


def kill_while_installing(environment: ModuleType) -> None:
    Path(environment.READY).unlink()
    Path(environment.UNFINISHED).touch()


@pytest.mark.parametrize("harm", [move_checkout, lose_python, kill_while_installing])
def test_environment_that_cannot_be_trusted_is_made_again(
    environment: ModuleType, commands: list[list[str]], harm: Callable[[ModuleType], None]
) -> None:
    environment.ensure(())
    rest = Path(environment.VENV) / "rest"
    rest.touch()
    harm(environment)
    environment.ensure(())
    assert [command[2] for command in commands] == ["venv", "pip", "venv", "pip"]
    assert not rest.exists()


def test_failed_installation_is_not_ready(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], lock: int, remedy: str) -> None:
        raise SystemExit(2)

    monkeypatch.setattr(environment, "_run_quietly", fail)
    with pytest.raises(SystemExit):
        environment.ensure(())
    assert Path(environment.UNFINISHED).exists()
    assert not Path(environment.READY).exists()


def test_environment_of_somebody_else_is_left_alone(
    environment: ModuleType, commands: list[list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    theirs = Path(environment.VENV) / "pyvenv.cfg"
    theirs.parent.mkdir()
    theirs.write_text("home = elsewhere\n")
    with pytest.raises(SystemExit) as exit_:
        environment.ensure(())
    assert exit_.value.code == 2
    assert commands == []
    assert [path.name for path in theirs.parent.iterdir()] == ["pyvenv.cfg"]
    assert "Move it away" in capfd.readouterr().err


def test_failing_command_shows_its_output_on_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("_environment", SCRIPTS / "_environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with (tmp_path / "lock").open("ab") as lock, pytest.raises(SystemExit) as exit_:
        module._run_quietly([sys.executable, "-c", "print('broken'); raise SystemExit(1)"], lock.fileno(), "Mend it.")
    assert exit_.value.code == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert "broken" in said.err
    assert "Mend it." in said.err


def test_lock_is_had_by_one_at_a_time(environment: ModuleType) -> None:
    with Path(environment.LOCK).open("ab") as first, Path(environment.LOCK).open("ab") as second:
        assert environment._try_lock(first.fileno())
        assert not environment._try_lock(second.fileno())
        first.close()
        assert environment._try_lock(second.fileno())
