"""scripts/attack: the command line in a process of its own, ended where it does not end by itself.

One process for many runs: what a run leaves behind in it would be a fault too. Run as a
module it is that process: a line of JSON on stdin (``arguments``, ``folder``) for each run,
answered by one on stdout (``code``, ``out``, ``err``).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

HANG = -1
"""In the place of an exit code: there was none in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run came to."""

    code: int
    out: str
    err: str


Run = Callable[[Sequence[str], Path], Done]
"""Runs the command line in a folder."""


class Child:
    """The process; begun anew after a run that took longer than ``limit`` seconds."""

    def __init__(self, *, limit: float) -> None:
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self._home = tempfile.TemporaryDirectory(prefix="wheelaudit-attack-home-", ignore_cleanup_errors=True)
        self._memory = 0.0

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        self._home.cleanup()

    def run(self, arguments: Sequence[str], folder: Path) -> Done:
        """Run the command line; see `Run`."""
        answer = self._ask({"arguments": list(arguments), "folder": str(folder)})
        if answer is None:
            self._end()
            return Done(code=HANG, out="", err="")
        self._memory = max(self._memory, answer.pop("memory"))
        return Done(**answer)

    def read_memory(self) -> float:
        """Return MB at the peak, over all processes; 0 where the system does not tell."""
        return self._memory

    def _ask(self, asked: object) -> dict[str, Any] | None:
        process = self._process or self._begin()
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        try:
            line = self._answers.get(timeout=self._limit)
        except queue.Empty:
            return None
        return None if not line else dict(json.loads(line))

    def _begin(self) -> subprocess.Popen[str]:
        top = Path(__file__).parents[1]
        environ = build_environ(Path(self._home.name), top)
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "scripts._attack_child"],
            cwd=top,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        answers: queue.Queue[str] = queue.Queue()
        self._answers = answers

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                answers.put(line)
            answers.put("")

        threading.Thread(target=read, daemon=True).start()
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def build_environ(home: Path, top: Path) -> dict[str, str]:
    """Return an environment without the user's settings and proxies."""
    kept = {key: value for key, value in os.environ.items() if not key.upper().endswith("PROXY")}
    kept = {key: value for key, value in kept.items() if not key.startswith(("WHEELAUDIT_", "UV_", "PIP_"))}
    where = str(home)
    return {
        **kept,
        "HOME": where,
        "USERPROFILE": where,
        "NETRC": str(home / "netrc"),
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(top / "src"),
        "PYTHONUTF8": "1",
    }


def run_here(arguments: Sequence[str], folder: Path) -> Done:
    """Run the command line in this process; see `Run`."""
    from wheelaudit.cli.main import run

    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments))
    finally:
        os.chdir(before)
    return Done(code=code, out=out.getvalue(), err=err.getvalue())


def make_impatient() -> None:
    """Wait a hundredth of what is waited between two attempts: it is not what is tried here."""
    from wheelaudit.index import wire

    wire.BACKOFF_BASE /= 100
    wire.MAX_BACKOFF /= 100


def find_memory() -> float:
    """Return MB at this process's peak; 0 on Windows, which has no getrusage."""
    if sys.platform == "win32":
        return 0.0
    import resource

    # Linux counts memory in KiB, macOS in bytes (getrusage(2)).
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Answer line by line until stdin ends."""
    make_impatient()
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        done = run_here(asked["arguments"], Path(asked["folder"]))
        answer = {"code": done.code, "out": done.out, "err": done.err, "memory": find_memory()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
