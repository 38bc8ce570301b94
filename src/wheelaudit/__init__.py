"""wheelaudit as a library: read every wheel of a release, and say where they disagree.

    import anyio, wheelaudit

    (audit,) = anyio.run(wheelaudit.audit_specs, ["torch==2.6.0+cu126"])
    if isinstance(audit, wheelaudit.Audit) and audit.override is not None:
        text = wheelaudit.render_override(audit.override)

What goes in
    `audit_specs`      SPECs and indexes, as the command line takes them -> an `Audit` or a `Failure` each (async)
    `audit_release`    a `Release` and what its wheels say -> an `Audit` (pure: no network, no files)
    `Release`, `WheelFile`; `WheelMetadata` or `UnreadableWheel`, one per wheel
    `Watcher`          is told how far `audit_specs` is

What comes out
    `Audit`            verdict, findings, impact, and with an inconsistent release the override and its proof
    `Finding`, `Override`, `Proof`, `Failure`
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
    from wheelaudit.audit.values import Audit, Finding, Override, Proof
    from wheelaudit.errors import WheelAuditError
    from wheelaudit.metadata import UnreadableWheel, WheelMetadata
    from wheelaudit.pipeline import Failure, Watcher, audit_specs
    from wheelaudit.release import Release, WheelFile
    from wheelaudit.report.human import render_human
    from wheelaudit.report.json import render_json
    from wheelaudit.report.toml import render_override

__all__ = [
    "Audit",
    "Failure",
    "Finding",
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
    "render_human",
    "render_json",
    "render_override",
]

_HOMES = {
    "Audit": "audit.values",
    "Failure": "pipeline",
    "Finding": "audit.values",
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
    "render_human": "report.human",
    "render_json": "report.json",
    "render_override": "report.toml",
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
