"""One issue a regression: what ``wheelaudit nightly --issues DIR`` wrote, told to GitHub by its own program, ``gh``.

    scripts/sync-issues [--dry-run] DIR

DIR and the folders in it hold files ``KEY.json`` (``{"key", "state", "title", "body"}``). An
issue is found again by the hidden ``<!-- wheelaudit:KEY -->`` that its body begins with, among
those that carry the label: whoever may not label issues cannot pass one off as ours.

    open    there is none: it is opened. It says otherwise: title and body are replaced.
            It was closed: it is opened again, unless somebody closed it as not planned.
    closed  its body is replaced, and it is closed. There is none: nothing to do.

What has no file is left alone: an index that could not be read closes nothing. Done twice,
the second time does nothing. Titles and bodies come from an index in the end: they go to gh
as an argument of their own and on stdin, never through a shell.

Only the standard library, so that the job that may write installs nothing.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

LABEL = "nightly-regression"
LABEL_COLOR = "b60205"
LABEL_MEANING = "Told by wheelaudit nightly, and kept up to date by it"

MOST_NEW = 20
"""Issues opened in one run. More is an outage, not a list of regressions, and GitHub slows down who opens many; the
rest is there the next night."""
MOST_FILES = 2_000
"""More regressions than a person could read; a folder of more is not one that was meant."""
MOST_BYTES = 1_000_000
"""Of a file: a body of 65,536 characters, each written as an escape of up to twelve."""
MOST_TITLE = 256
MOST_BODY = 65_536
"""Characters that GitHub takes."""
SECONDS = 120
"""For one call of gh, which has time-outs of its own."""

CANNOT = 2
"""Exit code where it could not be done, as wheelaudit's own."""

# The key: hexadecimal digits (`report.nightly.build_key`), so that a name is never a path or an option.
_KEY = r"[0-9a-f]{8,64}"
_FILE = re.compile(rf"({_KEY})\.json", re.ASCII)
_MARKER = re.compile(rf"<!-- wheelaudit:({_KEY}) -->", re.ASCII)


class CannotError(Exception):
    """What happened, in one sentence, and what to do about it."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a file asks for."""

    key: str
    state: Literal["open", "closed"]
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What the repository has."""

    number: int
    is_open: bool
    not_planned: bool
    """Whether somebody closed it for good."""
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of gh, and how it is told."""

    said: str
    """Without a word of an index's."""
    arguments: tuple[str, ...]
    stdin: str = ""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the script, and exit with 0 where the issues are as they should be."""
    parser = argparse.ArgumentParser(prog="sync-issues", description="One issue a regression, by `gh`.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `wheelaudit nightly --issues DIR` wrote")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    options = parser.parse_args(argv)
    try:
        sync(options.folder, gh=("gh",), dry_run=options.dry_run)
    except CannotError as error:
        print(f"error: {error.message}\nhint: {error.remedy}", file=sys.stderr)
        sys.exit(CANNOT)


def sync(folder: Path, *, gh: Sequence[str], dry_run: bool) -> None:
    """Do what the files in ``folder`` ask for, saying each step; ``gh``: the program and what it is always given.

    Raises `CannotError`.
    """
    wanted = read_folder(folder)
    steps, put_off = build_steps(wanted, find_issues(gh) if wanted else {})
    for step in steps:
        print(f"{'would ' if dry_run else ''}{step.said}", flush=True)
        if not dry_run:
            run_gh(gh, step.arguments, stdin=step.stdin)
    if put_off:
        print(f"{put_off} more put off until the next night: {MOST_NEW} new issues are enough for one", flush=True)
    if not steps:
        print("nothing to do", flush=True)


# --- the files ---------------------------------------------------------------------------------------


def read_folder(folder: Path) -> tuple[Wanted, ...]:
    """Read every file, sorted by key. Raises `CannotError` where one is not what was written, so that none is done."""
    if not folder.is_dir():
        raise CannotError(
            f"There is no folder {folder}.", remedy="Name the folder that `wheelaudit nightly --issues` wrote to."
        )
    found = sorted(path for path in folder.rglob("*.json") if _FILE.fullmatch(path.name))
    if len(found) > MOST_FILES:
        raise CannotError(
            f"{folder} holds {len(found):,} issues; {MOST_FILES:,} are the most.", remedy="Name one night's folder."
        )
    wanted = {each.key: each for each in map(read_file, found)}
    return tuple(wanted[key] for key in sorted(wanted))


def read_file(path: Path) -> Wanted:
    """Read one file. Raises `CannotError` where it is not of the form above."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        return parse_wanted(json.loads(data), key=path.stem)
    except (OSError, ValueError, RecursionError) as error:
        raise CannotError(
            f"{path} is not an issue that wheelaudit wrote ({error}).", remedy="Let the night write it again."
        ) from error


def parse_wanted(document: object, *, key: str) -> Wanted:
    """Parse a document that the file of ``key`` holds. Raises `ValueError`."""
    if not isinstance(document, dict) or document.get("key") != key:
        raise ValueError("its key is not its name")
    state, title, body = (document.get(name) for name in ("state", "title", "body"))
    if state not in ("open", "closed"):
        raise ValueError("its state is neither open nor closed")
    if not isinstance(title, str) or not title.strip() or len(title) > MOST_TITLE or not title.isprintable():
        raise ValueError("its title is not a line of text")
    if not isinstance(body, str) or len(body) > MOST_BODY or "\0" in body:
        raise ValueError("its body is not a text that GitHub takes")
    body.encode()  # a lone surrogate would only fail halfway
    if find_key(body) != key:
        raise ValueError("its body does not begin with its marker")
    return Wanted(key=key, state=state, title=title, body=body)


