"""Downloads that arrive whole or not at all: over http(s) by what is written here, which goes on where a broken try
stopped and gives up on a server that stalls, as fsspec's does not; from anywhere else by fsspec.

What a broken try left stays beside the target as ``.<name>.part``, with ``.<name>.part.json`` saying of which version
it is a part; the next try, also of the next process, asks for the rest of that version and of no other.
"""

import json
import os
import re
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib import request
from urllib.error import HTTPError
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from visrep.errors import Failure

CHUNK = 2**18  # bytes read at once
HOPS = 5  # redirects followed
HTTP = ("http", "https")
EXAMPLES = (*HTTP, "s3", "gs", "ssh")
REDIRECTS = (301, 302, 303, 307, 308)
TRANSIENT = (408, 425, 429)  # and every 5xx: the same question may be answered later


class Patience(NamedTuple):
    """When to give up. The pause doubles from try to try."""

    tries: int = 5
    pause: float = 2.0  # s before the second try
    timeout: float = 30.0  # s to connect, and s without a byte; four times that for an answer to begin, or to go on
    silence: float = 10.0  # s between lines that tell how much has arrived
    slowest: float = 1024.0  # bytes/s, on average over each time-out: a server that drips stalls too


PATIENCE = Patience()


class _Broken(Exception):
    """This try failed; the next may not."""


class _Version(NamedTuple):
    """Which bytes a part belongs to: the address, and the server's ETag or else its date of last change."""

    address: str
    tag: str


