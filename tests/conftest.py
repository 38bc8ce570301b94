"""What every test may ask for: the asyncio backend, golden files, hypothesis profiles."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, str | bytes], None]
"""``golden(name, actual)``: hold ``actual`` against the bytes of tests/golden/NAME."""

# No deadlines: how long a busy machine takes says nothing about the code. In CI the same
# examples every time, so that a failure belongs to the change it appears with.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/ with what the tests give now")


@pytest.fixture
def anyio_backend() -> str:
    """The one event loop that wheelaudit runs on."""
    return "asyncio"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare with a golden file; under ``--update-golden`` write it and pass."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, actual: str | bytes) -> None:
        compare_with_golden(GOLDEN / name, actual, update=update)

    return compare


def compare_with_golden(path: Path, actual: str | bytes, *, update: bool) -> None:
    """Fail unless the file holds exactly these bytes; text is compared as UTF-8."""
    data = actual.encode() if isinstance(actual, str) else actual
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    if not path.is_file():
        pytest.fail(f"there is no golden file {path}: look at the output, then run with --update-golden")
    expected = path.read_bytes()
    # As text first: pytest shows which lines differ.
    assert data.decode(errors="replace") == expected.decode(errors="replace"), f"differs from {path.name}"
    assert data == expected