def find_key(body: str) -> str | None:
    """Return the key that a body begins with; a marker further down is a quotation."""
    match = _MARKER.match(body)
    return match[1] if match else None


# --- the repository ----------------------------------------------------------------------------------


def find_issues(gh: Sequence[str]) -> dict[str, Issue]:
    """Ask for all issues with the label, and return them by key: of several the one that is open, else the oldest.

    By the REST list, not by ``gh issue list --label``: that one asks the search, which
    learns of an issue late, and whose empty answer would open everything twice.
    """
    address = f"repos/{{owner}}/{{repo}}/issues?labels={LABEL}&state=all&per_page=100"
    answer = run_gh(gh, ("api", "--paginate", address))
    found: dict[str, Issue] = {}
    try:
        # Pull requests are issues too, there.
        issues = [parse_issue(entry) for entry in parse_pages(answer) if "pull_request" not in entry]
        for issue in sorted(issues, key=lambda issue: (not issue.is_open, issue.number)):
            key = find_key(issue.body)
            if key is not None:
                found.setdefault(key, issue)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CannotError(
            f"gh answered with something that is no list of issues ({error}).", remedy="Update gh, and run this again."
        ) from error
    return found


def parse_pages(text: str) -> list[Any]:
    """Parse what ``gh api --paginate`` prints: one array, or (older ones) one after the other. Raises `ValueError`."""
    decoder = json.JSONDecoder()
    entries: list[Any] = []
    position = len(text) - len(text.lstrip())
    if position == len(text):
        raise ValueError("nothing at all")
    while position < len(text):
        page, position = decoder.raw_decode(text, position)
        if not isinstance(page, list):
            raise ValueError("not an array")
        entries += page
        position += len(text[position:]) - len(text[position:].lstrip())
    return entries


def parse_issue(entry: Mapping[str, Any]) -> Issue:
    """Parse one issue of GitHub's. Raises `KeyError`, `TypeError`, `ValueError`."""
    return Issue(
        number=int(entry["number"]),
        is_open=entry["state"] == "open",
        not_planned=entry.get("state_reason") == "not_planned",
        title=str(entry["title"]),
        # GitHub keeps what a browser sends, with its line ends.
        body=str(entry.get("body") or "").replace("\r\n", "\n"),
    )


def build_steps(wanted: Iterable[Wanted], issues: Mapping[str, Issue]) -> tuple[list[Step], int]:
    """Build what is to be done, and say how many new issues are put off."""
    steps: list[Step] = []
    new = [each for each in wanted if each.state == "open" and each.key not in issues]
    if new:
        steps.append(_label())
        steps += map(_create, new[:MOST_NEW])
    for each in wanted:
        if each.key in issues:
            steps += _update(each, issues[each.key])
    return steps, len(new[MOST_NEW:])


def _label() -> Step:
    arguments = ("label", "create", LABEL, f"--color={LABEL_COLOR}", f"--description={LABEL_MEANING}", "--force")
    return Step(said=f"make sure of the label {LABEL}", arguments=arguments)


def _create(wanted: Wanted) -> Step:
    return Step(
        said=f"open an issue for {wanted.key}",
        # "=": a title that begins with a hyphen is no option.
        arguments=("issue", "create", f"--title={wanted.title}", f"--label={LABEL}", "--body-file=-"),
        stdin=wanted.body,
    )


def _update(wanted: Wanted, issue: Issue) -> Iterable[Step]:
    """What it takes to make an issue say what it should, and be open or closed."""
    number = str(issue.number)
    if (wanted.state == "closed" and not issue.is_open) or (not issue.is_open and issue.not_planned):
        return
    # GitHub strips what is blank at the ends.
    if (wanted.title.strip(), wanted.body.strip()) != (issue.title.strip(), issue.body.strip()):
        yield Step(
            said=f"edit #{number} for {wanted.key}",
            arguments=("issue", "edit", number, f"--title={wanted.title}", "--body-file=-"),
            stdin=wanted.body,
        )
    if wanted.state == "closed":
        yield Step(said=f"close #{number}: {wanted.key} is over", arguments=("issue", "close", number))
    elif not issue.is_open:
        yield Step(said=f"open #{number} again: {wanted.key} is back", arguments=("issue", "reopen", number))


def run_gh(gh: Sequence[str], arguments: Sequence[str], *, stdin: str = "") -> str:
    """Run gh and return what it prints. Raises `CannotError` where it fails: nothing is taken as done that is not."""
    name = " ".join(arguments[:2])
    try:
        done = subprocess.run(
            [*gh, *arguments], input=stdin.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise CannotError(f"There is no program {gh[0]}.", remedy="Install GitHub's gh, and log in.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotError(f"`gh {name}` could not be run ({error}).", remedy="Run this again.") from error
    if done.returncode != 0:
        # What gh says may quote a title: shown as text, and not all of it.
        said = ascii(done.stderr.decode(errors="replace").strip()[-500:])
        raise CannotError(
            f"`gh {name}` failed with {done.returncode}: {said}.",
            remedy="See that GH_TOKEN may write issues, then run this again: what is done is not done twice.",
        )
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    main()
