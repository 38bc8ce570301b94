"""What the action (action.yml) runs: wheelaudit in an environment of its own, with what the inputs say.

Inputs come as variables and leave as arguments: none is ever part of a line that a shell
reads. Only the standard library: it runs before anything is installed.
"""

import os
import re
import shlex
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

COMMANDS = ("audit", "check", "explain", "lock", "nightly")
FORMATS = {
    "audit": ("github", "human", "json", "jsonl", "toml", "markdown", "html", "sarif"),
    "check": ("github", "human", "json", "markdown", "sarif"),
    "explain": ("human", "json"),
    "lock": ("github", "human", "json", "markdown", "sarif"),
    "nightly": ("github", "human", "markdown", "json", "sarif", "html"),
}
"""What each command can print; the first is what it prints here."""

SOURCE = "https://github.com/wheelaudit/wheelaudit"
CANNOT = 2

# A tag of a version, or a commit: nothing that git or pip would take for something else.
_VERSION = re.compile(r"v?(\d{1,4}(?:\.\d{1,6}){0,3}(?:(?:a|b|rc)\d{1,4})?)", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


class CannotError(Exception):
    """What is wrong with an input, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the workflow gave, checked."""

    arguments: tuple[str, ...]
    """Of wheelaudit."""
    folder: Path
    """Where it runs."""
    source: str
    """What pip installs."""


def main() -> None:
    """Install wheelaudit, run it, and exit as it does; its code is the output ``exit-code``."""
    try:
        inputs = read_inputs(os.environ)
        python = make_environment(Path(os.environ["RUNNER_TEMP"], "wheelaudit-action"), inputs.source)
    except (CannotError, OSError, subprocess.CalledProcessError) as error:
        # A workflow command: one line, and what is in it is data.
        print(f"::error title=wheelaudit::{escape(str(error))}", flush=True)
        code = CANNOT
    else:
        # -P: no file of the folder it runs in is taken for a module of ours.
        command = [str(python), "-P", "-m", "wheelaudit", *inputs.arguments]
        code = subprocess.run(command, cwd=inputs.folder, check=False).returncode
    write_output(os.environ, code)
    sys.exit(code)


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Read the inputs. Raises `CannotError`."""
    command = environ.get("INPUT_COMMAND", "").strip()
    if command not in COMMANDS:
        raise CannotError(f"There is no command {command!r}: use one of {', '.join(COMMANDS)}.")
    output_format = environ.get("INPUT_FORMAT", "").strip() or FORMATS[command][0]
    if output_format not in FORMATS[command]:
        raise CannotError(
            f"`wheelaudit {command}` has no format {output_format!r}: use one of {', '.join(FORMATS[command])}."
        )
    try:
        more = shlex.split(environ.get("INPUT_ARGS", ""))
    except ValueError as error:
        raise CannotError(f"The input args cannot be split ({error}): close every quote.") from error
    return Inputs(
        arguments=(command, "--format", output_format, *more),
        folder=Path(environ.get("INPUT_WORKING_DIRECTORY", "").strip() or "."),
        source=build_source(environ.get("INPUT_VERSION", "").strip(), Path(environ["GITHUB_ACTION_PATH"])),
    )


def build_source(version: str, checkout: Path) -> str:
    """Return what pip is to install: the action's own checkout, or a version or commit of the repository.

    Never a name on an index: whoever has that name there is not known from here. Raises `CannotError`.
    """
    if not version:
        return str(checkout)
    tag = _VERSION.fullmatch(version)
    if tag:
        return f"wheelaudit @ git+{SOURCE}@v{tag[1]}"
    if _COMMIT.fullmatch(version):
        return f"wheelaudit @ git+{SOURCE}@{version}"
    raise CannotError(f"{version!r} is no version: give one such as 0.1.0, or the 40 digits of a commit.")


def make_environment(folder: Path, source: str) -> Path:
    """Make a virtual environment with wheelaudit in it, and return its Python."""
    venv.create(folder, with_pip=True, clear=True, symlinks=os.name != "nt")  # as `python -m venv` has it
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*install, source], check=True)
    return python


def write_output(environ: Mapping[str, str], code: int) -> None:
    """Add the exit code to the step's outputs."""
    if "GITHUB_OUTPUT" in environ:
        with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(f"exit-code={code}\n")


def escape(text: str) -> str:
    """Return text as a workflow command takes it: on one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    main()
