"""OUTPUT (pure): tonight's build of a stream held against the last -> what is told, what begins and what ends.

The rules, one room each: `disagreement` WA501 and WA502, `changes` WA503, `vanished`
WA504, `age` WA505, `faults` WA2xx. What is common to all is here: an event is told on the
night it begins and then is open; what ends without an id of its own is only closed. To
add a rule: a room that returns a `Trouble` for what is wrong tonight.

- WA503 has no duration and is never open. A project on which the wheels disagree since
  tonight (WA501), or no longer (WA502), is told by that event alone: its lines are the
  evidence there, and the same lines once more as 503 would hide the changes that are
  something else. Other projects' changes of that night are told.
- An undecided night is no verdict: neither WA501 nor WA502 begins or ends, and no WA503 is
  told, because the next decided night is held against the same build. What needs no
  metadata is told.
- What was wrong the night before and is not open (a history that began in between, a
  build that was read back) is opened and told to nobody.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName

from wheelaudit.audit.values import Audit
from wheelaudit.history.age import find_staleness
from wheelaudit.history.changes import find_requirement_events
from wheelaudit.history.disagreement import find_agreement, find_disagreement, find_projects
from wheelaudit.history.faults import find_faults
from wheelaudit.history.nights import Build, Nights, Trouble
from wheelaudit.history.values import Event, OpenEvent, Snapshot
from wheelaudit.history.vanished import Vanished, find_vanished


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a night has brought; each by id and subject."""

    events: tuple[Event, ...]
    """Told tonight; none on a stream's first night."""
    opened: tuple[OpenEvent, ...]
    """What begins tonight, told or not."""
    closed: tuple[OpenEvent, ...]
    """What was open and has ended."""
    still_open: tuple[OpenEvent, ...]
    """What was open and goes on; WA504 narrowed to what is still gone (`Event.platforms`), under its old subject."""


def find_events(
    before: Snapshot | None,
    before_audit: Audit | None,
    after: Snapshot,
    after_audit: Audit,
    *,
    open: Sequence[OpenEvent],  # noqa: A002 - the word of OpenEvent
    stale_days: int,
    first_seen: datetime.date,
) -> Told:
    """Hold tonight's build against ``before``, the last night whose verdict is decided; None: it is the first.

    Where tonight has been recorded already, that record is ``before``: what does not stay
    open (WA502, 503) would otherwise be told again. ``open`` are the stream's events that
    have not ended, ``stale_days`` the age in days at which a newest build is WA505, and
    ``first_seen`` the day on which this one was on the index first.
    """
    nights = Nights(
        before=None if before is None or before_audit is None else Build(snapshot=before, audit=before_audit),
        after=Build(snapshot=after, audit=after_audit),
    )
    vanished = find_vanished(nights, pending=[each for each in open if each.event.id == "WA504"])
    troubles = _find_troubles(nights, vanished, stale_days=stale_days, first_seen=first_seen)
    still_open = _find_still_open(open, vanished, troubles, nights)
    known = {_key(each.event) for each in still_open}
    begun = [trouble for trouble in troubles if _key(trouble.event) not in known]
    events = [trouble.event for trouble in begun if trouble.is_new]
    events += _find_passing(nights, events, open)
    return Told(
        events=tuple(sorted(events, key=_key)),
        opened=_sort(trouble.open(nights) for trouble in begun),
        closed=_sort(each for each in open if _key(each.event) not in known),
        still_open=_sort(still_open),
    )


def _find_troubles(
    nights: Nights, vanished: Vanished, *, stale_days: int, first_seen: datetime.date
) -> tuple[Trouble, ...]:
    """What is wrong tonight; of WA504 only what was not gone before."""
    single = (find_disagreement(nights), find_staleness(nights, stale_days=stale_days, first_seen=first_seen))
    return (*(trouble for trouble in single if trouble is not None), *vanished.troubles, *find_faults(nights))


def _find_still_open(
    pending: Iterable[OpenEvent], vanished: Vanished, troubles: Iterable[Trouble], nights: Nights
) -> list[OpenEvent]:
    wrong = {_key(trouble.event) for trouble in troubles}
    still = [*vanished.still_open]
    for each in pending:
        undecided = each.event.id == "WA501" and nights.after.audit.verdict == "undecided"
        if each.event.id != "WA504" and (undecided or _key(each.event) in wrong):
            still.append(each)
    return still


def _find_passing(nights: Nights, told: Iterable[Event], pending: Iterable[OpenEvent]) -> list[Event]:
    """WA502 and WA503: events of this night only."""
    disagreement = next((each for each in pending if each.event.id == "WA501"), None)
    explained: frozenset[NormalizedName] = frozenset()
    if any(event.id == "WA501" for event in told):
        explained = find_projects(nights.after.audit)
    agreement = find_agreement(nights, pending=disagreement)
    if agreement is not None and nights.before is not None:
        explained = find_projects(nights.before.audit, pending=disagreement)
    found = find_requirement_events(nights, explained=explained)
    return [*found] if agreement is None else [agreement, *found]


def _key(event: Event) -> tuple[str, str]:
    return event.id, event.subject


def _sort(events: Iterable[OpenEvent]) -> tuple[OpenEvent, ...]:
    return tuple(sorted(events, key=lambda each: _key(each.event)))
