"""The JSON of a night, held against its published schema and against the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from tests.conftest import Golden
from tests.report.hostile import hostile_text
from tests.report.nights import DISAGREE, FOUR, PINS, build_busy_night, build_hostile_night, build_real_night
from wheelaudit.history.values import Night
from wheelaudit.report.nightly import build_key
from wheelaudit.report.nightly_json import read_night_schema, render_night_json

SCHEMA = json.loads(read_night_schema())
CONTRACT = {"id", "project", "index", "before", "after", "platforms", "lost", "gained", "wheels"}
"""The keys of an event that the contract names."""


def read(night: Night) -> Any:
    text = render_night_json(night)
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


def test_event_has_the_keys_of_the_contract_in_the_order_of_the_schema() -> None:
    document = read(FOUR[1])
    assert list(document) == list(SCHEMA["properties"])
    assert (document["schema"], document["night"]) == (1, "2025-01-14")
    (event,) = document["events"]
    assert list(event) == list(SCHEMA["$defs"]["event"]["properties"])
    assert set(event) >= CONTRACT
    assert event["wheels"][0] == {
        "filename": DISAGREE.wheels[0].filename,
        "url": DISAGREE.wheels[0].url,
        "metadata_sha256": DISAGREE.wheels[0].metadata_sha256,
    }
    assert (event["id"], event["level"], event["lost"]) == ("WA501", "regression", PINS)
    assert event["key"] == build_key(DISAGREE)


def test_four_nights_have_the_events_of_the_contract() -> None:
    documents = [read(night) for night in FOUR]
    assert [[event["id"] for event in each["events"]] for each in documents] == [
        [],
        ["WA501"],
        [],
        ["WA504", "WA502"],
    ]
    assert [[event["id"] for event in each["open"]] for each in documents] == [[], [], ["WA501"], []]
    (opened,) = documents[2]["open"]
    assert (opened["since"], opened["since_version"], opened["known_good"]) == (
        "2025-01-14",
        "2.7.0.dev20250114+cu126",
        "2.7.0.dev20250113+cu126",
    )
    assert documents[0]["streams"][0]["before"] is None
    assert documents[3]["streams"][0]["events"] == ["WA502", "WA504"]


def test_real_nightlies_are_still_open_with_the_lost_lines() -> None:
    document = read(build_real_night())
    (opened,) = document["open"]
    assert opened["known_good"] is None
    assert len(opened["lost"]) == 14
    assert opened["lost"][-1] == "pytorch-triton==3.2.0+git0d4682f0"


def test_what_could_not_be_read_is_an_error() -> None:
    (error,) = read(build_busy_night())["errors"]
    assert error["spec"] == "torchaudio on nightly/cu126"
    assert error["remedy"] == "Try again in a few minutes."


@pytest.mark.parametrize("number", range(4))
def test_document_is_its_golden_file(number: int, golden: Golden) -> None:
    golden(f"nightly/night-{number + 1}.json", render_night_json(FOUR[number]))


@given(hostile_text)
def test_hostile_night_obeys_the_schema_and_loses_nothing(text: str) -> None:
    document = read(build_hostile_night(text))
    assert document["events"][0]["lost"] == [text]
    assert document["open"][0]["subject"] == text
    assert document["errors"][0]["spec"] == text


def test_size_is_that_of_what_there_is_to_say() -> None:
    # Whole, because a script wants data and no beginning of data; but nothing is said over and over.
    small, large = (len(render_night_json(build_hostile_night("x" * size))) for size in (1, 10_001))
    assert large - small < 40 * 10_000
