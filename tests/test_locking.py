"""A lock and indexes in, what each release is given out: what is asked, of whom, and what a failure means for others.

The locks are written by hand; those of the real uv are in `tests/uv/test_locking.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import respx
from packaging.utils import canonicalize_name

from tests.cli.indexes import write_wheel
from tests.index.server import FileServer, serve_files
from tests.project.locking import write_files
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata
from wheelaudit.cli.main import run
from wheelaudit.errors import HttpStatusError, NetworkError, ProjectFileError
from wheelaudit.index.store import MetadataStore
from wheelaudit.locking import CheckedRelease, LockCheck, check_lock
from wheelaudit.metadata import Reading, UnreadableWheel
from wheelaudit.release import Release
from wheelaudit.session import Manner, Watcher

pytestmark = pytest.mark.anyio

LINUX, MACOS, WINDOWS = "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64"
PLATFORMS = (LINUX, MACOS, WINDOWS)
LOST = [("WA411", "windows AMD64, CPython 3.12", ("colorama",))]
"""What `add_wrong` makes of a lock in which ``demo`` brings nothing but ``base``."""
HEAD = 'version = 1\nrequires-python = ">=3.10"\n'


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be a user without settings, in a folder of their own."""
    for name in [*os.environ]:
        if name.startswith(("UV_", "PIP_", "XDG_", "WHEELAUDIT_")) or name == "NETRC":
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    folder = tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("WHEELAUDIT_CACHE_DIR", str(home / "cache"))
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as served:
        yield served


@pytest.fixture
def index(server: FileServer) -> SimpleIndex:
    return SimpleIndex(server=server, path="/simple")


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def add_release(
    index: SimpleIndex,
    project: str = "demo",
    version: str = "1.0",
    *,
    requires: Mapping[str, Iterable[str]] | None = None,
    python: str = "cp312",
    **fields: Any,
) -> None:
    """Put a wheel a platform on a page; all ask for ``base``, and one for what is given for it besides."""
    for platform in PLATFORMS:
        name = f"{project}-{version}-{python}-{python}-{platform}.whl"
        lines = ["base", *(requires or {}).get(platform, ())]
        metadata = build_metadata(project, version, requires=lines)
        index.add([ServedWheel(filename=name, metadata=metadata, sha256=hash_of(name), **fields)])


