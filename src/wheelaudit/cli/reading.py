"""ROOF: the options of every command that reads indexes: what answers, what is kept, how hard it is tried."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from wheelaudit.cli.store import store_options

F = TypeVar("F", bound=Callable[..., object])

# The same as the pipeline's, which a help text must not import; a test compares them.
CONCURRENCY = 64
TIMEOUT = 30.0
RETRIES = 3

MAX_CONCURRENCY = 64
"""Streams of one HTTP/2 connection; over HTTP/1.1 the client keeps to fewer connections by itself."""
MAX_RETRIES = 20
"""With the waits between them, several minutes for one request."""


def check_finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse a number of seconds that is none."""
    if not math.isfinite(value):
        raise click.BadParameter("it must be a number of seconds.")
    return value


def reading_options(command: F) -> F:
    """Add ``replay``, the options of `store_options`, ``concurrency``, ``timeout`` and ``retries``."""
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
    )
    for option in reversed(after):
        command = option(command)
    return before(store_options(command))
