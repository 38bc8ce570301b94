from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from wheelaudit.errors import UsageError
from wheelaudit.index.locations import (
    CHANNELS,
    IndexLocation,
    build_location,
    channel_of_version,
    find_location,
    path_of_url,
    project_url,
    url_of_path,
    without_credentials,
)

PYPI = IndexLocation(name="pypi", url="https://index.example/simple")
MINE = IndexLocation(name="cu126", url="https://mirror.example/cu126")


def never() -> IndexLocation:
    raise AssertionError("the default index was asked for without need")


def find(text: str, cwd: Path, default: Callable[[], IndexLocation] = never) -> IndexLocation:
    return find_location(text, project_indexes={}, default=default, cwd=cwd)


@pytest.mark.parametrize(
    "name",
    [
        *CHANNELS,
        "cu92",
        "cu140",
        "rocm8.1",
        "rocm5.4.2",
        "cpu-cxx11-abi",
        "nightly/cu126",
        "nightly/cpu",
        "test/cu128",
        "nightly",
        "test",
    ],
)
def test_channel_lies_under_pytorchs_index(name: str, tmp_path: Path) -> None:
    assert find(name, tmp_path) == IndexLocation(name=name, url=f"https://download.pytorch.org/whl/{name}")


def test_whl_is_the_page_of_all_channels(tmp_path: Path) -> None:
    assert find("whl", tmp_path).url == "https://download.pytorch.org/whl"


def test_project_page_is_named_normalised_with_a_slash(tmp_path: Path) -> None:
    location = find("nightly/cu126", tmp_path)
    assert project_url(location, canonicalize_name("Torch_Vision")) == (
        "https://download.pytorch.org/whl/nightly/cu126/torch-vision/"
    )


def test_project_index_comes_before_a_channel_of_the_same_name(tmp_path: Path) -> None:
    assert find_location("cu126", project_indexes={"cu126": MINE}, default=never, cwd=tmp_path) == MINE


def test_project_index_may_be_called_pypi(tmp_path: Path) -> None:
    assert find_location("pypi", project_indexes={"pypi": MINE}, default=never, cwd=tmp_path) == MINE


def test_pypi_is_the_users_default_index(tmp_path: Path) -> None:
    assert find("pypi", tmp_path, lambda: PYPI) == PYPI


def test_url_loses_slash_and_credentials_and_keeps_them_apart(tmp_path: Path) -> None:
    location = find("https://me:p%40ss@index.example:8443/simple/", tmp_path)
    assert location == IndexLocation(
        name="https://index.example:8443/simple",
        url="https://index.example:8443/simple",
        username="me",
        password="p@ss",
    )
    assert "p@ss" not in repr(location)
    assert "me" not in repr(location).replace("name", "")


def test_folder_is_an_index_named_as_given(tmp_path: Path) -> None:
    (tmp_path / "my wheels").mkdir()
    location = find("my wheels", tmp_path)
    assert location == IndexLocation(name="my wheels", url=(tmp_path / "my wheels").as_uri())


def test_folder_is_found_by_full_path_and_by_url(tmp_path: Path) -> None:
    for text in (str(tmp_path), tmp_path.as_uri(), f"{tmp_path.as_uri()}/"):
        assert find(text, Path("elsewhere")).url == tmp_path.as_uri()


def test_channel_comes_before_a_folder_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    assert find("cpu", tmp_path).url == "https://download.pytorch.org/whl/cpu"
    assert find("./cpu", tmp_path).url == (tmp_path / "cpu").as_uri()


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("cu12", "cu12"),
        ("CU126", "cu126"),
        ("nightly/cu12x", "nightly/cu12"),
        ("pipy", "pypi"),
        ("rocm6", "rocm6."),
        ("my-idx", "my-index"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(text: str, nearest: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_location(text, project_indexes={"my-index": MINE}, default=never, cwd=tmp_path)
    assert text in caught.value.message
    assert nearest in (caught.value.remedy or "")


@pytest.mark.parametrize(
    "text", ["cu1", "cu1260", "nightly/", "nightly/nightly", "cu126/nightly", "whl/cu126", "", " ", "cu126\n#", "c\0u"]
)
def test_what_has_not_the_shape_of_a_channel_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        find(text, tmp_path)


def test_missing_folder_is_told_as_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder \./nowhere"):
        find("./nowhere", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "https://me:secret@",
        "https://me:sec/ret@index.example/simple",
        "ftp://me:secret@index.example/simple",
        "https:me:secret@index.example",
        "https//me:secret@index.example/simple",
        "https://me:secret@index.example/simple?x=1",
        "https://me:secret@index.example:port/",
        "https://me:secret@[index.example/",
        "https://me:secretBindex.example/simple",
        "https://me:secret%40index.example",
    ],
)
def test_error_about_an_address_holds_no_credentials(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(text, tmp_path)
    assert "sec" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("local", "channel"),
    [
        (None, None),
        ("cu126", "cu126"),
        ("cpu", "cpu"),
        ("xpu", "xpu"),
        ("rocm6.2.4", "rocm6.2.4"),
        ("cpu.cxx11.abi", "cpu-cxx11-abi"),
        ("cu117.with.pypi.cudnn", "cu117"),
        ("git1a2b3c", None),
        ("cuda", None),
        ("cu1234", None),
    ],
)
def test_local_version_names_its_channel(local: str | None, channel: str | None) -> None:
    assert channel_of_version(local) == channel


def test_development_version_names_the_nightly_channel() -> None:
    assert channel_of_version("cu126", nightly=True) == "nightly/cu126"
    assert channel_of_version(None, nightly=True) is None


def test_relative_address_of_settings_is_relative_to_its_folder(tmp_path: Path) -> None:
    location = build_location("../wheels", folder=tmp_path / "project", name="mine")
    assert location == IndexLocation(name="mine", url=(tmp_path / "wheels").as_uri())


@pytest.mark.skipif(os.name == "nt", reason="Windows has paths with hosts")
def test_file_url_with_a_host_is_refused() -> None:
    with pytest.raises(UsageError, match="host"):
        path_of_url("file://server/share")


@pytest.mark.skipif(os.name != "nt", reason="only Windows has drives and shares")
def test_windows_drive_and_share_are_paths() -> None:
    assert path_of_url("file:///C:/wheels") == Path(r"C:\wheels")
    assert path_of_url("file://server/share/x") == Path(r"\\server\share\x")


@given(st.lists(st.text("ab +%#?é&@:", min_size=1), min_size=1, max_size=3))
def test_path_survives_the_way_through_a_url(names: list[str]) -> None:
    path = Path(os.path.abspath(Path("/", *names)))
    assert path_of_url(url_of_path(path)) == path


@given(st.text("abc%:@.-", max_size=10), st.sampled_from(["", "/simple", "/a@b", "//x@y/", "?q=a@b", "#a@b"]))
def test_only_userinfo_is_removed(userinfo: str, rest: str) -> None:
    assert without_credentials(f"https://{userinfo}@index.example{rest}") == f"https://index.example{rest}"


def test_file_url_that_is_no_url_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a URL") as caught:
        path_of_url("file://[index.example/x")
    assert caught.value.remedy
