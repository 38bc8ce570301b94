"""ROOF: the door. Which command the arguments mean, and what comes out where one fails.

Nothing is imported at the top that a help text does not need: ``--help`` prints a
file, ``--version`` a string, and click comes in with the first real command.
"""

from __future__ import annotations

import gc
import os
import sys

# Not typing's: importing it would double what --help costs. Type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    import click

COMMANDS = {
    "audit": "Read every wheel of a release and say where they disagree (the default).",
    "cache": "Show, prune or clear what is kept of indexes between runs.",
    "check": "Hold the overrides of a project against their indexes, and mend them.",
    "explain": "Say which wheel uv reads for a requirement, and what each platform gets.",
    "history": "List, show, export or import what is remembered of other nights.",
    "indexes": "List the index names that --index takes here.",
    "lock": "Say what a uv.lock or pylock.toml lost or gained, for each platform.",
    "nightly": "Look at tonight's builds, and tell what is new since the last night.",
}
"""Command and its line in the help. A new one is a line here and a module of its name, whose ``command`` is run."""

HELP_COLUMNS = 80
"""Width that the help text is kept in."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Given ``argv``, the caller's process ends as any does (SystemExit). Without, it is the
    program's own, and ends at once.
    """
    if argv is not None:
        sys.exit(run(argv))
    # Little of what is imported and read lives in cycles, and looking for those took a tenth of a short run.
    gc.set_threshold(300_000, 20, 100)
    code = run(sys.argv[1:])
    _flush(sys.stdout)
    _flush(sys.stderr)
    # Files are closed and written through by now. Taking the modules apart one by one, as Python
    # does when it ends, takes 30 ms: a sixth of a run that is answered by the store.
    os._exit(code)


def _flush(stream: TextIO | None) -> None:
    """Write out what is left; where nobody reads any more, that has been told already or need not be."""
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        pass


def run(argv: Sequence[str]) -> int:
    """Run the command line; return the exit code, whatever happens."""
    arguments = list(argv)
    _make_writable(sys.stdout)
    _make_writable(sys.stderr)
    try:
        if arguments in (["--help"], ["-h"]) and _is_wide():
            return _print(read_help())
        if arguments == ["--version"]:
            return _print(read_version())
        return _run_command(arguments)
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells have it
    except Exception as error:
        from wheelaudit.cli.failures import tell_failure

        return tell_failure(error)


def find_command(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command that is meant and its arguments: ``audit`` where none is named."""
    if arguments and arguments[0] in COMMANDS:
        return arguments[0], list(arguments[1:])
    return "audit", list(arguments)


def load_command(name: str) -> click.Command:
    """Import a command; only the one that is run is ever imported."""
    import importlib

    command: click.Command = importlib.import_module(f"wheelaudit.cli.{name}").command
    return command


def read_help() -> str:
    """Return the help text: a file, because drawing it up would cost more than all else (click: 30 ms).

    A test holds it against what click would print.
    """
    with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:
        return file.read()


def read_version() -> str:
    """Return the line that ``--version`` prints."""
    from wheelaudit._version import __version__

    return f"wheelaudit {__version__}\n"


def _run_command(arguments: list[str]) -> int:
    name, rest = find_command(arguments)
    named = arguments[:1] == [name]
    # `standalone_mode` off: failures come out of here, and are told better than click would.
    result = load_command(name).main(
        rest,
        help_option_names=["-h", "--help"],
        prog_name=f"wheelaudit {name}" if named else "wheelaudit",
        standalone_mode=False,
        auto_envvar_prefix="WHEELAUDIT",
    )
    return int(result or 0)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        from wheelaudit.cli.terminal import give_up_stdout

        give_up_stdout(error)
    return 0


def _is_wide() -> bool:
    """Whether the terminal has the columns of the help file; click draws it up for narrower ones."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or HELP_COLUMNS
    except ValueError:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns or HELP_COLUMNS
        except (AttributeError, OSError, ValueError):
            columns = HELP_COLUMNS
    return columns >= HELP_COLUMNS


def _make_writable(stream: object) -> None:
    """Print what the console's encoding lacks as ``\\u2713`` (Windows: cp1252, and others) instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
