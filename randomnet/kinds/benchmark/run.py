"""kind = benchmark: the time of a spectrum and of a training epoch, as ratios to their bare matrix products.

With a task it is an epoch of the task, beside its products and the same epoch of a plain torch.nn.RNN loop; see
`plain_loop`. Without:

The products are counted per step with J (N x N) and k exponents: a spectrum needs J times a state (N x 1) and J times
a frame (N x k); an epoch that trains gains and shifts needs the same again with J transposed, backwards (no product is
counted for recomputed segments, QR or anything else). These are 2 N^2 (1 + k) operations a step, twice that with the
backward pass. RandomNet does them as one product of a bundle (1 + k) x N; the columns `_bundled` compare with that one
product, which is faster than the two, so that their ratios are higher. A bare product is timed in the same precision,
on the same threads, in turns with what it is compared to; of each, the fastest of several turns counts.

Where networks are so small that several are trained side by side (execution.batch_runs), `beside` says how many,
`beside_speedup` how many times faster one epoch of all is than as many epochs one after the other, and `beside_ratio`
what it takes as a ratio to the products of all, side by side too.

`wall_seconds` and `process_seconds` are those of all turns: what the process waited for is `busy_share`, and where it
is more than `BUSY` a note says that the machine was busy. Without CUDA alone, whose kernels a process waits for.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from randomnet import results
from randomnet.build import coupling_strength
from randomnet.build.network import Setup, build_setup, check_network, double
from randomnet.build.targets import exponents_of
from randomnet.kinds.benchmark import plain_loop
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.spectrum import computing
from randomnet.kinds.train import run as train
from randomnet.lyapunov import spectrum
from randomnet.objectives import Objective, SpectrumObjective, TaskObjective, stack_objectives
from randomnet.rnn import Coupling, Network, stack_systems
from randomnet.schema.plan import Run
from randomnet.training import fit

HEADLINE = (
    "neurons",
    "exponents",
    "trials",
    "spectrum_ratio",
    "spectrum_ratio_bundled",
    "epoch_ratio",
    "epoch_ratio_bundled",
    "epoch_ratio_torch_rnn",
    "beside",
    "beside_speedup",
    "beside_ratio",
    "spectrum_seconds",
    "epoch_seconds",
    "busy_share",
)
TURNS = 5
BUSY = 0.05  # share of the wall time in which the process did not run, from which on times are doubtful


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    return check_network(run)


def length(run: Run) -> float:
    """Nothing to count."""
    return 0


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Measure one network; returns what run.json says of it. Nothing is written besides."""
    start = build_setup(run)
    strength = coupling_strength.strength_of(start.network)  # before epochs change it
    objective, watch = train.objective(run, start), _Stopwatch()
    measured = _task_figures if run.config.has_task else _spectrum_figures
    figures = {**measured(run, start, objective, watch), **watch.figures()}
    return {
        "status": results.COMPLETE,
        "summary": {
            "neurons": start.connectome.n,
            **strength,
            **figures,
            "threads": torch.get_num_threads(),
        },
        "connectome": start.facts(),
    }



def _epoch(run: Run, start: Setup, objective: Objective) -> Callable[[], float]:
    """One training epoch, which returns its own seconds: a training ends with a measurement of the final network."""
    settings = replace(train.settings(run), epochs=1)
    return lambda: fit([start.network], objective, [settings])[0].history[-1]["seconds"]


def _spectrum_figures(
    run: Run, start: Setup, objective: SpectrumObjective, watch: "_Stopwatch"
) -> dict[str, float]:
    n, schedule = start.connectome.n, computing.schedule_of(run)
    k = exponents_of(run, n)
    steps = round((schedule.tsim + schedule.transient + schedule.frame_transient) / run.config.model.dt)
    exact = double(start.network).dynamics()

    def forward() -> None:
        spectrum(exact, start.state, start.frame[:k], schedule)

    with torch.no_grad():
        trained = start.network.dynamics().coupling
    spectrum_times = watch.in_turns(forward, *_products(exact.coupling, n, k, steps, backward=False))
    epoch_times = watch.in_turns(_epoch(run, start, objective), *_products(trained, n, k, steps, backward=True))
    return {
        "exponents": k,
        "steps": steps,
        **_figures("spectrum", spectrum_times),
        **_figures("epoch", epoch_times),
        **_beside_figures(run, start, objective, steps, watch),
    }


def _beside_figures(
    run: Run, start: Setup, objective: SpectrumObjective, steps: int, watch: "_Stopwatch"
) -> dict[str, float]:
    """An epoch of as many networks as are trained side by side; none where that is one."""
    number = train.max_batch(run, start.connectome.facts())
    if number == 1:
        return {}
    networks, all_at_once = _all_at_once(run, start, objective, number)
    with torch.no_grad():
        coupling = stack_systems([network.dynamics() for network in networks]).coupling
    k = exponents_of(run, start.connectome.n)
    products = _products(coupling, start.connectome.n, k, steps, backward=True)[0]
    alone, beside, bare = watch.in_turns(_epoch(run, start, objective), all_at_once, products)
    return {"beside": number, "beside_speedup": number * alone / beside, "beside_ratio": beside / bare}


