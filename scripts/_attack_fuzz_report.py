"""scripts/attack: fuzz targets of the reports: whatever was parsed, every renderer shows as text.

What a report has to keep, its tests say already: it is held here for audits of hostile wheels,
and for texts that went through no parser at all.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence

from scripts._attack_fuzz_engine import Target, always, read_text, spread
from scripts._attack_fuzz_ground import MARKERS, NAMES, REQUIREMENTS, TAGS, TOKENS
from tests.report.examples import ESCAPES
from tests.report.hostile import ATTACKS
from tests.report.nights import build_hostile_night
from tests.report.pages import check_page
from tests.report.test_audit_markdown import build_foreign
from tests.report.test_html import fill
from tests.report.test_lock import build_hostile as build_hostile_lock
from tests.report.test_nightly_markdown import check_inert
from tests.report.test_sarif import check_log
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.errors import InvalidMetadataError, MetadataUnreadableError, UsageError, WheelAuditError
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata, parse_metadata
from wheelaudit.project.entries import find_entries
from wheelaudit.release import Release, WheelFile, parse_wheel_name, wheel_order
from wheelaudit.report.audit_markdown import render_markdown
from wheelaudit.report.audit_results import build_audit_results
from wheelaudit.report.github import render_github
from wheelaudit.report.html import render_html
from wheelaudit.report.human import render_human
from wheelaudit.report.json import render_json, render_release_line
from wheelaudit.report.lock import build_lock_results, render_lock
from wheelaudit.report.lock_json import render_lock_json
from wheelaudit.report.lock_markdown import render_lock_markdown
from wheelaudit.report.markdown import escape_markdown, render_code, render_fence
from wheelaudit.report.nightly_html import render_night_html
from wheelaudit.report.nightly_human import render_night
from wheelaudit.report.nightly_json import render_night_json
from wheelaudit.report.nightly_markdown import render_night_markdown
from wheelaudit.report.results import Result
from wheelaudit.report.sarif import escape_sarif, render_sarif
from wheelaudit.report.text import escape_text
from wheelaudit.report.toml import render_toml

MAX_WHEELS = 4

Failures = Sequence[tuple[str, WheelAuditError]]

# Audits of what was parsed


def _check_audit(data: bytes) -> None:
    readings = _read_wheels(data)
    if not readings:
        return
    ordered = sorted(readings, key=lambda reading: wheel_order(reading.wheel))
    wheels = tuple(reading.wheel for reading in ordered)
    release = Release(project=wheels[0].project, version=wheels[0].version, wheels=wheels)
    audit = audit_release(release, ordered)
    _check_reports(audit, spread(data))
    _check_override(audit)


def _read_wheels(data: bytes) -> list[Reading]:
    """Return a reading for each part of the input: tags of a wheel, a newline, and its METADATA's other lines."""
    readings: list[Reading] = []
    for number, part in enumerate(data.split(b"\n\n")[:MAX_WHEELS]):
        tags, _, lines = part.partition(b"\n")
        filename = f"demo-1-{read_text(tags)}.whl"
        try:
            project, version, build, parsed = parse_wheel_name(filename)
        except ValueError:
            continue
        url = f"https://files.example/{number}"
        wheel = WheelFile(
            filename=filename, url=url, index="a", project=project, version=version, build=build, tags=parsed
        )
        text = b"Name: demo\nVersion: 1\n" + lines
        try:
            core = parse_metadata(text)
        except InvalidMetadataError as error:
            readings.append(UnreadableWheel(wheel=wheel, error=error))
        else:
            sha256 = hashlib.sha256(text).hexdigest()
            readings.append(WheelMetadata(wheel=wheel, core=core, sha256=sha256, source="pep658"))
    return readings


def _check_override(audit: Audit) -> None:
    """See that uv can take an override: over one value that it cannot parse it drops all of its settings."""
    if audit.override is None:
        return
    assert audit.verdict == "inconsistent"
    (entry,) = find_entries(render_toml([audit]).text)
    assert entry.faults == ()
    assert audit.proof is not None
    assert audit.proof.environments > 0


def _check_reports(audit: Audit, chance: random.Random) -> None:
    """See that two of the renderers show the audit; all of them for each input would take a tenth of a second."""
    for check in chance.sample(REPORTS, 2):
        check(audit, [(audit.release.spec, MetadataUnreadableError("no", remedy="do"))])


def _check_human(audit: Audit, failures: Failures) -> None:
    for width in (60, 140):
        _check_lines(render_human([audit], width=width, color=False, failures=failures))


