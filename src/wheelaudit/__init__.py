"""wheelaudit as a library: read every wheel of a release, and say where they disagree.

    import anyio, wheelaudit

    (audit,) = anyio.run(wheelaudit.audit_specs, ["torch==2.6.0+cu126"])
    if isinstance(audit, wheelaudit.Audit) and audit.override is not None:
        text = wheelaudit.render_override(audit.override)

What goes in
    `audit_specs`      SPECs and indexes, as the command line takes them -> an `Audit` or a `Failure` each (async)
    `check_lock`       a uv.lock or pylock.toml -> a `LockCheck` (async)
    `run_night`        projects, nightly indexes and a `History` -> a `Night`, which it remembers (async)
    `audit_release`    a `Release` and what its wheels say -> an `Audit` (pure: no network, no files)
    `Release`, `WheelFile`; `WheelMetadata` or `UnreadableWheel`, one per wheel
    `Manner`           how `check_lock` and `run_night` read indexes: a cassette, a store, how hard it is tried
    `Watcher`          is told how far any of the three is

What comes out
    `Audit`            verdict, findings, impact, and with an inconsistent release the override and its proof
    `Finding`, `Override`, `Proof`, `Failure`
    `LockCheck`        of each release of a lock a `CheckedRelease`, with a `LockFinding` for what it lost or gained
    `Night`            of each row of builds tonight's audit, and an `Event` for what is told for the first time
    `render_human`, `render_json`, `render_override`
    `WheelAuditError`  the root of every failure that is foreseen: ``message`` and ``remedy``

Nothing is imported before it is asked for, so ``import wheelaudit`` costs next to
nothing. Other names of the package may change without notice.
"""

from __future__ import annotations

from wheelaudit._version import __version__

# Not typing's: that import would cost more than all of this. Type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wheelaudit.audit.audit import audit_release
    from wheelaudit.audit.values import Audit, Finding, LockFinding, Override, Proof
    from wheelaudit.errors import WheelAuditError
    from wheelaudit.history.store import History
    from wheelaudit.history.values import Event, Night
    from wheelaudit.locking import CheckedRelease, LockCheck, check_lock
    from wheelaudit.metadata import UnreadableWheel, WheelMetadata
    from wheelaudit.nightly import run_night
    from wheelaudit.pipeline import Failure, Watcher, audit_specs
    from wheelaudit.release import Release, WheelFile
    from wheelaudit.report.human import render_human
    from wheelaudit.report.json import render_json
    from wheelaudit.report.toml import render_override
    from wheelaudit.session import Manner

__all__ = [
    "Audit",
    "CheckedRelease",
    "Event",
    "Failure",
    "Finding",
    "History",
    "LockCheck",
    "LockFinding",
    "Manner",
    "Night",
    "Override",
    "Proof",
    "Release",
    "UnreadableWheel",
    "Watcher",
    "WheelAuditError",
    "WheelFile",
    "WheelMetadata",
    "__version__",
    "audit_release",
    "audit_specs",
    "check_lock",
    "render_human",
    "render_json",
    "render_override",
    "run_night",
]

_HOMES = {
    "Audit": "audit.values",
    "CheckedRelease": "locking",
    "Event": "history.values",
    "Failure": "pipeline",
    "Finding": "audit.values",
    "History": "history.store",
    "LockCheck": "locking",
    "LockFinding": "audit.values",
    "Manner": "session",
    "Night": "history.values",
    "Override": "audit.values",
    "Proof": "audit.values",
    "Release": "release",
    "UnreadableWheel": "metadata",
    "Watcher": "pipeline",
    "WheelAuditError": "errors",
    "WheelFile": "release",
    "WheelMetadata": "metadata",
    "audit_release": "audit.audit",
    "audit_specs": "pipeline",
    "check_lock": "locking",
    "render_human": "report.human",
    "render_json": "report.json",
    "render_override": "report.toml",
    "run_night": "nightly",
}
"""Public name -> the module it lives in."""


if not TYPE_CHECKING:  # or every misspelt name would pass for one that exists

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for (PEP 562)."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
