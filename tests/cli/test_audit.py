"""`wheelaudit SPEC...`: what comes out, where, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from tests.cli.conftest import CASSETTES, TORCH, Cli
from tests.cli.indexes import write_wheel
from wheelaudit.cli.audit import build_exit_code, command
from wheelaudit.cli.reading import CONCURRENCY, RETRIES, TIMEOUT
from wheelaudit.index.client import DEFAULT_RETRIES, DEFAULT_TIMEOUT
from wheelaudit.index.crawl import DEFAULT_CONCURRENCY

EXAMPLE = "https://index.example/simple"

LOST = {
    *(f"nvidia-{name}-cu12" for name in ("cuda-nvrtc", "cuda-runtime", "cuda-cupti", "cudnn", "cublas", "cufft")),
    *(f"nvidia-{name}-cu12" for name in ("curand", "cusolver", "cusparse", "cusparselt", "nccl", "nvtx", "nvjitlink")),
    "triton",
}


def test_first_show(cli: Cli) -> None:
    done = cli(*TORCH)
    assert done.code == 1
    assert done.err == ""
    assert "torch==2.6.0+cu126 is INCONSISTENT" in done.out
    assert "linux x86_64" in done.out
    assert "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl" in done.out
    assert len(LOST) == 14
    for name in LOST:
        assert name in done.out


def test_audit_spelled_out_is_the_same(cli: Cli) -> None:
    assert cli("audit", *TORCH) == cli(*TORCH)


def test_options_may_stand_before_the_spec(cli: Cli) -> None:
    assert cli(*TORCH[1:], TORCH[0]) == cli(*TORCH)


def test_without_index_the_channel_of_the_local_version_is_asked(cli: Cli) -> None:
    assert cli(TORCH[0], *TORCH[3:]) == cli(*TORCH)


def test_json_says_what_a_lock_loses(cli: Cli) -> None:
    done = cli(*TORCH, "--format", "json")
    report = json.loads(done.out)
    (release,) = report["releases"]
    (impact,) = release["impact"]
    assert done.code == 1
    assert release["reads"] == {"uv": "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl"}
    assert {line.partition("=")[0] for line in impact["lost"]} == LOST
    assert impact["environments"].startswith("linux x86_64")
    assert release["proof"] == {"environments": 84, "deviations": []}
    assert report["errors"] == []


def test_toml_is_the_override_alone(cli: Cli) -> None:
    done = cli(*TORCH, "--format", "toml")
    (entry,) = tomllib.loads(done.out)["tool"]["uv"]["dependency-metadata"]
    assert (done.code, done.err) == (1, "")
    assert entry["version"] == "2.6.0+cu126"
    assert len(entry["requires-dist"]) == 23


def test_toml_without_override_says_why_on_stderr(cli: Cli) -> None:
    done = cli("numpy==2.2.0", "--index", EXAMPLE, "--replay", CASSETTES / "numpy-2.2.0", "--format", "toml")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("numpy==2.2.0: ")
    assert len(done.err.splitlines()) == 1


def test_plain_union_is_another_override(cli: Cli) -> None:
    spec = ("tensorflow==2.14.0", "--index", EXAMPLE, "--replay", CASSETTES / "tensorflow-2.14.0", "--format", "json")
    (scoped,) = json.loads(cli(*spec).out)["releases"]
    (plain,) = json.loads(cli(*spec, "--union", "plain").out)["releases"]
    assert scoped["proof"]["deviations"] == []
    assert plain["proof"]["deviations"] != []


def test_requires_python_of_the_folder_decides_which_wheel_uv_reads(cli: Cli, world: Path) -> None:
    (world / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.12"\n')
    (release,) = json.loads(cli(*TORCH, "--format", "json").out)["releases"]
    assert release["reads"] == {"uv": "torch-2.6.0+cu126-cp312-cp312-linux_aarch64.whl"}


def test_pyproject_that_is_named_comes_before_the_folder_s(cli: Cli, world: Path) -> None:
    (world / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.12"\n')
    (world / "other.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.13"\n')
    done = cli(*TORCH, "--format", "json", "--pyproject", "other.toml")
    (release,) = json.loads(done.out)["releases"]
    assert release["reads"] == {"uv": "torch-2.6.0+cu126-cp313-cp313-linux_aarch64.whl"}


def test_index_name_of_the_project_is_known(cli: Cli, world: Path) -> None:
    write_wheel(world / "wheels" / "demo", "py3-none-any", "foo")
    (world / "pyproject.toml").write_text('[[tool.uv.index]]\nname = "cu126"\nurl = "wheels"\n')
    done = cli("demo", "--index", "cu126", "--format", "json")
    (release,) = json.loads(done.out)["releases"]
    assert done.code == 0
    assert [wheel["index"] for wheel in release["wheels"]] == ["cu126"]


def test_wheels_on_disk_are_audited_before_publishing(cli: Cli, world: Path) -> None:
    paths = [
        write_wheel(world / "dist", "cp311-cp311-manylinux_2_28_x86_64", "foo"),
        write_wheel(world / "dist", "cp311-cp311-win_amd64"),
    ]
    done = cli(*paths)
    assert done.code == 1
    assert "demo==1.0 is INCONSISTENT: 2 wheels" in done.out
    assert cli("dist/").out.splitlines()[0] == done.out.splitlines()[0]


def test_deep_compares_with_the_wheel(cli: Cli, world: Path) -> None:
    wheel = write_wheel(world / "demo", "py3-none-any", "foo")
    name = wheel.name
    (world / "demo" / f"{name}.metadata").write_bytes(b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n")
    (world / "demo" / "index.html").write_text(f'<a href="{name}" data-core-metadata="true">{name}</a>')
    assert "WA205" not in cli("demo", "--index", ".").out
    assert "WA205" in cli("demo", "--index", ".", "--deep").out


def test_all_audits_every_version_that_matches(cli: Cli, world: Path) -> None:
    for version in ("1.0", "1.1", "2.0"):
        write_wheel(world / "demo", "py3-none-any", version=version)
    newest = json.loads(cli("demo<2", "--index", ".", "--format", "json").out)
    every = json.loads(cli("demo<2", "--index", ".", "--format", "json", "--all").out)
    assert [release["version"] for release in newest["releases"]] == ["1.1"]
    assert [release["version"] for release in every["releases"]] == ["1.0", "1.1"]


def test_failure_of_one_spec_does_not_lose_the_others(cli: Cli, world: Path) -> None:
    write_wheel(world / "demo", "py3-none-any")
    done = cli("nothere", "demo", "--index", ".", "--format", "json")
    report = json.loads(done.out)
    assert done.code == 2
    assert [release["project"] for release in report["releases"]] == ["demo"]
    assert [error["spec"] for error in report["errors"]] == ["nothere"]
    assert done.err.startswith("error: ")


def test_output_goes_to_the_file_and_nothing_to_stdout(cli: Cli, world: Path) -> None:
    done = cli(*TORCH, "-o", "report.txt")
    assert (done.code, done.out, done.err) == (1, "", "")
    assert (world / "report.txt").read_text(encoding="utf-8") == cli(*TORCH).out
    assert [path.name for path in world.iterdir()] == ["report.txt"]


def test_output_file_is_left_alone_where_nothing_could_be_audited(cli: Cli, world: Path) -> None:
    (world / "report.txt").write_text("yesterday's")
    assert cli("nothere", "--index", ".", "-o", "report.txt").code == 2
    assert (world / "report.txt").read_text() == "yesterday's"


def test_output_dash_is_stdout(cli: Cli) -> None:
    assert cli(*TORCH, "-o", "-") == cli(*TORCH)


def test_what_was_recorded_is_replayed(cli: Cli, world: Path) -> None:
    """The server is gone by then."""
    from tests.index.server import FileServer, serve_files

    name = "demo-1.0-py3-none-any.whl"
    wheel = write_wheel(world, "py3-none-any", "foo").read_bytes()
    page = f'<!DOCTYPE html><html><body><a href="/{name}">{name}</a></body></html>'.encode()
    with serve_files(FileServer(files={"/simple/demo/": page, f"/{name}": wheel})) as server:
        index = f"{server.url}/simple"
        recorded = cli("demo", "--index", index, "--record", "cassette", "--format", "json")
    replayed = cli("demo", "--index", index, "--replay", "cassette", "--format", "json")
    assert recorded.code == 0
    assert replayed == recorded


def test_failed_audit_is_recorded_too(cli: Cli, world: Path) -> None:
    """A recording of what went wrong is what a report of a bug needs."""
    from tests.index.server import FileServer, serve_files

    with serve_files(FileServer()) as server:
        recorded = cli("demo", "--index", f"{server.url}/simple", "--record", "cassette")
    assert recorded.code == 2
    assert cli("demo", "--index", f"{server.url}/simple", "--replay", "cassette") == recorded


@pytest.mark.parametrize(
    ("verdicts", "failed", "exit_zero", "code"),
    [
        ({"consistent"}, False, False, 0),
        ({"consistent", "undecided"}, False, False, 3),
        ({"consistent", "undecided", "inconsistent"}, False, False, 1),
        ({"consistent", "undecided", "inconsistent"}, True, False, 2),
        (set(), True, False, 2),
        ({"undecided"}, False, True, 0),
        ({"inconsistent"}, False, True, 0),
        ({"inconsistent"}, True, True, 2),
    ],
)
def test_exit_code(verdicts: set[str], failed: bool, exit_zero: bool, code: int) -> None:
    assert build_exit_code(verdicts, failed=failed, exit_zero=exit_zero) == code  # type: ignore[arg-type]


def test_exit_zero(cli: Cli) -> None:
    assert cli(*TORCH, "--exit-zero").code == 0
    assert cli("nothere", "--index", ".", "--exit-zero").code == 2


def test_defaults_that_help_tells_are_those_of_the_rooms_below() -> None:
    assert (CONCURRENCY, TIMEOUT, RETRIES) == (DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT, DEFAULT_RETRIES)


def test_options_come_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELAUDIT_REPLAY", TORCH[4])
    monkeypatch.setenv("WHEELAUDIT_INDEX", "cu126")
    monkeypatch.setenv("WHEELAUDIT_FORMAT", "toml")
    monkeypatch.setenv("WHEELAUDIT_VERSION", "0.1.0")
    assert cli(TORCH[0]) == cli(*TORCH, "--format", "toml")
    assert cli("audit", TORCH[0]) == cli(TORCH[0])


VARIABLES = [each for each in command.params if isinstance(each, click.Option) and each.allow_from_autoenv]


@pytest.mark.parametrize("option", VARIABLES, ids=lambda option: option.opts[-1])
def test_variable_of_an_option_is_called_as_the_option(option: click.Option) -> None:
    wanted = f"WHEELAUDIT_{option.opts[-1].removeprefix('--').replace('-', '_').upper()}"
    # What click makes of the name, unless one is given.
    assert (option.envvar or f"WHEELAUDIT_{option.name}".upper()) == wanted


def test_color_changes_nothing_but_colors(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = cli(*TORCH)
    colored = cli(*TORCH, "--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = cli(*TORCH)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in plain.out
    assert "\x1b[" in colored.out
    assert forced == colored
    assert cli(*TORCH) == plain
    assert cli(*TORCH, "--color", "always") == colored


def test_width_is_that_of_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = cli(*TORCH)
    monkeypatch.setenv("COLUMNS", "140")
    assert cli(*TORCH).out != narrow.out


def test_verbose_tells_page_and_every_wheel(cli: Cli) -> None:
    done = cli(*TORCH, "-v")
    lines = done.err.splitlines()
    assert done.out == cli(*TORCH).out
    assert lines[0].startswith("page https://download.pytorch.org/whl/cu126/torch/ (cu126): ")
    assert lines[1] == "release torch==2.6.0+cu126: 14 wheels"
    assert sum(line.startswith("read torch-2.6.0+cu126-cp3") for line in lines[2:]) == len(lines[2:]) == 14


def test_twice_verbose_tells_requests(cli: Cli, world: Path) -> None:
    from tests.index.server import FileServer, serve_files

    with serve_files(FileServer()) as server:
        url = f"{server.url}/simple/demo/"
        assert f"GET {url}: 404" in cli("demo", "--index", f"{server.url}/simple", "-vv").err.splitlines()
        assert f"GET {url}: 404" not in cli("demo", "--index", f"{server.url}/simple", "-v").err.splitlines()


def test_quiet_tells_errors_only(cli: Cli) -> None:
    numpy = ("numpy==2.2.0", "--index", EXAMPLE, "--replay", CASSETTES / "numpy-2.2.0", "--format", "toml")
    assert cli(*numpy, "-q", "-v").err == ""
    assert cli("nothere", "--index", ".", "-q").err.startswith("error: ")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "term", "shown"),
    [
        ([], "xterm", True),
        (["-q"], "xterm", False),
        (["--no-progress"], "xterm", False),
        ([], "dumb", False),
    ],
)
def test_bar_is_shown_on_a_terminal_only(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], term: str, shown: bool
) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", term)
    done = cli(*TORCH, *arguments)
    assert done.code == 1
    assert ("torch==2.6.0+cu126" in stderr.getvalue()) == shown


def test_output_that_the_console_cannot_encode_is_no_crash() -> None:
    """A Windows console in cp1252, or any terminal in ASCII."""
    arguments = [sys.executable, "-m", "wheelaudit", "missing-ε.whl"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(arguments, env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"error: " in done.stderr
    assert b"Traceback" not in done.stderr
