"""LANDING: the overrides that a project already has, held against their indexes.

Are they current, needed, in effect? What the files alone tell (WA403, WA404, and WA402
by the lock) is told without asking an index; the rest is an audit of each release that
an entry is for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelaudit.audit.upkeep import Upkeep, hold_override
from wheelaudit.audit.uv import keeps_for_good
from wheelaudit.audit.values import Audit, Finding, Override
from wheelaudit.errors import UsageError, WheelAuditError
from wheelaudit.patching import Patch, put_overrides, read_patch, remove_at, replace_at
from wheelaudit.pipeline import Failure, Outcome
from wheelaudit.project.configuration import Cause, Configuration, Shadowed
from wheelaudit.project.entries import Entry
from wheelaudit.project.lockfile import LockedRelease
from wheelaudit.project.settings import ProjectSettings
from wheelaudit.project.statements import Path as TomlPath
from wheelaudit.project.targets import read_locked, read_overridden

Status = Literal["current", "stale", "unneeded", "ineffective", "shadowed", "unknown", "failed"]
"""Right; not what the wheels ask for; needless; without effect; in a file that uv does not read; some wheel is unread;
the release could not be audited at all."""

AuditSpecs = Callable[[Sequence[str]], Awaitable[Sequence[Outcome]]]
"""`pipeline.audit_specs` with everything but the SPECs settled."""

_CAUSES: dict[Cause, str] = {
    "uv.toml": "the uv.toml beside it takes the place of all of [tool.uv]",
    "member": "uv reads this table of the workspace's root only",
    "UV_CONFIG_FILE": "UV_CONFIG_FILE names another file",
    "UV_NO_CONFIG": "UV_NO_CONFIG is set",
}


Mending = Literal["replaced", "removed", "moved"]
"""What mending did with an entry: to another file, or to another version, is moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEntry:
    """One entry, and what became of it."""

    file: Path
    entry: Entry
    status: Status
    findings: tuple[Finding, ...] = ()
    audit: Audit | None = None
    """Of the release that it is for; None where the files alone settled it, or it could not be audited."""
    upkeep: Upkeep | None = None
    """Its evaluation; there where `audit` is."""
    mending: Mending | None = None
    """What would put it right; None where that is for a person to decide."""
    instead: tuple[Audit, ...] = ()
    """Of the releases whose overrides mending puts in its place: in this file, or for ``moved`` in the one that
    uv reads."""
    error: WheelAuditError | None = None
    """Why the release could not be audited."""

    @property
    def label(self) -> str:
        """``torch 2.6.0+cu126``, as people call it."""
        name = self.entry.name or "an entry without a name"
        version = "(all versions)" if self.entry.all_versions else str(self.entry.version or "(version not understood)")
        return f"{name} {version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """All entries of a project, in the order of its files."""

    entries: tuple[CheckedEntry, ...]
    patches: Mapping[Path, Patch]
    """The files that hold them, nothing changed yet; the one that uv reads comes first."""
    target: Path | None
    """The file that uv reads; None: it reads none (UV_NO_CONFIG)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What putting right comes to."""

    patches: tuple[Patch, ...]
    """The files that change, in the order in which to write them: an entry is in the new place before it leaves
    the old one."""
    entries: tuple[CheckedEntry, ...]
    """Those that are put right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lock:
    """What uv.lock says: the releases, and the overrides that it was made with."""

    releases: tuple[LockedRelease, ...]
    overridden: frozenset[tuple[NormalizedName, Version | None]]


async def check_project(settings: ProjectSettings, audit_specs: AuditSpecs) -> Check:
    """Hold every entry of the project against its index.

    Raises `UsageError` and `ProjectFileError` where the project's files cannot be read.
    """
    configuration, workspace = settings.configuration, settings.workspace
    if configuration is None or workspace is None:
        raise UsageError("There is no project to check.", remedy="Name its pyproject.toml.")
    files = [*_find_files(configuration)]
    patches = {path: read_patch(path, table) for path, table in files}
    found = [(path, patch.find_entries()) for path, patch in patches.items()]
    lock = _Lock(releases=read_locked(workspace), overridden=read_overridden(workspace))
    specs = (spec for _, entries in found for entry in entries for spec in _find_specs(entry, entries, lock))
    outcomes = await audit_specs(list(dict.fromkeys(specs)))
    shadowed = {each.path: each for each in configuration.shadowed}
    checked: list[CheckedEntry] = []
    for path, entries in found:
        for entry in entries:
            held = _check_entry(path, entry, entries, lock, outcomes)
            checked.append(_shadow(held, shadowed[path], configuration) if path in shadowed else held)
    return Check(entries=tuple(checked), patches=patches, target=configuration.path)


