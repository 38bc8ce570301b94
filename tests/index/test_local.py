from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelaudit.errors import (
    IndexAccessError,
    InvalidMetadataError,
    MetadataError,
    MetadataUnreadableError,
    NotAProjectPageError,
    ProjectNotFoundError,
    ReleaseNotFoundError,
    UsageError,
)
from wheelaudit.index import local
from wheelaudit.index.local import build_local_releases, read_local_metadata, read_local_page
from wheelaudit.index.locations import build_location
from wheelaudit.index.selection import find_releases, parse_spec
from wheelaudit.release import WheelFile

TORCH = canonicalize_name("torch")
NAME = "torch-2.6.0+cu126-cp310-cp310-win_amd64.whl"
MEMBER = "torch-2.6.0+cu126.dist-info/METADATA"
METADATA = b"Metadata-Version: 2.1\nName: torch\nVersion: 2.6.0+cu126\nRequires-Dist: filelock\n\nAbout.\n"


def write_wheel(path: Path, members: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in ({MEMBER: METADATA} if members is None else members).items():
            archive.writestr(name, data)
    return path


def local_wheel(path: Path) -> WheelFile:
    [release] = build_local_releases([path])
    [wheel] = release.wheels
    return wheel


def listed_wheel(folder: Path, attributes: str = "") -> WheelFile:
    """The wheel of ``folder`` as a page on disk lists it."""
    project = folder / "torch"
    project.mkdir(exist_ok=True)
    (project / "index.html").write_text(f'<a href="../{NAME.replace("+", "%2B")}" {attributes}>x</a>', encoding="utf-8")
    page = read_local_page(build_location(str(folder), folder=folder), TORCH)
    spec = parse_spec("torch")
    assert not hasattr(spec, "path")
    [release] = find_releases([("disk", page)], spec)
    return release.wheels[0]


class TestPage:
    def test_pep_503_tree_with_a_page(self, tmp_path: Path) -> None:
        write_wheel(tmp_path / NAME)
        wheel = listed_wheel(tmp_path, f'data-core-metadata="sha256={"ab" * 32}"')
        assert wheel.url == (tmp_path / NAME).as_uri()
        assert wheel.metadata_sha256 == "ab" * 32

    def test_folder_of_the_project_without_a_page(self, tmp_path: Path) -> None:
        write_wheel(tmp_path / "torch" / NAME)
        page = read_local_page(build_location(tmp_path.as_uri(), folder=tmp_path), TORCH)
        [link] = page.links
        assert (link.filename, link.url) == (NAME, (tmp_path / "torch" / NAME).as_uri())
        assert link.size == (tmp_path / "torch" / NAME).stat().st_size

    def test_folder_of_the_project_is_found_whatever_its_spelling(self, tmp_path: Path) -> None:
        write_wheel(tmp_path / "Torch_Vision" / "torchvision-1.0-py3-none-any.whl")
        write_wheel(tmp_path / "Torch_Vision" / "torch_vision-1.0-py3-none-any.whl")
        page = read_local_page(build_location(".", folder=tmp_path), canonicalize_name("torch-vision"))
        assert [link.filename for link in page.links] == ["torch_vision-1.0-py3-none-any.whl"]

    def test_flat_folder_lists_only_the_projects_wheels(self, tmp_path: Path) -> None:
        for name in (NAME, "torchvision-0.21.0-py3-none-any.whl", "torch-2.6.0.tar.gz"):
            write_wheel(tmp_path / name)
        page = read_local_page(build_location(".", folder=tmp_path), TORCH)
        assert [link.filename for link in page.links] == [NAME]

    def test_project_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectNotFoundError, match="no wheels of torch"):
            read_local_page(build_location(".", folder=tmp_path), TORCH)

    def test_folder_that_is_not_there_is_told_apart(self, tmp_path: Path) -> None:
        with pytest.raises(IndexAccessError, match="cannot be read") as caught:
            read_local_page(build_location("nowhere", folder=tmp_path), TORCH)
        assert not isinstance(caught.value, ProjectNotFoundError)

    def test_page_that_is_none_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "index.html").write_text("no page")
        with pytest.raises(NotAProjectPageError):
            read_local_page(build_location(".", folder=tmp_path), TORCH)

    def test_page_too_large_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "index.html").write_text("<html></html>")
        monkeypatch.setattr(local, "MAX_PAGE_BYTES", 12)
        with pytest.raises(NotAProjectPageError, match="larger"):
            read_local_page(build_location(".", folder=tmp_path), TORCH)


