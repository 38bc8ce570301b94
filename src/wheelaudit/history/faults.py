"""OUTPUT (pure): WA2xx, faults of the index or of a wheel, followed from build to build by the wheel's platform."""

from __future__ import annotations

from collections.abc import Iterator

from wheelaudit.audit.values import Audit, Finding
from wheelaudit.history.nights import Nights, Trouble, build_evidence, strip_version
from wheelaudit.history.values import Event
from wheelaudit.metadata import Reading

_Place = tuple[str, str]
"""A finding's id, and the name without version of a wheel that it is about."""


def find_faults(nights: Nights) -> tuple[Trouble, ...]:
    """Return tonight's WA2xx, one for each id and wheel; new are those that the same wheel did not have before."""
    before = {} if nights.before is None else _find_places(nights.before.audit)
    return tuple(_build_troubles(nights, before))


def _build_troubles(nights: Nights, before: dict[_Place, tuple[Finding, str]]) -> Iterator[Trouble]:
    readings = {reading.wheel.filename: reading for reading in nights.after.audit.readings}
    for place, (finding, filename) in sorted(_find_places(nights.after.audit).items(), key=lambda item: item[0]):
        is_old = nights.before is not None and place in before
        since = nights.before if is_old and nights.before is not None else nights.after
        yield Trouble(
            event=_build_event(nights, place, finding, readings[filename]),
            since=since.snapshot,
            is_new=nights.before is not None and not is_old,
        )


def _find_places(audit: Audit) -> dict[_Place, tuple[Finding, str]]:
    """The first finding of each place, with the file name that it names."""
    places: dict[_Place, tuple[Finding, str]] = {}
    for finding in audit.findings:
        if finding.id.startswith("WA2"):
            for filename in finding.wheels:
                places.setdefault((finding.id, strip_version(filename)), (finding, filename))
    return places


def _build_event(nights: Nights, place: _Place, finding: Finding, reading: Reading) -> Event:
    return nights.build_event(
        id=place[0],
        level="finding",
        subject=place[1],
        message=f"{reading.wheel.filename}: {finding.message}",
        wheels=build_evidence([reading]),
    )
