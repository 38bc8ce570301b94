"""Servers that misbehave: the right answer, or 3 for what could not be decided; never 0 on a partial reading."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli.conftest import CASSETTES, TORCH, Cli
from tests.cli.indexes import answer, answer_range, change_cassette, is_metadata, pack_metadata, wheel_request
from wheelaudit.index.cassettes import Exchange

FLAGSHIP = CASSETTES / "torch-2.6.0+cu126"
NUMPY = ("numpy==2.2.0", "--index", "https://index.example/simple")
"""Consistent, 54 wheels with five METADATA: whatever is not read leaves it undecided."""


def test_503_once_per_url_changes_nothing(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        return answer(exchange, 503), exchange

    cassette = change_cassette(FLAGSHIP, world / "cassette", change)
    good = cli(*TORCH)
    done = cli(*TORCH[:3], "--replay", cassette)
    assert (done.code, done.out, done.err) == (1, good.out, "")


def test_429_with_retry_after_changes_nothing(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        return answer(exchange, 429, retry_after="2"), exchange

    cassette = change_cassette(FLAGSHIP, world / "cassette", change)
    done = cli(*TORCH[:3], "--replay", cassette)
    assert (done.code, done.out) == (1, cli(*TORCH).out)


def test_repetitions_end(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        return [answer(exchange, 503)]

    cassette = change_cassette(FLAGSHIP, world / "cassette", change)
    done = cli(*TORCH[:3], "--replay", cassette)
    assert (done.code, done.out) == (2, "")
    assert "answered 503" in done.err
    assert "Traceback" not in done.err


def test_metadata_with_a_line_appended_is_not_believed(cli: Cli, world: Path) -> None:
    """The wheels themselves are out of reach: what they ask for is unknown, and so there is no override.

    The release is inconsistent all the same: the wheels that were read disagree on Linux x86_64.
    """

    def change(exchange: Exchange) -> Iterable[Exchange]:
        if not is_metadata(exchange) or "x86_64" not in exchange.url:
            return [exchange]
        assert exchange.body is not None
        return answer(exchange, 200, exchange.body + b"\n"), wheel_request(exchange, 404)

    cassette = change_cassette(FLAGSHIP, world / "cassette", change)
    done = cli(*TORCH[:3], "--replay", cassette, "--format", "json")
    (release,) = json.loads(done.out)["releases"]
    assert done.code == 1
    assert release["verdict"] == "inconsistent"
    assert release["override"] is None
    assert "WA202" in {finding["id"] for finding in release["findings"]}
    assert [bool(wheel["error"]) for wheel in release["wheels"]] == [
        "x86_64" in wheel["filename"] for wheel in release["wheels"]
    ]


def test_all_hashes_wrong_is_undecided(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        if not is_metadata(exchange):
            return [exchange]
        assert exchange.body is not None
        return answer(exchange, 200, exchange.body + b"\n"), wheel_request(exchange, 404)

    cassette = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    done = cli(*NUMPY, "--replay", cassette)
    assert done.code == 3
    assert "UNDECIDED" in done.out


def test_wheel_that_is_gone_counts_as_read_where_another_advertises_its_hash(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        if "musllinux" not in exchange.url:
            return [exchange]
        return answer(exchange, 404), wheel_request(exchange, 404)

    cassette = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    assert cli(*NUMPY, "--replay", cassette).code == 0


def test_wheels_that_are_gone_leave_a_consistent_release_undecided(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        if "-win" not in exchange.url:
            return [exchange]
        return answer(exchange, 404), wheel_request(exchange, 404)

    cassette = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    done = cli(*NUMPY, "--replay", cassette)
    assert done.code == 3
    assert "could not be read" in done.out
    assert "numpy-2.2.0-cp313-cp313-win_amd64.whl" in done.out


def test_by_range_alone_the_override_has_the_same_bytes(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        if not is_metadata(exchange):
            return [exchange]
        assert exchange.body is not None
        return answer(exchange, 404), answer_range(exchange, pack_metadata(exchange.body, "torch", "2.6.0+cu126"))

    cassette = change_cassette(FLAGSHIP, world / "cassette", change)
    good = cli(*TORCH, "--format", "toml")
    done = cli(*TORCH[:3], "--replay", cassette, "--format", "toml")
    assert good.out.startswith("# torch==2.6.0+cu126")
    assert (done.code, done.out) == (1, good.out)


@pytest.mark.parametrize("status", [200, 416], ids=["200", "416"])
def test_no_range_where_metadata_is_gone_is_undecided(cli: Cli, world: Path, status: int) -> None:
    """A 200 to a Range request is the whole wheel: its body is never read."""

    def change(exchange: Exchange) -> Iterable[Exchange]:
        if not is_metadata(exchange):
            return [exchange]
        requests = [wheel_request(exchange, status, wanted=wanted) for wanted in ("bytes=-32768", "bytes=0-0")]
        return answer(exchange, 404), *requests

    cassette = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    done = cli(*NUMPY, "--replay", cassette)
    assert done.code == 3
    assert "Traceback" not in done.err


def test_exit_zero_makes_undecided_0_and_says_so_all_the_same(cli: Cli, world: Path) -> None:
    def change(exchange: Exchange) -> Iterable[Exchange]:
        if not is_metadata(exchange):
            return [exchange]
        return answer(exchange, 404), wheel_request(exchange, 404)

    cassette = change_cassette(CASSETTES / "numpy-2.2.0", world / "cassette", change)
    done = cli(*NUMPY, "--replay", cassette, "--exit-zero")
    assert done.code == 0
    assert "UNDECIDED" in done.out
