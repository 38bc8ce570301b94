"""TOML documents as hypothesis draws them: valid, and as awkward as the language allows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import strategies as st

VALUES = [
    *("1", "0xDEAD_BEEF", "-0.0", "nan", "+inf", "1e1_0", "true", "1979-05-27 07:32:00", "07:32:00.5", '""', "''"),
    *('"# no comment"', "'[tool.uv]'", '"\\"]\\\\"', "'\\'", '"é \\u202e"', "[]", "{}", "[[], [[1]], [{}]]"),
    *('{ a = 1, b.c = "}", "d e" = [1, 2] }', "[1, 2,]", "[\n  1, # ] one\n  2 # , two\n  ,\n]", "[ # [\n]"),
    *('"""\n[[tool.uv.dependency-metadata]]\nname = "torch"\n"""', "'''\n[tool.uv]\n# no comment\n'''"),
    *(
        '"""a\\"""b"""""',
        "''''a''''",
        '"""\\\n  folded \\\n"""',
        "[ \"\"\"]\n\"\"\", '''}\n''', ]",
        "[{ a = [\n1, # x\n] }]",
    ),
]
NAMES = ["key", "key-2", '"quoted key"', "'a.b'", '"#"', '"="', '"]"', "1979", "a.b", 'c . "d" . e', '"\\u0065"']
TABLES = ["project", "tool.black", '"tool.uv"', "tool.'x]'.y", "other . uv", "dependency-metadata", "build-system"]
COMMENTS = [
    *("# comment", "#", "#[[tool.uv.dependency-metadata]]", "# 'quote", '# """', "# ]}", "# name = 'torch'", "#\tü"),
    "# Written by somebody",
]
TRIVIA = ["", "", "  ", "\t", *COMMENTS]

