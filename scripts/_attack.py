"""Attack wheelaudit: ``scripts/attack [--only PART ...] [--seconds N]``; it ends with 1 where something gave.

Parts: ``wire`` (pages and metadata without end, bombs, slow servers), ``zip`` (archives that lie),
``release`` (names, tags, markers, extras, thousands of wheels), ``files`` (locks, settings, cassettes,
histories), ``faults`` (a connection that fails, `_attack_faults`) and ``fuzz`` (`_attack_fuzz`).
Of the first four each attack is a run of the real command line in a child, its memory and time
measured; nothing leaves this machine. Printed is a Markdown table for each part.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from scripts._attack_run import Row

SIZES = ("wire", "zip", "release", "files")
OTHERS = ("faults", "fuzz")
HEAD = "| attack | tried | what came out | peak memory | time |\n|---|---|---|---:|---:|"


def main() -> None:
    """Run the parts that are asked for, and print what came of them."""
    arguments = _parse_arguments()
    gave = 0
    for part in arguments.only or (*SIZES, *OTHERS):
        print(f"\n### {part}\n", flush=True)
        gave += _run_sizes(part, arguments) if part in SIZES else _run_other(part, arguments.seconds)
    if gave:
        print(f"\n{gave} gave.", file=sys.stderr)
        sys.exit(1)


def _run_sizes(part: str, arguments: argparse.Namespace) -> int:
    from scripts._attack_sizes import run

    print(HEAD, flush=True)
    started, gave = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="wheelaudit-attack-") as folder:
        rows = run(part, Path(folder), named=arguments.attack)
        for row in rows:
            print(render_row(row), flush=True)
            gave += not row.held
            if time.monotonic() - started > arguments.seconds:
                print("\n(the rest was left out: the time is over)")
                break
    return gave


def _run_other(part: str, seconds: float) -> int:
    """Run a part that is a module of its own; one that is not there is left out."""
    try:
        module = importlib.import_module(f"scripts._attack_{part}")
    except ImportError as error:
        print(f"left out: {error}")
        return 0
    rows = module.run(["--seconds", str(seconds)] if part == "fuzz" else [])
    print(getattr(module, "HEAD", HEAD))
    for row in rows:
        print(row if part == "fuzz" else render_row(row), flush=True)
    return sum(1 for row in rows if getattr(row, "crashes", ()) or not getattr(row, "held", True))


def render_row(row: Row) -> str:
    """Return a line of the table."""
    cells: Iterable[str] = (
        row.attack,
        row.tried,
        f"{'' if getattr(row, 'held', True) else '**GAVE** '}{row.outcome}",
        f"{row.memory:.0f} MB" if row.memory else "",
        f"{row.seconds:.1f} s",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=(*SIZES, *OTHERS), help="parts; all where none is named")
    parser.add_argument("--attack", action="append", help="attacks of these parts, by the beginning of their names")
    parser.add_argument("--seconds", type=float, default=1800.0, help="of a part; then the rest is left out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
