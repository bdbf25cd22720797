"""A local server of a page with every part in which SmolLM2 runs, as the tests and `scripts/play_parity.py` need it."""

import http.server
import threading
from pathlib import Path

from alignlab.book.site.play import TITLES, play_html
from alignlab.book.site.weights import PLACE

ROOT = Path(__file__).parents[1]
KINDS = {".js": "text/javascript", ".html": "text/html; charset=utf-8", ".json": "application/json"}
HEAD = (
    '<meta charset="utf-8"><title>Play</title><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width">'
)


class Server:
    """The scripts and style of the book under /_static, weights (or none) from a folder, one page with all parts."""

    def __init__(self, weights=None, spoil=False):
        outer = self
        self.weights, self.spoil, self.asked = weights, spoil, []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format, *args):
                pass

            def do_GET(self):
                path = self.path.split("?")[0].lstrip("/")
                outer.asked.append(path)
                body = outer.body(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", KINDS.get(Path(path).suffix, "application/octet-stream"))
                self.end_headers()
                self.wfile.write(body or b"")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/"

    def body(self, path):
        if path == "chapters/appendix/play.html":
            parts = "".join(f"<h2>{kind}</h2>{play_html(kind, {}, '../../')}" for kind in TITLES)
            return (
                f'<!doctype html><html lang="en"><head>{HEAD}</head><body><main>{parts}</main></body></html>'.encode()
            )
        file = ROOT / "assets" / path.removeprefix("_static/")
        if self.weights and (path == "_static/play/weights.json" or path.startswith(PLACE)):
            file = self.weights / path
        if not file.is_file():
            return None
        body = file.read_bytes()
        return body[:-1] + bytes([body[-1] ^ 1]) if self.spoil and "model-01" in path else body
