"""GROUND (pure): environment markers as values that can be looked into, joined and written.

Obeys the dependency specifiers' markers (PEP 508, 685). `packaging` parses and
evaluates; this room adds what it does not offer: the tree of a marker, the
values it names, and a plain spelling of joined markers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

VARIABLES = (
    "os_name",
    "sys_platform",
    "platform_system",
    "platform_machine",
    "platform_release",
    "platform_version",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "python_version",
    "python_full_version",
)
"""The environment's marker variables; ``extra`` is the request's, not the environment's."""

PLATFORM_VARIABLES = frozenset(VARIABLES[:6])
"""The variables that a platform tag settles. The others are the interpreter's."""

_KNOWN = frozenset((*VARIABLES, "extra"))
_TOKEN = re.compile(
    r"""\s*(?:(?P<paren>[()])|(?P<op>not\s+in\b|in\b|[<>=!~]=?=?)|(?P<text>"[^"]*"|'[^']*')|(?P<word>\w+))"""
)
MAX_NESTING = 50
"""Parentheses within parentheses; real markers have two or three, and a deeper tree would exhaust Python's stack."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """``variable op "value"``, or ``"value" op variable`` where `mirrored`."""

    variable: str
    op: str
    value: str
    mirrored: bool = False
    """Only where the sides cannot be turned round without changing the answer (`_turns_round`)."""

    def __str__(self) -> str:
        quote = "'" if '"' in self.value else '"'
        literal = f"{quote}{self.value}{quote}"
        return f"{literal} {self.op} {self.variable}" if self.mirrored else f"{self.variable} {self.op} {literal}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds (``and``)."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds (``or``)."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, All) else str(part) for part in self.parts)


Expression = Comparison | All | AnyOf


def build_expression(marker: Marker) -> Expression:
    """Return the tree of ``marker``. Raises ValueError where it cannot be evaluated in metadata (PEP 508)."""
    tokens = list(_tokens(str(marker)))
    if tokens.count(("paren", "(")) > MAX_NESTING and _nesting(tokens) > MAX_NESTING:
        raise ValueError("the marker's parentheses are nested too deeply")
    expression, rest = _parse_any(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"marker not understood: {marker}")
    for comparison in comparisons(expression):
        if comparison.variable == "extra" and comparison.op not in ("==", "!="):
            # PEP 508 leaves it open: `packaging` finds "" in any text, uv passes over the comparison.
            raise ValueError(f"an extra can only be or not be one: {comparison}")
        holds(comparison, "0")
    return expression


def refuse_escapes(text: str) -> None:
    """Raise ValueError where the text of a marker has a backslash.

    PEP 508 has none in a marker's strings; `packaging` unescapes what follows as Python does, and uv does not.
    """
    if "\\" in text:
        raise ValueError("the marker has a backslash")


def parse_expression(text: str) -> Expression:
    """Parse a marker's text. Raises ValueError where it is no marker of PEP 508."""
    try:
        refuse_escapes(text)
        return build_expression(Marker(text))
    except InvalidMarker as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("the marker's parentheses are nested too deeply") from error


def comparisons(expression: Expression | None) -> Iterator[Comparison]:
    """Yield every comparison of ``expression``, in its order."""
    match expression:
        case None:
            return
        case Comparison():
            yield expression
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from comparisons(part)


def count_comparisons(expression: Expression | None) -> int:
    """Return how many comparisons ``expression`` has: the measure of a plain marker."""
    return sum(1 for _ in comparisons(expression))


@lru_cache(maxsize=65536)
def holds(comparison: Comparison, value: str) -> bool:
    """Evaluate one comparison with its variable at ``value``, by `packaging`'s rules.

    Raises ValueError where the comparison is undefined (``sys_platform ~= "x"``).
    """
    try:
        # The one variable is all that is looked up: nothing of this machine enters.
        return _marker(str(comparison)).evaluate({comparison.variable: value})
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise ValueError(f"marker cannot be evaluated: {comparison}") from error


