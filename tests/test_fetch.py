"""Downloads against a server that misbehaves on cue; what must arrive is known byte by byte."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import fsspec
import pytest

from visrep.data import fetch
from visrep.errors import Failure

BODY = bytes(range(256)) * 1000
OTHER = BODY[::-1]
HALF = len(BODY) // 2
ROOMY = 10**6
QUICK = fetch.Patience(tries=3, pause=0.001, timeout=0.2, slowest=1000)

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site(NamedTuple):
    address: str
    asked: list[dict[str, str]]  # the headers of each request


@contextmanager
def serving(**pages: list[Answer]) -> Iterator[Site]:
    """A server on this machine: ``/<name>`` gives the answers listed, one a request, the last one again and again."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            answers = pages[self.path.partition("?")[0].strip("/")]
            self.close_connection = True
            with suppress(ConnectionError):  # the client had enough
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1"}):
            yield Site(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, code, {"Content-Length": "0", **headers})

    return answer


def whole(
    body: bytes, *, etag: str = "", cut: int | None = None, length: int | None = None, ranges: str = "", **headers: str
) -> Answer:
    """``cut`` ends the connection after so many bytes. ``ranges`` says how Range is taken: not at all, ``fair`` (with
    If-Range heeded), ``blind`` (without) or ``shifted`` (from another byte)."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and ranges else 0
        if ranges == "fair" and handler.headers.get("If-Range") != (etag or headers.get("Last-Modified")):
            start = 0
        if ranges == "shifted":
            start = start and start - 10
        said = {"Content-Length": str(len(body) - start if length is None else length), **headers}
        said |= {"ETag": etag} if etag else {}
        said |= {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        _head(handler, 206 if start else 200, said)
        handler.wfile.write(body[start:cut])

    return answer


def endless(chunk: bytes, pause: float) -> Answer:
    """No length, no end; the client has to leave."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {})
        for _ in range(1000):
            handler.wfile.write(chunk)
            time.sleep(pause)

    return answer


