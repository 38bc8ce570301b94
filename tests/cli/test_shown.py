"""A hostile index, lock and project through every command: in the final bytes, foreign text is text."""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import Cli
from tests.index.server import FileServer, serve_files
from tests.report.pages import check_page
from tests.report.test_nightly_markdown import check_inert

VERSION = "1.0.dev20250114"
STEM = f"demo-{VERSION}-cp312-cp312"
ATTACK = (
    "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u2066\u200f \x9b31m <script>alert(1)</script> [x](https://evil.example) "
    "![y](z) | `a` ```b @someone #12 ::error file=a::x ##[add-mask]y %0A::debug::z $(id) {0} [bold]b[/] \u2028 end "
)
"""Terminal escapes, C1, bidi controls, HTML, Markdown, workflow commands, U+2028."""
LINED = f"{ATTACK}\r\n::error file=b::injected\n##[error]injected\n```\n# heading\n"
"""The same with line ends, for where they may be."""
QUOTED = re.sub(r"['\"\n\r\u2028]", "", ATTACK)
"""The same as the string of a marker."""
MARKED = "::hostile::"
METADATA = {
    "win_amd64": [f'Requires-Dist: attrs; platform_version == "{QUOTED}"', "Requires-Dist: idna>=2"],
    "manylinux_2_28_x86_64": [
        f"Requires-Dist: evil @ https://evil.example/{MARKED}?<b>#x",
        f"Requires-Dist: no requirement {ATTACK}",
        "Requires-Dist: idna>=3",
        f"Provides-Extra: {ATTACK}",
    ],
    "macosx_11_0_arm64": [f"Requires-Python: >=3 {ATTACK}", f"Summary: {ATTACK}", "Requires-Dist: idna>=2"],
    "win_arm64": [f"Name: {ATTACK}", "Requires-Dist: idna>=2", f"Description-Content-Type: {ATTACK}"],
}

VALID = {
    "win_amd64": [f'Requires-Dist: attrs; platform_version == "{QUOTED}"'],
    "manylinux_2_28_x86_64": [f'Requires-Dist: attrs; platform_version != "{QUOTED}"', "Requires-Dist: idna"],
}
"""Of a release that has an override: everything in it is a requirement (PEP 508)."""

Check = Callable[[str], object]


def check_text(text: str) -> None:
    """No terminal escape, no bidi control, no line end of a stranger's, and no line that begins a command."""
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines), [line for line in lines if not line.isprintable()]
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def check_json(text: str) -> None:
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    json.loads(text)


def check_lines(text: str) -> None:
    assert text.isascii()
    assert all(json.loads(line) for line in text.removesuffix("\n").split("\n"))


def check_toml(text: str) -> None:
    check_text(text)
    tomllib.loads(text)


def check_markdown(text: str) -> None:
    check_text(text)
    check_inert(text)


def check_github(text: str) -> None:
    lines = text.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(re.match(r"::(error|warning|notice) (file=[^:,]+,line=\d+,)?title=[^:,]*::", line) for line in lines)
    assert not [line for line in lines if "##[" in line]


def check_diff(text: str) -> None:
    # What it changes; the lines around that are the user's own, byte for byte, or it would be no patch.
    check_text("\n".join(line for line in text.split("\n") if line.startswith("+")))
    assert all(line[:1] in "+- @d" or line.startswith(("index ", "new ")) for line in text.split("\n") if line)


def check_html(text: str) -> None:
    check_page(text)


FORMATS: dict[str, Check] = {
    "human": check_text,
    "json": check_json,
    "jsonl": check_lines,
    "toml": check_toml,
    "markdown": check_markdown,
    "html": check_html,
    "sarif": check_json,
    "github": check_github,
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": ("human", "json", "jsonl", "toml", "markdown", "html", "sarif", "github"),
    "explain": ("human", "json"),
    "lock": ("human", "json", "markdown", "sarif", "github"),
    "check": ("human", "json"),
    "nightly": ("human", "json", "markdown", "html", "sarif", "github"),
}
CASES = [(command, name) for command, names in COMMANDS.items() for name in names]