class TestReleases:
    def test_wheels_of_several_paths_are_grouped_by_project_and_version(self, tmp_path: Path) -> None:
        names = [
            "torch-2.6.0-cp39-cp39-win_amd64.whl",
            "torch-2.6.0-cp310-cp310-win_amd64.whl",
            "a-1.0-py3-none-any.whl",
        ]
        paths = [write_wheel(tmp_path / name) for name in names]
        releases = build_local_releases([*paths, tmp_path])
        assert [(release.spec, [wheel.filename for wheel in release.wheels]) for release in releases] == [
            ("a==1.0", [names[2]]),
            ("torch==2.6.0", [names[1], names[0]]),
        ]

    def test_index_is_the_folder_as_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_wheel(tmp_path / "dist" / NAME)
        monkeypatch.chdir(tmp_path)
        wheel = local_wheel(Path("dist"))
        assert wheel.index == "dist"
        assert wheel.url == (tmp_path / "dist" / NAME).as_uri()

    def test_pattern_is_expanded_where_no_shell_did(self, tmp_path: Path) -> None:
        write_wheel(tmp_path / NAME)
        assert local_wheel(tmp_path / "torch-*.whl").filename == NAME

    def test_file_with_another_name_in_a_folder_is_skipped_and_reported(self, tmp_path: Path) -> None:
        write_wheel(tmp_path / NAME)
        write_wheel(tmp_path / "torch-2.6.0-x.whl")
        [release] = build_local_releases([tmp_path])
        assert [file.filename for file in release.skipped] == ["torch-2.6.0-x.whl"]

    def test_named_file_with_another_name_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="not named as a wheel"):
            build_local_releases([write_wheel(tmp_path / "torch-2.6.0-x.whl")])

    def test_folder_or_pattern_without_wheels_is_refused(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "*.whl"):
            with pytest.raises(ReleaseNotFoundError, match="no wheels"):
                build_local_releases([path])

    def test_path_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            build_local_releases([tmp_path / NAME])


