"""`import wheelaudit`: the public names."""

from __future__ import annotations

import datetime
import importlib
from pathlib import Path

import pytest

import wheelaudit
from tests.cli.locks import write_torch_project
from tests.report.examples import LOST
from wheelaudit._version import __version__

pytestmark = pytest.mark.anyio

CASSETTE = Path(__file__).parents[1] / "cassettes" / "torch-2.6.0+cu126"


@pytest.mark.parametrize("name", wheelaudit.__all__)
def test_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(wheelaudit, name)
    if name != "__version__":
        assert value.__doc__
        assert f"`{name}`" in (wheelaudit.__doc__ or "")
        assert value is getattr(importlib.import_module(value.__module__), name)


def test_version_is_that_of_the_distribution() -> None:
    assert wheelaudit.__version__ == __version__


def test_dir_lists_the_public_names() -> None:
    assert set(dir(wheelaudit)) >= set(wheelaudit.__all__)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="'wheelaudit' has no attribute 'nope'"):
        _ = wheelaudit.nope  # type: ignore[attr-defined]


async def test_audit_renders_as_on_the_command_line() -> None:
    (audit,) = await wheelaudit.audit_specs(["torch==2.6.0+cu126"], index=["cu126"], replay=CASSETTE)
    assert isinstance(audit, wheelaudit.Audit)
    assert audit.override is not None
    assert wheelaudit.render_override(audit.override).startswith("[[tool.uv.dependency-metadata]]\n")
    assert wheelaudit.render_json([audit]).startswith('{\n  "schema": 1,')
    assert wheelaudit.render_human([audit], width=80, color=False).startswith("torch==2.6.0+cu126 is INCONSISTENT")


async def test_release_that_was_read_can_be_judged_again_without_network() -> None:
    (audit,) = await wheelaudit.audit_specs(["torch==2.6.0+cu126"], index=["cu126"], replay=CASSETTE)
    assert isinstance(audit, wheelaudit.Audit)
    assert wheelaudit.audit_release(audit.release, audit.readings) == audit


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a lock that lost something."""
    return write_torch_project(tmp_path)


async def test_lock_is_held_against_its_wheels_as_on_the_command_line(project: Path, tmp_path: Path) -> None:
    manner = wheelaudit.Manner(replay=CASSETTE, environ={}, cwd=tmp_path)
    check = await wheelaudit.check_lock(tmp_path / "uv.lock", pyproject=project, manner=manner)
    assert isinstance(check, wheelaudit.LockCheck)
    (torch,) = [release for release in check.releases if release.lock_audit is not None]
    assert isinstance(torch, wheelaudit.CheckedRelease)
    assert torch.lock_audit is not None
    (lost,) = torch.lock_audit.findings
    assert isinstance(lost, wheelaudit.LockFinding)
    assert (lost.id, sorted(lost.requirements)) == ("WA411", sorted(LOST))


async def test_night_is_told_and_remembered(tmp_path: Path) -> None:
    manner = wheelaudit.Manner(replay=CASSETTE, environ={}, cwd=tmp_path)
    with wheelaudit.History.open(tmp_path / "history.sqlite3", create=True) as history:
        night = await wheelaudit.run_night(
            ["torch"], index=["cu126"], history=history, night=datetime.date(2025, 2, 1), manner=manner
        )
        assert isinstance(night, wheelaudit.Night)
        assert night.failures == ()
        (stream,) = night.streams
        assert (stream.audit.release.spec, stream.events) == ("torch==2.6.0+cu126", ())
        known = history.find_last(stream.snapshot.stream)
        assert known is not None
        assert known.version == stream.snapshot.version