def add_wrong(index: SimpleIndex, project: str = "demo", **fields: Any) -> None:
    """Put a release on a page of which the Windows wheel asks for more."""
    add_release(index, project, requires={WINDOWS: ["colorama"]}, **fields)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A package of a lock that brings ``base``."""

    registry: str
    project: str = "demo"
    version: str = "1.0"
    wheels: list[dict[str, str]] = field(default_factory=list)
    more: str = ""

    def render(self) -> str:
        wheels = "".join(f"    {render_table(wheel)},\n" for wheel in self.wheels)
        lines = [
            "[[package]]",
            f'name = "{self.project}"',
            f'version = "{self.version}"',
            f"source = {{ registry = {json.dumps(self.registry)} }}",
            'dependencies = [{ name = "base" }]' if self.project != "base" else "",
            self.more,
            f"wheels = [\n{wheels}]" if self.wheels else "",
        ]
        return "\n".join(filter(None, lines)) + "\n"


def render_table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()) + " }"


def entry(index: SimpleIndex, project: str = "demo", version: str = "1.0", *, python: str = "cp312") -> Entry:
    """Lock a release with the wheels that the index has of it now, for one Python."""
    wheels = [
        {"url": f"{index.url}/{project}/{wheel.filename}", "hash": f"sha256:{wheel.sha256}"}
        for wheel in index.wheels[project]
        if wheel.filename.startswith(f"{project}-{version}-{python}-")
    ]
    return Entry(registry=index.url, project=project, version=version, wheels=wheels)


def write_lock(folder: Path, *entries: Entry) -> Path:
    """Write the lock of a project that asks for all of them."""
    wanted = [
        {"name": each.project, "version": each.version, "source": each.registry} for each in entries if each.wheels
    ]
    arrows = ", ".join(
        f'{{ name = "{each["name"]}", version = "{each["version"]}",'
        f" source = {{ registry = {json.dumps(each['source'])} }} }}"
        for each in wanted
    )
    asker = f'[[package]]\nname = "asker"\nversion = "1"\nsource = {{ virtual = "." }}\ndependencies = [{arrows}]\n'
    base = Entry(
        registry="https://index.example/simple", project="base", more='sdist = { url = "https://f.example/b" }'
    )
    text = "\n".join([HEAD, asker, *(each.render() for each in (*entries, base))])
    write_files(folder, {"uv.lock": text})
    return folder / "uv.lock"


def find(check: LockCheck, project: str = "demo") -> CheckedRelease:
    (release,) = (each for each in check.releases if each.project == project)
    return release


def told(release: CheckedRelease) -> list[tuple[str, str, tuple[str, ...]]]:
    assert release.lock_audit is not None, (release.skipped, release.error)
    return [(each.id, each.environments, each.requirements) for each in release.lock_audit.findings]


def status(release: CheckedRelease) -> str | None:
    return None if release.lock_audit is None else release.lock_audit.status


def asked(server: FileServer) -> list[str]:
    return sorted(path for path, _ in server.requests)


def name(platform: str, *, project: str = "demo", version: str = "1.0") -> str:
    return f"{project}-{version}-cp312-cp312-{platform}.whl"


# --- what is asked ---------------------------------------------------------------------------------------


async def test_page_and_one_request_for_all_wheels_of_equal_metadata_settle_a_release(
    index: SimpleIndex, world: Path
) -> None:
    add_release(index)
    check = await check_lock(write_lock(world, entry(index)))
    assert status(find(check)) == "right"
    page, metadata = asked(index.server)
    assert page == "/simple/demo/"
    assert metadata.endswith(".metadata")


@pytest.mark.parametrize("concurrency", [1, 64])
async def test_wrong_release_costs_one_request_for_each_distinct_metadata(
    index: SimpleIndex, world: Path, concurrency: int
) -> None:
    add_wrong(index)
    check = await check_lock(write_lock(world, entry(index)), manner=Manner(concurrency=concurrency))
    assert told(find(check)) == LOST
    page, *metadata = asked(index.server)
    assert page == "/simple/demo/"
    assert len(metadata) == 2


async def test_only_wheels_that_the_lock_names_are_read(index: SimpleIndex, world: Path) -> None:
    add_release(index)
    locked = entry(index)
    add_release(index, python="cp311", requires={LINUX: ["more"]})
    add_release(index, version="2.0", requires={LINUX: ["else"]})
    check = await check_lock(write_lock(world, locked))
    audit = find(check).lock_audit
    assert audit is not None
    assert [wheel.filename for wheel in audit.release.wheels] == [name(MACOS), name(LINUX), name(WINDOWS)]
    assert len(index.server.requests) == 2


async def test_release_that_is_wrong_is_audited_with_all_wheels_of_its_page(index: SimpleIndex, world: Path) -> None:
    add_wrong(index)
    locked = entry(index)
    add_release(index, python="cp311", requires={LINUX: ["more"]})
    add_release(index, version="2.0", requires={LINUX: ["else"]})
    release = find(await check_lock(write_lock(world, locked)))
    assert told(release) == LOST
    assert release.audit is not None
    assert len(release.audit.release.wheels) == 6
    assert release.audit.override is not None
    assert any(line.startswith("more") for line in release.audit.override.requires_dist)
    assert [path for path in asked(index.server) if "2.0" in path] == []


async def test_release_that_is_right_is_not_audited_as_a_whole(index: SimpleIndex, world: Path) -> None:
    add_release(index)
    assert find(await check_lock(write_lock(world, entry(index)))).audit is None


async def test_only_asks_for_nothing_else(index: SimpleIndex, world: Path) -> None:
    add_wrong(index)
    add_wrong(index, "other")
    path = write_lock(world, entry(index), entry(index, "other"))
    check = await check_lock(path, only={canonicalize_name("demo")})
    assert [release.project for release in check.releases] == ["demo"]
    assert told(find(check)) == LOST
    assert not [path for path in asked(index.server) if "other" in path]


async def test_two_versions_of_a_project_share_a_page(index: SimpleIndex, world: Path) -> None:
    add_release(index)
    add_wrong(index, version="2.0")
    entries = entry(index), entry(index, version="2.0")
    one, two, _ = (await check_lock(write_lock(world, *entries))).releases
    assert (status(one), status(two)) == ("right", "wrong")
    assert asked(index.server).count("/simple/demo/") == 1


async def test_packages_are_told_in_the_order_of_the_lock(index: SimpleIndex, world: Path) -> None:
    names = ("zeta", "alpha", "mid")
    for each in names:
        add_release(index, each)
    check = await check_lock(write_lock(world, *(entry(index, each) for each in names)))
    assert [release.project for release in check.releases] == [*names, "base"]


async def test_every_wheel_is_told_of_once(index: SimpleIndex, world: Path) -> None:
    found: list[str] = []
    read: list[str] = []
    done: list[str] = []

    class Diary(Watcher):
        def releases_found(self, releases: Iterable[Release]) -> None:
            found.extend(wheel.filename for release in releases for wheel in release.wheels)

        def wheel_read(self, reading: Reading) -> None:
            read.append(reading.wheel.filename)

        def release_read(self, release: Release) -> None:
            done.append(release.spec)

    add_release(index)
    locked = entry(index)
    locked.wheels[0]["hash"] = f"sha256:{hash_of('another')}"
    await check_lock(write_lock(world, locked), watcher=Diary())
    assert sorted(read) == sorted(found) == sorted(map(name, PLATFORMS))
    assert done == ["demo==1.0"]


async def test_requests_at_once_are_bounded_over_the_whole_lock(world: Path) -> None:
    bound, now, most = 3, 0, 0
    full = anyio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == bound:
            full.set()
        # Nobody is answered before as many have asked as may: who asked for less would wait for ever.
        await full.wait()
        await anyio.lowlevel.checkpoint()
        now -= 1
        project = request.url.path.split("/")[2]
        if request.url.path.startswith("/simple/"):
            anchors = (
                f'<a href="https://index.example/files/{project}/{name(each, project=project)}"'
                f' data-core-metadata="true">{name(each, project=project)}</a>'
                for each in PLATFORMS
            )
            return httpx.Response(200, headers={"Content-Type": "text/html"}, text="".join(anchors))
        return httpx.Response(200, content=build_metadata(project, "1.0", requires=["base"]))

    entries = [
        Entry(
            registry="https://index.example/simple",
            project=f"p{number}",
            wheels=[
                {"url": f"https://index.example/files/p{number}/{name(each, project=f'p{number}')}"}
                for each in PLATFORMS
            ],
        )
        for number in range(40)
    ]
    with respx.mock, anyio.fail_after(60):
        respx.get(url__startswith="https://index.example/").mock(side_effect=answer)
        check = await check_lock(write_lock(world, *entries), manner=Manner(concurrency=bound))
    assert [status(release) for release in check.releases] == ["right"] * 40 + [None]
    assert most == bound


# --- is it the file that was locked? -------------------------------------------------------------------


async def test_another_file_of_the_name_is_never_judged(index: SimpleIndex, world: Path) -> None:
    # Were it taken for the locked one, it would ask for something that the lock does not give.
    add_wrong(index)
    locked = entry(index)
    locked.wheels[2]["hash"] = f"sha256:{hash_of('the file that was locked')}"
    release = find(await check_lock(write_lock(world, locked)))
    assert status(release) == "unknown"
    assert told(release) == []
    assert release.lock_audit is not None
    (unread,) = (each for each in release.lock_audit.readings if isinstance(each, UnreadableWheel))
    assert unread.wheel.filename == name(WINDOWS)
    assert "another file of this name" in unread.error.message
    assert not [path for path in asked(index.server) if "win_amd64" in path]


def test_exit_code_says_that_a_wheel_is_unread(
    index: SimpleIndex, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_release(index)
    locked = entry(index)
    locked.wheels[2]["hash"] = f"sha256:{hash_of('the file that was locked')}"
    write_lock(world, locked)
    assert run(["lock"]) == 3
    assert "another file of this name" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("order", [1, -1])
async def test_of_files_of_one_name_the_one_with_the_hash_is_taken(index: SimpleIndex, world: Path, order: int) -> None:
    add_release(index)
    locked = entry(index)
    page = index.server.files["/simple/demo/"].decode()
    # The same names again with other bytes, as on a page that lists all channels at once; and without a hash.
    other = "".join(
        f'<a href="/elsewhere/{name(each)}{fragment}" data-core-metadata="true">{name(each)}</a>\n'
        for each in PLATFORMS
        for fragment in ("", f"#sha256={hash_of('other')}")
    )
    head, body = page.split("<body>\n")
    index.server.files["/simple/demo/"] = "".join([head, "<body>\n", *[other, body][::order]]).encode()
    assert status(find(await check_lock(write_lock(world, locked)))) == "right"


@pytest.mark.parametrize("order", [1, -1])
async def test_of_files_without_hashes_the_one_at_the_address_is_taken(
    index: SimpleIndex, world: Path, order: int
) -> None:
    add_release(index)
    locked = entry(index)
    for wheel in locked.wheels:
        del wheel["hash"]
    anchors = [
        f'<a href="{folder}/{name(each)}" data-core-metadata="true">{name(each)}</a>\n'
        for folder in ("/simple/demo", "/elsewhere")
        for each in PLATFORMS
    ]
    index.server.files["/simple/demo/"] = f"<html>{''.join(anchors[::order])}</html>".encode()
    for each in PLATFORMS:
        metadata = build_metadata("demo", "1.0", requires=["base", "wrong"])
        index.server.files[f"/elsewhere/{name(each)}.metadata"] = metadata
    assert status(find(await check_lock(write_lock(world, locked)))) == "right"


@pytest.mark.parametrize("side", ["lock", "page"])
async def test_wheel_without_a_hash_on_one_side_is_known_by_its_name(
    index: SimpleIndex, world: Path, side: str
) -> None:
    add_wrong(index)
    locked = entry(index)
    if side == "lock":
        for wheel in locked.wheels:
            del wheel["hash"]
    else:
        page = index.server.files["/simple/demo/"].decode()
        for platform in PLATFORMS:
            page = page.replace(f"#sha256={hash_of(name(platform))}", "")
        assert "#" not in page
        index.server.files["/simple/demo/"] = page.encode()
    assert told(find(await check_lock(write_lock(world, locked)))) == LOST


async def test_wheel_that_is_yanked_since_is_still_what_was_locked(index: SimpleIndex, world: Path) -> None:
    add_wrong(index, yanked="broken")
    release = find(await check_lock(write_lock(world, entry(index))))
    assert told(release) == LOST
    assert release.audit is not None
    assert release.audit.override is not None


@pytest.mark.parametrize("page", ["without it", "gone"])
async def test_wheel_that_the_page_does_not_list_any_more_is_read_where_the_lock_has_it(
    index: SimpleIndex, world: Path, page: str
) -> None:
    add_wrong(index, inside=True)
    locked = entry(index)
    if page == "gone":
        del index.server.files["/simple/demo/"]
    else:
        index.server.files["/simple/demo/"] = b"<!DOCTYPE html><html><body>nothing</body></html>"
    release = find(await check_lock(write_lock(world, locked)))
    assert told(release) == LOST
    # What would mend it, only the page could say.
    assert (release.audit, release.error) == (None, None)


async def test_project_that_is_gone_with_its_files_is_unknown(index: SimpleIndex, world: Path) -> None:
    add_release(index)
    locked = entry(index)
    index.server.files.clear()
    release = find(await check_lock(write_lock(world, locked)))
    assert status(release) == "unknown"
    assert release.lock_audit is not None
    assert all(isinstance(each, UnreadableWheel) for each in release.lock_audit.readings)


# --- what cannot be read, and what there is nothing to read of -----------------------------------------


async def test_index_that_refuses_fails_its_releases_and_no_others(index: SimpleIndex, world: Path) -> None:
    add_wrong(index)
    refusing = Entry(
        registry="https://refusing.example/simple",
        project="other",
        wheels=[{"url": f"https://refusing.example/{name(each, project='other')}"} for each in PLATFORMS],
    )
    with respx.mock(assert_all_called=False) as mocked:
        mocked.route(host="127.0.0.1").pass_through()
        mocked.get("https://refusing.example/simple/other/").respond(500)
        check = await check_lock(write_lock(world, refusing, entry(index)), manner=Manner(retries=0))
    failed = find(check, "other")
    assert isinstance(failed.error, HttpStatusError)
    assert (failed.lock_audit, failed.skipped) == (None, None)
    assert told(find(check)) == LOST


def test_exit_code_says_that_a_release_could_not_be_done(
    index: SimpleIndex, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_wrong(index)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{unused.getsockname()[1]}"
        wheels = [{"url": f"{silent}/{name(each, project='other')}"} for each in PLATFORMS]
        write_lock(world, Entry(registry=f"{silent}/simple", project="other", wheels=wheels), entry(index))
        assert run(["lock", "--retries", "0", "--format", "json"]) == 2
    releases = {each["project"]: each for each in json.loads(capsys.readouterr().out)["releases"]}
    assert (releases["other"]["status"], releases["demo"]["status"]) == ("failed", "wrong")


async def test_wheels_without_metadata_beside_them_are_read_inside(index: SimpleIndex, world: Path) -> None:
    add_wrong(index, inside=True)
    release = find(await check_lock(write_lock(world, entry(index))))
    assert told(release) == LOST
    # A page, and a small wheel in one request each; for the override nothing is asked twice.
    assert len(index.server.requests) == 4
    assert all(ranged for path, ranged in index.server.requests if path.endswith(".whl"))


async def test_wheel_of_a_name_that_is_none_is_told_and_hides_no_other(index: SimpleIndex, world: Path) -> None:
    add_wrong(index)
    locked = entry(index)
    variant = "demo-1.0-cp312-cp312-manylinux_2_17_x86_64-x86_v3-label.whl"
    locked.wheels.append({"url": f"{index.url}/demo/{variant}", "hash": f"sha256:{hash_of(variant)}"})
    page = index.server.files["/simple/demo/"].decode()
    anchor = f'<a href="{variant}#sha256={hash_of(variant)}">{variant}</a></body>'
    index.server.files["/simple/demo/"] = page.replace("</body>", anchor).encode()
    check = await check_lock(write_lock(world, locked))
    assert told(find(check)) == LOST
    assert find(check).wheels == 4
    (note,) = check.notes
    assert variant in note
    other = await check_lock(world / "uv.lock", only={canonicalize_name("base")})
    assert other.notes == ()


@pytest.mark.parametrize(
    "filename", ["demo-1.0-what.whl", "stranger-1.0-py3-none-any.whl", "demo-9.0-py3-none-any.whl"]
)
async def test_release_without_a_wheel_that_is_understood_is_not_called_right(world: Path, filename: str) -> None:
    locked = Entry(
        registry="https://index.example/simple",
        wheels=[{"url": f"https://index.example/{number}/{filename}"} for number in range(2)],
    )
    with respx.mock:  # nothing is asked
        check = await check_lock(write_lock(world, locked))
    assert find(check).skipped == "no wheel whose name is understood"
    assert status(find(check)) is None
    assert filename in check.notes[0]


async def test_wheel_that_the_lock_names_twice_does_no_harm(index: SimpleIndex, world: Path) -> None:
    add_wrong(index)
    locked = entry(index)
    locked.wheels.append(dict(locked.wheels[0]))
    assert told(find(await check_lock(write_lock(world, locked)))) == LOST


async def test_what_comes_from_elsewhere_is_passed_over_and_says_why(world: Path) -> None:
    sources = {
        "pathed": '{ path = "x-1.0.tar.gz" }',
        "folder": '{ directory = "folder" }',
        "linked": '{ url = "https://files.example/linked-1.0-py3-none-any.whl" }',
        "cloned": '{ git = "https://git.example/cloned?rev=main#0123456789012345678901234567890123456789" }',
    }
    text = "".join(f'[[package]]\nname = "{n}"\nversion = "1.0"\nsource = {s}\n' for n, s in sources.items())
    one = Entry(
        registry="https://index.example/simple",
        project="single",
        wheels=[{"url": "https://files.example/single-1.0-py3-none-any.whl"}],
    )
    path = write_lock(world, one)
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    with respx.mock:  # nothing is asked
        check = await check_lock(path)
    assert {str(each.project): each.skipped for each in check.releases} == {
        "single": "one wheel",
        "base": "sdist only",
        "pathed": "from a path",
        "folder": "from a path",
        "linked": "from a URL",
        "cloned": "from a repository",
    }


@pytest.mark.parametrize(
    "text", [HEAD, HEAD + '[[package]]\nname = "asker"\nversion = "1"\nsource = { virtual = "." }\n']
)
async def test_lock_of_nothing_has_no_releases(world: Path, text: str) -> None:
    write_files(world, {"uv.lock": text})
    check = await check_lock(world / "uv.lock")
    assert (check.kind, check.releases, check.notes) == ("uv.lock", (), ())


async def test_lock_that_is_none_is_told_before_anything_is_asked(world: Path) -> None:
    write_files(world, {"uv.lock": "version = 2\n"})
    with respx.mock, pytest.raises(ProjectFileError):
        await check_lock(world / "uv.lock")


def test_check_of_a_great_lock_is_not_spelled_out() -> None:
    # The event loop asks for its representation once: of 100 releases it took as long as judging them.
    release = CheckedRelease(project=canonicalize_name("demo"), version=None, index=None, wheels=0)
    assert "demo" not in repr(LockCheck(kind="uv.lock", releases=(release,) * 3))


async def test_bug_keeps_its_traceback(index: SimpleIndex, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_badly(*_: object) -> object:
        raise ZeroDivisionError

    add_release(index)
    monkeypatch.setattr("wheelaudit.audit.locks.judge_lock", judge_badly)
    with pytest.raises(ZeroDivisionError) as caught:
        await check_lock(write_lock(world, entry(index)))
    assert any(step.name == "judge_badly" for step in caught.traceback)


async def test_bug_in_reading_ends_the_run(index: SimpleIndex, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_badly(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    add_release(index)
    monkeypatch.setattr("wheelaudit.index.client.parse_metadata", read_badly)
    # Out of the crawl's tasks it comes as a group.
    with pytest.raises(ExceptionGroup) as caught:
        await check_lock(write_lock(world, entry(index)))
    assert caught.value.subgroup(ZeroDivisionError) is not None


# --- which index ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flat", [False, True])
async def test_index_that_is_a_folder_lies_beside_the_lock(world: Path, flat: bool) -> None:
    folder = world / "my wheels+more"
    for platform in PLATFORMS:
        more = ["colorama"] if platform == WINDOWS else []
        write_wheel(folder if flat else folder / "demo", f"cp312-cp312-{platform}", "base", *more)
    paths = [name(each) if flat else f"demo/{name(each)}" for each in PLATFORMS]
    locked = Entry(registry=folder.name, wheels=[{"path": path} for path in paths])
    release = find(await check_lock(write_lock(world, locked), manner=Manner(cwd=world.parent)))
    assert told(release) == LOST
    assert release.index == folder.name


async def test_wheel_that_is_gone_from_a_folder_is_unread(world: Path) -> None:
    for platform in PLATFORMS:
        write_wheel(world / "wheels", f"cp312-cp312-{platform}", "base")
    locked = Entry(registry="wheels", wheels=[{"path": name(each)} for each in PLATFORMS])
    (world / "wheels" / name(MACOS)).unlink()
    release = find(await check_lock(write_lock(world, locked)))
    assert status(release) == "unknown"
    assert release.lock_audit is not None
    unread = [each for each in release.lock_audit.readings if isinstance(each, UnreadableWheel)]
    assert [each.wheel.filename for each in unread] == [name(MACOS)]


async def test_wheels_of_a_pylock_lie_beside_it(world: Path) -> None:
    for platform in PLATFORMS:
        more = ["colorama"] if platform == WINDOWS else []
        write_wheel(world / "locks" / "wheels", f"cp312-cp312-{platform}", "base", *more)
    wheels = ", ".join(
        f'{{ path = "wheels/{name(each)}", hashes = {{ sha256 = "{"0" * 64}" }} }}' for each in PLATFORMS
    )
    demo = f'[[packages]]\nname = "demo"\nversion = "1.0"\nwheels = [{wheels}]\n'
    base = '[[packages]]\nname = "base"\nsdist = { url = "https://files.example/base-1.0.tar.gz" }\n'
    write_files(world / "locks", {"pylock.toml": f'lock-version = "1.0"\ncreated-by = "hand"\n{demo}{base}'})
    check = await check_lock(world / "locks" / "pylock.toml")
    release = find(check)
    assert told(release) == LOST
    assert find(check, "base").skipped == "no version"
    # No index is named: there is no page to build an override from, and nobody knows what is asked for besides.
    assert release.audit is None
    assert len(check.notes) == 1


async def test_release_of_two_indexes_is_read_from_the_page_of_each(server: FileServer, world: Path) -> None:
    one, two = (SimpleIndex(server=server, path=f"/{each}") for each in ("one", "two"))
    add_wrong(one)
    add_release(two)
    entries = [
        replace(entry(index), more=f"resolution-markers = [{json.dumps(marker)}]")
        for index, marker in ((one, "sys_platform != 'linux'"), (two, "sys_platform == 'linux'"))
    ]
    on_one, on_two, _ = (await check_lock(write_lock(world, *entries))).releases
    assert (told(on_one), told(on_two)) == (LOST, [])
    assert (on_one.index, on_two.index) == (one.url, two.url)
    assert {"/one/demo/", "/two/demo/"} <= {*asked(server)}


async def test_override_of_a_release_of_two_indexes_knows_both(server: FileServer, world: Path) -> None:
    one, two = (SimpleIndex(server=server, path=f"/{each}") for each in ("one", "two"))
    add_wrong(one)
    # Its only wheel for Linux asks for something that an entry from the other index alone would lack.
    lone = "demo-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    metadata = build_metadata("demo", "1.0", requires=["base", "special"])
    two.add([ServedWheel(filename=lone, metadata=metadata, sha256=hash_of(lone))])
    path = write_lock(world, entry(one), entry(two, python="cp313"))
    on_one, on_two, _ = (await check_lock(path)).releases
    assert (told(on_one), on_two.skipped) == (LOST, "one wheel")
    assert on_one.audit is not None
    assert on_one.audit.override is not None
    lines = on_one.audit.override.requires_dist
    assert {line.partition(";")[0] for line in lines} == {"base", "colorama", "special"}


async def test_override_is_none_where_one_of_two_indexes_cannot_be_read(server: FileServer, world: Path) -> None:
    one, two = (SimpleIndex(server=server, path=f"/{each}") for each in ("one", "two"))
    add_wrong(one)
    add_release(two)
    path = write_lock(world, entry(one), entry(two))
    server.files["/two/demo/"] = b"<!DOCTYPE html><html><body>nothing</body></html>"
    on_one, _, _ = (await check_lock(path)).releases
    assert told(on_one)
    assert on_one.audit is None


async def test_credentials_of_a_named_index_reach_its_page_and_no_other(world: Path) -> None:
    indexes = "".join(
        f'[[tool.uv.index]]\nname = "{each}"\nurl = "https://{each}.example/simple"\nexplicit = true\n'
        for each in ("corp", "other")
    )
    write_files(world, {"pyproject.toml": f'[project]\nname = "asker"\nversion = "1"\n{indexes}'})
    entries = [
        Entry(
            registry=f"https://{host}.example/simple",
            project=project,
            wheels=[{"url": f"https://{host}.example/f/{name(each, project=project)}"} for each in PLATFORMS],
        )
        for host, project in (("corp", "demo"), ("other", "thing"))
    ]
    environ = {"UV_INDEX_CORP_USERNAME": "me", "UV_INDEX_CORP_PASSWORD": "s3cret", "PIP_CONFIG_FILE": os.devnull}
    with respx.mock as mocked:
        for host, project in (("corp", "demo"), ("other", "thing")):
            anchors = "".join(
                f'<a href="/f/{name(each, project=project)}" data-core-metadata="true">x</a>' for each in PLATFORMS
            )
            mocked.get(f"https://{host}.example/simple/{project}/").respond(
                200, headers={"Content-Type": "text/html"}, text=anchors
            )
            mocked.get(url__startswith=f"https://{host}.example/f/").respond(
                200, content=build_metadata(project, "1.0", requires=["base"])
            )
        check = await check_lock(
            write_lock(world, *entries), pyproject=world / "pyproject.toml", manner=Manner(environ=environ)
        )
        logins = {(call.request.url.host, call.request.headers.get("authorization")) for call in mocked.calls}
    assert logins == {("corp.example", "Basic bWU6czNjcmV0"), ("other.example", None)}
    assert [release.index for release in check.releases[:2]] == ["corp", "other"]
    assert "s3cret" not in repr(check.releases)


# --- what is kept --------------------------------------------------------------------------------------


async def test_offline_knows_what_was_kept_and_nothing_else(index: SimpleIndex, world: Path, tmp_path: Path) -> None:
    add_wrong(index)
    path = write_lock(world, entry(index))
    with MetadataStore(tmp_path / "store") as store:
        cold = find(await check_lock(path, manner=Manner(store=store, offline=True)))
        assert isinstance(cold.error, NetworkError)
        assert index.server.requests == []
        assert told(find(await check_lock(path, manner=Manner(store=store)))) == LOST
        online = len(index.server.requests)
        warm = find(await check_lock(path, manner=Manner(store=store, offline=True)))
    assert told(warm) == LOST
    assert warm.audit is not None
    assert len(index.server.requests) == online


async def test_second_run_asks_only_whether_the_page_has_changed(
    index: SimpleIndex, world: Path, tmp_path: Path
) -> None:
    add_wrong(index)
    path = write_lock(world, entry(index))
    with MetadataStore(tmp_path / "store") as store:
        await check_lock(path, manner=Manner(store=store))
        index.server.requests.clear()
        assert told(find(await check_lock(path, manner=Manner(store=store)))) == LOST
    assert asked(index.server) == index.server.conditional == ["/simple/demo/"]


async def test_second_run_asks_nothing_of_a_release_that_is_right(
    index: SimpleIndex, world: Path, tmp_path: Path
) -> None:
    add_release(index)
    path = write_lock(world, entry(index))
    with MetadataStore(tmp_path / "store") as store:
        assert find(await check_lock(path, manner=Manner(store=store))).lock_audit is not None
        asked = len(index.server.requests)
        release = find(await check_lock(path, manner=Manner(store=store)))
        assert release.lock_audit is not None
        assert (release.lock_audit.status, len(release.lock_audit.readings)) == ("right", 3)
        assert len(index.server.requests) == asked
        await check_lock(path, manner=Manner(store=store, refresh=True))
        assert len(index.server.requests) == asked + 2, "--refresh asks for page and metadata again"
