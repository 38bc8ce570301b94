"""The environment behind scripts/: made on first use, kept in step with pyproject.toml, the same on every platform.

Only the standard library, and heavy modules are imported where they are needed: on
second use this file costs one start of a bare interpreter. It has to *parse* on every
Python 3 that a checkout may meet, or the sentence below could not be said.

What .venv is, its own files tell:
    wheelaudit-ready        complete, for the Python, checkout, groups and pyproject.toml written in it
    wheelaudit-unfinished   being made or changed; whoever finds it and has the lock makes .venv again
    neither                 somebody else's: left alone
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (older Pythons do run this file, to be told so)
    sys.stderr.write(f"wheelaudit needs Python 3.11 or newer, and this is {sys.version.split()[0]}: run a newer one.\n")
    sys.exit(2)  # "could not be done", as wheelaudit's own exit code says it

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(TOP, ".venv")
READY = os.path.join(VENV, "wheelaudit-ready")
UNFINISHED = os.path.join(VENV, "wheelaudit-unfinished")
LOCK = os.path.join(TOP, ".venv.lock")
WINDOWS = sys.platform == "win32"
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if WINDOWS else os.path.join(VENV, "bin", "python")

PLACE = f"Python {sys.version_info[0]}.{sys.version_info[1]} in {TOP}"
"""What an environment cannot change: it is made again for another Python, and in a moved checkout."""

CHECKS = (("ruff", "format", "--check"), ("ruff", "check"), ("mypy",), ("pytest",))
"""What CI runs. The tests last: pytest's closing line ends the output."""

FIXES = (("ruff", "format"), ("ruff", "check", "--fix"), ("ruff", "format"))
"""Formatted first, so that no line is called too long that formatting breaks."""

CANNOT = 2
"""Exit code where the environment cannot be had, as wheelaudit's own for "could not be done"."""


def run(module: str, *, groups: tuple[str, ...] = (), at_top: bool = False) -> None:
    """Become ``python -m module`` of the environment, with this script's arguments."""
    ensure(groups)
    if at_top:
        os.chdir(TOP)
    command = [PYTHON, "-m", module, *sys.argv[1:]]
    if not WINDOWS:
        os.execv(PYTHON, command)
    # On Windows exec returns to the shell before the program has ended.
    sys.exit(_call(command))


def run_steps(steps: tuple[tuple[str, ...], ...], *, groups: tuple[str, ...]) -> None:
    """Run every step, also after one has failed, and exit with 1 if any did; arguments go to pytest."""
    ensure(groups)
    os.chdir(TOP)
    failed: list[str] = []
    for step in steps:
        name = " ".join(step)
        if step == steps[-1] and failed:
            # Said before the last step, whose own closing line ends the output.
            print(f"--- failed: {', '.join(failed)}", flush=True)
        print(f"--- {name}", flush=True)
        if _call([PYTHON, "-m", *step, *(sys.argv[1:] if step == ("pytest",) else [])]) != 0:
            failed.append(name)
    sys.exit(1 if failed else 0)


def ensure(groups: tuple[str, ...]) -> None:
    """Make the environment, or bring it up to date, unless it is ready; exit where that cannot be done."""
    if _is_ready(groups):
        return
    try:
        with open(LOCK, "ab") as lock:
            _acquire(lock.fileno())
            # Whoever held the lock may have done the work.
            if not _is_ready(groups):
                _make(groups, lock.fileno())
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        _fail(f"The environment in {VENV} cannot be made ({error}). Look at the permissions and the free space there.")


def _is_ready(groups: tuple[str, ...]) -> bool:
    told = _read_ready()
    if told is None or not os.path.exists(PYTHON):
        return False
    place, installed, pyproject = told
    return place == PLACE and installed.issuperset(groups) and pyproject == _read_pyproject()


def _read_ready() -> tuple[str, set[str], bytes] | None:
    """Return place, groups and pyproject.toml of a complete environment; None where there is none."""
    try:
        with open(READY, "rb") as file:
            place, groups, pyproject = file.read().split(b"\n", 2)
    except (OSError, ValueError):
        return None
    return os.fsdecode(place), set(groups.decode().split()), pyproject