def printable(address: str) -> str:
    """``address`` as it may be printed: its query, which can hold secrets, is cut off; passwords are refused."""
    parts = _parts(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def download(
    address: str, path: Path, max_bytes: int, log: Callable[[str], None], *, patience: Patience = PATIENCE
) -> None:
    """Bring what an ``address`` holds, at most ``max_bytes``, to ``path``.

    Over http(s), network trouble, 408, 429 and 5xx are tried again. Raises `Failure`, naming the address, where that
    did not help, on any other answer, on more than ``max_bytes`` and where the file cannot be written; then ``path`` is
    not there.
    """
    title, pause = printable(address), patience.pause
    path.unlink(missing_ok=True)
    if _parts(address).scheme not in HTTP:
        _copy(address, path, max_bytes)
        return
    for left in reversed(range(patience.tries)):
        try:
            _once(address, path, max_bytes, log, patience)
            return
        except _Broken as error:
            if not left:
                raise Failure(f"{title}: {error}; gave up after {patience.tries} tries") from error
            log(f"{title}: {error}; next try in {pause:g} s")
        except OSError as error:
            raise Failure(f"{title}: cannot be stored: {_reason(error)}") from error
        time.sleep(pause)
        pause *= 2


def _copy(address: str, path: Path, max_bytes: int) -> None:
    import fsspec

    part = path.with_name(f".{path.name}.part")
    try:
        with fsspec.open(address, "rb") as source, open(part, "wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                _within(target.tell(), max_bytes, part, address)
        os.replace(part, path)
    except Failure:
        raise
    except ImportError as error:  # it says which package
        raise Failure(f"{printable(address)}: {error}; put it into .venv by `.uv/bin/uv pip install`", 2) from error
    except Exception as error:  # each store raises errors of its own
        part.unlink(missing_ok=True)
        reason, query = " ".join(_reason(error).split()), _parts(address).query
        reason = reason.replace(f"?{query}", "") if query else reason  # it may hold secrets
        raise Failure(f"{printable(address)}: cannot be read: {reason}") from error


def _once(address: str, path: Path, max_bytes: int, log: Callable[[str], None], patience: Patience) -> None:
    """One try. Raises `_Broken` where another is worth it, `Failure` where not."""
    part = path.with_name(f".{path.name}.part")
    have, version = _resumable(part, address)
    wanted = {"Range": f"bytes={have}-", "If-Range": version.tag} if have else {}
    with _open(address, wanted, part, patience) as response:
        total = (
            _continue(response, part, have, version) if response.status == 206 else _restart(response, part, address)
        )
        with open(part, "ab") as file:
            _within(total, max_bytes, part, address)
            logged = time.monotonic()
            for chunk in _chunks(response, patience):
                file.write(chunk)
                _within(file.tell(), max_bytes, part, address)
                if time.monotonic() - logged >= patience.silence:
                    whole = f" of {total / 1e6:.0f}" if total else ""
                    log(f"{printable(address)}: {file.tell() / 1e6:.0f}{whole} MB")
                    logged = time.monotonic()
            arrived = file.tell()
    if total is not None and arrived != total:
        raise _Broken(f"{arrived:,} of {total:,} bytes arrived")
    os.replace(part, path)
    _discard(part)


def _resumable(part: Path, address: str) -> tuple[int, _Version]:
    """How many bytes of which version are there already; 0 where they cannot be continued safely."""
    try:
        version = _Version(*json.loads(_note(part).read_text(encoding="utf-8")))
        return (part.stat().st_size, version) if version.address == address else (0, version)
    except (OSError, ValueError, TypeError):
        return 0, _Version(address, "")


def _restart(response: HTTPResponse, part: Path, address: str) -> int | None:
    """Forget what is there and note which version comes now. Returns its size in bytes where the server says it."""
    _discard(part)
    if response.status != 200:
        raise Failure(f"{printable(address)}: answers {response.status} {response.reason}")
    if tag := _tag(response):
        _note(part).write_text(json.dumps(_Version(address, tag)), encoding="utf-8")
    return response.length


def _continue(response: HTTPResponse, part: Path, have: int, version: _Version) -> int | None:
    """Check that the answer goes on where ``part`` ends, in the same version. Returns the whole size where known."""
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    span, _, whole = span.partition("/")
    if not have or unit != "bytes" or span.partition("-")[0] != str(have) or _tag(response) not in ("", version.tag):
        _discard(part)
        raise _Broken("the answer does not continue what is there")
    if whole.isdigit():
        return int(whole)
    return None if response.length is None else have + response.length


def _tag(response: HTTPResponse) -> str:
    """What tells versions apart byte by byte; a weak ETag does not, and with one no date does either."""
    etag: str = response.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag or response.headers.get("Last-Modified", "")


def _chunks(response: HTTPResponse, patience: Patience) -> Iterator[bytes]:
    """The body, as it comes. Raises `_Broken` when it breaks off or stalls."""
    since, count = time.monotonic(), 0
    while chunk := _receive(response, patience):
        yield chunk
        count += len(chunk)
        if (seconds := time.monotonic() - since) >= patience.timeout:
            if count < patience.slowest * seconds:
                raise _Broken(f"stalls at {count / seconds:.3g} bytes a second")
            since, count = time.monotonic(), 0


def _receive(response: HTTPResponse, patience: Patience) -> bytes:
    try:
        with _no_longer_than(4 * patience.timeout):
            return response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise _Broken(_reason(error)) from error


def _open(address: str, wanted: dict[str, str], part: Path, patience: Patience) -> HTTPResponse:
    """Ask, and follow redirects from http(s) to http(s)."""
    start = address
    for _ in range(HOPS + 1):
        answer = _ask(address, wanted, patience)
        if not isinstance(answer, HTTPError):
            return answer
        with answer:
            code, target = answer.code, answer.headers.get("Location")
        if code not in REDIRECTS or not target:
            break
        address = _onward(start, address, target)
    else:
        raise Failure(f"{printable(start)}: more than {HOPS} redirects")
    if code == 416:  # the part is no prefix of what is there now
        _discard(part)
    if code in TRANSIENT or code >= 500 or (code == 416 and wanted):
        raise _Broken(f"answers {code} {answer.reason}")
    raise Failure(f"{printable(start)}: answers {code} {answer.reason}")


def _onward(start: str, address: str, target: str) -> str:
    try:
        target = urljoin(address, target)
        if _parts(target).scheme not in HTTP:
            raise Failure(f"{_bare(target)}: only http and https addresses are followed")
        return target
    except (Failure, ValueError) as error:
        raise Failure(f"{printable(start)} leads to {error}") from error


def _ask(address: str, wanted: dict[str, str], patience: Patience) -> HTTPResponse | HTTPError:
    """One question to one server, through the proxy that the environment names."""
    parts = _parts(address)
    quoted = parts._replace(
        path=quote(parts.path, safe="/%:@!$&'()*+,;=~"), query=quote(parts.query, safe="/?%:@!$&'()*+,;=~"), fragment=""
    )
    asks = request.Request(quoted.geturl(), headers={"User-Agent": "visrep", **wanted})
    try:
        with _no_longer_than(4 * patience.timeout):
            answer: HTTPResponse = _opener().open(asks, timeout=patience.timeout)
        return answer
    except HTTPError as error:
        return error
    except (InvalidURL, UnicodeError) as error:
        raise Failure(f"{printable(address)}: no valid address") from error
    except (OSError, HTTPException) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise Failure(f"{printable(address)}: {_reason(error)}") from error
        raise _Broken(_reason(error)) from error


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` where what is within takes longer: a time-out of the socket begins anew with each byte, and
    a server may drip the lines that come before and between what is read."""

    def late(*_: object) -> NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _opener() -> request.OpenerDirector:
    """http and https and nothing else: no files, no ftp, no redirects of its own."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPErrorProcessor(),
        request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _parts(address: str) -> SplitResult:
    """Raises `Failure` where nothing reads such an address, and where it carries a password, which belongs nowhere
    here, or over http(s) a user name."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise Failure(f"{_bare(address)}: no valid address") from error
    if parts.scheme in HTTP:
        if not host:
            raise Failure(f"{_bare(address)}: no valid address")
        if "@" in parts.netloc:
            raise Failure(f"{parts.scheme}://{host}{parts.path}: a user name in an address is not supported")
        return parts
    from fsspec import available_protocols

    if parts.scheme not in available_protocols():
        raise Failure(f"{_bare(address)}: {parts.scheme}:// is read by nothing; {', '.join(EXAMPLES)} and others are")
    if ":" in parts.netloc.rpartition("@")[0]:
        raise Failure(f"{parts.scheme}://{host}{parts.path}: a password in an address is not supported")
    return parts


def _bare(address: str) -> str:
    """Whatever ``address`` is, without what may be secret in it."""
    return re.sub(r"//[^/]*@", "//", address.partition("?")[0])


def _within(size: int | None, max_bytes: int, part: Path, address: str) -> None:
    if size is not None and size > max_bytes:
        _discard(part)
        raise Failure(f"{printable(address)}: larger than the {max_bytes:,} bytes allowed")


def _discard(part: Path) -> None:
    """The part goes first: a note without its part is harmless."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _reason(error: Exception) -> str:
    """An exception in words, without the wrappers."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
