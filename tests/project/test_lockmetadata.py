"""What the projects of a lock ask for in their own words, and the extras that its arrows leave out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Dependency, LockedPackage
from wheelaudit.markers import evaluate, parse_expression
from wheelaudit.project import lockmetadata
from wheelaudit.project.lockfile import parse_lock
from wheelaudit.project.lockmetadata import settle_extra

Entry = Mapping[str, object]
HEAD = 'version = 1\n[[package]]\nname = "asker"\nversion = "1"\nsource = { virtual = "." }\n'


def parse(text: str, manifest: str = "") -> LockedPackage:
    (package,) = parse_lock(HEAD.replace("[[", f"{manifest}\n[[", 1) + text).packages
    return package


def show(arrows: Iterable[Dependency] | None) -> list[str]:
    return [
        f"{each.project}{each.version or ''}[{','.join(each.extras)}]" + (f"; {each.marker}" if each.marker else "")
        for each in arrows or ()
    ]


def test_arrow_without_an_extra_that_is_asked_for_gets_one_with_it() -> None:
    package = parse("""\
dependencies = [{ name = "torch" }]
[package.metadata]
requires-dist = [{ name = "Torch", extras = ["Opt_X"], specifier = ">=2" }]
""")
    assert show(package.dependencies) == ["torch[]", "torch[opt-x]"]


def test_only_what_is_lacking_is_added() -> None:
    package = parse("""\
dependencies = [{ name = "a", extra = ["x"], marker = "os_name == 'nt'" }, { name = "a", marker = "os_name != 'nt'" }]
[package.metadata]
requires-dist = [
    { name = "a", extras = ["x", "y"], marker = "os_name == 'nt'" },
    { name = "a", extras = ["x"], marker = "os_name != 'nt'" },
    { name = "b", extras = ["x"] },
    { name = "a" },
]
""")
    assert show(package.dependencies)[2:] == ['a[y]; (os_name == "nt" or os_name != "nt") and os_name == "nt"']


def test_each_fork_gets_its_own() -> None:
    package = parse("""\
dependencies = [
    { name = "a", version = "1", source = { registry = "https://index.example" }, marker = "os_name == 'nt'" },
    { name = "a", version = "2", source = { registry = "https://index.example" }, extra = ["x"] },
]
[package.metadata]
requires-dist = [{ name = "a", extras = ["x"] }]
""")
    assert show(package.dependencies)[2:] == ['a1[x]; os_name == "nt"']
    assert (package.dependencies or ())[2].registry == "https://index.example"


def test_extras_and_groups_of_the_project_each_get_theirs() -> None:
    package = parse("""\
dependencies = [{ name = "a" }]
[package.optional-dependencies]
k = [{ name = "a" }]
other = [{ name = "a" }]
[package.dev-dependencies]
dev = [{ name = "a" }]
[package.metadata]
requires-dist = [
    { name = "a" },
    { name = "a", extras = ["x"], marker = "os_name == 'nt' and extra == 'K'" },
]
[package.metadata.requires-dev]
Dev = [{ name = "a", extras = ["y"], marker = "os_name == 'posix'" }]
unlocked = [{ name = "a", extras = ["z"] }]
""")
    assert show(package.dependencies) == ["a[]"]
    found = {name: show(arrows)[1:] for name, arrows in (*package.optional.items(), *package.groups.items())}
    assert found == {"k": ['a[x]; os_name == "nt"'], "other": [], "dev": ['a[y]; os_name == "posix"']}


def test_extra_of_the_project_brings_what_the_extras_that_it_asks_for_bring() -> None:
    package = parse("""\
