"""ROOF: the metadata store as the command line has it: which folder, which options, opened for one run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from wheelaudit.cli.clock import find_today
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    from wheelaudit.index.store import MetadataStore

F = TypeVar("F", bound=Callable[..., object])

cache_dir_option = click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where metadata and pages are kept. [default: the user's cache folder]",
)


def store_options(command: F) -> F:
    """Add the options of a command that reads indexes: ``cache_dir``, ``no_cache``, ``refresh``, ``offline``."""
    options = (
        cache_dir_option,
        click.option("--no-cache", is_flag=True, help="Neither read nor write what is kept between runs."),
        click.option("--refresh", is_flag=True, help="Ask again for everything, and keep it."),
        click.option("--offline", is_flag=True, help="No connections: only what is kept already."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_store_options(*, no_cache: bool, refresh: bool, offline: bool) -> None:
    """Raise `UsageError` for options that contradict each other."""
    if offline and no_cache:
        raise UsageError(
            "--offline reads only what is kept, and --no-cache leaves it unread.", remedy="Leave one of them out."
        )
    if offline and refresh:
        raise UsageError("--refresh asks for everything, and --offline for nothing.", remedy="Leave one of them out.")


def find_cache_dir(cache_dir: Path | None) -> Path:
    """Return the folder: the option (or WHEELAUDIT_CACHE_DIR), else the user's own.

    Raises `UsageError` where the user has none (in a container, a number without a home).
    """
    folder = cache_dir or _find_default()
    if folder is None:
        raise UsageError("There is no home folder, and so no cache folder.", remedy="Name one with --cache-dir.")
    return folder


def _find_default() -> Path | None:
    # Lazy: 5 ms, and most of what the command line does keeps nothing.
    from platformdirs import user_cache_path

    folder = user_cache_path("wheelaudit", appauthor=False)
    return folder if folder.is_absolute() else None  # "~" stays "~" where nobody is at home


@contextlib.contextmanager
def open_store(
    *, cache_dir: Path | None, no_cache: bool, refresh: bool, offline: bool
) -> Iterator[MetadataStore | None]:
    """Hold the store open for one run; None with ``--no-cache``, and where there is no folder for it.

    Nothing is made or read before it is needed.

    Raises `UsageError` for options that contradict each other.
    """
    check_store_options(no_cache=no_cache, refresh=refresh, offline=offline)
    folder = None if no_cache else cache_dir or _find_default()
    if folder is None:
        yield None
        return
    from wheelaudit.index.store import MetadataStore

    with MetadataStore(folder, today=find_today().toordinal()) as store:
        yield store
