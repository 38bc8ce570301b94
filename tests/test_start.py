"""What a start costs: heavy modules are imported by the work that needs them, not by the door."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wheelaudit

SOURCE = Path(__file__).parents[1] / "src"

HEAVY = {
    *("anyio", "asyncio", "distlib", "h2", "httpcore", "httpx", "packaging", "platformdirs", "rich", "sqlite3", "ssl"),
    *("tomlkit", "tomllib"),
}
"""Each costs 5 to 50 ms, over an interpreter that starts in about 15."""

needs_command_line = pytest.mark.skipif(
    not (SOURCE / "wheelaudit" / "cli" / "main.py").exists(), reason="there is no command line yet"
)


def find_imported(*arguments: str) -> set[str]:
    """Return the top-level names that ``python ARGUMENTS`` imports beyond what the bare interpreter does."""
    return _imported(*arguments) - _imported("-c", "pass")


def _imported(*arguments: str) -> set[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONPROFILEIMPORTTIME": "1", "COLUMNS": "80"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\|\s*(\w+)(?:\.\w+)*$", done.stderr, re.MULTILINE))


def test_heavy_import_is_seen() -> None:
    assert "sqlite3" in find_imported("-c", "import sqlite3.dbapi2")


def test_import_of_the_package_is_light() -> None:
    imported = find_imported("-c", "import wheelaudit")
    assert wheelaudit.__name__ in imported
    assert imported & HEAVY == set()


@needs_command_line
def test_help_is_light() -> None:
    imported = find_imported("-m", "wheelaudit", "--help")
    assert wheelaudit.__name__ in imported
    assert imported & HEAVY == set()


def test_httpx_is_imported_without_its_own_command_line() -> None:
    code = (
        "import sys, wheelaudit.index.wire; print('rich' in sys.modules, 'httpx._main' in sys.modules);"
        "import httpx._main, httpx; print(httpx.Client.__name__, 'rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "Client", "True"]


def test_judging_is_imported_while_the_first_connection_is_made() -> None:
    code = """
import socket, sys
from wheelaudit import pipeline, session

def find_judging():
    return sorted(name for name in sys.modules if name.startswith("wheelaudit.audit") or name == "colorsys")

import anyio
async def main():
    seen = []
    begin = session._import_meanwhile
    async def look(connecting, modules):
        seen.append((connecting.is_set(), find_judging()))
        await begin(connecting, modules)
        seen.append((connecting.is_set(), len(find_judging()) > len(session.JUDGING) - 4, "colorsys" in sys.modules))
        server.close()  # and now nobody has to wait for it any longer
    session._import_meanwhile = look
    with socket.create_server(("127.0.0.1", 0)) as server:  # it never answers: all there is is the wait
        url = f"http://127.0.0.1:{server.getsockname()[1]}/simple/"
        await pipeline.audit_specs(["demo"], index=[url], timeout=60, retries=0, environ={}, meanwhile=["colorsys"])
    print(seen)

anyio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[(False, []), (True, True, True)]", done.stdout + done.stderr
