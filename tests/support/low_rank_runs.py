"""Small experiments on tasks, of networks with factors of low rank."""

import numpy as np

from randomnet.schema.plan import read_plan
from tests.support.runs import run

N = 24
BASE = """[experiment]
seed = 5
[paths]
path_to_results = {out}
{network}
[trainvalidate]
batch_size = 8
[trialparams]
nr_of_trials = 8
[execution]
workers = 1
"""
RANDOM = "[net]\nroi = random\nn = 24\n"
POPULATIONS = """[net]
source = populations
[populations]
sizes = E: 18, I: 6
couplings = EE: 1, EI: -1.5, IE: 1, II: -1
in_degree = 4
"""
N_BACK = ("trialparams.task_name=nback_mem", "trainvalidate.epochs=3", "trainvalidate.lr=0.02", "net.rank=2")


def ini(tmp_path, network=RANDOM, name="out"):
    path = tmp_path / f"{name}.ini"
    path.write_text(BASE.format(out=tmp_path / name, network=network))
    return path


def last(changes):
    """Of each key its last change."""
    return [f"{key}={value}" for key, value in dict(change.split("=", 1) for change in changes).items()]


def sets(changes):
    return [part for change in last(changes) for part in ("--set", change)]


def experiment(tmp_path, *changes, network=RANDOM, name="out"):
    assert run(ini(tmp_path, network, name), *sets(changes)) == 0
    return tmp_path / name


def run_of(tmp_path, *changes, network=RANDOM, name="out"):
    return read_plan(ini(tmp_path, network, name), last(changes)).combos[0].runs()[0]


def arrays_of(out, combo=0):
    with np.load(out / str(combo) / "iter_0" / "arrays.npz") as found:
        return dict(found)
