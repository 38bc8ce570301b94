"""Every bad input: one sentence and a hint on stderr, nothing on stdout, exit code 2, no traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import CASSETTES, TORCH, Cli, Done
from tests.cli.indexes import change_cassette, write_wheel
from tests.index.server import FileServer, serve_files
from wheelaudit.index.cassettes import EXCHANGES, Exchange, write_cassette

PAGE = "https://download.pytorch.org/whl/cu126/torch/"
S3_REFUSAL = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'


def assert_told(done: Done, *words: str) -> None:
    """One sentence with these words, a hint, and nothing else."""
    assert done.code == 2
    assert done.out == ""
    first, *rest = done.err.splitlines()
    assert first.startswith("error: ")
    assert [line.partition(":")[0] for line in rest] == ["hint"]
    for word in words:
        assert word in done.err


def answer_page(folder: Path, status: int, body: bytes, content_type: str = "text/html") -> Path:
    """Write a cassette in which torch's page on cu126 is this answer."""
    headers = {"content-type": content_type}
    write_cassette(folder, [Exchange(method="GET", url=PAGE, range=None, status=status, headers=headers, body=body)])
    return folder


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("torch=2.6.0", ["torch=2.6.0", "torch==2.6.0"]),
        ("torch==", ["torch=="]),
        ("!!!", ["!!!"]),
        ("", [""]),
        ("torch==not.a.version!", ["torch==not.a.version!"]),
        ("torch[cuda]==2.6.0", ["extras"]),
        ('torch; python_version < "3.9"', ["marker"]),
        ("torch @ https://files.example/torch.whl", ["URL"]),
        ("no/such/folder", ["no/such/folder"]),
        ("missing-1.0-py3-none-any.whl", ["missing-1.0-py3-none-any.whl"]),
        ("not_a_wheel.whl", ["not_a_wheel.whl"]),
    ],
)
def test_spec_that_means_nothing(cli: Cli, spec: str, words: list[str]) -> None:
    assert_told(cli("--", spec), *words)


def test_no_spec(cli: Cli) -> None:
    assert_told(cli(), "SPEC", "--help")


def test_unknown_index_names_the_nearest(cli: Cli) -> None:
    assert_told(cli("torch", "--index", "cuu126"), "cuu126", "cu126")


def test_malformed_index_does_not_show_its_password(cli: Cli) -> None:
    done = cli("torch", "--index", "https:/me:hunter2@index.example")
    assert_told(done)
    assert "hunter2" not in done.err


def test_version_that_is_not_there_names_the_nearest(cli: Cli) -> None:
    done = cli("torch==2.6.1+cu126", *TORCH[1:])
    assert_told(done, "torch==2.6.1+cu126", "2.6.0+cu126", PAGE)


@pytest.mark.parametrize(("status", "body"), [(404, b"not here"), (403, S3_REFUSAL)], ids=["404", "S3's 403"])
def test_project_that_is_not_there(cli: Cli, world: Path, status: int, body: bytes) -> None:
    cassette = answer_page(world / "cassette", status, body, "application/xml")
    assert_told(cli(*TORCH[:3], "--replay", cassette), "torch", "cu126", PAGE)


def test_refusal_speaks_of_credentials(cli: Cli, world: Path) -> None:
    cassette = answer_page(world / "cassette", 401, b"no")
    assert_told(cli(*TORCH[:3], "--replay", cassette), "401", "credentials")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html><body><form action='/login'><input name='user'></form></body></html>", "text/html"),
        (b"%PDF-1.7 \x00\x01\x02", "application/pdf"),
        (b'{"message": "hello"}', "application/vnd.pypi.simple.v1+json"),
        (b"{not json", "application/vnd.pypi.simple.v1+json"),
        (S3_REFUSAL, "application/xml"),
    ],
    ids=["login", "PDF", "another JSON", "no JSON", "XML"],
)
def test_page_that_is_no_project_page(cli: Cli, world: Path, body: bytes, content_type: str) -> None:
    cassette = answer_page(world / "cassette", 200, body, content_type)
    assert_told(cli(*TORCH[:3], "--replay", cassette), PAGE)


def test_no_network(cli: Cli) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/simple"
        assert_told(cli("torch", "--index", url, "--retries", "0"), url, "network")


