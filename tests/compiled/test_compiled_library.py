"""How compiled loops are made: one process at a time, with products of torch's library or of scipy's."""

import json
import subprocess
import sys

import numpy as np
import pytest
from filelock import FileLock

from randomnet import compiled
from randomnet.activations import ACTIVATIONS
from tests.support.paths import ROOT

pytest.importorskip("numba")

HOLD = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); input()"
WITH_SCIPY = """
import json, sys
sys.path.insert(0, ".")
import torch
torch.__file__ = "absent/__init__.py"  # where no library of torch is found
torch.set_num_threads(2)
from tests.support.steps_by_hand import last_bundles
bundles = last_bundles()
from randomnet.compiled import blas
import ctypes, scipy.linalg.cython_blas as module
library = ctypes.CDLL(module.__file__)
counters = [name for name in ("scipy_openblas_get_num_threads", "openblas_get_num_threads") if hasattr(library, name)]
threads = [getattr(library, name)() for name in counters]
torch.set_num_threads(1)
blas.respect_threads()
threads += [getattr(library, name)() for name in counters]
print(json.dumps([blas.LIBRARY, threads, bundles]))
"""


@pytest.fixture
def library(monkeypatch):
    from randomnet.compiled import library

    library._say_waiting.cache_clear()
    return library


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock until it is killed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_waiting_for_another_process_is_said_once_and_ends(library, holder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(library, "LONGEST", 0.2)
    for _ in range(2):
        with library.one_at_a_time(tmp_path / "lock"):
            pass
    assert capsys.readouterr().err.count("waiting for another process that compiles steps") == 1


def test_the_lock_of_a_killed_process_holds_nobody_up(library, holder, tmp_path, capsys):
    holder.kill()
    holder.wait()
    with library.one_at_a_time(tmp_path / "lock"):
        assert not capsys.readouterr().err


def test_the_lock_is_free_while_the_loops_run(library, tmp_path):
    class Recorder:
        """Stands for a compiled function."""

        locked = ()
        stats = type("Stats", (), {"cache_path": str(tmp_path)})

        def note(self):
            lock = FileLock(tmp_path / "loop.lock")
            try:
                lock.acquire(timeout=0)
            except TimeoutError:
                self.locked = (*self.locked, True)
            else:
                self.locked = (*self.locked, False)
                lock.release()

        def compile(self, types):
            self.note()

        def typeof_pyval(self, value):
            return type(value)

        def __call__(self, *arguments):
            self.note()

    recorder = Recorder()
    loop = library.Kernel(recorder, "loop")
    loop(np.zeros(1))
    loop(np.zeros(1))
    assert recorder.locked == (True, False, False)


def test_products_of_scipy_stand_in_for_those_of_torch_and_have_its_threads():
    from tests.support.steps_by_hand import last_bundles

    process = subprocess.run(
        [sys.executable, "-c", WITH_SCIPY], cwd=ROOT, capture_output=True, text=True, check=True, timeout=250
    )
    name, threads, bundles = json.loads(process.stdout.splitlines()[-1])
    assert name == "scipy"
    assert threads in ([2, 1], [])  # [] where the library has no counter
    np.testing.assert_allclose(bundles, last_bundles(), rtol=1e-12, atol=1e-14)


def test_activations_share_the_loops(library):
    kernels = {loop.func for name in ACTIVATIONS for loop in compiled.loops(ACTIVATIONS[name].scalar, "rate")}
    assert len(kernels) == 2
