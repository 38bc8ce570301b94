"""A stand-in for the program ``keyring``: it notes how it is called and says what it is told to say."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distlib.scripts import ScriptMaker

_SCRIPT = """#!python
import json, sys, time
if sys.stdin.read():
    sys.exit(9)
with open({log!r}, "a", encoding="utf-8") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
sys.stderr.write("s3cret is not for stderr\\n")
answer = json.loads({answers!r}).get(sys.argv[2], 1)
if answer == "forever":
    time.sleep(3600)
if isinstance(answer, int):
    sys.exit(answer)
sys.stdout.buffer.write(answer.encode("latin-1"))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The program, in a folder of its own."""

    bin: Path
    log: Path

    @property
    def environ(self) -> dict[str, str]:
        """What makes a program find it, and it its interpreter."""
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
        return {**kept, "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}"}

    @property
    def calls(self) -> list[Sequence[str]]:
        """Arguments of every call, in order."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def build_stand_in(folder: Path, answers: Mapping[str, str | int]) -> StandIn:
    """Put the program into ``folder``.

    ``answers``: service -> what it prints (bytes, as latin-1), its exit code, or "forever";
    of any other service it has nothing, and ends with 1, as the real one does.
    """
    source, target = folder / "source", folder / "bin"
    source.mkdir(parents=True)
    target.mkdir()
    script = _SCRIPT.format(log=str(folder / "log"), answers=json.dumps(answers))
    # With .py it becomes keyring.exe on Windows, by the launcher that pip's scripts have too.
    name = "keyring.py" if sys.platform == "win32" else "keyring"
    (source / name).write_text(script, encoding="utf-8")
    maker = ScriptMaker(str(source), str(target))
    maker.executable = sys.executable
    maker.set_mode = True
    maker.make(name)
    return StandIn(bin=target, log=folder / "log")
