"""A night from the history that is kept to its reports, with wheelaudit itself, on a local index."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import _watch
from scripts._watch import REPORTS, watch
from tests.cli.conftest import world  # noqa: F401  (a clean one, for programs of their own too)
from tests.index.server import FileServer, serve_files
from tests.uv.index import ServedWheel, SimpleIndex, build_metadata

WHEELAUDIT = (sys.executable, "-m", "wheelaudit")
NVIDIA = 'nvidia-cublas-cu12==12.6.4.1; platform_system == "Linux"'


@dataclass(kw_only=True)
class Nights:
    """A channel, what is kept of it, and where the reports go."""

    index: SimpleIndex
    folder: Path

    @property
    def kept(self) -> Path:
        return self.folder / "kept.jsonl"

    def run(self, day: int, *, broken: bool = False, projects: tuple[str, ...] = ("torch",)) -> tuple[int, Path]:
        """Upload a build, look at the night, and keep what it says; return the exit code and the folder."""
        version = f"2.7.0.dev202501{day}+cu126"
        self.index.add(
            ServedWheel(
                filename=f"torch-{version}-cp312-cp312-{platform}.whl",
                metadata=build_metadata("torch", version, requires=["jinja2", *([] if lacking else [NVIDIA])]),
            )
            for platform, lacking in (("manylinux_2_28_x86_64", False), ("manylinux_2_28_aarch64", broken))
        )
        out = self.folder / str(day)
        arguments = [*projects, "--index", self.index.url, "--night", f"2025-01-{day}", "--retries", "0", "--quiet"]
        code = watch(arguments, kept=self.kept, out=out, program=WHEELAUDIT)
        if (out / "history.jsonl").exists():
            self.kept.write_bytes((out / "history.jsonl").read_bytes())
        return code, out


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    # No ETag: its pages change from night to night.
    with serve_files(FileServer(headers={"Content-Type": "text/html"}, etag=None)) as server:
        yield Nights(index=SimpleIndex(server=server, path="/whl/nightly/cu126"), folder=tmp_path)


def read_states(out: Path) -> list[str]:
    return [json.loads(path.read_text(encoding="utf-8"))["state"] for path in (out / "issues").glob("*.json")]


def test_regression_is_told_in_every_report_and_over_when_it_is_fixed(
    nights: Nights, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out = nights.run(14)
    assert (code, read_states(out)) == (0, [])
    capfd.readouterr()

    code, out = nights.run(15, broken=True)
    assert (code, read_states(out)) == (1, ["open"])
    assert "::" in capfd.readouterr().out
    for name in REPORTS.values():
        # Told for the first time in each of them: none has seen the other's night.
        assert "WA501" in (out / name).read_text(encoding="utf-8"), name
    assert [event["id"] for event in json.loads((out / "report.json").read_bytes())["events"]] == ["WA501"]

    code, out = nights.run(16)
    assert (code, read_states(out)) == (0, ["closed"])
    assert nights.kept.read_bytes().count(b"\n") == 3


def test_night_that_was_not_kept_is_told_again(nights: Nights) -> None:
    nights.run(14)
    kept = nights.kept.read_bytes()
    assert nights.run(15, broken=True)[0] == 1
    nights.kept.write_bytes(kept)
    assert nights.run(15, broken=True)[0] == 1


def test_project_that_is_not_there_is_a_failure_and_the_rest_is_kept(
    nights: Nights, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out = nights.run(14, projects=("torch", "missing"))
    assert code == 2
    assert b'"project":"torch"' in (out / "history.jsonl").read_bytes()
    assert json.loads((out / "report.json").read_bytes())["errors"]
    assert "missing" in capfd.readouterr().err


def test_history_that_cannot_be_read_is_no_first_night(nights: Nights, capfd: pytest.CaptureFixture[str]) -> None:
    nights.kept.write_bytes(b"not a history\n")
    code, out = nights.run(14)
    assert (code, sorted(path.name for path in out.iterdir())) == (2, [])
    assert "Line 1 of" in capfd.readouterr().err


def test_program_that_is_ended_is_no_regression(tmp_path: Path) -> None:
    killed = (sys.executable, "-c", "raise SystemExit(137)")
    assert watch(["torch"], kept=tmp_path / "none", out=tmp_path / "out", program=killed) == _watch.CANNOT


def test_arguments_go_to_the_night_as_they_are(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = (sys.executable, "-c", f"import sys; open({str(log)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')")
    with pytest.raises(SystemExit) as done:
        _watch.main(["--kept", "none", "--out", str(tmp_path), "torch", "--index", "nightly/x y"], program=program)
    assert done.value.code == 0
    first, *others = log.read_text().splitlines()
    assert first.startswith("['nightly', 'torch', '--index', 'nightly/x y', '--history', ")
    assert len(others) == len(REPORTS)
