"""The newest builds of a channel, label by label."""

from __future__ import annotations

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelaudit.index.builds import RECENT_BUILDS, find_builds, find_label
from wheelaudit.index.pages import ProjectPage, parse_project_page

PROJECT = NormalizedName("demo")


def page_of(*filenames: str, yanked: tuple[str, ...] = ()) -> ProjectPage:
    anchors = (f'<a href="{each}"{" data-yanked" if each in yanked else ""}>{each}</a>' for each in filenames)
    return parse_project_page(
        "\n".join(["<!DOCTYPE html>", *anchors]).encode(),
        content_type="text/html",
        url="https://index.example/nightly/demo/",
        project=PROJECT,
    )


def wheel(version: str, tag: str = "cp313-cp313-win_amd64") -> str:
    return f"demo-{version}-{tag}.whl"


def found(page: ProjectPage, last: int = 1) -> dict[str, list[str]]:
    builds = find_builds(page, PROJECT, index="nightly", last=last)
    return {label: [str(release.version) for release in releases] for label, releases in builds.items()}


def test_newest_build_of_each_label_whatever_the_public_version() -> None:
    page = page_of(
        wheel("2.6.0.dev20241222+cu126"),
        wheel("2.7.0.dev20250115+cu126"),
        wheel("2.7.0.dev20250116+cu126"),
        wheel("2.7.0.dev20250116"),
        wheel("2.7.0.dev20250114+cpu"),
    )
    assert found(page) == {
        "": ["2.7.0.dev20250116"],
        "cpu": ["2.7.0.dev20250114+cpu"],
        "cu126": ["2.7.0.dev20250116+cu126"],
    }


def test_last_builds_come_oldest_first() -> None:
    page = page_of(*(wheel(f"2.7.0.dev202501{day:02}+cu126") for day in (3, 1, 4, 2)))
    assert found(page, last=3) == {"cu126": [f"2.7.0.dev202501{day:02}+cu126" for day in (2, 3, 4)]}
    assert len(found(page, last=9)["cu126"]) == 4


def test_label_that_is_built_no_more_is_left_out() -> None:
    days = range(10, 10 + RECENT_BUILDS)
    old = wheel("2.7.0.dev20250109+cu118")
    page = page_of(old, *(wheel(f"2.7.0.dev202501{day}+cu126") for day in days))
    assert set(found(page)) == {"cu126"}
    assert set(found(page_of(old, *(wheel(f"2.7.0.dev202501{day}+cu126") for day in list(days)[1:])))) == {
        "cu118",
        "cu126",
    }


def test_final_versions_come_before_pre_releases_where_there_are_any() -> None:
    assert found(page_of(wheel("2.6.0"), wheel("2.7.0rc1"), wheel("2.7.0.dev1"))) == {"": ["2.6.0"]}
    assert found(page_of(wheel("2.7.0rc1"), wheel("2.7.0.dev1"))) == {"": ["2.7.0rc1"]}


def test_labels_that_name_commits_are_one_row() -> None:
    page = page_of(wheel("3.2.0+git0d4682f0"), wheel("3.2.0+gitb2684bf3"), wheel("3.1.0+git12345678"))
    assert found(page, last=2) == {"git": ["3.2.0+git0d4682f0", "3.2.0+gitb2684bf3"]}
    assert find_label(Version("1+github")) == "github"


def test_what_cannot_be_installed_is_no_build() -> None:
    page = page_of(
        wheel("1.0"), wheel("2.0"), "demo-3.0.tar.gz", "demo-4.0-wrong.whl", "other-5.0-py3-none-any.whl",
        yanked=(wheel("2.0"),),
    )  # fmt: skip
    assert found(page) == {"": ["1.0"]}
    assert found(page_of("demo-3.0.tar.gz")) == {}
    builds = find_builds(page, PROJECT, index="nightly", last=1)
    assert [each.index for each in builds[""][0].wheels] == ["nightly"]
