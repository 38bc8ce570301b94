"""`[tool.wheelaudit]`: what a project wants of wheelaudit."""

from __future__ import annotations

import contextlib
import datetime
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.rules import IGNORE_KEYS, KEYS, Ignored, Rules, read_rules

TODAY = datetime.date(2026, 6, 1)
TORCH = canonicalize_name("torch")


def read(folder: Path, text: str) -> Rules:
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path)


def ignore(**fields: object) -> str:
    values = {"id": '"WA101"', "reason": '"upstream knows"', "until": "2026-12-31", **fields}
    return "[[tool.wheelaudit.ignore]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items() if value)


def test_without_a_table_nothing_is_said(tmp_path: Path) -> None:
    assert read(tmp_path, "[project]\n") == Rules()


def test_every_key(tmp_path: Path) -> None:
    text = '[tool.wheelaudit]\nindex = ["cu126", "mine"]\nunion = "plain"\nfail-level = "inconsistent"\n'
    rules = read(tmp_path, text + ignore(project='"Torch"', version='"2.6.0+CU126"'))
    assert (rules.index, rules.union, rules.fail_level) == (("cu126", "mine"), "plain", "inconsistent")
    assert rules.ignore == (
        Ignored(
            id="WA101",
            project=TORCH,
            version=Version("2.6.0+cu126"),
            reason="upstream knows",
            until=datetime.date(2026, 12, 31),
        ),
    )


def test_one_index_may_be_a_string(tmp_path: Path) -> None:
    assert read(tmp_path, '[tool.wheelaudit]\nindex = "cu126"\n').index == ("cu126",)


def test_ignored_finding_covers_its_release_until_its_last_day(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, ignore(project='"torch"', version='"2.6"', until="2026-06-01")).ignore
    assert rule.covers("WA101", TORCH, Version("2.6.0"), today=TODAY)
    assert not rule.covers("WA101", TORCH, Version("2.6.0"), today=TODAY + datetime.timedelta(days=1))
    assert not rule.covers("WA102", TORCH, Version("2.6.0"), today=TODAY)
    assert not rule.covers("WA101", canonicalize_name("numpy"), Version("2.6.0"), today=TODAY)
    assert not rule.covers("WA101", TORCH, Version("2.6.0+cpu"), today=TODAY)
    assert not rule.covers("WA101", TORCH, None, today=TODAY)


def test_without_project_and_version_all_are_covered(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, ignore()).ignore
    assert rule.covers("WA101", TORCH, Version("1"), today=TODAY)
    assert rule.covers("WA101", canonicalize_name("numpy"), None, today=TODAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.wheelaudit]\nfail-leval = "never"\n', ["fail-leval", "Did you mean fail-level?"]),
        ("[tool.wheelaudit]\nwidth = 80\n", ["width", *KEYS]),
        (ignore(versoin='"1"'), ["versoin", "Did you mean version?"]),
        (ignore(why='"x"'), ["why", *IGNORE_KEYS]),
        ('[tool.wheelaudit]\nunion = "wide"\n', ["union", "scoped, plain", "wide"]),
        ("[tool.wheelaudit]\nfail-level = 1\n", ["fail-level", "undecided, inconsistent, never"]),
        ("[tool.wheelaudit]\nindex = [1]\n", ["tool.wheelaudit.index", "string"]),
        ('[tool.wheelaudit]\nignore = "WA101"\n', ["tool.wheelaudit.ignore", "array"]),
        ('[tool.wheelaudit]\nignore = ["WA101"]\n', ["tool.wheelaudit.ignore", "table"]),
        (ignore(id='"101"'), ["tool.wheelaudit.ignore", "WA101"]),
        (ignore(id=None), ["tool.wheelaudit.ignore", "id"]),
        (ignore(reason=None), ["WA101", "reason"]),
        (ignore(reason='"  "'), ["WA101", "reason"]),
        (ignore(until=None), ["WA101", "until = 2027-01-31"]),
        (ignore(until='"2026-12-31"'), ["WA101", "until = 2027-01-31"]),
        (ignore(until="2026-12-31T00:00:00"), ["WA101", "until"]),
        (ignore(project="1"), ["project"]),
        (ignore(version='"new"'), ["version", "new"]),
        ("[tool]\nwheelaudit = 1\n", ["wheelaudit", "table"]),
    ],
)
def test_wrong_table_is_told_with_the_file_and_what_would_be_right(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ProjectFileError) as raised:
        read(tmp_path, text)
    assert raised.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: ")
    assert raised.value.remedy
    for word in words:
        assert word in str(raised.value)


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
LEAVES = TEXTS.map(json.dumps) | st.sampled_from(["1", "true", "2026-12-31", '"WA101"', '"scoped"', '"never"', "1.5"])
KEY = st.sampled_from([*KEYS, *IGNORE_KEYS, "other"])


def render_inline(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key} = {value}" for key, value in values.items()) + "}"


VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | st.dictionaries(KEY, inner, max_size=5).map(render_inline)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.dictionaries(KEY, VALUES, max_size=4))
def test_any_table_is_read_or_refused_with_a_remedy(tmp_path: Path, table: dict[str, str]) -> None:
    text = "[tool.wheelaudit]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
    rules = Rules()
    with contextlib.suppress(ProjectFileError):
        rules = read(tmp_path, text)
        assert set(table) <= set(KEYS)
    for each in rules.ignore:
        assert each.reason.strip()
        assert each.covers(each.id, each.project or TORCH, each.version, today=each.until)
