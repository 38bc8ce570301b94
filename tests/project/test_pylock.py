from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.project.drawn_locks import build_pylock_document, find_places, junk, pylocks, render_toml, replace_at
from wheelaudit.errors import ProjectFileError
from wheelaudit.lock import Choice, Dependency, Lock, LockedPackage, LockedWheel
from wheelaudit.markers import evaluate, parse_expression
from wheelaudit.project.pylock import parse_lock_marker, parse_pylock

LOCK = """\
lock-version = "1.0"
created-by = "a tool"
requires-python = ">=3.11"
environments = ["sys_platform == 'linux'"]
extras = ["cpu"]
dependency-groups = ["dev"]
default-groups = ["dev"]

[[packages]]
name = "torch"
version = "2.6.0+cu126"
marker = "'cpu' not in extras"
index = "https://index.example/cu126"
sdist = { url = "https://files.example/torch.tar.gz", hashes = { sha256 = "00" } }
dependencies = [{ name = "a", version = "1", index = "https://index.example" }, { name = "b" }]
wheels = [
    { url = "https://files.example/torch-2.6.0%2Bcu126-cp310-cp310-linux_aarch64.whl", hashes = { sha256 = "HASH" } },
    { path = "sub/x.whl", name = "torch-2.6.0+cu126-cp311-cp311-linux_aarch64.whl", hashes = { sha512 = "00" } },
]

[packages.tool.a-tool]
anything = 1

[tool.a-tool]
anything = 1
""".replace("HASH", "AB" * 32)

HEAD = 'lock-version = "1.0"\ncreated-by = "a tool"\n'
WHEEL = '{ url = "https://files.example/x-1-py3-none-any.whl", hashes = { sha256 = "' + "00" * 32 + '" } }'


def package_of(lines: str) -> LockedPackage:
    (package,) = parse_pylock(f'{HEAD}[[packages]]\nname = "x"\n{lines}', file="pylock.toml").packages
    return package


def test_lock_says_what_is_locked_and_for_whom() -> None:
    torch = canonicalize_name("torch")
    stem = "torch-2.6.0+cu126"
    assert parse_pylock(LOCK, file="pylock.toml") == Lock(
        kind="pylock.toml",
        requires_python=SpecifierSet(">=3.11"),
        environments=(parse_expression("sys_platform == 'linux'"),),
        conflicts=(),
        overrides=frozenset(),
        excludes=frozenset(),
        overridden=frozenset(),
        roots=None,
        packages=(
            LockedPackage(
                project=torch,
                version=Version("2.6.0+cu126"),
                origin="index",
                registry="https://index.example/cu126",
                wheels=(
                    LockedWheel(
                        filename=f"{stem}-cp310-cp310-linux_aarch64.whl",
                        url="https://files.example/torch-2.6.0%2Bcu126-cp310-cp310-linux_aarch64.whl",
                        sha256="ab" * 32,
                    ),
                    LockedWheel(filename=f"{stem}-cp311-cp311-linux_aarch64.whl", url="sub/x.whl", sha256=None),
                ),
                has_sdist=True,
                where=(parse_lock_marker("'cpu' not in extras"),),
                dependencies=(
                    Dependency(project=canonicalize_name("a"), version=Version("1"), registry="https://index.example"),
                    Dependency(project=canonicalize_name("b")),
                ),
                line=9,
            ),
        ),
    )


def test_lock_of_nothing_is_one() -> None:
    assert parse_pylock(f"{HEAD}packages = []", file="pylock.toml").packages == ()


@pytest.mark.parametrize("version", ['"1"', '"1.0"', '"1.7"'])
def test_minor_versions_of_the_format_are_read(version: str) -> None:
    assert parse_pylock(f"lock-version = {version}\npackages = []", file="pylock.toml").packages == ()


@pytest.mark.parametrize("version", ['"2.0"', '"0.9"', '"1!1.0"', '"one"', "1", "1.0", "true", f'"{"9" * 5000}"'])
def test_other_versions_of_the_format_are_refused(version: str) -> None:
    with pytest.raises(ProjectFileError, match=r"some/pylock\.toml is not a lock of lock-version 1\.x") as caught:
        parse_pylock(f"lock-version = {version}\npackages = []", file="some/pylock.toml")
    assert caught.value.remedy is not None


