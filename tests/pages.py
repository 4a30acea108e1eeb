"""A page as a parser of HTML and a browser see it."""

import shutil
import subprocess
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

VOID = {"meta", "link", "img", "br", "path", "circle", "rect"}  # of SVG: closed where they open
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here; the page needs none")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --virtual-time-budget=20000"
)


class Parsed(HTMLParser):
    """``tags`` are (name, attributes) in order, ``problems`` what is not balanced, ``rows`` the text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.problems: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len({name for name, _ in attrs}) != len(attrs):
            self.problems.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "style" in self._open or "script" in self._open:
            return
        self.text += data
        if "td" in self._open or ("th" in self._open and "tr" in self._open):
            self.rows[-1][-1] += data

    def all(self, name: str) -> list[Any]:
        """Every value of an attribute."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]


class Seen:
    """What happens when a browser opens a page: its console, the document it ends with, the paths it asks for."""

    def __init__(self, folder: Path, page: str, policy: str, *flags: str) -> None:
        """``policy`` is a Content-Security-Policy: what leaves it is refused, and told on the console."""
        self.asked: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Served, folder, policy, self.asked))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{page}"
        profile = folder / ".profile"
        shutil.rmtree(profile, ignore_errors=True)
        command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={profile}", *flags, address]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        finally:
            server.shutdown()
            server.server_close()
        self.document = done.stdout
        self.console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


class _Served(BaseHTTPRequestHandler):
    def __init__(self, folder: Path, policy: str, asked: list[str], *rest: Any) -> None:
        self.folder, self.policy, self.asked = folder, policy, asked
        super().__init__(*rest)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        file = self.folder / self.path.lstrip("/")
        content = file.read_bytes() if file.is_file() else b""
        self.send_response(200 if file.is_file() else 404)
        self.send_header("Content-Type", {".html": "text/html", ".png": "image/png"}.get(file.suffix, "text/plain"))
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
