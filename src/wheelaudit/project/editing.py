"""OUTPUT (pure): one ``dependency-metadata`` entry put into a file's text, or taken out of it.

No TOML writer is trusted: the text is cut and joined here, and the whole result parsed
again. It counts only when it means the old document with just this entry changed;
otherwise the file is refused, with the block to paste. Every character outside the
changed spans is the old one, because nothing else is ever written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.arrays import insert_element, remove_element, replace_element
from wheelaudit.project.blocks import Block, parse_block, render_table
from wheelaudit.project.changes import Change, apply_changes, line_end, line_start, newline_of
from wheelaudit.project.documents import PYPROJECT_TABLE
from wheelaudit.project.entries import (
    KEY,
    OWN_COMMENT,
    Layout,
    Place,
    equal_toml,
    parse_layout,
)
from wheelaudit.project.statements import Path, Statement


def apply_entry(text: str, block: str, *, comment: str, table: Path = PYPROJECT_TABLE, file: str = "the file") -> str:
    """Return ``text`` with the entry for the block's project and version put in, or put right.

    ``block`` is the entry under its header (`report.toml.render_override`), ``comment`` the
    line of `blocks.build_comment`; ``file`` names the text in errors. Of two entries for the
    release the first is replaced and the others go: uv takes the first. An entry of others
    that says the same already is left to them, and the text is returned as it is.

    Raises `ProjectFileError`, with the block to paste, where the result would not be right.
    """
    if not comment.startswith(OWN_COMMENT) or "\n" in comment:
        raise ValueError(f"not a comment line of ours: {comment!r}")
    new = parse_block(block)
    try:
        return _apply(text, new, comment, table, file)
    except ProjectFileError as error:
        paste = render_table(new, (*table, KEY), [comment]).rstrip()
        remedy = f"{error.remedy or 'Edit it by hand.'} The entry to paste:\n\n{paste}"
        raise ProjectFileError(error.message, remedy=remedy) from error


def remove_entry(
    text: str, name: str, version: Version, *, table: Path = PYPROJECT_TABLE, file: str = "the file"
) -> str:
    """Return ``text`` without any entry for exactly this release, and without our comments above it.

    Comments of others above it stay. Raises `ProjectFileError` where the result would not be right.
    """
    project = canonicalize_name(name)
    layout = parse_layout(text, table=table, file=file)
    while places := _places_for(layout, project, version):
        text = _remove(text, layout, places[-1], file)
        layout = parse_layout(text, table=table, file=file)
    return text


def replace_entry_at(
    text: str, position: int, block: str, *, comment: str, table: Path = PYPROJECT_TABLE, file: str = "the file"
) -> str:
    """Return ``text`` with exactly one entry (`Entry.position`) replaced, whatever others are there for the release.

    Raises `ProjectFileError` where the result would not be right.
    """
    layout = parse_layout(text, table=table, file=file)
    place = layout.places[position]
    comments = [*(each for each in place.inner_comments if not each.startswith(OWN_COMMENT)), comment]
    return _replace(text, layout, place, parse_block(block), comments, file)


def remove_entry_at(text: str, position: int, *, table: Path = PYPROJECT_TABLE, file: str = "the file") -> str:
    """Return ``text`` without exactly one entry (`Entry.position`); our comment above it goes too, others' stay.

    Raises `ProjectFileError` where the result would not be right.
    """
    layout = parse_layout(text, table=table, file=file)
    return _remove(text, layout, layout.places[position], file)


def _apply(text: str, block: Block, comment: str, table: Path, file: str) -> str:
    layout = parse_layout(text, table=table, file=file)
    places = _places_for(layout, block.name, block.version)
    if len(places) == 1 and not places[0].entry.ours and _says_the_same(places[0].entry.table, block):
        return text
    # What people wrote within the entries cannot stay within; it is kept above the new one.
    inner = (each for place in places for each in place.inner_comments)
    comments = [*(each for each in inner if not each.startswith(OWN_COMMENT)), comment]
    while len(places) > 1:
        text = _remove(text, layout, places[-1], file)
        layout = parse_layout(text, table=table, file=file)
        places = _places_for(layout, block.name, block.version)
    if places:
        return _replace(text, layout, places[0], block, comments, file)
    return _insert(text, layout, block, comments, file)


def _places_for(layout: Layout, name: NormalizedName, version: Version) -> list[Place]:
    return [place for place in layout.places if place.entry.is_for(name, version)]


def _says_the_same(table: Mapping[str, Any], block: Block) -> bool:
    """Whether an entry for the same release has the same values, its name and version spelled as they may be."""
    return equal_toml({**table, "name": "", "version": ""}, {**block.table, "name": "", "version": ""})


def _insert(text: str, layout: Layout, block: Block, comments: Sequence[str], file: str) -> str:
    newline = newline_of(text)
    candidates: list[tuple[Change, ...]] = []
    if layout.array is not None:
        candidates.append(insert_element(text, layout.array, block, comments, newline))
    else:
        body = render_table(block, layout.path, comments, newline)
        candidates += ((_insert_lines(text, place, body, newline),) for place in (_home(layout, text), len(text)))
    values = [*(place.value for place in layout.places), block.table]
    return _first_right(text, candidates, layout, values, len(values) - 1, file)


def _replace(text: str, layout: Layout, place: Place, block: Block, comments: Sequence[str], file: str) -> str:
    newline = newline_of(text)
    if layout.array is not None:
        changes = replace_element(text, layout.array, place, block, comments, newline)
    else:
        body = render_table(block, layout.path, comments, newline)
        (_, end), *others = place.spans
        if not text[:end].endswith("\n"):
            body = body.removesuffix(newline)
        changes = (
            Change(start=place.own_start, end=end, text=body),
            *(_remove_lines(text, *span) for span in others),
        )
    values = [each.value for each in layout.places]
    values[place.entry.position] = block.table
    return _first_right(text, [changes], layout, values, place.entry.position, file)


def _remove(text: str, layout: Layout, place: Place, file: str) -> str:
    if layout.array is not None:
        changes = remove_element(text, layout.array, place)
    else:
        (_, end), *others = place.spans
        changes = tuple(_remove_lines(text, *span) for span in ((place.own_start, end), *others))
    values = [each.value for each in layout.places if each is not place]
    return _first_right(text, [changes], layout, values, None, file)


def _home(layout: Layout, text: str) -> int:
    """Return where a new entry goes: behind the last entry, else the last table of uv's, else at the end."""
    table = layout.path[:-1]
    ends = [end for place in layout.places for _, end in place.spans]
    if not ends:
        uses = [
            number
            for number, each in enumerate(layout.statements)
            if each.kind not in {"blank", "comment"} and each.path[: len(table)] == table
        ]
        if not uses or not table:
            return len(text)
        ends = [_table_end(layout.statements, uses[-1])]
    return _behind_comments(layout.statements, max(ends))


