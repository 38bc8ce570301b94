"""ROOF: what is shown on stderr while the work goes on: lines, a bar, or nothing."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence

from wheelaudit.cli.failures import tell
from wheelaudit.index.pages import ProjectPage
from wheelaudit.metadata import Reading, UnreadableWheel, WheelMetadata
from wheelaudit.pipeline import Failure, Outcome, Watcher
from wheelaudit.release import Release
from wheelaudit.report.text import count_of, escape_text

SOURCES = {
    "pep658": ".metadata file",
    "range": "METADATA in the wheel, by Range",
    "file": "METADATA on disk",
    "cache": "cache",
}


REFRESHES = 5
"""A second: a count of thousands runs on smoothly, and the terminal does not flicker."""


class Lines(Watcher):
    """``-v``: a line for each page and wheel, as it is read."""

    def page_read(self, index: str, page: ProjectPage) -> None:
        tell(escape_text(f"page {page.url} ({index}): {count_of(len(page.links) + page.unwanted, 'file')}"))

    def release_found(self, release: Release) -> None:
        tell(escape_text(f"release {release.spec}: {count_of(len(release.wheels), 'wheel')}"))

    def wheel_read(self, reading: Reading) -> None:
        match reading:
            case WheelMetadata(wheel=wheel, source=source):
                tell(escape_text(f"read {wheel.filename} ({SOURCES[source]})"))
            case UnreadableWheel(wheel=wheel, error=error):
                tell(escape_text(f"unread {wheel.filename}: {error.message}"))


class Bar(Watcher):
    """One bar over the wheels of the whole run, however many releases; on a terminal only, gone at the end.

    It stands still but for its numbers: its text is the release where there is one, and
    else how many of them are done. The total grows only when a SPEC has been looked up.
    """

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
            refresh_per_second=REFRESHES,
            # Data goes to stdout meanwhile (JSON Lines): rich would send it to this console, which is stderr.
            redirect_stdout=False,
        )
        self._task = self._progress.add_task("reading the project page", total=None)
        self._releases: list[Release] = []
        self._done = 0

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def releases_found(self, releases: Sequence[Release]) -> None:
        self._releases += releases
        if self._releases:
            total = sum(len(release.wheels) for release in self._releases)
            self._progress.update(self._task, total=total, description=self._describe())

    def wheel_read(self, reading: Reading) -> None:
        self._progress.advance(self._task)

    def release_done(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            return  # told at the end; it may be of a SPEC that never came to a release
        self._done += 1
        self._progress.update(self._task, description=self._describe())

    def _describe(self) -> str:
        if len(self._releases) == 1:
            return escape_text(self._releases[0].spec)
        count = len(self._releases)
        # As wide at the first release as at the last, or the bar would jump.
        return f"{self._done:{len(str(count))}} of {count} releases"


class Told(Watcher):
    """Hands each outcome to ``on_done`` as soon as it is there, and everything on to another watcher."""

    def __init__(self, watcher: Watcher, on_done: Callable[[Outcome], None]) -> None:
        self._watcher = watcher
        self._on_done = on_done

    def page_read(self, index: str, page: ProjectPage) -> None:
        self._watcher.page_read(index, page)

    def releases_found(self, releases: Sequence[Release]) -> None:
        self._watcher.releases_found(releases)

    def release_found(self, release: Release) -> None:
        self._watcher.release_found(release)

    def wheel_read(self, reading: Reading) -> None:
        self._watcher.wheel_read(reading)

    def release_done(self, outcome: Outcome) -> None:
        self._watcher.release_done(outcome)
        self._on_done(outcome)


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
def build_watcher(*, verbosity: int, bar: bool, on_done: Callable[[Outcome], None] | None = None) -> Iterator[Watcher]:
    """Show what is wanted while the block runs: lines (1), requests too (2), else a bar, else nothing.

    ``on_done`` hears of each outcome as soon as it is there (``--format jsonl``).
    """
    with contextlib.ExitStack() as stack:
        if verbosity > 1:
            stack.enter_context(_logged_requests())
        watcher = Watcher()
        if verbosity > 0:
            watcher = Lines()
        elif bar:
            watcher = stack.enter_context(Bar())
        yield watcher if on_done is None else Told(watcher, on_done)


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
