from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ReleaseNotFoundError, UsageError
from wheelaudit.index.pages import PageLink, ProjectPage
from wheelaudit.index.selection import (
    LocalSpec,
    RequirementSpec,
    VersionSieve,
    Wanted,
    find_releases,
    parse_spec,
)
from wheelaudit.release import Release, SkippedFile

TORCH = canonicalize_name("torch")


def build_link(filename: str, *, url: str | None = None, yanked: str | None = None) -> PageLink:
    return PageLink(
        filename=filename,
        url=url or f"https://files.example/{filename}",
        sha256="ab" * 32,
        has_metadata=True,
        metadata_sha256="cd" * 32,
        requires_python=">=3.9",
        yanked=yanked,
        size=7,
    )


def build_page(*files: str | PageLink, skipped: Iterable[SkippedFile] = ()) -> ProjectPage:
    links = tuple(build_link(file) if isinstance(file, str) else file for file in files)
    return ProjectPage(url="https://index.example/simple/torch/", project=TORCH, links=links, skipped=tuple(skipped))


def wheel(version: str, tag: str = "cp310-cp310-win_amd64") -> str:
    return f"torch-{version}-{tag}.whl"


def requirement(text: str) -> RequirementSpec:
    spec = parse_spec(text)
    assert isinstance(spec, RequirementSpec)
    return spec


def find(text: str, *files: str | PageLink, every: bool = False) -> tuple[Release, ...]:
    return find_releases([("mine", build_page(*files))], requirement(text), every=every)


def find_versions(text: str, *versions: str, every: bool = False) -> list[str]:
    return [str(release.version) for release in find(text, *map(wheel, versions), every=every)]


class TestSpec:
    def test_requirement_gives_project_and_specifier(self) -> None:
        spec = requirement(" Torch_Vision>=2, <3 ")
        assert spec == RequirementSpec(
            project=canonicalize_name("torch-vision"), specifier=SpecifierSet(">=2,<3"), text="Torch_Vision>=2, <3"
        )

    @pytest.mark.parametrize("text", ["torch[opt]==2.6.0", "torch; sys_platform == 'win32'", "torch @ file:/torch.zip"])
    def test_extras_markers_and_urls_are_refused(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_spec(text)
        assert "torch" in (caught.value.remedy or "")

    @pytest.mark.parametrize(
        "text", ["", "==2.6.0", "torch=>2", "torch 2.6.0", "-x", "torch==", "torch>=2.6.0+cu126", "torch\n==2"]
    )
    def test_malformed_requirement_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="is not a requirement"):
            parse_spec(text)

    def test_single_equals_sign_is_mended_in_the_remedy(self) -> None:
        with pytest.raises(UsageError) as caught:
            parse_spec("torch=2.6.0+cu126")
        assert caught.value.remedy == "Write torch==2.6.0+cu126."

    @pytest.mark.parametrize("start", ["", "torch @ ", "torch@", "torch[x] @ "])
    def test_url_is_refused_without_showing_it(self, start: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_spec(f"{start}https://me:secret@files.example/torch-1.0-py3-none-any.whl")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("text", ["torch-1.0-py3-none-any.whl", "dist/torch-1.0-py3-none-any.whl", "dist/*.whl"])
    def test_what_ends_in_whl_is_a_path(self, text: str) -> None:
        assert parse_spec(text) == LocalSpec(path=Path(text))

    def test_existing_folder_needs_a_separator_or_a_dot(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "torch").mkdir()
        monkeypatch.chdir(tmp_path)
        assert parse_spec("./torch") == LocalSpec(path=Path("torch"))
        assert parse_spec("torch/") == LocalSpec(path=Path("torch"))
        assert parse_spec(".") == LocalSpec(path=Path())
        assert requirement("torch").project == "torch"

    def test_file_url_is_a_path(self, tmp_path: Path) -> None:
        assert parse_spec(tmp_path.as_uri()) == LocalSpec(path=tmp_path)

    def test_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="there is no folder"):
            parse_spec(str(tmp_path / "nowhere"))

    @given(st.text())
    def test_any_text_is_a_spec_or_refused(self, text: str) -> None:
        try:
            spec = parse_spec(text)
        except UsageError:
            return
        assert isinstance(spec, RequirementSpec | LocalSpec)


