"""OUTPUT (pure): overrides as uv's ``[[tool.uv.dependency-metadata]]`` blocks (TOML 1.0).

Written by hand, because the spelling is part of the promise: it is what uv's
maintainers and users write, and the same override gives the same bytes. uv drops all of
``[tool.uv]`` over one unknown key or unparsable value and can still exit with 0, so
every block is parsed again and compared before it is handed out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wheelaudit.audit.values import Audit, Override
from wheelaudit.report.text import count_of, escape_text


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlReport:
    """What ``--format toml`` comes to."""

    text: str
    """For stdout: all blocks, a blank line between; "" where no release has an override."""
    reasons: tuple[str, ...]
    """For stderr: one sentence per release without a block."""


def render_toml(audits: Sequence[Audit]) -> TomlReport:
    """Return every override, each under a comment that says what it is, and why other releases have none."""
    blocks: list[str] = []
    reasons: list[str] = []
    for audit in audits:
        if audit.override is None:
            reasons.append(f"{audit.release.spec}: {_reason(audit)}")
        else:
            blocks.append(_render_comment(audit) + render_override(audit.override))
    return TomlReport(text="\n".join(blocks), reasons=tuple(reasons))


def render_override(override: Override) -> str:
    """Return the block, ending with a newline; it parses to exactly ``override``.

    ``requires-python`` is left out where there is none, and so is ``provides-extras`` where
    no wheel has an extra. ``requires-dist`` is always there: an entry without it means "no
    dependencies" to uv, and that shall be read, not guessed.
    """
    lines = [
        "[[tool.uv.dependency-metadata]]",
        f"name = {_basic(override.name)}",
        f"version = {_basic(str(override.version))}",
    ]
    if override.requires_python is not None:
        lines.append(f"requires-python = {_basic(override.requires_python)}")
    lines += _array("requires-dist", override.requires_dist)
    if override.provides_extras:
        lines += _array("provides-extras", override.provides_extras)
    text = "\n".join(lines) + "\n"
    _check(text, override)
    return text


_COMMAND = "##["
"""What a GitHub runner takes for a command wherever it stands in a line of a job's output (see `text.escape_text`)."""


def build_entry(override: Override) -> dict[str, str | list[str]]:
    """Return the entry as the value that its TOML parses to."""
    entry: dict[str, str | list[str]] = {"name": override.name, "version": str(override.version)}
    if override.requires_python is not None:
        entry["requires-python"] = override.requires_python
    entry["requires-dist"] = list(override.requires_dist)
    if override.provides_extras:
        entry["provides-extras"] = list(override.provides_extras)
    return entry


def _reason(audit: Audit) -> str:
    match audit.verdict:
        case "consistent":
            return "its wheels agree, so there is nothing to override."
        case "undecided":
            return (
                "undecided, because not all of its wheels could be read; only an inconsistent release gets an override."
            )
        case "inconsistent":
            return escape_text(audit.no_override or "there is no override.")


def _render_comment(audit: Audit) -> str:
    variants = count_of(len(audit.groups), "metadata variant")
    wheels = count_of(len(audit.release.wheels), "wheel")
    lines = [f"# {escape_text(audit.release.spec)}: union of {variants} over {wheels}, by wheelaudit"]
    if audit.proof is not None and audit.proof.deviations:
        deviations = count_of(len(audit.proof.deviations), "deviation")
        lines.append(f"# Not faithful everywhere: {deviations} from what the wheels ask for, listed in the report.")
    return "\n".join(lines) + "\n"


def _array(key: str, values: Iterable[str]) -> list[str]:
    entries = [f"    {_literal(value)}," for value in values]
    return [f"{key} = [", *entries, "]"] if entries else [f"{key} = []"]


def _literal(value: str) -> str:
    """A literal string, in which quotes of markers need no escape; a basic one where TOML allows no literal."""
    plain = "'" not in value and _COMMAND not in value and value.isprintable()
    return f"'{value}'" if plain else _basic(value)


def _basic(value: str) -> str:
    return '"' + "".join(_escape(char) for char in value).replace(_COMMAND, "#\\u0023[") + '"'


def _escape(char: str) -> str:
    # Format characters (bidirectional controls) are legal TOML, but the block is read by people too.
    if char in ('"', "\\"):
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _check(text: str, override: Override) -> None:
    """Parse the block again: a difference is a bug here, and must not reach a project."""
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        parsed = {}
    if parsed != {"tool": {"uv": {"dependency-metadata": [build_entry(override)]}}}:
        raise AssertionError(f"the override of {override.name} {override.version} does not survive TOML: {text!r}")