class TestMetadata:
    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_metadata_comes_out_of_the_wheel(self, tmp_path: Path, compression: int) -> None:
        wheel = local_wheel(write_wheel(tmp_path / NAME, compression=compression))
        read = read_local_metadata(wheel)
        assert (read.source, read.faults) == ("file", ())
        assert read.sha256 == hashlib.sha256(METADATA).hexdigest()
        assert [line.text for line in read.core.requires_dist] == ["filelock"]

    def test_vendored_and_foreign_metadata_are_not_taken(self, tmp_path: Path) -> None:
        members = {
            "torch/_vendor/torch-2.6.0+cu126.dist-info/METADATA": b"x",
            "other-1.0.dist-info/METADATA": b"x",
            "torch-2.6.0+cu126.dist-info/METADATA.txt": b"x",
            "Torch-2.6.0+cu126.dist-info/METADATA": METADATA,
        }
        assert read_local_metadata(local_wheel(write_wheel(tmp_path / NAME, members))).core.name == "torch"

    def test_of_two_versions_the_wheels_own_is_taken(self, tmp_path: Path) -> None:
        members = {"torch-2.5.0.dist-info/METADATA": b"x", MEMBER: METADATA}
        assert read_local_metadata(local_wheel(write_wheel(tmp_path / NAME, members))).core.version == "2.6.0+cu126"

    @pytest.mark.parametrize(
        "members",
        [
            {},
            {"other-1.0.dist-info/METADATA": METADATA},
            {f"torch/{MEMBER}": METADATA},
            {MEMBER: METADATA, MEMBER.replace("torch", "Torch"): METADATA},
        ],
    )
    def test_wheel_without_exactly_one_metadata_of_its_own_is_unreadable(
        self, tmp_path: Path, members: dict[str, bytes]
    ) -> None:
        with pytest.raises(MetadataUnreadableError, match="METADATA of torch"):
            read_local_metadata(local_wheel(write_wheel(tmp_path / NAME, members)))

    def test_metadata_larger_than_its_bound_is_unreadable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wheel = local_wheel(write_wheel(tmp_path / NAME))
        monkeypatch.setattr(local, "MAX_METADATA_BYTES", len(METADATA) - 1)
        with pytest.raises(MetadataUnreadableError, match="larger"):
            read_local_metadata(wheel)

    def test_other_compressions_are_unreadable(self, tmp_path: Path) -> None:
        with pytest.raises(MetadataUnreadableError, match="neither stored nor deflated"):
            read_local_metadata(local_wheel(write_wheel(tmp_path / NAME, compression=zipfile.ZIP_BZIP2)))

    def test_wheel_that_went_away_is_unreadable(self, tmp_path: Path) -> None:
        wheel = local_wheel(write_wheel(tmp_path / NAME))
        (tmp_path / NAME).unlink()
        with pytest.raises(MetadataUnreadableError, match="not there"):
            read_local_metadata(wheel)

    def test_metadata_that_is_not_text_is_invalid(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidMetadataError, match="file:"):
            read_local_metadata(local_wheel(write_wheel(tmp_path / NAME, {MEMBER: b"\0\0"})))

    def test_advertised_file_is_used_when_its_hash_fits(self, tmp_path: Path) -> None:
        beside = METADATA.replace(b"filelock", b"sympy")
        (tmp_path / f"{NAME}.metadata").write_bytes(beside)
        write_wheel(tmp_path / NAME)
        wheel = listed_wheel(tmp_path, f'data-core-metadata="sha256={hashlib.sha256(beside).hexdigest()}"')
        read = read_local_metadata(wheel)
        assert [line.text for line in read.core.requires_dist] == ["sympy"]
        assert read.faults == ()

    @pytest.mark.parametrize(("beside", "finding"), [(METADATA + b"more\n", "WA202"), (None, "WA201")])
    def test_advertised_file_that_does_not_fit_is_a_fault_and_the_wheel_is_read(
        self, tmp_path: Path, beside: bytes | None, finding: str
    ) -> None:
        if beside is not None:
            (tmp_path / f"{NAME}.metadata").write_bytes(beside)
        write_wheel(tmp_path / NAME)
        wheel = listed_wheel(tmp_path, f'data-core-metadata="sha256={hashlib.sha256(METADATA).hexdigest()}"')
        read = read_local_metadata(wheel)
        assert read.sha256 == hashlib.sha256(METADATA).hexdigest()
        assert [fault.finding for fault in read.faults] == [finding]

    def test_file_beside_a_wheel_that_nothing_advertises_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / f"{NAME}.metadata").write_bytes(b"not asked for")
        assert read_local_metadata(local_wheel(write_wheel(tmp_path / NAME))).core.name == "torch"

    @pytest.mark.parametrize(
        ("beside", "findings"),
        [(METADATA + b"longer\n", []), (METADATA.replace(b"filelock", b"sympy"), ["WA205"])],
    )
    def test_deep_reading_compares_both_in_meaning(self, tmp_path: Path, beside: bytes, findings: list[str]) -> None:
        (tmp_path / f"{NAME}.metadata").write_bytes(beside)
        write_wheel(tmp_path / NAME)
        wheel = listed_wheel(tmp_path, "data-core-metadata=true")
        assert [fault.finding for fault in read_local_metadata(wheel, deep=True).faults] == findings

    @given(data=st.data())
    def test_corrupt_wheel_is_read_rightly_or_fails_as_metadata(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = write_wheel(tmp_path_factory.mktemp("corrupt") / NAME)
        wheel = local_wheel(path)
        body = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body)
        try:
            read = read_local_metadata(wheel)
        except MetadataError:
            return
        # CRC-32 stands for the contents: what is read at all is what was written.
        assert read.sha256 == hashlib.sha256(METADATA).hexdigest()
