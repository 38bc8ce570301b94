"""One loopback server, one uv cache and one index a release for all tests here: a lock takes a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.index.server import FileServer, serve_files
from tests.releases import load_metadata, load_release
from tests.uv.index import ServedWheel, SimpleIndex, build_requirement_stubs
from tests.uv.lock import Uv

MakeIndex = Callable[[], SimpleIndex]
FindIndex = Callable[[str], SimpleIndex]


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Uv:
    return Uv(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def make_index() -> Iterator[MakeIndex]:
    """``make_index()``: an empty index at an address that no other test has."""
    numbers = count()
    with serve_files(FileServer(headers={"Content-Type": "text/html"})) as server:
        yield lambda: SimpleIndex(server=server, path=f"/{next(numbers)}/simple")


@pytest.fixture(scope="session")
def release_index(make_index: MakeIndex) -> FindIndex:
    """``release_index(NAME)``: an index of the release of cassettes/NAME and stubs of all that it asks for."""
    indexes: dict[str, SimpleIndex] = {}

    def find(name: str) -> SimpleIndex:
        if name not in indexes:
            index = indexes[name] = make_index()
            release, readings = load_release(name)
            metadata = load_metadata(name)
            index.add(build_requirement_stubs(readings))
            index.add(
                ServedWheel(
                    filename=wheel.filename,
                    metadata=metadata[wheel.filename],
                    yanked=wheel.yanked,
                    requires_python=wheel.requires_python,
                )
                for wheel in release.wheels
            )
        return indexes[name]

    return find
