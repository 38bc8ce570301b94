from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.requirements import find_requirements
from wheelaudit.project.workspace import read_member


def find(tmp_path: Path, text: str) -> list[tuple[str, str, str | None]]:
    path = tmp_path / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    found = find_requirements(read_member(path))
    return [(each.line.text, each.context.kind, each.context.name) for each in found]


def test_every_place_of_a_requirement_is_read_with_its_context(tmp_path: Path) -> None:
    assert find(
        tmp_path,
        """
        [project]
        name = "demo"
        dependencies = ["one>1"]
        [project.optional-dependencies]
        Some_Extra = ["two; python_version < '3.12'"]
        [dependency-groups]
        Test_All = ["three", { include-group = "lint" }]
        lint = ["four"]
        [tool.uv]
        dev-dependencies = ["five"]
        """,
    ) == [
        ("one>1", "always", None),
        ("two; python_version < '3.12'", "extra", "some-extra"),
        ("three", "group", "test-all"),
        # PEP 735: as if it were written there.
        ("four", "group", "test-all"),
        ("four", "group", "lint"),
        ("five", "group", "dev"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[project]\ndependencies = 'one'\n", "dependencies is not an array"),
        ("[project]\ndependencies = [1]\n", "no requirement"),
        ("[project]\ndependencies = ['one=1']\n", "not a requirement"),
        ("[project]\noptional-dependencies = []\n", "optional-dependencies is not a table"),
        ("[dependency-groups]\na = [{ include-group = 'a' }]\n", "includes itself"),
        ("[dependency-groups]\na = [{ include-group = 'b' }]\nb = [{ include-group = 'A' }]\n", "includes itself"),
        ("[dependency-groups]\na = [{ include-group = 'b' }]\n", '"b" that is not there'),
        ("[dependency-groups]\na = [{ other = 'b' }]\n", "no requirement"),
        ("[dependency-groups]\na-b = []\na_b = []\n", "there twice"),
    ],
)
def test_what_cannot_be_understood_is_told_by_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ProjectFileError, match=told) as caught:
        find(tmp_path, text)
    assert "pyproject.toml" in caught.value.message


def test_password_in_a_requirement_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError) as caught:
        find(tmp_path, "[project]\ndependencies = ['x @ https://me:s3cret@files.example/ x']\n")
    assert "s3cret" not in str(caught.value)


def test_groups_that_double_at_every_step_are_refused(tmp_path: Path) -> None:
    groups = [f"g{n} = [{{ include-group = 'g{n + 1}' }}, {{ include-group = 'g{n + 1}' }}]" for n in range(40)]
    with pytest.raises(ProjectFileError, match="more than"):
        find(tmp_path, "\n".join(["[dependency-groups]", *groups, "g40 = ['one']"]))


values = st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(values, values, values)
def test_any_values_are_requirements_or_refused(
    tmp_path_factory: pytest.TempPathFactory, dependencies: object, extras: object, groups: object
) -> None:
    import tomlkit

    path = tmp_path_factory.mktemp("any") / "pyproject.toml"
    document = {
        "project": {"dependencies": dependencies, "optional-dependencies": extras},
        "dependency-groups": groups,
    }
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    try:
        found = find_requirements(read_member(path))
    except ProjectFileError:
        return
    assert all(each.line.key.project for each in found)
