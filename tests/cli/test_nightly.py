"""Nights on a local index, through the command line: what is told, once, and what the exit code says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.index.server import FileServer, serve_files
from tests.releases import load_metadata, load_release
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata

PYTHONS = ("cp312-cp312", "cp313-cp313")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64")
NVIDIA = 'nvidia-cublas-cu12==12.6.4.1; platform_system == "Linux"'


@dataclass
class Channel:
    """A nightly channel with one project, and a history beside it."""

    index: SimpleIndex
    history: Path
    cli: Cli

    def build(self, version: str, *, broken: bool = False, pythons: tuple[str, ...] = PYTHONS) -> None:
        """Upload a build; ``broken``: its aarch64 wheels lack the requirement."""
        self.index.add(
            ServedWheel(
                filename=f"torch-{version}-{python}-{platform}.whl",
                metadata=build_metadata(
                    "torch", version, requires=["filelock", *([] if broken and "aarch64" in platform else [NVIDIA])]
                ),
            )
            for python in pythons
            for platform in PLATFORMS
        )

    def night(self, date: str, *options: str) -> tuple[int, dict[str, Any]]:
        """Run a night; return the exit code and the report."""
        done = self.cli(
            *("nightly", "torch", "--index", self.index.url, "--history", str(self.history)),
            *("--night", date, "--format", "json", "--no-cache", "--retries", "0", *options),
        )
        assert not done.err, done.err
        report: dict[str, Any] = json.loads(done.out)
        return done.code, report


def ids(report: dict[str, Any]) -> list[str]:
    return [event["id"] for event in report["events"]]


@pytest.fixture
def channel(tmp_path: Path, cli: Cli) -> Iterator[Channel]:
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        index = SimpleIndex(server=server, path="/whl/nightly/cu126")
        yield Channel(index=index, history=tmp_path / "history.sqlite3", cli=cli)


def test_four_nights_tell_each_thing_once(channel: Channel) -> None:
    channel.build("2.7.0.dev20250114+cu126")
    code, first = channel.night("2025-01-14")
    assert (code, ids(first), first["open"]) == (0, [], [])
    assert [stream["verdict"] for stream in first["streams"]] == ["consistent"]

    channel.build("2.7.0.dev20250115+cu126", broken=True)
    code, second = channel.night("2025-01-15")
    assert (code, ids(second)) == (1, ["WA501"])
    (event,) = second["events"]
    assert event["before"] == "2.7.0.dev20250114+cu126"
    assert event["after"] == "2.7.0.dev20250115+cu126"
    assert event["lost"] == ["nvidia-cublas-cu12==12.6.4.1"]
    assert all("linux" in each for each in event["platforms"])
    assert {wheel["filename"] for wheel in event["wheels"]} & {
        "torch-2.7.0.dev20250115+cu126-cp312-cp312-manylinux_2_28_aarch64.whl"
    }
    assert all(len(wheel["metadata_sha256"]) == 64 and wheel["url"].startswith("http") for wheel in event["wheels"])

    code, again = channel.night("2025-01-15")
    assert (code, ids(again)) == (0, [])
    assert [each["id"] for each in again["open"]] == ["WA501"]

    channel.build("2.7.0.dev20250116+cu126", broken=True)
    code, third = channel.night("2025-01-16")
    assert (code, ids(third)) == (0, [])
    (pending,) = third["open"]
    assert (pending["id"], pending["since"], pending["since_version"], pending["known_good"]) == (
        "WA501",
        "2025-01-15",
        "2.7.0.dev20250115+cu126",
        "2.7.0.dev20250114+cu126",
    )

    channel.build("2.7.0.dev20250117+cu126", pythons=PYTHONS[:1])
    code, fourth = channel.night("2025-01-17")
    assert code == 1
    assert sorted(ids(fourth)) == ["WA502", "WA504"]
    (gone,) = (event for event in fourth["events"] if event["id"] == "WA504")
    assert all("3.13" in platform or "linux" in platform or "windows" in platform for platform in gone["platforms"])
    assert [each["id"] for each in fourth["open"]] == []

    code, fifth = channel.night("2025-01-17")
    assert (code, ids(fifth)) == (0, [])
    assert [each["id"] for each in fifth["open"]] == ["WA504"]


REAL = ("torch-2.6.0.dev20241222+cu126", "torch-2.7.0.dev20250116+cu126")


@pytest.fixture
def real(channel: Channel) -> Channel:
    """The channel with the two nightlies that the public issues quote."""
    for name in REAL:
        release, _ = load_release(name)
        metadata = load_metadata(name)
        channel.index.add(
            ServedWheel(filename=wheel.filename, metadata=metadata[wheel.filename]) for wheel in release.wheels
        )
    return channel


def test_real_nightlies_are_still_inconsistent_since_the_first_of_them(real: Channel) -> None:
    code, report = real.night("2025-01-16", "--last", "2")
    assert (code, report["events"]) == (0, [])
    (pending,) = (each for each in report["open"] if each["id"] == "WA501")
    assert pending["since_version"] == "2.6.0.dev20241222+cu126"
    assert pending["known_good"] is None
    assert len(pending["lost"]) == 14
    assert {line.partition("==")[0] for line in pending["lost"]} >= {"nvidia-cublas-cu12", "nvidia-cudnn-cu12"}
    assert [stream["version"] for stream in report["streams"]] == ["2.7.0.dev20250116+cu126"]
    assert [stream["verdict"] for stream in report["streams"]] == ["inconsistent"]


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl")
def test_commands_of_the_report_show_the_lost_lines_as_they_stand(channel: Channel) -> None:
    channel.build("2.7.0.dev20250114+cu126")
    channel.night("2025-01-14")
    channel.build("2.7.0.dev20250115+cu126", broken=True)
    done = channel.cli(
        *("nightly", "torch", "--index", channel.index.url, "--history", str(channel.history)),
        *("--night", "2025-01-15", "--format", "markdown", "--no-cache"),
    )
    assert done.code == 1
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", done.out, re.MULTILINE | re.DOTALL)
    (commands,) = (block for block in blocks if "curl" in block)
    shown = subprocess.run(["bash", "-c", commands], capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in shown.stdout.splitlines() if line[:1] in "<>-+" and "Requires-Dist" in line]
    assert len(lines) == 1, shown
    assert NVIDIA in lines[0]


def test_last_reads_back_and_says_since_which_build(channel: Channel) -> None:
    channel.build("2.7.0.dev20250113+cu126")
    channel.build("2.7.0.dev20250114+cu126", broken=True)
    channel.build("2.7.0.dev20250115+cu126", broken=True)
    code, report = channel.night("2025-01-15", "--last", "3")
    assert (code, ids(report)) == (0, []), "a first night is a baseline"
    (pending,) = report["open"]
    assert pending["since_version"] == "2.7.0.dev20250114+cu126"
    assert pending["known_good"] == "2.7.0.dev20250113+cu126"


def test_gap_is_filled_and_names_the_first_bad_build(channel: Channel) -> None:
    channel.build("2.7.0.dev20250110+cu126")
    assert channel.night("2025-01-10")[0] == 0
    channel.build("2.7.0.dev20250111+cu126")
    channel.build("2.7.0.dev20250112+cu126", broken=True)
    channel.build("2.7.0.dev20250113+cu126", broken=True)
    code, report = channel.night("2025-01-13", "--last", "5")
    assert (code, ids(report)) == (1, ["WA501"])
    (event,) = report["events"]
    assert (event["before"], event["after"]) == ("2.7.0.dev20250111+cu126", "2.7.0.dev20250112+cu126")


def test_index_that_fails_is_told_and_leaves_the_others(channel: Channel) -> None:
    channel.build("2.7.0.dev20250114+cu126")
    done = channel.cli(
        *("nightly", "torch", "missing", "--index", channel.index.url, "--history", str(channel.history)),
        *("--night", "2025-01-14", "--format", "json", "--no-cache", "--retries", "0"),
    )
    assert done.code == 2
    assert "missing" in done.err
    report = json.loads(done.out)
    assert [stream["project"] for stream in report["streams"]] == ["torch"]
    assert len(report["errors"]) == 1


@pytest.mark.parametrize("arguments", [[], ["torch==2.6.0"], ["./dist"], ["torch", "--night", "yesterday"]])
def test_what_is_no_night_is_said(channel: Channel, arguments: list[str]) -> None:
    done = channel.cli("nightly", *arguments, "--index", channel.index.url, "--history", str(channel.history))
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert not done.out


def test_issue_files_follow_a_regression(channel: Channel, tmp_path: Path) -> None:
    folder = tmp_path / "issues"
    states: list[list[str]] = []
    for day, broken in ((14, False), (15, True), (16, True), (17, False)):
        channel.build(f"2.7.0.dev202501{day}+cu126", broken=broken)
        for old in folder.glob("*.json"):
            old.unlink()
        channel.night(f"2025-01-{day}", "--issues", str(folder))
        states.append([json.loads(path.read_text())["state"] for path in folder.glob("*.json")])
    assert states == [[], ["open"], ["open"], ["closed"]]
