"""A git remote over HTTP on this machine: git's own `http-backend` behind a small server."""

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_LOOPBACK = "127.0.0.1"
_BACKEND_LIMIT_S = 60.0
_SOCKET_LIMIT_S = 30.0
_LARGEST_REQUEST = 8 * 1024 * 1024
_FETCHES = (("GET", "/info/refs", "service=git-upload-pack"), ("POST", "/git-upload-pack", ""))
_PUSHES = (("GET", "/info/refs", "service=git-receive-pack"), ("POST", "/git-receive-pack", ""))


_AND_PUSHING = {True: " and pushing", False: ""}


@dataclass(frozen=True, slots=True)
class Answer:
    """The output of `git http-backend`, as an HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class GitHttpServer:
    """Serves the repositories in a folder over smart HTTP, as a context manager.

    Args:
        root: The folder; ``root/bots.git`` is served at `url("bots.git")`.
        port: Where to listen on loopback; 0 takes a free port.
        pushes: Whether everybody on this machine may push as well.
    """

    def __init__(self, root: Path, *, port: int = 0, pushes: bool = False) -> None:
        self._root = root
        self._port = port
        self._pushes = pushes

    def __enter__(self) -> Self:
        self._server = _GitServer((_LOOPBACK, self._port), self._root, pushes=self._pushes)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="git-http", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, repository: str) -> str:
        """Where a repository is served."""
        return f"http://{_LOOPBACK}:{self._server.server_port}/{repository}"


class _GitServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], root: Path, *, pushes: bool) -> None:
        super().__init__(address, _Handler)
        self.root = root
        self.pushes = pushes
        self.services = (*_FETCHES, *_PUSHES) if pushes else _FETCHES
        # DNS rebinding: a page in a browser may reach this address by another name
        self.hosts = (f"{_LOOPBACK}:{self.server_port}", f"localhost:{self.server_port}")
        self.backend = _find_backend()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SOCKET_LIMIT_S
    server: _GitServer

    def do_GET(self) -> None:
        """Answer a request for the refs."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a fetch or a push."""
        length = self.headers.get("Content-Length")
        if length is None or not length.isdecimal() or int(length) > _LARGEST_REQUEST:
            self.close_connection = True
            most = f"git's http.postBuffer must be {_LARGEST_REQUEST} bytes for a push larger than a megabyte"
            self.send_error(HTTPStatus.LENGTH_REQUIRED, most)
            return
        self._answer(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing: the service logs its own fetches."""

    def _answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        if not self._is_served(url.path, url.query):
            self.close_connection = True
            self.send_error(HTTPStatus.FORBIDDEN, f"this remote is for fetching{_AND_PUSHING[self.server.pushes]} only")
            return
        answer = _ask_git(self.server.backend, self._variables(url.path, url.query, len(body)), body)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        with suppress(ConnectionError):  # the client is gone, as when it was killed
            self.end_headers()
            self.wfile.write(answer.body)

    def _is_served(self, path: str, query: str) -> bool:
        is_service = any(
            self.command == method and path.endswith(ending) and query == service_query
            for method, ending, service_query in self.server.services
        )
        return is_service and ".." not in path and self.headers.get("Host", "") in self.server.hosts

    def _variables(self, path: str, query: str, length: int) -> Mapping[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true" if self.server.pushes else "false",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": _LOOPBACK,
        }


def _find_backend() -> Path:
    git = shutil.which("git")
    if git is None:
        raise FileNotFoundError("git is not installed: install it to serve a repository")
    folder = subprocess.run([git, "--exec-path"], capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603 - a fixed command
    backend = Path(folder.strip()) / "git-http-backend"
    if not backend.is_file():
        raise FileNotFoundError(f"{backend} is missing: install git with its http-backend")
    return backend


def _ask_git(backend: Path, variables: Mapping[str, str], body: bytes) -> Answer:
    """Run one request through the backend; it speaks CGI."""
    try:
        done = subprocess.run(  # noqa: S603 - git's own program, without arguments
            [backend], input=body, env=dict(variables), capture_output=True, check=False, timeout=_BACKEND_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return Answer(HTTPStatus.GATEWAY_TIMEOUT, (), b"")
    head, separator, content = done.stdout.partition(b"\r\n\r\n")
    if not separator:
        return Answer(HTTPStatus.BAD_GATEWAY, (), b"")
    headers = [
        (name.strip(), value.strip())
        for name, _, value in (line.partition(":") for line in head.decode("latin-1").splitlines())
    ]
    status = next((int(value.split()[0]) for name, value in headers if name.lower() == "status"), 200)
    return Answer(status, tuple(header for header in headers if header[0].lower() != "status"), content)
