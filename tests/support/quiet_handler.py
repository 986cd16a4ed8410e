"""What every stand-in for a model container does alike: answer with a length, and keep quiet."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing; a connection is kept for the next request."""

    protocol_version = "HTTP/1.1"

    def read_body(self) -> bytes:
        """Return the body of a request that says its length."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer."""
        self.send_head(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        """Send all that comes before the body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
