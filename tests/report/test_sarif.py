"""SARIF 2.1.0: the shape that the specification asks for, and foreign text that is only text in it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.hostile import hostile_text
from tests.report.test_github import LOST
from wheelaudit.report.results import HOME, RULES, Result
from wheelaudit.report.sarif import build_uri, escape_sarif, render_sarif
from wheelaudit.report.text import escape_text

FAILED = Result(rule=None, level="error", message="numpy 2.2.0 could not be checked: 503.", file="uv.lock")
UNKNOWN = Result(rule=None, level="warning", message="scipy 1.0 is unknown.")


def check_message(message: Any) -> None:
    assert list(message) == ["text"]
    assert isinstance(message["text"], str)
    assert message["text"]


def check_location(location: Any) -> None:
    assert list(location) == ["physicalLocation"]
    physical = location["physicalLocation"]
    assert set(physical) == {"artifactLocation", "region"}
    assert set(physical["artifactLocation"]) <= {"uri", "uriBaseId"}
    assert re.fullmatch(r"[A-Za-z0-9._~/%:-]*", physical["artifactLocation"]["uri"])
    assert physical["region"]["startLine"] >= 1


def check_log(text: str) -> Any:
    """Hold a log against what SARIF 2.1.0 requires of the objects that it has; return its one run."""
    assert text.isascii()
    assert text.endswith("}\n")
    log = json.loads(text)
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "invocations", "results", "columnKind"}
    driver = run["tool"]["driver"]
    assert driver["name"] == "wheelaudit"
    assert urlsplit(driver["informationUri"]).scheme == "https"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert set(result) <= {"ruleId", "ruleIndex", "level", "message", "locations"}
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        check_message(result["message"])
        for location in result.get("locations", []):
            check_location(location)
    (invocation,) = run["invocations"]
    assert isinstance(invocation["executionSuccessful"], bool)
    for notification in invocation["toolExecutionNotifications"]:
        assert set(notification) <= {"level", "message", "locations"}
        check_message(notification["message"])
    return run


def test_finding_is_a_result_of_its_rule_at_its_place() -> None:
    run = check_log(render_sarif([LOST, LOST], version="1.2.3"))
    assert run["tool"]["driver"]["version"] == "1.2.3"
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["name"]) == ("WA411", "TheLockLostARequirement")
    assert rule["helpUri"] == f"{HOME}#wa411-the-lock-lost-a-requirement"
    first, second = run["results"]
    assert first == second
    assert first["message"]["text"].split("\n") == [LOST.message, *LOST.details]
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "uv.lock", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 12},
            }
        }
    ]


def test_what_could_not_be_done_is_no_result() -> None:
    run = check_log(render_sarif([FAILED, UNKNOWN], version="1"))
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [each["level"] for each in invocation["toolExecutionNotifications"]] == ["error", "warning"]
    assert check_log(render_sarif([UNKNOWN], version="1"))["invocations"][0]["executionSuccessful"] is True


def test_every_rule_can_be_told() -> None:
    run = check_log(render_sarif([Result(rule=each, level="note", message="x") for each in RULES], version="1"))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    for rule in run["tool"]["driver"]["rules"]:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", rule["name"])
        for key in ("shortDescription", "fullDescription", "help"):
            check_message(rule[key])


def test_nothing_found_is_a_whole_log() -> None:
    run = check_log(render_sarif([], version="1"))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def read_message(text: str, *, slashes: bool) -> str | None:
    """Read a plain text message as a viewer does; None where it holds a link or a placeholder.

    Viewers differ in whether a backslash before a backslash escapes it (``slashes``); brackets
    are escaped where the text has what could be a link.
    """
    if re.search(r"(?<!\{)(\{\{)*\{(?!\{)", text) or re.search(r"(?<!\})(\}\})*\}(?!\})", text):
        return None
    token = r"\\[\[\]\\]|[^\[\]]" if slashes else r"\\[\[\]]|[^\[\]]"
    if re.search(rf"\[((?:{token})+)\]\([^)]*\)", text) and not re.fullmatch(rf"(?:{token})*", text):
        return None
    return text.replace("{{", "{").replace("}}", "}")


@given(hostile_text)
def test_message_holds_neither_link_nor_placeholder(text: str) -> None:
    escaped = escape_sarif(text)
    assert escaped.isprintable()
    for slashes in (False, True):
        read = read_message(escaped, slashes=slashes)
        assert read is not None
    if "](" not in text:
        assert read_message(escaped, slashes=False) == escape_text(text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("cuda-toolkit[cublas,cudart]==13.0.2", "cuda-toolkit[cublas,cudart]==13.0.2"),
        ("[a](b)", r"\[a\](b)"),
        (r"\[a\](b)", r"\\\[a\\\](b)"),
        ("{0}", "{{0}}"),
    ],
)
def test_only_what_would_be_read_otherwise_is_escaped(text: str, escaped: str) -> None:
    assert escape_sarif(text) == escaped


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("uv.lock", "uv.lock"),
        ("sub folder/uv.lock", "sub%20folder/uv.lock"),
        ("a:b", "a%3Ab"),
        ("x?y#z%20", "x%3Fy%23z%2520"),
        ("é.lock", "%C3%A9.lock"),
        ("/srv/x/uv.lock", "file:///srv/x/uv.lock"),
        ("//host/x", "file:///host/x"),
        ("C:/x/uv.lock", "file:///C:/x/uv.lock"),
    ],
)
def test_file_is_a_uri_that_leads_to_it(file: str, uri: str) -> None:
    assert build_uri(file) == uri


@given(st.text(min_size=1, max_size=30).filter(lambda file: not re.match(r"/|[A-Za-z]:/", file)))
def test_no_name_of_a_file_is_more_than_a_path(file: str) -> None:
    uri = build_uri(file)
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote_to_bytes(uri) == file.encode("utf-8", "surrogatepass")


@given(hostile_text, hostile_text, hostile_text)
def test_hostile_results_keep_the_shape(message: str, detail: str, file: str) -> None:
    told = Result(rule="WA412", level="error", message=message or "x", details=(detail,), file=file)
    run = check_log(render_sarif([told], version="1"))
    assert run["results"][0]["message"]["text"].count("\n") == 1
