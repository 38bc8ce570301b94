"""GROUND (pure): every failure that wheelaudit foresees, as one tree of exceptions.

    WheelAuditError
    ├── UsageError             the command line, a SPEC or a setting is wrong
    ├── IndexAccessError       an index or a file of it could not be had
    │   ├── NetworkError       no answer: connection, TLS, time-out, no network
    │   ├── HttpStatusError    an answer that is a refusal
    │   ├── NotAProjectPageError
    │   ├── ProjectNotFoundError
    │   └── ReleaseNotFoundError
    ├── MetadataError          one wheel's core metadata (names its finding id)
    │   ├── MetadataUnreadableError   WA201
    │   ├── HashMismatchError         WA202
    │   └── InvalidMetadataError      WA206
    ├── ReleaseTooLargeError   what the wheels tell apart is more than is compared
    ├── CassetteError          a recording cannot be read, or holds no such exchange
    ├── HistoryError           a history cannot be opened, read, written or imported
    └── ProjectFileError       a file of the user's project

A failure of one wheel is kept as a value (`metadata.UnreadableWheel`) while the
others are read; anything else travels up to the command line, which prints
``message`` and ``remedy`` and exits with 2. Every other exception is a bug.
"""

from __future__ import annotations


class WheelAuditError(Exception):
    """What happened, in one sentence with its URL or file, and what to do about it."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        """One sentence in the imperative; None where there is nothing to do."""

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message} {self.remedy}"


class UsageError(WheelAuditError):
    """The command line, a SPEC, an index name or a setting is wrong."""


class IndexAccessError(WheelAuditError):
    """An index, or a file of it, could not be had; ``url`` holds no credentials."""

    def __init__(self, message: str, *, url: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.url = url


class NetworkError(IndexAccessError):
    """There was no usable answer: connection, TLS, time-out, or no network at all."""


class HttpStatusError(IndexAccessError):
    """The server answered with a status that is not the file."""

    def __init__(self, message: str, *, url: str, status: int, remedy: str | None = None) -> None:
        super().__init__(message, url=url, remedy=remedy)
        self.status = status


class NotAProjectPageError(IndexAccessError):
    """The answer is not a project page of the simple repository API."""


class ProjectNotFoundError(IndexAccessError):
    """The index has no such project (404, or PyTorch's 403 with an XML body)."""


class ReleaseNotFoundError(IndexAccessError):
    """The project is there, but no release with wheels answers to the SPEC."""


class MetadataError(WheelAuditError):
    """The core metadata of one wheel could not be had or understood."""

    finding = "WA201"
    """The finding id (README) that this failure is reported under."""


class MetadataUnreadableError(MetadataError):
    """Neither ``.metadata`` nor the METADATA inside the wheel could be read."""

    finding = "WA201"


class HashMismatchError(MetadataError):
    """The bytes do not have the hash that the index advertises for them."""

    finding = "WA202"


class InvalidMetadataError(MetadataError):
    """The bytes are not core metadata that can be understood."""

    finding = "WA206"


class ReleaseTooLargeError(WheelAuditError):
    """The tags and markers of a release tell more environments apart than are compared."""


class CassetteError(WheelAuditError):
    """A recording cannot be read or written, or holds no answer to a request."""


class HistoryError(WheelAuditError):
    """A history cannot be opened, read, written or imported."""


class ProjectFileError(WheelAuditError):
    """A file of the user's project cannot be read, understood or edited safely."""
