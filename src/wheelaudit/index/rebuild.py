"""WING B: builds a cassette out of facts about a release, where nobody recorded it.

For developers: ``scripts/rebuild-cassette``. The facts are a folder with
``release.json`` (``project``, ``version`` and per wheel ``filename``, ``sha256``,
``requires_python``, ``yanked``, ``metadata``) and ``metadata/``, the METADATA of each
distinct content. What is written is a project page (PEP 503, 592, 658, 714) and the
``.metadata`` files; the hashes that the page advertises are those of the files written.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from packaging.utils import canonicalize_name

from wheelaudit.index.cassettes import Exchange, write_cassette
from wheelaudit.index.locations import build_location, project_url

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_EXACT = "verified"
"""How the provenance of byte-exact metadata begins: such a file is not shortened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltWheel:
    """One wheel of the page."""

    filename: str
    url: str
    """Absolute."""
    href: str
    """As the page writes it: root-relative, or absolute on the files' host."""
    sha256: str | None
    requires_python: str | None
    yanked: str | None
    metadata: bytes


def rebuild_cassette(
    facts: Path, destination: Path, *, index: str, files: str | None, unwanted: re.Pattern[bytes]
) -> None:
    """Write the cassette of one release.

    ``files`` is where the wheels lie; None: beside the index, as PyTorch has them.
    ``unwanted`` is dropped out of METADATA: the description always goes, but for
    verified files, and header lines that hold it.
    """
    release = json.loads((facts / "release.json").read_text(encoding="utf-8"))
    location = build_location(index, folder=facts)
    project = canonicalize_name(release["project"])
    exact = {row["metadata"] for row in release["wheels"] if str(row.get("provenance", "")).startswith(_EXACT)}
    wheels = [
        _build_wheel(
            row,
            folder=location.url if files is None else f"{files.rstrip('/')}/{project}",
            rooted=files is None,
            metadata=shorten_metadata(
                (facts / "metadata" / row["metadata"]).read_bytes(), unwanted, exact=row["metadata"] in exact
            ),
        )
        for row in release["wheels"]
    ]
    page = render_page(release["project"], wheels, versioned=files is not None)
    exchanges = [_build_exchange(project_url(location, project), page.encode(), "text/html")]
    exchanges += [_build_exchange(f"{wheel.url}.metadata", wheel.metadata, "binary/octet-stream") for wheel in wheels]
    write_cassette(destination, exchanges)


def shorten_metadata(data: bytes, unwanted: re.Pattern[bytes], *, exact: bool) -> bytes:
    """Return METADATA without description and unwanted lines; untouched where ``exact`` and nothing is unwanted."""
    if exact and not unwanted.search(data):
        return data
    blank = _BLANK_LINE.search(data)
    head = data if blank is None else data[: blank.end()]
    return b"".join(line for line in head.splitlines(keepends=True) if not unwanted.search(line))


def render_page(project: str, wheels: Sequence[RebuiltWheel], *, versioned: bool) -> str:
    """Return the project page in the style of PyTorch's index, or (``versioned``) of the public one (PEP 629)."""
    head = '  <head>\n    <meta name="pypi:repository-version" content="1.1">\n  </head>\n' if versioned else ""
    anchors = "".join(f"    {_render_anchor(wheel)}<br/>\n" for wheel in wheels)
    title = html.escape(project)
    return f"<!DOCTYPE html>\n<html>\n{head}  <body>\n    <h1>Links for {title}</h1>\n{anchors}  </body>\n</html>\n"


def _render_anchor(wheel: RebuiltWheel) -> str:
    fragment = "" if wheel.sha256 is None else f"#sha256={wheel.sha256}"
    digest = f"sha256={hashlib.sha256(wheel.metadata).hexdigest()}"
    attributes = {
        "href": f"{wheel.href}{fragment}",
        "data-requires-python": wheel.requires_python,
        "data-yanked": wheel.yanked,
        # PEP 714: both, as every index does.
        "data-dist-info-metadata": digest,
        "data-core-metadata": digest,
    }
    written = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items() if value is not None)
    return f"<a {written}>{html.escape(wheel.filename)}</a>"


def _build_wheel(row: dict[str, str | None], *, folder: str, rooted: bool, metadata: bytes) -> RebuiltWheel:
    filename = str(row["filename"])
    url = f"{folder}/{quote(filename)}"
    return RebuiltWheel(
        filename=filename,
        url=url,
        href=urlsplit(url).path if rooted else url,
        sha256=row.get("sha256"),
        requires_python=row.get("requires_python"),
        yanked=row.get("yanked"),
        metadata=metadata,
    )


def _build_exchange(url: str, body: bytes, content_type: str) -> Exchange:
    return Exchange(method="GET", url=url, range=None, status=200, headers={"content-type": content_type}, body=body)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build one cassette from the command line of ``scripts/rebuild-cassette``."""
    parser = argparse.ArgumentParser(prog="scripts/rebuild-cassette", description="Build a cassette out of facts.")
    parser.add_argument("facts", type=Path, help="folder with release.json and metadata/")
    parser.add_argument("destination", type=Path, help="the cassette, such as cassettes/torch-2.0.0")
    parser.add_argument("--index", required=True, help="address of the index that the page is of")
    parser.add_argument("--files", help="address of the wheels (default: beside the project's folder, as PyTorch's)")
    parser.add_argument("--without", default="(?!)", metavar="REGEX", help="header lines to drop out of METADATA")
    options = parser.parse_args(arguments)
    unwanted = re.compile(options.without.encode(), re.IGNORECASE)
    rebuild_cassette(options.facts, options.destination, index=options.index, files=options.files, unwanted=unwanted)


if __name__ == "__main__":
    main()
