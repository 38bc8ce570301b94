"""WING B (another process): passwords from the program ``keyring``, asked as uv asks it.

Source: uv 0.13.8 with ``keyring-provider = "subprocess"``, which tests hold us against. ``keyring
get SERVICE USERNAME`` prints a password; SERVICE is the index's address, then its host. Without a
user name it is ``keyring get SERVICE --mode creds``, which prints name and password.

What the program says goes into a `Login` and nowhere else: its errors are not read, and what is
told of it in an error of ours is that it was asked, and how that ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from subprocess import DEVNULL, PIPE

import anyio

from wheelaudit.index.logins import Login

KEYRING_SECONDS = 60.0
"""A person may have to unlock it in a window first; one that asks at the terminal finds stdin closed and ends."""
MAX_OUTPUT_BYTES = 64 * 1024
"""Of a name and a password: the tokens of cloud services have some kilobytes."""


class Keyring:
    """Asks ``keyring``, each question once. ``environ`` is the program's, and its PATH says where the program is."""

    def __init__(self, *, environ: Mapping[str, str], platform: str, seconds: float = KEYRING_SECONDS) -> None:
        self._environ = environ
        self._platform = platform
        self._seconds = seconds
        self._turns: dict[tuple[str, str | None], anyio.Lock] = {}
        self._answers: dict[tuple[str, str | None], Login | None] = {}
        self._broken = False
        self.outcome = "keyring was not asked"
        """How the last question ended that brought nothing: part of a sentence, without a secret."""

    async def find_login(self, services: Iterable[str], username: str | None) -> Login | None:
        """Return what ``keyring`` has for the first of ``services`` that it knows; None, and `outcome`, for nothing.

        ``username`` None: it is to say the name as well.
        """
        if username is not None and (username.startswith("-") or not username.isprintable()):
            # `keyring -b NAME` loads code by that name, and the address may be a stranger's pyproject.toml.
            self.outcome = "keyring was not asked, as it would not take the user name for one"
            return None
        for service in services:
            login = await self._ask_once(service, username)
            if login is not None:
                return login
        return None

    async def _ask_once(self, service: str, username: str | None) -> Login | None:
        key = service, username
        async with self._turns.setdefault(key, anyio.Lock()):
            if key not in self._answers:
                self._answers[key] = None if self._broken else await self._ask(service, username)
            return self._answers[key]

    async def _ask(self, service: str, username: str | None) -> Login | None:
        program = find_program(self._environ, platform=self._platform)
        if program is None:
            self._give_up("there is no program keyring on PATH")
            return None
        command = [program, "get", service, *(["--mode", "creds"] if username is None else [username])]
        try:
            with anyio.fail_after(self._seconds):
                code, output = await _run(command, self._environ)
        except TimeoutError:
            self._give_up(f"keyring gave no answer within {self._seconds:g} seconds")
            return None
        except (OSError, ValueError) as error:  # ValueError: an environment that no program can be given
            self._give_up(f"keyring could not be run ({getattr(error, 'strerror', None) or 'bad environment'})")
            return None
        if code != 0:
            self.outcome = f"keyring had none (it ended with {code})"
            return None
        login = parse_answer(output, username)
        if login is None:
            self.outcome = "keyring gave an answer that is no password"
        return login

    def _give_up(self, outcome: str) -> None:
        """Ask no more in this run: the next question would fare no better, and take as long."""
        self._broken, self.outcome = True, outcome


def find_program(environ: Mapping[str, str], *, platform: str) -> str | None:
    """Return where ``keyring`` is on PATH; None where it is not.

    Windows: the .exe alone, as uv has it (a .bat is given to a shell), and not in the working
    folder, where `shutil.which` looks first.
    """
    name = "keyring.exe" if platform == "win32" else "keyring"
    for folder in environ.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder):
            found = shutil.which(os.path.join(folder, name))
            if found is not None:
                return found
    return None


def parse_answer(output: bytes, username: str | None) -> Login | None:
    """Read what ``keyring`` printed: the password, or without ``username`` two lines; None where it is neither."""
    if len(output) > MAX_OUTPUT_BYTES:
        return None
    try:
        text = output.decode()
    except UnicodeDecodeError:
        return None
    if username is not None:
        name, password = username, text.rstrip()
    else:
        name, password, *_ = [*text.splitlines(), "", ""]
    return Login(username=name, password=password) if name and password else None


async def _run(command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Return exit code and output; what prints more than `MAX_OUTPUT_BYTES`, or is cancelled, is ended."""
    process = await anyio.open_process(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=dict(environ))
    async with process:
        try:
            output = bytearray()
            assert process.stdout is not None
            async for piece in process.stdout:
                output += piece
                if len(output) > MAX_OUTPUT_BYTES:
                    break
            else:
                return await process.wait(), bytes(output)
            process.kill()
            return 0, bytes(output)
        except BaseException:
            # Not before it has ended is the block left.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
