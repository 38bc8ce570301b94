"""OUTPUT (pure): results as SARIF 2.1.0 (OASIS), which code scanning and editors read.

A finding is a ``result``; what could not be done or is not known is a notification of
the invocation, because that is no statement about the file. Output is ASCII: terminal
escapes and bidirectional controls stay inert wherever the file is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from wheelaudit.report.results import HOME, RULES, Result, Rule
from wheelaudit.report.text import escape_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]


def render_sarif(results: Iterable[Result], *, version: str) -> str:
    """Return a log of one run, ending with a newline; ``version`` is wheelaudit's own."""
    told = tuple(results)
    found = [result for result in told if result.rule is not None]
    ids = sorted({result.rule for result in found if result.rule is not None})
    document: Value = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _build_driver(ids, version)},
                "invocations": [_build_invocation([result for result in told if result.rule is None])],
                "results": [_build_result(result, ids) for result in found],
                # SARIF counts columns in UTF-16 units unless told; said once, though no column is named.
                "columnKind": "unicodeCodePoints",
            }
        ],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2) + "\n"


def escape_sarif(text: str) -> str:
    r"""Return foreign text as a SARIF message shows it: on one line, no placeholder and no link in it.

    SARIF 2.1.0, 3.11.5: a literal brace is doubled. 3.11.6: ``[text](target)`` is a link
    unless its brackets are escaped; they stay as they are where no link could be, because
    not every viewer takes the backslash away again.
    """
    shown = escape_text(text).replace("{", "{{").replace("}", "}}")
    if "](" not in shown:
        return shown
    # Backslashes before a bracket are doubled, or the last of them would undo ours.
    return re.sub(r"(\\*)([\[\]])", r"\1\1\\\2", shown)


def build_uri(file: str) -> str:
    """Return a path as a URI reference (RFC 3986): relative as it is, absolute as a ``file:`` URL.

    Every byte that is not unreserved is percent-encoded, so the name can be neither a
    scheme, a query nor a fragment.
    """
    drive = re.match(r"[A-Za-z]:(?=/)", file)
    path = quote((file[2:] if drive else file).encode("utf-8", "surrogatepass"), safe="/")
    if drive:
        return f"file:///{drive[0]}{path}"
    # Two slashes at the start would name a host.
    return f"file:///{path.lstrip('/')}" if path.startswith("/") else path


def _build_driver(ids: Sequence[str], version: str) -> dict[str, Value]:
    return {
        "name": "wheelaudit",
        "version": version,
        "informationUri": HOME,
        "rules": [_build_rule(RULES[each]) if each in RULES else {"id": each} for each in ids],
    }


def _build_rule(rule: Rule) -> dict[str, Value]:
    return {
        "id": rule.id,
        # A Pascal-case name, as 3.49.7 asks for.
        "name": "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", rule.title)),
        "shortDescription": {"text": escape_sarif(f"{rule.title[0].upper()}{rule.title[1:]}")},
        "fullDescription": {"text": escape_sarif(rule.summary)},
        "helpUri": rule.url,
        "help": {"text": f"Cause and remedy: {rule.url}"},
    }


def _build_invocation(untold: Sequence[Result]) -> dict[str, Value]:
    return {
        "executionSuccessful": not any(result.level == "error" for result in untold),
        "toolExecutionNotifications": [
            {"level": result.level, "message": _build_message(result), **_build_locations(result)} for result in untold
        ],
    }


def _build_result(result: Result, ids: Sequence[str]) -> dict[str, Value]:
    assert result.rule is not None
    return {
        "ruleId": result.rule,
        "ruleIndex": ids.index(result.rule),
        "level": result.level,
        "message": _build_message(result),
        **_build_locations(result),
    }


def _build_message(result: Result) -> dict[str, Value]:
    # Line breaks between lines are ours; those in a line were escaped.
    return {"text": "\n".join(map(escape_sarif, (result.message, *result.details)))}


def _build_locations(result: Result) -> dict[str, Value]:
    if result.file is None:
        return {}
    uri = build_uri(result.file)
    artifact: dict[str, Value] = {"uri": uri}
    if not uri.startswith("file:"):
        artifact["uriBaseId"] = "%SRCROOT%"
    # A viewer wants a line; the first one stands for the file.
    region = {"startLine": result.line or 1}
    return {"locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]}
