"""ROOF: which file is the history: the option of every command that reads or writes it."""

from __future__ import annotations

from pathlib import Path

import click

from wheelaudit.errors import UsageError

FILE = "history.sqlite3"

history_option = click.option(
    "--history",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where nights are remembered. [default: in the user's data folder]",
)


def find_history_path(history: Path | None) -> Path:
    """Return the file: the option (or WHEELAUDIT_HISTORY), else the user's own.

    Raises `UsageError` where the user has no home folder.
    """
    if history is not None:
        return history
    # Lazy: 5 ms, and most commands remember nothing.
    from platformdirs import user_data_path

    folder = user_data_path("wheelaudit", appauthor=False)
    if not folder.is_absolute():  # "~" stays "~" where nobody is at home
        raise UsageError("There is no home folder, and so no history.", remedy="Name one with --history.")
    return folder / FILE
