"""Locks to run the command line on: what uv writes for torch 2.6.0+cu126 without an override."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import CASSETTES
from tests.cli.projects import PROJECT, write_project
from tests.releases import load_release
from wheelaudit.metadata import WheelMetadata

INDEX = "https://download.pytorch.org/whl/cu126"
TORCH_TAPE = ("--replay", str(CASSETTES / "torch-2.6.0+cu126"))
"""What that index answers."""
DEPENDENCIES = '[[tool.uv.index]]\nname = "cu126"\nurl = "{index}"\nexplicit = true\n'


def write_torch_project(folder: Path) -> Path:
    """Write a project that asks for torch, and the lock that uv makes of it: by the first aarch64 wheel."""
    sources = f'[tool.uv.sources]\ntorch = {{ index = "cu126" }}\n{DEPENDENCIES.format(index=INDEX)}'
    path = write_project(folder, f'{PROJECT}dependencies = ["torch==2.6.0"]\n{sources}')
    (folder / "uv.lock").write_bytes(_build_lock().encode())
    return path


def _build_lock() -> str:
    release, readings = load_release("torch-2.6.0+cu126")
    read = readings[0]
    assert isinstance(read, WheelMetadata)
    needed = {line.key.project: line for line in read.core.requires_dist if "extra" not in line.text}
    wheels = "".join(f'    {{ url = "{wheel.url}" }},\n' for wheel in release.wheels)
    marked = {name: ", marker = \"python_full_version >= '3.12'\"" if name == "setuptools" else "" for name in needed}
    arrows = "".join(f'    {{ name = "{name}"{marker} }},\n' for name, marker in marked.items())
    rest = "".join(_build_package(name, "1.13.1" if name == "sympy" else "80.0") for name in sorted(needed))
    return (
        'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n'
        f"{rest}"
        f'[[package]]\nname = "torch"\nversion = "{release.version}"\nsource = {{ registry = "{INDEX}" }}\n'
        f"dependencies = [\n{arrows}]\nwheels = [\n{wheels}]\n\n"
        '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
        f'dependencies = [\n    {{ name = "torch" }},\n]\n\n'
        f'[package.metadata]\nrequires-dist = [{{ name = "torch", specifier = "==2.6.0", index = "{INDEX}" }}]\n'
    )


def _build_package(name: str, version: str) -> str:
    wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        'source = { registry = "https://index.example/simple" }\n'
        f'wheels = [\n    {{ url = "https://files.example/{wheel}" }},\n]\n\n'
    )
