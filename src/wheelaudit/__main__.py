"""ROOF: ``python -m wheelaudit``."""

from __future__ import annotations

from wheelaudit.cli.main import main

if __name__ == "__main__":
    main()
