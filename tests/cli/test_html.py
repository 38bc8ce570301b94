"""`wheelaudit SPEC... --format html`: the page, where the command line puts it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import TORCH, Cli
from tests.report.pages import check_page


def test_page_goes_to_the_file_whole(cli: Cli, world: Path) -> None:
    done = cli(*TORCH, "--format", "html", "-o", "report.html")
    assert (done.code, done.out) == (1, "")
    root = check_page((world / "report.html").read_text(encoding="utf-8"))
    (heading,) = root.find("h1")
    assert heading.text == "torch==2.6.0+cu126"


def test_page_tells_what_could_not_be_done_beside_what_could(cli: Cli) -> None:
    done = cli(TORCH[0], "no-such-project==1", *TORCH[1:], "--format", "html")
    assert done.code == 2
    root = check_page(done.out)
    assert "no-such-project==1" in root.text
    assert "Could not be read" in root.text
