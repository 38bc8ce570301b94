"""Workflow commands: one line a result, read back as the runner reads it, and no foreign command in it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.report.hostile import hostile_text
from wheelaudit.report.github import render_github
from wheelaudit.report.results import Result
from wheelaudit.report.text import escape_text

LOST = Result(
    rule="WA411",
    level="error",
    message="14 requirements of torch 2.6.0+cu126 are missing.",
    details=("linux x86_64, CPython 3.10-3.13: triton==3.2.0",),
    file="uv.lock",
    line=12,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    properties: dict[str, str]
    message: str


def parse_command(line: str) -> Command:
    """Read a line as the runner does: `::name key=value,key=value::message`."""
    assert line.startswith("::")
    head, _, message = line[2:].partition("::")
    name, _, rest = head.partition(" ")
    pairs = [each.split("=", 1) for each in rest.split(",")]
    return Command(name=name, properties={key: decode(value) for key, value in pairs}, message=decode(message))


def decode(text: str) -> str:
    for code, char in (("%2C", ","), ("%3A", ":"), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_finding_is_an_annotation_of_its_line() -> None:
    assert render_github([LOST]) == (
        "::error file=uv.lock,line=12,title=WA411%3A the lock lost a requirement::"
        "14 requirements of torch 2.6.0+cu126 are missing.%0A"
        "linux x86_64, CPython 3.10-3.13: triton==3.2.0\n"
    )


def test_what_is_no_finding_has_no_id() -> None:
    untold = Result(rule=None, level="warning", message="torch is unknown.")
    assert render_github([untold]) == "::warning title=wheelaudit::torch is unknown.\n"
    assert render_github([Result(rule="WA501", level="note", message="x")]).startswith("::notice title=WA501%3A newly")


def test_nothing_to_tell_is_nothing() -> None:
    assert render_github([]) == ""


@given(
    hostile_text, st.lists(hostile_text, max_size=3), hostile_text, st.one_of(st.none(), st.just("WA411"), hostile_text)
)
def test_hostile_text_arrives_as_text(message: str, details: list[str], file: str, rule: str | None) -> None:
    text = render_github([Result(rule=rule, level="error", message=message, details=tuple(details), file=file)])
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    command = parse_command(text[:-1])
    assert command.name == "error"
    assert list(command.properties) == ["file", "line", "title"]
    assert command.properties["file"] == escape_text(file)
    assert command.message == "\n".join(map(escape_text, (message, *details)))
