"""One night of ``wheelaudit nightly``, from the history that is kept to all of its reports.

    scripts/watch --kept FILE --out DIR PROJECT... [options of wheelaudit nightly]

FILE is what `scripts/keep-history fetch` wrote; without it, it is the first night. In DIR:

    issues/KEY.json    a regression each, for `scripts/sync-issues`
    report.html, report.md, report.json, report.sarif
    history.jsonl      the history after the night, for `scripts/keep-history push`

stdout has the annotations of a GitHub workflow. The exit code is the night's own. A night is
told once, so each report is made from a copy of the history before it; what was read the first
time is kept, and the index asked only whether that is still so.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

REPORTS = {"html": "report.html", "markdown": "report.md", "json": "report.json", "sarif": "report.sarif"}
"""The reports beside the annotations, by format."""

DONE = range(4)
"""Exit codes of a night that was looked at, if not wholly (2); others are those of a program that was ended."""
CANNOT = 2


def main(argv: Sequence[str] | None = None, *, program: Sequence[str] = (sys.executable, "-m", "wheelaudit")) -> None:
    """Run the script; every argument of its own that it does not know is the night's."""
    parser = argparse.ArgumentParser(prog="watch", description="One night, and all of its reports.", allow_abbrev=False)
    parser.add_argument("--kept", type=Path, required=True, metavar="FILE", help="the history so far, as exported")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the reports go")
    options, rest = parser.parse_known_args(argv)
    sys.exit(watch(rest, kept=options.kept, out=options.out, program=program))


def watch(arguments: Sequence[str], *, kept: Path, out: Path, program: Sequence[str]) -> int:
    """Run the night and return its exit code; `CANNOT` where the history cannot be read or written."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        before, after = Path(work, "before.sqlite3"), Path(work, "after.sqlite3")
        # Never a night without its past: one that cannot be read would begin a history anew.
        if kept.exists() and call(program, "history", "import", kept, "--history", before) != 0:
            return CANNOT
        code = run_night(program, arguments, before, after, "--format", "github", "--issues", out / "issues")
        if code not in DONE:
            return CANNOT
        for number, (output_format, name) in enumerate(REPORTS.items()):
            copy = Path(work, f"{number}.sqlite3")
            run_night(program, arguments, before, copy, "--quiet", "--format", output_format, "-o", out / name)
        # Where nothing could be looked at there may be no history, and what is kept stays as it is.
        if after.exists() and call(program, "history", "export", "--history", after, "-o", out / "history.jsonl") != 0:
            return CANNOT
    return code


def run_night(program: Sequence[str], arguments: Sequence[str], before: Path, history: Path, *more: str | Path) -> int:
    """Run `wheelaudit nightly` on a copy of the history before it, and return its exit code."""
    if before.exists():
        shutil.copyfile(before, history)
    return call(program, "nightly", *arguments, "--history", history, *more)


def call(program: Sequence[str], *arguments: str | Path) -> int:
    """Run wheelaudit, and return its exit code."""
    return subprocess.run([*program, *map(str, arguments)], stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    main()
