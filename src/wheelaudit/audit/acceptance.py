"""WING A (pure): whether uv can read what an override says.

Over one value that it cannot parse uv drops all of ``[tool.uv]``, its indexes too, and goes on:
an override with such a value would be worse than none. Source: uv 0.13.8, tried; `packaging`
takes more than it does. What is not known to be taken is not handed out.
"""

from __future__ import annotations

import re

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from wheelaudit.audit.values import Override
from wheelaudit.markers import comparisons
from wheelaudit.metadata import parse_requirement_line

MAX_NUMBER = 2**63 - 1
"""Of a version's parts, its local part excepted: uv has 64 bits for each, and keeps some numbers for itself."""

# Schemes in lower case, a host that is a name, and a file whose kind its name tells.
_FILE_URL = re.compile(
    r"(?:https?://(?:[\w.~%-]+(?::[\w.~%-]*)?@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,4})?|file://)"
    r"/[\w./~%+@=-]*\.(?:whl|zip|tar\.gz|tar\.bz2|tar\.xz|tgz)(?:#\w+=[\w.-]+)?",
    re.ASCII,
)
_GIT_URL = re.compile(
    r"git\+(?:https|ssh)://(?:[\w.-]+@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/[\w./-]+(?:@[\w./-]+)?(?:#\w+=[\w./-]+)?",
    re.ASCII,
)
_EMPTY_BRACKETS = re.compile(r"\(\s*\)")


def find_refused(override: Override) -> str | None:
    """Return the first value of ``override`` that uv may not be able to read; None where it can read all."""
    if not _is_version(str(override.version)):
        return str(override.version)
    bound = override.requires_python
    if bound is not None and not is_bound_read(bound):
        return bound
    return next((text for text in override.requires_dist if not is_requirement_read(text)), None)


def is_bound_read(text: str) -> bool:
    """Whether uv reads a Requires-Python that `packaging` takes."""
    parts = text.split(",")
    return text == "" or (all(part.strip() for part in parts) and _is_specifier(SpecifierSet(text)))


def is_requirement_read(text: str) -> bool:
    """Whether uv reads a requirement that `metadata.parse_requirement_line` takes."""
    line = parse_requirement_line(text)
    url = line.key.url
    if url is not None and not (_FILE_URL.fullmatch(url) or _GIT_URL.fullmatch(url)):
        return False
    if any(each.op == "===" for each in comparisons(line.marker)):
        return False
    return _is_specifier(line.key.specifier) and not _EMPTY_BRACKETS.search(text.partition(";")[0])


def _is_specifier(specifier: SpecifierSet) -> bool:
    # "===" may compare texts (PEP 440), and uv knows versions only.
    return all(
        _is_version(each.version if each.operator == "===" else each.version.removesuffix(".*")) for each in specifier
    )


def _is_version(text: str) -> bool:
    try:
        version = Version(text)
    except InvalidVersion:
        return False
    numbers = (version.epoch, *version.release, version.post, version.dev, version.pre and version.pre[1])
    return text.isascii() and all((number or 0) <= MAX_NUMBER for number in numbers)
