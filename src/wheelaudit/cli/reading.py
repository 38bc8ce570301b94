"""ROOF: how every command that reads indexes does it: what answers, what is kept, how hard it is tried.

`reading_options` are the options, `ReadingChoice` what somebody made of them, and
`open_manner` what the landing is handed of it.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from wheelaudit.cli.store import open_store, store_options
from wheelaudit.cli.terminal import is_capable, is_terminal

if TYPE_CHECKING:
    from wheelaudit.session import Manner, Outcome, Watcher

F = TypeVar("F", bound=Callable[..., object])

# The same as the pipeline's, which a help text must not import; a test compares them.
CONCURRENCY = 64
TIMEOUT = 30.0
RETRIES = 3

MAX_CONCURRENCY = 64
"""Streams of one HTTP/2 connection; over HTTP/1.1 the client keeps to fewer connections by itself."""
MAX_RETRIES = 20
"""With the waits between them, several minutes for one request."""
KEYRING_VARIABLE = "UV_KEYRING_PROVIDER"
"""What uv's own option of the name sets: `project.settings` reads it there, for whoever calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingChoice:
    """What the command line says of reading; a field is the option of its name. A command's own options come on top."""

    replay: Path | None
    cache_dir: Path | None
    no_cache: bool
    refresh: bool
    offline: bool
    concurrency: int
    timeout: float
    """Seconds."""
    retries: int
    quiet: bool
    # Not every command has these.
    record: Path | None = None
    no_progress: bool = False
    verbose: int = 0


@contextlib.contextmanager
def open_manner(
    choice: ReadingChoice,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    on_done: Callable[[Outcome], None] | None = None,
) -> Iterator[tuple[Manner, Watcher]]:
    """Hold open what a run reads with: its manner, with the store, and who shows how far it is.

    ``on_done`` prints each outcome as soon as it is there (``--format jsonl``). Raises
    `UsageError` for options that contradict each other.
    """
    # Heavy, and only now needed.
    from wheelaudit.cli.progress import build_watcher
    from wheelaudit.session import Manner

    bar = not (choice.quiet or choice.no_progress) and is_capable(sys.stderr, environ)
    if on_done is not None and is_terminal(sys.stdout):
        bar = False  # lines and a bar on one terminal would overwrite each other
    with (
        open_store(
            cache_dir=choice.cache_dir, no_cache=choice.no_cache, refresh=choice.refresh, offline=choice.offline
        ) as store,
        build_watcher(verbosity=0 if choice.quiet else choice.verbose, bar=bar, on_done=on_done) as watcher,
    ):
        manner = Manner(
            concurrency=choice.concurrency,
            timeout=choice.timeout,
            retries=choice.retries,
            record=choice.record,
            replay=choice.replay,
            store=store,
            refresh=choice.refresh,
            offline=choice.offline,
            environ=environ,
            cwd=cwd,
        )
        yield manner, watcher


def check_finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse a number of seconds that is none."""
    if not math.isfinite(value):
        raise click.BadParameter("it must be a number of seconds.")
    return value


def reading_options(command: F) -> F:
    """Add ``replay``, the options of `store_options`, ``concurrency``, ``timeout``, ``retries``, ``keyring_provider``.

    The last one the command does not hear of: it takes the place of uv's variable while it runs.
    """
    before = click.option(
        "--replay", type=click.Path(path_type=Path), metavar="DIR", help="Answer from a cassette, no network."
    )
    after = (
        click.option(
            "--concurrency",
            type=click.IntRange(1, MAX_CONCURRENCY),
            default=CONCURRENCY,
            metavar="N",
            help=f"Requests at once. [default: {CONCURRENCY}]",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=TIMEOUT,
            callback=check_finite,
            metavar="SECONDS",
            help=f"Longest wait for an answer. [default: {TIMEOUT:.0f}]",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0, MAX_RETRIES),
            default=RETRIES,
            metavar="N",
            help=f"Repetitions of a request that failed. [default: {RETRIES}]",
        ),
        click.option(
            "--keyring-provider",
            type=click.Choice(["disabled", "subprocess"]),
            help="Ask the program keyring for the passwords that nothing else has. [default: as uv is set]",
        ),
    )
    command = _take_keyring(command)
    for option in reversed(after):
        command = option(command)
    return before(store_options(command))


def _take_keyring(command: F) -> F:
    @functools.wraps(command)
    def run(*arguments: object, keyring_provider: str | None, **options: object) -> object:
        if keyring_provider is None:
            return command(*arguments, **options)
        before = os.environ.get(KEYRING_VARIABLE)
        os.environ[KEYRING_VARIABLE] = keyring_provider
        try:
            return command(*arguments, **options)
        finally:
            del os.environ[KEYRING_VARIABLE]
            if before is not None:
                os.environ[KEYRING_VARIABLE] = before

    return cast("F", run)
