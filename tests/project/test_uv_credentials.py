"""As whom an index is asked: the real uv and we get in by the same settings."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.index.server import FileServer
from tests.project.locking import add_index, build_environ, lock_folder, write_files
from wheelaudit.audit.values import Audit
from wheelaudit.pipeline import Failure, audit_specs

pytestmark = pytest.mark.anyio

ALLOWED = "Basic " + b64encode(b"me:s3cret").decode()
LOGIN = "login me password s3cret\n"


@contextmanager
def serve_private(server: FileServer) -> Iterator[None]:
    """Serve the files to ``me`` alone; everybody else gets 401 (RFC 9110 section 15.5.2)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("Authorization") == ALLOWED
            body = server.files.get(self.path, b"") if allowed else b""
            self.send_response(200 if body else 404 if allowed else 401)
            if not allowed:
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("userinfo", "variables", "netrc", "enters"),
    [
        ("me:s3cret@", {}, "", True),
        ("", {"UV_INDEX_MY_OWN_X1_USERNAME": "me", "UV_INDEX_MY_OWN_X1_PASSWORD": "s3cret"}, "", True),
        ("", {}, f"machine 127.0.0.1 {LOGIN}", True),
        ("", {}, f"default {LOGIN}", True),
        ("me@", {}, f"machine 127.0.0.1 {LOGIN}", True),
        ("other@", {}, f"machine 127.0.0.1 {LOGIN}", False),
        ("", {}, f"machine localhost {LOGIN}", False),
        ("", {"UV_INDEX_OTHER_USERNAME": "me", "UV_INDEX_OTHER_PASSWORD": "s3cret"}, "", False),
    ],
)
async def test_uv_and_we_are_let_in_by_the_same_settings(
    tmp_path: Path, userinfo: str, variables: dict[str, str], netrc: str, enters: bool
) -> None:
    server = FileServer()
    with serve_private(server):
        add_index(server, "simple", "torch-1.0-py3-none-any.whl")
        address = server.url.replace("://", f"://{userinfo}")
        project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["torch"]\n'
        index = f'[[tool.uv.index]]\nname = "my-own.x1"\nurl = "{address}/simple"\ndefault = true\n'
        write_files(tmp_path, {"work/pyproject.toml": project + index, "home/.netrc": netrc})
        # Named by the variable too: which home uv takes on Windows the environment does not say.
        environ = build_environ(tmp_path / "home", NETRC=str(tmp_path / "home" / ".netrc"), **variables)
        (outcome,) = await audit_specs(
            ["torch"], pyproject=tmp_path / "work" / "pyproject.toml", environ=environ, retries=0
        )
        locked = lock_folder(tmp_path / "work", environ)
    assert (locked.status == 0) is enters, locked.stderr
    assert isinstance(outcome, Audit) is enters
    if isinstance(outcome, Failure):
        assert "s3cret" not in str(outcome.error)