def mend(check: Check, *, every: bool) -> Mended:
    """Put right what can be: our own entries, or with ``every`` all of them; entries without findings stay.

    Raises `ProjectFileError` where a file cannot be edited safely.
    """
    patches = dict(check.patches)
    done = [
        each
        for each in check.entries
        if each.mending is not None and each.findings and (every or each.entry.ours) and each.file in patches
    ]
    # From the last to the first: what is removed changes the position of none that is still to come.
    for each in sorted(done, key=lambda each: -each.entry.position):
        patch, position = patches[each.file], each.entry.position
        own = next((audit for audit in each.instead if each.mending == "replaced"), None)
        if own is not None and own.override is not None:
            patches[each.file] = replace_at(patch, position, own, own.override)
        else:
            patches[each.file] = remove_at(patch, position, each.label)
    for each in done:
        target = check.target
        if each.mending == "moved" and target is not None:
            patches[target] = _put_missing(patches[target], each.instead)
    return Mended(patches=tuple(patch for patch in patches.values() if patch.changes), entries=tuple(done))


def _put_missing(patch: Patch, audits: Iterable[Audit]) -> Patch:
    """Put in overrides of releases that have no entry at all; one that is there is judged for itself."""
    there = patch.find_entries()
    return put_overrides(
        patch,
        [
            audit
            for audit in audits
            if not any(each.is_for(audit.release.project, audit.release.version) for each in there)
        ],
    )


def _find_files(configuration: Configuration) -> Iterator[tuple[Path, TomlPath]]:
    """Yield the file that uv reads, then those that it could read but does not."""
    if configuration.path is not None:
        yield configuration.path, configuration.table
    for shadowed in configuration.shadowed:
        yield shadowed.path, shadowed.table


def _check_entry(
    file: Path, entry: Entry, entries: Sequence[Entry], lock: _Lock, outcomes: Sequence[Outcome]
) -> CheckedEntry:
    """Hold an entry against the files, then against the audits of the releases that it is for."""
    finding = _judge_by_files(entry, entries, lock)
    if finding is None:
        return _judge_by_index(file, entry, outcomes, entries, lock)
    if finding.id == "WA402":
        return CheckedEntry(file=file, entry=entry, status="unneeded", findings=(finding,), mending="removed")
    mending, instead = _find_mending(entry, entries, lock, outcomes)
    return CheckedEntry(
        file=file, entry=entry, status="ineffective", findings=(finding,), mending=mending, instead=instead
    )


def _find_mending(
    entry: Entry, entries: Sequence[Entry], lock: _Lock, outcomes: Sequence[Outcome]
) -> tuple[Mending | None, tuple[Audit, ...]]:
    """Say what puts an entry right that has no effect."""
    if _find_first(entry, entries) is not entry:
        return "removed", ()
    if entry.name is None or entry.version is None:
        return None, ()
    audits = _find_audits(entry, outcomes)
    own = next((audit for audit in audits if audit.release.version == entry.version), None)
    if entry.faults:
        if own is None or own.verdict == "undecided" or (own.verdict == "inconsistent" and own.override is None):
            return None, ()
        return ("replaced", (own,)) if own.override is not None else ("removed", ())
    versions = {each.version for each in lock.releases if each.project == entry.name}
    local = [
        audit
        for audit in audits
        if audit.release.version.public == entry.version.public and (not versions or audit.release.version in versions)
    ]
    return _move(local)


def _find_audits(entry: Entry, outcomes: Sequence[Outcome]) -> list[Audit]:
    """Return the audits of an entry's project: of each release one, that of the most wheels."""
    found: dict[Version, Audit] = {}
    for each in outcomes:
        if isinstance(each, Audit) and each.release.project == entry.name:
            before = found.setdefault(each.release.version, each)
            if len(before.release.wheels) < len(each.release.wheels):
                found[each.release.version] = each
    return list(found.values())


