"""HOUSE RULES: imports point down, the pure rooms stay pure, and only the roof knows terminal and time.

Read from the source by `ast`, so that a lazy import inside a function counts too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "wheelaudit"

GROUND = {"_version", "environments", "errors", "grid", "lock", "markers", "metadata", "release", "tags"}
"""Modules at the top of the package that make up the ground."""

ALLOWED: dict[str, set[str]] = {
    "ground": {"ground"},
    "index": {"ground", "index"},
    "audit": {"ground", "audit"},
    # Outputs turn audits into text and files; where wheels come from is no matter of theirs.
    "report": {"ground", "audit", "history.values", "report"},
    # The one crossing: a project's settings name indexes, and index.locations is their value.
    "project": {"ground", "audit", "project", "index.locations"},
    "history": {"ground", "audit", "history"},
    "jobs": {"ground", "index", "project", "jobs"},
    # The run: the client and what bounds it. What is judged in it is the other rooms' business.
    "session": {"ground", "index", "audit", "project", "jobs", "session"},
    "pipeline": {"ground", "index", "audit", "report", "project", "history", "jobs", "session", "pipeline"},
    # The landing's other rooms: from an audit to the project's file, and from that file to audits.
    "patching": {"ground", "audit", "report", "project", "patching"},
    "checking": {"ground", "index", "audit", "project", "session", "pipeline", "patching", "checking"},
    "locktargets": {"ground", "index", "project", "jobs", "locktargets"},
    "nightly": {"ground", "index", "audit", "project", "history", "jobs", "session", "nightly"},
    "locking": {"ground", "index", "audit", "project", "jobs", "session", "pipeline", "locktargets", "locking"},
    # `import wheelaudit`: the public names, handed out from below the roof.
    "wheelaudit": {
        *("ground", "index", "audit", "report", "project", "history"),
        *("session", "pipeline", "locking", "nightly"),
    },
    "cli": {
        "ground",
        "index",
        "audit",
        "report",
        "project",
        "history",
        "jobs",
        "session",
        "pipeline",
        "patching",
        "checking",
        "locking",
        "nightly",
        "cli",
        "wheelaudit",
    },
}
"""Room -> what it may import. One entry a room; "room.module" where only that module is open."""

PURE = ("ground", "audit")
"""Rooms that cannot reach the network, a file or another process even by mistake."""

IMPURE_MODULES = {
    *(
        "anyio",
        "asyncio",
        "glob",
        "h2",
        "http",
        "httpcore",
        "httpx",
        "io",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
    ),
    *("select", "shutil", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"),
}

ROOF_ONLY = {
    "anyio.run": "starts an event loop",
    "asyncio.run": "starts an event loop",
    "builtins.input": "reads the terminal",
    "builtins.print": "prints",
    "datetime.date.today": "knows the time",
    "datetime.datetime.now": "knows the time",
    "datetime.datetime.today": "knows the time",
    "datetime.datetime.utcnow": "knows the time",
    "sys.__stderr__": "prints",
    "sys.__stdout__": "prints",
    "sys.exit": "ends the process",
    "sys.stderr": "prints",
    "sys.stdout": "prints",
    "time.gmtime": "knows the time",
    "time.localtime": "knows the time",
    "time.time": "knows the time",
    "time.time_ns": "knows the time",
}
"""What only cli/ may name, called or not: a default argument ``now=time.time`` knows the time as well."""

SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    """Return the dotted name of a source file: src/wheelaudit/audit/verdict.py is wheelaudit.audit.verdict."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """Return the room that a module of wheelaudit belongs to; None where HOUSE RULES do not know it."""
    top = f"{module}.".split(".")[1]
    if not top:
        return "wheelaudit"
    if top == "__main__":
        return "cli"
    if top in GROUND:
        return "ground"
    return top if top in ALLOWED else None


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything imported; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Relative imports are none of the house (ruff TID252): level 0 always.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def names_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything named, with ``import x as y`` undone."""
    known = {"print": "builtins.print", "input": "builtins.input"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known.update(
                (a.asname or a.name.split(".")[0], a.name if a.asname else a.name.split(".")[0]) for a in node.names
            )
        elif isinstance(node, ast.ImportFrom):
            known.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    for node in ast.walk(tree):
        attributes: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in known and isinstance(node, ast.Attribute | ast.Name):
            yield inner.lineno, ".".join((known[inner.id], *reversed(attributes)))


def find_violations(module: str, source: str) -> tuple[str, ...]:
    """Return one sentence for every rule of the house that a module breaks."""
    room = room_of(module)
    if room is None:
        return (f"{module} stands on no floor: give it a place in {Path(__file__).name} (GROUND or ALLOWED)",)
    tree = ast.parse(source)
    found = [*_bad_imports(module, room, tree)]
    if room != "cli":
        for line, name in names_of(tree):
            if name in ROOF_ONLY:
                plain = name.removeprefix("builtins.")
                found.append(f"{module}:{line} {ROOF_ONLY[name]} ({plain}): only cli/ does, hand it in as an argument")
    return tuple(found)


def _bad_imports(module: str, room: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imports_of(tree):
        if name == "wheelaudit" or name.startswith("wheelaudit."):
            target = room_of(name) or "wheelaudit"
            if target not in ALLOWED[room] and not _is_open(name, ALLOWED[room]):
                allowed = ", ".join(sorted(ALLOWED[room]))
                yield f"{module}:{line} imports {name} ({target}): {room} may import only {allowed}"
        elif room in PURE and any(f"{name}.".startswith(f"{impure}.") for impure in IMPURE_MODULES):
            yield f"{module}:{line} imports {name}: {room} is pure, and that reaches out of the process"


def _is_open(name: str, allowed: set[str]) -> bool:
    """Whether ``allowed`` names this very module, or the module that this name comes from."""
    return any(f"{name}.".startswith(f"wheelaudit.{entry}.") for entry in allowed if "." in entry)


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_module_keeps_the_rules_of_the_house(path: Path) -> None:
    assert find_violations(module_of(path), path.read_text(encoding="utf-8")) == ()


@pytest.mark.parametrize(
    ("module", "source", "told"),
    [
        ("wheelaudit.audit.verdict", "import wheelaudit.index.client", "audit may import only audit, ground"),
        ("wheelaudit.audit.verdict", "from wheelaudit import pipeline", "audit may import only"),
        ("wheelaudit.audit.verdict", "def f():\n    from wheelaudit.index import client", "wheelaudit.audit.verdict:2"),
        (
            "wheelaudit.index.client",
            "from wheelaudit.audit.verdict import Verdict",
            "index may import only ground, index",
        ),
        ("wheelaudit.release", "from wheelaudit.audit import verdict", "ground may import only ground"),
        ("wheelaudit.report.human", "from wheelaudit.index.pages import ProjectPage", "report may import only"),
        ("wheelaudit.report.human", "from wheelaudit import WheelFile", "(wheelaudit): report may import only"),
        ("wheelaudit.project.settings", "from wheelaudit.index.client import Client", "project may import only"),
        ("wheelaudit.project.settings", "from wheelaudit.index.locations_old import X", "project may import only"),
        ("wheelaudit.pipeline", "from wheelaudit.cli.main import main", "pipeline may import only"),
        ("wheelaudit", "from wheelaudit.cli.main import main", "wheelaudit may import only"),
        ("wheelaudit.audit.verdict", "import httpx", "audit is pure"),
        ("wheelaudit.metadata", "from urllib.request import urlopen", "ground is pure"),
        ("wheelaudit.utils", "", "stands on no floor"),
        ("wheelaudit.report.human", "print('x')", "prints (print)"),
        ("wheelaudit.report.human", "import sys as s\ns.stdout.write('x')", "prints (sys.stdout)"),
        ("wheelaudit.report.human", "from sys import stderr\nstderr.write('x')", "prints (sys.stderr)"),
        ("wheelaudit.history.store", "import time\ndef f(now=time.time): ...", "knows the time (time.time)"),
        ("wheelaudit.history.store", "from datetime import datetime as d\nd.now()", "knows the time"),
        ("wheelaudit.history.store", "import datetime\ndatetime.datetime.now()", "knows the time"),
        ("wheelaudit.pipeline", "import anyio\nanyio.run(f)", "starts an event loop"),
    ],
)
def test_breach_is_told_with_its_place_and_rule(module: str, source: str, told: str) -> None:
    violations = find_violations(module, source)
    assert len(violations) == 1
    assert told in violations[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("wheelaudit.audit.verdict", "from wheelaudit.release import Release\nfrom wheelaudit import markers"),
        ("wheelaudit.project.settings", "from wheelaudit.index.locations import IndexLocation"),
        ("wheelaudit.project.settings", "from wheelaudit.index import locations"),
        ("wheelaudit.pipeline", "from wheelaudit.index.crawl import crawl_release\nimport wheelaudit.audit"),
        ("wheelaudit.cli.main", "import anyio, wheelaudit.pipeline, time\nprint(time.time())\nanyio.run(f)"),
        ("wheelaudit.__main__", "from wheelaudit.cli.main import main"),
        ("wheelaudit.index.client", "import anyio, time\ndef f(clock=time.monotonic): return anyio.sleep(1)"),
        ("wheelaudit.report.human", "def f(row): return row.print, row.time.time()"),
    ],
)
def test_what_the_picture_allows_is_no_breach(module: str, source: str) -> None:
    assert find_violations(module, source) == ()
