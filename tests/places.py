"""Reads the one line in which reports name a set of environments."""

from __future__ import annotations

import re
from collections.abc import Mapping

SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def names(sentence: str, variables: Mapping[str, str]) -> bool:
    """Whether a line such as ``linux x86_64 and windows AMD64, CPython 3.8-3.11 and PyPy 3.10`` names an environment.

    Fails the test where a part of the line is not of this kind.
    """
    label = f"{SYSTEMS[variables['sys_platform']]} {variables['platform_machine']}"
    for part in sentence.split("; "):
        platforms, *pythons = re.split(r"(?:, | and )(?=(?:CPython|PyPy) )", part)
        assert pythons, f"a sentence that this test cannot read: {sentence}"
        if label in re.split(r", | and ", platforms):
            for each in pythons:
                implementation, _, versions = each.partition(" ")
                if implementation == variables["platform_python_implementation"] and _holds(versions, variables):
                    return True
    return False


def _holds(versions: str, variables: Mapping[str, str]) -> bool:
    minor = int(variables["python_version"][2:])
    for each in versions.split(", "):
        match = re.fullmatch(r"3\.(\d+)(\.\d+)?t?(?:-3\.(\d+))?", each)
        assert match is not None, f"a version that this test cannot read: {each}"
        if match[2]:
            if each.rstrip("t") == variables["python_full_version"]:
                return True
        elif int(match[1]) <= minor <= int(match[3] or match[1]):
            return True
    return False
