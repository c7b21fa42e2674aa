"""kind = benchmark: the time of a spectrum and of a training epoch, as ratios to their bare matrix products.

With a task, the time of an epoch of the task is compared with its products, and with the same epoch of a plain
torch.nn.RNN loop; see `plain_loop`. Without a task:

The products are counted per step with J (N x N) and k exponents. A spectrum needs J times a state (N x 1) and J times
a frame (N x k). An epoch that trains gains and shifts needs the same again with J transposed, backwards (no product is
counted for recomputed segments, QR or anything else). These are 2 N^2 (1 + k) operations a step, twice that with the
backward pass. RandomNet computes them as one product of a bundle (1 + k) x N. The columns `_bundled` compare with that
single product, which is faster than the two, so that their ratios are higher. The columns `_compiled` compare with the
products of a sparse network in compiled rows, which are faster than those of torch. A bare product is timed in the same
precision and on the same threads, in turns with what it is compared to; the fastest of several turns counts.

Where networks are so small that several are trained side by side (execution.batch_runs), `beside` is their number.
`beside_speedup` says how many times faster one epoch of all is than as many epochs in sequence. `beside_ratio` is the
ratio of that epoch to the products of all, side by side too.

Columns that end in `_process` compare times in which this process worked, those of `_ratio_process` with the bundled
product. They hold on a busy machine too. `wall_seconds` and `process_seconds` are those of all turns. `busy_share` is
the time that the process waited; where it is more than `BUSY`, a note says that the machine was busy. These columns are
missing with CUDA, because a process waits for its kernels. Nothing is written besides the summary of run.json.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import torch

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import Setup, build_setup, check_network, double
from randomnet.build.objective import objective_of, training_settings
from randomnet.build.spectra import schedule_of
from randomnet.build.targets import exponents_of
from randomnet.kinds.benchmark import plain_loop
from randomnet.kinds.benchmark.stopwatch import TURNS, Clock, Seconds, Stopwatch
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.train.run import KIND as TRAINING
from randomnet.lyapunov import spectrum
from randomnet.objectives import Objective, SpectrumObjective, TaskObjective, stack_objectives
from randomnet.rnn import Coupling, Dynamics, Network, Sparse, stack_systems
from randomnet.rnn.compiled_columns import bare_products
from randomnet.schema.plan import Run
from randomnet.training import fit

HEADLINE = (
    "neurons",
    "exponents",
    "trials",
    "spectrum_ratio",
    "spectrum_ratio_bundled",
    "spectrum_ratio_process",
    "spectrum_ratio_compiled",
    "epoch_ratio",
    "epoch_ratio_bundled",
    "epoch_ratio_process",
    "epoch_ratio_compiled",
    "epoch_ratio_torch_rnn",
    "epoch_ratio_torch_rnn_process",
    "beside",
    "beside_speedup",
    "beside_speedup_process",
    "beside_ratio",
    "beside_ratio_process",
    "spectrum_seconds",
    "epoch_seconds",
    "busy_share",
)


def length(run: Run) -> float:
    """Return 0: the progress of a benchmark is not counted."""
    return 0


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Time one network; return the record for run.json."""
    setup = build_setup(run)
    strength = strength_of(setup.network)  # before epochs change it
    objective, stopwatch = objective_of(run, setup), Stopwatch()
    time_all = _time_task if run.config.has_task else _time_spectrum
    summary = {**time_all(run, setup, objective, stopwatch), **stopwatch.summary()}
    return {
        "status": results.COMPLETE,
        "summary": {
            "neurons": setup.connectome.n,
            **strength,
            **summary,
            "threads": torch.get_num_threads(),
        },
        "connectome": setup.facts(),
    }


