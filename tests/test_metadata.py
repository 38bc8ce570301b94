from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from wheelaudit.errors import InvalidMetadataError
from wheelaudit.metadata import CoreMetadata, parse_metadata, parse_requirement_line, parse_requires_python

HEAD = b"Metadata-Version: 2.1\nName: Thing\nVersion: 1.0\n"


def texts(core: CoreMetadata) -> list[str]:
    return [line.text for line in core.requires_dist]


def test_fields_are_read() -> None:
    core = parse_metadata(
        HEAD + b"Requires-Python: >=3.9\nProvides-Extra: gpu\nRequires-Dist: numpy>=1\n"
        b"Requires-Dist: cupy; extra == 'gpu'\n\nThe description.\n"
    )
    assert (core.name, core.version, core.requires_python) == ("Thing", "1.0", ">=3.9")
    assert core.python_specifier == SpecifierSet(">=3.9")
    assert texts(core) == ["numpy>=1", "cupy; extra == 'gpu'"]
    assert core.provides_extra == ("gpu",)
    assert core.unparsed == ()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_every_system_mean_the_same(end: bytes) -> None:
    data = HEAD + b"Requires-Dist: numpy\nRequires-Dist: scipy\n\nRequires-Dist: described\n"
    assert parse_metadata(data.replace(b"\n", end)) == parse_metadata(data)


def test_body_asks_for_nothing() -> None:
    data = HEAD + b"Requires-Dist: numpy\n\nRequires-Dist: described\nRequires-Python: >=99\nProvides-Extra: body\n"
    core = parse_metadata(data)
    assert texts(core) == ["numpy"]
    assert core.requires_python is None
    assert core.provides_extra == ()


def test_last_header_counts_without_a_line_end() -> None:
    assert texts(parse_metadata(HEAD + b"Requires-Dist: numpy")) == ["numpy"]


def test_folded_header_is_one_line() -> None:
    core = parse_metadata(
        HEAD + b"Requires-Dist: numpy>=1;\n        sys_platform ==\n\t'linux'\nRequires-Dist: scipy\n"
    )
    assert texts(core) == ["numpy>=1; sys_platform == 'linux'", "scipy"]


def test_header_names_are_read_in_any_case() -> None:
    core = parse_metadata(b"name: thing\nVERSION: 1\nrequires-dist: numpy\nREQUIRES-PYTHON: >=3\n")
    assert (core.name, core.version, core.requires_python, texts(core)) == ("thing", "1", ">=3", ["numpy"])


def test_byte_order_mark_is_passed_over() -> None:
    assert parse_metadata(b"\xef\xbb\xbf" + HEAD).name == "Thing"


def test_line_ends_before_the_first_header_are_passed_over() -> None:
    assert parse_metadata(b"\r\n\n" + HEAD).name == "Thing"


def test_utf8_and_latin1_headers_hide_no_requirement() -> None:
    for author in ("Zoë".encode(), "Zoë".encode("latin-1")):
        core = parse_metadata(HEAD + b"Author: " + author + b"\nRequires-Dist: numpy\n")
        assert texts(core) == ["numpy"]


def test_body_that_is_no_text_does_not_matter() -> None:
    assert texts(parse_metadata(HEAD + b"Requires-Dist: numpy\n\n\xff\xfe\0binary")) == ["numpy"]


def test_other_line_separators_end_no_header() -> None:
    # str.splitlines would: a hostile Summary must not bring requirements.
    core = parse_metadata(HEAD + "Summary: a\x0bRequires-Dist: b\x85Requires-Dist: c\u2028Requires-Dist: d\n".encode())
    assert texts(core) == []


def test_line_that_is_no_header_ends_the_headers_as_for_pip_and_uv() -> None:
    core = parse_metadata(HEAD + b"Requires-Dist: numpy\nCopyright by somebody\nRequires-Dist: scipy\n")
    assert texts(core) == ["numpy"]


def test_repeated_requirements_are_kept_and_repeated_extras_are_not() -> None:
    core = parse_metadata(HEAD + b"Requires-Dist: triton\n" * 3 + b"Provides-Extra: a_b\nProvides-Extra: A.B\n")
    assert texts(core) == ["triton"] * 3
    assert core.provides_extra == ("a-b",)


def test_extras_are_normalised_wherever_they_stand() -> None:
    core = parse_metadata(
        HEAD + b"Provides-Extra: Docs_All\nRequires-Dist: foo[B_b,a]; extra == 'Docs.All'\nProvides-Extra:\n"
    )
    assert core.provides_extra == ("docs-all",)
    (line,) = core.requires_dist
    assert line.key.extras == ("a", "b-b")
    assert str(line.marker) == 'extra == "docs-all"'


@pytest.mark.parametrize(
    "text",
    [
        "foo bar",
        "foo>=",
        "foo; nonsense",
        "foo (>=1.0",
        "",
        "foo; sys_platform ~= 'linux'",
        "foo; 'x' in extras",
        "foo; extra in 'x y'",
        "foo==" + "9" * 5000,
        "foo; " + "(" * 4000 + "os_name == 'nt'" + ")" * 4000,
        "foo; " + "(os_name == 'nt' or os_name == 'x' and " * 90 + "os_name == 'y'" + ")" * 90,
    ],
)
def test_requirement_that_is_not_pep_508_is_kept_as_unparsed(text: str) -> None:
    core = parse_metadata(HEAD + f"Requires-Dist: numpy\nRequires-Dist: {text}\n".encode())
    assert core.unparsed == (text,)
    assert texts(core) == ["numpy"]


