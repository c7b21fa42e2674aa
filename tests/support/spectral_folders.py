"""Made-up results folders of the kinds that measure spectra."""

import itertools
from pathlib import Path

import numpy as np

from randomnet.command_line import figures
from randomnet.results import ResultsFolder, write_arrays

N = 40


def lambda_max(g, iteration):
    """What the made-up runs measure: the median over three iterations crosses zero at g = 1.2."""
    return 0.5 * (g - 1.2) + 0.01 * (iteration - 1)


def spectrum_run(values, iteration, k):
    lam = lambda_max(float(values.get("g", 2)), iteration)
    arrays = {"exponents": lam - np.arange(k) / N, "stderr": np.full(k, 0.02), "state_initial": np.zeros(N)}
    whole = k == N
    summary = {"neurons": N, "exponents": k, "lambda_max": lam, "lambda_max_stderr": 0.02, "n_positive": 2,
               "D_KY": 5.0 if whole else None, "h_KS": max(lam, 0), "h_KS_lower_bound": not whole,
               "sum_rule_residual": 1e-9 if whole else None, "split_half_rms": 0.01, "drift": 0.0,
               "log10_condition_median": 1.0, "log10_condition_max": 2.0, "converged": iteration != 2,
               "reason_not_converged": None if iteration != 2 else "drift", "tsim_used": 100.0,
               "seconds": 1.0}  # fmt: skip
    return arrays, summary


def convergence_run(values, iteration, k):
    times = np.arange(1, 101) * 1.0
    tons = values.get("tons", 0.2)
    running = np.broadcast_to(0.5 - 0.1 * np.arange(k), (3, 100, k)) + 0.1 * np.arange(3)[:, None, None]
    errors = np.full(running.shape, 0.05)
    errors[:, :10] = np.nan
    steps = np.full(100, 0.2 if isinstance(tons, str) else tons) + (0.5 * (times > 50) if tons == "adaptive" else 0)
    return {"times": times, "running": running, "running_stderr": errors, "intervals": steps}, {"lambda_max": 0.5}


def benchmark_run(values, iteration, k):
    n = float(values.get("n", 100))
    seconds = {"spectrum_seconds": 2e-6 * n**2, "spectrum_products_seconds": 1e-6 * n**2, "spectrum_ratio": 2.0,
               "epoch_seconds": 6e-6 * n**2, "epoch_products_seconds": 2e-6 * n**2, "epoch_ratio": 3.0}  # fmt: skip
    return {}, {"neurons": n, "exponents": k, "steps": 100, **seconds}


# What the summaries of runs that did not end well say besides.
UNBOUNDED = {"lambda_max": 1.3, "verdict": "unbounded", "converged": False, "n_positive": None, "D_KY": None,
             "h_KS": None}  # fmt: skip
LOST = {"lambda_max": None, "verdict": "diverged", "converged": False, "n_positive": None, "D_KY": None, "h_KS": None}
SHORT = {"verdict": "too short to tell", "converged": False}
RUNS = {"spectrum": spectrum_run, "transition": spectrum_run, "convergence": convergence_run,
        "benchmark": benchmark_run}  # fmt: skip


def make(root: Path, kind, grid=None, iterations=3, k=N, lacking=(), settings=None, ends=None, **manifest) -> Path:
    """A results folder of a kind; `lacking` are the (combo, iteration) that have not ended.

    ends: (combo, iteration) -> (status, what its summary says else), of runs that did not end well.
    """
    grid = grid or {}
    combos = []
    for number, row in enumerate(itertools.product(*grid.values())):
        values = dict(zip(grid, row, strict=True))
        known = {"net.roi": "random", "net.g": 1.0, "model.activation": "tanh", "model.dt": 0.1, "lyapunov.tons": 0.2,
                 "paths.pretrained": "", **(settings or {})}  # fmt: skip
        known |= {name: values[name.split(".")[1]] for name in known if name.split(".")[1] in values}
        about = {"name": "random", "synthetic": True, "neurons": N}
        combos.append({"combo": number, "values": values, "settings": known, "connectome": about})
    folder = ResultsFolder(root)
    folder.write_plan({"format": 1, "kind": kind, "name": root.name, "seed": 1, "iterations": iterations,
                       "varied": list(grid), "combos": combos, **manifest}, "[results]\n")  # fmt: skip
    for combo, iteration in itertools.product(combos, range(iterations)):
        if (combo["combo"], iteration) not in lacking:
            run = folder.run(combo["combo"], iteration)
            run.create()
            arrays, summary = RUNS[kind](combo["values"], iteration, k)
            status, more = (ends or {}).get((combo["combo"], iteration), ("complete", {}))
            write_arrays(run.path / "arrays.npz", arrays)
            run.finish({"combo": combo["combo"], "iteration": iteration, "seed": iteration, "status": status,
                        "summary": summary | more})  # fmt: skip
    return root


def gather(*folders):
    return figures.gather(figures.parse(["--results_folders", *map(str, folders), "--save_figs", "x"]))[0]
