"""A small experiment of a matrix and its null models."""

import numpy as np

import runrandomnet

INI = """[experiment]
kind = spectrum
name = nulls
[paths]
path_to_network = {matrix}
path_to_results = {out}
[net]
rows = target
[model]
activation = tanh
[lyapunov]
nle = 1
tsim = 4
transient = 1
frame_transient = 1
[trainvalidate]
iterations = 4
[execution]
workers = 1
[combosparams]
combos_params = {grid}
"""
GRID = '{"null": ["none", "degree"], "g": [1, 2]}'


def made_up():
    """A matrix of 16 neurons, the first four inhibitory."""
    rng = np.random.default_rng(0)
    matrix = (rng.random((16, 16)) < 0.4) * rng.lognormal(0, 0.5, (16, 16)) * np.where(np.arange(16) < 4, -2.0, 1.0)
    return matrix * ~np.eye(16, dtype=bool) / 4


def run(tmp_path, *changes, grid=GRID, more=(), matrix=None):
    """Run the INI on a matrix, a made-up one unless told otherwise."""
    np.save(tmp_path / "matrix.npy", made_up() if matrix is None else matrix)
    ini = tmp_path / "a.ini"
    ini.write_text(INI.format(out=tmp_path / "out", matrix=tmp_path / "matrix.npy", grid=grid))
    return runrandomnet.main([str(ini), *(part for change in changes for part in ("--set", change)), *more])