spaces = st.sampled_from(["", " ", "  ", "\t"])
trivia = st.lists(st.sampled_from(TRIVIA), max_size=3).map(lambda lines: "".join(f"{line}\n" for line in lines))
behind = st.sampled_from(["", "", " ", "  # behind", " # ] } ''' \"\"\"", "\t#"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A document, and what stands around the one entry that will be replaced."""

    text: str
    head: str | None = None
    """What stands before the entry for torch 2.6.0+cu126; None where there is none, or it is an inline table."""
    tail: str = ""
    closed: bool = False
    """Whether uv's settings are an inline table, which no header can continue."""


@st.composite
def assignments(draw: st.DrawFn, names: list[str]) -> str:
    """Some assignments with different keys."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    lines = []
    for name in chosen:
        space, other = draw(spaces), draw(spaces)
        value = draw(st.sampled_from(VALUES))
        lines.append(f"{draw(trivia)}{space}{name}{other}={draw(spaces)}{value}{draw(behind)}\n")
    return "".join(lines)


@st.composite
def tables(draw: st.DrawFn) -> list[str]:
    """Some tables and arrays of tables that are none of uv's."""
    parts = []
    for name in draw(st.lists(st.sampled_from(TABLES), unique=True, max_size=4)):
        array = draw(st.booleans())
        for _ in range(draw(st.integers(1, 2)) if array else 1):
            header = f"[[{draw(spaces)}{name}]]" if array else f"[{name}{draw(spaces)}]"
            parts.append(f"{draw(trivia)}{draw(spaces)}{header}{draw(behind)}\n{draw(assignments(NAMES))}")
    return parts


@st.composite
def entry_fields(draw: st.DrawFn, *, torch: bool) -> list[str]:
    if torch:
        name = draw(st.sampled_from(['name = "torch"', "'name' = 'Torch'", '"n\\u0061me" = """TORCH"""']))
        version = draw(st.sampled_from(["2.6.0+cu126", "2.6+CU126", "v2.6.0.0+cu126"]))
        fields = [name, f'version = "{version}"']
    else:
        name = draw(st.sampled_from(["torch", "torchvision", "a", "", "not a name"]))
        fields = [f'name = "{name}"']
        if draw(st.booleans()):
            fields.append(f'version = "{draw(st.sampled_from(["2.6.0", "2.6.1+cu126", "x"]))}"')
    fields += draw(st.lists(st.sampled_from(["requires-dist = ['a]', \"}\"]", "more.key = 1", "x = '#'"]), unique=True))
    return draw(st.permutations(fields))


@st.composite
def entry_tables(draw: st.DrawFn, *, torch: bool) -> str:
    """One entry under its header, without what stands around it."""
    header = draw(st.sampled_from(["[[tool.uv.dependency-metadata]]", "[[ 'tool' . uv.\"dependency-metadata\" ]]"]))
    lines = [f"{draw(trivia)}{field}{draw(behind)}\n" for field in draw(entry_fields(torch=torch))]
    sub = draw(st.sampled_from(["", "", "[tool.uv.dependency-metadata.sub]\nkey = 1\n"]))
    return f"{header}{draw(behind)}\n{''.join(lines)}{sub}"


@st.composite
def inline_arrays(draw: st.DrawFn) -> str:
    """An array of entries as a value."""
    count = draw(st.integers(0, 3))
    torch = draw(st.integers(-1, 5))
    text = f"[{draw(gaps)}"
    for number in range(count):
        fields = ", ".join(draw(entry_fields(torch=number == torch)))
        comma = "," if number + 1 < count or draw(st.booleans()) else ""
        text += f"{{{draw(spaces)}{fields} }}{draw(gaps)}{comma}{draw(gaps)}"
    return f"{text}]"


gaps = st.sampled_from(
    ["", " ", "\n", "\n    ", " # gap }]\n", "\n\t# line\n\n  ", "\n# Written by wheelaudit: once.\n"]
)


@st.composite
def documents(draw: st.DrawFn) -> Drawn:
    """A whole document with uv's settings in one of the many ways."""
    others = draw(tables())
    where = draw(st.integers(0, len(others)))
    root = draw(assignments(NAMES))
    form = draw(st.sampled_from(["none", "settings", "dotted", "tables", "inline", "inline dotted", "inline tool"]))
    pieces: list[str] = []
    head_at = None
    match form:
        case "settings":
            pieces = [
                f"[tool.uv]\n{draw(assignments(NAMES))}",
                f"{draw(trivia)}[tool.uv.pip]\n{draw(assignments(NAMES))}",
            ]
        case "dotted":
            root += "tool.uv.package = false\n"
        case "tables":
            torch = draw(st.integers(-1, 2))
            for number in range(3):
                pieces.append(draw(trivia))
                if number == torch:
                    head_at = len(pieces)
                pieces.append(draw(entry_tables(torch=number == torch)))
        case "inline":
            array = f"dependency-metadata = {draw(inline_arrays())}{draw(behind)}\n"
            pieces = [f"[tool.uv]\n{array}{draw(assignments(NAMES))}"]
        case "inline dotted":
            root += f"tool . uv.'dependency-metadata'={draw(inline_arrays())}\n"
        case "inline tool":
            root += "tool = { uv = { package = false } }\n"
            others = [part for part in others if "tool." not in part.replace('"tool.', "")]
            where = min(where, len(others))
    parts = [root, *others[:where], *pieces, *others[where:], draw(trivia)]
    change = draw(newlines)
    index = None if head_at is None else 1 + where + head_at
    parts = [change(part) for part in parts]
    if draw(st.booleans()):
        for number in reversed(range(len(parts))):
            if parts[number]:
                parts[number] = parts[number].rstrip("\r\n")
                break
    text = "".join(parts)
    if index is None:
        return Drawn(text=text, closed=form == "inline tool")
    return Drawn(text=text, head="".join(parts[:index]), tail="".join(parts[index + 1 :]))


def _mixed(text: str) -> str:
    ends = itertools.cycle(["\r\n", "\n", "\n", "\r\n", "\r\n"])
    return "".join(line + next(ends) for line in text.split("\n")[:-1]) + text.split("\n")[-1]


def _windows(text: str) -> str:
    return text.replace("\n", "\r\n")


def _plain(text: str) -> str:
    return text


newlines = st.sampled_from([_plain, _windows, _mixed])
