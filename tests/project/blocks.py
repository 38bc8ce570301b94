"""The entry that tests of the edit write."""

from __future__ import annotations

from wheelaudit.project.blocks import build_comment

COMMENT = build_comment(project="torch", version="2.6.0+cu126", indexes=["cu126"], wheels=14, variants=3)

BLOCK = """\
[[tool.uv.dependency-metadata]]
name = "torch"
version = "2.6.0+cu126"
requires-python = ">=3.9.0"
requires-dist = [
    'filelock',
    'triton==3.2.0; platform_system == "Linux" and platform_machine == "x86_64"',
]
provides-extras = [
    'optree',
]
"""
"""Spelled as `report.toml.render_override` does; test_editing.py holds that."""

BODY = BLOCK.partition("\n")[2]

ENTRY = {
    "name": "torch",
    "version": "2.6.0+cu126",
    "requires-python": ">=3.9.0",
    "requires-dist": ["filelock", 'triton==3.2.0; platform_system == "Linux" and platform_machine == "x86_64"'],
    "provides-extras": ["optree"],
}
