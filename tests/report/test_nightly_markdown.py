"""The Markdown of a night: evidence that runs as it stands, and no structure that comes of foreign text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from tests.conftest import Golden
from tests.index.server import FileServer, serve_files
from tests.report.examples import COMMON, LINUX
from tests.report.hostile import hostile_text
from tests.report.nights import (
    BROKEN,
    DISAGREE,
    FOUR,
    OPEN,
    PINS,
    REPINNED,
    STREAM,
    VANISHED,
    build_busy_night,
    build_hostile_night,
    build_night,
    build_real_night,
    build_real_regression,
    build_stream_night,
)
from tests.report.test_markdown import INERT, LIVE, PARSER
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.history.values import Level, Night
from wheelaudit.metadata import WheelMetadata, parse_metadata
from wheelaudit.report.nightly import build_key, find_pair
from wheelaudit.report.nightly_markdown import (
    MOST_EVENTS,
    MOST_ISSUE,
    MOST_TITLE,
    build_commands,
    render_event_issue,
    render_night_markdown,
    render_step_summary,
)
from wheelaudit.report.results import HOME

OURS = INERT | {"strong_open", "strong_close", "em_open", "em_close", "softbreak", "link_open", "link_close"}
BLOCKS = re.compile(
    r"<details>\n<summary>[0-9]+ notes?: [a-z ]+</summary>\n|</details>\n|<!-- wheelaudit:[0-9a-f]{32} -->\n"
)
"""The HTML that is ours."""

needs_tools = pytest.mark.skipif(
    sys.platform == "win32" or not all(map(shutil.which, ("bash", "curl", "diff"))),
    reason="the commands are for bash, curl and diff",
)


def find_blocks(text: str) -> list[str]:
    return [token.type for token in PARSER.parse(text)]


def find_fences(text: str, info: str) -> list[str]:
    return [token.content for token in PARSER.parse(text) if token.type == "fence" and token.info == info]


def check_inert(text: str) -> None:
    """Hold that all HTML and links are ours, and that github.com finds nothing to link in the rest."""
    tokens = PARSER.parse(text)
    for token in tokens:
        if token.type == "html_block":
            assert BLOCKS.fullmatch(token.content), token.content
    inline: list[Token] = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= OURS
    for child in inline:
        if child.type == "link_open":
            assert str(child.attrs["href"]).partition("#")[0] == HOME
        elif child.type != "code_inline":
            assert not LIVE.search(child.content), child.content


# --- what it says ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_four_nights_read_as_their_golden_files(number: int, golden: Golden) -> None:
    golden(f"nightly/night-{number + 1}.md", render_night_markdown(FOUR[number]))


def test_busy_night_reads_as_its_golden_file(golden: Golden) -> None:
    golden("nightly/busy.md", render_night_markdown(build_busy_night()))
    golden("nightly/busy.summary.md", render_step_summary(build_busy_night()))


def test_real_nightlies_read_as_their_golden_files(golden: Golden) -> None:
    golden("nightly/real.md", render_night_markdown(build_real_night()))
    golden("nightly/real-regression.md", render_night_markdown(build_real_regression()))


def test_regression_has_its_evidence_in_order() -> None:
    text = render_night_markdown(FOUR[1])
    parts = [
        "# torch==2.7.0.dev20250114+cu126 on nightly/cu126: newly inconsistent (WA501)",
        "| Last build without it | `2.7.0.dev20250113+cu126` |",
        "| First build with it | `2.7.0.dev20250114+cu126` |",
        "Lost, 3 requirements:",
        "SHA-256 of its metadata",
        "```bash\ncurl ",
        "uv reads `torch-2.7.0.dev20250114+cu126-cp312-cp312-linux_aarch64.whl`, and takes it for all 4.",
        "- linux aarch64, CPython 3.12-3.13: none\n",
        "```toml\n[[tool.uv.dependency-metadata]]\n",
        "Proven: right in 8 of 8 environment/extra pairs.",
        "## All streams",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert find_fences(text, "text")[0] == "".join(f"{pin}\n" for pin in PINS)
    for reading in BROKEN.readings:
        if isinstance(reading, WheelMetadata) and "cp312" in reading.wheel.filename:
            assert f"`{reading.sha256}` | `{reading.wheel.url}`" in text


def test_regressions_come_before_findings_and_what_was_fixed() -> None:
    night = build_night(14, build_stream_night(STREAM, 14, BROKEN, BROKEN, events=[REPINNED, VANISHED, DISAGREE]))
    text = render_night_markdown(night)
    assert text.startswith("# Night of 2025-01-14: 2 regressions, 1 finding; 1 stream read\n")
    places = [text.index(f"({each})") for each in ("WA501", "WA504", "WA503")]
    assert places == sorted(places)


def test_quiet_night_is_one_paragraph_and_the_table() -> None:
    assert find_blocks(render_night_markdown(FOUR[0]))[:9] == [
        *("heading_open", "inline", "heading_close", "paragraph_open", "inline", "paragraph_close"),
        *("heading_open", "inline", "heading_close"),
    ]
    assert "Still open" not in render_night_markdown(FOUR[0])


def test_third_night_lists_what_is_still_open_with_the_lost_lines() -> None:
    text = render_night_markdown(FOUR[2])
    assert "still open since 2025-01-14 (2.7.0.dev20250114+cu126; not in 2.7.0.dev20250113+cu126)" in text
    assert find_fences(text, "text") == ["".join(f"{pin}\n" for pin in PINS)]


def test_what_could_not_be_read_is_told() -> None:
    for text in (render_night_markdown(build_busy_night()), render_step_summary(build_busy_night())):
        assert "## Not read\n\n- `torchaudio on nightly/cu126`: There was no answer" in text


def test_notes_are_folded() -> None:
    text = render_night_markdown(build_busy_night())
    assert text.index("<details>") < text.index("sympy==1.13.3") < text.index("</details>")
    assert "sympy" not in render_step_summary(build_busy_night())


def test_no_override_is_said_with_its_reason() -> None:
    audit = replace(BROKEN, override=None, proof=None, no_override="There is no override: 1 wheel was not read.")
    night = build_night(14, build_stream_night(STREAM, 14, audit, None, events=[DISAGREE]))
    text = render_night_markdown(night)
    assert "There is no override: 1 wheel was not read." in text
    assert not find_fences(text, "toml")


# --- one issue an event ------------------------------------------------------------------------------


def test_issue_is_found_again_by_its_marker_and_keeps_its_title() -> None:
    first = render_event_issue(FOUR[1].streams[0], DISAGREE)
    later = render_event_issue(FOUR[2].streams[0], OPEN.event)
    over = render_event_issue(FOUR[3].streams[0], OPEN.event, ended=True)
    assert first[0] == later[0] == over[0] == "torch+cu126 on nightly/cu126: newly inconsistent (WA501)"
    marker = f"<!-- wheelaudit:{build_key(DISAGREE)} -->\n"
    assert all(body.startswith(marker) for _, body in (first, later, over))
    assert "First told of `2.7.0.dev20250114+cu126`, read on 2025-01-14." in first[1]
    assert "Still so in `2.7.0.dev20250115+cu126`, read on 2025-01-15." in later[1]
    assert "**Over**: `2.7.0.dev20250116+cu126`, read on 2025-01-16, does not have it any more." in over[1]


def test_issue_of_a_later_night_shows_that_nights_wheels() -> None:
    _, body = render_event_issue(FOUR[2].streams[0], OPEN.event)
    (command,) = find_fences(body, "bash")
    assert command.count("2.7.0.dev20250115") == 2
    assert "| First build with it | `2.7.0.dev20250114+cu126` |" in body
    assert 'version = "2.7.0.dev20250115+cu126"' in body


def test_issue_fits_into_what_github_takes() -> None:
    lost = tuple(f"project-{number}==1.0{'0' * 1000}" for number in range(200))
    each = FOUR[1].streams[0]
    _, body = render_event_issue(each, replace(DISAGREE, lost=lost, platforms=lost))
    assert len(body) <= MOST_ISSUE
    assert "Left out here for its length" in body
    assert "```toml" in body
    check_inert(body)


# --- its commands run --------------------------------------------------------------------------------


def build_served(url: str) -> tuple[Audit, dict[str, bytes]]:
    """The second night's release below ``url``, and the bytes of its metadata by URL."""
    readings = []
    files: dict[str, bytes] = {}
    for reading in BROKEN.readings:
        assert isinstance(reading, WheelMetadata)
        pins = [f"{pin}; {LINUX}" for pin in PINS] if "x86_64" in reading.wheel.filename else []
        data = "Metadata-Version: 2.1\nName: torch\nVersion: 2.7.0.dev20250114+cu126\n"
        data += "".join(f"Requires-Dist: {line}\n" for line in (*COMMON, *pins))
        wheel = replace(reading.wheel, url=f"{url}/{reading.wheel.filename}")
        files[wheel.url] = data.encode()
        readings.append(replace(reading, wheel=wheel, core=parse_metadata(data.encode())))
    release = replace(BROKEN.release, wheels=tuple(each.wheel for each in readings))
    return audit_release(release, readings), files


