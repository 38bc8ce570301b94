"""scripts/bench (a small process of its own): runs commands and says what they cost.

Small, because Linux counts the memory of whoever starts a process as that process's
peak until it has more: this one has 12 MB, and the bench 40. Takes JSON on stdin
(``commands``, ``environ``, ``limit`` in seconds), and answers with JSON on stdout.
"""

import json
import os
import subprocess
import sys
import threading
import time


def main() -> None:
    """Run the commands one after the other, up to the first that fails."""
    asked = json.load(sys.stdin)
    runs = []
    started = time.perf_counter()
    for command in asked["commands"]:
        code, cpu, memory, words = _run(command, asked["environ"], asked["limit"])
        runs.append({"code": code, "cpu": cpu, "memory": memory, "words": words[-2000:]})
        if code not in asked["allowed"]:
            break
    json.dump({"seconds": time.perf_counter() - started, "runs": runs}, sys.stdout)


def _run(command: list[str], environ: dict[str, str], limit: float) -> tuple[int, float, int, str]:
    """Return exit code, seconds of CPU, bytes of memory at the peak (0 where the system does not tell), and stderr."""
    process = subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stderr is not None
    timer = threading.Timer(limit, process.kill)
    timer.start()
    words = process.stderr.read()
    timer.cancel()
    if sys.platform == "win32":  # there is no wait4
        return process.wait(), 0.0, 0, words
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts memory in KiB, macOS in bytes (getrusage(2)).
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, words


if __name__ == "__main__":
    main()
