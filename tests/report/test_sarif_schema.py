"""SARIF 2.1.0: every log that we write is valid by the schema that OASIS publishes (tests/data)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft4Validator

from tests.report.examples import build_forty, build_hostile, build_torch, build_undecided, build_without_override
from tests.report.hostile import hostile_text
from tests.report.nights import FAILURE, FOUR, build_busy_night, build_hostile_night, build_real_night
from tests.report.test_check import ALL
from tests.report.test_check import build_hostile as build_hostile_check
from tests.report.test_lock import REPORT
from wheelaudit.report.audit_results import build_audit_results
from wheelaudit.report.check_results import build_check_results
from wheelaudit.report.lock import build_lock_results
from wheelaudit.report.nightly import build_night_results
from wheelaudit.report.results import RULES, Result
from wheelaudit.report.sarif import render_sarif

FILE = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json"
SCHEMA: Any = json.loads(FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA)
AUDITS = (build_torch(), build_forty(), build_undecided(), build_without_override(), build_hostile())


def validate(results: tuple[Result, ...]) -> None:
    VALIDATOR.validate(json.loads(render_sarif(results, version="1.2.3")))


def test_schema_is_the_published_one() -> None:
    # Line ends aside: a checkout may turn them.
    data = FILE.read_bytes().replace(b"\r\n", b"\n")
    assert hashlib.sha256(data).hexdigest() == "d9ae9a4394e29ad68cea57a3f7ec4ec0f283887edba0c8f8f2999c8903407636"
    Draft4Validator.check_schema(SCHEMA)


def test_what_is_no_log_is_refused() -> None:
    log = json.loads(render_sarif([Result(rule="WA101", level="error", message="x")], version="1"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not VALIDATOR.is_valid(log)


@pytest.mark.parametrize("night", [*FOUR, build_busy_night(), build_real_night()], ids=lambda night: str(night.night))
def test_nights_are_valid(night: Any) -> None:
    validate(build_night_results(night))


def test_audits_locks_and_checks_are_valid() -> None:
    validate(build_audit_results(AUDITS, failures=[FAILURE]))
    validate(build_lock_results(REPORT))
    validate(build_check_results(ALL))


def test_every_rule_and_an_empty_log_are_valid() -> None:
    validate(tuple(Result(rule=rule, level="note", message="x", file="uv.lock", line=3) for rule in RULES))
    validate(())


@given(hostile_text)
def test_hostile_checks_are_valid(text: str) -> None:
    validate(build_check_results(build_hostile_check(text or "x")))


@given(hostile_text)
def test_hostile_nights_are_valid(text: str) -> None:
    validate(build_night_results(build_hostile_night(text or "x")))
