"""kind = simulate: rates of networks over time, with filters, plastic synapses, noise and events (NeuroTorch).

Runs with networks of one size are simulated side by side, whatever else differs: couplings, inputs, seeds, time
constants. Each run writes the rates of all neurons as means over windows, the decoded bump, and beside them what
mean-field theory predicts.
"""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.artifacts.trained_files import trained_file
from randomnet.build.batched_network import BatchedNetwork, structure_of
from randomnet.build.connectome import connectome_facts, connectome_of
from randomnet.build.initial_rates import initial_rates, trajectory_count
from randomnet.build.network import PRECISIONS, checksums_of, device_of
from randomnet.build.populations import PopulationView, bump_neurons, check_plastic
from randomnet.build.spectra import schedule_of, simulated_time
from randomnet.build.targets import exponents_of
from randomnet.kinds.kind import Cost, Kind, Ranking, RunProgressCallback, RunRecords, Stop, missing_runs
from randomnet.kinds.progress import progress_reporter
from randomnet.kinds.simulate.outputs import write_outputs
from randomnet.kinds.simulate.samples import Memory, RunSamples, memory_of, pieces
from randomnet.kinds.spectra import OnProgress, budget_of, seconds_per_time
from randomnet.lyapunov import Schedule, Spectrum, random_frame, spectrum
from randomnet.memory import machine_memory
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.simulation import RateNetwork, Samples, flatten_state, simulate, state_system, variable_names
from randomnet.systems import OfStep

HEADLINE = ("neurons", "rate", "bump_mean_end", "bump_modulation_end", "lambda_max", "verdict", "seconds")
MOST_STACKED = 64  # runs that are simulated side by side unless the config says how many
EDGE_BYTES, STATES = 24, 40  # of a connection; vectors of a trajectory that are in memory at once
PROBE_STEPS = 200  # of an estimate

TakeSamples = Callable[[slice, Samples], None]  # takes windows, and their samples


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    device_of(run.config)
    view = PopulationView(run, connectome_of(run))
    _check_room(view)
    check_plastic(view)
    batched = BatchedNetwork([view])
    with _config_error("[simulation] events:"):
        batched.input()
    with _config_error("[dynamics]"):
        known = variable_names(batched.network())
    for name in _variables(run):
        if name not in known:
            raise ConfigError(
                f"[simulation] keep: expected what the network has, {', '.join(known) or 'nothing'}, got {name}"
            )
    bump_neurons(view)
    initial_rates(view)
    if run.config.uses_spectrum:
        _state_system(view)
    upstream = {"upstream": [trained_file(run).facts()]} if run.config.paths.pretrained else {}
    return connectome_facts(run) | {"inputs": checksums_of(run)} | upstream


@contextmanager
def _config_error(option: str) -> Iterator[None]:
    """Turn a ValueError of the science into a ConfigError that names the option."""
    try:
        yield
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{option} {error}") from None


def _variables(run: Run) -> list[str]:
    """Return the variables besides rates whose samples are written, by simulation.keep."""
    keep = run.config.simulation.keep
    return [] if keep == "none" else keep.split(" + ")


# ---- memory and disk


def _check_room(view: PopulationView) -> None:
    """Raise ConfigError for a record, or an input, that does not fit into this machine's memory, or on its disk."""
    run, memory, need = view.run, machine_memory(), _memory_needed(view)
    size = f"({view.connectome.n} neurons, {trajectory_count(run.config)} trajectories)"
    if need.memory > memory:
        advice = "" if need.disk else "; simulation.samples = disk keeps little of a record in memory"
        raise ConfigError(
            "[analysis] duration: expected a record (with simulation.inputs = sequential also an input) that fits into "
            f"{memory / 1e9:.0f} GB of memory, got {need.memory / 1e9:.3g} GB for {run.config.analysis.duration:g} "
            f"{size}{advice}"
        )
    free, iterations = _free_disk(run) if need.disk else math.inf, run.config.trainvalidate.iterations
    if need.disk * iterations > free:
        raise ConfigError(
            f"[simulation] samples: expected records that fit into {free / 1e9:.3g} GB of free disk at "
            f"{run.config.paths.path_to_results}, got {need.disk * iterations / 1e9:.3g} GB for "
            f"{run.config.analysis.duration:g} {size} in {iterations} iteration{'s' * (iterations > 1)}"
        )


def _free_disk(run: Run) -> float:
    """Return the bytes that samples may take: free ones, and those of samples from an earlier start."""
    root = Path(run.config.paths.path_to_results).expanduser()
    samples = sum(path.stat().st_size for path in root.glob("*/iter_*/*.npy"))
    place = next(path for path in (root, *root.absolute().parents) if path.is_dir())
    return shutil.disk_usage(place).free + samples