def _all_at_once(
    run: Run, start: Setup, objective: Objective, number: int
) -> tuple[list[Network], Callable[[], float]]:
    """The networks of so many iterations, and an epoch of all side by side."""
    others = [replace(run, iteration=run.iteration + other) for other in range(1, number)]
    starts = [start, *(build_setup(other) for other in others)]
    objectives = [objective, *(train.objective(*pair) for pair in zip(others, starts[1:], strict=True))]
    settings = [replace(train.settings(run), epochs=1)] * number
    networks, together = [one.network for one in starts], stack_objectives(objectives)
    return networks, lambda: sum(progress.history[-1]["seconds"] for progress in fit(networks, together, settings))


def _task_figures(run: Run, start: Setup, objective: TaskObjective, watch: "_Stopwatch") -> dict[str, float]:
    jobs = [_epoch(run, start, objective), plain_loop.products(start.network, objective)]
    if plain_loop.comparable(start.network, objective):
        jobs.append(plain_loop.TorchLoop(start.network, objective, run.config.trainvalidate.lr))
    number = train.max_batch(run, check_network(run))
    jobs += [_all_at_once(run, start, objective, number)[1]] if number > 1 else []
    epoch, products, *others = watch.in_turns(*jobs)
    compared = {"beside": number, "beside_speedup": number * epoch / others.pop()} if number > 1 else {}
    compared |= {"epoch_ratio_torch_rnn": epoch / others[0]} if others else {}
    return {
        "trials": sum(batch.inputs.shape[1] for batch in (*objective.training, objective.validation)),
        "steps": len(objective.validation.inputs),
        "epoch_seconds": epoch,
        "epoch_products_seconds": products,
        "epoch_ratio": epoch / products,
        **compared,
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of one run: its turns are about so many epochs, several side by side included."""
    (run,) = runs
    cost = train.estimate(runs)
    small = train.max_batch(run, check_network(run)) > 1
    return Cost(cost.epoch, cost.epoch * (9 if small else 4) * (TURNS + 1))


def _figures(what: str, times: tuple[float, ...]) -> dict[str, float]:
    measured, apart, bundled = times
    return {
        f"{what}_seconds": measured,
        f"{what}_products_seconds": apart,
        f"{what}_ratio": measured / apart,
        f"{what}_ratio_bundled": measured / bundled,
    }


def _products(coupling: Coupling, n: int, k: int, steps: int, backward: bool) -> tuple[Callable[[], None], ...]:
    """The bare products of `steps` steps: J (N x 1) and J (N x k) apart, and one of a bundle; see the module's text."""
    factors = coupling.factors if backward else coupling.factors[:1]
    runs = coupling.values.shape[:-2]  # () or (runs,)
    state, frame = coupling.values.new_ones(*runs, n, 1), coupling.values.new_ones(*runs, n, k)
    bundle, after = (coupling.empty(coupling.values.new_empty(*runs, 1 + k, n)).fill_(1.0) for _ in range(2))

    @torch.no_grad()
    def apart() -> None:
        for _ in range(steps):
            for factor in factors:
                factor @ state
                factor @ frame

    @torch.no_grad()
    def bundled() -> None:
        for _ in range(steps):
            coupling.product_into(bundle, after)
            if backward:
                coupling.transpose_product_into(bundle, after)

    return apart, bundled


class _Stopwatch:
    """Seconds of jobs that are done in turns, and of all of them the wall time and the time of this process."""

    def __init__(self) -> None:
        self.wall, self.process = 0.0, 0.0

    def in_turns(self, *jobs: Callable[[], float | None]) -> tuple[float, ...]:
        """Seconds of the fastest turn of each, by its own clock if it returns one, after one turn to warm up."""
        fastest = [float("inf")] * len(jobs)
        for turn in range(TURNS + 1):
            for index, job in enumerate(jobs):
                began, process = time.perf_counter(), _process_time()
                own_clock = job()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                if turn:
                    seconds = time.perf_counter() - began
                    self.wall, self.process = self.wall + seconds, self.process + _process_time() - process
                    fastest[index] = min(fastest[index], own_clock or seconds)
        return tuple(fastest)

    def figures(self) -> dict[str, Any]:
        """Both times, the share of others, and a note where that is large; nothing of work on a GPU."""
        if torch.cuda.is_available() or not self.wall:
            return {}
        share = max(0.0, 1 - self.process / self.wall)
        note = f"the machine was busy: {share:.0%} of the wall time was others'" if share > BUSY else ""
        return {"wall_seconds": self.wall, "process_seconds": self.process, "busy_share": share, "notes": note}


def _process_time() -> float:
    """CPU seconds of this process; with several threads those of the main one, which works as long as the others."""
    return time.process_time() if torch.get_num_threads() == 1 else time.thread_time()


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    workers=1,  # runs side by side would disturb each other's clock
)
