"""Networks of files that a test writes."""

import numpy as np

from randomnet.build.connectome import connectome_of
from randomnet.schema.plan import read_plan

INI = """
[experiment]
kind = spectrum
[paths]
path_to_network = {path}
path_to_results = {folder}/out
[lyapunov]
nle = 2
[net]
largest_component = none
"""


def network(folder, path, *settings):
    """The network of the first run."""
    (folder / "a.ini").write_text(INI.format(path=path, folder=folder))
    return connectome_of(read_plan(folder / "a.ini", settings).combos[0].runs()[0])


def saved(folder, matrix):
    np.save(folder / "m.npy", matrix)
    return folder / "m.npy"


def matrix_of(kind):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 50, (30, 30)) * (rng.random((30, 30)) < 0.3) * (1 - np.eye(30, dtype=int))
    of_neuron = np.where(np.arange(30) < 20, 1, -1)[:, None]  # rows are sources
    signs = {"counts": of_neuron, "unsigned": 1, "mixed": rng.choice([-1, 1], (30, 30)), "weights": of_neuron * 0.37}
    return counts * signs[kind]
