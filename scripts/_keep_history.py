"""The nights that git remembers: a branch of their own, a folder a watch, a file a night.

    scripts/keep-history fetch NAME FILE    what the branch has of NAME, as one export; no FILE: a first night
    scripts/keep-history push DIR           every DIR/NAME/history.jsonl (`wheelaudit history export`), as one commit

A cache may be gone any night, and a history that begins anew tells no regression. A branch
stays, can be read and compared, and holds each night once: the export is split by night, so
that a new night is a new file and the others stay as they are. Nothing is checked out, and
nothing forced: of two that push, the second fails, and the next night tells it again.

That the branch is not there is told from that it could not be asked: a failed fetch never
becomes an empty history. Only the standard library, so that the job that may write installs nothing.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

REF = "refs/heads/history"
REMOTE = "origin"
EXPORT = "history.jsonl"

MOST_LINE = 128 * 1024 * 1024
"""Bytes of a line, which is what an export's own reader takes (`history.lines.MAX_LINE_BYTES`)."""
MOST_NIGHTS = 40_000
"""A century; more nights are not nights."""
SECONDS = 900
"""For one call of git, the slowest connection and a year of nights included."""

ABSENT = 2
"""What ``git ls-remote --exit-code`` exits with where it was answered, and there is no such ref."""
CANNOT = 2
"""Exit code where it could not be done, as wheelaudit's own."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl", re.ASCII)

# A password in a remote's address (RFC 3986 section 3.2.1).
_USERINFO = re.compile(r"//[^/@\s]*@")

# The author of a commit that nobody wrote; what the user has set comes first.
_IDENTITY = {"NAME": "wheelaudit nightly", "EMAIL": "41898282+github-actions[bot]@users.noreply.github.com"}


class CannotError(Exception):
    """What happened, in one sentence, and what to do about it."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def main(argv: Sequence[str] | None = None) -> None:
    """Run the script in the working folder's repository."""
    parser = argparse.ArgumentParser(prog="keep-history", description="The nights that git remembers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="fetch|push")
    fetching = commands.add_parser("fetch", help="write what the branch has as one export")
    fetching.add_argument("name", metavar="NAME")
    fetching.add_argument("file", type=Path, metavar="FILE")
    pushing = commands.add_parser("push", help="commit the exports of a night")
    pushing.add_argument("folder", type=Path, metavar="DIR")
    options = parser.parse_args(argv)
    try:
        if options.command == "fetch":
            print(fetch(options.name, options.file))
        else:
            print(push(options.folder))
    except CannotError as error:
        print(f"error: {error.message}\nhint: {error.remedy}", file=sys.stderr)
        sys.exit(CANNOT)


# --- fetch -------------------------------------------------------------------------------------------


def fetch(name: str, file: Path) -> str:
    """Write the nights of ``name`` to ``file``, oldest first, and say how many.

    Where there are none the file is not written. Raises `CannotError`.
    """
    check_name(name)
    commit = fetch_branch()
    if commit is None:
        return "no history yet: this is the first night"
    listed = run_git("ls-tree", "-z", "--name-only", commit, "--", name).rstrip(b"\0")
    if not listed:
        return f"no history of {name} yet: this is its first night"
    count = write_nights(commit, name, file)
    return f"{name}: {count} {'night' if count == 1 else 'nights'}"


def fetch_branch() -> str | None:
    """Fetch the branch's last commit and return its id; None where the remote says that there is no branch."""
    asked = call_git("ls-remote", "--exit-code", REMOTE, REF)
    if asked.returncode == ABSENT:
        return None
    check(asked, "ls-remote")
    run_git("fetch", "--quiet", "--no-tags", "--depth=1", REMOTE, REF)
    return read_id("FETCH_HEAD^{commit}")


def write_nights(commit: str, name: str, file: Path) -> int:
    """Write the files of the branch's folder one after the other, and return how many there were."""
    count = 0
    with tempfile.TemporaryFile() as archive:
        check(call_git("archive", "--format=tar", commit, "--", name, stdout=archive), "archive")
        archive.seek(0)
        # git writes a tree in the order of its names, which is that of the nights.
        with tarfile.open(fileobj=archive) as members, file.open("wb") as out:
            for member in members:
                folder, _, leaf = member.name.partition("/")
                data = members.extractfile(member)
                if folder == name and data is not None and member.isfile() and _FILE.fullmatch(leaf):
                    shutil.copyfileobj(data, out)
                    count += 1
    return count


# --- push --------------------------------------------------------------------------------------------


def push(folder: Path) -> str:
    """Commit the exports in ``folder`` and push them; what has no export tonight stays as it is.

    Raises `CannotError`.
    """
    exports = find_exports(folder)
    parent = fetch_branch()
    entries = {} if parent is None else read_tree(parent)
    with tempfile.TemporaryDirectory() as work:
        for number, (name, export) in enumerate(exports.items()):
            nights = split_nights(export, Path(work, str(number)))
            entries[name] = f"040000 tree {write_nights_tree(nights)}"
    tree = write_tree(entries)
    if parent is not None and tree == read_id(f"{parent}^{{tree}}"):
        return "nothing new to remember"
    parents = () if parent is None else ("-p", parent)
    message = f"Night of {datetime.datetime.now(tz=datetime.UTC).date()}: {', '.join(exports)}"
    commit = read_output(run_git("commit-tree", tree, *parents, "-m", message))
    # Not forced: it only ever adds to what is there.
    run_git("push", "--quiet", REMOTE, f"{commit}:{REF}")
    return f"remembered: {', '.join(exports)}"


def find_exports(folder: Path) -> dict[str, Path]:
    """Return the exports by the folder that each lies in. Raises `CannotError` where there are none."""
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{EXPORT}")) if path.is_file()}
    if not found:
        raise CannotError(
            f"{folder} has no */{EXPORT}.", remedy="Write one: `wheelaudit history export -o NAME/history.jsonl`."
        )
    for name in found:
        check_name(name)
    return found


def split_nights(export: Path, folder: Path) -> list[Path]:
    """Write the lines of an export into a file each night, in their order. Raises `CannotError`."""
    folder.mkdir()
    written: dict[str, Path] = {}
    with export.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MOST_LINE), b""), start=1):
            night = find_night(line)
            if night is None or (night not in written and len(written) >= MOST_NIGHTS):
                raise CannotError(
                    f"Line {number} of {export} is not of a night.", remedy="Export the history again, and push that."
                )
            path = written.setdefault(night, folder / f"{night}.jsonl")
            with path.open("ab") as out:
                out.write(line)
    return list(written.values())


