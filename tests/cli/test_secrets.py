"""Credentials, wherever they come from, are on the wire to their own host and nowhere else, whatever a server does."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.cli.conftest import Cli, Done
from tests.cli.indexes import pack_metadata
from tests.index.sockets import Reply, Server, serve_http1
from tests.index.standin import build_stand_in
from tests.uv.index import build_metadata

USER = "us&er"
SECRET = "p@ss w<rd/ü%41?"
VERSION = "1.0.dev20250114"
WHEELS = {"win_amd64": ("attrs",), "manylinux_2_28_x86_64": ("attrs", "idna"), "macosx_11_0_arm64": ("attrs",)}
LOGIN = "Basic " + b64encode(f"{USER}:{SECRET}".encode()).decode()
SOURCES = ("url", "variables", "netrc", "keyring")
FORMATS = ("human", "json", "jsonl", "toml", "markdown", "html", "sarif", "github")
NIGHTLY = ("human", "markdown", "json", "sarif", "github", "html")
LOCK = ("human", "json", "markdown", "sarif", "github")
HARD = ("--retries", "0", "--timeout", "5")


def find_forms() -> tuple[bytes, ...]:
    """The password as anything may spell it."""
    texts = {SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET), html.escape(SECRET)}
    texts |= {json.dumps(SECRET)[1:-1], SECRET.encode("unicode_escape").decode(), repr(SECRET)[1:-1]}
    texts |= {quote(quote(SECRET, safe=""), safe=""), LOGIN.removeprefix("Basic ")}
    encoded = [b64encode(SECRET.encode()), SECRET.encode().hex().encode(), SECRET.encode("latin-1")]
    return (*(text.encode() for text in texts), *encoded)


FORMS = find_forms()


def build_replies(server: Server) -> dict[str, Reply]:
    """Return what the index answers where it is well."""
    replies: dict[str, Reply] = {}
    anchors = ""
    for platform, requires in WHEELS.items():
        name = f"demo-{VERSION}-cp312-cp312-{platform}.whl"
        metadata = build_metadata("demo", VERSION, requires=requires)
        replies[f"/files/{name}"] = Reply(body=pack_metadata(metadata, "demo", VERSION))
        replies[f"/files/{name}.metadata"] = Reply(body=metadata)
        anchors += f'<a href="/files/{name}" data-core-metadata="true">{name}</a>\n'
    replies["/simple/demo/"] = Reply(body=f"<!DOCTYPE html><html><body>\n{anchors}</body></html>".encode())
    return replies


Fault = Callable[[str, Server], Reply]
FAULTS: dict[str, Fault] = {
    "401": lambda path, other: Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}, body=b"no"),
    "500": lambda path, other: Reply(status=500, body=b"<html>it broke</html>"),
    "no page": lambda path, other: Reply(body=b"<html><body><form>Log in</form></body></html>"),
    "broken": lambda path, other: Reply(headers={"Transfer-Encoding": "chunked"}, body=b"zz\r\nhalf"),
    "packed": lambda path, other: Reply(headers={"Content-Encoding": "br, gzip, x"}, body=b"x"),
    "loop": lambda path, other: Reply(status=302, headers={"Location": path}),
    "elsewhere": lambda path, other: Reply(status=302, headers={"Location": f"http://localhost:{other.port}{path}"}),
    "to a file": lambda path, other: Reply(status=302, headers={"Location": "file:///etc/hostname"}),
}
PLACES: dict[str, Callable[[str], bool]] = {
    "everything": lambda path: True,
    "files": lambda path: path.startswith("/files/"),
}


@dataclass(kw_only=True)
class World:
    """An index that wants credentials, another host, and a user who has them."""

    folder: Path
    cli: Cli
    index: Server
    other: Server
    told: list[bytes] = field(default_factory=list)
    """Everything that was printed."""

    def run(self, *arguments: str | Path) -> Done:
        done = self.cli(*arguments)
        self.told += [done.out.encode("utf-8", "surrogatepass"), done.err.encode("utf-8", "surrogatepass")]
        return done

    def give(self, source: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """Give the user credentials; return what is to be asked."""
        plain = f"http://127.0.0.1:{self.index.port}/simple"
        named = {"url": f"{quote(USER, safe='')}:{quote(SECRET, safe='')}@", "keyring": f"{quote(USER, safe='')}@"}
        url = plain.replace("://", f"://{named.get(source, '')}")
        if source == "variables":
            monkeypatch.setenv("UV_INDEX_CORP_USERNAME", USER)
            monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", SECRET)
        if source == "netrc":
            netrc = self.folder.parent / "netrc"
            # netrc quotes as a shell does; 0600, or the standard library would complain of its owner.
            netrc.write_text(f'machine 127.0.0.1 login {USER} password "{SECRET}"\n', encoding="utf-8")
            monkeypatch.setenv("NETRC", str(netrc))
        if source == "keyring":
            answer = SECRET.encode().decode("latin-1")
            stand_in = build_stand_in(self.folder.parent / "keyring", {plain: answer, f"{plain}/": answer})
            monkeypatch.setenv("PATH", stand_in.environ["PATH"])
            monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
        self.write_project(url)
        return url

    def write_project(self, url: str) -> None:
        entry = f'[[tool.uv.dependency-metadata]]\nname = "demo"\nversion = "{VERSION}"\nrequires-dist = ["attrs"]\n'
        (self.folder / "pyproject.toml").write_text(
            '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["demo"]\n\n'
            f'[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\n\n'
            f'[tool.uv.sources]\ndemo = {{ index = "corp" }}\n\n{entry}',
            encoding="utf-8",
        )
        wheels = "".join(
            f'    {{ url = "{url.removesuffix("/simple")}/files/demo-{VERSION}-cp312-cp312-{platform}.whl" }},\n'
            for platform in WHEELS
        )
        (self.folder / "uv.lock").write_text(
            'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n'
            f'[[package]]\nname = "demo"\nversion = "{VERSION}"\nsource = {{ registry = "{url}" }}\n'
            f"wheels = [\n{wheels}]\n\n"
            '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
            'dependencies = [\n    { name = "demo" },\n]\n',
            encoding="utf-8",
        )

    def run_everything(self, asked: str) -> None:
        """Run every command that asks, and each that shows what was asked."""
        spec, out = f"demo=={VERSION}", self.folder / "out"
        out.mkdir(exist_ok=True)
        for number, name in enumerate(FORMATS):
            place = ("--index", asked if number % 2 else "corp")
            self.run(spec, *place, "--format", name, "-o", out / f"audit.{name}", "-vv", *HARD)
        self.run(spec, "--index", asked, *HARD, "--deep")
        self.run(spec, "--index", asked, *HARD, "--record", out / "cassette", "-vv")
        self.run(spec, "--index", f"{asked}:x", *HARD)
        self.run("explain", spec, *HARD)
        self.run("explain", spec, "--index", asked, "--format", "json", *HARD)
        self.run("check", *HARD)
        self.run("check", "--format", "json", "--index", asked, *HARD)
        for name in LOCK:
            self.run("lock", "--format", name, "-o", out / f"lock.{name}", "-v", *HARD)
        history = ("--history", out / "history.sqlite3")
        for number, name in enumerate(NIGHTLY):
            place = ("--index", asked)  # a night knows no project, and so none of its indexes
            when = ("--night", f"2025-01-{14 + number}", "--issues", out / "issues")
            self.run("nightly", "demo", *place, *history, *when, "--format", name, "-o", out / f"n.{name}", "-v", *HARD)
        for action in ("list", "show"):
            self.run("history", action, *history)
        self.run("history", "export", *history, "-o", out / "export.jsonl")
        self.run("indexes")
        self.run("cache", "info")

    def find_leaks(self) -> list[str]:
        """Find every place that has the password, but for the files that it was given in."""
        given = {self.folder / "pyproject.toml", self.folder / "uv.lock", self.folder.parent / "netrc"}
        found = [f"output {number}" for number, data in enumerate(self.told) if any(form in data for form in FORMS)]
        for path in self.folder.parent.rglob("*"):
            if path.is_file() and path not in given and "keyring" not in path.parts:
                data = path.read_bytes()
                found += [str(path) for form in FORMS if form in data or form in str(path).encode()]
        return found


@pytest.fixture
def scene(cli: Cli, world: Path) -> Iterator[World]:
    with serve_http1(Server(login=LOGIN)) as index, serve_http1(Server()) as other:
        index.replies, other.replies = build_replies(index), build_replies(other)
        yield World(folder=world, cli=cli, index=index, other=other)


@pytest.mark.parametrize("source", SOURCES)
def test_credentials_stay_off_everything_that_is_written_and_shown(
    scene: World, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    scene.run_everything(scene.give(source, monkeypatch))
    assert any(each.headers.get("authorization") == LOGIN for each in scene.index.seen)
    assert any(b"INCONSISTENT" in told or b"disagree" in told for told in scene.told), "they opened the index"
    assert scene.find_leaks() == []


# Each source meets each fault, in one of the two places.
CASES = [
    (source, [*PLACES][(number + turn) % 2], fault)
    for turn, source in enumerate(SOURCES)
    for number, fault in enumerate(FAULTS)
]


@pytest.mark.parametrize(("source", "place", "fault"), CASES)
def test_credentials_stay_off_it_where_the_server_fails(
    scene: World, monkeypatch: pytest.MonkeyPatch, source: str, place: str, fault: str
) -> None:
    for path in scene.index.replies:
        if PLACES[place](path):
            scene.index.replies[path] = FAULTS[fault](path, scene.other)
    asked = scene.give(source, monkeypatch)
    spec, out = f"demo=={VERSION}", scene.folder / "out"
    history = ("--history", out / "history.sqlite3", "--night", "2025-01-14")
    scene.run(spec, "--index", "corp", "-vv", "--record", out / "cassette", *HARD)
    scene.run(spec, "--index", asked, "--format", "sarif", *HARD)
    scene.run("lock", "--format", "json", *HARD)
    scene.run("nightly", "demo", "--index", asked, *history, "--format", "markdown", *HARD)
    scene.run("check", *HARD)
    assert any(each.headers.get("authorization") == LOGIN for each in scene.index.seen)
    assert all("authorization" not in each.headers for each in scene.other.seen)
    assert not any(b"Traceback" in told for told in scene.told)
    assert scene.find_leaks() == []


@pytest.mark.parametrize("source", SOURCES)
def test_traceback_of_a_bug_has_no_credentials(scene: World, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    asked = scene.give(source, monkeypatch)
    for room in ("wheelaudit.audit.audit.audit_release", "wheelaudit.index.client.parse_metadata"):
        with monkeypatch.context() as patched:
            patched.setattr(room, fail)
            for name in ("corp", asked):
                done = scene.run(f"demo=={VERSION}", "--index", name, "--no-cache", "-vv", *HARD)
                assert done.code == 2
                assert "RuntimeError: a bug" in done.err
    assert scene.find_leaks() == []


def test_leak_would_be_found(scene: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.give("url", monkeypatch)
    scene.told.append(b"x" + quote(SECRET, safe="").encode())
    (scene.folder / "out").write_bytes(LOGIN.encode())
    assert {*scene.find_leaks()} == {"output 0", str(scene.folder / "out")}
