from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.project.drawn_locks import build_uv_document, find_places, junk, render_toml, replace_at, uv_locks
from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Dependency, Lock, LockedPackage, LockedWheel
from wheelaudit.markers import parse_expression
from wheelaudit.project.lockfile import LockedRelease, find_locked, find_overridden, parse_lock

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
        found, lock = find_locked(text), parse_lock(text)
    except ProjectFileError:
        return
    assert all(isinstance(each, LockedRelease) for each in found)
    assert isinstance(lock, Lock)


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


FULL = """\
version = 1
revision = 3
requires-python = ">=3.10, <3.14"
resolution-markers = ["sys_platform == 'darwin'", "sys_platform != 'darwin'"]
supported-markers = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
conflicts = [[
    { package = "Demo", extra = "cpu" },
    { package = "demo", group = "dev_tools" },
], [
    { package = "demo" },
    { package = "other", extra = "x" },
]]

[options]
index-strategy = "unsafe-best-match"

[manifest]
members = ["demo", "other"]
constraints = [{ name = "ignored", specifier = "<2" }]
overrides = [{ name = "e", marker = "sys_platform != 'win32'", specifier = "==1.0" }]
excludes = ["gone"]

[[manifest.dependency-metadata]]
name = "torch"
version = "2.6.0+cu126"

[[package]]
name = "demo"
source = { editable = "." }
dependencies = [
    { name = "torch", version = "2.6.0+cu126", source = { registry = "https://index.example/cu126" }, extra = ["a_b"], \
marker = "sys_platform == 'linux' and extra == 'extra-4-demo-cpu'" },
    { name = "other" },
]

[package.optional-dependencies]
cpu = [{ name = "e" }]

[package.dev-dependencies]
dev_tools = [{ name = "e", marker = "python_full_version < '3.12'" }]

[package.metadata]
requires-dist = [{ name = "torch" }]

[[package]]
name = "torch"
version = "2.6.0+cu126"
source = { registry = "https://index.example/cu126" }
resolution-markers = ["sys_platform == 'linux'"]
sdist = { url = "https://files.example/torch.tar.gz", hash = "sha256:00" }
wheels = [
    { url = "https://files.example/torch-2.6.0%2Bcu126-cp310-cp310-linux_aarch64.whl", hash = "sha256:HASH", size = 1 },
    { path = "sub/torch-2.6.0+cu126-cp311-cp311-linux_aarch64.whl", hash = "md5:00" },
    { filename = "torch-2.6.0+cu126-cp312-cp312-linux_aarch64.whl" },
]
""".replace("HASH", "AB" * 32)


def package_of(source: str, manifest: str = "") -> LockedPackage:
    text = f'version = 1\n{manifest}\n[[package]]\nname = "x"\nversion = "1"\nsource = {source}\n'
    (package,) = parse_lock(text).packages
    return package


def test_lock_says_for_whom_and_under_which_rules_it_was_made() -> None:
    lock = parse_lock(FULL)
    assert lock.kind == "uv.lock"
    assert lock.requires_python == SpecifierSet(">=3.10,<3.14")
    assert list(map(str, lock.environments)) == ['sys_platform == "linux"', 'sys_platform == "darwin"']
    assert [[choice.text for choice in conflict] for conflict in lock.conflicts] == [
        ["extra-4-demo-cpu", "group-4-demo-dev-tools"],
        ["project-4-demo", "extra-5-other-x"],
    ]
    assert (set(lock.overrides), set(lock.excludes)) == ({"e"}, {"gone"})
    assert lock.overridden == {("torch", Version("2.6.0+cu126"))}
    assert lock.roots == ()


def test_package_says_what_it_brings_without_and_with_each_extra_and_group() -> None:
    demo, _ = parse_lock(FULL).packages
    assert (demo.project, demo.version, demo.origin, demo.registry) == ("demo", None, "project", None)
    e = canonicalize_name("e")
    assert demo.dependencies == (
        Dependency(
            project=canonicalize_name("torch"),
            version=Version("2.6.0+cu126"),
            registry="https://index.example/cu126",
            extras=(canonicalize_name("a-b"),),
            marker=parse_expression("sys_platform == 'linux' and extra == 'extra-4-demo-cpu'"),
        ),
        Dependency(project=canonicalize_name("other")),
    )
    assert demo.optional == {"cpu": (Dependency(project=e),)}
    assert demo.groups == {
        "dev-tools": (Dependency(project=e, marker=parse_expression("python_full_version < '3.12'")),)
    }


