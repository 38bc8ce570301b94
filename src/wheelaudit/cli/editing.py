"""ROOF: ``--diff``, ``--write`` and ``--check``: what becomes of the project's file, and the exit code that says so."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wheelaudit.cli.failures import tell, tell_error
from wheelaudit.cli.terminal import write_bytes
from wheelaudit.errors import UsageError

if TYPE_CHECKING:
    from wheelaudit.audit.values import Audit
    from wheelaudit.patching import Patch

UNCHANGED, CHANGES, CANNOT, UNDECIDED = 0, 1, 2, 3


def edit_project(
    audits: Sequence[Audit],
    *,
    pyproject: Path | None,
    diff: bool,
    write: bool,
    output: Path | None,
    quiet: bool,
    failed: bool,
    environ: Mapping[str, str],
    cwd: Path,
) -> int:
    """Put the overrides of ``audits`` into the file that uv reads, or say what that would change.

    ``failed``: some other SPEC could not be done at all. Returns the exit code: 2 where
    something could not be done, 1 where ``diff`` or a mere check has found a change, 3 where
    a release is undecided, else 0.
    """
    from wheelaudit.patching import put_overrides, write_patch

    patch = put_overrides(_read_target(pyproject, environ, cwd), audits)
    if diff:
        _write_diff(patch, output, cwd)
    elif write:
        write_patch(patch)
    if audits and not quiet:
        _tell_audits(audits, patch, describe_path(patch.document.path, cwd), written=write)
    unmended = [audit for audit in audits if audit.verdict == "inconsistent" and audit.override is None]
    for audit in unmended:
        clash = next((finding.help for finding in audit.findings if finding.id == "WA301"), None)
        tell_error(f"{audit.release.spec}: {audit.no_override}", remedy=clash or "Pin a release that is consistent.")
    if failed or unmended:
        return CANNOT
    if patch.changes and not write:
        return CHANGES
    return UNDECIDED if any(audit.verdict == "undecided" for audit in audits) else UNCHANGED


def check_target(pyproject: Path | None, *, environ: Mapping[str, str], cwd: Path) -> None:
    """Raise what `edit_project` would raise of the file, whatever the audits come to."""
    _read_target(pyproject, environ, cwd).find_entries()


def _read_target(pyproject: Path | None, environ: Mapping[str, str], cwd: Path) -> Patch:
    from wheelaudit.patching import read_target
    from wheelaudit.project.settings import ProjectSettings, read_project_settings

    if pyproject is None:
        return read_target(ProjectSettings())
    return read_target(read_project_settings(pyproject, environ=environ, cwd=cwd))


def check_choice(*, diff: bool, write: bool, check: bool) -> bool:
    """Return whether the file is meant at all. Raises `UsageError` where two of the three are asked for."""
    if diff + write + check > 1:
        raise UsageError("--diff, --write and --check exclude each other.", remedy="Take one of them.")
    return diff or write or check


def describe_path(path: Path, cwd: Path) -> str:
    """Name a file as somebody in ``cwd`` would: relative to it where it lies below, with ``/``."""
    absolute = Path(os.path.abspath(cwd / path))
    try:
        return absolute.relative_to(os.path.abspath(cwd)).as_posix()
    except ValueError:
        return absolute.as_posix()


def _write_diff(patch: Patch, output: Path | None, cwd: Path) -> None:
    from wheelaudit.project.patches import render_diff

    name = describe_path(patch.document.path, cwd)
    # git takes no path that leads out of its folder: above the working folder, the file's own is where to apply it.
    path = patch.document.path.name if name.startswith("/") or ":" in name else name
    write_bytes(render_diff(patch.document.data, patch.document.encode(patch.text), path), output)


def _tell_audits(audits: Sequence[Audit], patch: Patch, file: str, *, written: bool) -> None:
    """Say on stderr what becomes of each release, in columns."""
    from wheelaudit.report.text import escape_text

    there = {(entry.name, entry.version) for entry in patch.find_entries()}
    specs = [escape_text(audit.release.spec) for audit in audits]
    width = max(map(len, specs), default=0)
    for audit, spec in zip(audits, specs, strict=True):
        has_entry = (audit.release.project, audit.release.version) in there
        done = _describe_edit(audit, changed=audit.release.spec in patch.entries, has_entry=has_entry, written=written)
        tell(f"{spec:<{width}}  {audit.verdict:<12}  {done}")
    if not patch.changes:
        tell(f"{escape_text(file)}: nothing to change")
    elif written:
        tell(f"{escape_text(file)}: written. Now run `uv lock`.")
    else:
        tell(f"{escape_text(file)}: would change ({', '.join(patch.entries)}); --write does it.")


def _describe_edit(audit: Audit, *, changed: bool, has_entry: bool, written: bool) -> str:
    if audit.override is None or audit.proof is None:
        match audit.verdict:
            case "consistent" if has_entry:
                return "has an entry that it does not need: see `wheelaudit check`"
            case "consistent":
                return "needs no entry"
            case "undecided":
                return "some wheel could not be read: nothing done"
            case "inconsistent":
                return "has no override that is right"
    done = ("entry written" if written else "entry to be written") if changed else "entry is there"
    wrong = len(audit.proof.deviations)
    right = f"right in {audit.proof.environments} of {audit.proof.environments} environment/extra pairs"
    return f"{done}, {f'but for {wrong} deviations (WA106)' if wrong else right}"
