"""How this process joins a Ray cluster, or starts one of its own that nobody else can reach and that ends with it."""

import contextlib
import importlib
import logging
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from randomnet.schema.sections.general import ExecutionSection

OBJECTS = 100 * 2**20  # bytes of a local Ray's object store, which is hardly used
ANSWER = 10.0  # seconds within which an address must answer
ENDING = 5.0  # seconds to leave a cluster that is lost
LOOPBACK = "127.0.0.1"
# What a client of HTTP/2 says first, with an empty SETTINGS frame: length, kind, flags, stream.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
KIND = 3  # place of a frame's kind; the first frame of a server is SETTINGS, 4
GUARD = """
import os, signal, sys
sys.stdin.read()
for pid in map(int, sys.argv[1:]):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"ray" in file.read():
                os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
"""  # once the process that writes to its stdin has gone


@contextlib.contextmanager
def connected(ray: ModuleType, execution: ExecutionSection) -> Iterator[None]:
    """Connect to the cluster of [execution] address, or start one; it ends with this. Raises many kinds of errors."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a local Ray, which reports its usage to nobody
    check_address(execution.address)
    if execution.address not in ("", "auto"):
        _use_token(execution.address)
    with _same_process_group(), _on_loopback() if not execution.address else contextlib.nullcontext():
        ray.init(**_init_options(execution))
    guard = None if execution.address else _guard(_helpers())
    try:
        yield
    finally:
        leave(ray)
        if guard:
            guard.kill()
            guard.communicate()


def leave(ray: ModuleType) -> None:
    """Leave the cluster; where it is lost, Ray would wait for it for a minute, so that this waits for ENDING only."""
    leaving = threading.Thread(target=ray.shutdown, daemon=True)
    leaving.start()
    leaving.join(ENDING if is_lost(ray) else None)


def is_lost(ray: ModuleType) -> bool:
    """Whether the head of the cluster does not answer any more."""
    try:
        check_address(ray.get_runtime_context().gcs_address)
    except OSError:
        return True
    return False


def check_address(address: str) -> None:
    """Raise OSError where no Ray answers at an address, for which Ray itself would try for minutes.

    Its head answers as servers of HTTP/2 do. With RAY_USE_TLS only the connection is tried.
    """
    location = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host, _, port = location.rpartition(":")
    if not host or not port.isdecimal():
        return
    with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
            return
        connection.sendall(PREFACE)
        answer = b""
        while len(answer) <= KIND and (more := connection.recv(64)):
            answer += more
    if answer[KIND : KIND + 1] != b"\x04":
        raise ConnectionError(f"an answer that is not that of the head of a Ray cluster ({answer[:20]!r})")


def _use_token(address: str) -> None:
    """Make Ray send the user's token to a cluster that asks for it, where the user has one and has set no mode.

    `ray start` takes the token in ~/.ray, which any earlier local Ray has written; `ray.init` with an address does not
    (Ray 2.60). A token that a cluster does not ask for would make this process refuse the cluster's own workers.
    """
    with contextlib.suppress(ImportError):  # a Ray without tokens
        from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
        from ray.exceptions import AuthenticationError

        try:
            importlib.import_module("ray._raylet").GcsClient(address=address)
        except AuthenticationError:
            maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def _init_options(execution: ExecutionSection) -> dict[str, Any]:
    """Return the arguments of ray.init."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if execution.address:
        return options | {"address": execution.address}
    options |= {"address": "local", "include_dashboard": False, "object_store_memory": OBJECTS}
    options |= {"_node_ip_address": LOOPBACK}
    if not isinstance(execution.workers, str):  # as with local processes, whatever the number of cores
        options["num_cpus"] = math.ceil(execution.workers * cpus_of(execution))
    return options


@contextlib.contextmanager
def _on_loopback() -> Iterator[None]:
    """Let a Ray of this machine listen on the loopback interface only; Ray itself replaces it by one that all reach."""
    services = importlib.import_module("ray._private.services")
    resolve = getattr(services, "resolve_ip_for_localhost", None)
    if resolve is None:
        yield
        return
    services.resolve_ip_for_localhost = lambda host: host  # type: ignore[attr-defined]
    try:
        yield
    finally:
        services.resolve_ip_for_localhost = resolve  # type: ignore[attr-defined]


def _helpers() -> list[int]:
    """Return the processes that a Ray of this machine has started; empty where they are unknown."""
    with contextlib.suppress(Exception):  # as names within Ray may change
        psutil = importlib.import_module("psutil")  # which comes with Ray
        node = importlib.import_module("ray._private.worker")._global_node
        pids = [info.process.pid for infos in node.all_processes.values() for info in infos]
        return pids + [child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    return []


def _guard(pids: Sequence[int]) -> "subprocess.Popen[bytes] | None":
    """Start a process that ends these once this one has gone: some helpers of a killed driver stay for 40 seconds."""
    if not pids or not os.path.isdir("/proc"):
        return None
    command = [sys.executable, "-S", "-c", GUARD, *map(str, pids)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


@contextlib.contextmanager
def _same_process_group() -> Iterator[None]:
    """Restore the process group, which a local Ray leaves, so that Ctrl-C reaches this process within a script."""
    if not hasattr(os, "getpgrp"):  # Windows has no such groups
        yield
        return
    before = os.getpgrp()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.setpgid(0, before)


def cpus_of(execution: ExecutionSection) -> float:
    """Return the number of CPUs of a task."""
    return execution.threads if isinstance(execution.cpus_per_run, str) else execution.cpus_per_run
