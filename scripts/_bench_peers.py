"""scripts/bench: the peers, each one or several commands, and what a run of them cost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts._bench_index import COMMON, PINS, BuiltProject
from scripts._bench_server import Server

RUN_SECONDS = 240
"""After which a command is ended; the slowest takes a minute and a half."""
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
UV_PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took; of several commands the sum, and the largest memory."""

    seconds: float
    cpu: float
    """User and system, in seconds."""
    memory: float
    """Peak, in MB (10^6 bytes); 0 where the system does not tell."""


class CommandFailedError(Exception):
    """A peer did not do what it was asked for; its words."""


def find_missing() -> list[str]:
    """Return what is not installed, and what is left out for want of it."""
    left_out = {
        "curl": "the peer `curl --parallel` is left out",
        "uv": "the peer `uv pip compile` and the locks are left out",
        "nginx": "a Python server without TLS and HTTP/2 stands in",
        "openssl": "a Python server without TLS and HTTP/2 stands in",
    }
    return [f"{name} is not installed: {what}." for name, what in left_out.items() if find_tool(name) is None]


def find_tool(name: str) -> str | None:
    """Return the path of a program: beside this Python first, where a development dependency lies."""
    return shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)


def run_commands(commands: Sequence[Sequence[str]], environ: Mapping[str, str], *, allowed: Sequence[int]) -> Cost:
    """Run one command after the other; raises `CommandFailedError` where one exits with a code that is not allowed."""
    asked = {"commands": commands, "environ": environ, "allowed": allowed, "limit": RUN_SECONDS}
    runner = [sys.executable, "-I", "-S", str(Path(__file__).with_name("_bench_run.py"))]
    told = subprocess.run(runner, input=json.dumps(asked), capture_output=True, text=True, check=True).stdout
    answer = json.loads(told)
    runs = answer["runs"]
    if runs[-1]["code"] not in allowed:
        command = " ".join(commands[len(runs) - 1])
        raise CommandFailedError(f"{command[:300]} exited with {runs[-1]['code']}: {runs[-1]['words'].strip()[-600:]}")
    return Cost(
        seconds=answer["seconds"],
        cpu=sum(run["cpu"] for run in runs),
        memory=max(run["memory"] for run in runs) / 1e6,
    )


def build_environ(server: Server, folder: Path) -> dict[str, str]:
    """Return the environment of every peer: as users have it, without settings that reach out, with the authority."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("UV_", "PIP_", "WHEELAUDIT_")) and not name.upper().endswith("_PROXY")
    }
    # Compiling every module at every start is no user's cost.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept |= {"WHEELAUDIT_CACHE_DIR": str(folder / "store"), "UV_CACHE_DIR": str(folder / "uv"), "HOME": str(folder)}
    if server.authority is not None:
        kept["SSL_CERT_FILE"] = str(server.authority)
    return kept


def wheelaudit_commands(server: Server, project: BuiltProject, *options: str) -> list[list[str]]:
    """One audit of the release; ``--exit-zero``, as 1 is "inconsistent" and also what Python says of a crash."""
    spec = f"{project.shape.project}==1.0"
    common = [sys.executable, "-m", "wheelaudit", spec, "--index", f"{server.url}/simple/", "--exit-zero"]
    return [[*common, "--no-progress", *options]]


def curl_commands(server: Server, project: BuiltProject, folder: Path) -> list[list[str]]:
    """The page, then every wheel's ``.metadata`` at once; finding the links in the page costs curl nothing here."""
    curl = find_tool("curl")
    assert curl is not None
    config = folder / f"{project.shape.project}.curl"
    entries = (f'url = "{server.url}{wheel}.metadata"\noutput = "{os.devnull}"\n' for wheel in project.wheels)
    config.write_text("".join(entries))
    common = [curl, "--silent", "--show-error", "--fail", "--http2"]
    if server.authority is not None:
        common += ["--cacert", str(server.authority)]
    return [
        [*common, "--output", os.devnull, f"{server.url}{project.page}"],
        [*common, "--parallel", "--config", str(config)],
    ]


def script_commands(server: Server, project: BuiltProject) -> list[list[str]]:
    """The page, then every wheel's ``.metadata`` one after the other over one connection."""
    return [[sys.executable, "-m", "scripts._bench_peers", f"{server.url}{project.page}", project.shape.project]]


def uv_commands(
    server: Server, project: BuiltProject, folder: Path, *, pythons: Sequence[str] = PYTHONS
) -> list[list[str]]:
    """One ``uv pip compile`` per platform and Python.

    uv is spared what is not this release: its dependencies (``--excludes``; with
    ``--no-deps`` it would not read metadata at all), and the search for a Python.
    """
    uv = find_tool("uv")
    assert uv is not None
    wanted = folder / f"{project.shape.project}.in"
    wanted.write_text(f"{project.shape.project}==1.0\n")
    excluded = folder / "excluded.in"
    excluded.write_text("".join(f"{re.split('[^a-z0-9-]', line)[0]}\n" for line in (*COMMON, *PINS)))
    common = [uv, "pip", "compile", "--quiet", "--no-config", "--no-python-downloads", "--python", sys.executable]
    common += ["--default-index", f"{server.url}/simple/", "--excludes", str(excluded)]
    return [
        [*common, "--python-version", python, "--python-platform", platform, str(wanted)]
        for python in pythons
        for platform in UV_PLATFORMS
    ]


def _read_one_after_the_other(page: str, project: str) -> None:
    """What people write: a client, a regular expression, a loop."""
    import httpx

    stem = re.escape(project.replace("-", "_"))
    with httpx.Client() as client:
        text = client.get(page).text
        for href in re.findall(rf'href="([^"#]*/{stem}-1\.0-[^"#]*\.whl)', text):
            client.get(str(httpx.URL(page).join(href)) + ".metadata").raise_for_status()


if __name__ == "__main__":
    _read_one_after_the_other(*sys.argv[1:])
