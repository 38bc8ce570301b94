"""The pages in a real browser, where one is installed: no script runs, nothing is loaded, a phone shows them whole.

The pages hold no script, so a page around them measures: it has them in a frame of a phone's width.
"""

from __future__ import annotations

import html
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.report.examples import ESCAPES, build_forty, build_hostile, build_torch
from tests.report.hostile import ATTACKS
from tests.report.html_examples import build_failure, build_four_nights, build_hostile_night
from tests.report.test_html import fill
from wheelaudit.report.html import render_html
from wheelaudit.report.nightly_html import render_night_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 120
"""Seconds. A start takes two here; a machine that is busy with other things may need a minute."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")

Dump = Callable[..., str]
"""``dump(page or URL, *switches)``: the document as it is after loading, scripts allowed."""

SCRIPTS = (
    "<script>document.title='RAN'</script>",
    "</title><script>document.title='RAN'</script>",
    "</style></textarea></svg><script>document.title='RAN'</script>",
    "\"><script>document.title='RAN'</script>",
    "'><img src=x onerror=\"document.title='RAN'\">",
    "<svg onload=\"document.title='RAN'\">",
    "<details open ontoggle=\"document.title='RAN'\">x</details>",
    "<iframe srcdoc=\"<script>parent.document.title='RAN'</script>\"></iframe>",
    "\" autofocus tabindex=0 onfocus=\"document.title='RAN'",
    "<meta http-equiv=refresh content=\"0;url=javascript:document.title='RAN'\">",
    "javascript:document.title='RAN'",
)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Dump:
    def run(page: str, *switches: str) -> str:
        folder = tmp_path_factory.mktemp("browser")
        if page.startswith("http://"):
            url = page
        else:
            (folder / "page.html").write_text(page, encoding="utf-8")
            url = (folder / "page.html").as_uri()
        return _run(folder, url, *switches)

    if "<title>RAN</title>" not in run("<!doctype html><title>no</title><script>document.title='RAN'</script>"):
        pytest.skip("the browser does not start here")
    return run


def _run(folder: Path, url: str, *switches: str) -> str:
    assert BROWSER is not None
    # No sandbox: tests may run as root in a container. Nothing but pages of ours is opened.
    fixed = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--dump-dom",
    )
    command = [BROWSER, *fixed, f"--user-data-dir={folder / 'profile'}", *switches, url]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the browser did not answer in time")
    return done.stdout.decode("utf-8", errors="replace")


def find_title(dom: str) -> str:
    match = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert match is not None, dom[:500]
    return html.unescape(match[1])


def build_hostile_pages(text: str) -> tuple[str, str]:
    audit = fill(build_torch(), text)
    return (
        render_html([audit, build_hostile()], failures=[(text, build_failure())]),
        render_night_html(build_hostile_night(audit, text)),
    )


@pytest.mark.parametrize("number", [0, 1], ids=["audits", "night"])
def test_no_script_of_an_index_runs(dump: Dump, number: int) -> None:
    page = build_hostile_pages("".join((*SCRIPTS, *ATTACKS, ESCAPES))[:490])[number]
    dom = dump(page.replace("<details", "<details open"))
    assert find_title(dom).endswith(" · wheelaudit")
    assert not re.search(r"<(script|img|iframe|textarea)\b", dom)


def test_scripts_would_be_stopped_by_the_policy_if_they_were_not_escaped(dump: Dump) -> None:
    page = render_html([build_torch()])
    dom = dump(page.replace("</main>", f"{''.join(SCRIPTS)}</main>"))
    assert "<script>" in dom
    assert find_title(dom).endswith(" · wheelaudit")


def test_script_of_this_test_runs_where_nothing_stops_it(dump: Dump) -> None:
    ran = [find_title(dump(f"<!doctype html><title>no</title><body>{script}")) for script in (SCRIPTS[0], SCRIPTS[4])]
    assert ran == ["RAN", "RAN"]


def measure(pages: Iterable[str], *, widths: Iterable[int], expression: str) -> str:
    """Return a page that has each of ``pages`` in a frame of each width; its title is what the expression says of them.

    The expression is JavaScript over ``page``, a document, and ``view``, its window; what it says is joined by spaces.
    """
    frames = [
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(opened)}"></iframe>'
        for opened in (page.replace("<details", "<details open") for page in pages)
        for width in widths
    ]
    return (
        f'<!doctype html><meta name="color-scheme" content="light dark"><title>no</title>{"".join(frames)}'
        "<script>onload = () => { document.title = [...document.querySelectorAll('iframe')].map(frame => {"
        "const page = frame.contentDocument, view = page.defaultView;"
        f"return {expression}; }}).join(' '); }}</script>"
    )


def test_no_page_scrolls_sideways_on_a_phone(dump: Dump) -> None:
    widths, long = (320, 360), "x" * 480
    pages = [render_html([build_torch(), build_forty()]), render_night_html(build_four_nights()[2])]
    pages += build_hostile_pages(long)
    # Last, a page that does scroll: this is seen.
    pages.append("<!doctype html><body style='margin:0'><div style='width:500px'>x</div>")
    # What is left of the width beside a scroll bar is less than a phone has.
    scrolls = "page.documentElement.scrollWidth > page.documentElement.clientWidth"
    told = find_title(dump(measure(pages, widths=widths, expression=f"`${{view.innerWidth}}:${{{scrolls}}}`")))
    assert told.split() == ["320:false", "360:false"] * 4 + ["320:true", "360:true"]


def test_page_is_dark_where_the_reader_wants_it_dark(dump: Dump) -> None:
    # Two colours say as well that the style sheet is the one that the policy allows.
    wrapper = measure(
        [render_html([build_torch()])],
        widths=[800],
        expression="view.getComputedStyle(page.body).backgroundColor",
    )
    assert find_title(dump(wrapper, "--blink-settings=preferredColorScheme=1")) == "rgb(247, 246, 243)"
    assert find_title(dump(wrapper, "--blink-settings=preferredColorScheme=0")) == "rgb(19, 22, 27)"


@contextmanager
def serve(page: str, seen: list[str]) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/page"
        finally:
            server.shutdown()
            thread.join()


def test_page_loads_nothing_but_itself(dump: Dump) -> None:
    seen: list[str] = []
    attack = "<img src=/attack><link rel=stylesheet href=/attack>"
    with serve(build_hostile_pages(attack)[1].replace("<details", "<details open"), seen) as url:
        assert find_title(dump(url)).endswith(" · wheelaudit")
    assert seen == ["/page"]