def hangs(body: bytes, seconds: float = 1.0, **headers: str) -> Answer:
    """Half of ``body``, then silence."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {"Content-Length": str(len(body)), **headers})
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        time.sleep(seconds)

    return answer


def raw(content: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(content)

    return answer


def _head(handler: BaseHTTPRequestHandler, code: int, headers: dict[str, str]) -> None:
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def fetched(site: Site, folder: Path, page: str = "/a", **options: fetch.Patience) -> bytes:
    path = folder / "file"
    lines: list[str] = []
    fetch.download(site.address + page, path, ROOMY, lines.append, **{"patience": QUICK, **options})
    assert [entry.name for entry in folder.iterdir()] == ["file"]
    assert len(lines) == len(site.asked) - 1 or page != "/a"
    return path.read_bytes()


def refused(address: str, folder: Path, max_bytes: int = ROOMY, patience: fetch.Patience = QUICK) -> str:
    """The one line of a download that must fail, with no file in its place."""
    with pytest.raises(Failure) as caught:
        fetch.download(address, folder / "file", max_bytes, lambda line: None, patience=patience)
    line = str(caught.value)
    assert "\n" not in line
    assert not (folder / "file").exists()
    return line


def test_a_file_arrives(tmp_path: Path) -> None:
    with serving(a=[whole(BODY)]) as site:
        assert fetched(site, tmp_path) == BODY


@pytest.mark.parametrize("answer", [status(500), status(503), status(408), status(429), raw(b"what?\n\n"), raw(b"")])
def test_passing_trouble_is_waited_out(answer: Answer, tmp_path: Path) -> None:
    with serving(a=[answer, answer, whole(BODY)]) as site:
        assert fetched(site, tmp_path) == BODY
        assert len(site.asked) == 3


def test_how_much_has_arrived_is_told(tmp_path: Path) -> None:
    body, lines = bytes(3 * 10**6), list[str]()
    with serving(a=[whole(body)]) as site:
        told = QUICK._replace(silence=0.0)
        fetch.download(f"{site.address}/a", tmp_path / "file", 10**7, lines.append, patience=told)
    assert lines[-1] == f"{site.address}/a: 3 of 3 MB"
    assert len(lines) > 3


def test_lasting_trouble_ends_in_one_line(tmp_path: Path) -> None:
    with serving(a=[status(500)]) as site:
        assert refused(f"{site.address}/a", tmp_path).startswith(f"{site.address}/a: answers 500")
        assert len(site.asked) == QUICK.tries
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [204, 400, 401, 403, 404, 410, 416, 304])
def test_a_plain_no_is_not_asked_again(code: int, tmp_path: Path) -> None:
    with serving(a=[status(code)]) as site:
        assert f"{site.address}/a: answers {code}" in refused(f"{site.address}/a", tmp_path)
        assert len(site.asked) == 1


def test_pauses_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("visrep.data.fetch.time.sleep", pauses.append)
    with serving(a=[status(500)]) as site:
        refused(f"{site.address}/a", tmp_path, patience=QUICK._replace(tries=4, pause=3.0))
    assert pauses == [3.0, 6.0, 12.0]


def test_nobody_listens(tmp_path: Path) -> None:
    with serving() as site:
        pass
    assert "refused" in refused(f"{site.address}/a", tmp_path)


def test_a_server_that_hangs_is_left(tmp_path: Path) -> None:
    start = time.monotonic()
    with serving(a=[hangs(BODY)]) as site:
        assert "no answer in time" in refused(f"{site.address}/a", tmp_path)
    assert time.monotonic() - start < 5


def test_a_server_that_drips_is_left(tmp_path: Path) -> None:
    with serving(a=[endless(b"x", 0.02)]) as site:
        assert "stalls" in refused(f"{site.address}/a", tmp_path, patience=QUICK._replace(tries=1))


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0"]
)
def test_a_server_that_drips_the_lines_around_a_body_is_left(start: bytes, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        for _ in range(500):  # 10 s, in pauses shorter than any time-out
            handler.wfile.write(b"0")
            handler.wfile.flush()
            time.sleep(0.02)

    begun = time.monotonic()
    with serving(a=[answer]) as site:
        assert "no answer in time; gave up" in refused(f"{site.address}/a", tmp_path, patience=QUICK._replace(tries=1))
        assert time.monotonic() - begun < 5


def test_a_server_that_hung_once_is_resumed(tmp_path: Path) -> None:
    with serving(a=[hangs(BODY, ETag='"1"'), whole(BODY, etag='"1"', ranges="fair")]) as site:
        assert fetched(site, tmp_path) == BODY
        assert site.asked[1]["Range"] == f"bytes={HALF}-"


@pytest.mark.parametrize("said", [{"etag": '"1"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_only_the_rest_is_asked_for_after_a_cut(said: dict[str, Any], tmp_path: Path) -> None:
    with serving(a=[whole(BODY, cut=HALF, **said), whole(BODY, ranges="fair", **said)]) as site:
        assert fetched(site, tmp_path) == BODY
        assert site.asked[1]["Range"] == f"bytes={HALF}-"
        assert site.asked[1]["If-Range"] == next(iter(said.values()))


@pytest.mark.parametrize(
    "then",
    [
        whole(OTHER, etag='"2"'),
        whole(OTHER, etag='"2"', ranges="fair"),
        whole(OTHER, etag='"2"', ranges="blind"),
        whole(OTHER, etag='"2"', ranges="shifted"),
    ],
)
def test_two_versions_are_never_mixed(then: Answer, tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag='"1"', cut=HALF), then]) as site:
        assert fetched(site, tmp_path) == OTHER


@pytest.mark.parametrize("ranges", ["", "shifted"])
def test_a_server_that_cannot_resume_sends_all_again(ranges: str, tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag='"1"', cut=HALF), whole(BODY, etag='"1"', ranges=ranges)]) as site:
        assert fetched(site, tmp_path) == BODY


@pytest.mark.parametrize("etag", ["", 'W/"1"'])
def test_without_a_strong_tag_nothing_is_resumed(etag: str, tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag=etag, cut=HALF), whole(BODY, etag=etag, ranges="blind")]) as site:
        assert fetched(site, tmp_path) == BODY
        assert "Range" not in site.asked[1]


def test_a_part_beyond_the_end_is_dropped(tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag='"1"', cut=HALF), status(416), whole(OTHER, etag='"1"', ranges="fair")]) as site:
        assert fetched(site, tmp_path) == OTHER


def test_the_next_process_resumes(tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag='"1"', cut=HALF), whole(BODY, etag='"1"', ranges="fair")]) as site:
        line = refused(f"{site.address}/a", tmp_path, patience=QUICK._replace(tries=1))
        assert f"{HALF:,} of {len(BODY):,} bytes" in line
        fetch.download(f"{site.address}/a", tmp_path / "file", ROOMY, print, patience=QUICK)
        assert (tmp_path / "file").read_bytes() == BODY
        assert site.asked[1]["Range"] == f"bytes={HALF}-"


def test_a_part_of_another_address_is_not_continued(tmp_path: Path) -> None:
    with serving(a=[whole(BODY, etag='"1"', cut=HALF)], b=[whole(OTHER, etag='"1"', ranges="blind")]) as site:
        refused(f"{site.address}/a", tmp_path, patience=QUICK._replace(tries=1))
        assert fetched(site, tmp_path, "/b") == OTHER


@pytest.mark.parametrize("note", ["", "[]", "{", json.dumps(["x"])])
def test_a_part_whose_note_is_broken_is_not_continued(note: str, tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(b"junk")
    (tmp_path / ".file.part.json").write_text(note)
    with serving(a=[whole(BODY, etag='"1"', ranges="blind")]) as site:
        assert fetched(site, tmp_path) == BODY


def test_an_old_file_does_not_stand_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OTHER)
    with serving(a=[status(404)]) as site:
        refused(f"{site.address}/a", tmp_path)


def test_less_than_promised_is_a_failure(tmp_path: Path) -> None:
    with serving(a=[whole(BODY, length=len(BODY) + 1)]) as site:
        assert f"{len(BODY):,} of {len(BODY) + 1:,} bytes" in refused(f"{site.address}/a", tmp_path)
        assert len(site.asked) == QUICK.tries


def test_a_cut_is_seen_without_a_length(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(a=[raw(chunked + b"5\r\nabc"), raw(chunked + b"5\r\nabcde\r\n0\r\n\r\n")]) as site:
        assert fetched(site, tmp_path) == b"abcde"


@pytest.mark.parametrize("length", [len(BODY), ROOMY, 10**15])
def test_too_large_by_its_own_word(length: int, tmp_path: Path) -> None:
    with serving(a=[whole(b"", length=length)]) as site:
        assert "larger than the 1,000 bytes" in refused(f"{site.address}/a", tmp_path, max_bytes=1000)
        assert len(site.asked) == 1
    assert not list(tmp_path.iterdir())


def test_too_large_without_a_word(tmp_path: Path) -> None:
    with serving(a=[endless(BODY, 0)]) as site:
        assert f"larger than the {ROOMY:,} bytes" in refused(f"{site.address}/a", tmp_path)
    assert not list(tmp_path.iterdir())


def test_exactly_as_large_as_allowed(tmp_path: Path) -> None:
    with serving(a=[whole(BODY)]) as site:
        fetch.download(f"{site.address}/a", tmp_path / "file", len(BODY), print, patience=QUICK)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(code: int, tmp_path: Path) -> None:
    with serving(a=[status(code, Location="/b?c=d e")], b=[whole(BODY)]) as site:
        fetch.download(f"{site.address}/a", tmp_path / "file", ROOMY, print, patience=QUICK)
        assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("address", ["ftp://me:secret@host/a.zip?token=secret", "http://[bad/a?token=secret"])
def test_an_address_that_is_refused_keeps_its_secrets(address: str, tmp_path: Path) -> None:
    line = refused(address, tmp_path)
    assert "secret" not in line
    assert "a password in an address is not supported" in line or "no valid address" in line


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:,abc"])
def test_redirects_do_not_leave_http(target: str, tmp_path: Path) -> None:
    with serving(a=[status(302, Location=target)]) as site:
        line = refused(f"{site.address}/a", tmp_path)
        assert line == f"{site.address}/a leads to {target}: only http and https addresses are followed"


def test_redirects_end(tmp_path: Path) -> None:
    with serving(a=[status(302, Location="/a")]) as site:
        assert "redirects" in refused(f"{site.address}/a", tmp_path)
        assert len(site.asked) == fetch.HOPS + 1


@pytest.mark.parametrize("address", ["moon://host/a", "host/a", "http://", "http://[::1/a", ""])
def test_other_schemes_are_refused(address: str, tmp_path: Path) -> None:
    assert refused(address, tmp_path)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    with serving(a=[status(404)]) as site:
        assert "secret" not in refused(f"{site.address}/a?token=secret", tmp_path)
    assert refused("http://me:secret@host/a", tmp_path) == "http://host/a: a user name in an address is not supported"


def test_a_full_disk_is_not_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visrep.data.fetch.os.replace", mock.Mock(side_effect=OSError(28, "No space left on device")))
    with serving(a=[whole(BODY)]) as site:
        assert "cannot be stored: No space left" in refused(f"{site.address}/a", tmp_path)
        assert len(site.asked) == 1


@pytest.fixture
def store() -> Iterator[str]:
    """An address of a store that fsspec keeps in memory."""
    with fsspec.open("memory://bucket/birds.zip", "wb") as file:
        file.write(BODY)
    yield "memory://bucket/birds.zip"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_what_fsspec_opens_arrives_whole(store: str, tmp_path: Path) -> None:
    fetch.download(store, tmp_path / "archive", ROOMY, print)
    assert (tmp_path / "archive").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize(
    ("address", "limit", "message"),
    [
        ("memory://bucket/birds.zip", 100, "memory://bucket/birds.zip: larger than the 100 bytes allowed"),
        ("memory://bucket/moths.zip?token=1", ROOMY, "memory://bucket/moths.zip: cannot be read: "),
        ("s3://bucket/birds.zip", ROOMY, "s3://bucket/birds.zip: Install s3fs to access S3; put it into .venv"),
        ("ssh://me:secret@host/birds.zip", ROOMY, "ssh://host/birds.zip: a password in an address is not supported"),
        ("moon://bucket/birds.zip", ROOMY, "moon://bucket/birds.zip: moon:// is read by nothing; http, https, s3"),
    ],
)
def test_what_fsspec_cannot_give_is_one_line(
    store: str, address: str, limit: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(Failure) as failure:
        fetch.download(address, tmp_path / "archive", limit, print)
    assert str(failure.value).startswith(message)
    assert "\n" not in str(failure.value) and "token" not in str(failure.value)
    assert not list(tmp_path.iterdir())