@pytest.mark.parametrize(
    ("lines", "origin", "wheels", "has_sdist"),
    [
        (f"wheels = [{WHEEL}]", "index", 1, False),
        ('sdist = { url = "https://files.example/x-1.tar.gz" }', "index", 0, True),
        ('vcs = { type = "git", url = "https://git.example/x", commit-id = "0123" }', "git", 0, False),
        ('directory = { path = ".", editable = true }', "path", 0, False),
        ('archive = { url = "https://files.example/x-1.tar.gz" }', "url", 0, True),
        ('archive = { url = "https://files.example/x-1-py3-none-any.whl" }', "url", 1, False),
        ('archive = { path = "../x-1-py3-none-any.whl" }', "path", 1, False),
    ],
)
def test_origin_of_a_package_is_its_source(lines: str, origin: str, wheels: int, has_sdist: bool) -> None:
    package = package_of(lines)
    assert (package.origin, len(package.wheels), package.has_sdist) == (origin, wheels, has_sdist)
    assert (package.registry, package.version, package.dependencies) == (None, None, None)


def test_package_that_says_it_brings_nothing_brings_nothing() -> None:
    assert package_of(f"dependencies = []\nwheels = [{WHEEL}]").dependencies == ()


def test_wheel_whose_name_is_of_a_later_kind_is_kept() -> None:
    # PEP 825 puts a label behind the platform; `packaging.pylock` refuses the whole lock.
    filename = "x-1-cp313-cp313-linux_x86_64-x8664v3.whl"
    package = package_of(f'version = "1"\nwheels = [{WHEEL.replace("x-1-py3-none-any.whl", filename)}]')
    assert [wheel.filename for wheel in package.wheels] == [filename]


def test_credentials_of_an_edited_lock_are_dropped() -> None:
    package = package_of(
        'index = "https://user:secret@index.example"\n'
        f"dependencies = [{{ name = 'y', index = 'https://user:secret@index.example' }}]\n"
        f"wheels = [{WHEEL.replace('files.example', 'user:secret@files.example')}]"
    )
    assert "secret" not in repr(package)
    assert package.registry == "https://index.example"


EXTRA = Choice(project="", extra=canonicalize_name("gpu-all"))
GROUP = Choice(project="", group=canonicalize_name("dev"))


@pytest.mark.parametrize(
    ("text", "extra", "expected"),
    [
        ("'GPU_all' in extras", EXTRA, True),
        ('"gpu-all" in extras', GROUP, False),
        ("'gpu.all' not  in extras", EXTRA, False),
        ("'dev' in dependency_groups", GROUP, True),
        ("'dev' not in dependency_groups", GROUP, False),
        ("sys_platform == 'linux' and ('dev' in dependency_groups or 'gpu-all' in extras)", EXTRA, True),
        ("sys_platform == 'win32' and 'gpu-all' in extras", EXTRA, False),
        # What stands within a text is no comparison.
        ("""platform_version != '"a" in extras' and 'gpu-all' in extras""", EXTRA, True),
    ],
)
def test_sets_of_extras_and_groups_become_choices(text: str, extra: Choice, expected: bool) -> None:
    variables = {"sys_platform": "linux", "platform_version": "1", "extra": extra.text}
    assert evaluate(parse_lock_marker(text), variables) is expected


def test_choice_in_a_marker_is_spelled_as_the_choice() -> None:
    assert str(parse_lock_marker("'GPU_all' in extras")) == f'extra == "{EXTRA.text}"'
    assert str(parse_lock_marker("'Dev' not in dependency_groups")) == f'extra != "{GROUP.text}"'


@pytest.mark.parametrize(
    "text",
    [
        "extra == 'x'",
        "extra == 'extra-0--y' and 'x' in extras",
        "extras == 'x'",
        "'x' == extras",
        "extras in 'x'",
        "'' in extras",
        "'a b' in extras",
        "sys_platform in extras",
        "sys_platform == 'x' in extras",
        "'x' in extras_too",
        "'x' in 'extras'",
        "'x' in extras and",
    ],
)
def test_other_use_of_extras_is_refused(text: str) -> None:
    with pytest.raises(ProjectFileError, match=r"^pylock\.toml: marker of the package x cannot be understood: "):
        package_of(f'marker = "{text}"\nwheels = [{WHEEL}]')