def _write_ready(groups: set[str], pyproject: bytes) -> None:
    # pyproject.toml whole, not its hash: hashlib alone would double what this file costs.
    with open(READY + ".new", "wb") as file:
        file.write(b"\n".join((os.fsencode(PLACE), " ".join(sorted(groups)).encode(), pyproject)))
    os.replace(READY + ".new", READY)


def _read_pyproject() -> bytes:
    with open(os.path.join(TOP, "pyproject.toml"), "rb") as file:
        return file.read()


def _make(groups: tuple[str, ...], lock: int) -> None:
    """Make .venv or bring it up to date. Killed at any line, it leaves `UNFINISHED`, and the next run repairs it."""
    told = _read_ready()
    if told is not None and told[0] == PLACE and os.path.exists(PYTHON):
        wanted = told[1].union(groups)
        _say("Bringing .venv up to date (some seconds) ...")
        _touch(UNFINISHED)
        os.unlink(READY)
    else:
        wanted = set(groups)
        _say("Making .venv for this checkout (once, about half a minute) ...")
        _empty(ours=told is not None or os.path.exists(UNFINISHED))
        # The interpreter below any environment: this one may itself be the .venv just emptied.
        base = getattr(sys, "_base_executable", sys.executable)
        _run_quietly([base, "-m", "venv", VENV], lock, "Install the venv module (Debian: python3-venv).")
    pyproject = _read_pyproject()
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    requirements = _find_requirements(pyproject, wanted)
    _run_quietly([*install, "--editable", ".", *requirements], lock, "Look at pip's words above, then run this again.")
    _write_ready(wanted, pyproject)
    os.unlink(UNFINISHED)


def _empty(*, ours: bool) -> None:
    """Leave a .venv that holds nothing but `UNFINISHED`; exit where it is somebody else's."""
    import shutil

    os.makedirs(VENV, exist_ok=True)
    found = os.listdir(VENV)
    if found and not ours:
        _fail(f"{VENV} was not made by these scripts. Move it away, or run its own Python: python -m wheelaudit.")
    _touch(UNFINISHED)
    for name in found:
        path = os.path.join(VENV, name)
        if path == UNFINISHED:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _find_requirements(pyproject: bytes, groups: set[str]) -> list[str]:
    """Return the requirements of dependency groups (PEP 735); pip learned --group only in 25.1."""
    import tomllib

    tables = tomllib.loads(pyproject.decode())["dependency-groups"]
    found: dict[str, None] = {}
    waiting = sorted(groups)
    for group in waiting:
        for entry in tables[group]:
            if isinstance(entry, str):
                found[entry] = None
            elif entry["include-group"] not in waiting:
                waiting.append(entry["include-group"])
    return list(found)


def _acquire(lock: int) -> None:
    """Wait for the lock. The system frees it when its holder ends, killed or not: there is no stale lock."""
    said = False
    while not _try_lock(lock):
        if not said:
            _say("Waiting for another run that makes .venv ...")
            said = True
        import time

        time.sleep(0.2)  # seconds; the work waited for takes many


if sys.platform == "win32":

    def _try_lock(lock: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(lock: int) -> bool:
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _run_quietly(command: list[str], lock: int, remedy: str) -> None:
    """Run a command whose output is worth reading only when it fails."""
    import subprocess

    # The child holds the lock too: a pip that outlives its killed parent still writes to .venv.
    # (Windows has no such inheritance; there a killed parent's pip is the user's to end.)
    held = () if WINDOWS else (lock,)
    done = subprocess.run(
        command,
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=held,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        _fail(f"The environment in {VENV} could not be made. {remedy}")


def _call(command: list[str]) -> int:
    import subprocess

    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130


def _touch(path: str) -> None:
    with open(path, "ab"):
        pass


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str) -> None:
    _say(text)
    sys.exit(CANNOT)