def _move(audits: Sequence[Audit]) -> tuple[Mending | None, tuple[Audit, ...]]:
    """Say whether what an entry was meant for is known: then its overrides take the entry's place."""
    if not audits or any(audit.verdict != "consistent" and audit.override is None for audit in audits):
        return None, ()
    instead = tuple(audit for audit in audits if audit.override is not None)
    return ("moved" if instead else "removed"), instead


def _find_first(entry: Entry, entries: Sequence[Entry]) -> Entry:
    """Return the entry that uv takes for what ``entry`` is for."""
    return next(
        each
        for each in entries
        if (each.name, each.version, each.all_versions) == (entry.name, entry.version, entry.all_versions)
    )


def _judge_by_files(entry: Entry, entries: Sequence[Entry], lock: _Lock) -> Finding | None:
    """Say what the project's files alone tell of an entry; None where an index must be asked."""
    if entry.faults:
        faults = " ".join(fault.message for fault in entry.faults)
        return Finding(
            id="WA403",
            message=f"uv drops all of its settings over this entry, the indexes and the other entries too: {faults}",
            help="Correct the entry, or take the one that wheelaudit writes.",
        )
    first = _find_first(entry, entries)
    if first is not entry:
        return Finding(
            id="WA403",
            message=f"uv takes the first of two entries for one version: the one in line {first.line}.",
            help="Remove one of them.",
        )
    if entry.name is None or entry.version is None:
        return None
    return _judge_by_lock(entry.name, entry.version, lock)


def _judge_by_lock(name: NormalizedName, version: Version, lock: _Lock) -> Finding | None:
    """WA403 for a version without its local part, WA402 for a release that is not locked; None without a lock."""
    versions = sorted({each.version for each in lock.releases if each.project == name})
    if not lock.releases or version in versions:
        return None
    local = [each for each in versions if each.local and each.public == version.public]
    if local and version.local is None:
        return _without_local(version, local)
    if (name, version) not in lock.overridden:
        return None  # The lock is older than the entry: the next one may lock the release.
    others = f"it locks {', '.join(map(str, versions))}" if versions else "it does not lock this project at all"
    return Finding(
        id="WA402",
        message=f"The project does not lock {name} {version}: {others}.",
        help="Remove the entry.",
    )


def _without_local(version: Version, local: Iterable[Version]) -> Finding:
    return Finding(
        id="WA403",
        message=f"The entry is for {version} exactly, and uv does not apply it to {', '.join(map(str, local))}.",
        help="Write the version with its local part.",
    )


def _find_specs(entry: Entry, entries: Sequence[Entry], lock: _Lock) -> tuple[str, ...]:
    """Return the SPECs of the releases that an entry is for, none where no audit would tell more.

    One without version is for all that are locked.
    """
    finding = _judge_by_files(entry, entries, lock)
    if entry.name is None or (finding is not None and finding.id == "WA402"):
        return ()
    if entry.version is not None:
        return (f"{entry.name}=={entry.version}",)
    if not entry.all_versions:
        return ()
    versions = sorted({each.version for each in lock.releases if each.project == entry.name})
    return tuple(f"{entry.name}=={version}" for version in versions) or (str(entry.name),)


def _judge_by_index(
    file: Path, entry: Entry, outcomes: Sequence[Outcome], entries: Sequence[Entry], lock: _Lock
) -> CheckedEntry:
    """Hold an entry against the audits of the releases that it is for."""
    specs = _find_specs(entry, entries, lock)
    errors = [each.error for each in outcomes if isinstance(each, Failure) and each.spec in specs]
    audits = _find_audits(entry, outcomes)
    if entry.version is not None:
        own = [audit for audit in audits if audit.release.version == entry.version]
        local = [audit for audit in audits if audit.release.version.public == entry.version.public]
        if not own and local and not errors and entry.version.local is None:
            finding = _without_local(entry.version, sorted(audit.release.version for audit in local))
            mending, instead = _move(local)
            return CheckedEntry(
                file=file, entry=entry, status="ineffective", findings=(finding,), mending=mending, instead=instead
            )
    else:
        # An entry for one version comes before the one for all.
        taken = {each.version for each in entries if each.name == entry.name}
        own = [audit for audit in audits if audit.release.version not in taken]
        if audits and not own and not errors:
            return CheckedEntry(
                file=file, entry=entry, status="unneeded", findings=(_build_superseded(entry),), mending="removed"
            )
    if errors or not own:
        nothing = WheelAuditError(f"No release was found that the entry for {entry.name} is for.")
        return CheckedEntry(file=file, entry=entry, status="failed", error=errors[0] if errors else nothing)
    held = [(audit, hold_override(audit, _as_override(entry, audit))) for audit in own]
    return _sum_up(file, entry, held)