def build_page() -> bytes:
    said = html.escape(LINED)
    yanked = f' data-yanked="{said}"'
    anchors = [
        f'<a href="/files/{STEM}-{platform}.whl" data-core-metadata="true" '
        f'data-requires-python="{said}"{yanked if platform == "win_arm64" else ""}>{said}</a>'
        for platform in METADATA
    ]
    names = (ATTACK, f"{STEM}-{ATTACK}", "../../demo-0.1.dev1-py3-none-any", f"demo-{VERSION}-{MARKED}-none-any")
    anchors += [f'<a href="/files/{html.escape(name)}.whl">x</a>' for name in names]
    anchors += [f'<a href="{address}:{html.escape(ATTACK)}.whl">x</a>' for address in ("javascript", "data", "file")]
    head = f'<meta name="pypi:project-status" content="{said}"><title>{said}</title>'
    body = "\n".join(anchors)
    return f"<!DOCTYPE html><html><head>{head}</head><body>\n{body}\n</body></html>".encode()


@pytest.fixture
def url(world: Path) -> Iterator[str]:
    """A hostile index; in the working folder a project and a lock that are no better."""
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        server.files["/simple/demo/"] = build_page()
        for platform, lines in METADATA.items():
            text = "\n".join(["Metadata-Version: 2.1", "Name: demo", f"Version: {VERSION}", *lines, "", LINED])
            server.files[f"/files/{STEM}-{platform}.whl.metadata"] = text.encode()
        wheels = [f'<a href="/files/valid-2.0-py3-none-{platform}.whl" data-core-metadata>x</a>' for platform in VALID]
        server.files["/simple/valid/"] = "\n".join(wheels).encode()
        for platform, lines in VALID.items():
            text = "\n".join(["Metadata-Version: 2.1", "Name: valid", "Version: 2.0", *lines, "", LINED])
            server.files[f"/files/valid-2.0-py3-none-{platform}.whl.metadata"] = text.encode()
        write_project(world, f"{server.url}/simple")
        yield f"{server.url}/simple"


def write_project(folder: Path, url: str) -> None:
    said, line = json.dumps(LINED, ensure_ascii=False).replace("\x7f", ""), json.dumps(ATTACK)
    said = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in said)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n'
        f'description = {said}\ndependencies = ["demo"]\n\n'
        f'[[tool.uv.index]]\nname = {said}\nurl = "https://evil.example/simple"\n\n'
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\n\n[tool.uv.sources]\ndemo = {{ index = "corp" }}\n\n'
        f'[[tool.uv.dependency-metadata]]\nname = "demo"\nversion = "{VERSION}"\n'
        f"requires-dist = [\"attrs; platform_version == 'x'\", {said}]\nprovides-extras = [{said}]\n\n"
        f'[[tool.wheelaudit.ignore]]\nid = "WA101"\nproject = "demo"\nuntil = 2999-01-01\nreason = {said}\n',
        encoding="utf-8",
    )
    marker = json.dumps(f"platform_version == '{QUOTED}'")
    other = f"https://evil.example/{quote(ATTACK)}/other-1-py3-none-any.whl"
    wheels = "".join(
        f'    {{ url = "{url.removesuffix("/simple")}/files/{STEM}-{platform}.whl" }},\n' for platform in METADATA
    )
    (folder / "uv.lock").write_text(
        'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n'
        f'[[package]]\nname = "demo"\nversion = "{VERSION}"\nsource = {{ registry = "{url}" }}\n'
        f"wheels = [\n{wheels}]\n\n"
        f'[[package]]\nname = "other"\nversion = "1"\nsource = {{ registry = {line} }}\n'
        f"wheels = [\n    {{ url = {json.dumps(other)} }},\n]\n\n"
        '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [\n    { name = "demo" },\n'
        f'    {{ name = "other", marker = {marker} }},\n]\n',
        encoding="utf-8",
    )


