"""ROOF: what is shown on stderr while the work goes on: lines, a bar, or nothing."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from wheelaudit.cli.failures import tell
from wheelaudit.index.pages import ProjectPage
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.pipeline import Watcher
from wheelaudit.release import Release
from wheelaudit.report.text import count_of, escape_text

SOURCES = {
    "pep658": ".metadata file",
    "range": "METADATA in the wheel, by Range",
    "file": "METADATA on disk",
    "cache": "cache",
}


class Lines(Watcher):
    """``-v``: a line for each page and wheel, as it is read."""

    def page_read(self, index: str, page: ProjectPage) -> None:
        tell(escape_text(f"page {page.url} ({index}): {count_of(len(page.links), 'file')}"))

    def release_found(self, release: Release) -> None:
        tell(escape_text(f"release {release.spec}: {count_of(len(release.wheels), 'wheel')}"))

    def wheel_read(self, reading: Reading) -> None:
        match reading:
            case WheelMetadata(wheel=wheel, source=source):
                tell(escape_text(f"read {wheel.filename} ({SOURCES[source]})"))
            case UnreadableWheel(wheel=wheel, error=error):
                tell(escape_text(f"unread {wheel.filename}: {error.message}"))


class Bar(Watcher):
    """A bar that counts the wheels of the release being read; on a terminal only, gone at the end."""

    def __init__(self) -> None:
        # Lazy: 27 ms, and most runs are no terminal's.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        # No markup: what is told may come from an index.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("wheels"),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._task = self._progress.add_task("reading the project page", total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def release_found(self, release: Release) -> None:
        self._progress.reset(self._task, total=len(release.wheels), description=escape_text(release.spec))

    def wheel_read(self, reading: Reading) -> None:
        self._progress.advance(self._task)


class Requests(logging.Handler):
    """``-vv``: a line for each request, from what httpx logs: no headers, so no credentials."""

    def emit(self, record: logging.LogRecord) -> None:
        match record.args:
            case (method, url, _, status, _):
                # Without the query: signed links carry their secret there.
                tell(escape_text(f"{method} {str(url).partition('?')[0]}: {status}"))
            case _:
                pass  # another message of httpx


@contextlib.contextmanager
def build_watcher(*, verbosity: int, bar: bool) -> Iterator[Watcher]:
    """Show what is wanted while the block runs: lines (1), requests too (2), else a bar, else nothing."""
    with contextlib.ExitStack() as stack:
        if verbosity > 1:
            stack.enter_context(_logged_requests())
        if verbosity > 0:
            yield Lines()
        elif bar:
            yield stack.enter_context(Bar())
        else:
            yield Watcher()


@contextlib.contextmanager
def _logged_requests() -> Iterator[None]:
    logger = logging.getLogger("httpx")
    handler, level = Requests(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