def _memory_needed(view: PopulationView) -> Memory:
    """Return the bytes that a run needs at least: samples and states, and of a sequential input all steps."""
    run = view.run
    windows = max(1.0, run.config.analysis.duration / run.config.simulation.window)
    samples = windows * _window_bytes(run, view.connectome.n)
    need = memory_of(view, windows, samples)
    return need._replace(memory=need.memory + _run_bytes(run, view.connectome.n) - samples)


def _window_bytes(run: Run, n: int) -> float:
    """Return the bytes of the samples of a window."""
    item = PRECISIONS[run.config.trainvalidate.precision].itemsize
    return item * n * trajectory_count(run.config) * (1 + len(_variables(run)))


def _run_bytes(run: Run, n: int) -> float:
    """Return the bytes of a run in memory: samples and states, and of a sequential input all steps."""
    settings, item = run.config.simulation, PRECISIONS[run.config.trainvalidate.precision].itemsize
    windows = max(1.0, run.config.analysis.duration / settings.window)
    steps = (_record_time(run) / run.config.model.dt) if settings.inputs == "sequential" else 1
    return windows * _window_bytes(run, n) + item * n * trajectory_count(run.config) * (steps + STATES)


# ---- progress and batches


def length(run: Run) -> float:
    """Return the units of time that are simulated, and those of the spectrum."""
    return _record_time(run) + _spectrum_time(run)


def _record_time(run: Run) -> float:
    return run.config.analysis.settle + run.config.analysis.duration


def _spectrum_time(run: Run) -> float:
    return simulated_time(schedule_of(run)) if run.config.uses_spectrum else 0.0


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """Return how many runs of this one's shape are simulated side by side.

    The number does not depend on where samples are kept, because the last digits of the rates depend on it.
    """
    execution = run.config.execution
    bytes_each = _run_bytes(run, facts["neurons"]) + EDGE_BYTES * facts["edges"]
    most = MOST_STACKED if execution.batch_runs == "auto" else execution.batch_runs
    return int(max(1, min(most, budget_of(execution, torch.device("cpu")) / bytes_each)))


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: RunProgressCallback, stop: Stop
) -> RunRecords:
    """Simulate networks and write arrays.npz of each run; return their records."""
    unfinished, records = missing_runs(runs, folders), []
    places = {run: folder for run, folder in zip(runs, folders, strict=True) if run in unfinished}
    for views in _by_structure(runs):
        if any(view.run in places for view in views):
            records += _execute_together(views, places, report, stop)
    return records


def _by_structure(runs: Sequence[Run]) -> list[list[PopulationView]]:
    """Return the networks of the runs, grouped by structure."""
    groups: dict[Any, list[PopulationView]] = {}
    for run in runs:
        view = PopulationView(run, connectome_of(run))
        groups.setdefault(structure_of(view), []).append(view)
    return list(groups.values())


def _execute_together(
    views: Sequence[PopulationView],
    places: Mapping[Run, results.RunFolder],
    report: RunProgressCallback,
    stop: Stop,
) -> RunRecords:
    """Simulate runs of one structure as one network, and write those that have a place.

    All runs are simulated, because the last digits depend on how many there are.
    """
    began, run = time.perf_counter(), views[0].run

    def report_all(row: dict[str, float]) -> None:
        for view in views:
            report(view.run, row)

    on_progress, spectrum_start = progress_reporter(length(run), report_all, stop), _record_time(run)
    windows, records = _window_count(run.config), []
    with ExitStack() as stack:
        samples = {view.run: RunSamples(view, windows, places[view.run].path) for view in views if view.run in places}
        for run_samples in samples.values():
            stack.callback(run_samples.discard)
        network = _simulate(views, windows, on_progress, _distributor(views, samples))
        shared_seconds = (time.perf_counter() - began) / len(views)
        for run_samples in samples.values():
            began, computed, view = time.perf_counter(), None, run_samples.view
            if view.run.config.uses_spectrum and run_samples.finite:
                computed = _spectrum(view, lambda time: on_progress(spectrum_start + time))
            record = write_outputs(run_samples, places[view.run], computed, network.doubts)
            record["summary"]["seconds"] = round(shared_seconds + time.perf_counter() - began, 2)
            records.append((view.run, record))
    return records


# ---- the simulation


def _window_count(config: Config) -> int:
    return max(1, round(config.analysis.duration / config.simulation.window))