class TestChoice:
    def test_newest_public_version_comes_with_all_its_local_versions(self) -> None:
        versions = ["2.5.1", "2.6.0+cu126", "2.6.0", "2.6.0+cpu", "2.5.1+cpu"]
        assert find_versions("torch", *versions) == ["2.6.0", "2.6.0+cpu", "2.6.0+cu126"]
        assert find_versions("torch<2.6", *versions) == ["2.5.1", "2.5.1+cpu"]

    def test_pin_without_local_part_matches_every_local_version(self) -> None:
        assert find_versions("torch==2.6.0", "2.6.0+cpu", "2.6.0", "2.7.0") == ["2.6.0", "2.6.0+cpu"]

    def test_pin_with_local_part_matches_that_one(self) -> None:
        assert find_versions("torch==2.6.0+cpu", "2.6.0+cpu", "2.6.0", "2.6.0+cu126") == ["2.6.0+cpu"]

    def test_arbitrary_equality_matches_the_text(self) -> None:
        assert find_versions("torch===2.6.0", "2.6.0+cpu", "2.6.0") == ["2.6.0"]

    def test_every_match_is_given_oldest_first(self) -> None:
        assert find_versions("torch>=2.6", "2.7.0", "2.5.0", "2.6.0+cpu", "2.10.0", every=True) == [
            "2.6.0+cpu",
            "2.7.0",
            "2.10.0",
        ]

    def test_prerelease_is_taken_only_when_asked_for(self) -> None:
        versions = ["2.6.0", "2.7.0rc1", "2.8.0.dev20250101"]
        assert find_versions("torch", *versions) == ["2.6.0"]
        assert find_versions("torch>=2.7.0rc1", *versions) == ["2.8.0.dev20250101"]
        assert find_versions("torch==2.7.0rc1", *versions) == ["2.7.0rc1"]
        assert find_versions("torch>=2.7", *versions) == ["2.8.0.dev20250101"]

    def test_nightly_index_of_dev_versions_gives_the_newest(self) -> None:
        versions = ["2.7.0.dev20250115+cu126", "2.7.0.dev20250116+cu126", "2.7.0.dev20250116+cpu"]
        assert find_versions("torch", *versions) == versions[:0:-1]
        assert find_versions("torch==2.7.0.dev20250115", *versions) == ["2.7.0.dev20250115+cu126"]

    def test_prerelease_does_not_stand_in_for_a_release_without_wheels(self) -> None:
        with pytest.raises(ReleaseNotFoundError, match="has no wheels"):
            find("torch", "torch-2.6.0.tar.gz", wheel("2.7.0rc1"))

    def test_newest_version_with_wheels_is_taken(self) -> None:
        assert [str(release.version) for release in find("torch", wheel("2.6.0"), "torch-2.7.0.tar.gz")] == ["2.6.0"]

    def test_equal_versions_spelled_differently_are_one_release(self) -> None:
        [release] = find("torch==2.6", wheel("2.6", "cp39-cp39-win_amd64"), wheel("2.6.0"))
        assert len(release.wheels) == 2

    def test_version_with_an_epoch_is_chosen(self) -> None:
        assert find_versions("torch", "2025.1", "1!1.0") == ["1!1.0"]

    @given(
        st.lists(
            st.sampled_from(["1.0", "1.0+cpu", "1.1", "1.1rc1", "2.0.dev1", "2.0.dev1+cpu", "2.0", "2.0.post1"]),
            min_size=1,
            unique=True,
        ),
        st.sampled_from(["", "==1.0", ">=1.1", "<2", ">1.0", "!=1.0", "==1.*", "~=1.0", ">=2.0.dev1", "==1.0+cpu"]),
    )
    def test_choice_is_what_pep_440_admits(self, versions: list[str], specifier: str) -> None:
        admitted = sorted(SpecifierSet(specifier).filter([Version(version) for version in versions]))
        if not admitted:
            with pytest.raises(ReleaseNotFoundError):
                find_versions(f"torch{specifier}", *versions)
            return
        newest = [version for version in admitted if version.public == admitted[-1].public]
        assert find_versions(f"torch{specifier}", *versions) == list(map(str, newest))
        assert find_versions(f"torch{specifier}", *versions, every=True) == list(map(str, admitted))


