"""Servers that fork stages: a cold one, which is there at once, and a warm one, which has imported what they need.

    python -m visrep.engine.forkserver <descriptor> {warm,cold} <parent>

reads requests from a socket that it has inherited, until its parent ends; a warm one imports first. When it is ready
it says so. A request is one message: a `Request` as JSON, and with it two file descriptors, on which the command writes
and on which its exit status is answered. When the other end of the second is closed, the command is ended. Commands of
the form ``exec python -m <module> <words>`` are forked, all others are given to a shell, as DVC does.

Only packages of other people stay imported: a stage must see the study's code as it stands. Nothing is computed before
a fork, since neither OpenMP nor CUDA survive one.
"""

import os

# For all stages; each sets its own number of threads later.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "GOMP_SPINCOUNT": "30000"}

import contextlib
import importlib
import json
import runpy
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from visrep.machine.lifetime import die_with_parent

OURS = ("visrep", "stages")
# What many stages import, or what takes long.
PRELOADED = (
    "yaml numpy pydantic safetensors.numpy threadpoolctl torch torch._dynamo safetensors.torch scipy.linalg "
    "scipy.optimize faiss sklearn.cluster sklearn.covariance sklearn.linear_model pandas PIL.Image matplotlib.figure "
    "matplotlib.backends.backend_agg jinja2 openTSNE networkx torchvision"
).split()
READY = b"ready"
LONGEST = 1 << 20  # bytes of a request
GONE = "the server from which stages are forked has ended"


@dataclass(frozen=True)
class Request:
    """A ``command`` to run in a ``folder``, with variables to set in its ``environment``."""

    command: str
    folder: str
    environment: dict[str, str]

    def module(self) -> list[str] | None:
        """The module that the command runs, with its words; None for a command of another form."""
        words = shlex.split(self.command)
        return words[3:] if words[:3] == ["exec", "python", "-m"] and len(words) > 3 else None


def main() -> NoReturn:
    die_with_parent(int(sys.argv[3]))
    for name in PRELOADED if sys.argv[2] == "warm" else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    requests = socket.socket(fileno=int(sys.argv[1]))
    requests.send(READY)
    Server(requests).serve()


class Server:
    def __init__(self, requests: socket.socket) -> None:
        self.requests = requests
        self.ended, wake = os.pipe()  # a byte for every process that ends
        for end in (self.ended, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        self.clients: dict[int, socket.socket] = {}  # by process, who waits for it
        self.events = selectors.DefaultSelector()
        self.events.register(self.requests, selectors.EVENT_READ)
        self.events.register(self.ended, selectors.EVENT_READ)

    def serve(self) -> NoReturn:
        while True:
            for key, _ in self.events.select():
                if key.fileobj is self.requests:
                    self._start()
                elif key.fileobj == self.ended:
                    os.read(self.ended, 4096)
                else:  # its client has gone
                    _end(key.data)
                    self.events.unregister(key.fileobj)
            self._answer()

    def _start(self) -> None:
        message, (output, answer), *_ = socket.recv_fds(self.requests, LONGEST, 2)
        client = socket.socket(fileno=answer)
        server, process = os.getpid(), os.fork()
        if process == 0:
            client.close()
            self._become(Request(**json.loads(message)), server, output)
        os.close(output)
        self.clients[process] = client
        self.events.register(client, selectors.EVENT_READ, process)

    def _answer(self) -> None:
        """To the clients of all processes that have ended."""
        while self.clients:
            process, status, used = os.wait4(-1, os.WNOHANG)
            if not process:
                return
            client = self.clients.pop(process)
            with contextlib.suppress(KeyError):
                self.events.unregister(client)
            with contextlib.suppress(OSError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}\n".encode())
            client.close()

    def _become(self, request: Request, server: int, output: int) -> NoReturn:
        """The process of a command, in a session of its own."""
        status = 1
        try:
            os.setsid()
            die_with_parent(server)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for client in self.clients.values():
                client.close()
            self.events.close()
            self.requests.close()
            os.close(self.ended)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            os.chdir(request.folder)
            os.environ.clear()
            os.environ.update(request.environment)
            status = _run(request)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _end(process: int) -> None:
    """With all that it started; where it has no session of its own yet, alone."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)
            return


def _run(request: Request) -> int:
    words = request.module()
    if words is None:
        shell = os.environ.get("SHELL") or "/bin/sh"
        os.execv(shell, [shell, "-c", request.command])
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path[:0] = [request.folder, str(Path(request.folder) / "src")]
    sys.argv = words
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


class Servers:
    """Both, as children of this process; one that ends is started again."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.servers = {kind: _Serving(kind) for kind in ("warm", "cold")}

    def run(self, request: Request, output: int) -> socket.socket:
        """Give a request to the warm server, to the cold one as long as that is not ready; what the command writes goes
        to the descriptor ``output``. The socket holds the exit status once there is one, see `end`; the command ends
        when it is closed. Raises `ConnectionError` where no server can be had."""
        ours, theirs = socket.socketpair()
        with theirs, self.guard:
            for kind in ("warm", "cold", "cold"):
                if self.servers[kind].process.poll() is not None:
                    self.servers[kind].close()
                    self.servers[kind] = _Serving(kind)
                if kind == "cold" or self.servers[kind].ready():
                    with contextlib.suppress(ConnectionError):
                        message = json.dumps(asdict(request)).encode()
                        socket.send_fds(self.servers[kind].requests, [message], [output, theirs.fileno()])
                        return ours
        ours.close()
        raise ConnectionError(GONE)

    def close(self) -> None:
        for server in self.servers.values():
            server.close()


class _Serving:
    """A server as its parent has it."""

    def __init__(self, kind: str) -> None:
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ready = False
        command = [sys.executable, "-m", "visrep.engine.forkserver", str(theirs.fileno()), kind, str(os.getpid())]
        with theirs:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def ready(self) -> bool:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._ready = self._ready or self.requests.recv(len(READY), socket.MSG_DONTWAIT) == READY
        return self._ready

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.requests.close()


class End(NamedTuple):
    """Of a command: its exit ``status``, negative for a signal, and the largest ``memory`` it had (KiB)."""

    status: int
    memory: int


def end(client: socket.socket) -> End:
    """Of the command that ``client`` waits for. Raises `ConnectionError` where the server has ended."""
    answer = client.makefile().readline()
    if not answer:
        raise ConnectionError(GONE)
    return End(*map(int, answer.split()))


if __name__ == "__main__":
    main()
