"""WING B (disk: netrc): who is who on which host.

Credentials come with an index's address (its user info, or two variables of uv's), from a
netrc file (the format of GNU inetutils, as curl, pip and uv read it) or, where that is asked
for, from ``keyring``; and they go to no other host than their own.
"""

from __future__ import annotations

import netrc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from wheelaudit.index.keyring import Keyring
from wheelaudit.index.locations import IndexLocation
from wheelaudit.index.logins import Login

MAX_NETRC_BYTES = 1024 * 1024
"""A netrc has some lines; whatever is larger is none."""


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


class Credentials:
    """All that one run knows of who is who; ``keyring`` None: it is off."""

    def __init__(self, *, locations: Iterable[IndexLocation], netrc: Netrc, keyring: Keyring | None) -> None:
        self._netrc = netrc
        self._keyring = keyring
        # As it was given -> as it is asked: the keyring may have added the password.
        self._locations = {location: location for location in locations}

    def find(self, url: str) -> Login | None:
        """Return as whom ``url`` is asked; None: as nobody."""
        if not self._netrc.hosts and self._netrc.default is None and not self._have_any():
            return None  # as for most people, at each of 200 requests
        return find_login(url, locations=self._locations.values(), netrc=self._netrc)

    def _have_any(self) -> bool:
        return any(map(_has_credentials, self._locations.values()))

    async def unlock(self, location: IndexLocation) -> None:
        """Get to know an index that is about to be asked; its password from the keyring where only that is lacking.

        Source: uv asks the keyring before the first request, where there is a user name and
        nothing else has its password, or where the index is to be asked by name alone.
        """
        known = self._locations.setdefault(location, location)
        if self._keyring is None or not (known.username or known.always):
            return
        login = find_login(f"{known.url}/", locations=[known], netrc=self._netrc)
        if login is None or not login.password:
            # uv takes the address as it is written; whether it had a last slash is not known here.
            services = (known.url, f"{known.url}/", _host_of(known.url))
            found = await self._keyring.find_login(services, known.username or None)
            if found is not None:
                self._locations[location] = replace(known, username=found.username, password=found.password)

    def describe(self, url: str) -> Tried:
        """Say what was tried for ``url``, for an error that it was refused."""
        from wheelaudit.index.addresses import same_origin

        given = [location for location in self._locations if same_origin(url, location.url)]
        # Those that have some come first: it is one of them that was sent.
        owner = _find_owner(url, [each for each in given if _has_credentials(self._locations[each])] or given)
        asked = None if owner is None else self._locations[owner]
        login = self.find(url)
        sources = (
            _describe_address(owner),
            _describe_netrc(url, self._netrc),
            _describe_keyring(self._keyring, owner, unlocked=asked != owner),
        )
        return Tried(
            sent=login is not None,
            sources=sources,
            variables=None if owner is None else owner.variables,
            keyring=self._keyring is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The sources of credentials, and what came of each; no secret is in it."""

    sent: bool
    """Whether any credentials were sent."""
    sources: tuple[str, ...]
    """Parts of one sentence."""
    variables: str | None
    """What the index's own two variables begin with."""
    keyring: bool
    """Whether the keyring is on."""


def find_login(url: str, *, locations: Iterable[IndexLocation], netrc: Netrc) -> Login | None:
    """Return as whom ``url`` is asked: as the index on its origin says, else as the netrc says; None: as nobody.

    Of several indexes on one origin the longest address above ``url`` counts, else the
    first. An address that brings only a name takes its password from the netrc.
    """
    # Lazy: it knows httpx; and the parser that decides where a password may go is to be the one that sends it.
    from wheelaudit.index.addresses import same_origin

    own = [location for location in locations if same_origin(url, location.url)]
    owner = _find_owner(url, _drop_locked([location for location in own if _has_credentials(location)]))
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


def _drop_locked(locations: list[IndexLocation]) -> list[IndexLocation]:
    """Drop those that the keyring has not opened, where it has opened them under another name.

    A project's index may be given once more, as a URL: it is the one that is asked which has the password.
    """
    opened = {(each.url, each.username) for each in locations if each.password is not None}
    return [each for each in locations if each.password is not None or (each.url, each.username) not in opened]


def _find_in_netrc(url: str, netrc: Netrc, *, known: bool) -> Login | None:
    from wheelaudit.index.addresses import parse_url

    target = parse_url(url)
    login = netrc.hosts.get(target.host)
    # A page may link anywhere: a password does not leave in the clear for where no index of the user's is, and
    # the entry for "every host" is not meant for hosts that an index names.
    if not known and (target.scheme != "https" or login is None):
        return None
    return login or netrc.default


def _host_of(url: str) -> str:
    """Return host and port, where it is not the scheme's own, as uv names them to the keyring."""
    from wheelaudit.index.addresses import parse_url

    return parse_url(url).netloc.decode("ascii")


def _describe_address(owner: IndexLocation | None) -> str:
    if owner is None:
        return "no index of yours is on this host"
    stem = owner.variables
    places = "the index's URL" + ("" if stem is None else f" or {stem}_USERNAME and {stem}_PASSWORD")
    if owner.password is not None:
        return f"they came from {places}"
    return f"a user name alone came from {places}" if owner.username else f"none came from {places}"


def _describe_netrc(url: str, netrc: Netrc) -> str:
    from wheelaudit.index.addresses import parse_url

    host = parse_url(url).host
    if netrc.path is None and not netrc.hosts:
        return "there is no netrc file"
    path = netrc.path or "netrc"
    if netrc.fault is not None:
        return f"{path} was of no use ({netrc.fault})"
    if host in netrc.hosts:
        return f"{path} names {host}"
    return f"{path} does not name {host}{', but a default' if netrc.default is not None else ''}"


def _describe_keyring(keyring: Keyring | None, owner: IndexLocation | None, *, unlocked: bool) -> str:
    if keyring is None:
        return "keyring is off"
    if unlocked:
        return "keyring gave the password"
    if owner is not None and owner.password is None and not owner.username and not owner.always:
        return "keyring was not asked, as there is no user name to ask for"
    return keyring.outcome


def _has_credentials(location: IndexLocation) -> bool:
    return location.username is not None or location.password is not None
