"""A git remote over smart HTTP: git's own ``http-backend`` behind a small server, as a forge would answer."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from benchmarks.stage import CLEAN_GIT

_LIMIT_S: Final = 120
_HEADERS_END: Final = b"\r\n\r\n"


@contextmanager
def git_http(repository: Path) -> Iterator[str]:
    """Serve a repository, and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = {
                "GIT_PROJECT_ROOT": str(repository.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_ADDR": "127.0.0.1",
            }
            command = ["git", "http-backend"]
            done = subprocess.run(
                command, input=body, env={**CLEAN_GIT, **asked}, capture_output=True, timeout=_LIMIT_S, check=True
            )
            self._pass_on(done.stdout)

        def do_POST(self) -> None:
            self.do_GET()

        def _pass_on(self, answer: bytes) -> None:
            head, _, content = answer.partition(_HEADERS_END)
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            """Keep the output free of requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{repository.name}/.git"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_LIMIT_S)
