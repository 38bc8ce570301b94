"""WING B (disk: netrc): who is who on which host.

Credentials come with an index's address or from a netrc file (the format of GNU
inetutils, as curl, pip and uv read it), and go to no other host than their own.
"""

from __future__ import annotations

import netrc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wheelaudit.index.locations import IndexLocation

MAX_NETRC_BYTES = 1024 * 1024
"""A netrc has some lines; whatever is larger is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A name and a password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Netrc:
    """What a netrc file says."""

    path: Path | None = None
    """None where there is no file."""
    hosts: Mapping[str, Login] = field(default_factory=dict, repr=False)
    """By host, lower case; the format knows no ports."""
    default: Login | None = field(default=None, repr=False)
    """For every host that has no entry."""
    fault: str | None = None
    """Why the file could not be used: part of a sentence. uv goes on without it, and so do we, until somebody wants
    credentials."""


def read_netrc(*, environ: Mapping[str, str], home: Path, platform: str) -> Netrc:
    """Read the file that NETRC names, else the one in the user's home."""
    chosen = environ.get("NETRC")
    # Windows shells make files that begin with a dot hard to create: curl and uv take either name.
    names = (".netrc", "_netrc") if platform == "win32" else (".netrc",)
    candidates = [Path(chosen)] if chosen else [home / name for name in names]
    for path in candidates:
        try:
            if not path.is_file():
                continue
            if path.stat().st_size > MAX_NETRC_BYTES:
                return Netrc(path=path, fault="it is too large")
            return _parse(path)
        except netrc.NetrcParseError as error:
            return Netrc(path=path, fault=f"line {error.lineno} is not understood")
        except (OSError, ValueError) as error:  # UnicodeDecodeError, and a path with NUL
            return Netrc(path=path, fault=getattr(error, "strerror", None) or "it is not text")
    return Netrc()


def find_login(url: str, *, locations: Iterable[IndexLocation], netrc: Netrc) -> Login | None:
    """Return as whom ``url`` is asked: as the index on its origin says, else as the netrc says; None: as nobody.

    Of several indexes on one origin the longest address above ``url`` counts, else the
    first. An address that brings only a name takes its password from the netrc.
    """
    # Lazy: it knows httpx; and the parser that decides where a password may go is to be the one that sends it.
    from wheelaudit.index.wire import same_origin

    own = [location for location in locations if same_origin(url, location.url)]
    owner = _find_owner(url, [location for location in own if _has_credentials(location)])
    if owner is not None and owner.password is not None:
        return Login(username=owner.username or "", password=owner.password)
    login = _find_in_netrc(url, netrc, known=bool(own))
    if owner is None or (login is not None and login.username == owner.username):
        return login
    return Login(username=owner.username or "", password="")


def _parse(path: Path) -> Netrc:
    parsed = netrc.netrc(str(path))
    logins = {
        host.lower(): Login(username=login or account, password=password)
        for host, (login, account, password) in parsed.hosts.items()
    }
    default = logins.pop("default", None)
    return Netrc(path=path, hosts=logins, default=default)


def _find_owner(url: str, owners: list[IndexLocation]) -> IndexLocation | None:
    below = [location for location in owners if url.startswith(f"{location.url}/")]
    return max(below, key=lambda location: len(location.url)) if below else next(iter(owners), None)


def _find_in_netrc(url: str, netrc: Netrc, *, known: bool) -> Login | None:
    from wheelaudit.index.wire import parse_url

    target = parse_url(url)
    login = netrc.hosts.get(target.host)
    # A page may link anywhere: a password does not leave in the clear for where no index of the user's is, and
    # the entry for "every host" is not meant for hosts that an index names.
    if not known and (target.scheme != "https" or login is None):
        return None
    return login or netrc.default


def _has_credentials(location: IndexLocation) -> bool:
    return location.username is not None or location.password is not None
