"""Experiments on a real Ray cluster of two nodes: the same bytes, whatever is killed."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from randomnet import results
from randomnet.experiment import ray_connection, ray_engine
from randomnet.extras import install_line
from randomnet.results import folders
from randomnet.schema.sections.general import ExecutionSection
from randomnet.settings import ConfigError
from tests.support.runs import ALONE, EPOCHS, contents, differing, epochs_done, ini, run, start, wait_for

RAY = ("--set", "execution.engine=ray")


# ---- without Ray


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    for dry in ([], ["--dry-run"]):
        assert run(ini(tmp_path), *RAY, *dry) == 2
        error = capsys.readouterr().err
        assert "a.ini: [execution] engine: expected the package ray" in error
        assert install_line("ray") in error
        assert len(error.splitlines()) == 1
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["address=auto"], "applies only where execution.engine = ray"),
        (["cpus_per_run=2"], "applies only where execution.engine = ray"),
        (["gpus_per_run=1"], "applies only where execution.engine = ray"),
        (["engine=ray", "address=ray://head:10001"], "expected auto, host:port such as 10.0.0.1:6379, or nothing"),
        (["engine=ray", "gpus_per_run=1.5"], "expected a part of one GPU, or a whole number of them"),
        (["engine=ray", "device=cuda"], "expected more than 0 with device = cuda"),
        (["engine=ray", "device=cpu", "gpus_per_run=1"], "expected 0 with device = cpu"),
        (["engine=rai"], "did you mean 'ray'?"),
    ],
)
def test_options_that_are_not_read_or_contradict(tmp_path, capsys, settings, text):
    assert run(ini(tmp_path), *(part for setting in settings for part in ("--set", f"execution.{setting}"))) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def hold(root, number, held, release):
    with results.ResultsFolder(root).task_lock(number):
        held.set()
        release.wait(30)


@pytest.fixture
def held(tmp_path):
    """Another process at task 1 of the results folder `a`; an event ends it."""
    (tmp_path / "a").mkdir()
    context = multiprocessing.get_context("fork")
    begun, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "a", 1, begun, release))
    process.start()
    assert begun.wait(30)
    yield release
    release.set()
    process.join()


def test_a_task_and_the_next_start_wait_for_one_that_still_works(tmp_path, held, monkeypatch):
    folder = results.ResultsFolder(tmp_path / "a")
    monkeypatch.setattr(folders, "TASK_TIMEOUT", 0.3)
    with folder.task_lock(0), folder.task_lock(2):
        pass
    for other in (folder.task_lock(1), folder.lock(), folder.lock(results.Share(1, 2))):
        with pytest.raises(results.ResultsError, match="a task of an earlier start, or of a lost node"), other:
            pass
    monkeypatch.setattr(folders, "TASK_TIMEOUT", 30.0)
    began = time.monotonic()
    threading.Timer(0.5, held.set).start()
    with folder.task_lock(1):
        assert 0.4 < time.monotonic() - began < 10
    with folder.lock():
        pass


class Server(socketserver.BaseRequestHandler):
    """Answers whatever it is told with ANSWER; nothing where that is None."""

    answer: bytes | None = None

    def handle(self):
        self.request.recv(100)
        if self.answer is None:
            time.sleep(1)
        else:
            self.request.sendall(self.answer)


HTTP_1 = b"HTTP/1.1 400 Bad Request\r\n\r\n"
HTTP_2 = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # an empty SETTINGS frame


@pytest.mark.parametrize(
    ("answer", "error"),
    [(None, "timed out"), (HTTP_1, "not that of the head of a Ray"), (b"", "not that of"), (HTTP_2, None)],
)
def test_a_port_that_is_not_that_of_a_ray_is_told_at_once(tmp_path, monkeypatch, capsys, answer, error):
    monkeypatch.setattr(ray_connection, "ANSWER", 0.3)
    handler = type("Handler", (Server,), {"answer": answer})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        if error is None:
            ray_connection.check_address(address)
        else:
            with pytest.raises(OSError, match=error):
                ray_connection.check_address(address)
        server.shutdown()


class Nodes:
    """A Ray whose nodes have these resources."""

    def __init__(self, *resources):
        self.resources = resources

    def nodes(self):
        return [{"Alive": True, "Resources": each} for each in self.resources]


@pytest.mark.parametrize(
    ("resources", "wanted", "error"),
    [
        (({"CPU": 2.0},), {"gpus_per_run": 1}, "gpus_per_run: expected a node of the cluster with 1 CPUs and 1 GPUs"),
        (({"CPU": 2.0, "GPU": 1.0},), {"cpus_per_run": 4, "gpus_per_run": 1}, "cpus_per_run: expected"),
        (({"CPU": 2.0},), {"cpus_per_run": 4}, "cpus_per_run: expected a node of the cluster with 4 CPUs, got none"),
        (({"CPU": 2.0}, {"CPU": 4.0}), {"cpus_per_run": 4}, None),
        (({"memory": 1.0},), {"cpus_per_run": 4}, None),  # a head that waits for its first node
        ((), {}, None),
    ],
)
def test_nodes_that_are_too_small_are_told_by_the_option_and_none_are_waited_for(resources, wanted, error):
    cluster = ray_engine.Cluster(Nodes(*resources), ExecutionSection(engine="ray", **wanted))
    if error is None:
        cluster.check_size()
    else:
        with pytest.raises(ConfigError, match=error):
            cluster.check_size()


# ---- with Ray


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU, each with its own raylet, on this machine."""
    pytest.importorskip("ray", reason="needs the extra ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": ray_connection.OBJECTS, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=node)
    made.second = made.add_node(num_cpus=1, object_store_memory=ray_connection.OBJECTS)
    yield made
    made.shutdown()


