"""Rules: every finding id has one, and its anchor is that of its heading in the README."""

from __future__ import annotations

import re
from pathlib import Path

from wheelaudit.report.results import HOME, RULES

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(
    r"^### (?P<id>WA\d{3}): (?P<title>.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_every_heading_has_its_rule() -> None:
    assert HEADINGS
    assert {number: RULES[number].title for number, _ in HEADINGS} == dict(HEADINGS)


def test_rules_are_in_order_and_each_is_one_sentence() -> None:
    assert list(RULES) == sorted(RULES)
    for rule in RULES.values():
        assert re.fullmatch(r"[A-Zu.].*\.", rule.summary), rule
        assert not rule.title.endswith(".")


def test_anchors_are_those_of_github() -> None:
    assert RULES["WA411"].url == f"{HOME}#wa411-the-lock-lost-a-requirement"
    assert RULES["WA205"].anchor == "wa205-metadata-differs-from-the-metadata-inside-the-wheel"
    assert RULES["WA104"].anchor == "wa104-requires-python-differs"
    assert RULES["WA301"].anchor == "wa301-one-version-two-metadata"
    assert len({rule.anchor for rule in RULES.values()}) == len(RULES)