class _Clocked:
    """An objective that measures the time from the first batch of an epoch to the end of its validation."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.seconds = objective, Seconds(0.0, 0.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objective, name)

    def select(self, runs: Sequence[int]) -> "_Clocked":
        """Return itself: no network diverges in an epoch."""
        return self

    def batches(self) -> Any:
        """Start the clock, and return the batches."""
        self.clock = Clock()
        return self.objective.batches()

    def validate(self, networks: Sequence[Network], epoch: int | None) -> Any:
        """Validate, and read the clock after an epoch."""
        figures = self.objective.validate(networks, epoch)
        if epoch:
            self.seconds = self.clock.read()
        return figures


def _epoch(run: Run, networks: Sequence[Network], objective: Objective) -> Callable[[], Seconds]:
    """Return one training epoch, which returns its own seconds, as a training ends with a measurement."""
    settings = [replace(training_settings(run), epochs=1)] * len(networks)

    def epoch() -> Seconds:
        clocked = _Clocked(objective)
        fit(networks, cast(Objective, clocked), settings)
        return clocked.seconds

    return epoch


def _time_spectrum(run: Run, setup: Setup, objective: SpectrumObjective, stopwatch: Stopwatch) -> dict[str, float]:
    n, schedule = setup.connectome.n, schedule_of(run)
    k = exponents_of(run, n)
    steps = round((schedule.tsim + schedule.transient + schedule.frame_transient) / run.config.model.dt)
    exact = double(setup.network).dynamics()

    def forward() -> None:
        spectrum(exact, setup.state, setup.frame[:k], schedule)

    with torch.no_grad():
        trained = setup.network.dynamics()
    bare = _products(exact.coupling, n, k, steps, backward=False)
    spectrum_times = stopwatch.in_turns(forward, *bare, *_compiled_products(exact, k, steps, backward=False))
    epoch, bare = _epoch(run, [setup.network], objective), _products(trained.coupling, n, k, steps, backward=True)
    epoch_times = stopwatch.in_turns(epoch, *bare, *_compiled_products(trained, k, steps, backward=True))
    return {
        "exponents": k,
        "steps": steps,
        **_columns("spectrum", spectrum_times),
        **_columns("epoch", epoch_times),
        **_time_stack(run, setup, objective, steps, stopwatch),
    }


def _time_stack(
    run: Run, setup: Setup, objective: SpectrumObjective, steps: int, stopwatch: Stopwatch
) -> dict[str, float]:
    """Time an epoch of as many networks as are trained side by side; empty where that is one."""
    number = TRAINING.max_batch(run, setup.connectome.facts())
    if number == 1:
        return {}
    networks, together = _side_by_side(run, setup, objective, number)
    with torch.no_grad():
        coupling = stack_systems([network.dynamics() for network in networks]).coupling
    k = exponents_of(run, setup.connectome.n)
    products = _products(coupling, setup.connectome.n, k, steps, backward=True)[0]
    epochs = _epoch(run, [setup.network], objective), _epoch(run, networks, together)
    single, stacked, bare = stopwatch.in_turns(*epochs, products)
    columns = {**_speedup(number, single, stacked), "beside_ratio": stacked.wall / bare.wall}
    return {**columns, **_process_ratio("beside", stacked, bare)}


def _speedup(number: int, single: Seconds, stacked: Seconds) -> dict[str, float]:
    columns = {"beside": number, "beside_speedup": number * single.wall / stacked.wall}
    if torch.cuda.is_available():
        return columns
    return {**columns, "beside_speedup_process": number * single.process / stacked.process}


def _side_by_side(run: Run, setup: Setup, objective: Objective, number: int) -> tuple[list[Network], Objective]:
    """Return the networks of `number` iterations, and their objective."""
    others = [replace(run, iteration=run.iteration + other) for other in range(1, number)]
    setups = [setup, *(build_setup(other) for other in others)]
    objectives = [objective, *(objective_of(*pair) for pair in zip(others, setups[1:], strict=True))]
    return [each.network for each in setups], stack_objectives(objectives)


def _time_task(run: Run, setup: Setup, objective: TaskObjective, stopwatch: Stopwatch) -> dict[str, float]:
    jobs = [_epoch(run, [setup.network], objective), plain_loop.products(setup.network, objective)]
    if plain_loop.is_comparable(setup.network, objective):
        jobs.append(plain_loop.TorchLoop(setup.network, objective, run.config.trainvalidate.lr))
    number = TRAINING.max_batch(run, check_network(run))
    jobs += [_epoch(run, *_side_by_side(run, setup, objective, number))] if number > 1 else []
    epoch, products, *others = stopwatch.in_turns(*jobs)
    columns = _speedup(number, epoch, others.pop()) if number > 1 else {}
    if others:
        columns |= {"epoch_ratio_torch_rnn": epoch.wall / others[0].wall}
        columns |= _process_ratio("epoch", epoch, others[0], "_torch_rnn")
    return {
        "trials": sum(batch.inputs.shape[1] for batch in (*objective.training, objective.validation)),
        "steps": len(objective.validation.inputs),
        "epoch_seconds": epoch.wall,
        "epoch_products_seconds": products.wall,
        "epoch_ratio": epoch.wall / products.wall,
        **_process_ratio("epoch", epoch, products),
        **columns,
    }


def _columns(name: str, times: Sequence[Seconds]) -> dict[str, float]:
    whole, separate, bundled, *compiled = times
    return {
        f"{name}_seconds": whole.wall,
        f"{name}_products_seconds": separate.wall,
        f"{name}_ratio": whole.wall / separate.wall,
        f"{name}_ratio_bundled": whole.wall / bundled.wall,
        **_process_ratio(name, whole, bundled),
        **{f"{name}_ratio_compiled": whole.process / products.process for products in compiled},
    }


def _compiled_products(system: Dynamics, k: int, steps: int, backward: bool) -> list[Callable[[], None]]:
    """Return the products of `steps` steps in compiled rows, for a sparse network with compiled steps."""
    step = bare_products(system, 1 + k, backward) if isinstance(system.coupling, Sparse) else None
    if step is None:
        return []

    def products() -> None:
        for _ in range(steps):
            step()

    return [products]


def _process_ratio(name: str, whole: Seconds, products: Seconds, ending: str = "") -> dict[str, float]:
    if torch.cuda.is_available():
        return {}
    return {f"{name}_ratio{ending}_process": whole.process / products.process if products.process else float("nan")}


def _products(coupling: Coupling, n: int, k: int, steps: int, backward: bool) -> tuple[Callable[[], None], ...]:
    """Return the bare products of `steps` steps: J (N x 1) and J (N x k) separately, and one product of a bundle."""
    factors = coupling.factors if backward else coupling.factors[:1]
    runs = coupling.values.shape[:-2]  # () or (runs,)
    state, frame = coupling.values.new_ones(*runs, n, 1), coupling.values.new_ones(*runs, n, k)
    bundle, after = (coupling.empty(coupling.values.new_empty(*runs, 1 + k, n)).fill_(1.0) for _ in range(2))
    columns = bundle.mT

    @torch.no_grad()
    def separate() -> None:
        for _ in range(steps):
            for factor in factors:
                factor @ state
                factor @ frame

    @torch.no_grad()
    def bundled() -> None:
        for _ in range(steps):
            if isinstance(coupling, Sparse):
                for factor in factors:
                    factor @ columns
                continue
            coupling.product_into(bundle, after)
            if backward:
                coupling.transpose_product_into(bundle, after)

    return separate, bundled


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of one run: each turn takes about 4 epochs, or 9 where several networks are trained together."""
    (run,) = runs
    cost = TRAINING.estimate(runs)
    small = TRAINING.max_batch(run, check_network(run)) > 1
    return Cost(cost.epoch, cost.epoch * (9 if small else 4) * (TURNS + 1))


KIND = Kind(
    check=check_network,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    rankings=(Ranking("epoch_ratio"), Ranking("spectrum_ratio")),
    workers=1,  # runs side by side would disturb each other's clock
)
