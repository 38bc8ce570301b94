"""WING B (pure but for one look whether a folder exists): which index a name means.

An index is the base address of a simple repository (PEP 503): a project's page
is that address, a slash, the normalised name, a slash. Credentials are taken
out of every address here, once (RFC 3986 section 3.2.1), and kept apart.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName

from wheelaudit.errors import UsageError

PYTORCH_ROOT = "https://download.pytorch.org/whl"
"""The address that every channel of PyTorch lies under; its own pages list all channels at once."""

DEFAULT_NAME = "pypi"
"""The name of the user's default index, wherever their settings say it is."""

CHANNELS = (
    "cpu",
    *(f"cu{number}" for number in (118, 121, 124, 126, 128, 129, 130, 132)),
    *(f"rocm{number}" for number in ("6.2", "6.2.4", "6.3", "6.4", "7.0", "7.1", "7.2")),
    "xpu",
)
"""Channels that help and errors name. Others are taken by their shape: a new one needs no new wheelaudit."""

_CHANNEL = re.compile(r"cpu|cpu-cxx11-abi|xpu|cu(?:[89]\d|\d{3})|rocm\d{1,2}\.\d{1,2}(\.\d{1,2})?", re.ASCII)
_STAGES = ("nightly", "test")
_ROOT_NAME = "whl"
_LOCAL_CHANNEL = re.compile(r"(cpu|xpu|cu(?:[89]\d|\d{3})|rocm\d{1,2}\.\d{1,2}(\.\d{1,2})?)(\..*)?", re.ASCII)
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://?")
_USERINFO = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@")
_NO_PORT = re.compile(r"^([^/]*//[^/?#:]*):(?!\d{0,5}(?:[/?#]|$))[^/?#]*", re.ASCII)
_NEAREST = 3
_ALIKE = 0.5
"""How alike a name must be to be named: "pipy" is 0.5 of "pypi"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLocation:
    """Where an index is, and as whom it is asked."""

    name: str
    """As reports name it: the name the user gave, or a URL or folder without credentials."""
    url: str
    """``http(s)://`` or ``file://`` base, without trailing slash, credentials, query and fragment."""
    username: str | None = field(default=None, repr=False)
    """None: no credentials were given with the address."""
    password: str | None = field(default=None, repr=False)
    variables: str | None = field(default=None, compare=False)
    """What the names of the two variables begin with that bring its credentials (``UV_INDEX_CORP``); None: it has no
    name that uv would know."""
    always: bool = field(default=False, compare=False)
    """Whether it is never asked without credentials (uv's ``authenticate = "always"``): a keyring may say the name."""


def project_url(location: IndexLocation, project: NormalizedName) -> str:
    """Return the address of a project's page (PEP 503: normalised name, trailing slash)."""
    return f"{location.url}/{project}/"


def find_location(
    text: str,
    *,
    project_indexes: Mapping[str, IndexLocation],
    default: Callable[[], IndexLocation],
    cwd: Path,
) -> IndexLocation:
    """Return the index that ``text`` means: a name, a URL, or a folder.

    Names come first, in the order of the contract: the project's own, PyTorch's
    channels, ``pypi`` (only then is ``default`` called). A folder that is called as
    a channel is had by writing ``./cpu``. Raises `UsageError` where it means nothing.
    """
    name = text.strip()
    if name in project_indexes:
        return project_indexes[name]
    channel = build_channel_location(name)
    if channel is not None:
        return channel
    if name == DEFAULT_NAME:
        return default()
    # os.path answers False where Path.is_dir raises: names too long, or with a NUL.
    if _has_scheme(name) or (name and os.path.isdir(cwd / name)):
        return build_location(name, folder=cwd)
    raise _unknown_index(name, project_indexes)


def build_location(text: str, *, folder: Path, name: str | None = None) -> IndexLocation:
    """Return the index at a URL or path as settings and users write it; a path is relative to ``folder``.

    ``name`` is what reports call it; by default the address itself, without credentials.
    Raises `UsageError` where ``text`` is no address of an index.
    """
    if not _has_scheme(text):
        return IndexLocation(name=name or text, url=_folder_url(folder / text))
    try:
        parts = urlsplit(text)
        # Reading the port is what checks it: urlsplit itself does not.
        host = parts.hostname and (parts.port is None or parts.port >= 0)
    except ValueError as error:
        # Its words are not repeated: what it takes for a port may be half a password.
        raise UsageError(f"{_shown(text)} is not a URL.", remedy="Correct the address of the index.") from error
    shown = without_credentials(text)
    match parts.scheme:
        case "file":
            return IndexLocation(name=name or shown, url=_folder_url(path_of_url(text)))
        case "http" | "https" if host and not parts.query:
            authority = parts.netloc.rpartition("@")[2]
            return IndexLocation(
                name=name or shown.rstrip("/"),
                url=f"{parts.scheme}://{authority}{parts.path}".rstrip("/"),
                username=_decoded(parts.username),
                password=_decoded(parts.password),
            )
        case _:
            raise UsageError(
                f"{_shown(text)} is not the address of an index.",
                remedy="Give an http, https or file URL without a query, such as https://HOST/simple.",
            )


