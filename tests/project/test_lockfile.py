from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.lockfile import LockedRelease, find_locked, find_overridden

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "demo"
version = "1"
source = { virtual = "." }

[[package]]
name = "torch"
version = "2.6.0"
source = { registry = "https://index.example/whl/cpu" }

[[package]]
name = "torch"
version = "2.6.0+cpu"
source = { registry = "https://index.example/whl/cpu" }

[[package]]
name = "own"
source = { editable = "own" }

[[package]]
name = "fork"
version = "1"
source = { git = "https://git.example/fork?rev=main#0123" }

[[package]]
name = "here"
version = "1.0"
source = { registry = "../wheels" }
"""


def test_releases_of_indexes_are_found_in_the_locks_order() -> None:
    torch = canonicalize_name("torch")
    assert find_locked(LOCK) == (
        LockedRelease(project=torch, version=Version("2.6.0"), registry="https://index.example/whl/cpu"),
        LockedRelease(project=torch, version=Version("2.6.0+cpu"), registry="https://index.example/whl/cpu"),
        LockedRelease(project=canonicalize_name("here"), version=Version("1.0"), registry="../wheels"),
    )


def test_lock_without_packages_locks_nothing() -> None:
    assert find_locked("version = 1\n") == ()


@pytest.mark.parametrize("text", ["", "version = 2\n", "version = true\n", 'version = "1"\n'])
def test_other_version_of_the_format_is_refused(text: str) -> None:
    with pytest.raises(ProjectFileError, match="version 1") as caught:
        find_locked(text, file="some/uv.lock")
    assert "some/uv.lock" in caught.value.message
    assert caught.value.remedy is not None


@pytest.mark.parametrize(
    "package",
    [
        'name = "x"\nsource = { registry = "https://index.example" }',
        'version = "1"\nsource = { registry = "https://index.example" }',
        'name = "x"\nversion = "one"\nsource = { registry = "https://index.example" }',
        'name = "x"\nversion = "1"\nsource = { registry = 1 }',
    ],
)
def test_package_that_is_not_understood_is_never_passed_over(package: str) -> None:
    with pytest.raises(ProjectFileError, match="cannot be understood"):
        find_locked(f"version = 1\n[[package]]\n{package}\n")


def test_packages_that_are_no_array_are_refused() -> None:
    with pytest.raises(ProjectFileError, match="cannot be understood"):
        find_locked("version = 1\npackage = 1\n")


@given(st.text() | st.text().map(lambda text: f"version = 1\n{text}"))
def test_any_text_is_a_lock_or_refused(text: str) -> None:
    try:
        found = find_locked(text)
    except ProjectFileError:
        return
    assert all(isinstance(each, LockedRelease) for each in found)


def test_overrides_that_a_lock_was_made_with() -> None:
    text = """\
version = 1

[[manifest.dependency-metadata]]
name = "other"
requires-dist = ["a"]

[[manifest.dependency-metadata]]
name = "torch-x"
version = "2.6+cu126"
"""
    assert find_overridden(text) == {("other", None), ("torch-x", Version("2.6+cu126"))}
    assert find_overridden("version = 1") == frozenset()


@pytest.mark.parametrize("entry", ['version = "1"', "name = 1", 'name = "a"\nversion = "x"'])
def test_override_that_cannot_be_understood_is_refused(entry: str) -> None:
    with pytest.raises(ProjectFileError, match="cannot be understood"):
        find_overridden(f"version = 1\n[[manifest.dependency-metadata]]\n{entry}")
