"""What `wheelaudit explain` says: one screen, and the same as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from packaging.specifiers import SpecifierSet

from tests.conftest import Golden
from tests.releases import build_reading, build_wheel, load_release
from tests.report.examples import (
    LOST,
    audit_readings,
    build_consistent,
    build_hostile,
    build_torch,
    build_undecided,
    build_unread,
)
from tests.report.hostile import hostile_text
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.uv import DroppedWheel, explain_choice
from wheelaudit.audit.values import Audit
from wheelaudit.errors import ReleaseNotFoundError
from wheelaudit.report.explain import Explanation, read_explain_schema, render_explain, render_explain_json

SCHEMA = json.loads(read_explain_schema())
FAILURE = ReleaseNotFoundError("torch has no release 9.9.", url="https://index.example/torch/", remedy="Choose 2.6.0.")


def explain(audit: Audit, *, override: str | None = None) -> Explanation:
    release = audit.release
    choice = explain_choice(release.wheels, requires_python=audit.requires_python, indexes=release.indexes)
    return Explanation(
        audit=audit,
        choice=choice,
        index_reason="--index says so",
        version_reason="the requirement names it",
        override=override,
    )


def load(name: str, bound: str | None = None) -> Explanation:
    release, readings = load_release(name)
    return explain(audit_release(release, readings, requires_python=None if bound is None else SpecifierSet(bound)))


def render(*explanations: Explanation, width: int = 80, failures: tuple[Any, ...] = ()) -> str:
    return render_explain(explanations, width=width, color=False, failures=failures)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("torch-2.6.0+cu126", ">=3.11"),
        ("torch-2.10.0", None),
        ("tensorflow-2.15.1", ">=3.9"),
        ("opencv-python-4.4.0.46", None),
        ("numpy-2.2.0", ">=3.12"),
    ],
)
def test_explanation_is_one_screen(golden: Golden, name: str, bound: str | None) -> None:
    text = render(load(name, bound))
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 40
    golden(f"explain/{name}.txt", text)


def test_override_is_told_last() -> None:
    text = render(explain(build_torch(), override="pyproject.toml, line 45, tells uv what it asks for."))
    assert text.endswith("\n\noverride: pyproject.toml, line 45, tells uv what it asks for.\n")


def test_unread_wheel_is_no_platform_that_is_right() -> None:
    read = build_reading("gone-1.0-cp310-cp310-win_amd64.whl", ["attrs"])
    text = render(explain(audit_readings([read, build_unread("gone-1.0-cp312-cp312-win_amd64.whl")])))
    assert "Not known for 1 wheel that could not be read" in " ".join(text.split())
    assert "verywhere" not in text
    text = render(explain(build_undecided()))
    assert "Not known: the metadata of that wheel could not be read." in " ".join(text.split())
    assert "verywhere" not in text


def test_release_without_a_wheel_for_the_project_says_so() -> None:
    text = render(load("torch-2.6.0+cu126", ">=3.14"))
    assert text.startswith("torch==2.6.0+cu126: uv reads no wheel\n")
    assert "3. None is left." in text
    assert "Nothing: no wheel is left to lock." in text


def test_refusal_is_told() -> None:
    each = load("numpy-2.2.0")
    wheel = build_wheel("numpy-2.2.0-cp313-abi3-win_amd64.whl")
    choice = explain_choice([wheel], requires_python=SpecifierSet("<3.13"))
    text = " ".join(render(replace(each, choice=choice)).split())
    assert "4. Take none: all of them need a newer Python than <3.13 admits." in text


def test_failures_follow_the_rest() -> None:
    text = render(explain(build_consistent()), failures=(("torch==9.9", FAILURE),))
    assert text.endswith("torch==9.9 could not be done\n  torch has no release 9.9.\n  Choose 2.6.0.\n")


def test_colour_adds_nothing_but_colour() -> None:
    import re

    each = explain(build_torch())
    colored = render_explain([each], width=80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(each)


def read_json(*explanations: Explanation, requirement: str = "torch") -> Any:
    text = render_explain_json(
        requirement, explanations, requires_python=SpecifierSet(">=3.11"), failures=[("torch==9.9", FAILURE)]
    )
    assert text.isascii()
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


def test_json_has_every_name() -> None:
    document = read_json(load("torch-2.6.0+cu126", ">=3.11"))
    assert (document["requirement"], document["requires_python"]) == ("torch", ">=3.11")
    assert document["errors"] == [
        {"spec": "torch==9.9", "message": "torch has no release 9.9.", "remedy": "Choose 2.6.0."}
    ]
    (release,) = document["releases"]
    assert list(release) == list(SCHEMA["$defs"]["release"]["properties"])
    assert release["reads"] == "torch-2.6.0+cu126-cp311-cp311-linux_aarch64.whl" == release["steps"]["highest"][0]
    assert len(release["steps"]["listed"]) == 14
    assert release["steps"]["dropped"][0] == {
        "filename": "torch-2.6.0+cu126-cp310-cp310-linux_aarch64.whl",
        "reason": "Python 3.10 is below the project's",
    }
    assert release["impact"] == [{"environments": "linux x86_64, CPython 3.11-3.13", "lost": LOST, "gained": []}]
    assert {each["platform"] for each in release["coverage"]} == {"linux aarch64", "linux x86_64", "windows AMD64"}


@given(hostile_text)
def test_foreign_text_is_inert(text: str) -> None:
    torch, attacked = explain(build_torch()), build_hostile()
    wheel = replace(torch.audit.release.wheels[0], filename=text, index=text)
    choice = replace(
        torch.choice,
        index=text,
        elsewhere=(wheel,),
        listed=(wheel, wheel),
        dropped=(DroppedWheel(wheel=wheel, reason=text),),
        highest=(wheel,),
        wheel=wheel,
    )
    hostile = replace(torch, audit=attacked, choice=choice, index_reason=text, version_reason=text, override=text)
    printed = render(hostile, failures=((text, ReleaseNotFoundError(text, url="", remedy=text)),))
    assert all(char.isprintable() for line in printed.split("\n") for char in line)
    assert read_json(hostile, requirement=text)["requirement"] == text
