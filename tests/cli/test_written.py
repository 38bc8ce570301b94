"""What is written where: names of an index become no paths, permissions are the user's, a full disk is told."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.index.server import FileServer, serve_files
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata

BEFORE, VERSION = "1.0.dev20250113", "1.0.dev20250114"
REQUIRES = {"win_amd64": ["attrs"], "manylinux_2_28_x86_64": ["attrs", "idna"]}
PATHS = (
    "../../escaped",
    "..\\..\\escaped",
    "/tmp/escaped",
    "C:\\escaped",
    "\\\\host\\share\\escaped",
    "escaped\0.whl",
    "CON",
    "NUL.whl",
    "aux.whl",
    "escaped:stream",
    "escaped" * 60,
    "Escaped",
    "eSCAPED",
    "~/escaped",
    "$HOME/escaped",
    "%2e%2e%2fescaped",
    ".",
    "..",
    "",
)
"""Out of a folder, to a drive, a share, a device, a stream, longer than any file's name, one name twice."""
OURS = re.compile(
    r"home(/cache(/metadata-1(/store\.sqlite3(-wal|-shm)?)?)?)?"
    r"|work(/(history\.sqlite3(-wal|-shm)?|report|export|issues(/[0-9a-f]{32}\.json)?"
    r"|tape(/(exchanges\.json|bodies(/[0-9a-f]{16}\.(html|json|metadata|bin))?))?))?",
    re.ASCII,
)
posix = pytest.mark.skipif(os.name != "posix", reason="permissions and limits of POSIX; Windows keeps profiles apart")


@pytest.fixture
def index() -> Iterator[SimpleIndex]:
    """An index with one build, whose wheels agree."""
    with serve_files(FileServer(headers={"Content-Type": "text/html"}, etag=None)) as server:
        index = SimpleIndex(server=server, path="/simple")
        index.add(build_wheels(BEFORE, {platform: ["attrs"] for platform in REQUIRES}))
        yield index


def build_wheels(version: str, requires: Mapping[str, list[str]]) -> list[ServedWheel]:
    return [
        ServedWheel(
            filename=f"demo-{version}-cp312-cp312-{platform}.whl",
            metadata=build_metadata("demo", version, requires=lines, extras=PATHS[:3]),
        )
        for platform, lines in requires.items()
    ]


def turn_hostile(index: SimpleIndex) -> None:
    """Add a build whose wheels do not agree, and names that are paths."""
    index.add(build_wheels(VERSION, REQUIRES))
    page = index.server.files["/simple/demo/"].decode()
    named = [f"demo-{VERSION}-{name}-none-any.whl" for name in PATHS]
    hrefs = "".join(f'<a href="{html.escape(name)}">x</a>\n' for name in (*PATHS, *named))
    index.server.files["/simple/demo/"] = page.replace("</body>", f"{hrefs}</body>").encode()


def run_everything(cli: Cli, index: SimpleIndex) -> None:
    """Run whatever writes."""
    asked = ("--index", index.url, "--retries", "0")
    nights = ("nightly", "demo", *asked, "--history", "history.sqlite3", "--issues", "issues")
    assert cli(*nights, "--night", "2025-01-13").code == 0
    turn_hostile(index)
    assert cli(*nights, "--night", "2025-01-14").code == 1
    assert cli(f"demo=={VERSION}", *asked, "--record", "tape", "-o", "report").code == 1
    assert cli(f"demo=={VERSION}", *asked, "--deep").code == 1
    assert cli("history", "export", "--history", "history.sqlite3", "-o", "export").code == 0


@pytest.fixture
def url(index: SimpleIndex) -> str:
    turn_hostile(index)
    return index.url


def find_all(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}


def test_names_of_an_index_become_no_paths(cli: Cli, world: Path, tmp_path: Path, index: SimpleIndex) -> None:
    run_everything(cli, index)
    found = find_all(tmp_path)
    assert [name for name in found if not OURS.fullmatch(name)] == []
    assert {"work/tape/exchanges.json", "home/cache/metadata-1/store.sqlite3", "work/export"} <= {*found}
    assert any(name.startswith("work/issues/") for name in found)


@posix
def test_what_is_private_is_the_user_s_alone_and_what_is_shared_is_as_he_has_it(
    cli: Cli, world: Path, tmp_path: Path, index: SimpleIndex
) -> None:
    before = os.umask(0o022)
    try:
        run_everything(cli, index)
    finally:
        os.umask(before)
    modes = {name: path.stat().st_mode & 0o777 for name, path in find_all(tmp_path).items()}
    private = {name for name in modes if name.startswith(("home/cache", "work/history", "work/export"))}
    assert all(not modes[name] & 0o077 for name in private), modes
    # A report and a cassette are made to be passed on.
    assert {modes[name] for name in modes if name.startswith("work/tape/") and name.count(".")} == {0o644}
    assert modes["work/report"] == 0o644
    assert modes["work/tape"] == 0o755


def run_without_room(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run where a file may have a kilobyte, as on a disk that is all but full; the limit is a process's own."""
    code = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "from wheelaudit.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    )
    # -B: half a .pyc would be there for good, and no Python before 3.14 sees that it is only half.
    command = [sys.executable, "-B", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)


@posix
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ((f"demo=={VERSION}", "--format", "html", "-o", "report"), "report"),
        ((f"demo=={VERSION}", "--record", "tape"), "tape"),
        (("nightly", "demo", "--history", "history.sqlite3", "--night", "2025-01-14"), None),
    ],
    ids=["report", "cassette", "history"],
)
def test_disk_without_room_is_one_sentence_and_leaves_nothing_half_written(
    cli: Cli, world: Path, url: str, arguments: tuple[str, ...], kept: str | None
) -> None:
    done = run_without_room(*arguments, "--index", url, "--no-cache", "--retries", "0")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert kept is None or not (world / kept).exists()
    assert [path for path in world.iterdir() if path.name.startswith(".")] == []


@posix
def test_cache_without_room_costs_nothing_but_fetches(cli: Cli, world: Path, url: str) -> None:
    arguments = (f"demo=={VERSION}", "--index", url, "--retries", "0")
    for _ in range(2):
        done = run_without_room(*arguments)
        assert (done.returncode, done.stderr) == (1, "")
        assert "INCONSISTENT" in done.stdout
    # With room again it is used again.
    assert cli(*arguments).code == 1
    assert cli(*arguments, "--offline").code == 1
