"""WING B (pure): an answer that is a refusal, as an error that says what to do about it."""

from __future__ import annotations

from wheelaudit.errors import HttpStatusError
from wheelaudit.index.credentials import Credentials, Tried
from wheelaudit.index.shelf import public_address


def build_refusal(url: str, status: int, credentials: Credentials) -> HttpStatusError:
    """Return the error for a ``status`` that is not the file; of 401 and 403 it says which credentials were tried."""
    shown = public_address(url)
    if status in (401, 403):
        tried = credentials.describe(url)
        message, remedy = f"{shown} answered {status}: {_describe(tried)}.", _build_remedy(tried)
    elif status == 407:
        message, remedy = f"The proxy wants credentials for {shown} (407).", "Put them into the proxy's URL."
    elif status == 429:
        message, remedy = f"{shown} answered 429: too many requests.", "Try again later, or lower --concurrency."
    elif status >= 500:
        message, remedy = f"{shown} answered {status}: the server failed.", "Try again later."
    else:
        message, remedy = f"{shown} answered {status}.", "Check the address of the index."
    return HttpStatusError(message, url=shown, status=status, remedy=remedy)


def _describe(tried: Tried) -> str:
    sent = "the credentials were refused" if tried.sent else "no credentials were sent"
    return f"{sent} ({'; '.join(tried.sources)})"


def _build_remedy(tried: Tried) -> str:
    stem = tried.variables or "UV_INDEX_<NAME>"
    places = f"in the index's URL, in {stem}_USERNAME and {stem}_PASSWORD, or in a netrc file"
    keyring = "" if tried.keyring else "; or give the user name there, and --keyring-provider subprocess"
    return f"Give credentials that may read it: {places}{keyring}."
