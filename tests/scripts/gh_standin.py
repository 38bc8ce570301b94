"""A stand-in for GitHub's ``gh``: one repository in a file, and what was asked of it.

    python gh_standin.py STATE ARGUMENTS...

STATE is JSON: ``issues`` as the REST API has them, ``calls`` as they came, ``fail`` (a command that fails).
"""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = 2
"""Issues a page, so that there are pages."""


def main() -> None:
    path = Path(sys.argv[1])
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    arguments = sys.argv[2:]
    command = " ".join(arguments[:2])
    state["calls"].append(arguments)
    if state.get("fail") == command:
        sys.exit("gh: \x1b[31mno")
    answer(state, command, arguments[2:])
    path.write_text(json.dumps(state), encoding="utf-8")


def answer(state: dict[str, Any], command: str, rest: list[str]) -> None:
    """Do what gh would do, and print what it prints."""
    options = dict(each[2:].split("=", 1) for each in rest if each.startswith("--") and "=" in each)
    body = sys.stdin.buffer.read().decode("utf-8") if options.get("body-file") == "-" else ""
    match command:
        case "api --paginate":
            address, _, query = rest[0].partition("?")
            assert address == "repos/{owner}/{repo}/issues"
            label = dict(each.split("=") for each in query.split("&"))["labels"]
            found = [issue for issue in state["issues"] if label in issue["labels"]]
            # Older ones print the pages one after the other.
            pages = [found[start : start + PAGE] for start in range(0, len(found), PAGE)] or [[]]
            sys.stdout.write("\n".join(map(json.dumps, pages)) + "\n")
        case "issue create":
            issue = {"number": len(state["issues"]) + 1, "state": "open", "state_reason": None}
            state["issues"].append({**issue, "title": options["title"], "body": body, "labels": [options["label"]]})
        case "issue edit":
            find(state, rest).update(title=options["title"], body=body)
        case "issue close":
            find(state, rest).update(state="closed", state_reason="completed")
        case "issue reopen":
            find(state, rest).update(state="open", state_reason="reopened")
        case "label create":
            pass
        case _:
            sys.exit(f"gh: unknown command {command}")


def find(state: dict[str, Any], rest: list[str]) -> dict[str, Any]:
    """Return the issue that is meant."""
    found: dict[str, Any] = next(issue for issue in state["issues"] if issue["number"] == int(rest[0]))
    return found


if __name__ == "__main__":
    main()
