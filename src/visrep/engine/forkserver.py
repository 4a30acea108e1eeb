"""Servers that fork stages: a cold one, which is there at once, and a warm one, which has imported what they need.

    python -m visrep.engine.forkserver <address> [warm]

listens at the Unix socket ``address`` until its parent ends; a warm one imports first. A client sends one line of
JSON, an `Order`, and with it the file descriptor on which the command writes; the answer is one line, the exit status.
A client that goes away ends its command. Commands of the form ``exec python -m <module> <words>`` are forked, all
others are given to a shell, as DVC does.

Only packages of other people stay imported: a stage must see the study's code as it stands. Nothing is computed before
a fork, since neither OpenMP nor CUDA survive one.
"""
# ruff: noqa: E402  (how many threads there are is said before anything is imported that brings some)

import os

PARENT = os.getppid()  # asked before anything that takes long
# Before anything that brings threads is imported: these count for all stages; each says itself how many it uses.
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
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from visrep.stage.process import die_with_parent

OURS = ("visrep", "stages")
# By how many stages need them, and how long they take.
PRELOADED = (
    "yaml numpy pydantic safetensors.numpy threadpoolctl torch torch._dynamo safetensors.torch scipy.linalg "
    "scipy.optimize faiss sklearn.cluster sklearn.covariance sklearn.linear_model pandas PIL.Image matplotlib.figure "
    "matplotlib.backends.backend_agg jinja2 openTSNE networkx torchvision"
).split()


GONE = "the server from which stages are forked has ended"


@dataclass(frozen=True)
class Order:
    """A ``command`` to run in a ``folder``, with variables to set in its ``environment``."""

    command: str
    folder: str
    environment: dict[str, str]

    def module(self) -> list[str] | None:
        """The module that the command runs, with its words; None for a command of another form."""
        words = shlex.split(self.command)
        return words[3:] if words[:3] == ["exec", "python", "-m"] and len(words) > 3 else None


def main() -> NoReturn:
    die_with_parent(PARENT)
    for name in PRELOADED if "warm" in sys.argv[2:] else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    Server(sys.argv[1]).serve()


class Server:
    def __init__(self, address: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        self.ended, wake = os.pipe()  # a byte for every process that ends
        for end in (self.ended, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        self.clients: dict[int, socket.socket] = {}  # by process, who waits for it
        self.events = selectors.DefaultSelector()
        self.events.register(self.listener, selectors.EVENT_READ)
        self.events.register(self.ended, selectors.EVENT_READ)

    def serve(self) -> NoReturn:
        while True:
            for key, _ in self.events.select():
                if key.fileobj is self.listener:
                    self._start(self.listener.accept()[0])
                elif key.fileobj == self.ended:
                    os.read(self.ended, 4096)
                else:  # its client has gone
                    _end(key.data)
                    self.events.unregister(key.fileobj)
            self._answer()

    def _start(self, client: socket.socket) -> None:
        line, descriptors, *_ = socket.recv_fds(client, 1 << 20, 1)
        server, process = os.getpid(), os.fork()
        if process == 0:
            self._become(Order(**json.loads(line)), server, descriptors[0])
        os.close(descriptors[0])
        self.clients[process] = client
        self.events.register(client, selectors.EVENT_READ, process)

    def _answer(self) -> None:
        """To the clients of all processes that have ended."""
        while self.clients:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            client = self.clients.pop(process)
            with contextlib.suppress(KeyError):
                self.events.unregister(client)
            with contextlib.suppress(OSError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            client.close()

    def _become(self, order: Order, server: int, output: int) -> NoReturn:
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
            self.listener.close()
            os.close(self.ended)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            os.chdir(order.folder)
            os.environ.clear()
            os.environ.update(order.environment)
            status = _run(order)
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


def _run(order: Order) -> int:
    words = order.module()
    if words is None:
        shell = os.environ.get("SHELL") or "/bin/sh"
        os.execv(shell, [shell, "-c", order.command])
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path[:0] = [order.folder, str(Path(order.folder) / "src")]
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
    """Both, as children of this process, in a ``folder`` of their own; one that ends is started again."""

    def __init__(self, folder: Path) -> None:
        self.guard = threading.Lock()
        self.processes = {folder / kind: _serving(folder / kind) for kind in ("warm", "cold")}

    def run(self, order: Order, output: int) -> socket.socket:
        """Give an order to the warm server, to the cold one as long as that is not there; what the command writes goes
        to the descriptor ``output``. The socket holds the exit status once there is one, see `status`; the command ends
        when it is closed. Raises `ConnectionError` where no server can be had."""
        for _ in range(3000):
            self._mend()
            for address in self.processes:
                client = socket.socket(socket.AF_UNIX)
                with contextlib.suppress(FileNotFoundError, ConnectionError):
                    client.connect(str(address))
                    socket.send_fds(client, [json.dumps(asdict(order)).encode()], [output])
                    return client
                client.close()
            time.sleep(0.02)
        raise ConnectionError(GONE)

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _mend(self) -> None:
        with self.guard:
            for address, process in self.processes.items():
                if process.poll() is not None:
                    self.processes[address] = _serving(address)


def _serving(address: Path) -> subprocess.Popen[bytes]:
    address.unlink(missing_ok=True)
    command = [sys.executable, "-m", "visrep.engine.forkserver", str(address), address.name]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def status(client: socket.socket) -> int:
    """The exit status of the command that ``client`` waits for, negative for a signal. Raises `ConnectionError` where
    the server has ended."""
    answer = client.makefile().readline()
    if not answer:
        raise ConnectionError(GONE)
    return int(answer)


if __name__ == "__main__":
    main()