def test_wheels_are_named_by_url_by_path_or_by_name_alone() -> None:
    _, torch = parse_lock(FULL).packages
    assert (torch.has_sdist, torch.where) == (True, (parse_expression("sys_platform == 'linux'"),))
    stem = "torch-2.6.0+cu126"
    assert torch.wheels == (
        LockedWheel(
            filename=f"{stem}-cp310-cp310-linux_aarch64.whl",
            url="https://files.example/torch-2.6.0%2Bcu126-cp310-cp310-linux_aarch64.whl",
            sha256="ab" * 32,
        ),
        LockedWheel(
            filename=f"{stem}-cp311-cp311-linux_aarch64.whl",
            url=f"sub/{stem}-cp311-cp311-linux_aarch64.whl",
            sha256=None,
        ),
        LockedWheel(filename=f"{stem}-cp312-cp312-linux_aarch64.whl", url=None, sha256=None),
    )


@pytest.mark.parametrize(
    ("source", "manifest", "origin"),
    [
        ('{ registry = "https://index.example" }', "", "index"),
        ('{ registry = "../wheels" }', "", "index"),
        ('{ virtual = "." }', "", "project"),
        ('{ editable = "." }', "", "project"),
        ('{ directory = "below" }', "", "path"),
        ('{ editable = "below" }', "", "path"),
        ('{ editable = "below" }', 'manifest.members = ["x", "y"]', "project"),
        ('{ directory = "below" }', 'manifest.members = ["X"]', "project"),
        ('{ virtual = "." }', 'manifest.members = ["y"]', "path"),
        # A script's own folder is no project of its lock.
        ('{ editable = "." }', 'manifest.requirements = [{ name = "x" }]', "path"),
        ('{ path = "x-1-py3-none-any.whl" }', 'manifest.members = ["x"]', "path"),
        ('{ url = "https://files.example/x.tar.gz", subdirectory = "sub" }', "", "url"),
        ('{ git = "https://git.example/x?rev=main#0123" }', "", "git"),
    ],
)
def test_origin_of_a_package_is_its_source(source: str, manifest: str, origin: str) -> None:
    package = package_of(source, manifest)
    assert package.origin == origin
    assert (package.registry is None) is (origin != "index")


def test_credentials_of_an_edited_lock_are_dropped() -> None:
    text = """\
version = 1
[[package]]
name = "x"
version = "1"
source = { registry = "https://user:secret@index.example/simple" }
wheels = [{ url = "https://user:secret@files.example/x-1-py3-none-any.whl#sha256=00" }]
dependencies = [{ name = "y", source = { registry = "https://secret@index.example/simple" } }]
"""
    lock = parse_lock(text)
    assert "secret" not in repr(lock)
    assert lock.packages[0].registry == "https://index.example/simple"
    assert lock.packages[0].wheels[0].url == "https://files.example/x-1-py3-none-any.whl"
    assert find_locked(text)[0].registry == "https://index.example/simple"


def test_roots_are_what_a_script_or_groups_without_a_project_ask_for() -> None:
    text = """\
version = 1
[manifest]
requirements = [{ name = "a", extras = ["x"], marker = "sys_platform == 'linux'", specifier = "==1" }]
[manifest.dependency-groups]
dev = [{ name = "b", specifier = "==1" }]
"""
    assert parse_lock(text).roots == (
        Dependency(
            project=canonicalize_name("a"),
            extras=(canonicalize_name("x"),),
            marker=parse_expression("sys_platform == 'linux'"),
        ),
        Dependency(project=canonicalize_name("b")),
    )


def test_root_that_is_overridden_is_asked_for_as_the_user_says() -> None:
    text = """\
version = 1
[manifest]
requirements = [{ name = "a", extras = ["x"] }, { name = "b", extras = ["x"] }]
overrides = [{ name = "a", specifier = "==1" }]
"""
    x = canonicalize_name("x")
    assert [(root.project, root.extras) for root in parse_lock(text).roots or ()] == [("a", ()), ("b", (x,))]


