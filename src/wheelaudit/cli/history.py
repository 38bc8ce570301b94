"""ROOF: ``wheelaudit history``: what is remembered of other nights: listed, shown, carried from file to file."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import click

from wheelaudit.cli.remembering import find_history_path, history_option
from wheelaudit.cli.terminal import find_width, give_up_stdout, write_output, write_stdout
from wheelaudit.errors import UsageError, WheelAuditError

if TYPE_CHECKING:
    from wheelaudit.history.records import Record
    from wheelaudit.history.store import History
    from wheelaudit.report.lines import Line

SCHEMA_VERSION = 1
"""Of what ``show --format json`` prints. Raised when a script that reads the last one could break."""

# Options of a command below a group would be set as WHEELAUDIT_LIST_HISTORY: they have one name everywhere.
_SETTINGS = {"auto_envvar_prefix": "WHEELAUDIT"}


@click.group(no_args_is_help=False, context_settings=_SETTINGS)
def command() -> None:
    """Look into what `wheelaudit nightly` remembers of other nights, and carry it
    from one file to another.
    """


@command.command("list", context_settings=_SETTINGS)
@history_option
def list_command(history: Path | None) -> int:
    """List what is watched: last build, verdict, what is open."""
    from wheelaudit.report.text import count_of, escape_text

    with _open(history) as opened:
        records = find_last_records(opened)
        info = opened.read_info()
    rows = [
        (
            *(escape_text(text) for text in (str(record.snapshot.stream), str(record.snapshot.version))),
            record.snapshot.verdict,
            record.snapshot.night.isoformat(),
            f"{len(record.open)} open" if record.open else "",
        )
        for record in records
    ]
    counts = (count_of(info.nights, "night"), count_of(info.streams, "stream"), count_of(info.releases, "build"))
    size = f"{info.disk / 1_000_000:,.1f} MB"
    write_stdout(render_table(rows) + f"{', '.join(counts)}, {size}: {escape_text(str(opened.path))}\n", color=False)
    return 0


@command.command("show", context_settings=_SETTINGS)
@click.argument("project", required=False)
@click.option("--index", metavar="NAME", help="Only this index, as `wheelaudit history list` names it.")
@click.option("--night", metavar="DATE", help="The night, as YYYY-MM-DD. [default: the last one]")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json"]),
    default="human",
    help="To read, or all that is kept of it as JSON. [default: human]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@history_option
def show_command(
    project: str | None,
    index: str | None,
    night: str | None,
    output_format: Literal["human", "json"],
    output: Path | None,
    history: Path | None,
) -> int:
    """Show what a night said and told (of PROJECT)."""
    with _open(history) as opened:
        date = _find_night(opened, night)
        records = _select(opened, date, project, index)
    if output_format == "json":
        text = render_json(date, records)
    else:
        text = render_records(date, records, width=find_width(None if output else sys.stdout, os.environ))
    write_output(text, None if output is None or str(output) == "-" else output, color=False)
    return 0


@command.command("export", context_settings=_SETTINGS)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@history_option
def export_command(output: Path | None, history: Path | None) -> int:
    """Write all of it as JSON Lines, for git.

    Sorted, one line a build and night: a new night adds lines at the end.
    """
    from wheelaudit.history.lines import export_lines

    with _open(history) as opened:
        write_pieces(export_lines(opened), None if output is None or str(output) == "-" else output)
    return 0


@command.command("import", context_settings=_SETTINGS)
@click.argument("file", type=click.Path(path_type=Path))
@history_option
def import_command(file: Path, history: Path | None) -> int:
    """Take in what `export` wrote.

    What is there the same is skipped; what is there otherwise is an error, and then
    nothing is taken in. FILE may be - (stdin).
    """
    from wheelaudit.history.lines import import_lines, read_lines
    from wheelaudit.history.store import History
    from wheelaudit.report.text import count_of

    with _read_file(file) as lines, History.open(find_history_path(history), create=True) as opened:
        done = import_lines(opened, read_lines(lines), name=str(file))
    there = f"; {count_of(done.skipped, 'line')} there already" if done.skipped else ""
    write_stdout(f"imported {count_of(done.recorded, 'line')}{there}\n", color=False)
    return 0


def _open(history: Path | None) -> History:
    from wheelaudit.history.store import History

    return History.open(find_history_path(history), create=False)


def find_last_records(history: History) -> tuple[Record, ...]:
    """Find the last record of each stream, sorted by stream."""
    with history.hold_still():
        last = (history.find_last(stream) for stream in history.find_streams())
        found = (history.find_record(each.stream, each.night, each.version) for each in last if each is not None)
        return tuple(record for record in found if record is not None)


def _find_night(history: History, night: str | None) -> datetime.date:
    """Return the night that is meant. Raises `WheelAuditError` where there is none."""
    nights = history.find_nights()
    if night is None and nights:
        return nights[-1]
    if not nights:
        raise WheelAuditError(
            f"{history.path} remembers no night yet.", remedy="Record one: `wheelaudit nightly PROJECT --index NAME`."
        )
    try:
        date = datetime.date.fromisoformat(night or "")
    except ValueError as error:
        raise UsageError(f'"{night}" is not a date.', remedy="Give it as YYYY-MM-DD.") from error
    if date not in nights:
        raise WheelAuditError(
            f"{history.path} remembers nothing of {date}.",
            remedy=f"Give a night that it has, from {nights[0]} to {nights[-1]}.",
        )
    return date


def _select(history: History, night: datetime.date, project: str | None, index: str | None) -> tuple[Record, ...]:
    """Return the records of a night that are asked for. Raises `WheelAuditError` where there are none."""
    from packaging.utils import canonicalize_name

    name = None if project is None else canonicalize_name(project)
    records = tuple(
        record
        for record in history.find_records(night)
        if name in (None, record.snapshot.stream.project) and index in (None, record.snapshot.stream.index)
    )
    if not records:
        what = " ".join(([project] if project else []) + ([f"on {index}"] if index else []))
        raise WheelAuditError(
            f"Nothing is remembered of {what} on the night {night}.",
            remedy="See what is: `wheelaudit history list`.",
        )
    return records


def render_table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return printable cells in columns, a line a row."""
    from wheelaudit.report.lines import cell_width, pad

    rows = list(rows)
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(pad(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def render_json(night: datetime.date, records: Iterable[Record]) -> str:
    """Return the records of a night as one document: each as a line of an export has it."""
    import json

    from wheelaudit.history.records import build_record_document

    document = {
        "schema": SCHEMA_VERSION,
        "night": night.isoformat(),
        "records": [build_record_document(record) for record in records],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def render_records(night: datetime.date, records: Iterable[Record], *, width: int) -> str:
    """Return what a night said and told, to be read."""
    from wheelaudit.report.lines import BLANK, render_lines, title

    lines: list[Line] = [title(f"Night of {night}")]
    for record in records:
        lines += [BLANK, *_render_record(record, width)]
    return render_lines(lines, color=False)


def _render_record(record: Record, width: int) -> Iterator[Line]:
    from wheelaudit.report.lines import paragraph
    from wheelaudit.report.text import count_of, escape_text

    snapshot = record.snapshot
    late = ", read back later" if snapshot.read_back else ""
    wheels = count_of(len(snapshot.release.wheels), "wheel")
    head = f"{snapshot.stream}: {snapshot.version} is {snapshot.verdict} ({wheels}{late})"
    yield from paragraph(escape_text(head), width, hang=2)
    told = {(event.id, event.subject) for event in record.events}
    rows = [(finding.id, "says", finding.message) for finding in snapshot.findings]
    rows += [(event.id, "told", event.message) for event in record.events]
    rows += [
        (each.event.id, f"open since {each.since}, {each.since_version}", each.event.message)
        for each in record.open
        if (each.event.id, each.event.subject) not in told
    ]
    for finding, how, message in rows:
        yield from paragraph(escape_text(f"{finding} {how}: {message}"), width, indent=2, hang=2)


@contextlib.contextmanager
def _read_file(path: Path) -> Iterator[BinaryIO]:
    """Hold a file open for reading. Raises `WheelAuditError` where it cannot be read."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 (what the block itself raises is not this file's)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise WheelAuditError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file that exists and that you may read.",
        ) from error
    with file:
        yield file


def write_pieces(pieces: Iterable[bytes], output: Path | None) -> None:
    """Write data as it comes: a year's export has some hundred megabytes. A file is whole or as it was."""
    if output is not None:
        _replace(output, pieces)
        return
    try:
        sys.stdout.flush()
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except OSError as error:
        give_up_stdout(error)


def _replace(output: Path, pieces: Iterable[bytes]) -> None:
    try:
        # Never replace the link itself: another folder holds the file that was meant.
        target = Path(os.path.realpath(output))
        if target.exists() and not target.is_file():
            with target.open("wb") as file:  # a pipe, a device: written to as it stands
                file.writelines(pieces)
        else:
            _write_beside(target, pieces)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise WheelAuditError(
            f"{output} cannot be written: {getattr(error, 'strerror', None) or error}.",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from error


def _write_beside(target: Path, pieces: Iterable[bytes]) -> None:
    """Write a file beside ``target`` and rename it; a new one is the user's alone, as the history is."""
    import shutil
    import tempfile

    # In the same folder: a rename is one step only within one file system.
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".tmp")
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
