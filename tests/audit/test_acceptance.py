"""Nothing that uv cannot read is handed out; tests/uv/test_acceptance.py holds the same tables against the real uv."""

from __future__ import annotations

import pytest

from tests.releases import build_reading
from tests.report.examples import audit_readings
from wheelaudit.audit.acceptance import is_bound_read, is_requirement_read
from wheelaudit.audit.values import Audit

READ = [
    *("y", "Y_x.z[A_b]>=1", "y (>=1,<2)", "y>=1,", "y[]", "y==1.0.*", "y!=1!2.0", "y==1.0.dev", "y==v1", "y===1.0+a"),
    *("y; os_name < 'x'", "y; extra == 'a b'", "y; '3' in python_version", "y; python_version == '3.8.x'"),
    *("y @ https://files.example/a-1.zip", "y @ https://u:p@files.example:8080/a-1.tar.gz ; os_name == 'nt'"),
    *(
        "y @ file:///a/b.whl",
        "y @ git+https://git.example/a.git@main#subdirectory=a",
        "y @ git+ssh://git@git.example/a",
    ),
    *("y @ https://files.example/a-1.zip#sha256=ab", f"y=={2**63 - 1}", f"y==1.0+{'9' * 25}"),
]
REFUSED = [
    *("y===foo", "y===1.*.*", "y===é", "y; python_version === '3.1'"),
    *("y @ folder", "y @ x;y", "y @ ftp://files.example/a.zip", "y @ https://[x/a.zip", "y @ https://x:99999/a.zip"),
    *("y @ https://files.example/a", "y @ file:a.zip", "y @ HTTPS://files.example/a.zip"),
    *(f"y=={2**64}", f"y>=1.{'9' * 30}"),
]
SPELLINGS_REFUSED = ["y()", "y ( ) ; os_name == 'nt'"]
"""Requirements that uv would read in another spelling."""
BOUNDS_READ = ["", ">=3.8", ">= 3.8 , <4", "!=3.0.*, !=3.1.*, >=2.7", "==3.*"]
BOUNDS_REFUSED = [">=3.8,", ">=3.8,,<4", ">=3.8, ", "===3.8.*", f"<=3.{'9' * 25}"]


def audit_with(requirement: str, requires_python: str | None = None) -> Audit:
    return audit_readings(
        [
            build_reading("a-1-cp311-cp311-win_amd64.whl", [requirement], requires_python=requires_python),
            build_reading("a-1-cp311-cp311-win_arm64.whl", ["x"], requires_python=requires_python),
        ]
    )


@pytest.mark.parametrize("text", READ)
def test_requirement_that_uv_reads_is_handed_out(text: str) -> None:
    assert is_requirement_read(text)
    assert audit_with(text).override is not None


@pytest.mark.parametrize("text", REFUSED)
def test_requirement_that_uv_cannot_read_leaves_no_override_and_says_why(text: str) -> None:
    assert not is_requirement_read(text)
    audit = audit_with(text)
    assert audit.verdict == "inconsistent"
    assert (audit.override, audit.proof) == (None, None)
    assert "uv would drop all settings" in (audit.no_override or "")


@pytest.mark.parametrize("text", SPELLINGS_REFUSED)
def test_spelling_that_uv_cannot_read_is_known(text: str) -> None:
    assert not is_requirement_read(text)


@pytest.mark.parametrize("text", BOUNDS_READ)
def test_bound_that_uv_reads_is_spelled_as_the_wheel_has_it(text: str) -> None:
    assert is_bound_read(text)
    override = audit_with("y", text).override
    assert override is not None
    assert override.requires_python == (text or None)


@pytest.mark.parametrize(("text", "spelled"), [(">=3.8,", ">=3.8"), (">=3.8, , <4 ,", ">=3.8,<4"), (",>=3.8", ">=3.8")])
def test_empty_part_of_a_bound_is_left_out(text: str, spelled: str) -> None:
    # Seen in real wheels, where uv passes over it; in an entry it does not.
    override = audit_with("y", text).override
    assert override is not None
    assert override.requires_python == spelled


@pytest.mark.parametrize("text", BOUNDS_REFUSED)
def test_bound_that_uv_cannot_read_is_known(text: str) -> None:
    assert not is_bound_read(text)


@pytest.mark.parametrize("text", ["foo_", "foo[b_]", "foo_; os_name == 'nt'"])
def test_name_that_is_none_is_a_finding_and_no_crash(text: str) -> None:
    audit = audit_with(text)
    assert (audit.verdict, [finding.id for finding in audit.findings]) == ("undecided", ["WA206"])