def test_package_says_on_which_line_it_begins() -> None:
    lines = FULL.split("\n")
    found = [package.line for package in parse_lock(FULL).packages]
    assert found == [number for number, line in enumerate(lines, start=1) if line == "[[package]]"]
    assert [
        package.line
        for package in parse_lock(
            'version = 1\npackage = [{ name = "a", version = "1", \
source = { virtual = "." } }]'
        ).packages
    ] == [None]


def test_rules_for_one_package_alone_name_what_they_give_and_take() -> None:
    text = """\
version = 1
[manifest]
overrides = [{ package = { name = "a", version = "1" }, dependencies = [{ name = "b", specifier = ">1" }] }]
excludes = [{ package = { name = "a" }, dependencies = ["c"] }, "d"]
"""
    lock = parse_lock(text)
    assert (set(lock.overrides), set(lock.excludes)) == ({"b"}, {"c", "d"})


def test_packages_under_their_oldest_name_are_read() -> None:
    text = LOCK.replace("[[package]]", "[[distribution]]")
    assert parse_lock(text) == parse_lock(LOCK)
    assert find_locked(text) == find_locked(LOCK)


BROKEN = [
    ("requires-python = '3'", "requires-python of the lock"),
    ("supported-markers = ['linux']", "supported-markers of the lock"),
    ("supported-markers = [1]", "supported-markers of the lock"),
    ("conflicts = [{}]", "conflicts of the lock"),
    ("conflicts = [[1]]", "conflicts of the lock"),
    ("conflicts = [[{ extra = 'x' }]]", "conflicts.package of the lock"),
    ("manifest = 1", "manifest of the lock"),
    ("manifest.members = ['']", "manifest.members of the lock"),
    ("manifest.overrides = [{ specifier = '1' }]", "manifest.overrides.name of the lock"),
    ("manifest.excludes = [1]", "manifest.excludes of the lock"),
    ("manifest.requirements = [{ name = 'a', marker = '(' }]", "manifest.requirements.marker of the lock"),
    ("manifest.dependency-groups = { 'a b' = [] }", "manifest.dependency-groups of the lock"),
    ("package = [1]", "package of the lock"),
    ('package = [{ name = "a\\u001b", version = "1" }]', "name of package 1"),
]


@pytest.mark.parametrize(("line", "named"), BROKEN, ids=[named for _, named in BROKEN])
def test_error_names_the_file_and_the_key(line: str, named: str) -> None:
    with pytest.raises(ProjectFileError) as caught:
        parse_lock(f"version = 1\n{line}", file="some/uv.lock")
    assert caught.value.message.startswith(f"some/uv.lock: {named} cannot be understood: ")
    assert caught.value.remedy == "Make it anew with `uv lock`."


