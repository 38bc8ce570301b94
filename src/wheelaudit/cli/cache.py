"""ROOF: ``wheelaudit cache``: where the metadata store is, what it holds, and how to make it smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_never

import click

from wheelaudit.cli.clock import find_today
from wheelaudit.cli.store import cache_dir_option, find_cache_dir
from wheelaudit.cli.terminal import write_stdout

DAYS = 30
"""What was not used for a month is of a release that nobody audits any more; a fetch brings it back."""


@click.command()
@click.argument("action", type=click.Choice(["dir", "info", "prune", "clear"]))
@click.option(
    "--days",
    type=click.IntRange(0),
    default=DAYS,
    metavar="N",
    help=f"With prune: what was not used for N days goes. [default: {DAYS}]",
)
@cache_dir_option
def command(action: Literal["dir", "info", "prune", "clear"], days: int, cache_dir: Path | None) -> int:
    """Look after what wheelaudit keeps of indexes between runs.

    \b
    dir    print the folder
    info   say what is in it
    prune  remove what was not used for a while, and what other versions left
    clear  remove all of it

    All of it can be fetched again; nothing else is in the folder.
    """
    folder = find_cache_dir(cache_dir)
    if action == "dir":
        write_stdout(f"{folder}\n", color=False)
    else:
        write_stdout(_tend(action, folder, days), color=False)
    return 0


def _tend(action: Literal["info", "prune", "clear"], folder: Path, days: int) -> str:
    # Lazy: SQLite.
    from wheelaudit.index.store import Freed, MetadataStore, StoreInfo
    from wheelaudit.report.text import count_of

    def render_info(info: StoreInfo) -> str:
        rows = {
            "folder": str(folder),
            "answers": f"{info.answers:,}",
            "contents": f"{info.bodies:,} ({render_size(info.content)})",
            "on disk": render_size(info.disk),
        }
        return "".join(f"{name:10}{value}\n" for name, value in rows.items())

    def render_freed(freed: Freed) -> str:
        return f"removed {count_of(freed.answers, 'answer')}, {render_size(freed.disk)}\n"

    today = find_today().toordinal()
    with MetadataStore(folder, today=today) as store:
        match action:
            case "info":
                return render_info(store.read_info())
            case "prune":
                return render_freed(store.prune(before=today - days))
            case "clear":
                return render_freed(store.clear())
            case _:
                assert_never(action)


def render_size(size: int) -> str:
    """Return bytes as people read them, in the units of disks (SI)."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