def _distributor(views: Sequence[PopulationView], samples: Mapping[Run, RunSamples]) -> TakeSamples:
    """Return a function that gives each run its own columns of the samples."""
    trials = trajectory_count(views[0].run.config)

    def distribute(windows: slice, batch: Samples) -> None:
        for index, view in enumerate(views):
            if view.run in samples:
                columns = slice(index * trials, (index + 1) * trials)
                variables = {name: values[columns].numpy() for name, values in batch.variables.items()}
                finite = bool(batch.finite[columns].all())
                samples[view.run].add(windows, batch.rates[columns].numpy(), variables, finite)

    return distribute


def _simulate(
    views: Sequence[PopulationView], windows: int, on_progress: OnProgress, take: TakeSamples
) -> RateNetwork:
    """Simulate all runs as one network, after the time in which they settle; return the network.

    `take` receives one piece of the samples after the other, until no column is finite.
    """
    config, batched = views[0].run.config, BatchedNetwork(views)
    dt, network, generators = config.model.dt, batched.network(), batched.generators()
    window, settle = round(config.simulation.window / dt), round(config.analysis.settle / dt)
    state, external, done = batched.start(network, generators), batched.input(), 0
    sequential = config.simulation.inputs == "sequential"
    bytes_each = len(views) * _window_bytes(views[0].run, network.shape[1])
    for piece in [slice(0, windows)] if sequential else pieces(windows, bytes_each):
        samples = simulate(
            network,
            state,
            external,
            steps=(piece.stop - piece.start) * window,
            window=window,
            transient=0 if piece.start else settle,
            start=piece.start * window,
            precompute_input=sequential,
            generators=generators,
            variables=_variables(views[0].run),
            on_progress=lambda steps, before=done: on_progress((before + steps) * dt),
        )
        state, done = samples.state, settle + samples.step
        for part in pieces(piece.stop - piece.start, bytes_each):
            take(slice(piece.start + part.start, piece.start + part.stop), _part(samples, part))
        if not samples.finite.any():
            break
    return network


def _part(samples: Samples, windows: slice) -> Samples:
    """Return the samples of these windows only."""
    variables = {name: values[:, windows] for name, values in samples.variables.items()}
    return replace(samples, times=samples.times[windows], rates=samples.rates[:, windows], variables=variables)


# ---- the spectrum


@torch.no_grad()
def _spectrum(view: PopulationView, on_progress: OnProgress, schedule: Schedule | None = None) -> Spectrum:
    """Return the leading exponents of the full state, computed in float64."""
    system, start, k = _state_system(view)
    frame = torch.from_numpy(random_frame(view.run.generator("basis"), k, len(start)))
    return spectrum(system, start, frame, schedule or schedule_of(view.run), on_progress)


def _state_system(view: PopulationView) -> tuple[OfStep, torch.Tensor, int]:
    """Return the full state of a run as a system, its initial state, and the number of exponents.

    Raises ConfigError.
    """
    config, run = view.run.config, view.run
    exact = replace(config, trainvalidate=replace(config.trainvalidate, precision="float64"))
    batched = BatchedNetwork([replace(view, run=replace(run, config=exact))], first_only=True)
    network, drive = batched.network(), view.connectome.drive
    system = state_system(network, np.zeros(view.connectome.n) if drive is None else drive)
    start = flatten_state(network, batched.start(network, []))
    return system, start, exponents_of(run, len(start))


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from some windows of all runs side by side, after a warm-up."""
    config, seconds = runs[0].config, 0.0
    windows = math.ceil(PROBE_STEPS * config.model.dt / config.simulation.window)
    probe = windows * config.simulation.window
    for views in _by_structure([replace(run, config=_without_settling(run.config)) for run in runs]):
        _simulate(views, 1, lambda time: None, lambda windows, samples: None)
        began = time.perf_counter()
        _simulate(views, windows, lambda time: None, lambda windows, samples: None)
        seconds += time.perf_counter() - began
    rate, spectrum_seconds = seconds / probe / len(runs), 0.0
    if config.uses_spectrum:
        view = PopulationView(runs[0], connectome_of(runs[0]))
        spectrum_rate = seconds_per_time(lambda short: _spectrum(view, lambda time: None, short), runs[0])
        spectrum_seconds = spectrum_rate * _spectrum_time(runs[0])
    return Cost(rate, rate * _record_time(runs[0]) + spectrum_seconds)


def _without_settling(config: Config) -> Config:
    return config.replaced({"analysis.settle": 0.0})


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    rankings=(Ranking("rate", lowest_first=False, best=False),),
    max_batch=max_batch,
)