def _check_html(audit: Audit, failures: Failures) -> None:
    check_page(render_html([audit], failures=failures))


def _check_markdown(audit: Audit, failures: Failures) -> None:
    printed = render_markdown([audit], failures=failures)
    _check_lines(printed)
    check_inert(printed)


def _check_data(audit: Audit, failures: Failures) -> None:
    json.loads(render_json([audit], failures=failures))
    assert render_release_line(audit).count("\n") <= 1
    assert all(reason.isprintable() for reason in render_toml([audit]).reasons)


def _check_told(audit: Audit, failures: Failures) -> None:
    _check_results(build_audit_results([audit], failures=failures))


REPORTS = (_check_human, _check_html, _check_markdown, _check_data, _check_told)


def _check_results(results: tuple[Result, ...]) -> None:
    check_log(render_sarif(results, version="1"))
    lines = render_github(results)
    assert lines.count("\n") == len(results)
    assert all(line.startswith("::") and line.isprintable() for line in lines[:-1].split("\n") if line)


def _check_lines(printed: str) -> None:
    assert all(line.isprintable() for line in printed.split("\n")), printed


def _audits() -> Iterator[bytes]:
    for shift in range(len(MARKERS)):
        parts = []
        for number, name in enumerate(NAMES[:3]):
            tags = "-".join(name.removesuffix(".whl").split("-")[-3:])
            picked = [REQUIREMENTS[(shift + number) % len(REQUIREMENTS)], f"b>={number}; {MARKERS[shift]}", "c"]
            lines = [*(f"Requires-Dist: {line}" for line in picked), "Provides-Extra: gpu", "Requires-Python: >=3.8"]
            parts.append("\n".join((tags, *lines)))
        yield "\n\n".join(parts).encode()


# Texts that nothing has parsed


def _check_text(data: bytes) -> None:
    text = read_text(data)
    shown = escape_text(text)
    assert shown.isprintable()
    assert escape_text(shown) == shown
    for printed in (escape_markdown(text), render_code(text)):
        assert printed.replace("\n", "").isprintable()
        check_inert(printed)
    check_inert(render_fence(text.split("\n")))
    assert escape_sarif(text).isprintable()
    _check_results((Result(rule="WA411", level="error", message=text, details=(text,), file=text, line=1),))


def _check_foreign(data: bytes) -> None:
    text = read_text(data)
    chance = spread(data)
    match chance.randrange(4):
        case 0:
            _check_night(text)
        case 1:
            _check_lock(text)
        case _:
            failures = [(text, UsageError(text, remedy=text))]
            for check in chance.sample(REPORTS, 1):
                check(build_foreign(text), failures)
            check_page(render_html([fill(build_foreign(text), text)], failures=failures))


def _check_night(text: str) -> None:
    night = build_hostile_night(text)
    _check_lines(render_night(night, width=80, color=False))
    check_inert(render_night_markdown(night))
    check_page(render_night_html(night))
    json.loads(render_night_json(night))


def _check_lock(text: str) -> None:
    lock = build_hostile_lock(text)
    _check_lines(render_lock(lock, width=80, color=False, verbose=True))
    check_inert(render_lock_markdown(lock))
    json.loads(render_lock_json(lock))
    _check_results(build_lock_results(lock))


def _texts() -> Iterator[bytes]:
    yield from (text.encode("utf-8", "surrogateescape" if text.isascii() else "replace") for text in ATTACKS)
    yield ESCAPES.encode("utf-8", "replace")


WORDS = ("\nRequires-Dist: ", "\nProvides-Extra: ", "\nRequires-Python: ", "\n\n", *TAGS, *TOKENS)
MARKS = (
    "`",
    "```",
    "](",
    "<a href=",
    "::error",
    "{0}",
    "|",
    "\n",
    "\r",
    "\u2028",
    "%0A",
    "@a",
    "#1",
    "&lt;",
    "\\",
    "---",
    "$x$",
)

TARGETS = (
    Target(
        name="audit-reports", short=4, prepare=always(_check_audit), seeds=_audits, tokens=WORDS, longest=600, share=4
    ),
    Target(name="texts", short=300, prepare=always(_check_text), seeds=_texts, tokens=MARKS, longest=200, share=2),
    Target(
        name="foreign-reports",
        short=15,
        prepare=always(_check_foreign),
        seeds=_texts,
        tokens=MARKS,
        longest=200,
        share=2,
    ),
)