def build_wheel_bytes(metadata: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("torch-2.7.0.dev20250114+cu126.dist-info/METADATA", metadata)
    return buffer.getvalue()


def run_bash(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (command,) = find_fences(text, "bash")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "*", "LC_ALL": "C"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def find_shown(stdout: str) -> list[str]:
    return [line.removeprefix("> Requires-Dist: ").partition(";")[0] for line in stdout.splitlines() if line[0] in "<>"]


# Whatever bash and curl would make something of, in a legal URL.
FOLDER = "/nightly/$(touch%20pwned)/'quoted'/[1-3]/{a,b};&!`x`"


@needs_tools
@pytest.mark.parametrize("folder", ["", FOLDER])
def test_commands_run_as_they_stand_and_show_the_lost_lines(folder: str, tmp_path: Path) -> None:
    with serve_files(FileServer(files={})) as server:
        url = f"{server.url}{folder}"
        audit, files = build_served(url)
        server.files.update({f"{at.removeprefix(server.url)}.metadata": data for at, data in files.items()})
        night = build_night(14, build_stream_night(STREAM, 14, audit, None, events=[DISAGREE]))
        done = run_bash(render_night_markdown(night), tmp_path)
    assert done.stderr == ""
    assert done.returncode == 1  # diff's: they differ
    assert find_shown(done.stdout) == PINS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["has.metadata", "lacks.metadata"]


@needs_tools
@pytest.mark.skipif(shutil.which("unzip") is None, reason="the metadata is inside the wheels")
def test_without_metadata_beside_them_the_wheels_are_fetched(tmp_path: Path) -> None:
    with serve_files(FileServer(files={})) as server:
        audit, files = build_served(server.url)
        server.files.update({at.removeprefix(server.url): build_wheel_bytes(data) for at, data in files.items()})
        bare = tuple(replace(each, wheel=replace(each.wheel, has_metadata=False)) for each in audit.readings)
        audit = audit_release(replace(audit.release, wheels=tuple(each.wheel for each in bare)), bare)
        text = render_night_markdown(build_night(14, build_stream_night(STREAM, 14, audit, None, events=[DISAGREE])))
        done = run_bash(text, tmp_path)
    assert "which fetch both wheels whole" in text
    assert (done.returncode, find_shown(done.stdout)) == (1, PINS)


@needs_tools
def test_what_cannot_be_fetched_is_not_compared(tmp_path: Path) -> None:
    with serve_files(FileServer(files={})) as server:
        audit, _ = build_served(server.url)
        night = build_night(14, build_stream_night(STREAM, 14, audit, None, events=[DISAGREE]))
        done = run_bash(render_night_markdown(night), tmp_path)
    assert done.stdout == ""
    assert "404" in done.stderr
    assert "diff" not in done.stderr


@pytest.mark.parametrize(
    "url", ["-o/etc/passwd", "javascript:alert(1)", "ftp://files.example/x", "", "https://" + "x" * 3000]
)
def test_url_that_is_none_for_curl_gets_no_command(url: str) -> None:
    pair = find_pair(FOUR[1].streams[0], DISAGREE)
    assert pair is not None
    assert build_commands(pair)
    assert build_commands(replace(pair, second=replace(pair.second, url=url))) == ()


# --- foreign text ------------------------------------------------------------------------------------


def render_all(text: str, level: Level = "regression") -> tuple[str, ...]:
    night = build_hostile_night(text, level)
    (each,) = night.streams
    return (
        render_night_markdown(night),
        render_step_summary(night),
        render_event_issue(each, each.events[0])[1],
        render_event_issue(each, each.open[0].event, ended=True)[1],
    )


@cache
def find_word_blocks(level: Level) -> list[list[str]]:
    return list(map(find_blocks, render_all("word", level)))


@given(text=hostile_text, level=st.sampled_from(("regression", "finding", "note")))
def test_foreign_text_makes_no_structure(text: str, level: Level) -> None:
    printed = render_all(text, level)
    for each in printed:
        assert all(line.isprintable() for line in each.split("\n"))
        check_inert(each)
    # The blocks are those of the same night with a harmless word in it.
    if text.strip():
        assert list(map(find_blocks, printed)) == find_word_blocks(level)


@given(hostile_text)
def test_title_is_one_printable_line(text: str) -> None:
    (each,) = build_hostile_night(text * 20).streams
    title, _ = render_event_issue(each, each.events[0])
    assert title.isprintable()
    assert 0 < len(title) <= MOST_TITLE


@pytest.mark.parametrize("char", ["x", "`", "|", "\\", "\x1b", "\U000e0001", " x"])
def test_long_text_is_cut(char: str) -> None:
    night, summary, issue, over = render_all(char * 1_000_000)
    assert "cut here, " in night
    assert len(night) < 1_000_000
    assert len(summary) < 500_001
    assert max(len(issue), len(over)) <= MOST_ISSUE


def test_many_events_are_counted() -> None:
    events = [replace(VANISHED, subject=str(number)) for number in range(MOST_EVENTS + 3)]
    night = Night(
        night=FOUR[3].night, streams=(build_stream_night(STREAM, 16, BROKEN, None, events=events),), failures=()
    )
    assert "and 3 more regressions: see --format json" in render_night_markdown(night)
