from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from wheelaudit.markers import (
    MAX_NESTING,
    VARIABLES,
    All,
    AnyOf,
    Comparison,
    Expression,
    comparisons,
    count_comparisons,
    evaluate,
    holds,
    join_all,
    join_any,
    parse_expression,
)

VALUES: dict[str, list[str]] = {
    "os_name": ["posix", "nt"],
    "sys_platform": ["linux", "darwin", "win32"],
    "platform_system": ["Linux", "Darwin", "Windows"],
    "platform_machine": ["x86_64", "aarch64", "AMD64"],
    "platform_release": ["6.8.0", "5.15.167.4-microsoft-standard", ""],
    "platform_version": ["#1 SMP", "10.0.26100"],
    "platform_python_implementation": ["CPython", "PyPy"],
    "implementation_name": ["cpython", "pypy"],
    "implementation_version": ["3.12.1", "7.3.17"],
    "python_version": ["3.9", "3.10", "3.13"],
    "python_full_version": ["3.9.0", "3.10.14", "3.13.0rc1"],
    "extra": ["", "gpu", "docs-all"],
}
VERSIONS = ("python_version", "python_full_version", "implementation_version")
LITERALS = {
    **{name: [*values, "linux2", 'a"b', ""] for name, values in VALUES.items()},
    **{name: ["3.9", "3.10", "3.10.14", "3.13", "3.9.*", "7.3", "3.13t"] for name in VERSIONS},
    "extra": ["gpu", "GPU", "docs_all", "Docs.All", "dev"],
}


@st.composite
def comparison_texts(draw: st.DrawFn) -> str:
    variable = draw(st.sampled_from([*VARIABLES, "extra"]))
    literal = draw(st.sampled_from(LITERALS[variable]))
    if '"' in literal:
        quoted = f"'{literal}'"
    else:
        quote = draw(st.sampled_from("\"'"))
        quoted = f"{quote}{literal}{quote}"
    operators = ["==", "!="]
    if variable != "extra":
        operators += ["in", "not in", "not  in"]
    if variable != "extra" and not literal.endswith(".*"):
        operators += ["<", "<=", ">", ">="]
    if variable in VERSIONS and not literal.endswith((".*", "t")):
        operators.append("~=")
    operator = draw(st.sampled_from(operators))
    space = "" if operator[0] in "<>=!~" and draw(st.booleans()) else " "
    left, right = (variable, quoted) if draw(st.booleans()) else (quoted, variable)
    return f"{left}{space}{operator}{space}{right}"


def _join(parts: list[str], word: str, bracket: bool) -> str:
    text = f" {word} ".join(parts)
    return f"({text})" if bracket else text


marker_texts = st.recursive(
    comparison_texts(),
    lambda inner: st.builds(
        _join, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["and", "or"]), st.booleans()
    ),
    max_leaves=6,
)
full_environments = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


@given(marker_texts, st.lists(full_environments, min_size=1, max_size=8))
@settings(max_examples=300)
def test_parsed_marker_holds_where_packaging_says_so(text: str, environments: list[dict[str, str]]) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        # What we refuse, packaging refuses as well: at once, or when it is evaluated.
        with pytest.raises(Exception):  # noqa: B017, PT011
            Marker(text).evaluate({**environments[0], **dict.fromkeys(VERSIONS, "0")})
        return
    written = Marker(str(expression))
    for environment in environments:
        expected = Marker(text).evaluate(dict(environment))
        assert evaluate(expression, environment) is expected
        assert written.evaluate(dict(environment)) is expected


