"""README: the limits that its table names are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wheelaudit import grid, markers, metadata, release
from wheelaudit.index import cassettes, client, links, network, pages, partial, wire
from wheelaudit.project import documents, locks

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LIMITS = {
    "project page, unpacked": f"{pages.MAX_PAGE_BYTES >> 20} MiB",
    "links of a page": f"{links.MAX_LINKS:,}",
    "METADATA or `.metadata`, unpacked": f"{metadata.MAX_METADATA_BYTES >> 20} MiB",
    "lines of one kind in METADATA": f"{metadata.MAX_LINES:,}",
    "one requirement": f"{metadata.MAX_REQUIREMENT_CHARACTERS:,} characters",
    "parentheses of a marker": f"{markers.MAX_NESTING} deep",
    "central directory of a wheel": f"{partial.MAX_DIRECTORY_BYTES >> 20} MiB",
    "name of a wheel": f"{release.MAX_NAME_CHARACTERS:,} characters",
    "tags of a wheel, multiplied out": f"{release.MAX_TAGS}",
    "environments of a release": f"{grid.MAX_ENVIRONMENTS:,}",
    "requests to a host at once": f"{wire.MAX_STREAMS}, over HTTP/1.1 {network.MAX_CONNECTIONS}",
    "wait for bytes (`--timeout`)": f"{client.DEFAULT_TIMEOUT:g} seconds",
    "one answer": f"{wire.REQUEST_SECONDS:g} seconds and what {wire.SLOWEST_RATE >> 10} KiB a second take",
    "repetitions (`--retries`)": f"{client.DEFAULT_RETRIES}",
    "redirects": f"{wire.MAX_REDIRECTS}",
    "lock": f"{locks.MAX_LOCK_BYTES >> 20} MiB",
    "pyproject.toml, uv.toml": f"{documents.MAX_DOCUMENT_BYTES >> 20} MiB",
    "list of a cassette": f"{cassettes.MAX_EXCHANGES_BYTES >> 20} MiB",
}


def find_rows() -> dict[str, str]:
    table = README.partition("| Limit of | Is | Beyond it |\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| ([^|]+?) +\| ([^|]+?) +\|", table, re.MULTILINE)[1:])


@pytest.mark.parametrize("name", LIMITS)
def test_limit_is_what_the_readme_says(name: str) -> None:
    assert find_rows()[name] == LIMITS[name]


def test_readme_names_no_other_limit() -> None:
    assert {*find_rows()} == {*LIMITS}
