from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.report.examples import (
    LOST,
    build_consistent,
    build_forty,
    build_hostile,
    build_torch,
    build_undecided,
    build_without_override,
)
from wheelaudit.audit.values import Audit
from wheelaudit.errors import ReleaseNotFoundError, WheelAuditError
from wheelaudit.report.json import build_release, read_schema, render_error_line, render_json, render_release_line

SCHEMA = json.loads(read_schema())
FAILURE = ReleaseNotFoundError("torch has no release 9.9.", url="https://index.example/torch/", remedy="Choose 2.6.0.")
BUILDERS = (build_torch, build_forty, build_consistent, build_undecided, build_without_override, build_hostile)


def render(*audits: Audit, failures: tuple[tuple[str, WheelAuditError], ...] = ()) -> Any:
    text = render_json(audits, failures=failures)
    assert text.isascii()
    assert text.endswith("}\n")
    document = json.loads(text)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_schema_is_itself_valid_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for name, definition in [("document", SCHEMA), *SCHEMA["$defs"].items()]:
        assert definition["additionalProperties"] is False, name
        assert definition["required"] == list(definition["properties"]), name
        for key, described in definition["properties"].items():
            assert described.get("description") or "$ref" in described, f"{name}.{key}"


@pytest.mark.parametrize("build", BUILDERS)
def test_every_report_obeys_the_published_schema(build: Callable[[], Audit]) -> None:
    assert render(build())["schema"] == 1


@pytest.mark.parametrize("build", BUILDERS)
def test_keys_are_in_the_order_of_the_schema(build: Callable[[], Audit]) -> None:
    release = render(build())["releases"][0]
    assert list(release) == list(SCHEMA["$defs"]["release"]["properties"])
    assert list(release["wheels"][0]) == list(SCHEMA["$defs"]["wheel"]["properties"])


def test_inconsistent_release_tells_all() -> None:
    audit = build_torch()
    release = render(audit)["releases"][0]
    assert (release["project"], release["version"], release["verdict"]) == ("torch", "2.6.0+cu126", "inconsistent")
    assert release["reads"] == {"uv": "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl"}
    assert [wheel["group"] for wheel in release["wheels"]] == [0, 1, 2] * 4 + [0, 1]
    assert {wheel["source"] for wheel in release["wheels"]} == {"pep658"}
    assert [wheel["metadata_sha256"] for wheel in release["wheels"]] == [
        reading.sha256 for reading in audit.readings if hasattr(reading, "sha256")
    ]
    assert release["groups"][0]["wheels"] == [w["filename"] for w in release["wheels"] if w["group"] == 0]
    assert release["impact"] == [{"environments": "linux x86_64, CPython 3.10-3.13", "lost": LOST, "gained": []}]
    assert list(release["override"]) == ["name", "version", "requires-python", "requires-dist", "provides-extras"]
    assert release["override"]["requires-python"] == ">=3.9.0"
    assert release["proof"] == {"environments": 84, "deviations": []}
    assert release["no_override"] is None


def test_consistent_release_has_neither_override_nor_proof() -> None:
    release = render(build_consistent())["releases"][0]
    assert [release[key] for key in ("override", "proof", "no_override", "impact")] == [None, None, None, []]


def test_unread_wheel_is_told_and_has_no_group() -> None:
    release = render(build_undecided())["releases"][0]
    (wheel,) = (wheel for wheel in release["wheels"] if wheel["error"])
    assert "answered 503" in wheel["error"]
    assert "Try again" in wheel["error"]
    assert [wheel[key] for key in ("metadata_sha256", "source", "group")] == [None, None, None]


def test_no_wheel_for_uv_is_null() -> None:
    assert render(replace(build_torch(), reads_uv=None))["releases"][0]["reads"] == {"uv": None}


def test_release_that_could_not_be_done_is_an_error_and_not_left_out() -> None:
    document = render(build_consistent(), failures=(("torch==9.9", FAILURE),))
    assert len(document["releases"]) == 1
    assert document["errors"] == [
        {"spec": "torch==9.9", "message": "torch has no release 9.9.", "remedy": "Choose 2.6.0."}
    ]


def test_foreign_text_comes_back_as_it_was() -> None:
    audit = build_hostile()
    assert render(audit)["releases"][0]["skipped"][0]["filename"] == audit.release.skipped[0].filename


def test_same_audit_gives_the_same_bytes() -> None:
    assert render_json([build_forty()]) == render_json([build_forty()])


@pytest.mark.parametrize("build", BUILDERS)
def test_line_of_a_release_is_its_entry_in_the_document(build: Callable[[], Audit]) -> None:
    line = render_release_line(build())
    assert line.isascii()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    document = json.loads(line)
    assert document.pop("schema") == 1
    assert document == render(build())["releases"][0] == json.loads(json.dumps(build_release(build())))


def test_line_of_a_failure_is_an_error_and_no_release() -> None:
    line = render_error_line("torch==9.9", FAILURE)
    told = {"spec": "torch==9.9", "message": "torch has no release 9.9.", "remedy": "Choose 2.6.0."}
    assert json.loads(line) == {"schema": 1, "error": told}
    assert line.endswith("}\n")


def test_newlines_of_an_index_end_no_line() -> None:
    error = WheelAuditError("one\ntwo\u2028three\x85four")
    assert len(render_error_line("a\rb", error).splitlines()) == 1