class TestRelease:
    def test_wheel_carries_all_that_the_page_says(self) -> None:
        [release] = find("torch==2.6.0", wheel("2.6.0"))
        [found] = release.wheels
        assert (found.filename, found.index, found.project, str(found.version)) == (
            wheel("2.6.0"),
            "mine",
            "torch",
            "2.6.0",
        )
        assert (found.sha256, found.metadata_sha256, found.has_metadata) == ("ab" * 32, "cd" * 32, True)
        assert (found.requires_python, found.size, found.yanked) == (">=3.9", 7, None)
        assert {str(tag) for tag in found.tags} == {"cp310-cp310-win_amd64"}

    def test_wheels_are_sorted_by_file_name_whatever_the_order_of_the_page(self) -> None:
        tags = ["cp310-cp310-linux_aarch64", "cp310-cp310-win_amd64", "cp39-cp39-win_amd64"]
        shuffled = [wheel("2.6.0", tag) for tag in tags]
        random.Random(1).shuffle(shuffled)
        [release] = find("torch", *shuffled)
        assert [found.filename for found in release.wheels] == [wheel("2.6.0", tag) for tag in tags]

    def test_version_on_two_indexes_is_one_release_with_the_wheels_of_both(self) -> None:
        first = build_page(build_link(wheel("2.6.0"), url="https://a.example/w.whl"))
        second = build_page(
            build_link(wheel("2.6.0"), url="https://b.example/w.whl"), wheel("2.6.0", "cp39-cp39-win_amd64")
        )
        [release] = find_releases([("z", first), ("a", second)], requirement("torch"))
        assert [(found.filename, found.index) for found in release.wheels] == [
            (wheel("2.6.0"), "z"),
            (wheel("2.6.0"), "a"),
            (wheel("2.6.0", "cp39-cp39-win_amd64"), "a"),
        ]
        # As the user gave them, not as their wheels sort: uv asks the first index alone.
        assert release.indexes == ("z", "a")

    def test_repeated_link_counts_once_but_another_address_twice(self) -> None:
        other = build_link(wheel("2.6.0"), url="https://files.example/cu126/w.whl")
        [release] = find("torch", wheel("2.6.0"), wheel("2.6.0"), other)
        assert len(release.wheels) == 2

    def test_links_of_other_projects_are_ignored(self) -> None:
        [release] = find("torch", wheel("2.6.0"), "torchvision-9.0-py3-none-any.whl", "torch_cuda-9.0-py3-none-any.whl")
        assert [found.filename for found in release.wheels] == [wheel("2.6.0")]
        assert release.skipped == ()

    def test_project_name_is_matched_normalised(self) -> None:
        page = build_page("Torch_Vision-1.0-py3-none-any.whl", "torch.vision-1.0-py2-none-any.whl")
        [release] = find_releases([("mine", page)], requirement("torch-vision"))
        assert len(release.wheels) == 2

    @pytest.mark.parametrize(
        "filename",
        [
            "torch-2.6.0-cp310-cp310-win_amd64-x8664v3.whl",
            "torch-2.6.0-1-cp310-cp310-win_amd64-cuda126.whl",
            "torch-2.6.0.whl",
            "torch-2.6.0-cp310.whl",
            "torch-2.6.0_bad-cp310-cp310-win_amd64.whl",
            "torch-2.6.0.git1a2b-cp310-cp310-win_amd64.whl",
        ],
    )
    def test_wheel_whose_name_is_not_understood_is_reported_with_its_release(self, filename: str) -> None:
        [release] = find("torch", filename, wheel("2.6.0"))
        assert [found.filename for found in release.wheels] == [wheel("2.6.0")]
        [skipped] = release.skipped
        assert skipped.filename == filename
        assert skipped.reason

    def test_garbage_of_another_version_is_not_reported(self) -> None:
        [release] = find(
            "torch", "torch-2.6.0.1.git-x.whl", "torch-2.60.whl", "torch-x-y.whl", "torch.whl", wheel("2.6.0")
        )
        assert release.skipped == ()

    def test_file_that_the_page_could_not_place_is_reported_with_its_release(self) -> None:
        lost = SkippedFile(filename=wheel("2.6.0", "cp39-cp39-win_amd64"), reason="its address is not a URL")
        other = SkippedFile(filename=wheel("2.5.0"), reason="its address is not a URL")
        page = build_page(wheel("2.6.0"), skipped=[lost, other])
        [release] = find_releases([("mine", page)], requirement("torch"))
        assert release.skipped == (lost,)


