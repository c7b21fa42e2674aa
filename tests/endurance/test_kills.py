"""kill -9 at any moment of an experiment of any kind, by both engines: the next starts end at the same bytes.

Where only a worker of Ray is killed, the experiment itself ends at them.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.endurance import alone, cases, command, generators, lasting, prepared
from tests.support.runs import differing, start, wait_for
from tests.support.small_kinds import KINDS

ENGINES = {
    "local": (),
    "two workers": ("--set", "execution.workers=2"),
    "ray": ("--set", "execution.engine=ray", "--set", "execution.workers=1"),
}
ATTEMPTS = 20  # starts of one experiment


@pytest.fixture(scope="module", params=[(kind, engine) for engine in ENGINES for kind in KINDS], ids="-".join)
def whole(request, tmp_path_factory):
    """The INI of a kind, its options, seconds that it takes, and what it leaves."""
    kind, engine = request.param
    if engine == "ray":
        pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp(kind)
    path, options = prepared(folder, kind), (*ENGINES[engine], *alone(kind))
    start(folder / "none.ini").communicate()  # the first start loads everything, which later ones fork
    began = time.monotonic()
    with contextlib.chdir(folder):
        process = start(path.name, *options)
        said, _ = process.communicate()
    assert process.exitcode == 0, said
    seconds = time.monotonic() - began
    expected = lasting(folder / kind, kind)
    (folder / kind).rename(folder / "whole")
    return path, options, seconds, expected


def killed(path, options, seconds):
    """Start an experiment and kill its whole group after so many seconds; whether it had ended before."""
    process = start(path.name, *options)
    process.join(seconds)
    if process.exitcode is not None:
        assert process.exitcode == 0, process.communicate()[0]
        return True
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    return False


@pytest.mark.long
def test_a_killed_experiment_ends_at_the_same_bytes(whole):
    """500 kills over all pairs of kind and engine: 14 of each."""
    path, options, seconds, expected = whole
    kind, wanted, kills, wrong = path.stem, max(1, cases(500) // (len(KINDS) * len(ENGINES)) + 1), 0, []
    for case, rng in generators(f"kills {path}", 10 * wanted):
        root = path.parent / kind
        with contextlib.chdir(path.parent):
            for _ in range(ATTEMPTS):
                if killed(path, options, rng.uniform(0.02, 1.2) * seconds):
                    break
                kills += 1
            else:
                assert killed(path, options, 600)
        if changed := differing(lasting(root, kind), expected):
            wrong.append((case, changed))
        root.rename(path.parent / f"done-{case}")
        if kills >= wanted:
            break
    print(f"{kills} kills")
    assert not wrong


def descendants(pid):
    """The processes that a process has started, and those that these have started."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent = path.read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(path.parent.name))
    waiting, found = [pid], []
    while waiting:
        started = children.get(waiting.pop(), [])
        waiting, found = waiting + started, found + started
    return found


def ray_workers(pid):
    """The workers of the Ray that a process has started."""
    commands = {}
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            commands[each] = Path(f"/proc/{each}/cmdline").read_bytes()
    return [each for each, command in commands.items() if command.startswith((b"ray::IDLE", b"ray::randomnet"))]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers as Linux lists them")
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_worker_of_ray_costs_nothing_but_time(tmp_path, kind):
    pytest.importorskip("ray")
    path, options = prepared(tmp_path, kind), (*ENGINES["ray"], *alone(kind))
    with contextlib.chdir(tmp_path):
        assert command(path.name, *alone(kind))[0] == 0
        expected = lasting(tmp_path / kind, kind)
        for case, rng in generators(f"workers {kind}", max(1, cases(500) // 100)):
            (tmp_path / kind).rename(tmp_path / f"before-{case}")
            process, workers, killed_workers = start(path.name, *options), [], []
            wait_for(lambda: workers.extend(ray_workers(process.pid)) or workers, process)  # noqa: B023
            process.join(rng.uniform(0, 0.2))
            for worker in {*workers, *ray_workers(process.pid)}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed_workers.append(worker)
            said, _ = process.communicate(timeout=120)
            print(f"{len(killed_workers)} workers, {said.count('submitted again')} batches submitted again")
            assert process.exitcode == 0, said
            assert differing(lasting(tmp_path / kind, kind), expected) == [], said
