"""A release out of a cassette, audited and locked by the real uv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests import oracle
from tests.releases import build_oracle_wheels, load_release
from tests.uv.conftest import FindIndex
from tests.uv.lock import Run, Uv, find_given
from wheelaudit.audit.audit import audit_release
from wheelaudit.audit.values import Audit
from wheelaudit.report.toml import render_toml


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A release, and a lock of a project that depends on it, without an extra and with each."""

    audit: Audit
    run: Run
    needs: tuple[oracle.Need, ...]
    """Of every environment that a wheel serves, by the second opinion; the lock covers all of them."""

    @property
    def lock(self) -> Mapping[str, Any]:
        assert self.run.status == 0, self.run.stderr
        assert self.run.lock is not None
        return self.run.lock

    def given(self, need: oracle.Need) -> dict[str, Any]:
        return dict(find_given(self.lock, self.audit.release.project, need.target.variables, need.extra))


def lock_release(uv: Uv, release_index: FindIndex, folder: Path, name: str, *, override: bool) -> Locked:
    """Lock the release of cassettes/NAME for every Python that it has a wheel for."""
    release, readings = load_release(name)
    wheels = build_oracle_wheels(readings)
    assert len(wheels) == len(release.wheels)
    needs = {(need.target, need.extra): need for need in oracle.needs(wheels)}
    assert len(needs) > len(wheels), "the second opinion serves too little to tell anything"
    # uv refuses forks without a wheel: the lowest Python that has one is the lowest bound that every release admits.
    lowest = min(Version(need.target.variables["python_version"]) for need in needs.values())
    bound = f">={lowest}"
    audit = audit_release(release, readings, requires_python=SpecifierSet(bound))
    assert audit.override is not None
    run = uv.lock(
        folder,
        release_index(name),
        requires_python=bound,
        dependencies=[release.spec],
        extras={extra: [f"{release.project}[{extra}]=={release.version}"] for extra in oracle.extras_of(wheels)},
        block=render_toml([audit]).text if override else "",
        # The floors of numpy show as versions only where uv takes the lowest that will do.
        options=["-v", *(["--resolution", "lowest"] if release.project == "opencv-python" else [])],
    )
    return Locked(audit=audit, run=run, needs=tuple(needs.values()))
