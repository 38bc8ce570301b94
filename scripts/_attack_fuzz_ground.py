"""scripts/attack: fuzz targets of the ground: METADATA, requirements, markers, wheel names, and what tags serve.

The second opinion is `packaging`, which parses and evaluates the same text without us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging._parser import Op, Value, Variable
from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import Version

from scripts._attack_fuzz_engine import Target, always, encode, read_text
from wheelaudit.environments import describe_environments
from wheelaudit.errors import InvalidMetadataError
from wheelaudit.grid import build_served
from wheelaudit.index.cassettes import read_cassette
from wheelaudit.markers import MAX_NESTING, VARIABLES, Comparison, comparisons, evaluate, parse_expression
from wheelaudit.metadata import RequirementLine, parse_metadata, parse_requirement_line, parse_requires_python
from wheelaudit.release import MAX_TAGS, WheelFile, parse_wheel_name

MOST_CHECKED = 6
"""Requirements of one METADATA that are held against `packaging`; the target of requirements does no less for each."""
CASSETTES = Path(__file__).parents[1] / "cassettes"


def _environment(*values: str) -> Mapping[str, str]:
    return dict(zip((*VARIABLES, "extra"), values, strict=True))


LINUX = ("posix", "linux", "Linux")
ENVIRONMENTS = (
    _environment(*LINUX, "x86_64", "6.1.0", "#1 SMP", "CPython", "cpython", *["3.11.4"] * 3, ""),
    _environment(*LINUX, "aarch64", "5.15.0-91-generic", "", "CPython", "cpython", *["3.13.0"] * 3, "0"),
    _environment("nt", "win32", "Windows", "AMD64", "10", "10.0.19045", "CPython", "cpython", *["3.8.0"] * 3, "a-b"),
    _environment(
        "posix", "darwin", "Darwin", "arm64", "23.1.0", "", "PyPy", "pypy", "7.3.16", "3.10", "3.10.14", "gpu"
    ),
)

MARKERS = (
    "python_version >= '3.8' and sys_platform == 'linux' or extra == 'gpu'",
    '(platform_system == "Linux" and platform_machine == "x86_64") or "arm" in platform_machine',
    "python_full_version < '3.13.0a1' and implementation_name != 'pypy'",
    "'3.8' <= python_version and os_name not in 'nt java'",
    'python_version != "3.13t" and platform_release >= "5.10"',
    "((((extra == 'A_b'))))",
    "python_version ~= '3.8' and implementation_version == '7.*'",
    "platform_python_implementation === 'CPython'",
)
REQUIREMENTS = (
    "absl-py>=1.0.0",
    "foo (==1.0)",
    "ml_dtypes (>=0.4.0,<0.5.0) ; python_version < '3.12'",
    "cuda-toolkit[cublas,cudart]==13.0.2; sys_platform == 'linux'",
    "x @ https://files.example/x-1.0.tar.gz ; extra == 'a'",
    "name===2.0.whatever",
    "a~=1.4.2,!=1.5.*,<2.0a1",
    "é>=1",
)
TOKENS = (
    *VARIABLES,
    *("extra", "and", "or", "not in", "in", "==", "!=", "<=", ">=", "~=", "===", "<", ">", "(", ")", "'3.8'"),
    *('"linux"', "'x86_64'", "3.10.*", "1!2.0+local.1", "2.0.dev1", "[a,b]", ";", "@", "file:///x", ", "),
)
NAMES = (
    "torch-2.6.0+cu126-cp310-cp310-manylinux_2_28_x86_64.whl",
    "demo-1.0-1abc-py2.py3-none-any.whl",
    "a-1-cp311-abi3-macosx_10_9_universal2.macosx_11_0_arm64.whl",
    "x-1!2.0.post1-pp310-pypy310_pp73-win_amd64.whl",
    "y-0-cp313.cp314-cp313t.cp314t-musllinux_1_2_aarch64.manylinux2014_aarch64.linux_armv7l.whl",
    "z-1-graalpy311-graalpy242_311_native-android_21_arm64_v8a.ios_13_0_arm64_iphoneos.whl",
)
TAGS = (
    "-cp39",
    "-cp314t",
    ".cp312",
    ".py3",
    "-none",
    "-any",
    "-abi3",
    "win32",
    "_x86_64",
    "linux",
    "macosx_",
    ".whl",
    "9999",
)


def _metadata_seeds() -> Iterator[bytes]:
    found = {
        exchange.body[:1200]
        for folder in sorted(CASSETTES.iterdir())
        if folder.is_dir()
        for exchange in read_cassette(folder)
        if exchange.body and exchange.url.endswith(".metadata")
    }
    yield from sorted(found)[::3]
    yield b"Name: a\r\nVersion: 1\r\nRequires-Dist: b\r\n\t>=1\r\nProvides-Extra: C_d\r\n\r\nbody"


def _check_metadata(data: bytes) -> None:
    try:
        core = parse_metadata(data)
    except InvalidMetadataError:
        return
    for line in core.requires_dist[:MOST_CHECKED]:
        _check_key(line)
    assert all(canonicalize_name(extra) == extra for extra in core.provides_extra)
    for text in core.unparsed:
        assert not _is_requirement(text) or _may_refuse(text), text
    # What follows the first blank line is the description, and says nothing.
    if b"\n\n" in data.lstrip(b"\r\n") or b"\n\r\n" in data.lstrip(b"\r\n"):
        assert parse_metadata(data + b"\nRequires-Dist: z\n\nRequires-Dist: y\n") == core
    elif b"\r" not in data and not data.endswith(b"\n"):
        assert parse_metadata(data.replace(b"\n", b"\r\n") + b"\r\n\r\nRequires-Dist: z") == core


def _check_key(line: RequirementLine) -> Requirement:
    other = Requirement(line.text)
    assert line.key.project == canonicalize_name(other.name)
    assert (line.key.specifier, line.key.url) == (other.specifier, other.url)
    assert set(line.key.extras) == {canonicalize_name(extra) for extra in other.extras}
    assert parse_requirement_line(line.bare).key == line.key
    assert (line.marker is None) == (other.marker is None)
    return other


def _check_line(line: RequirementLine) -> None:
    other = _check_key(line)
    if line.marker is not None:
        for variables in ENVIRONMENTS:
            assert evaluate(line.marker, variables) == _evaluate(str(other.marker), variables), line.text


def _check_requirement(data: bytes) -> None:
    text = read_text(data)
    try:
        line = parse_requirement_line(text)
    except ValueError:
        assert not _is_requirement(text) or _may_refuse(text), text
        return
    _check_line(line)


def _is_requirement(text: str) -> bool:
    try:
        requirement = Requirement(text)
        hash(requirement.specifier)
        for name in (requirement.name, *requirement.extras):
            canonicalize_name(name, validate=True)
    except (InvalidRequirement, InvalidName, ValueError, RecursionError):
        return False
    return True


def _may_refuse(text: str) -> bool:
    """Whether a requirement that `packaging` takes may be refused: its marker is what cannot be evaluated."""
    marker = Requirement(text).marker
    if marker is None:
        return False
    return "\\" in text or _compares_alike(marker._markers) or _may_refuse_marker(str(marker))


def _may_refuse_marker(text: str) -> bool:
    if text.count("(") > MAX_NESTING or "extra" in text or "\\" in text or _compares_alike(Marker(text)._markers):
        return True
    try:
        for variables in (*ENVIRONMENTS, dict.fromkeys((*VARIABLES, "extra"), "0")):
            _evaluate(text, variables)
    except (UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
        return True
    # A comparison behind one that decides is not looked at there.
    return any(joint in text for joint in (" and ", " or "))


def _compares_alike(markers: object) -> bool:
    """Whether two variables or two texts are compared: `packaging` takes it, and uv passes over it with a warning."""
    match markers:
        case (Variable() | Value() as left, Op(), right):
            return type(left) is type(right)
        case list():
            return any(map(_compares_alike, markers))
        case _:
            return False


def _evaluate(text: str, variables: Mapping[str, str]) -> bool:
    return Marker(text).evaluate(dict(variables))


def _check_marker(data: bytes) -> None:
    text = read_text(data)
    try:
        expression = parse_expression(text)
    except ValueError:
        try:
            Marker(text)
        except (InvalidMarker, RecursionError):
            return
        assert _may_refuse_marker(text), text
        return
    again = parse_expression(str(expression))
    assert list(comparisons(again)) == list(comparisons(expression))
    for variables in ENVIRONMENTS:
        expected = _evaluate(text, variables)
        assert (evaluate(expression, variables), evaluate(again, variables)) == (expected, expected), text


def _check_python(data: bytes) -> None:
    text = read_text(data)
    specifier = parse_requires_python(text)
    if specifier is not None:
        assert specifier == SpecifierSet(text)
        for version in ("3.8", "3.14.1", "2.7"):
            specifier.contains(Version(version), prereleases=True)


def _check_name(data: bytes) -> None:
    text = read_text(data)
    try:
        project, version, build, tags = parse_wheel_name(text)
    except ValueError:
        return
    assert canonicalize_name(project) == project
    assert Version(str(version)) == version
    assert tags
    assert len(build) in (0, 2)
    assert len(tags) <= MAX_TAGS
    for part in (part for tag in tags for part in (tag.interpreter, tag.abi, tag.platform)):
        # It becomes the literal of a marker.
        assert evaluate(parse_expression(f'sys_platform == "{part}"'), {"sys_platform": part})


def _check_served(data: bytes) -> None:
    wheels: list[WheelFile] = []
    literals = [each for line in data.split(b"\n")[3:6] for each in _find_comparisons(read_text(line))]
    for number, line in enumerate(data.split(b"\n")[:3]):
        filename = f"demo-1-{read_text(line)}.whl"
        try:
            project, version, build, tags = parse_wheel_name(filename)
        except ValueError:
            continue
        url = f"https://files.example/{number}"
        wheels.append(
            WheelFile(filename=filename, url=url, index="a", project=project, version=version, build=build, tags=tags)
        )
    served = build_served(wheels, requires_python=dict.fromkeys(wheels), comparisons=literals)
    assert all(each.best and set(each.best) <= set(wheels) for each in served)
    assert len({each.environment for each in served}) == len(served)
    environments = [each.environment for each in served]
    describe_environments(environments[::2], environments)


def _find_comparisons(text: str) -> Iterator[Comparison]:
    try:
        yield from comparisons(parse_expression(text))
    except ValueError:
        return


def _served_seeds() -> Iterator[bytes]:
    for name, marker in zip(NAMES, MARKERS, strict=False):
        tags = "-".join(name.removesuffix(".whl").split("-")[-3:])
        yield f"{tags}\npy3-none-any\ncp39-abi3-win_amd64\n{marker}\n".encode()


TARGETS = (
    Target(
        name="metadata",
        short=1500,
        prepare=always(_check_metadata),
        seeds=_metadata_seeds,
        tokens=(*TOKENS, "\nRequires-Dist: ", "\nName: a", "\nProvides-Extra: ", "\n "),
        share=2,
    ),
    Target(
        name="requirement",
        prepare=always(_check_requirement),
        seeds=encode(*REQUIREMENTS, *(f"a; {marker}" for marker in MARKERS)),
        tokens=TOKENS,
        longest=1024,
        share=2,
    ),
    Target(
        name="marker",
        prepare=always(_check_marker),
        seeds=encode(*MARKERS),
        tokens=TOKENS,
        longest=1024,
        share=2,
    ),
    Target(
        name="requires-python",
        prepare=always(_check_python),
        seeds=encode(">=3.9,<4", "!=3.0.*,~=3.8", "===3.x"),
        tokens=TOKENS,
        longest=512,
    ),
    Target(name="wheel-name", prepare=always(_check_name), seeds=encode(*NAMES), tokens=TAGS, longest=2048),
    Target(
        name="environments",
        short=15,
        prepare=always(_check_served),
        seeds=_served_seeds,
        tokens=(*TAGS, *TOKENS),
        longest=300,
    ),
)