def build_arguments(command: str, url: str) -> tuple[str, ...]:
    match command:
        case "audit":
            return (f"demo=={VERSION}", "valid==2.0", "--index", "corp", "-vv")
        case "explain":
            return ("explain", f"demo=={VERSION}")
        case "nightly":
            return ("nightly", "demo", "--index", url, "--history", "history.sqlite3", "--night", "2025-01-14", "-v")
        case "lock":
            return ("lock", "-v")
        case _:
            return (command,)


@pytest.mark.parametrize(("command", "name"), CASES)
def test_hostile_text_is_text(cli: Cli, url: str, command: str, name: str) -> None:
    done = cli(*build_arguments(command, url), "--format", name, "--retries", "0")
    assert done.out, done.err
    FORMATS[name](done.out)
    check_text(done.err)
    assert "Traceback" not in done.err


@pytest.mark.parametrize(("command", "name"), [*CASES[:8], ("nightly", "json"), ("nightly", "html")])
def test_it_is_shown_all_the_same(cli: Cli, url: str, command: str, name: str) -> None:
    done = cli(*build_arguments(command, url), "--format", name, "--retries", "0")
    visible = re.sub(r"\s|\\", "", done.out + done.err)
    assert any(sign in visible for sign in ("x1b[31mred", "u001b[31mred", MARKED)), done.out


@pytest.mark.parametrize("width", [40, 57, 80, 81, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_width_makes_a_line_of_it(
    cli: Cli, url: str, monkeypatch: pytest.MonkeyPatch, command: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    check_text(cli(*build_arguments(command, url), "--retries", "0").out)


def test_history_shows_it_as_text(cli: Cli, url: str) -> None:
    assert cli(*build_arguments("nightly", url), "--issues", "issues").code in (0, 1, 3)
    history = ("--history", "history.sqlite3")
    for arguments in (("list",), ("show",)):
        check_text(cli("history", *arguments, *history).out)
    check_json(cli("history", "show", "--format", "json", *history).out)
    for path in Path("issues").glob("*"):
        check_markdown(json.loads(path.read_bytes())["body"])


def test_indexes_and_cache_show_it_as_text(cli: Cli, url: str) -> None:
    for arguments in (("indexes",), ("cache", "info")):
        done = cli(*arguments)
        assert done.code == 0
        check_text(done.out + done.err)


def test_patch_shows_it_as_text(cli: Cli, url: str, world: Path) -> None:
    done = cli("valid==2.0", "--index", url, "--diff", "--retries", "0")
    assert "+name = " in done.out
    check_diff(done.out)
    check_text(done.err)


@pytest.mark.parametrize(
    "arguments",
    [
        (ATTACK,),
        (f"demo=={ATTACK}",),
        ("demo==1", "--index", ATTACK),
        ("demo==1", "--index", f"https://{ATTACK}/x"),
        ("demo==1", "--index", f"https://index.example/{ATTACK}?x"),
        ("demo==9", "--index", "corp"),
        ("demo==1", "--format", LINED),
        ("demo==1", "--replay", f"./{LINED}"),
        ("lock", f"./{LINED}"),
        ("lock", "--only", LINED),
        ("explain", LINED),
        ("check", f"./{LINED}"),
        ("nightly", LINED),
        ("history", "show", LINED, "--history", f"./{LINED}"),
        ("cache", LINED),
    ],
)
def test_error_shows_it_as_text(cli: Cli, url: str, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    check_text(done.err)


def test_answers_of_a_server_are_shown_as_text(cli: Cli, world: Path) -> None:
    with serve_files(FileServer()) as server:
        for number, content_type in enumerate((ATTACK, "text/html", "application/json")):
            server.headers = {"Content-Type": content_type.encode("ascii", "ignore").decode().replace("\x1b", "")}
            server.files[f"/{number}/demo/"] = f"{{{LINED}".encode() if number == 2 else LINED.encode()
            done = cli("demo==1", "--index", f"{server.url}/{number}", "-vv", "--retries", "0")
            assert done.code == 2
            check_text(done.err)
