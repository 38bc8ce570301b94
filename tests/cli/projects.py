"""Projects to run the command line in: the four-extras one, and the least that there is."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

from tests.cli.conftest import CASSETTES, TORCH

FOUR_EXTRAS = Path(__file__).parents[1] / "project" / "four-extras"
FOUR = ("--replay", str(FOUR_EXTRAS / "cassette"))
"""What the indexes of the four-extras project answer."""
NEEDING = ("2.6.0+cpu", "2.6.0+cu118", "2.6.0+cu126")
"""Its releases that are inconsistent; 2.6.0 and 2.6.0+cu124 are consistent."""
NUMPY = ("--index", "https://index.example/simple", "--replay", str(CASSETTES / "numpy-2.2.0"))

PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n'
REFUSED = '[project]\nname = "x"\nversion = "1"\n\n[tool]\nuv = { package = false }\n'
"""TOML that no header can continue."""

__all__ = ["FOUR", "NEEDING", "NUMPY", "PROJECT", "REFUSED", "TORCH"]


def copy_four_extras(folder: Path) -> Path:
    """Copy the project's file into ``folder``."""
    return Path(shutil.copy(FOUR_EXTRAS / "pyproject.toml", folder / "pyproject.toml"))


def write_project(folder: Path, text: str = PROJECT) -> Path:
    """Write a pyproject.toml, byte for byte."""
    path = folder / "pyproject.toml"
    path.write_bytes(text.encode())
    return path


def read_entries(path: Path) -> list[Any]:
    """Return the entries of a pyproject.toml."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return list(document.get("tool", {}).get("uv", {}).get("dependency-metadata", []))


def read_versions(path: Path) -> tuple[str, ...]:
    """Return the versions of its entries."""
    return tuple(entry["version"] for entry in read_entries(path))
