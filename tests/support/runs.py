"""The small experiment of many tests, run here or in a process of its own, and what its folder must hold."""

import itertools
import json
import multiprocessing
import os
import sys
import time
from multiprocessing import resource_tracker
from pathlib import Path

import pandas as pd
import torch

import runrandomnet
from randomnet import compiled
from tests.support.paths import ROOT

INI = """
[experiment]
name = test
seed = 5
[paths]
path_to_results = {results}
[net]
roi = AB
g = 3
[lyapunov]
nle = 5
tsim = 3
transient = 1
frame_transient = 1
tsim_measured = 0
[trainvalidate]
lr = 0.05
epochs = {epochs}
iterations = 2
[combosparams]
combos_params = {{"optimizer": ["Adam", "SGD"], "target": [0, "0.5:-0.5"]}}
[execution]
workers = {workers}
steps = eager
checkpoint_every = 1
batch_runs = 2
"""


def ini(folder, name="a", epochs=3, workers=1):
    path = folder / f"{name}.ini"
    path.write_text(INI.format(results=folder / name, epochs=epochs, workers=workers))
    return path


def run(*arguments):
    return runrandomnet.main([str(argument) for argument in arguments])


FORKS = multiprocessing.get_context("forkserver")

STARTED = itertools.count()

FORKS.set_forkserver_preload(["pytest", "randomnet.command_line.experiments", "randomnet.experiment"])


class Forked(FORKS.Process):
    """The same in a process of its own, forked from one that has imported everything: its start takes no time."""

    def __init__(self, *arguments):
        super().__init__()
        self.arguments, self.words = list(map(str, arguments)), Path(f"{arguments[0]}.said-{next(STARTED)}")

    def run(self):
        os.setsid()
        words = os.open(self.words, os.O_WRONLY | os.O_CREAT)
        os.dup2(words, 1)
        os.dup2(words, 2)
        sys.modules["__main__"] = runrandomnet  # which its workers import, as those of the command do
        resource_tracker._resource_tracker._fd = None  # its own: what it leaves when killed is not this process's
        compiled.prefer(os.environ.get("RANDOMNET_STEPS", compiled.EAGER))  # as conftest.py does here
        sys.exit(runrandomnet.main(self.arguments))

    def poll(self):
        return self.exitcode

    def communicate(self, timeout=None):
        self.join(timeout)
        return self.words.read_text(), None


def start(*arguments):
    """`run` in a process of its own."""
    process, before = Forked(*arguments), os.environ.get("PYTHONPATH")
    # the server of forks ignores sys.path, and would import a randomnet that is installed
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [before])])
    try:
        process.start()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return process


def contents(root):
    """Everything that must not depend on how, when and where the runs were done."""
    found = {}
    for path in sorted(root.glob("*/iter_*/*")) + sorted(root.glob("*/*.npy")):
        name = str(path.relative_to(root))
        if path.suffix == ".csv":
            found[name] = pd.read_csv(path).drop(columns="seconds", errors="ignore").to_csv()
        elif path.name == "run.json":
            record = json.loads(path.read_text())
            record["summary"].pop("seconds")
            found[name] = record
        elif path.name == "state.pt":
            found[name] = _without_seconds(torch.load(path, weights_only=True))
        else:
            found[name] = path.read_bytes()
    return found


def _without_seconds(value):
    """The state of a training as text and bytes, without what differs from day to day."""
    if isinstance(value, dict):
        return {name: _without_seconds(item) for name, item in value.items() if name != "seconds"}
    if isinstance(value, (list, tuple)):
        return [_without_seconds(item) for item in value]
    return (value.dtype, value.shape, value.numpy().tobytes()) if isinstance(value, torch.Tensor) else repr(value)


def differing(found, expected):
    """The names of `contents` that are missing, extra or of other content."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def files(root):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


# two combos, four runs, long enough to be interrupted
HALF = ("--set", 'combosparams.combos_params={"optimizer": ["Adam", "SGD"]}')

EPOCHS = 30
ALONE = ("--set", "execution.workers=1")  # spares the start of workers where they are not the point


def epochs_done(root):
    """Lines of all histories, which grow by one with each checkpoint."""
    return sum(path.read_text().count("\n") for path in root.glob("*/iter_*/history.csv"))


def is_worker(pid):
    """Whether a child is a worker, forked or spawned: not one that clears up, nor one that asks for the version."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return False
    return b"python" in command and b"resource_tracker" not in command


def wait_for(condition, process, limit=180):
    end = time.monotonic() + limit
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)