BROKEN_PACKAGES = [
    ("version = 'one'", "version of the package x"),
    ("version-not = '1'", "version of the package x"),
    ("source = {}", "source of the package x 1"),
    ("source = { registry = 'https://user:secret@[' }", "source.registry of the package x 1"),
    ("source = { registry = '' }", "source.registry of the package x 1"),
    ("source = { registry = 'a', git = 'b' }", "source of the package x 1"),
    ("source = 'registry+https://index.example'", "source of the package x 1"),
    ("resolution-markers = [\"extra ~= '1'\"]", "resolution-markers of the package x 1"),
    ("wheels = {}", "wheels of the package x 1"),
    ("wheels = [{}]", "wheels.filename of the package x 1"),
    ("wheels = [{ url = 'x.whl' }]", "wheels.url of the package x 1"),
    ("wheels = [{ url = 'https://secret@files.example:x/x.whl' }]", "wheels.url of the package x 1"),
    ("wheels = [{ url = 'https://files.example/x y.whl' }]", "wheels.url of the package x 1"),
    ("wheels = [{ url = 'https:///x.whl' }]", "wheels.url of the package x 1"),
    ("wheels = [{ url = 'https://files.example/' }]", "wheels.filename of the package x 1"),
    ("wheels = [{ url = 'https://files.example/..%2Fx.whl' }]", "wheels.filename of the package x 1"),
    ("wheels = [{ filename = '../x.whl' }]", "wheels.filename of the package x 1"),
    ("wheels = [{ filename = 'x.whl', hash = 'secret' }]", "wheels.hash of the package x 1"),
    ("wheels = [{ filename = 'x.whl', hash = 'sha256:00' }]", "wheels.hash of the package x 1"),
    ("sdist = true", "sdist of the package x 1"),
    ("dependencies = [{ version = '1' }]", "dependencies.name of the package x 1"),
    ("dependencies = [{ name = 'y', version = 'v' }]", "dependencies.version of the package x 1"),
    ("dependencies = [{ name = 'y', extra = 'z' }]", "dependencies.extra of the package x 1"),
    ("dependencies = [{ name = 'y', marker = 'secret' }]", "dependencies.marker of the package x 1"),
    ("dependencies = [{ name = 'y', source = { registry = 1 } }]", "dependencies.source.registry of the package x 1"),
    ("optional-dependencies = { '[31m' = [] }", "optional-dependencies of the package x 1"),
    ("optional-dependencies = { a = [], A = [] }", "optional-dependencies.a of the package x 1"),
    ("dev-dependencies = { dev = {} }", "dev-dependencies.dev of the package x 1"),
    ("metadata = 1", "metadata of the package x 1"),
    ("metadata = { requires-dist = [1] }", "metadata.requires-dist of the package x 1"),
    ("metadata = { requires-dist = [{ extras = ['y'] }] }", "metadata.requires-dist.name of the package x 1"),
    (
        "metadata = { requires-dist = [{ name = 'y', extras = ['a b'] }] }",
        "metadata.requires-dist.extras of the package x 1",
    ),
    (
        "metadata = { requires-dist = [{ name = 'y', marker = 'secret' }] }",
        "metadata.requires-dist.marker of the package x 1",
    ),
    ("metadata = { requires-dev = [] }", "metadata.requires-dev of the package x 1"),
    ("metadata = { requires-dev = { 'a b' = [] } }", "metadata.requires-dev of the package x 1"),
    ("metadata = { requires-dev = { a = [], A = [] } }", "metadata.requires-dev.a of the package x 1"),
    ("metadata = { requires-dev = { a = [{}] } }", "metadata.requires-dev.a.name of the package x 1"),
]


@pytest.mark.parametrize(("line", "named"), BROKEN_PACKAGES, ids=[line for line, _ in BROKEN_PACKAGES])
def test_error_names_the_package_and_never_the_value(line: str, named: str) -> None:
    fields = {"version": "version = '1'", "source": "source = { registry = 'https://index.example' }"}
    fields[line.partition(" ")[0].removesuffix("-not")] = line
    with pytest.raises(ProjectFileError) as caught:
        parse_lock("\n".join(["version = 1", "[[package]]", "name = 'x'", *fields.values()]), file="some/uv.lock")
    assert caught.value.message.startswith(f"some/uv.lock: {named} cannot be understood: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "9" * 5000])
def test_numbers_and_nesting_without_end_are_refused(text: str) -> None:
    with pytest.raises(ProjectFileError, match=r"some/uv\.lock is n"):
        parse_lock(f"version = 1\n{text}", file="some/uv.lock")


def test_marker_nested_without_end_is_refused() -> None:
    marker = "(" * 5000 + "sys_platform == 'linux'" + ")" * 5000
    with pytest.raises(ProjectFileError, match="supported-markers of the lock"):
        parse_lock(f'version = 1\nsupported-markers = ["{marker}"]')


@given(uv_locks())
def test_drawn_lock_is_read_as_it_was_written(lock: Lock) -> None:
    assert parse_lock(render_toml(build_uv_document(lock))) == lock


@given(uv_locks(), st.data())
def test_lock_with_one_value_put_wrong_is_read_or_refused(lock: Lock, data: st.DataObject) -> None:
    document = build_uv_document(lock)
    place = data.draw(st.sampled_from(list(find_places(document))))
    text = render_toml(replace_at(document, place, data.draw(junk)))
    # Whichever it is: what must not happen is any other exception.
    with contextlib.suppress(ProjectFileError):
        assert isinstance(parse_lock(text), Lock)