def _build_superseded(entry: Entry) -> Finding:
    return Finding(
        id="WA402",
        message=f"Every version of {entry.name} that the entry would be for has an entry of its own.",
        help="Remove the entry.",
    )


def _sum_up(file: Path, entry: Entry, held: Sequence[tuple[Audit, Upkeep]]) -> CheckedEntry:
    """Say of an entry what is worst about it: one without version is for several releases."""
    order: list[Status] = ["stale", "unknown", "current", "unneeded"]
    audit, upkeep = min(held, key=lambda each: order.index(each[1].status))
    findings = [_with_cache_hint(each.finding, its) for its, each in held if each.finding is not None]
    if upkeep.status != "unneeded":
        # Where some release needs it, those that need none matter only if it is wrong for them.
        findings = [each.finding for _, each in held if each.finding is not None and each.status == "stale"] + [
            _build_too_wide(its) for its, each in held if each.status == "unneeded" and _is_wrong(each)
        ]
    status: Status = "stale" if findings and upkeep.status == "current" else upkeep.status
    mending: Mending | None = None
    if status == "unneeded":
        mending = "removed"
    elif status == "stale" and entry.version is not None and audit.override is not None:
        mending = "replaced"
    return CheckedEntry(
        file=file,
        entry=entry,
        status=status,
        findings=tuple(findings),
        audit=audit,
        upkeep=upkeep,
        mending=mending,
        instead=(audit,) if mending == "replaced" else (),
    )


def _is_wrong(upkeep: Upkeep) -> bool:
    return upkeep.proof is not None and bool(upkeep.proof.deviations)


def _build_too_wide(audit: Audit) -> Finding:
    return Finding(
        id="WA401",
        message=f"The entry is for all versions, and not what {audit.release.spec} asks for, which needs no override.",
        help="Give the entry the version that it was made for.",
    )


def _with_cache_hint(finding: Finding, audit: Audit) -> Finding:
    """Add what makes uv read again: where files never change by its book, it does not by itself."""
    if finding.id != "WA402" or not keeps_for_good(audit.release):
        return finding
    clean = f"Then run `uv cache clean {audit.release.project}`: uv keeps what it once read there."
    return replace(finding, help=f"{finding.help} {clean}")


def _as_override(entry: Entry, audit: Audit) -> Override:
    """Return an entry as the value it stands for; `Entry.faults` is empty, so its values are of the right kind."""
    table = entry.table
    extras: Iterable[str] = table.get("provides-extras", table.get("provides-extra", ()))
    return Override(
        name=audit.release.project,
        version=audit.release.version,
        requires_python=table.get("requires-python"),
        requires_dist=tuple(table.get("requires-dist", ())),
        provides_extras=tuple(canonicalize_name(extra) for extra in extras),
    )


def _shadow(held: CheckedEntry, shadowed: Shadowed, configuration: Configuration) -> CheckedEntry:
    """Say of an entry in a file that uv does not read that it has no effect, and where it belongs if anywhere.

    What a variable shadows stays: without the variable it counts again.
    """
    member = shadowed.cause == "member"
    where = "Remove the entry" if configuration.path is None else f"Move the entry to {configuration.path}"
    finding = Finding(
        id="WA403" if member else "WA404",
        message=f"The entry has no effect: {_CAUSES[shadowed.cause]}.",
        help=f"{where}.",
    )
    mending, instead = held.mending, held.instead
    if shadowed.cause not in ("member", "uv.toml"):
        mending, instead = None, ()
    elif held.status in ("current", "stale") and held.audit is not None and held.audit.override is not None:
        mending, instead = "moved", (held.audit,)
    elif mending == "replaced":
        mending = "moved"
    return replace(
        held,
        status="ineffective" if member else "shadowed",
        findings=(finding,),
        upkeep=None,
        mending=mending,
        instead=instead,
        error=None,
    )