BROKEN = [
    ("version = 'one'", "version of the package x"),
    ("marker = 1", "marker of the package x"),
    ("index = 'https://user:secret@['", "index of the package x"),
    ("wheels = 1", "wheels of the package x"),
    ("wheels = [1]", "wheels of the package x"),
    ("wheels = []", "source of the package x"),
    ("wheels = [{ name = 'x.whl' }]", "wheels.url of the package x"),
    ("wheels = [{ url = 'secret' }]", "wheels.url of the package x"),
    ("wheels = [{ path = 'secret/' }]", "wheels.name of the package x"),
    ("wheels = [{ path = 'a', name = '../secret' }]", "wheels.name of the package x"),
    ("wheels = [{ path = 'a', hashes = 1 }]", "wheels.hashes of the package x"),
    ("wheels = [{ path = 'a', hashes = { sha256 = 'secret' } }]", "wheels.hashes.sha256 of the package x"),
    ("vcs = {}\ndirectory = {}", "source of the package x"),
    ("vcs = {}\nwheels = [{ path = 'a' }]", "source of the package x"),
    ("archive = {}", "archive.name of the package x"),
    ("archive = 1", "archive of the package x"),
    ("dependencies = {}", "dependencies of the package x"),
    ("dependencies = [{ version = '1' }]", "dependencies.name of the package x"),
    ("dependencies = [{ name = 'y', version = 'secret' }]", "dependencies.version of the package x"),
]


@pytest.mark.parametrize(("lines", "named"), BROKEN, ids=[lines for lines, _ in BROKEN])
def test_error_names_the_package_and_never_the_value(lines: str, named: str) -> None:
    more = "" if "source" in named or "wheels" in lines or "archive" in lines else f"\nwheels = [{WHEEL}]"
    with pytest.raises(ProjectFileError) as caught:
        package_of(lines + more)
    assert caught.value.message.startswith(f"pylock.toml: {named} cannot be understood: ")
    assert caught.value.remedy is not None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("", "packages of the lock"),
        ("packages = {}", "packages of the lock"),
        ("packages = [1]", "packages of the lock"),
        ("packages = [{ version = '1' }]", "name of package 1"),
        ("packages = []\nrequires-python = '3'", "requires-python of the lock"),
        ("packages = []\nenvironments = ['linux']", "environments of the lock"),
        ("packages = []\nenvironments = \"sys_platform == 'linux'\"", "environments of the lock"),
    ],
)
def test_error_names_the_file_and_the_key(line: str, named: str) -> None:
    with pytest.raises(ProjectFileError) as caught:
        parse_pylock(f"{HEAD}{line}", file="some/pylock.toml")
    assert caught.value.message.startswith(f"some/pylock.toml: {named} cannot be understood: ")


@given(pylocks())
def test_drawn_lock_is_read_as_it_was_written(lock: Lock) -> None:
    assert parse_pylock(render_toml(build_pylock_document(lock)), file="pylock.toml") == lock


@given(pylocks(), st.data())
def test_lock_with_one_value_put_wrong_is_read_or_refused(lock: Lock, data: st.DataObject) -> None:
    document = build_pylock_document(lock)
    place = data.draw(st.sampled_from(list(find_places(document))))
    text = render_toml(replace_at(document, place, data.draw(junk)))
    # Whichever it is: what must not happen is any other exception.
    with contextlib.suppress(ProjectFileError):
        assert isinstance(parse_pylock(text, file="pylock.toml"), Lock)


@given(st.text() | st.text().map(lambda text: f"{HEAD}{text}"))
def test_any_text_is_a_lock_or_refused(text: str) -> None:
    with contextlib.suppress(ProjectFileError):
        assert isinstance(parse_pylock(text, file="pylock.toml"), Lock)


def test_what_packaging_reads_is_read_alike() -> None:
    text = LOCK.replace('sha256 = "00"', f'sha256 = "{"00" * 32}"').replace("torch.tar.gz", "torch-2.6.0+cu126.tar.gz")
    ours, theirs = parse_pylock(text, file="pylock.toml"), Pylock.from_dict(tomllib.loads(text))
    assert (ours.requires_python, len(ours.packages)) == (theirs.requires_python, len(theirs.packages))
    for own, other in zip(ours.packages, theirs.packages, strict=True):
        assert (own.project, own.version, own.registry) == (other.name, other.version, other.index)
        assert [(wheel.filename, wheel.sha256) for wheel in own.wheels] == [
            (wheel.filename, wheel.hashes["sha256"].lower() if "sha256" in wheel.hashes else None)
            for wheel in other.wheels or ()
        ]


def test_url_in_the_place_of_a_path_keeps_its_password_to_itself() -> None:
    package = package_of('wheels = [{ path = "https://user:s3cret@files.example/x-1-py3-none-any.whl" }]')
    assert [wheel.url for wheel in package.wheels] == ["https://files.example/x-1-py3-none-any.whl"]