def find_night(line: bytes) -> str | None:
    """Return the night that a line of an export is of; None where it is no such line, or not a whole one."""
    try:
        night = json.loads(line)["night"] if line.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    # It becomes the name of a file.
    return night if isinstance(night, str) and _NIGHT.fullmatch(night) else None


def write_nights_tree(nights: Sequence[Path]) -> str:
    """Put the files of nights into the repository and return the id of their tree."""
    names = "".join(f"{path.as_posix()}\n" for path in nights)
    # As they are: no filter, no change of line ends.
    ids = run_git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names.encode()).decode("ascii").split()
    return write_tree({path.name: f"100644 blob {each}" for path, each in zip(nights, ids, strict=True)})


def read_tree(commit: str) -> dict[str, str]:
    """Return the entries of a commit's tree: mode, type and id by name."""
    listed = run_git("ls-tree", "-z", commit).decode().split("\0")
    return {name: head for head, _, name in (entry.partition("\t") for entry in listed if entry)}


def write_tree(entries: dict[str, str]) -> str:
    """Write a tree and return its id; git sorts the entries."""
    lines = "".join(f"{head}\t{name}\0" for name, head in entries.items())
    return read_output(run_git("mktree", "-z", stdin=lines.encode()))


# --- git ---------------------------------------------------------------------------------------------


def check_name(name: str) -> None:
    """Raise `CannotError` where ``name`` is not one of a folder on the branch."""
    if not _NAME.fullmatch(name):
        raise CannotError(
            f"{name!a} is not the name of a watch.", remedy="Use a-z, 0-9 and hyphens, such as night-cuda."
        )


def run_git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git and return what it prints. Raises `CannotError` where it fails."""
    done = call_git(*arguments, stdin=stdin)
    check(done, arguments[0])
    return done.stdout


def call_git(*arguments: str, stdin: bytes = b"", stdout: BinaryIO | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run git, whatever it exits with. Raises `CannotError` where it cannot be run."""
    environ = {f"GIT_{who}_{what}": each for who in ("AUTHOR", "COMMITTER") for what, each in _IDENTITY.items()}
    try:
        return subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],  # bytes stay as they are
            input=stdin,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A question for a password would wait until the time is up.
            env={**environ, **os.environ, "GIT_TERMINAL_PROMPT": "0"},
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotError("There is no program git.", remedy="Install git.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotError(f"`git {arguments[0]}` could not be run ({error}).", remedy="Run this again.") from error


def check(done: subprocess.CompletedProcess[bytes], name: str) -> None:
    """Raise `CannotError` where git has failed."""
    if done.returncode != 0:
        said = ascii(_USERINFO.sub("//", done.stderr.decode(errors="replace").strip()[-500:]))
        raise CannotError(
            f"`git {name}` failed with {done.returncode}: {said}.",
            remedy=f"See that {REMOTE} can be reached and may be written to, then run this again.",
        )


def read_id(name: str) -> str:
    """Return the id of an object by its name in git."""
    return read_output(run_git("rev-parse", "--verify", name))


def read_output(output: bytes) -> str:
    return output.decode("ascii").strip()


if __name__ == "__main__":
    main()