def evaluate(expression: Expression | None, variables: Mapping[str, str]) -> bool:
    """Evaluate ``expression``; a variable that ``variables`` lacks counts as unknown, and so as possibly true.

    Markers have no "not" around a group, so the answer is exact when every
    variable is given, and otherwise says whether the marker *can* hold.
    """
    match expression:
        case None:
            return True
        case Comparison(variable=variable):
            return variable not in variables or holds(expression, variables[variable])
        case All(parts):
            return all(evaluate(part, variables) for part in parts)
        case AnyOf(parts):
            return any(evaluate(part, variables) for part in parts)


def join_all(*parts: Expression | None) -> Expression | None:
    """Join with ``and``, flattened, repeated parts once; None (always) drops out."""
    flat: dict[Expression, None] = {}
    for part in parts:
        if part is not None:
            flat.update(dict.fromkeys(part.parts if isinstance(part, All) else (part,)))
    return None if not flat else next(iter(flat)) if len(flat) == 1 else All(tuple(flat))


def join_any(*parts: Expression | None) -> Expression | None:
    """Join with ``or``, flattened, repeated parts once; with a part that always holds the whole does."""
    flat: dict[Expression, None] = {}
    for part in parts:
        if part is None:
            return None
        flat.update(dict.fromkeys(part.parts if isinstance(part, AnyOf) else (part,)))
    if not flat:
        raise ValueError("an empty 'or' holds nowhere, and no marker says that")
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))


@lru_cache(maxsize=65536)
def _marker(text: str) -> Marker:
    return Marker(text)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ValueError(f"marker not understood: {text}")
        yield (
            match.lastgroup,
            " ".join(match[match.lastgroup].split()) if match.lastgroup == "op" else match[match.lastgroup],
        )
        position = match.end()


def _nesting(tokens: list[tuple[str, str]]) -> int:
    return max(accumulate({"(": 1, ")": -1}[text] for kind, text in tokens if kind == "paren"))


def _parse_any(tokens: list[tuple[str, str]], at: int) -> tuple[Expression, int]:
    part, at = _parse_all(tokens, at)
    parts = [part]
    while at < len(tokens) and tokens[at] == ("word", "or"):
        part, at = _parse_all(tokens, at + 1)
        parts.append(part)
    joined = join_any(*parts)
    assert joined is not None
    return joined, at


def _parse_all(tokens: list[tuple[str, str]], at: int) -> tuple[Expression, int]:
    part, at = _parse_item(tokens, at)
    parts = [part]
    while at < len(tokens) and tokens[at] == ("word", "and"):
        part, at = _parse_item(tokens, at + 1)
        parts.append(part)
    joined = join_all(*parts)
    assert joined is not None
    return joined, at


def _parse_item(tokens: list[tuple[str, str]], at: int) -> tuple[Expression, int]:
    if tokens[at : at + 1] == [("paren", "(")]:
        expression, at = _parse_any(tokens, at + 1)
        if tokens[at : at + 1] != [("paren", ")")]:
            raise ValueError("marker not understood: unbalanced parentheses")
        return expression, at + 1
    match tokens[at : at + 3]:
        case [("word", variable), ("op", op), ("text", literal)] if variable in _KNOWN:
            return Comparison(variable, op, literal[1:-1]), at + 3
        case [("text", literal), ("op", op), ("word", variable)] if variable in _KNOWN:
            if _turns_round(variable, op, literal[1:-1]):
                return Comparison(variable, _MIRRORED[op], literal[1:-1]), at + 3
            return Comparison(variable, op, literal[1:-1], mirrored=True), at + 3
        case other:
            raise ValueError(f"marker not understood: {' '.join(text for _, text in other)}")


def _turns_round(variable: str, op: str, literal: str) -> bool:
    """Whether ``literal op variable`` is ``variable mirrored-op literal`` at every value.

    Of a version variable `packaging` takes the right side for a specifier: its mirror image
    asks something else where a value may be no version (a kernel's release), the literal
    has a wildcard, or a pre-release meets ``<`` (PEP 440 excludes it).
    """
    if op not in _MIRRORED or variable == "platform_release":
        return False
    if variable not in ("python_version", "python_full_version", "implementation_version"):
        return True
    plain = re.fullmatch(r"\d+(\.\d+)*", literal) is not None
    return plain and (op not in ("<", ">") or variable == "python_version")