[package.optional-dependencies]
all = [{ name = "a" }]
gpu = [{ name = "a" }]
[package.metadata]
requires-dist = [
    { name = "asker", extras = ["gpu"], marker = "os_name == 'nt' and extra == 'all'" },
    { name = "asker", extras = ["all"], marker = "extra == 'gpu'" },
    { name = "a", extras = ["x"], marker = "extra == 'gpu'" },
]
""")
    found = {name: show(arrows)[1:] for name, arrows in package.optional.items()}
    assert found == {"all": ['a[x]; os_name == "nt"'], "gpu": ["a[x]", 'a[x]; os_name == "nt"']}


def test_project_that_the_user_overrides_lacks_nothing() -> None:
    text = 'dependencies = [{ name = "a" }]\nmetadata = { requires-dist = [{ name = "a", extras = ["x"] }] }\n'
    assert show(parse(text).dependencies) == ["a[]", "a[x]"]
    assert show(parse(text, "manifest.overrides = [{ name = 'a' }]").dependencies) == ["a[]"]


def test_release_of_an_index_has_no_metadata_and_gets_nothing() -> None:
    assert show(parse('dependencies = [{ name = "a" }]').dependencies) == ["a[]"]


@pytest.mark.parametrize(
    ("marker", "extra", "rest"),
    [
        ("extra == 'a'", "a", True),
        ("extra == 'A_b'", "a-b", True),
        ("extra == 'a'", None, False),
        ("extra != 'a'", None, True),
        ("extra == 'a' and extra == 'b'", "a", False),
        ("extra == 'a' or extra == 'b'", "b", True),
        ("extra == 'a' and os_name == 'nt'", "a", 'os_name == "nt"'),
        ("extra == 'a' or os_name == 'nt'", None, 'os_name == "nt"'),
        ("(extra == 'a' or extra == 'b') and os_name == 'nt'", "c", False),
    ],
)
def test_marker_is_settled_for_one_extra(marker: str, extra: str | None, rest: str | bool) -> None:
    found = settle_extra(parse_expression(marker), None if extra is None else canonicalize_name(extra))
    assert (found if isinstance(found, bool) else str(found)) == rest


DOUBLING = "\n".join(
    f"{{ name = 'asker', extras = ['e{number + 1}'], marker = \"os_name {op} '{number}' and extra == 'e{number}'\" }},"
    for number in range(30)
    for op in ("==", "!=")
)
"""Extras that ask for the next one in two ways: 2^30 of them."""


def test_metadata_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockmetadata, "MAX_STEPS", 10_000)
    with pytest.raises(ProjectFileError, match=r"^uv\.lock: metadata of the package asker 1 .*too much") as caught:
        parse(f'optional-dependencies = {{ e0 = [{{ name = "a" }}] }}\nmetadata.requires-dist = [{DOUBLING}]\n')
    assert caught.value.remedy == "Make it anew with `uv lock`."


def test_marker_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockmetadata, "MAX_STEPS", 1000)
    marker = " or ".join(f"extra == 'e{number}'" for number in range(100))
    with pytest.raises(ProjectFileError, match="too much"):
        parse(f'metadata.requires-dist = [{{ name = "a", extras = ["x"], marker = "{marker}" }}]\n')


def test_arrows_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockmetadata, "MAX_STEPS", 50)
    arrows = ", ".join(f'{{ name = "a", version = "{number}" }}' for number in range(10))
    wishes = ", ".join(f'{{ name = "a", extras = ["x{number}"] }}' for number in range(10))
    with pytest.raises(ProjectFileError, match="too much"):
        parse(f"dependencies = [{arrows}]\nmetadata.requires-dist = [{wishes}]\n")


# --- as uv leaves it out ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Line:
    """A requirement of a project, and where it stands."""

    project: str
    extras: tuple[str, ...]
    system: str | None
    """Where it holds; None: everywhere."""
    table: str
    """``""``, or the project's extra that brings it."""


SYSTEMS = ("linux", "win32")
EXTRAS = ("x", "y", "z")
TABLES = ("", "k", "all")
texts = st.sampled_from
lines = st.lists(
    st.builds(
        Line,
        project=texts(["a", "b"]),
        extras=st.lists(texts(EXTRAS), unique=True, max_size=3).map(tuple),
        system=st.none() | texts(SYSTEMS),
        table=texts(TABLES[:2]),
    ),
    max_size=5,
)


def build_entry(line: Line, key: str, extras: Sequence[str], *, own: bool) -> Entry:
    parts = [f"sys_platform == '{line.system}'"] if line.system else []
    parts += [f"extra == '{line.table}'"] if own and line.table else []
    return {"name": line.project, key: list(extras), **({"marker": " and ".join(parts)} if parts else {})}


def render(entries: Iterable[Entry]) -> str:
    rows = (
        "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in entry.items()) + " }" for entry in entries
    )
    return f"[{', '.join(rows)}]"


@given(lines, st.dictionaries(texts(["a", "b"]), st.sets(texts(EXTRAS))), st.booleans())
def test_all_that_is_asked_for_has_an_arrow_whatever_uv_leaves_out(
    asked: list[Line], known: Mapping[str, set[str]], following: bool
) -> None:
    own = [build_entry(line, "extras", line.extras, own=True) for line in asked]
    own += [{"name": "asker", "extras": ["k"], "marker": "extra == 'all'"}] if following else []
    tables = {
        table: [line for line in asked if line.table == table or (following and (table, line.table) == ("all", "k"))]
        for table in TABLES
    }
    rows = {
        table: render(
            build_entry(line, "extra", [each for each in line.extras if each in known.get(line.project, ())], own=False)
            for line in own_lines
        )
        for table, own_lines in tables.items()
    }
    package = parse(
        f"dependencies = {rows['']}\noptional-dependencies = {{ k = {rows['k']}, all = {rows['all']} }}\n"
        f"metadata.requires-dist = {render(own)}\n"
    )
    for table, own_lines in tables.items():
        arrows = (package.optional[canonicalize_name(table)] if table else package.dependencies) or ()
        for system in SYSTEMS:
            expected = {
                (line.project, extra) for line in own_lines if line.system in (None, system) for extra in line.extras
            }
            there = [arrow for arrow in arrows if evaluate(arrow.marker, {"sys_platform": system})]
            assert {(arrow.project, extra) for arrow in there for extra in arrow.extras} == expected
            for arrow in arrows[len(own_lines) :]:
                assert not known.get(arrow.project, set()) & set(arrow.extras)
