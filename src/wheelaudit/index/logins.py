"""WING B (pure): a name and its password, the one value that holds a secret."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A name and a password."""

    username: str
    password: str = field(repr=False)