@pytest.fixture
def on(cluster):
    """The settings that carry an experiment out on it."""
    return (*RAY, "--set", f"execution.address={cluster.address}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """EPOCHS of the experiment done once, in one process without Ray: eight runs in four batches."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(ini(folder, epochs=EPOCHS)) == 0
    return folder / "a"


def checkpoints(root):
    return len(list(root.glob("*/iter_*/checkpoint.pt")))


def ended(root):
    return {path: path.stat().st_mtime_ns for path in root.glob("*/iter_*/run.json")}


def both_in_the_middle(root):
    """Whether two batches are at work, and neither is about to end."""
    working = [path.with_name("history.csv") for path in root.glob("*/iter_*/checkpoint.pt")]
    epochs = [path.read_text().count("\n") for path in working if path.exists()]
    return len(epochs) == 2 and max(epochs) < 0.7 * EPOCHS


def tasks():
    """The processes that are at a batch."""
    found = subprocess.run(["pgrep", "-f", "ray::randomnet_batch"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def parent(pid):
    found = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(found.stdout)


def lose(cluster, node):
    """A node with all its processes, which were in the middle of something until then."""
    raylet = node.all_processes["raylet"][0].process.pid
    there = [pid for pid in tasks() if parent(pid) == raylet]
    for pid in there:
        os.kill(pid, signal.SIGSTOP)  # a batch is soon at its end, and the raylet takes its time
    cluster.remove_node(node, allow_graceful=False)
    for pid in there:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def ends(said):
    """How runs ended, without their figures."""
    return sorted(line.split("] ")[1].split(":")[0] for line in said.splitlines() if line.startswith("["))


COMPLETE = sorted(f"combo {combo} iteration {iteration} complete" for combo in range(4) for iteration in (0, 1))


@pytest.mark.slow
def test_a_node_that_is_lost_costs_nothing_but_time(tmp_path, cluster, on, whole):
    path, root = ini(tmp_path, epochs=EPOCHS, workers="auto"), tmp_path / "a"
    process = start(path, *on)
    wait_for(lambda: ended(root) and both_in_the_middle(root), process)
    before = ended(root)
    lose(cluster, cluster.second)
    said, _ = process.communicate(timeout=90)
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=ray_connection.OBJECTS)
    assert process.exitcode == 0, said
    assert said.count("was lost and is submitted again (1/3)") == 1, said
    assert ends(said) == COMPLETE
    assert before.items() <= ended(root).items(), "none was done again"
    assert differing(contents(root), contents(whole)) == []


def desks(address):
    """The processes of this cluster that take messages of the tasks."""
    found = subprocess.run(["pgrep", "-f", "ray::Desk"], capture_output=True, text=True)
    pids = [int(pid) for pid in found.stdout.split()]
    return [pid for pid in pids if address.encode() in Path(f"/proc/{parent(pid)}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the process as Linux lists it")
def test_a_killed_desk_is_begun_again(tmp_path, cluster, on, whole):
    path, root = ini(tmp_path, epochs=EPOCHS, workers="auto"), tmp_path / "a"
    process = start(path, *on)
    wait_for(lambda: checkpoints(root), process)
    (desk,) = desks(cluster.address)
    os.kill(desk, signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.exitcode == 0, said
    assert ends(said) == COMPLETE
    assert differing(contents(root), contents(whole)) == []


@pytest.mark.slow
def test_interrupted_and_then_killed_it_goes_on_to_the_same_bytes(tmp_path, on, whole):
    path, root = ini(tmp_path, epochs=EPOCHS, workers="auto"), tmp_path / "a"
    process = start(path, *on)
    wait_for(lambda: both_in_the_middle(root), process)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.exitcode == 130, said
    assert "To go on with what is missing" in said
    begun = {path.parent for path in root.glob("*/iter_*/history.csv")}
    assert checkpoints(root) == (len(begun) - len(ended(root))) / 2, "what had begun can go on, or had ended by then"
    before = epochs_done(root)
    process = start(path, *on)
    wait_for(lambda: epochs_done(root) > before, process)
    process.kill()
    process.join()
    with results.ResultsFolder(root).lock():  # as the next start does
        before = epochs_done(root)
        time.sleep(1)
        assert epochs_done(root) == before, "nobody is left who writes"
    assert run(path, *on) == 0
    assert differing(contents(root), contents(whole)) == []


@pytest.mark.slow
def test_a_run_that_fails_leaves_its_traceback_and_the_rest_go_on(tmp_path, on, whole):
    root, failed = tmp_path / "a", tmp_path / "a" / "1" / "iter_0"
    shutil.copytree(whole, root)
    for folder in root.glob("[01]/iter_*"):
        shutil.rmtree(folder)
    (failed / "history.csv").mkdir(parents=True)  # where a file is to be written
    assert run(ini(tmp_path, epochs=EPOCHS, workers="auto"), *on) == 1
    assert "IsADirectoryError" in (failed / "error.txt").read_text()
    assert list(pd.read_csv(root / "summary.csv")["status"]) == ["complete"] * 2 + ["failed"] + ["complete"] * 5
    shutil.rmtree(failed)
    # its neighbour, 0/iter_0, was done again without it, which changes the last digits
    assert [name for name in differing(contents(root), contents(whole)) if "/iter_1/" in name] == []


def kill_a_worker(root):
    """Once there is a checkpoint."""
    end = time.monotonic() + 60
    while not checkpoints(root) and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(tasks()[0], signal.SIGKILL)


@pytest.mark.slow
def test_a_batch_that_is_lost_too_often_fails_with_its_reason(tmp_path, on, whole, monkeypatch):
    path, root = ini(tmp_path, epochs=EPOCHS, workers="auto"), tmp_path / "a"
    monkeypatch.setattr(ray_engine, "LOSSES", 0)
    killer = threading.Thread(target=kill_a_worker, args=(root,))
    killer.start()
    assert run(path, *on) == 1
    killer.join()
    assert sorted(pd.read_csv(root / "summary.csv")["status"]) == ["complete"] * 6 + ["failed"] * 2
    reasons = {path.read_text() for path in root.glob("*/iter_*/error.txt")}
    assert len(reasons) == 1 and "worker died" in reasons.pop()
    assert run(path, *ALONE, "--retry-failed") == 0
    assert differing(contents(root), contents(whole)) == []


START = """
import os, sys
from ray.cluster_utils import Cluster
node = {"num_cpus": 1, "object_store_memory": 2**27, "include_dashboard": False}
made = Cluster(initialize_head=True, head_node_args=node)
print(made.address, flush=True)
sys.stdin.read()
made.shutdown()
"""


@pytest.mark.slow
def test_a_cluster_with_the_users_token_is_joined_by_its_address(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    environment["HOME"] = str(tmp_path)

    def ends_of(*settings):
        command = [sys.executable, "runrandomnet.py", str(ini(tmp_path)), *RAY, *settings]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        shutil.rmtree(tmp_path / "a")
        return [words for words in ends(ended.stderr) if words.endswith("complete")]  # Ray logs a line of its own

    assert ends_of() == COMPLETE
    assert (tmp_path / ".ray" / "auth_token").exists(), "a Ray of its own writes a token"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    token = environment | {"RAY_AUTH_MODE": "token"}  # as `ray start` sets it where there is a token
    with subprocess.Popen([sys.executable, "-c", START], cwd=tmp_path, env=token, **pipes) as head:
        assert ends_of("--set", f"execution.address={head.stdout.readline().strip()}") == COMPLETE
        head.stdin.close()


@pytest.mark.slow
def test_what_the_cluster_does_not_have(tmp_path, on, capsys):
    assert run(ini(tmp_path), *on, "--set", "execution.cpus_per_run=64") == 2
    assert "expected a node of the cluster with 64 CPUs, got none" in capsys.readouterr().err
    assert run(ini(tmp_path), *RAY, "--set", "execution.address=127.0.0.1:1") == 2
    assert "expected a running Ray cluster at 127.0.0.1:1, got: " in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def listening(pids):
    """The addresses on which processes listen, as the tables of Linux have them."""
    inodes = {}
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                inodes[f"socket:[{parts[9]}]"] = parts[1].rpartition(":")[0]
    for pid in pids:
        with contextlib.suppress(OSError):
            yield from (inodes[name] for fd in Path(f"/proc/{pid}/fd").iterdir() if (name := os.readlink(fd)) in inodes)


def rays():
    """The processes of any Ray, without those of `cluster`."""
    found = subprocess.run(["pgrep", "-f", "ray::|/ray/core/src/ray/"], capture_output=True, text=True)
    return {int(pid) for pid in found.stdout.split()}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the tables of Linux")
def test_a_ray_of_its_own_listens_to_this_machine_only_and_ends_with_a_killed_driver(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    others, path = rays(), ini(tmp_path, epochs=400)
    process = start(path, *RAY, *ALONE)
    wait_for(lambda: epochs_done(tmp_path / "a") > 1, process, 120)
    found = set(listening(rays() - others))
    assert found and found <= {"0100007F", "0000000000000000FFFF00000100007F"}, "only 127.0.0.1"
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    end = time.monotonic() + 15
    while rays() - others and time.monotonic() < end:
        time.sleep(0.1)
    assert not rays() - others and time.monotonic() < end - 10, "helpers end within five seconds"


@pytest.mark.slow
def test_a_lost_head_ends_with_words_and_the_summary(tmp_path):
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    from ray.cluster_utils import Cluster

    assert not ray.is_initialized()
    node = {"num_cpus": 1, "object_store_memory": ray_connection.OBJECTS, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=node)
    process = start(ini(tmp_path, epochs=400), *RAY, "--set", f"execution.address={made.address}")
    wait_for(lambda: epochs_done(tmp_path / "a") > 1, process, 120)
    began = time.monotonic()
    made.head_node.kill_gcs_server(check_alive=False)
    said, _ = process.communicate(timeout=60)
    made.shutdown()
    assert process.exitcode == 1 and time.monotonic() - began < 40
    assert "error: the Ray cluster was lost" in said and "the same command goes on with the rest" in said
    assert (tmp_path / "a" / "summary.csv").exists()


@pytest.mark.slow
def test_a_full_cluster_is_waited_for_with_a_sentence(tmp_path, cluster, on, monkeypatch, capsys):
    import ray

    monkeypatch.setattr(ray_engine, "FULL", 1.0)
    context = multiprocessing.get_context("spawn")
    begun, release = context.Event(), context.Event()
    other = context.Process(target=occupy, args=(cluster.address, begun, release))
    other.start()
    assert begun.wait(90)
    threading.Timer(6, release.set).start()
    assert run(ini(tmp_path, epochs=1), *on) == 0
    other.join()
    assert not ray.is_initialized()
    assert "Waiting for 1 CPUs of the cluster, which others use" in capsys.readouterr().err


def hour():
    time.sleep(3600)


def occupy(address, begun, release):
    """Hold all CPUs of a cluster until `release`."""
    import ray

    ray.init(address=address, log_to_driver=False)
    nodes = [ray.remote(num_cpus=1)(hour).remote() for _ in range(2)]
    time.sleep(5)
    begun.set()
    release.wait(60)
    for node in nodes:
        ray.cancel(node, force=True)
    ray.shutdown()
