"""OUTPUT (pure): what any command found, in the one shape that SARIF and workflow annotations are made from.

The rules are the finding ids of the contract; a finding's heading in the README is
``ID: TITLE``, and the anchor that leads there is made from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

HOME = "https://github.com/wheelaudit/wheelaudit"
"""Where the README with the findings is read."""

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A finding id, and what it means."""

    id: str
    title: str
    """As the README's heading has it."""
    summary: str
    """One sentence."""

    @property
    def anchor(self) -> str:
        """The heading's anchor, as GitHub makes it: lower case, punctuation dropped, spaces as hyphens."""
        return re.sub(r"[^a-z0-9 _-]", "", f"{self.id}: {self.title}".lower()).replace(" ", "-")

    @property
    def url(self) -> str:
        """Where cause and remedy are told."""
        return f"{HOME}#{self.anchor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing to be told, of a file or of none."""

    rule: str | None
    """Finding id; None: something could not be done or is not known, which is no finding."""
    level: Level
    message: str
    """One sentence; as foreign as what it quotes, like all text here: renderers escape it."""
    details: tuple[str, ...] = ()
    """Lines below it."""
    file: str | None = None
    """Relative to the working folder where it lies below, with ``/``; else absolute."""
    line: int | None = None
    """From 1; None: the file as a whole."""


def _build_rules(*rules: tuple[int, str, str]) -> dict[str, Rule]:
    found = (Rule(id=f"WA{number}", title=title, summary=summary) for number, title, summary in rules)
    return {rule.id: rule for rule in found}


RULES = _build_rules(
    (101, "a requirement is missing from some wheels", "A wheel does not name what another one needs on its platform."),
    (
        102,
        "a requirement would leak",
        "A wheel asks, unconfined, for what the wheels of other platforms do not ask for.",
    ),
    (103, "versions of one project differ", "Two wheels of a release ask for different versions of one project."),
    (104, "Requires-Python differs", "A wheel's Requires-Python shuts out Pythons that other wheels serve."),
    (105, "extras differ", "An extra is provided by some wheels of a release only."),
    (106, "no marker can tell the wheels apart", "Wheels that differ serve environments with equal marker variables."),
    (201, "metadata unreadable", "The metadata of a wheel could not be read, so what it asks for is unknown."),
    (202, "metadata hash differs from the advertised one", "A .metadata file is not the one that the index hashed."),
    (203, "name or version differ from the file name", "A wheel's metadata is of another release than its file name."),
    (204, "data-requires-python differs", "The project page and the metadata disagree on Requires-Python."),
    (
        205,
        "`.metadata` differs from the METADATA inside the wheel",
        "Lock tools and installers read different metadata.",
    ),
    (206, "metadata invalid", "The metadata of a wheel is not what the specifications allow."),
    (301, "one version, two metadata", "Two indexes have one version, and its metadata differ."),
    (401, "override stale", "An override does not ask for what the wheels ask for now."),
    (402, "override not needed", "All wheels of a release that has an override ask for the same, or it is not locked."),
    (403, "override without effect", "uv reads the file, but not this override."),
    (404, "override shadowed", "uv does not read the file that this override is in."),
    (411, "the lock lost a requirement", "The lock does not give a platform what its wheel asks for there."),
    (412, "the lock gained a requirement", "The lock gives a platform what its wheel does not ask for there."),
    (
        413,
        "the lock pins a version that the wheel does not admit",
        "The lock gives a platform a version it cannot use.",
    ),
    (501, "newly inconsistent", "The newest build is inconsistent, and the one before was not."),
    (502, "fixed", "The newest build is consistent, and the one before was not."),
    (503, "a requirement was lost or gained between nights", "The newest build asks a platform for something else."),
    (504, "wheels vanished", "The newest build lacks wheels, a platform or a Python that the one before had."),
    (505, "no new build", "The index has no new build for longer than it should."),
)
"""By id, in the order of ids. An id stands here before the first finding of it is made."""