def test_index_without_range_or_metadata_is_undecided_and_says_why(cli: Cli, world: Path) -> None:
    """What it holds is unknown: not an error, and never a 0."""
    name = "demo-1.0-py3-none-any.whl"
    wheel = write_wheel(world, "py3-none-any").read_bytes()
    page = f'<!DOCTYPE html><html><body><a href="/{name}">{name}</a></body></html>'.encode()
    with serve_files(FileServer(files={"/simple/demo/": page, f"/{name}": wheel}, ranges=False)) as server:
        done = cli("demo", "--index", f"{server.url}/simple", "--retries", "0")
    assert done.code == 3
    assert "UNDECIDED" in done.out
    assert name in done.out
    assert "Range" in done.out


@pytest.mark.parametrize("metadata", [b"\0\1\2\3", b"no headers at all", b""], ids=["NUL", "prose", "empty"])
def test_metadata_that_is_not_text_is_undecided(cli: Cli, world: Path, metadata: bytes) -> None:
    write_wheel(world / "dist", "cp311-cp311-win_amd64", metadata=metadata)
    write_wheel(world / "dist", "cp311-cp311-macosx_11_0_arm64", "foo")
    done = cli("dist/")
    assert done.code == 3
    assert "WA206" in done.out
    assert "Traceback" not in done.err


def test_cassette_that_is_not_there(cli: Cli) -> None:
    assert_told(cli("torch==2.6.0+cu126", "--replay", "nowhere"), "nowhere")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 2, "exchanges": []}', '{"schema": 1, "exchanges": [{"url": 5}]}']
)
def test_cassette_that_cannot_be_read(cli: Cli, world: Path, text: str) -> None:
    (world / "cassette").mkdir()
    (world / "cassette" / EXCHANGES).write_text(text)
    assert_told(cli("torch==2.6.0+cu126", "--replay", "cassette"), "cassette")


def test_cassette_whose_body_was_changed(cli: Cli, world: Path) -> None:
    cassette = change_cassette(CASSETTES / "torch-2.6.0+cu126", world / "cassette", lambda exchange: [exchange])
    next((cassette / "bodies").iterdir()).write_text("changed")
    assert_told(cli(*TORCH[:3], "--replay", cassette), str(cassette), "changed")


def test_cassette_of_something_else(cli: Cli) -> None:
    assert_told(cli("numpy", *TORCH[1:]), "numpy", "--record")


def test_record_into_a_folder_of_something_else(cli: Cli, world: Path) -> None:
    (world / "thesis").mkdir()
    (world / "thesis" / "chapter.txt").write_text("mine")
    assert_told(cli("torch", "--record", "thesis"), "thesis")


def test_record_and_replay(cli: Cli) -> None:
    assert_told(cli(*TORCH, "--record", "new"), "--record", "--replay")


def test_pyproject_that_is_not_there(cli: Cli) -> None:
    assert_told(cli(*TORCH, "--pyproject", "nope.toml"), "nope.toml")


def test_pyproject_of_the_folder_that_is_no_toml(cli: Cli, world: Path) -> None:
    (world / "pyproject.toml").write_text('[project]\nname = "x\n')
    assert_told(cli(*TORCH), "pyproject.toml", "line 2")


def test_output_that_cannot_be_written(cli: Cli, world: Path) -> None:
    assert_told(cli(*TORCH, "-o", world / "no" / "such" / "folder.txt"), "folder.txt")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nope"],
        ["--format", "xml"],
        ["--concurrency", "0"],
        ["--concurrency", "many"],
        ["--timeout", "0"],
        ["--timeout", "nan"],
        ["--timeout", "inf"],
        ["--retries", "-1"],
        ["--union", "half"],
        ["--color", "blue"],
        ["--index"],
    ],
    ids=" ".join,
)
def test_option_that_is_wrong(cli: Cli, arguments: list[str]) -> None:
    assert_told(cli("torch", *arguments), arguments[0], "--help")


def test_terminal_escapes_of_an_index_are_shown_not_sent(cli: Cli, world: Path) -> None:
    body = b'<html><body><a href="demo.txt">\x1b]0;owned\x07</a></body></html>'
    cassette = answer_page(world / "cassette", 200, body)
    done = cli("torch==1.0+\x1b[31m", *TORCH[1:3], "--replay", cassette)
    assert done.code == 2
    assert "\x1b" not in done.err
