"""scripts/attack: runs a command as a child, within a limit of time and memory, and says what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
SLACK_SECONDS = 30.0
"""For the small process that watches the child."""
GUARDED_MB = 2048
"""What a child may take before the system refuses it more: this machine is to survive the attack."""

# Becomes the command, with less memory; Windows knows no such limit, and no exec that waits.
_GUARD = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({GUARDED_MB} << 20, {GUARDED_MB} << 20))
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: an attack, and what came of it."""

    attack: str
    tried: str
    outcome: str
    memory: float = 0.0
    """MB at the peak of a child's memory; 0 where the system does not tell."""
    seconds: float = 0.0
    held: bool = True
    """Whether that is what it should come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a child came to."""

    code: int
    """Negative: the signal that ended it."""
    words: str
    """The end of its stderr."""
    memory: float
    """MB at the peak; 0 where the system does not tell."""
    seconds: float


def run_child(command: Sequence[str], environ: Mapping[str, str], *, limit: float, cwd: Path) -> Ran:
    """Run ``command`` in ``cwd`` for at most ``limit`` seconds; who hangs is killed, and has the code -9."""
    guard = [] if sys.platform in ("win32", "darwin") else [sys.executable, "-c", _GUARD]
    asked = {"commands": [[*guard, *command]], "environ": dict(environ), "limit": limit, "allowed": []}
    watcher = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "_bench_run.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        timeout=limit + SLACK_SECONDS,
    )
    answer = json.loads(watcher.stdout)
    run = answer["runs"][0]
    return Ran(code=run["code"], words=run["words"], memory=run["memory"] / 1e6, seconds=answer["seconds"])


def build_environ(home: Path) -> dict[str, str]:
    """Return the environment of a user without settings, in an empty home."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(TOP / "src"),
        "WHEELAUDIT_CACHE_DIR": str(home / "cache"),
        "UV_DEFAULT_INDEX": "https://index.example/simple",
    }