def _table_end(statements: Sequence[Statement], number: int) -> int:
    """Return the end of the last assignment in the table that a statement belongs to."""
    end = statements[number].end
    for statement in statements[number + 1 :]:
        if statement.kind in {"table", "array"}:
            break
        if statement.kind == "assignment":
            end = statement.end
    return end


def _behind_comments(statements: Sequence[Statement], position: int) -> int:
    """Go over the comment lines that follow directly, unless they lead to a header: then they are its."""
    end = position
    for statement in statements:
        if statement.start < position or statement.kind == "comment":
            end = max(end, statement.end)
        elif statement.kind == "blank":
            break
        else:
            return position
    return end


def _insert_lines(text: str, position: int, body: str, newline: str) -> Change:
    """Put lines between others, with a blank line on either side where there is none."""
    before, behind = text[:position], text[position:]
    lead = ""
    if before and not before.endswith("\n"):
        # The file has no line end behind its last line, and is not given one.
        lead, body = newline, body.removesuffix(newline)
    if before.strip() and _last_line(before).strip():
        lead += newline
    trail = newline if behind and behind[: line_end(behind, 0)].strip() else ""
    return Change(start=position, end=position, text=lead + body + trail)


def _remove_lines(text: str, start: int, end: int) -> Change:
    """Take lines out; of the blank lines on their two sides, one goes with them."""
    if end == len(text):
        if start and not _last_line(text[:start]).strip():
            start = line_start(text, start - 1)
        if start and not text.endswith("\n"):
            start = len(text[:start].removesuffix("\n").removesuffix("\r"))
    elif (not start or not _last_line(text[:start]).strip()) and not text[end : line_end(text, end)].strip():
        end = line_end(text, end)
    return Change(start=start, end=end)


def _last_line(text: str) -> str:
    return text[line_start(text, len(text.removesuffix("\n"))) :]


def _first_right(
    text: str,
    candidates: Iterable[tuple[Change, ...]],
    layout: Layout,
    values: list[object],
    position: int | None,
    file: str,
) -> str:
    """Return the first result that means the old document with ``values`` as its entries, the one written ours."""
    meant = _with_values(layout.document, layout.path, values)
    for changes in candidates:
        try:
            new = apply_changes(text, changes)
            found = parse_layout(new, table=layout.path[:-1], file=file)
        except ProjectFileError:
            continue
        right = equal_toml(_without_empty(found.document, layout.path), _without_empty(meant, layout.path))
        if right and (position is None or found.places[position].entry.ours):
            return new
    raise ProjectFileError(
        f"{file} cannot be edited safely: {_obstacle(text, layout)}.",
        remedy=f"Write {'.'.join(layout.path[:-1]) or 'its tables'} under a header of its own, and try again.",
    )


def _with_values(document: Mapping[str, Any], path: Path, values: list[object]) -> dict[str, Any]:
    key, *rest = path
    value = _with_values(document.get(key, {}), tuple(rest), values) if rest else values
    return {**document, key: value}


def _without_empty(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Leave out what is empty along ``path``: tables that only the removed entry's header had made."""
    key, *rest = path
    if key not in document:
        return document
    value = _without_empty(document[key], tuple(rest)) if rest else document[key]
    return {**document, key: value} if value else {each: document[each] for each in document if each != key}


def _obstacle(text: str, layout: Layout) -> str:
    for statement in layout.statements:
        inline = statement.kind == "assignment" and text.startswith("{", statement.value[0])
        if inline and statement.path == layout.path[: len(statement.path)]:
            line = text.count("\n", 0, statement.start) + 1
            return f"{'.'.join(statement.path)} is an inline table (line {line}), which no header can continue"
    return "no place was found where the entry would change nothing else"
