"""The door: which command is meant, help and version, and what comes out where all fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.conftest import TORCH, Cli
from wheelaudit._version import __version__
from wheelaudit.cli import audit
from wheelaudit.cli.audit import command
from wheelaudit.cli.help import build_help
from wheelaudit.cli.main import COMMANDS, find_command, load_command, main, read_help

HELP = Path(audit.__file__).with_name("help.txt")


def run_process(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "wheelaudit", *arguments], stdin=stdin, capture_output=True, text=True, check=False
    )


def test_help_file_is_what_click_says(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        HELP.write_text(build_help(command), encoding="utf-8", newline="\n")
    assert read_help() == build_help(command)


def test_help_fits_80_columns_and_ends_with_examples() -> None:
    text = read_help()
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("Examples:") > text.index("--concurrency")


def test_help_names_every_command_and_every_option() -> None:
    text = read_help()
    for name in COMMANDS:
        assert f"\n  {name} " in text
    for parameter in command.params:
        assert any(option in text for option in (*parameter.opts, parameter.make_metavar(click.Context(command))))


def test_help_comes_the_same_from_the_file_and_from_click(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file = cli("--help")
    assert (from_file.code, from_file.err) == (0, "")
    assert cli("torch", "--help") == cli("-h") == cli("torch", "-h") == from_file
    monkeypatch.setenv("COLUMNS", "60")
    narrow = cli("--help")
    assert narrow.code == 0
    # Examples are one line each, to be copied; what explains is wrapped.
    assert max(map(len, narrow.out.partition("Commands:")[0].splitlines())) <= 60


def test_every_command_has_help(cli: Cli) -> None:
    for name in COMMANDS:
        done = cli(name, "--help")
        assert done.code == 0
        assert done.out.startswith(f"Usage: wheelaudit {name} ")


def test_version(cli: Cli) -> None:
    line = f"wheelaudit {__version__}\n"
    assert cli("--version").out == line
    assert cli("torch", "--version").out == line


@pytest.mark.parametrize(
    ("arguments", "name", "rest"),
    [
        ([], "audit", []),
        (["torch"], "audit", ["torch"]),
        (["audit", "torch"], "audit", ["torch"]),
        (["--format", "json", "torch"], "audit", ["--format", "json", "torch"]),
        (["indexes"], "indexes", []),
        (["audit", "indexes"], "audit", ["indexes"]),
        (["--", "indexes"], "audit", ["--", "indexes"]),
    ],
)
def test_command_is_the_first_word_if_it_is_one(arguments: list[str], name: str, rest: list[str]) -> None:
    assert find_command(arguments) == (name, rest)


def test_main_ends_a_caller_by_system_exit() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--nope"])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "stdout", "stderr"),
    [
        (["--version"], 0, "wheelaudit ", ""),
        (["--help"], 0, "Usage: wheelaudit", ""),
        (["--nope"], 2, "", "error: "),
        (["indexes"], 0, "cu126", ""),
    ],
)
def test_program_ends_at_once_and_yet_says_everything(
    arguments: list[str], code: int, stdout: str, stderr: str
) -> None:
    command = [sys.executable, "-m", "wheelaudit", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert stdout in done.stdout
    assert stderr in done.stderr
    assert not done.stdout or done.stdout.endswith("\n")


def test_program_ends_well_where_nobody_reads() -> None:
    command = [sys.executable, "-m", "wheelaudit", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_bug_keeps_its_traceback_and_is_not_taken_for_a_verdict(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr(audit, "run_audit", fail)
    done = cli("torch")
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" in done.err
    assert "nobody foresaw this" in done.err
    assert "bug" in done.err.splitlines()[-2]


def test_interrupt_is_quiet(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "run_audit", interrupt)
    done = cli("torch")
    assert (done.code, done.out, done.err.strip()) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there a console event takes the place of SIGINT")
def test_interrupt_while_waiting_for_an_index_is_quiet() -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        arguments = [sys.executable, "-m", "wheelaudit", "torch", "--index", url]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            silent.settimeout(30)
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            connection.close()
    assert (process.returncode, out, err.strip()) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe of a shell is POSIX's")
@pytest.mark.parametrize("arguments", [TORCH, ("--help",), ("--version",)], ids=["report", "help", "version"])
def test_reader_that_goes_away_is_no_failure(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "wheelaudit", *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert process.stderr == ""
    assert process.returncode == (1 if arguments == TORCH else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [TORCH, ("--help",)], ids=["report", "help"])
def test_full_disk_under_stdout_is_told(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "wheelaudit", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 2
    assert process.stderr.startswith("error: ")
    assert "Traceback" not in process.stderr


def test_process_says_the_same_as_a_call(cli: Cli) -> None:
    process = run_process(*TORCH)
    done = cli(*TORCH)
    assert (process.returncode, process.stdout, process.stderr) == (done.code, done.out, done.err)


def test_indexes_lists_the_project_s_own_first_and_pypi_last(cli: Cli, world: Path) -> None:
    (world / "pyproject.toml").write_text(
        '[[tool.uv.index]]\nname = "mine"\nurl = "https://me:secret@index.example/mine"\n'
    )
    done = cli("indexes")
    rows = [line.split() for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert rows[0] == ["mine", "https://index.example/mine"]
    assert ["cu126", "https://download.pytorch.org/whl/cu126"] in rows
    assert rows[-1] == ["pypi", "https://index.example/simple"]
    assert "secret" not in done.out


def test_every_command_can_be_loaded() -> None:
    for name in COMMANDS:
        assert load_command(name).name == "command"
