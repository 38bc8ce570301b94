from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from packaging.utils import NormalizedName

from tests.index.archives import METADATA
from wheelaudit.index.cassettes import read_cassette
from wheelaudit.index.pages import parse_project_page
from wheelaudit.index.rebuild import main, shorten_metadata

UNWANTED = re.compile(rb"registry\.example")


def write_facts(folder: Path) -> Path:
    wheels = [
        {"filename": "demo-1.0+cpu-cp310-cp310-win_amd64.whl", "metadata": "a.metadata", "sha256": "0" * 64},
        {
            "filename": "demo-1.0+cpu-cp311-cp311-win_amd64.whl",
            "metadata": "a.metadata",
            "sha256": None,
            "requires_python": ">=3.10,<4",
            "yanked": "broken <twice>",
        },
    ]
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "a.metadata").write_bytes(METADATA)
    release = {"project": "demo", "version": "1.0+cpu", "wheels": wheels}
    (folder / "release.json").write_text(json.dumps(release), encoding="utf-8")
    return folder


def test_page_advertises_the_hashes_of_the_files_beside_it(tmp_path: Path) -> None:
    main([str(write_facts(tmp_path / "facts")), str(tmp_path / "c"), "--index", "https://index.example/whl/cpu"])
    exchanges = {exchange.url: exchange.body for exchange in read_cassette(tmp_path / "c")}
    url = "https://index.example/whl/cpu/demo/"
    page = parse_project_page(exchanges[url] or b"", content_type="text/html", url=url, project=NormalizedName("demo"))
    assert [link.filename for link in page.links] == [
        "demo-1.0+cpu-cp310-cp310-win_amd64.whl",
        "demo-1.0+cpu-cp311-cp311-win_amd64.whl",
    ]
    for link in page.links:
        assert link.url.startswith("https://index.example/whl/cpu/demo-1.0%2Bcpu-")
        assert hashlib.sha256(exchanges[f"{link.url}.metadata"] or b"").hexdigest() == link.metadata_sha256
    assert [link.sha256 for link in page.links] == ["0" * 64, None]
    assert [link.requires_python for link in page.links] == [None, ">=3.10,<4"]
    assert [link.yanked for link in page.links] == [None, "broken <twice>"]


def test_wheels_may_lie_on_another_host(tmp_path: Path) -> None:
    facts = str(write_facts(tmp_path / "facts"))
    main([facts, str(tmp_path / "c"), "--index", "https://index.example/simple", "--files", "https://files.example/p"])
    urls = [exchange.url for exchange in read_cassette(tmp_path / "c")]
    assert "https://files.example/p/demo/demo-1.0%2Bcpu-cp310-cp310-win_amd64.whl.metadata" in urls


def test_description_and_unwanted_headers_are_dropped() -> None:
    data = b"Name: demo\r\nHome-page: https://registry.example/demo\r\nVersion: 1\r\n\r\nAbout.\r\n"
    assert shorten_metadata(data, UNWANTED, exact=False) == b"Name: demo\r\nVersion: 1\r\n\r\n"


def test_verified_metadata_stays_exact_unless_it_holds_what_is_unwanted() -> None:
    assert shorten_metadata(METADATA, UNWANTED, exact=True) == METADATA
    assert shorten_metadata(METADATA + b"registry.example", UNWANTED, exact=True) != METADATA + b"registry.example"
