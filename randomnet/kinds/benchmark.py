"""kind = benchmark: the time of a spectrum and of a training epoch, as ratios to their bare matrix products.

The products are counted per step with J (N x N) and k exponents: a spectrum needs J times a state (N x 1) and J times
a frame (N x k); an epoch that trains gains and shifts needs the same again with J transposed, backwards (no product is
counted for recomputed segments, QR or anything else). A bare product is timed in the same precision, on the same
threads, in turns with what it is compared to; of each, the fastest of several turns counts.
"""

import time
from collections.abc import Callable
from typing import Any

import torch

from randomnet import results
from randomnet.config import Run
from randomnet.kinds import building, train
from randomnet.kinds.interface import Cost, Report
from randomnet.lyapunov import spectrum
from randomnet.training import fit

WORKERS = 1  # runs side by side would disturb each other's clock
HEADLINE = ("neurons", "exponents", "spectrum_ratio", "epoch_ratio", "spectrum_seconds", "epoch_seconds")
TURNS = 5


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    return building.check(run)


def execute(run: Run, folder: results.RunFolder, report: Report, stop: Callable[[], bool]) -> dict[str, Any]:
    """Measure one network; returns what run.json says of it. Nothing is written besides."""
    start = building.begin(run)
    n, schedule = start.connectome.n, building.schedule_of(run.config)
    k = building.exponents_of(run, n)
    steps = round((schedule.tsim + schedule.transient + schedule.frame_transient) / run.config.model.dt)
    exact = building.double(start.network).dynamics()
    frame = start.frame[:k]

    def forward() -> None:
        spectrum(exact, start.state, frame, schedule)

    def epoch() -> None:
        fit(start.network, train.objective(run, start), **(train.settings(run) | {"epochs": 1}))

    with torch.no_grad():
        trained = start.network.dynamics().matrix
        forward_seconds, forward_products = _in_turns(forward, _products(exact.matrix, k, steps, backward=False))
    epoch_seconds, epoch_products = _in_turns(epoch, _products(trained, k, steps, backward=True))
    return {
        "status": results.COMPLETE,
        "summary": {
            "neurons": n,
            "exponents": k,
            "steps": steps,
            "spectrum_seconds": forward_seconds,
            "spectrum_products_seconds": forward_products,
            "spectrum_ratio": forward_seconds / forward_products,
            "epoch_seconds": epoch_seconds,
            "epoch_products_seconds": epoch_products,
            "epoch_ratio": epoch_seconds / epoch_products,
            "threads": torch.get_num_threads(),
        },
        "connectome": start.connectome.facts(),
    }


def estimate(run: Run) -> Cost:
    """Time of one run."""
    cost = train.estimate(run)
    return Cost(cost.epoch, cost.epoch * 4 * (TURNS + 1))


def _products(matrix: torch.Tensor, k: int, steps: int, backward: bool) -> Callable[[], None]:
    """The bare products of `steps` steps: J (N x 1), J (N x k), and with `backward` the same with J transposed."""
    state, frame = torch.ones_like(matrix[0]), torch.ones_like(matrix[:, :k])
    factors = [matrix, matrix.mT] if backward else [matrix]

    def run() -> None:
        with torch.no_grad():
            for _ in range(steps):
                for factor in factors:
                    factor @ state
                    factor @ frame

    return run


def _in_turns(measured: Callable[[], None], bare: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the fastest turn of each, after one turn to warm up."""
    fastest = [float("inf"), float("inf")]
    for turn in range(TURNS + 1):
        for index, job in enumerate((measured, bare)):
            began = time.perf_counter()
            job()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                fastest[index] = min(fastest[index], time.perf_counter() - began)
    return fastest[0], fastest[1]
