"""scripts/bench (its own process): a round-trip time between the peers and the server.

Two ways, the better where the system allows it:

- Linux, where a network namespace may be made (as root, or as anyone where user
  namespaces are allowed): client and server live in a namespace each, joined by two TUN
  devices. This process carries the packets and holds each for half a round trip: real
  TCP, its handshake and its slow start included, at 1,500 bytes a packet. (``tc netem``
  would do the same in the kernel; many kernels come without it.)
- elsewhere a TCP proxy on 127.0.0.1 that holds what it carries for half a round trip in
  each direction, and the first bytes of a connection for the handshake's round trip too.
  It models no slow start: long answers come faster than over a real wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import selectors
import struct
import subprocess
import sys
import time
from collections import deque

# RFC 2544: addresses for benchmarks between two hosts; they exist in the two namespaces only.
CLIENT, SERVER = "198.18.0.1", "198.18.0.2"
MTU = 1500
QUEUE = 20_000
"""Packets that a device may hold: 30 MB, so that none is dropped while this process is busy."""
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_CHUNK = 65536


def can_make_namespaces() -> bool:
    """Whether this system lets us have namespaces and TUN devices; tried, not guessed."""
    if sys.platform != "linux" or not os.path.exists("/dev/net/tun"):
        return False
    probe = f"import scripts._bench_wire as wire; wire.open_device('probe', '{CLIENT}', '{SERVER}')"
    try:
        done = subprocess.run(
            [*enter_namespace(), sys.executable, "-c", probe], capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def enter_namespace() -> list[str]:
    """Return the command in front of one that is to run in namespaces of its own; they end with it, killed or not."""
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--pid", "--fork", "--kill-child=SIGKILL", "--"]


def open_device(name: str, own: str, peer: str) -> int:
    """Return a TUN device of this process's namespace, up and with its address; reading it gives IP packets."""
    import fcntl

    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    for command in (
        "ip link set lo up",
        f"ip addr add {own} peer {peer} dev {name}",
        f"ip link set {name} mtu {MTU} txqueuelen {QUEUE} up",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    return device


def carry_packets(round_trip: float, server: list[str]) -> None:
    """Join this namespace to a new one in which ``server`` runs, by a wire of ``round_trip`` seconds; never returns."""
    client_side = open_device("client", CLIENT, SERVER)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no second network namespace can be made")
    server_side = open_device("server", SERVER, CLIENT)
    subprocess.Popen(server, stdin=subprocess.DEVNULL)
    print("ready", flush=True)
    _forward(client_side, server_side, round_trip / 2)


def _forward(one: int, other: int, delay: float) -> None:
    """Read packets as they come, write each to the other side when it has been held for ``delay`` seconds."""
    selector = selectors.DefaultSelector()
    held: dict[int, deque[tuple[float, bytes]]] = {one: deque(), other: deque()}
    across = {one: other, other: one}
    for device in held:
        selector.register(device, selectors.EVENT_READ)
    while True:
        due = min((queue[0][0] for queue in held.values() if queue), default=None)
        ready = selector.select(None if due is None else max(0.0, due - time.monotonic()))
        for key, _ in ready:
            _read_packets(key.fd, held[key.fd], delay)
        now = time.monotonic()
        for device, queue in held.items():
            while queue and queue[0][0] <= now:
                os.write(across[device], queue.popleft()[1])


def _read_packets(device: int, queue: deque[tuple[float, bytes]], delay: float) -> None:
    for _ in range(64):  # then the other side has its turn
        try:
            queue.append((time.monotonic() + delay, os.read(device, MTU + 100)))
        except BlockingIOError:
            return


async def carry_streams(round_trip: float, server_port: int) -> None:
    """Print the port of a delaying proxy to ``server_port`` of 127.0.0.1, and run it; never returns."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", server_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            # Both sides of the handshake were answered at once: its round trip is paid here.
            _carry_stream(reader, onward_writer, round_trip / 2, first=round_trip),
            _carry_stream(onward_reader, writer, round_trip / 2, first=0.0),
        )

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(proxy.sockets[0].getsockname()[1], flush=True)
    await proxy.serve_forever()


async def _carry_stream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, *, first: float
) -> None:
    """Copy bytes, each held for ``delay`` seconds; whoever closes is told to the other side, as late."""
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def release() -> None:
        while True:
            due, chunk = await held.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not chunk:
                writer.close()
                return
            writer.write(chunk)
            await writer.drain()

    task = asyncio.create_task(release())
    started = time.monotonic() + first
    try:
        while chunk := await reader.read(_CHUNK):
            held.put_nowait((max(started, time.monotonic()) + delay, chunk))
    except OSError:
        pass  # a reset closes the other side too
    held.put_nowait((time.monotonic() + delay, b""))
    with contextlib.suppress(OSError):
        await task


if __name__ == "__main__":
    kind, milliseconds, *rest = sys.argv[1:]
    if kind == "packets":
        carry_packets(float(milliseconds) / 1000, rest)
    else:
        asyncio.run(carry_streams(float(milliseconds) / 1000, int(rest[0])))
