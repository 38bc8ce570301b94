"""ROOF: ``wheelaudit indexes``: the names that ``--index`` takes here."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wheelaudit.cli.audit import find_pyproject
from wheelaudit.cli.terminal import write_stdout


@click.command()
@click.option(
    "--pyproject",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The project whose indexes are listed first. [default: ./pyproject.toml if it is there]",
)
def command(pyproject: Path | None) -> int:
    """List the index names that --index takes here, with their addresses: the
    project's own, PyTorch's channels, pypi.

    Channels may also be prefixed with nightly/ or test/, and newer ones that are
    not listed are taken by their shape (cu140, rocm8.0).
    """
    # Lazy: packaging, and TOML.
    from wheelaudit.index.locations import CHANNELS, DEFAULT_NAME, build_channel_location
    from wheelaudit.jobs import Indexes
    from wheelaudit.project.settings import ProjectSettings, read_project_settings
    from wheelaudit.report.text import escape_text

    cwd = Path.cwd()
    path = pyproject or find_pyproject(cwd)
    project = ProjectSettings() if path is None else read_project_settings(path, environ=os.environ, cwd=cwd)
    rows = [(location.name, location.url) for location in project.indexes.values()]
    channels = [build_channel_location(name) for name in CHANNELS]
    rows += [(channel.name, channel.url) for channel in channels if channel is not None]
    rows.append((DEFAULT_NAME, Indexes(project=project, environ=os.environ, cwd=cwd).default().url))
    size = max(len(name) for name, _ in rows)
    write_stdout("".join(f"{escape_text(name):{size}}  {escape_text(url)}\n" for name, url in rows), color=False)
    return 0
