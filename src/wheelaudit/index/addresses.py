"""WING B (pure): addresses as they are asked, shown, and compared, by the parser of the client that asks them.

Obeys RFC 3986 (URLs), RFC 6454 (origins) and RFC 7617 (Basic).
"""

from __future__ import annotations

from base64 import b64encode

from wheelaudit.errors import IndexAccessError
from wheelaudit.index.lean_httpx import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_url(url: str) -> httpx.URL:
    """Return ``url`` ready to be asked: http(s), with a host, without userinfo and fragment.

    Raises `IndexAccessError` where it is none.
    """
    try:
        parsed = httpx.URL(url)
        usable = parsed.scheme in _DEFAULT_PORTS and parsed.host and (parsed.port is None or 0 < parsed.port < 65536)
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise IndexAccessError(
            f"{public_url(url)} is no http or https URL.",
            url=public_url(url),
            remedy="Check the address of the index, and the links of its page.",
        )
    # Each copy is parsed anew, 50 us, and a page's links have neither as a rule.
    return parsed.copy_with(username=None, password=None, fragment=None) if parsed.userinfo or "#" in url else parsed


def public_url(url: str) -> str:
    """Return ``url`` as messages may show it: without userinfo, query (signed links), fragment, control characters."""
    text = "".join(character for character in url if character.isprintable())
    scheme, colon, rest = text.partition("://")
    rest = rest.partition("#")[0].partition("?")[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}" if colon else text.partition("?")[0]


def same_origin(url: str, other: str) -> bool:
    """Whether credentials for ``other`` may go to ``url``: one scheme, host and port, or http raised to https."""
    try:
        target, owner = httpx.URL(url), httpx.URL(other)
    except (httpx.InvalidURL, ValueError):
        return False
    if target.host != owner.host:
        return False
    ports = (_port(target), _port(owner))
    raised = (owner.scheme, target.scheme) == ("http", "https") and ports == (443, 80)
    return raised or (target.scheme == owner.scheme and ports[0] == ports[1])


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def build_basic(username: str, password: str) -> str:
    """Return the Authorization header of RFC 7617."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")
