"""The page of audits: well formed, readable by everyone, and foreign text is only ever text in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Golden
from tests.releases import build_reading, load_release
from tests.report.examples import (
    ESCAPES,
    audit_readings,
    build_consistent,
    build_forty,
    build_hostile,
    build_torch,
    build_undecided,
    build_without_override,
)
from tests.report.hostile import ATTACKS, hostile_text
from tests.report.html_examples import build_failure
from tests.report.pages import Element, check_page
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit, Finding, Impact, Matrix
from wheelaudit.errors import MetadataUnreadableError, NetworkError
from wheelaudit.metadata import UnreadableWheel
from wheelaudit.release import SkippedFile
from wheelaudit.report.html import render_html
from wheelaudit.report.html_page import MOST_TEXT, build_link, clip, isolate_prose, read_style, render_page, shorten
from wheelaudit.report.text import escape_text
from wheelaudit.report.toml import render_override

MINUS = "\u2212"

EXAMPLES = {
    "torch": build_torch,
    "forty": build_forty,
    "consistent": build_consistent,
    "undecided": build_undecided,
    "without-override": build_without_override,
    "hostile": build_hostile,
}


def fill(audit: Audit, text: str) -> Audit:
    """Return an audit in which every field that can hold text holds ``text``; nothing here went through a parser."""
    wheel = replace(audit.release.wheels[0], filename=text, index=text, url=text, yanked=text)
    unread = UnreadableWheel(wheel=wheel, error=MetadataUnreadableError(text, remedy=text))
    return replace(
        audit,
        release=replace(
            audit.release,
            project=text,  # type: ignore[arg-type]
            wheels=(wheel, audit.release.wheels[1]),
            skipped=(SkippedFile(filename=text, reason=text),),
        ),
        readings=(unread, audit.readings[1]),
        reads_uv=wheel,
        groups=tuple(
            replace(
                each,
                environments=text,
                requires_dist=(text,),
                requires_python=text,
                provides_extra=(text,),  # type: ignore[arg-type]
            )
            for each in audit.groups
        ),
        matrix=Matrix(columns=(text, "b"), rows=((text, ("lost", "gained")), ("", ("unknown", "needed")))),
        impact=(Impact(environments=text, lost=(text,), gained=(text,)),),
        coverage=tuple(replace(each, platform=text, pythons=(text,)) for each in audit.coverage),
        findings=(Finding(id=text, message=text, wheels=(text,), requirements=(text,), help=text),),
        no_override=text,
        override=None,
        proof=None,
    )


def skeleton(element: Element) -> list[str]:
    """Return the tags of a page in order, code spans aside: a sentence may hold commands."""
    return [
        each.tag for each in element.find("section", "table", "tr", "th", "td", "bdi", "h1", "h2", "h3", "li", "dd")
    ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_page_of_one_release_keeps_all_rules(name: str) -> None:
    check_page(render_html([EXAMPLES[name]()]))


def test_page_of_several_releases_keeps_all_rules() -> None:
    audits = [build() for build in EXAMPLES.values()]
    root = check_page(render_html(audits, failures=[("gone==1", build_failure())]))
    (heading,) = root.find("h1")
    assert heading.text == "7 releases: 4 inconsistent, 1 undecided, 1 consistent, 1 not done"
    assert "The server answered 503 for https://index.example/nightly/cu126/triton/" in root.text
    assert [each.attributes["class"] for each in root.find("article")] == ["release"] * 6


def test_page_of_failures_alone_tells_them() -> None:
    root = check_page(render_html([], failures=[("torch", NetworkError("No answer.", url="https://index.example/"))]))
    assert "No answer." in root.text


def test_page_of_torch_is_the_golden_one(golden: Golden) -> None:
    audit = audit_release(*load_release("torch-2.6.0+cu126"))
    page = render_html([audit])
    golden("html/torch-2.6.0+cu126.html", page)
    assert page == render_html([audit])
    check_page(page)


def test_matrix_is_a_table_that_says_each_state_in_words() -> None:
    root = check_page(render_html([build_torch()]))
    (table,) = (each for each in root.find("table") if each.attributes.get("class") == "matrix")
    heads = [each.text for each in next(table.find("thead")).find("th")]
    assert heads == ["Requirement", "linux aarch64 and windows AMD64", "linux x86_64"]
    rows = [[each.text for each in row.find("th", "td")] for row in next(table.find("tbody")).find("tr")]
    assert ["triton==3.2.0", "· absent", f"{MINUS} lost"] in rows
    assert len(rows) == 14
    (legend,) = (each for each in root.find("dl") if each.attributes.get("class") == "legend")
    assert [each.text for each in legend.find("dt")] == [f"{MINUS} lost", "· absent"]


def test_override_can_be_copied_from_the_page_as_it_is() -> None:
    audit = build_torch()
    assert audit.override is not None
    (block,) = check_page(render_html([audit])).find("pre")
    assert block.text == render_override(audit.override)


def test_long_line_of_an_override_is_not_cut() -> None:
    audit = build_torch()
    assert audit.override is not None
    marker = " or ".join(['extra == "a"'] * 200)
    long = replace(audit.override, requires_dist=(f"x; {marker}",))
    (block,) = check_page(render_html([replace(audit, override=long)])).find("pre")
    assert block.text == render_override(long)


def test_override_that_is_too_long_for_a_page_is_named_not_cut() -> None:
    audit = build_torch()
    assert audit.override is not None
    huge = replace(audit.override, requires_dist=("x" * 200_000,))
    page = render_html([replace(audit, override=huge)])
    assert not list(check_page(page).find("pre"))
    assert "too many for a page: <code>--format toml</code> prints it." in page


def test_evidence_names_every_wheel_with_its_url_and_hash() -> None:
    audit = build_torch()
    root = check_page(render_html([audit]))
    (table,) = (each for each in root.find("table") if each.attributes.get("class") == "evidence")
    assert [each.attributes["href"] for each in table.find("a")] == [each.url for each in audit.release.wheels]
    assert len([each for each in table.find("code") if re.fullmatch(r"[0-9a-f]{64}", each.text)]) == 14


@settings(max_examples=30)
@given(hostile_text)
def test_foreign_text_changes_no_element_of_the_page(text: str) -> None:
    root = check_page(render_html([fill(build_torch(), text)], failures=[(text, NetworkError(text, url=text))]))
    plain = fill(build_torch(), "a" if len(text.split("; ")) == 1 else "; ".join("a" for _ in text.split("; ")))
    other = check_page(render_html([plain], failures=[("a", NetworkError("a", remedy=None, url="a"))]))
    # What is empty is left out (help, remedies, groups' extras); what is there comes as the same elements.
    if text and "`" not in text and text.strip() == text:
        assert skeleton(root) == skeleton(other)
    shown = " ".join(shorten(text).split())
    assert shown.replace("`", "") in " ".join(root.text.split()).replace("`", "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_shown_as_text(attack: str) -> None:
    page = render_html([fill(build_torch(), attack)])
    root = check_page(page)
    (first, *_) = (each for each in root.find("bdi"))
    assert first.text.startswith(escape_text(attack))
    assert attack.replace("`", "") not in page or not re.search(r"[<>&\"'\n\x00-\x1f]", attack)


def test_control_and_bidi_characters_are_spelled_out() -> None:
    page = render_html([fill(build_torch(), ESCAPES)])
    assert "\\x1b[31mred" in page
    assert "\\u202e" in page
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", page)


def test_text_of_a_megabyte_is_cut_with_a_note() -> None:
    page = render_html([fill(build_torch(), "<" * 1_000_000)])
    check_page(page)
    assert f"… ({1_000_000 - MOST_TEXT} characters more)" in page
    assert len(page) < 1_000_000


def test_release_of_three_thousand_wheels_makes_a_page_of_bounded_size() -> None:
    names = (f"big-1.0-{build}-cp312-cp312-manylinux_2_28_x86_64.whl" for build in range(3000))
    audit = audit_readings([build_reading(name, ["attrs"]) for name in names])
    page = render_html([audit])
    assert "and 2800 more wheels" in check_page(page).text
    assert len(page) < 500_000


def test_matrix_of_too_many_cells_says_what_it_leaves_out() -> None:
    matrix = Matrix(
        columns=tuple(f"c{number}" for number in range(100)),
        rows=tuple((f"r{number}", ("lost",) * 100) for number in range(1000)),
    )
    text = check_page(render_html([replace(build_torch(), matrix=matrix)])).text
    assert "and 900 more requirements" in text
    assert "and 60 more sets of environments" in text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://files.example/",
        " https://files.example/",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://user:secret@files.example/a.whl",
        "https://files.example@evil.example/",
        "https://files.example\\@evil.example/",
        "https://xn--/\u202e",
        "https://files.example/a b",
        'https://files.example/"onclick="x',
        "https:files.example",
        "//files.example/a.whl",
        f"https://files.example/{'a' * MOST_TEXT}",
        "",
    ],
)
def test_address_that_is_not_plainly_http_is_no_link(url: str) -> None:
    assert build_link(url) is None
    wheel = replace(build_torch().release.wheels[0], url=url)
    unread = UnreadableWheel(wheel=wheel, error=MetadataUnreadableError("x"))
    audit = replace(build_torch(), readings=(unread,))
    (table,) = (
        each for each in check_page(render_html([audit])).find("table") if each.attributes.get("class") == "evidence"
    )
    assert list(table.find("a")) == []


@pytest.mark.parametrize("url", ["https://files.example/a%2Bb.whl", "http://127.0.0.1:8080/x?y=1", "HTTPS://A.EXAMPLE"])
def test_plain_address_is_a_link(url: str) -> None:
    assert build_link(url) == url


@given(st.text(max_size=60))
def test_address_that_is_linked_leads_where_it_says(rest: str) -> None:
    link = build_link(f"https://files.example{rest}")
    assert link is None or re.match(r"https://files\.example[a-z0-9.:-]*([/?]|$)", link, re.IGNORECASE)


def test_commands_in_a_sentence_are_code() -> None:
    assert isolate_prose("Run `uv lock` <b>.") == '<bdi dir="ltr">Run <code>uv lock</code> &lt;b&gt;.</bdi>'
    assert isolate_prose("an odd ` one") == '<bdi dir="ltr">an odd ` one</bdi>'


def test_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(Exception, match="'alone' is undefined"):
        render_page("audits.html", title="x")


def test_value_that_is_no_text_is_not_printed() -> None:
    with pytest.raises(TypeError, match="a template prints list"):
        render_page("audits.html", title=["x"], alone=None, releases=clip((), 1), failures=clip((), 1))


# --- what loads, and how it looks ---------------------------------------------------------------------


def test_policy_allows_the_style_sheet_and_nothing_else() -> None:
    page = render_html([build_torch()])
    root = check_page(page)
    (style,) = root.find("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (policy,) = (each for each in root.find("meta") if "http-equiv" in each.attributes)
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # The policy stands before what it is for.
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_style_sheet_loads_nothing() -> None:
    style = read_style()
    assert "@import" not in style
    assert set(re.findall(r"url\(([^)]*)\)", style)) == {"#empty", "#cross", "#bars"}
    assert "<" not in style


PAIRS = (
    *(("ink", "ground", 7), ("ink", "sheet", 7), ("quiet", "ground", 4.5), ("quiet", "sheet", 4.5)),
    *(("link", "ground", 4.5), ("link", "sheet", 4.5), ("ink", "code", 7), ("quiet", "code", 4.5)),
    *(
        (f"{tone}-ink", ground, 4.5)
        for tone in ("bad", "warn", "good", "note")
        for ground in (f"{tone}-ground", "sheet")
    ),
    *((f"{tone}-ink", "ground", 4.5) for tone in ("bad", "warn", "good", "note")),
    *((f"{tone}-edge", "sheet", 3) for tone in ("bad", "warn", "good", "note")),
    *((f"cell-{name}", "sheet", 3) for name in ("good", "bad", "warn")),
    *(("cell-mark", "cell-bad", 4.5), ("focus", "ground", 3), ("focus", "sheet", 3)),
)
"""Text or line, its ground, and the least contrast: WCAG 2.2, 1.4.3 for text, 1.4.11 for what is drawn."""


def read_colors() -> dict[str, dict[str, str]]:
    style = read_style()
    light, dark = style[: style.index("@media")], style[style.index("@media") : style.index("*, *::before")]
    found = {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", text))
        for name, text in (("light", light), ("dark", dark))
    }
    assert set(found["light"]) == set(found["dark"])
    return found


def luminance(color: str) -> float:
    """Return the relative luminance (WCAG 2.2) of ``#rrggbb``."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast_is_enough(theme: str, ink: str, ground: str, least: float) -> None:
    colors = read_colors()[theme]
    assert contrast(colors[ink], colors[ground]) >= least


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_color_of_the_style_sheet_is_defined() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", read_style()))
    assert used == set(read_colors()["light"])
