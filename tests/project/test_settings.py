from __future__ import annotations

import sys
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.index.locations import IndexLocation
from wheelaudit.project.settings import (
    ProjectSettings,
    SettingsFiles,
    build_settings_files,
    find_default_index,
    read_project_settings,
)


def read(tmp_path: Path, pyproject: str, uv_toml: str | None = None) -> ProjectSettings:
    (tmp_path / "pyproject.toml").write_bytes(pyproject.encode())
    if uv_toml is not None:
        (tmp_path / "uv.toml").write_bytes(uv_toml.encode())
    return read_project_settings(tmp_path / "pyproject.toml")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def find(
    tmp_path: Path,
    *,
    environ: dict[str, str] | None = None,
    project: ProjectSettings | None = None,
    files: SettingsFiles | None = None,
) -> IndexLocation:
    return find_default_index(environ=environ or {}, project=project, files=files or SettingsFiles(), cwd=tmp_path)


class TestProject:
    def test_requires_python_and_named_indexes_are_read(self, tmp_path: Path) -> None:
        settings = read(
            tmp_path,
            """
            [project]
            requires-python = ">=3.10"
            [[tool.uv.index]]
            name = "torch-cu126"
            url = "https://me:s%40cret@mirror.example/cu126/"
            explicit = true
            [[tool.uv.index]]
            name = "main"
            url = "https://index.example/simple"
            default = true
            """,
        )
        assert settings.requires_python == SpecifierSet(">=3.10")
        assert dict(settings.indexes) == {
            "torch-cu126": IndexLocation(
                name="torch-cu126", url="https://mirror.example/cu126", username="me", password="s@cret"
            ),
            "main": IndexLocation(name="main", url="https://index.example/simple"),
        }
        assert settings.default_index == settings.indexes["main"]
        assert "cret" not in repr(settings)

    def test_relative_paths_and_file_urls_are_indexes(self, tmp_path: Path) -> None:
        other = (tmp_path / "other").as_uri()
        settings = read(
            tmp_path,
            f'[[tool.uv.index]]\nname = "a"\nurl = "../wheels"\n[[tool.uv.index]]\nname = "b"\nurl = "{other}"\n',
        )
        assert settings.indexes["a"].url == (tmp_path.parent / "wheels").as_uri()
        assert settings.indexes["b"].url == other

    def test_default_index_needs_no_name(self, tmp_path: Path) -> None:
        settings = read(tmp_path, '[[tool.uv.index]]\nurl = "https://index.example/simple"\ndefault = true\n')
        assert settings.indexes == {}
        assert settings.default_index == IndexLocation(
            name="https://index.example/simple", url="https://index.example/simple"
        )

    def test_index_url_is_the_older_name_of_the_default(self, tmp_path: Path) -> None:
        settings = read(tmp_path, '[tool.uv]\nindex-url = "https://index.example/simple"\n')
        assert settings.default_index is None
        assert settings.index_url is not None
        assert settings.index_url.url == "https://index.example/simple"

    def test_uv_toml_beside_it_shadows_the_indexes_but_not_the_project(self, tmp_path: Path) -> None:
        settings = read(
            tmp_path,
            '[project]\nrequires-python = ">=3.9"\n[[tool.uv.index]]\nname = "a"\nurl = "https://a.example"\n',
            uv_toml='[[index]]\nname = "b"\nurl = "https://b.example"\n',
        )
        # Sources name those of pyproject.toml all the same (uv 0.13.8), so both names mean something.
        assert list(settings.indexes) == ["a", "b"]
        assert [index.name for index in settings.settled.tables] == ["b"]
        assert settings.requires_python == SpecifierSet(">=3.9")

    def test_file_without_any_of_it_settles_nothing(self, tmp_path: Path) -> None:
        settings = read(tmp_path, "\ufeff[tool.other]\r\nx = 1\r\n")
        assert settings.path == tmp_path / "pyproject.toml"
        assert (settings.requires_python, settings.default_index, settings.index_url) == (None, None, None)
        assert settings.indexes == {}

    def test_invalid_toml_is_told_with_file_and_line(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectFileError, match=r"pyproject\.toml is not valid TOML: .*line 3"):
            read(tmp_path, "[project]\nname = 'x'\nrequires-python = \n")

    def test_text_that_is_not_utf_8_is_told_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_bytes(b"[project]\nname = '\xe9'\n")
        with pytest.raises(ProjectFileError, match="line 2"):
            read_project_settings(tmp_path / "pyproject.toml")

    def test_bounds_of_all_members_hold_together(self, tmp_path: Path) -> None:
        write(tmp_path / "m" / "pyproject.toml", '[project]\nname = "m"\nrequires-python = ">=3.10,<3.14"\n')
        settings = read(
            tmp_path,
            '[project]\nname = "root"\nrequires-python = ">=3.9"\n[tool.uv.workspace]\nmembers = ["m"]\n',
        )
        assert settings.requires_python == SpecifierSet(">=3.9,>=3.10,<3.14")
        # The member's bound is the workspace's.
        assert read_project_settings(tmp_path / "m" / "pyproject.toml").requires_python == settings.requires_python

    def test_variables_bring_the_credentials_of_a_named_index(self, tmp_path: Path) -> None:
        write(
            tmp_path / "pyproject.toml", '[[tool.uv.index]]\nname = "my-own.x"\nurl = "https://u:p@a.example/simple"\n'
        )
        environ = {"UV_INDEX_MY_OWN_X_USERNAME": "me", "UV_INDEX_MY_OWN_X_PASSWORD": "s3cret"}
        settings = read_project_settings(tmp_path / "pyproject.toml", environ=environ)
        location = settings.indexes["my-own.x"]
        assert (location.username, location.password) == ("me", "s3cret")
        assert "s3cret" not in repr(settings)

    def test_missing_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectFileError, match="cannot be read"):
            read_project_settings(tmp_path / "pyproject.toml")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("project = 1", "project"),
            ("tool = []", "tool"),
            ("[tool]\nuv = 'x'", "uv"),
            ("[project]\nrequires-python = '3.x'", "requires-python"),
            ("[project]\nrequires-python = 3.9", "requires-python"),
            ("[tool.uv]\nindex = 'x'", "index"),
            ("[[tool.uv.index]]\nname = 'x'", "url"),
            ("[[tool.uv.index]]\nname = 1\nurl = 'https://a.example'", "name"),
            ("[tool.uv]\nindex-url = 1", "index-url"),
        ],
    )
    def test_setting_of_a_wrong_kind_is_told_by_name(self, tmp_path: Path, text: str, told: str) -> None:
        with pytest.raises(ProjectFileError, match=told) as caught:
            read(tmp_path, text)
        assert "pyproject.toml" in caught.value.message

    def test_wrong_address_is_told_without_its_password(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"pyproject\.toml") as caught:
            read(tmp_path, "[[tool.uv.index]]\nname = 'a'\nurl = 'https://me:secret@index.example:port/'")
        assert "secret" not in str(caught.value)

    @given(st.text())
    def test_any_text_is_settings_or_refused(self, tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
        folder = tmp_path_factory.mktemp("project")
        (folder / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            settings = read_project_settings(folder / "pyproject.toml")
        except ProjectFileError:
            return
        assert settings.path == folder / "pyproject.toml"


class TestDefaultIndex:
    def test_settings_are_asked_in_their_order(self, tmp_path: Path) -> None:
        environ = {
            "UV_DEFAULT_INDEX": "https://1.example",
            "UV_INDEX_URL": "https://4.example",
            "PIP_INDEX_URL": "https://7.example",
        }
        table, older = (IndexLocation(name="main", url=f"https://{number}.example") for number in (2, 5))
        project = ProjectSettings(default_index=table, index_url=older)
        uv = write(tmp_path / "uv.toml", '[[index]]\nurl = "https://3.example"\ndefault = true\n')
        uv_older = write(tmp_path / "older.toml", 'index-url = "https://6.example"\n')
        pip = write(tmp_path / "pip.conf", "[global]\nindex-url = https://8.example\n")
        files = SettingsFiles(uv=(tmp_path / "none.toml", uv, uv_older), pip=(tmp_path / "none.conf", pip))
        found = [find(tmp_path, environ=environ, project=project, files=files)]
        environ.pop("UV_DEFAULT_INDEX")
        found.append(find(tmp_path, environ=environ, project=project, files=files))
        project = ProjectSettings(index_url=older)
        found.append(find(tmp_path, environ=environ, project=project, files=files))
        files = SettingsFiles(uv=(uv_older,), pip=files.pip)
        found.append(find(tmp_path, environ=environ, project=project, files=files))
        environ.pop("UV_INDEX_URL")
        found.append(find(tmp_path, environ=environ, project=project, files=files))
        found.append(find(tmp_path, environ=environ, files=files))
        files = SettingsFiles(pip=files.pip)
        found.append(find(tmp_path, environ=environ, files=files))
        environ.clear()
        found.append(find(tmp_path, environ=environ, files=files))
        assert found == [IndexLocation(name="pypi", url=f"https://{number}.example") for number in range(1, 9)]

    def test_credentials_of_a_variable_are_kept_apart(self, tmp_path: Path) -> None:
        location = find(tmp_path, environ={"UV_DEFAULT_INDEX": "https://me:secret@index.example/simple/"})
        assert location == IndexLocation(
            name="pypi", url="https://index.example/simple", username="me", password="secret"
        )

    def test_uv_variable_may_name_its_index(self, tmp_path: Path) -> None:
        location = find(tmp_path, environ={"UV_DEFAULT_INDEX": "mirror=https://index.example/simple"})
        assert location.url == "https://index.example/simple"

    def test_variable_may_be_a_folder(self, tmp_path: Path) -> None:
        assert find(tmp_path, environ={"UV_DEFAULT_INDEX": "wheels"}).url == (tmp_path / "wheels").as_uri()

    def test_wrong_variable_is_told_by_name_and_not_passed_over(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="UV_DEFAULT_INDEX") as caught:
            find(tmp_path, environ={"UV_DEFAULT_INDEX": "ftp://me:secret@index.example"})
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("[global]\nindex-url = https://a.example/simple/\n", "https://a.example/simple"),
            ("[global]\nindex_url: https://a.example\n", "https://a.example"),
            (
                "[global]\nindex-url = https://a.example\n[install]\nindex-url = https://b.example\n",
                "https://b.example",
            ),
            ("\ufeff[global]\nindex-url = https://a.example/%20x\n", "https://a.example/%20x"),
        ],
    )
    def test_pip_file_gives_the_index(self, tmp_path: Path, text: str, url: str) -> None:
        files = SettingsFiles(pip=(write(tmp_path / "pip.conf", text),))
        assert find(tmp_path, files=files).url == url

    def test_pip_file_without_an_index_passes_on(self, tmp_path: Path) -> None:
        first = write(tmp_path / "a.conf", "[global]\ntimeout = 3\n")
        second = write(tmp_path / "b.conf", "[global]\nindex-url = https://b.example\n")
        assert find(tmp_path, files=SettingsFiles(pip=(first, second))).url == "https://b.example"

    @pytest.mark.parametrize(
        "text", ["index-url = x\n", "[global]\n[global]\n", "[global]\nindex-url = https://me:secret@x\nbad"]
    )
    def test_broken_pip_file_is_told_without_its_contents(self, tmp_path: Path, text: str) -> None:
        path = write(tmp_path / "pip.conf", text)
        with pytest.raises(ProjectFileError, match=r"pip\.conf") as caught:
            find(tmp_path, files=SettingsFiles(pip=(path,)))
        assert "secret" not in str(caught.value)

    def test_without_settings_it_is_the_simple_interface_that_distlib_knows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("distlib.index.DEFAULT_INDEX", "https://index.example/pypi")
        assert find(tmp_path) == IndexLocation(name="pypi", url="https://index.example/simple")

    def test_without_distlib_the_remedy_is_a_setting(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distlib.index", None)
        with pytest.raises(UsageError, match="pypi") as caught:
            find(tmp_path)
        assert "UV_DEFAULT_INDEX" in (caught.value.remedy or "")


class TestFiles:
    def test_linux(self) -> None:
        files = build_settings_files(
            environ={"VIRTUAL_ENV": "/venv", "XDG_CONFIG_DIRS": "/a:/b"}, platform="linux", home=Path("/home/me")
        )
        assert posix(files.uv) == ["/home/me/.config/uv/uv.toml", "/a/uv/uv.toml", "/b/uv/uv.toml", "/etc/uv/uv.toml"]
        assert posix(files.pip) == [
            "/venv/pip.conf",
            "/home/me/.config/pip/pip.conf",
            "/home/me/.pip/pip.conf",
            "/etc/pip.conf",
            "/a/pip/pip.conf",
            "/b/pip/pip.conf",
        ]

    def test_macos(self) -> None:
        files = build_settings_files(environ={"XDG_CONFIG_HOME": "/cfg"}, platform="darwin", home=Path("/Users/me"))
        assert posix(files.uv)[0] == "/cfg/uv/uv.toml"
        assert posix(files.pip) == [
            "/Users/me/Library/Application Support/pip/pip.conf",
            "/cfg/pip/pip.conf",
            "/Users/me/.pip/pip.conf",
            "/Library/Application Support/pip/pip.conf",
        ]

    def test_windows(self) -> None:
        files = build_settings_files(
            environ={"APPDATA": "/roaming", "PROGRAMDATA": "/data"},
            platform="win32",
            home=Path("/me"),
            prefix=Path("/venv"),
        )
        assert posix(files.uv) == ["/roaming/uv/uv.toml", "/data/uv/uv.toml"]
        assert posix(files.pip) == ["/venv/pip.ini", "/roaming/pip/pip.ini", "/me/pip/pip.ini", "/data/pip/pip.ini"]

    def test_file_of_the_variable_takes_the_place_of_the_users(self, tmp_path: Path) -> None:
        chosen = write(tmp_path / "my.conf", "")
        files = build_settings_files(environ={"PIP_CONFIG_FILE": str(chosen)}, platform="linux", home=Path("/home/me"))
        assert files.pip[0] == chosen
        assert not any("me" in path.parts for path in files.pip)

    def test_null_device_turns_pips_files_off(self) -> None:
        assert (
            build_settings_files(environ={"PIP_CONFIG_FILE": "/dev/null"}, platform="linux", home=Path("/h")).pip == ()
        )

    def test_uv_file_may_be_chosen_or_turned_off(self) -> None:
        chosen = build_settings_files(environ={"UV_CONFIG_FILE": "/x.toml"}, platform="linux", home=Path("/h"))
        assert posix(chosen.uv) == ["/x.toml"]
        assert build_settings_files(environ={"UV_NO_CONFIG": "1"}, platform="linux", home=Path("/h")).uv == ()


def posix(paths: tuple[Path, ...]) -> list[str]:
    return [PurePath(path).as_posix() for path in paths]
