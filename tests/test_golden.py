from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import compare_with_golden


def test_equal_bytes_pass(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_bytes("é\r\n".encode())
    compare_with_golden(tmp_path / "report.txt", "é\r\n", update=False)


@pytest.mark.parametrize("actual", ["other\n", b"same\r\n", b"same\n\xff"])
def test_other_bytes_fail(tmp_path: Path, actual: str | bytes) -> None:
    (tmp_path / "report.txt").write_bytes(b"same\n")
    with pytest.raises(AssertionError):
        compare_with_golden(tmp_path / "report.txt", actual, update=False)
    assert (tmp_path / "report.txt").read_bytes() == b"same\n"


def test_missing_file_fails_and_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="--update-golden"):
        compare_with_golden(tmp_path / "report.txt", "text", update=False)


def test_update_writes_the_bytes_as_they_are(tmp_path: Path) -> None:
    compare_with_golden(tmp_path / "json" / "report.json", "{}\n", update=True)
    assert (tmp_path / "json" / "report.json").read_bytes() == b"{}\n"