class TestYanked:
    def test_yanked_wheel_takes_no_part_and_is_reported(self) -> None:
        [release] = find("torch", wheel("2.6.0"), build_link(wheel("2.6.0", "cp39-cp39-win_amd64"), yanked="bad pins"))
        assert [found.filename for found in release.wheels] == [wheel("2.6.0")]
        assert [(file.filename, file.reason) for file in release.skipped] == [
            (wheel("2.6.0", "cp39-cp39-win_amd64"), "it is yanked: bad pins")
        ]

    def test_release_whose_wheels_are_all_yanked_is_passed_over(self) -> None:
        assert [str(r.version) for r in find("torch>=2", wheel("2.5.0"), build_link(wheel("2.6.0"), yanked=""))] == [
            "2.5.0"
        ]

    @pytest.mark.parametrize("text", ["torch==2.6.0", "torch===2.6.0"])
    def test_pin_admits_yanked_wheels(self, text: str) -> None:
        [release] = find(text, build_link(wheel("2.6.0"), yanked="why"))
        assert [found.yanked for found in release.wheels] == ["why"]

    @pytest.mark.parametrize("text", ["torch==2.6.*", "torch~=2.6.0", "torch", "torch>=2.6.0"])
    def test_what_is_no_pin_admits_none(self, text: str) -> None:
        with pytest.raises(ReleaseNotFoundError, match="yanked") as caught:
            find(text, build_link(wheel("2.6.0"), yanked="why"))
        assert "==" in (caught.value.remedy or "")


class TestNotFound:
    def test_nearest_versions_are_named(self) -> None:
        with pytest.raises(ReleaseNotFoundError) as caught:
            find_versions("torch==2.6.1", "1.0", "2.4.0", "2.5.0", "2.6.0", "2.7.0", "2.8.0", "2.9.0", "3.0rc1")
        assert "nearest: 2.4.0, 2.5.0, 2.6.0, 2.7.0, 2.8.0" in (caught.value.remedy or "")
        assert "https://index.example/simple/torch/" in caught.value.message
        assert caught.value.url == "https://index.example/simple/torch/"

    def test_other_local_versions_of_the_version_are_nearest(self) -> None:
        with pytest.raises(ReleaseNotFoundError) as caught:
            find_versions("torch==2.6.0+cu999", "2.5.0", "2.6.0+cpu", "2.6.0+cu126", "2.7.0", "2.8.0", "2.9.0")
        assert "nearest: 2.5.0, 2.6.0+cpu, 2.6.0+cu126, 2.7.0, 2.8.0" in (caught.value.remedy or "")

    def test_newest_versions_are_nearest_to_a_later_one(self) -> None:
        with pytest.raises(ReleaseNotFoundError, match=r"nearest: 1\.1, 1\.2, 1\.3, 1\.4, 1\.5\)"):
            find_versions("torch>=9", *[f"1.{minor}" for minor in range(6)])

    def test_source_distribution_alone_is_told_as_no_wheels(self) -> None:
        with pytest.raises(ReleaseNotFoundError, match=r"torch 2\.6\.0 has no wheels") as caught:
            find("torch==2.6.0", "torch-2.6.0.tar.gz", "torch-2.6.0-py3.10.egg", wheel("2.5.0"))
        assert "2.5.0" in (caught.value.remedy or "")

    def test_wheels_of_which_none_is_understood_are_told_as_such(self) -> None:
        with pytest.raises(ReleaseNotFoundError, match=r"torch-2\.6\.0-x\.whl"):
            find("torch==2.6.0", "torch-2.6.0-x.whl")

    def test_page_without_files_lists_no_wheels(self) -> None:
        with pytest.raises(ReleaseNotFoundError, match="lists no wheels of torch"):
            find("torch==2.6.0")

    @given(
        st.lists(
            st.text("torch-2.6.0cp310winamd64.whl+_%é", max_size=30).map(lambda text: f"torch-{text}.whl"), max_size=6
        )
    )
    def test_whatever_names_a_page_has_there_are_releases_or_none(self, names: list[str]) -> None:
        try:
            releases = find("torch", *names)
        except ReleaseNotFoundError:
            return
        assert all(release.wheels for release in releases)


