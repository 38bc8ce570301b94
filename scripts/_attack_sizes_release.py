"""scripts/attack, part ``release``: what a release may ask for: names, tags, markers, extras, thousands of wheels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from scripts._attack_sizes import CANNOT, CONSISTENT, INCONSISTENT, METADATA, UNDECIDED, WHEEL, Attack, Place

PURE = "demo-1.0-py3-none-any.whl"
PLATFORMS = (
    *(f"manylinux_2_{minor}_{machine}" for minor in range(17, 40) for machine in ("x86_64", "aarch64", "s390x")),
    *(f"macosx_{major}_0_{machine}" for major in range(11, 20) for machine in ("x86_64", "arm64")),
    *("win_amd64", "win_arm64", "win32"),
)


def find_names(count: int) -> list[str]:
    """Return the names of so many wheels of one release, for so many Pythons and platforms."""
    names = (f"demo-1.0-cp3{minor}-cp3{minor}-{platform}.whl" for minor in range(8, 60) for platform in PLATFORMS)
    return [name for name, _ in zip(names, range(count), strict=False)]


def _one(lines: Iterator[str] | Sequence[str], name: str = PURE) -> Callable[[Place], None]:
    """Build a release of one wheel that asks for ``lines``."""

    def build(place: Place) -> None:
        place.list_wheels([name])
        place.put(f"/files/{name}.metadata", METADATA + "".join(f"{line}\n" for line in lines).encode() + b"\n")

    return build


def _each(names: Sequence[str], lines: Callable[[int], str]) -> Callable[[Place], None]:
    """Build a release of wheels, of which each asks for lines of its own."""

    def build(place: Place) -> None:
        place.list_wheels(names)
        for number, name in enumerate(names):
            place.put(f"/files/{name}.metadata", METADATA + lines(number).encode() + b"\n\n")

    return build


def _beside(lines: str) -> Callable[[Place], None]:
    return lambda place: place.list_beside_good(METADATA + lines.encode() + b"\n\n")


def _terms(count: int) -> str:
    return " or ".join(f"python_full_version == '3.{number}.1'" for number in range(count))


def _names_beside_good(name: str) -> Callable[[Place], None]:
    def build(place: Place) -> None:
        place.list_wheels([WHEEL, name])
        for each in (WHEEL, name):
            place.put(f"/files/{each}.metadata", METADATA + b"\n")

    return build


def _both(line: Callable[[int, int], str], count: int) -> Callable[[Place], None]:
    """Build a release of two wheels that differ in ``count`` lines."""
    names = [WHEEL, "demo-1.0-cp312-cp312-win32.whl"]
    return _each(names, lambda wheel: "\n".join(line(wheel, number) for number in range(count)))


_TAGS = "-".join(".".join(f"{letter}{number}" for number in range(40)) for letter in "abc")

ATTACKS = (
    Attack(
        name="requirement of 10,000 marker terms",
        tried="in one wheel of two",
        build=_beside(f"Requires-Dist: b; {_terms(10_000)}"),
        code=UNDECIDED,
        says="is not a requirement",
    ),
    Attack(
        name="requirement in 100,000 parentheses",
        tried="in one wheel of two",
        build=_beside(f"Requires-Dist: b; {'(' * 100_000}os_name == 'a'{')' * 100_000}"),
        code=UNDECIDED,
        says="is not a requirement",
    ),
    Attack(
        name="requirement of 100,000 specifiers",
        tried="in one wheel of two",
        build=_beside("Requires-Dist: b " + ",".join(f"!=1.{number}" for number in range(100_000))),
        code=UNDECIDED,
        says="is not a requirement",
    ),
    Attack(
        name="version of 10,000 digits",
        tried="in a requirement and in Requires-Python",
        build=_beside(f"Requires-Dist: b=={'9' * 10_000}\nRequires-Python: >={'9' * 10_000}"),
        code=UNDECIDED,
        says="is not a",
    ),
    Attack(
        name="20,000 requirements",
        tried="in one wheel of two",
        build=_beside("\n".join(f"Requires-Dist: b{number}" for number in range(20_000))),
        code=UNDECIDED,
        says="more than 10000 Requires-Dist",
    ),
    Attack(
        name="10,000 requirements",
        tried="in both of two wheels, each another",
        build=_both(lambda wheel, number: f"Requires-Dist: b{number}=={wheel}", 10_000),
        code=INCONSISTENT,
    ),
    Attack(
        name="header of 3 MB",
        tried="3 million folded lines in one wheel of two",
        build=_beside("Requires-Dist: b" + "\n " * 1_500_000),
        code=UNDECIDED,
        says="a header of more than",
    ),
    Attack(
        name="5,000 extras, each with a requirement",
        tried="in the one wheel there is",
        build=_one([f"Provides-Extra: e{n}\nRequires-Dist: b{n}; extra == 'e{n}'" for n in range(5_000)]),
        code=UNDECIDED,
        says="more than are compared",
    ),
    Attack(
        name="1,500 extras, each with a requirement",
        tried="in the one wheel there is: nothing is refused",
        build=_one([f"Provides-Extra: e{n}\nRequires-Dist: b{n}; extra == 'e{n}'" for n in range(1_500)]),
        code=CONSISTENT,
    ),
    Attack(
        name="300 extras, each with a requirement",
        tried="in both of two wheels, each another",
        build=_both(lambda wheel, n: f"Provides-Extra: e{n}\nRequires-Dist: b{n}=={wheel}; extra == 'e{n}'", 300),
        code=INCONSISTENT,
    ),
    *(
        Attack(
            name=f"2,000 requirements, each with its own {variable}",
            tried="in the one wheel there is",
            build=_one([f"Requires-Dist: b{n}; {variable} == '{text.format(n=n)}'" for n in range(2_000)]),
            code=UNDECIDED,
            says="questions" if variable in ("platform_machine", "sys_platform") else "apart",
        )
        for variable, text in (
            ("platform_release", "{n}"),
            ("platform_version", "v{n}"),
            ("platform_machine", "m{n}"),
            ("python_full_version", "3.11.{n}"),
            ("python_version", "3.{n}"),
            ("sys_platform", "p{n}"),
        )
    ),
    Attack(
        name="Python, kernel and machine multiplied",
        tried="100 of each in the one wheel there is",
        build=_one(
            [
                f"Requires-Dist: b{n}; platform_release == '{n}' or python_full_version == '3.{n % 50}.{n}' "
                f"or platform_machine == 'm{n}'"
                for n in range(100)
            ]
        ),
        code=UNDECIDED,
        says="environments apart",
    ),
    Attack(
        name="3,000 wheels, all alike",
        tried="one metadata, advertised without hash",
        build=_each(find_names(3_000), lambda number: "Requires-Dist: b"),
        code=CONSISTENT,
    ),
    Attack(
        name="3,000 wheels, each another requirement",
        tried="for 52 Pythons and 90 platforms",
        build=_each(find_names(3_000), lambda number: f"Requires-Dist: b{number}"),
        code=UNDECIDED,
        says="more than are compared",
    ),
    Attack(
        name="3,000 wheels, each its own marker, kernel and extra",
        tried="for 52 Pythons and 90 platforms",
        build=_each(
            find_names(3_000),
            lambda n: f"Requires-Dist: b; platform_release == '{n}' and extra == 'e{n}'",
        ),
        code=UNDECIDED,
        says="environments apart",
    ),
    Attack(
        name="300 wheels of 5,000 requirements each",
        tried="1.5 million lines",
        build=_each(find_names(300), lambda n: "\n".join(f"Requires-Dist: b{line}=={n}" for line in range(5_000))),
        code=UNDECIDED,
        says="more than",
        memory=800.0,
    ),
    Attack(
        name="tags that come to 64,000",
        tried="40 by 40 by 40 in a file name",
        build=_names_beside_good(f"demo-1.0-{_TAGS}.whl"),
        code=CONSISTENT,
    ),
    Attack(
        name="wheel name of 64 KB",
        tried="a tag",
        build=_names_beside_good(f"demo-1.0-cp312-cp312-{'x' * 65_000}.whl"),
        code=CONSISTENT,
    ),
    Attack(
        name="3,000 wheels of 100 platforms each",
        tried="300,000 tags",
        build=_each(
            [f"demo-1.0-{n}-cp312-cp312-{'.'.join(f'p{n}x{tag}' for tag in range(100))}.whl" for n in range(3_000)],
            lambda number: "",
        ),
        code=CANNOT,
        says="platforms apart",
        memory=800.0,
    ),
)