@given(marker_texts)
def test_written_marker_parses_back_to_the_same_tree(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        return
    assert parse_expression(str(expression)) == expression


@given(marker_texts, full_environments, st.sets(st.sampled_from([*VARIABLES, "extra"])))
def test_unknown_variables_count_as_possibly_true(text: str, environment: Mapping[str, str], unknown: set[str]) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        return
    known = {name: value for name, value in environment.items() if name not in unknown}
    if evaluate(expression, environment):
        assert evaluate(expression, known)
    pinned = [each for each in comparisons(expression) if each.variable in known]
    if len(pinned) == count_comparisons(expression):
        assert evaluate(expression, known) is evaluate(expression, environment)
    if not pinned:
        assert evaluate(expression, known)


def test_marker_that_no_known_variable_rules_out_can_hold() -> None:
    expression = parse_expression('python_version < "3.4" and sys_platform == "win32"')
    assert evaluate(expression, {"sys_platform": "win32"})
    assert not evaluate(expression, {"sys_platform": "linux"})
    assert evaluate(None, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'3.8' <= python_version", 'python_version >= "3.8"'),
        ('"linux" == sys_platform', 'sys_platform == "linux"'),
        ('"linux" in sys_platform', '"linux" in sys_platform'),
        ('"3.9.*" == python_version', '"3.9.*" == python_version'),
        ('"3.13.0" > python_full_version', '"3.13.0" > python_full_version'),
        ('"5.15" != platform_release', '"5.15" != platform_release'),
        ("sys_platform   not   in 'win32 cygwin'", 'sys_platform not in "win32 cygwin"'),
        ("extra == 'Docs_All'", 'extra == "docs-all"'),
        ("'GPU' == extra", 'extra == "gpu"'),
        ("os.name=='nt'", 'os_name == "nt"'),
        ("sys_platform == 'a\"b'", "sys_platform == 'a\"b'"),
        (
            "(os_name == 'nt') and ((extra == 'a' or extra == 'b'))",
            'os_name == "nt" and (extra == "a" or extra == "b")',
        ),
        ("os_name == 'nt' and os_name == 'nt'", 'os_name == "nt"'),
        (
            "os_name == 'nt' or extra == 'a' and extra == 'b'",
            'os_name == "nt" or (extra == "a" and extra == "b")',
        ),
    ],
)
def test_marker_is_written_plainly(text: str, expected: str) -> None:
    assert str(parse_expression(text)) == expected


def _is_normal(expression: Expression) -> bool:
    match expression:
        case All(parts):
            return len(parts) > 1 and all(_is_normal(part) and not isinstance(part, All) for part in parts)
        case AnyOf(parts):
            return len(parts) > 1 and all(_is_normal(part) and not isinstance(part, AnyOf) for part in parts)
    return True


@given(marker_texts)
def test_tree_is_flat_and_repeats_no_part(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ValueError:
        return
    assert _is_normal(expression)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo",
        "linux",
        "sys_platform",
        "sys_platform ==",
        "sys_platform = 'linux'",
        "sys_platform == linux",
        "'linux' == 'linux'",
        "os_name == sys_platform",
        "sys_platform == 'linux' and",
        "(sys_platform == 'linux'",
        "sys_platform == 'linux')",
        "sys_platform == 'linux' xor os_name == 'nt'",
        "not sys_platform == 'linux'",
        "sys_platform ~= 'linux'",
        "'gpu' in extras",
        "'3.8' ~= python_version",
        "extra in 'gpu docs'",
        "'gpu' not in extra",
        "extra >= 'gpu'",
        "python_version >= '3." + "9" * 5000 + "'",
        "(" * 5000 + "os_name == 'nt'" + ")" * 5000,
    ],
)
def test_text_that_is_no_marker_of_metadata_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"marker|nested|extra|digits"):
        parse_expression(text)


def test_parentheses_are_followed_to_a_bounded_depth() -> None:
    def nest(depth: int) -> str:
        return "(os_name == 'nt' or os_name == 'x' and " * depth + "os_name == 'y'" + ")" * depth

    assert str(parse_expression(nest(MAX_NESTING)))
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_expression(nest(MAX_NESTING + 2))  # packaging drops the outermost pair


def test_comparison_that_is_undefined_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="cannot be evaluated"):
        holds(Comparison("sys_platform", "~=", "linux"), "linux")


def test_comparisons_come_in_the_order_of_the_text() -> None:
    expression = parse_expression('os_name == "a" and (extra == "b" or python_version < "3") and os_name == "c"')
    assert [each.value for each in comparisons(expression)] == ["a", "b", "3", "c"]
    assert count_comparisons(expression) == 4
    assert count_comparisons(None) == 0
    assert list(comparisons(None)) == []


A, B, C = (Comparison("os_name", "==", value) for value in "abc")


def test_join_all_flattens_and_drops_what_always_holds_and_repeats() -> None:
    assert join_all() is None
    assert join_all(None, None) is None
    assert join_all(None, A) == A
    assert join_all(A, A) == A
    assert join_all(All((A, B)), None, All((B, C))) == All((A, B, C))
    assert join_all(AnyOf((A, B)), C) == All((AnyOf((A, B)), C))


def test_join_any_flattens_and_always_holds_with_a_part_that_does() -> None:
    assert join_any(A, None) is None
    assert join_any(A, A) == A
    assert join_any(AnyOf((A, B)), AnyOf((B, C))) == AnyOf((A, B, C))
    assert join_any(All((A, B)), C) == AnyOf((All((A, B)), C))
    with pytest.raises(ValueError, match="empty 'or'"):
        join_any()


def test_backslash_is_no_marker() -> None:
    # `packaging` would read it as Python does: "nt".
    with pytest.raises(ValueError, match="backslash"):
        parse_expression(r"os_name == 'n\x74'")
