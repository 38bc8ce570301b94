"""GROUND (pure): the version, in the one place that the build and ``--version`` read it from (PEP 440)."""

from __future__ import annotations

__version__ = "0.1.0"