def test_nul_bytes_in_the_headers_are_no_text() -> None:
    with pytest.raises(InvalidMetadataError, match="not text"):
        parse_metadata(HEAD + b"Requires-Dist: nu\0mpy\n")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "Name"),
        (b"\n\n\n", "Name"),
        (b"<html><body>Not found</body></html>", "Name"),
        (b"PK\x03\x04\x14", "Name"),
        (b"Version: 1.0\n", "Name"),
        (b"Name:  \nVersion: 1.0\n", "Name"),
        (b"Name: thing\n\nVersion: 1.0\n", "Version"),
    ],
)
def test_metadata_without_name_or_version_is_refused(data: bytes, field: str) -> None:
    with pytest.raises(InvalidMetadataError, match=f"no {field} field"):
        parse_metadata(data)


@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(HEAD.__add__),
        st.text(max_size=100).map(lambda text: HEAD + b"Requires-Dist: " + text.encode() + b"\nRequires-Python: >=3\n"),
        st.text(alphabet="foo<>=!~;()[]@,.*'\" 12", max_size=60).map(
            lambda text: HEAD + f"Requires-Dist: {text}\nRequires-Python: {text}\nProvides-Extra: {text}\n".encode()
        ),
    )
)
def test_any_bytes_are_metadata_or_refused(data: bytes) -> None:
    try:
        core = parse_metadata(data)
    except InvalidMetadataError:
        return
    # What was parsed can be used: nothing is left to fail later.
    hash((core.requires_dist, core.python_specifier, core.provides_extra))
    assert core.name
    assert core.version
    assert all(parse_requirement_line(line.text) == line for line in core.requires_dist)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("foo (==1.0)", "foo==1.0"),
        ("foo==1.0", "foo==1.0.0"),
        ("ml_dtypes>=0.3", "ML-Dtypes >=0.3"),
        ("foo>=1,<2", "foo<2,>=1"),
        ("foo[a,b]", "foo[B,A]"),
        ("foo; sys_platform == 'linux'", 'foo ;  "linux" == sys_platform'),
        ("foo; (python_version < '3.9')", "foo; '3.9' > python_version"),
    ],
)
def test_spelling_makes_no_other_requirement(one: str, other: str) -> None:
    first, second = parse_requirement_line(one), parse_requirement_line(other)
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [("foo==1.0", "foo==1.1"), ("foo", "foo[a]"), ("foo", "bar"), ("foo", "foo @ https://files.example/foo.zip")],
)
def test_other_names_extras_versions_and_urls_are_other_requirements(one: str, other: str) -> None:
    assert parse_requirement_line(one).key != parse_requirement_line(other).key


def test_requirement_is_written_without_its_marker() -> None:
    assert parse_requirement_line("absl-py (>=1.0.0) ; sys_platform == 'win32'").bare == "absl-py>=1.0.0"
    url = "foo[b,a] @ https://files.example/foo-1.0.zip ; sys_platform == 'win32'"
    assert parse_requirement_line(url).bare == "foo[a,b] @ https://files.example/foo-1.0.zip"


@pytest.mark.parametrize("text", [None, "", "three", ">=3.x", ">=3.9 or so", "===foo", "==3." + "9" * 5000])
def test_requires_python_that_is_no_specifier_is_none(text: str | None) -> None:
    assert parse_requires_python(text) is None


def test_requires_python_wildcards_and_exclusions_are_specifiers() -> None:
    text = ">=2.7,!=3.0.*,!=3.1.*,<4"
    assert parse_requires_python(text) == SpecifierSet(text)


def test_spelling_of_a_requirement_is_its_own_whatever_was_parsed_before() -> None:
    before = parse_requirement_line("spelled-one-way>=1.0.0")
    after = parse_requirement_line("spelled-one-way>=1.0")
    assert before.key == after.key
    assert (before.bare, after.bare) == ("spelled-one-way>=1.0.0", "spelled-one-way>=1.0")


@pytest.mark.parametrize("text", ["foo_", "foo-bar_; os_name == 'nt'", "foo[b_]", "foo[b_]>=1"])
def test_name_that_ends_in_an_underscore_is_no_requirement(text: str) -> None:
    # `packaging` takes it; normalised it would end in a dash, and be a requirement for nobody, uv among them.
    with pytest.raises(ValueError, match="is invalid"):
        parse_requirement_line(text)


def test_backslash_in_a_marker_is_no_requirement() -> None:
    with pytest.raises(ValueError, match="backslash"):
        parse_requirement_line(r"foo; os_name == 'n\x74'")


def test_extra_that_nobody_can_ask_for_is_passed_over() -> None:
    data = b"Name: a\nVersion: 1\nProvides-Extra: a b\nProvides-Extra: Ok_x\nProvides-Extra: c_\nProvides-Extra: -\n"
    assert parse_metadata(data).provides_extra == ("ok-x",)
