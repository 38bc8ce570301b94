"""scripts/bench: the server, the wire in front of it, and the count of what was asked of it.

nginx over TLS with HTTP/2 where it is installed, as indexes are served; its certificate
is signed by an authority of this run's own, which the peers learn by SSL_CERT_FILE.
Without nginx or openssl a server of the standard library stands in: HTTP/1.1, no TLS.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts import _bench_wire as wire

START_SECONDS = 20
"""Within which a server must answer; it needs one."""
_PORT = 8443

_CONFIGURATION = """\
daemon off;
master_process off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    # One line a request, written at once: the counts are read between the runs.
    log_format count '$status $bytes_sent $uri $http_range';
    access_log {folder}/access.log count;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush on;
    server {{
        listen {address}:{port} ssl http2;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        root {root};
        index index.html;
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the server was asked for in one run."""

    requests: int
    octets: int
    """Sent, headers included, TLS not."""
    page_requests: int
    page_octets: int
    """Of these, for project pages."""
    not_modified: int
    whole_files: int
    """Range requests that were answered with the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers, as the peers see it."""

    url: str
    """Without a slash at the end."""
    authority: Path | None
    """Certificate for SSL_CERT_FILE; None: no TLS."""
    log: Path
    kind: str
    """For the table: what serves, and how the round trip comes about."""

    def read_traffic(self, since: int) -> tuple[Traffic, int]:
        """Return what was asked since a place in the log, and the log's place now."""
        data = self.log.read_bytes()
        lines = [line.split(b" ", 3) for line in data[since:].splitlines()]
        pages = [int(octets) for _, octets, path, _ in lines if path.startswith(b"/simple/")]
        traffic = Traffic(
            requests=len(lines),
            octets=sum(int(octets) for _, octets, _, _ in lines),
            page_requests=len(pages),
            page_octets=sum(pages),
            not_modified=sum(status == b"304" for status, _, _, _ in lines),
            whole_files=sum(status == b"200" and asked != b"-" for status, _, _, asked in lines),
        )
        return traffic, len(data)


@contextmanager
def serve(root: Path, folder: Path, *, round_trip: float, inside: bool) -> Iterator[Server]:
    """Serve ``root`` until the block ends; ``folder`` takes logs and keys, ``inside`` says that this is a namespace.

    ``round_trip`` is in milliseconds.
    """
    address = wire.SERVER if inside else "127.0.0.1"
    log = folder / "access.log"
    log.touch()
    secure = shutil.which("nginx") is not None and shutil.which("openssl") is not None
    command = _nginx_command(root, folder, address) if secure else _python_command(root, log, address)
    port, processes = _PORT, []
    try:
        if inside:
            processes.append(_start("packets", str(round_trip), *command))
        else:
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            processes.append(_start("streams", str(round_trip), str(_PORT)))
            assert processes[-1].stdout is not None
            port = int(processes[-1].stdout.readline())
        server = Server(
            url=f"{'https' if secure else 'http'}://{address}:{port}",
            authority=folder / "authority.pem" if secure else None,
            log=log,
            kind=f"{'nginx, HTTP/2 over TLS' if secure else 'a Python server, HTTP/1.1'}; round trip of "
            f"{round_trip:g} ms by {'TUN devices (real TCP)' if inside else 'a delaying proxy (no slow start)'}",
        )
        _wait(server)
        yield server
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scripts._bench_wire", *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def _wait(server: Server) -> None:
    import httpx

    deadline = time.monotonic() + START_SECONDS
    context = httpx.create_ssl_context(verify=str(server.authority)) if server.authority else False
    while True:
        try:
            httpx.get(server.url, verify=context, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise SystemExit("The server does not answer; look at its error.log.") from None
            time.sleep(0.1)
        else:
            return


def _nginx_command(root: Path, folder: Path, address: str) -> list[str]:
    _make_certificates(folder, address)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, root=root, address=address, port=_PORT))
    return ["nginx", "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(configuration)]


def _make_certificates(folder: Path, address: str) -> None:
    """Make an authority and a certificate by it; their keys go with the folder when the run ends."""
    (folder / "extensions").write_text(f"subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\n")
    elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for arguments in (
        [
            "req",
            "-x509",
            *elliptic,
            "-subj",
            "/CN=wheelaudit bench",
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
        ],
        ["req", *elliptic, "-subj", "/CN=wheelaudit server", "-keyout", "server.key", "-out", "server.csr"],
        [
            *("x509", "-req", "-in", "server.csr", "-out", "server.pem", "-days", "2", "-extfile", "extensions"),
            *("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"),
        ],
    ):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _python_command(root: Path, log: Path, address: str) -> list[str]:
    return [sys.executable, "-m", "scripts._bench_server", str(root), str(log), address, str(_PORT)]


def _serve_plainly(root: str, log: Path, address: str, port: int) -> None:
    """The stand-in for nginx: files, suffix and closed ranges, ETag and If-None-Match; HTTP/1.1."""
    import http.server

    with log.open("ab", buffering=0) as lines:

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = Path(self.translate_path(self.path))
                path = path / "index.html" if path.is_dir() else path
                asked = self.headers.get("Range", "-")
                if not path.is_file():
                    return self._answer(404, b"", asked, {})
                data = path.read_bytes()
                tag = f'"{path.stat().st_mtime_ns:x}-{len(data):x}"'
                fields = {"ETag": tag, "Content-Type": self.guess_type(path), "Accept-Ranges": "bytes"}
                if self.headers.get("If-None-Match") == tag:
                    return self._answer(304, b"", asked, fields)
                if not asked.startswith("bytes="):
                    return self._answer(200, data, asked, fields)
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start = int(first) if first else max(0, len(data) - int(last))
                end = min(int(last), len(data) - 1) if first and last else len(data) - 1
                fields["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
                return self._answer(206, data[start : end + 1], asked, fields)

            def _answer(self, status: int, body: bytes, asked: str, fields: dict[str, str]) -> None:
                # Before the answer: who has read the answer finds it counted.
                lines.write(f"{status} {len(body)} {self.path} {asked}\n".encode())
                self.send_response(status)
                for name, value in (fields | {"Content-Length": str(len(body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
                pass

        def build(*arguments: object) -> Handler:
            return Handler(*arguments, directory=root)  # type: ignore[arg-type]

        http.server.ThreadingHTTPServer((address, port), build).serve_forever()


if __name__ == "__main__":
    _serve_plainly(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
