"""scripts/bench: what judging a release costs by itself, without network, start or anything remembered."""

from __future__ import annotations

import functools
import gc
import statistics
import sys
import time

from tests.releases import load_release
from wheelaudit.audit.audit import audit_release

ROUNDS = 15


def measure(name: str) -> tuple[int, float]:
    """Return the number of wheels of ``cassettes/NAME``, and the median CPU seconds of one audit of it."""
    release, readings = load_release(name)
    remembered = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    seconds: list[float] = []
    for _ in range(ROUNDS):
        for each in remembered:
            each.cache_clear()
        started = time.process_time()
        audit_release(release, readings)
        seconds.append(time.process_time() - started)
    return len(release.wheels), statistics.median(seconds)


if __name__ == "__main__":
    wheels, median = measure(sys.argv[1])
    print(f"{wheels} {median}")
