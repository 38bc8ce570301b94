"""Whether the keyring is asked: as uv's settings say, held against the real uv."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.index.server import FileServer
from tests.index.standin import build_stand_in
from tests.project.locking import add_index, build_environ, lock_folder, write_files
from tests.project.test_uv_credentials import serve_private
from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.project.settings import (
    KeyringProvider,
    ProjectSettings,
    SettingsFiles,
    build_settings_files,
    find_keyring_provider,
    read_project_settings,
)

PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["torch"]\n'
ON, OFF = 'keyring-provider = "subprocess"\n', 'keyring-provider = "disabled"\n'


def find(folder: Path, environ: dict[str, str]) -> KeyringProvider:
    project = read_project_settings(folder / "work" / "pyproject.toml", environ=environ, cwd=folder)
    files = build_settings_files(environ=environ, platform="linux", home=folder / "home")
    return find_keyring_provider(environ=environ, project=project, files=files)


@pytest.mark.parametrize(
    ("own", "users", "variables", "expected"),
    [
        ("", "", {}, "disabled"),
        (f"[tool.uv]\n{ON}", "", {}, "subprocess"),
        ("", ON, {}, "subprocess"),
        (f"[tool.uv]\n{OFF}", ON, {}, "disabled"),
        (f"[tool.uv]\n{OFF}", "", {"UV_KEYRING_PROVIDER": "subprocess"}, "subprocess"),
        (f"[tool.uv]\n{ON}", ON, {"UV_KEYRING_PROVIDER": "disabled"}, "disabled"),
        (f"[tool.uv]\n{ON}", "", {"PIP_KEYRING_PROVIDER": "disabled"}, "subprocess"),
        (f"[tool.uv.pip]\n{ON}", "", {}, "disabled"),
        (f"[tool.uv]\n{ON}", "", {"UV_NO_CONFIG": "1"}, "disabled"),
    ],
)
@pytest.mark.skipif("sys.platform == 'win32'", reason="the user's uv.toml is elsewhere there")
def test_provider_is_the_one_that_uv_takes(
    tmp_path: Path, own: str, users: str, variables: dict[str, str], expected: str
) -> None:
    server = FileServer()
    with serve_private(server):
        add_index(server, "simple", "torch-1.0-py3-none-any.whl")
        url = f"{server.url}/simple"
        stand_in = build_stand_in(tmp_path / "keyring", {url: "s3cret"})
        index = f'[[tool.uv.index]]\nname = "corp"\nurl = "{url.replace("://", "://me@")}"\ndefault = true\n'
        write_files(tmp_path, {"work/pyproject.toml": PROJECT + own + index, "home/uv/uv.toml": users})
        environ = build_environ(tmp_path / "home", **stand_in.environ, **variables)
        lock_folder(tmp_path / "work", environ, options=("--index", index_option(url)))
    assert find(tmp_path, environ) == expected
    assert bool(stand_in.calls) is (expected == "subprocess")


def index_option(url: str) -> str:
    """Name the index on the command line too: UV_NO_CONFIG leaves out the project's."""
    return url.replace("://", "://me@")


@pytest.mark.parametrize("value", ['"import"', "true", "[]"])
def test_value_of_a_file_that_is_none_is_told_with_its_file(tmp_path: Path, value: str) -> None:
    write_files(tmp_path, {"work/pyproject.toml": f"{PROJECT}[tool.uv]\nkeyring-provider = {value}\n"})
    with pytest.raises(ProjectFileError, match=r"pyproject\.toml: keyring-provider is neither disabled nor subprocess"):
        find(tmp_path, {})


def test_value_of_the_variable_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match='UV_KEYRING_PROVIDER is "import"'):
        find_keyring_provider(
            environ={"UV_KEYRING_PROVIDER": "import"}, project=ProjectSettings(), files=SettingsFiles()
        )


def test_variable_that_is_empty_says_nothing() -> None:
    environ = {"UV_KEYRING_PROVIDER": ""}
    assert find_keyring_provider(environ=environ, project=ProjectSettings(), files=SettingsFiles()) == "disabled"
