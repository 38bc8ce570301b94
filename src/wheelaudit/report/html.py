"""OUTPUT (pure): audits as a page for a browser: one file that loads nothing and runs nothing.

What stands where is the templates' business (``templates/``), what foreign text may do
(nothing) that of `wheelaudit.report.html_page`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wheelaudit.audit.values import Audit
from wheelaudit.errors import WheelAuditError
from wheelaudit.report.html_page import clip, render_page
from wheelaudit.report.html_release import build_release
from wheelaudit.report.text import count_of

MOST_RELEASES = 200
"""On one page; ``--all`` may match hundreds of them, and JSON has the rest."""


def render_html(audits: Sequence[Audit], *, failures: Sequence[tuple[str, WheelAuditError]] = ()) -> str:
    """Return the page, ending with a newline. ``failures`` holds the SPECs that could not be done at all."""
    releases = clip((build_release(audit, anchor=f"release-{n}") for n, audit in enumerate(audits, 1)), MOST_RELEASES)
    alone = releases.items[0] if len(audits) == 1 and not failures else None
    return render_page(
        "audits.html",
        title=f"{alone.spec}: {alone.verdict}" if alone else _describe(audits, failures),
        alone=alone,
        releases=releases,
        failures=clip(failures, MOST_RELEASES),
    )


def _describe(audits: Sequence[Audit], failures: Sequence[tuple[str, WheelAuditError]]) -> str:
    """Return ``3 releases: 1 inconsistent, 1 consistent, 1 not done``."""
    verdicts = Counter(audit.verdict for audit in audits)
    counts = [f"{verdicts[verdict]} {verdict}" for verdict in ("inconsistent", "undecided", "consistent")]
    told = [text for text in (*counts, f"{len(failures)} not done") if not text.startswith("0 ")]
    return f"{count_of(len(audits) + len(failures), 'release')}: {', '.join(told)}" if told else "0 releases"
