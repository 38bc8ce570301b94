"""What tests of the metadata store keep in it, and a process that does; imports no more than the store itself."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from wheelaudit.index.packing import build_body
from wheelaudit.index.store import MetadataStore, StoredAnswer, build_key

ROOT = Path(__file__).parents[2]


def key_of(number: int) -> bytes:
    return build_key("metadata", str(number))


def data_of(number: int) -> bytes:
    head = f"Metadata-Version: 2.1\nName: demo-{number}\n".encode()
    return head + random.Random(number).randbytes(200 + number % 5000)


def answer_of(number: int) -> StoredAnswer:
    return StoredAnswer(body=build_body(data_of(number)), etag=f'"{number}"')


def write(folder: Path, numbers: range, *, again: bool) -> None:
    """Keep the answers, and see that each is there; ``again``: until the process is killed."""
    with MetadataStore(folder) as store:
        _say("ready")
        while True:
            for number in numbers:
                store.keep(key_of(number), answer_of(number))
                found = store.find(key_of(number))
                assert found is not None, number
                assert found.body.read() == data_of(number), number
            if not again:
                break
    _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def start_writer(folder: Path, numbers: range, *, again: bool = False) -> subprocess.Popen[str]:
    """Start a process that does `write`."""
    code = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'src')]!r}\n"
        "from pathlib import Path\nfrom tests.index.stored import write\n"
        f"write(Path({str(folder)!r}), {numbers!r}, again={again})"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
