from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.index.locations import IndexLocation
from wheelaudit.project.indexes import ProjectIndex, add_credentials, parse_indexes, parse_variable

PATH = Path("pyproject.toml")


def test_all_settings_of_an_index_are_read() -> None:
    settled = parse_indexes(
        {
            "index": [
                {
                    "name": "a",
                    "url": "https://a.example/simple/",
                    "explicit": True,
                    "format": "flat",
                    "authenticate": "always",
                    "ignore-error-codes": [403],
                },
                {"url": "https://b.example", "default": True},
                {"name": "c", "url": "https://c.example"},
            ],
            "index-url": "https://older.example",
            "extra-index-url": ["https://extra.example"],
        },
        PATH,
        environ={},
    )
    first, second, third = settled.tables
    assert first == ProjectIndex(
        location=IndexLocation(name="a", url="https://a.example/simple"),
        name="a",
        explicit=True,
        format="flat",
        authenticate="always",
        ignore_error_codes=frozenset({403}),
    )
    assert settled.default == second.location
    assert settled.index_url == IndexLocation(name="https://older.example", url="https://older.example")
    assert [index.location.url for index in settled.implicit] == [third.location.url, "https://extra.example"]


def test_variable_holds_several_with_and_without_names(tmp_path: Path) -> None:
    found = parse_variable(
        "UV_INDEX", environ={"UV_INDEX": " a=https://a.example/x?  wheels \n", "UV_INDEX_A_PASSWORD": "p"}, cwd=tmp_path
    )
    assert [(index.name, index.location.url, index.location.password) for index in found] == [
        ("a", "https://a.example/x", "p"),
        (None, (tmp_path / "wheels").as_uri(), None),
    ]


def test_older_variables_know_no_names(tmp_path: Path) -> None:
    (index,) = parse_variable("UV_INDEX_URL", environ={"UV_INDEX_URL": "a=b"}, cwd=tmp_path)
    assert (index.name, index.location.url) == (None, (tmp_path / "a=b").as_uri())


@pytest.mark.parametrize(
    ("name", "variable"), [("a", "A"), ("pytorch-cu126", "PYTORCH_CU126"), ("my.Own_x1", "MY_OWN_X1")]
)
def test_variable_of_credentials_is_the_name_in_capitals(name: str, variable: str) -> None:
    location = IndexLocation(name=name, url="https://a.example")
    environ = {f"UV_INDEX_{variable}_USERNAME": "u", f"UV_INDEX_{variable}_PASSWORD": "p"}
    found = add_credentials(location, name, environ)
    assert (found.username, found.password) == ("u", "p")
    assert found.variables == f"UV_INDEX_{variable}"
    assert add_credentials(location, "other", environ) == location


def test_variable_completes_what_the_address_has() -> None:
    location = IndexLocation(name="a", url="https://a.example", username="u", password="old")
    found = add_credentials(location, "a", {"UV_INDEX_A_PASSWORD": "new"})
    assert (found.username, found.password) == ("u", "new")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"index": {}}, "index is not an array"),
        ({"index": [1]}, "without a url"),
        ({"index": [{"url": "https://a.example", "name": 1}]}, "index.name"),
        ({"index": [{"url": "https://a.example", "format": 1}]}, "index.format"),
        ({"index": [{"url": "https://a.example", "ignore-error-codes": 1}]}, "ignore-error-codes"),
        ({"index-url": []}, "index-url"),
        ({"extra-index-url": "https://a.example"}, "extra-index-url"),
    ],
)
def test_setting_of_a_wrong_kind_is_told_by_name(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ProjectFileError, match=told):
        parse_indexes(settings, PATH, environ={})


@given(st.text(max_size=40))
def test_any_variable_is_indexes_or_refused_by_its_name(text: str) -> None:
    refused: UsageError | None = None
    try:
        found = parse_variable("UV_INDEX", environ={"UV_INDEX": text}, cwd=Path("/work"))
    except UsageError as error:
        refused, found = error, ()
    assert len(found) == len(text.split()) if refused is None else "UV_INDEX" in refused.message


@pytest.mark.parametrize(
    ("line", "always"), [('authenticate = "always"', True), ('authenticate = "auto"', False), ("", False)]
)
def test_index_that_is_never_asked_without_credentials_is_told(line: str, always: bool) -> None:
    table = tomllib.loads(f'[[index]]\nname = "corp"\nurl = "https://index.example"\n{line}\n')
    (index,) = parse_indexes(table, Path("uv.toml"), environ={}).tables
    assert index.location.always is always
    assert index.location.variables == "UV_INDEX_CORP"
