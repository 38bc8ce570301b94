"""LANDING: overrides into the file of a project that uv reads them from.

The audit wing says what an entry is to hold, `report.toml` spells it, `project.editing`
places it; here they meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from wheelaudit.audit.upkeep import hold_override
from wheelaudit.audit.values import Audit, Override
from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.project.blocks import build_comment, parse_block, render_table
from wheelaudit.project.editing import apply_entry, remove_entry_at, replace_entry_at
from wheelaudit.project.entries import KEY, Entry, find_entries
from wheelaudit.project.files import Document, read_document, write_document
from wheelaudit.project.settings import ProjectSettings
from wheelaudit.project.statements import Path as TomlPath
from wheelaudit.report.toml import render_override


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A file of the project as it is, and as it is to be."""

    document: Document
    table: TomlPath
    """Where uv's settings are in it: ``tool.uv``, or in a uv.toml at the top."""
    text: str
    """What it is to hold."""
    entries: tuple[str, ...] = ()
    """The releases (``project==version``) whose entries differ in it."""
    blocks: tuple[str, ...] = ()
    """What was put into it, as somebody would paste it."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.text != self.document.text

    def find_entries(self) -> tuple[Entry, ...]:
        """Return the entries that it is to hold. Raises `ProjectFileError` where that cannot be told."""
        return find_entries(self.text, table=self.table, file=str(self.document.path))


def read_target(settings: ProjectSettings) -> Patch:
    """Return the file that uv reads ``dependency-metadata`` from, nothing changed yet.

    Raises `UsageError` without a project, `ProjectFileError` where uv reads no file at all
    (UV_NO_CONFIG), or the file cannot be read.
    """
    if settings.configuration is None:
        raise UsageError(
            "There is no pyproject.toml here to write an override to.",
            remedy="Name one with --pyproject, or take the block that --format toml prints.",
        )
    if settings.configuration.path is None:
        raise ProjectFileError(
            "UV_NO_CONFIG is set, so uv reads no settings and an override would have no effect.",
            remedy="Unset UV_NO_CONFIG.",
        )
    return read_patch(settings.configuration.path, settings.configuration.table)


def read_patch(path: Path, table: TomlPath) -> Patch:
    """Return a file of the project, nothing changed yet. Raises `ProjectFileError`."""
    document = read_document(path)
    return Patch(document=document, table=table, text=document.text)


def put_overrides(patch: Patch, audits: Iterable[Audit]) -> Patch:
    """Return ``patch`` with the entry of every audit that has an override put in, or put right.

    Raises `ProjectFileError`: with the block to paste where the file cannot be edited safely,
    and where two audits of one release differ, because uv has one entry for both (WA301).
    """
    given = tuple(audits)
    for audit in given:
        if audit.override is None:
            continue
        for other in given:
            if other.release.spec == audit.release.spec and not _is_right_for(audit.override, other):
                raise _build_clash(audit, other)
        patch = _put(patch, audit, audit.override)
    return patch


def _is_right_for(override: Override, audit: Audit) -> bool:
    """Whether an override would do no harm to the release as another audit has it: on another index, say."""
    if override == audit.override:
        return True
    upkeep = hold_override(audit, override)
    return upkeep.proof is not None and upkeep.status != "stale" and not upkeep.proof.deviations


def replace_at(patch: Patch, position: int, audit: Audit, override: Override) -> Patch:
    """Return ``patch`` with the entry at ``position`` replaced by ``override``, which is the audit's."""
    comment, table, file = _build_comment(audit), patch.table, str(patch.document.path)
    block = render_override(override)
    text = replace_entry_at(patch.text, position, block, comment=comment, table=table, file=file)
    return _take(patch, text, audit.release.spec, _spell(patch, block, comment))


def remove_at(patch: Patch, position: int, label: str) -> Patch:
    """Return ``patch`` without the entry at ``position``, which is called ``label`` in `Patch.entries`."""
    text = remove_entry_at(patch.text, position, table=patch.table, file=str(patch.document.path))
    return _take(patch, text, label)


def write_patch(patch: Patch) -> None:
    """Write the file, whole or not at all. Raises `ProjectFileError`, with what to paste where that would help."""
    try:
        write_document(patch.document, patch.text)
    except ProjectFileError as error:
        if not isinstance(error.__cause__, OSError):
            raise  # It changed meanwhile: the remedy is to run this again, not to paste.
        remedy = "Mend that and run this again"
        if patch.blocks:
            remedy += ", or paste this into it:\n\n" + "\n".join(patch.blocks).rstrip()
        raise ProjectFileError(error.message, remedy=remedy if patch.blocks else f"{remedy}.") from error


def _put(patch: Patch, audit: Audit, override: Override) -> Patch:
    comment, block = _build_comment(audit), render_override(override)
    text = apply_entry(patch.text, block, comment=comment, table=patch.table, file=str(patch.document.path))
    return _take(patch, text, audit.release.spec, _spell(patch, block, comment))


def _take(patch: Patch, text: str, entry: str, block: str | None = None) -> Patch:
    if text == patch.text:
        return patch
    return replace(
        patch,
        text=text,
        entries=tuple(dict.fromkeys((*patch.entries, entry))),
        blocks=patch.blocks if block is None else tuple(dict.fromkeys((*patch.blocks, block))),
    )


def _spell(patch: Patch, block: str, comment: str) -> str:
    """Return a block under the header that it has in this file."""
    return render_table(parse_block(block), (*patch.table, KEY), [comment])


def _build_clash(first: Audit, second: Audit) -> ProjectFileError:
    spec = first.release.spec
    sides = [", ".join(each.release.indexes) or "disk" for each in (first, second)]
    indexes = tuple(dict.fromkeys((*first.release.indexes, *second.release.indexes)))
    return ProjectFileError(
        f"{spec} needs another override by its wheels on {sides[0]} than by those on {sides[1]}, "
        "and uv takes one entry for both (WA301).",
        remedy=f"Audit it once, on all of them: wheelaudit {spec} {' '.join(f'--index {name}' for name in indexes)}.",
    )


def _build_comment(audit: Audit) -> str:
    return build_comment(
        project=audit.release.project,
        version=str(audit.release.version),
        indexes=audit.release.indexes,
        wheels=len(audit.release.wheels),
        variants=len(audit.groups),
        deviations=0 if audit.proof is None else len(audit.proof.deviations),
    )
