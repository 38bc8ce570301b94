"""ROOF: what ``--help`` says, drawn up by click: options by what they are for, commands, examples."""

from __future__ import annotations

from typing import Any

import click

from wheelaudit.cli.main import COMMANDS, HELP_COLUMNS, read_version

SECTIONS = {
    "What to audit": ("index", "every", "deep", "pyproject"),
    "What to do with the project's file": ("diff", "write", "check"),
    "What to print": ("output_format", "output", "union", "exit_zero", "color", "no_progress", "quiet", "verbose"),
    "How to read": ("record", "replay", "concurrency", "timeout", "retries", "keyring_provider"),
    "What is kept": ("cache_dir", "no_cache", "refresh", "offline"),
}
"""Heading, and the parameters below it."""
REST = "About"
"""Heading of the others: --version, and click's own --help, whose name differs between its versions."""

EXAMPLES = """\
wheelaudit torch==2.6.0+cu126 --index cu126     # the report and the override
wheelaudit torch==2.6.0+cu126 --format toml     # the override alone
wheelaudit torch --index nightly/cu126          # the newest nightly
wheelaudit torch==2.6.0 --index cpu --format json -o report.json
wheelaudit 'numpy>=2' --index pypi --all        # every version that matches
wheelaudit dist/*.whl                           # before publishing
wheelaudit torch --write                        # in a project: what it needs
wheelaudit check                                # is what it has still right?
wheelaudit lock                                 # what did uv.lock lose?
wheelaudit explain torch                        # which wheel uv reads here"""

NOTES = """\
Exit codes: 0 consistent, 1 inconsistent, 2 it could not be done, 3 undecided
(some wheel could not be read). With --diff and --check: 0 nothing to change,
1 it would change; with --write: 0 written or nothing to change.

Every option can be set as WHEELAUDIT_NAME: WHEELAUDIT_INDEX=cu126."""


class AuditCommand(click.Command):
    """The command that ``wheelaudit`` is where no other is named; its help is the program's."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(
            click.Option(
                ["--version"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                # WHEELAUDIT_VERSION is what a workflow may call the version that it installs.
                allow_from_autoenv=False,
                callback=_print_version,
                help="Say the version.",
            )
        )

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        with formatter.section("SPEC"):
            formatter.write_dl(
                [
                    ("torch==2.6.0+cu126", "one release"),
                    ("torch==2.6.0", "all local versions of it that the index has"),
                    ("torch, torch>=2.6", "the newest public version that matches"),
                    ("dist/*.whl, dist/", "wheels and folders on disk"),
                ]
            )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        heading_of = {name: heading for heading, names in SECTIONS.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*SECTIONS, REST)}
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option):
                continue  # SPEC is explained above
            record = parameter.get_help_record(ctx)
            if record is not None:
                rows[heading_of.get(parameter.name or "", REST)].append(record)
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in EXAMPLES.splitlines()))
        formatter.write_paragraph()
        formatter.write(NOTES + "\n")


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(read_version(), nl=False)
        context.exit()


def build_help(command: click.Command, *, columns: int = HELP_COLUMNS) -> str:
    """Return what click prints for ``wheelaudit --help`` on a terminal of ``columns``."""
    names = ["-h", "--help"]
    context = click.Context(command, info_name="wheelaudit", terminal_width=columns - 2, help_option_names=names)
    return command.get_help(context) + "\n"