# A sieve lets through what a selection may need


VERSIONS = st.sampled_from(
    ["2.5", "2.6.0", "2.6", "2.6.0+cu126", "2.6.0+cpu", "2.6.0rc1", "2.7.0.dev20250116+cu126", "2.7", "3!1", "nonsense"]
)
FILES = st.builds(
    lambda version, form: form.format(version),
    VERSIONS,
    st.sampled_from(
        [
            "torch-{}-cp310-cp310-win_amd64.whl",
            "Torch-{}-1-py3-none-any.whl",
            "torch-{}.tar.gz",
            "torch_vision-{}-py3-none-any.whl",
            "torch-{}-py3.10.egg",
            "torch-{}.whl",
            "torch-{}-not-a-tag.whl",
        ]
    ),
)
BOUNDS = st.sampled_from(
    ["", "==2.6.0", "==2.6.0+cu126", "==2.6.*", ">=2.6", "<2.6", "~=2.6", "!=2.6.0", "===2.6.0", ">2.7.dev0", "==9"]
)


@given(st.lists(FILES, max_size=12, unique=True), BOUNDS, st.booleans())
def test_selection_after_a_sieve_is_the_selection_without(files: list[str], bound: str, every: bool) -> None:
    spec = requirement(f"torch{bound}")
    sieve = VersionSieve(Wanted(project=TORCH, specifiers=(spec.specifier,)))
    whole = build_page(*files)
    sieved = replace(
        whole,
        links=tuple(link for link in whole.links if sieve.wants(link.filename)),
        others=tuple(sieve.others.values()),
    )
    assert choose(sieved, spec, every=every) == choose(whole, spec, every=every)


def choose(page: ProjectPage, spec: RequirementSpec, *, every: bool) -> object:
    try:
        return [(each.wheels, each.skipped) for each in find_releases([("mine", page)], spec, every=every)]
    except ReleaseNotFoundError as error:
        # Which of two spellings of one version is told depends on which file comes first.
        return str(error).replace("2.6.0", "2.6")


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        ("==2.6.0", ["torch-2.6.0+cpu-1-py3-none-any.whl", "torch-2.6.0-py3-none-any.whl"]),
        ("==2.6.0+cpu", ["torch-2.6.0+cpu-1-py3-none-any.whl"]),
        # The newest one is not known before the page has ended.
        (">=2.6", []),
        ("==2.6.*", []),
        ("", []),
    ],
)
def test_only_wheels_that_are_certain_to_be_read_are_told_early(bound: str, told: list[str]) -> None:
    heard: list[str] = []
    wanted = Wanted(project=TORCH, specifiers=(requirement(f"torch{bound}").specifier,))
    sieve = VersionSieve(wanted, on_wheel=lambda link: heard.append(link.filename))
    files = ["torch-2.6.0+cpu-1-py3-none-any.whl", "torch-2.6.0-py3-none-any.whl", "torch-2.6.0.tar.gz"]
    for link in map(build_link, [*files, "torch-2.7-py3-none-any.whl"]):
        if sieve.wants(link.filename):
            sieve.keep(link)
    assert heard == told


def test_exact_version_means_no_local_version_of_it() -> None:
    sieve = VersionSieve(Wanted(project=TORCH, versions=frozenset({Version("2.6.0")})))
    assert sieve.wants(wheel("2.6"))
    assert not sieve.wants(wheel("2.6.0+cpu"))
