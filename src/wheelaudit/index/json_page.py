"""WING B (pure): a project page in JSON, read while it arrives.

Obeys PEP 691 (JSON), 592 (yanked), 629 (versions), 700 (size), 714 (metadata), 792 (status).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wheelaudit.errors import NotAProjectPageError
from wheelaudit.index.links import Files, build_page_error, check_version, parse_sha256
from wheelaudit.index.objects import ObjectParser


class JsonFormat:
    """A page of PEP 691, fed in pieces; of its files no more than one is held at a time."""

    def __init__(self, url: str, files: Files) -> None:
        self._url = url
        self._files = files
        self._parser = ObjectParser("files", on_entry=self._read_file, on_value=self._read_value)
        self.status: str | None = None

    def feed(self, data: bytes) -> None:
        with self._refusing():
            self._parser.feed(data)

    def close(self) -> None:
        with self._refusing():
            self._parser.close()
        if not self._parser.has_list:
            raise self._without_files()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, RecursionError) as error:
            raise build_page_error(self._url, "it is not a valid JSON object") from error

    def _read_value(self, key: str, value: object) -> None:
        if key == "meta" and isinstance(value, dict) and "api-version" in value:
            check_version(str(value["api-version"]), self._url)
        elif key == "project-status":
            self.status = _status_of_json(value)
        elif key == "files":
            raise self._without_files()

    def _without_files(self) -> NotAProjectPageError:
        return build_page_error(self._url, 'it is JSON without a list of "files" (PEP 691)')

    def _read_file(self, file: object) -> None:
        filename = file.get("filename") if isinstance(file, dict) else None
        if not isinstance(file, dict) or not isinstance(filename, str):
            self._files.skip("", "an entry of the page is not a file (PEP 691)")
            return
        url, requires_python, yanked, size = map(file.get, ("url", "requires-python", "yanked", "size"))
        if not isinstance(url, str):
            self._files.skip(filename, "the page gives no address for it")
            return
        self._files.add(
            url,
            filename=filename,
            sha256=_sha256_of_hashes(file.get("hashes")),
            metadata=_metadata_of_json(file),
            requires_python=(requires_python.strip() or None) if isinstance(requires_python, str) else None,
            # PEP 691: a truth value, or a reason that is not empty.
            yanked=(yanked if isinstance(yanked, str) else "") if yanked else None,
            size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        )


def _metadata_of_json(file: Mapping[object, object]) -> tuple[bool, str | None]:
    """Read PEP 714's key, or one of the two it replaces; a truth value or hashes."""
    for key in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
        match file.get(key):
            case None:
                continue
            case dict() as hashes:
                return True, _sha256_of_hashes(hashes)
            case value:
                return value is True, None
    return False, None


def _sha256_of_hashes(hashes: object) -> str | None:
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    return parse_sha256(digest) if isinstance(digest, str) else None


def _status_of_json(value: object) -> str | None:
    status = value.get("status") if isinstance(value, dict) else None
    return status.strip().lower() or None if isinstance(status, str) else None