def build_channel_location(name: str) -> IndexLocation | None:
    """Return the index of a PyTorch channel (``cu126``, ``nightly/cpu``, ``whl`` for all); None for other names."""
    stage, slash, channel = name.partition("/")
    if name == _ROOT_NAME:
        return IndexLocation(name=name, url=PYTORCH_ROOT)
    if name in _STAGES or _CHANNEL.fullmatch(name) or (slash and stage in _STAGES and _CHANNEL.fullmatch(channel)):
        return IndexLocation(name=name, url=f"{PYTORCH_ROOT}/{name}")
    return None


def channel_of_version(local: str | None, *, nightly: bool = False) -> str | None:
    """Return the PyTorch channel that a local version names (``cu126`` of ``+cu126``); None where it names none.

    ``nightly`` says that the version is a ``.dev`` one, which only nightly channels hold.
    """
    match = _LOCAL_CHANNEL.fullmatch(local or "")
    if match is None:
        return None
    # "cpu.cxx11.abi" has a channel of its own; "cu117.with.pypi.cudnn" lies in cu117.
    channel = "cpu-cxx11-abi" if local == "cpu.cxx11.abi" else match[1]
    return f"nightly/{channel}" if nightly else channel


def without_credentials(url: str) -> str:
    """Return ``url`` without userinfo (RFC 3986 section 3.2.1), everything else as it is."""
    return _USERINFO.sub(r"\1//", url)


def path_of_url(url: str) -> Path:
    """Return the path of a ``file:`` URL (RFC 8089), on Windows with drive or share.

    Raises `UsageError` where it is no URL, or names a host and the system has no such paths.
    """
    # Heavy (it knows HTTP) and rarely needed.
    from urllib.request import url2pathname

    try:
        parts = urlsplit(url)
    except ValueError as error:  # a bracket that opens an IPv6 address and does not close
        raise UsageError(f"{_shown(url)} is not a URL.", remedy="Correct the address.") from error
    if parts.netloc in {"", "localhost"}:
        return Path(url2pathname(parts.path))
    if os.name != "nt":
        raise UsageError(
            f"{without_credentials(url)} names a host, which a file URL cannot do here.",
            remedy="Write file:/// with three slashes and the full path.",
        )
    return Path(url2pathname(f"//{parts.netloc}{parts.path}"))


def url_of_path(path: Path) -> str:
    """Return the ``file:`` URL of a path, made absolute, ``..`` removed."""
    return Path(os.path.abspath(path)).as_uri()  # Path.resolve would follow symbolic links.


def _folder_url(path: Path) -> str:
    return url_of_path(path).rstrip("/")


def _has_scheme(text: str) -> bool:
    return bool(_SCHEME.match(text)) and not _WINDOWS_DRIVE.match(text)


def _decoded(text: str | None) -> str | None:
    return None if text is None else unquote(text)


def _shown(text: str) -> str:
    """Return an address that was not understood for an error: it may hold a password where none is looked for."""
    if "@" in text:
        return f"...@{text.rpartition('@')[2]}"
    # Where the "@" is missing, or misspelled, the password stands for the port.
    return _NO_PORT.sub(r"\1:...", text)


def _unknown_index(text: str, project_indexes: Mapping[str, IndexLocation]) -> UsageError:
    shown = _shown(text)
    if any(separator in text for separator in ("\\", "./", "//")) or text.startswith((".", "/", "~")):
        return UsageError(
            f"there is no folder {shown} to take as an index.",
            remedy="Correct the path, or give a URL, a PyTorch channel such as cu126, or pypi.",
        )
    nearest = _nearest_names(text, project_indexes)
    return UsageError(
        f'there is no index named "{shown}".',
        remedy=f"Use {nearest}, or give a URL or an existing folder.",
    )


def _nearest_names(text: str, project_indexes: Iterable[str]) -> str:
    """Name the known indexes that are spelled most alike; else one of each kind."""
    staged = [f"{stage}/{channel}" for stage in _STAGES for channel in CHANNELS]
    known = list(dict.fromkeys([*project_indexes, *CHANNELS, *_STAGES, *staged, DEFAULT_NAME]))
    names = difflib.get_close_matches(text.lower(), known, n=_NEAREST, cutoff=_ALIKE) or [*project_indexes][:_NEAREST]
    names = names or ["cu126", "nightly/cu126", DEFAULT_NAME]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
