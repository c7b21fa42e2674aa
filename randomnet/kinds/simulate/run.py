"""kind = simulate: rates of networks over time, with filters, plastic synapses, noise and events (NeuroTorch).

Runs of one size go side by side, whatever differs of them: couplings, inputs, seeds, time constants. Each writes the
rates of all neurons as means over windows, what is decoded of them, and beside them what mean-field theory says.
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
from randomnet.build import coupling_strength, populations
from randomnet.build.batched_network import Columns, structure
from randomnet.build.connectome import connectome_of, facts_of
from randomnet.build.network import PRECISIONS, checksums_of, device_of
from randomnet.build.populations import Populace
from randomnet.build.targets import exponents_of
from randomnet.kinds.kind import Cost, Kind, Recorded, Report, missing
from randomnet.kinds.simulate.samples import Room, Sampled, pieces, room
from randomnet.kinds.spectrum import computing
from randomnet.kinds.spectrum.run import ticker
from randomnet.lyapunov import Schedule, Spectrum, random_frame
from randomnet.lyapunov import spectrum as leading_exponents
from randomnet.memory import machine_memory
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.simulation import (
    RateNetwork,
    Samples,
    flatten_state,
    simulate,
    state_system,
    variable_names,
)
from randomnet.systems import OfStep

HEADLINE = ("neurons", "rate", "bump_mean", "bump_modulation", "lambda_max", "verdict", "seconds")
MOST_BESIDE = 64
EDGE_BYTES, STATES = 24, 40  # of a connection; and vectors of a trajectory that are held at once
PROBE = 200  # steps of an estimate


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    device_of(run.config)
    about = Populace(run, connectome_of(run))
    _fits(about)
    populations.check_plastic(about)
    columns = Columns([about])
    with _said_of("[simulation] events:"):
        columns.input()
    with _said_of("[dynamics]"):
        there = variable_names(columns.network())
    for name in _kept(run):
        if name not in there:
            raise ConfigError(
                f"[simulation] keep: expected what the network has, {', '.join(there) or 'nothing'}, got {name}"
            )
    populations.decoded(about)
    populations.initial_rates(about)
    if run.config.uses_spectrum:
        _whole(about)
    return facts_of(run) | {"inputs": checksums_of(run)}


@contextmanager
def _said_of(option: str) -> Iterator[None]:
    """What the science objects to, as a ConfigError about the option."""
    try:
        yield
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{option} {error}") from None


def _kept(run: Run) -> list[str]:
    keep = run.config.simulation.keep
    return [] if keep == "none" else keep.split(" + ")


def _fits(about: Populace) -> None:
    """ConfigError for a record, or an input, that cannot fit into this machine's memory, or on its disk."""
    run, memory, need = about.run, machine_memory(), _room(about)
    what = f"({about.connectome.n} neurons, {populations.trajectories(run.config)} trajectories)"
    if need.memory > memory:
        instead = "" if need.disk else "; simulation.samples = disk keeps little of a record in memory"
        raise ConfigError(
            "[analysis] duration: expected a record (with simulation.inputs = sequential also an input) that fits into "
            f"{memory / 1e9:.0f} GB of memory, got {need.memory / 1e9:.3g} GB for {run.config.analysis.duration:g} "
            f"{what}{instead}"
        )
    free, iterations = _free(run) if need.disk else math.inf, run.config.trainvalidate.iterations
    if need.disk * iterations > free:
        raise ConfigError(
            f"[simulation] samples: expected records that fit into {free / 1e9:.3g} GB of free disk at "
            f"{run.config.paths.path_to_results}, got {need.disk * iterations / 1e9:.3g} GB for "
            f"{run.config.analysis.duration:g} {what} in {iterations} iteration{'s' * (iterations > 1)}"
        )


def _free(run: Run) -> float:
    """Bytes that samples may take: those that are free, and those of samples that are there from an earlier start."""
    root = Path(run.config.paths.path_to_results).expanduser()
    there = sum(path.stat().st_size for path in root.glob("*/iter_*/*.npy"))
    place = next(path for path in (root, *root.absolute().parents) if path.is_dir())
    return shutil.disk_usage(place).free + there


def _room(about: Populace) -> Room:
    """What a run needs at least: samples and states, and of a sequential input all steps."""
    run = about.run
    windows = max(1.0, run.config.analysis.duration / run.config.simulation.window)
    samples = windows * _window(run, about.connectome.n)
    found = room(about, windows, samples)
    return found._replace(memory=found.memory + _bytes(run, about.connectome.n) - samples)


def _window(run: Run, n: int) -> float:
    """Bytes of the samples of a window."""
    item = PRECISIONS[run.config.trainvalidate.precision].itemsize
    return item * n * populations.trajectories(run.config) * (1 + len(_kept(run)))


def _bytes(run: Run, n: int) -> float:
    """What a run keeps: samples and states, and of a sequential input all steps."""
    chosen, item = run.config.simulation, PRECISIONS[run.config.trainvalidate.precision].itemsize
    windows = max(1.0, run.config.analysis.duration / chosen.window)
    steps = (_simulated_time(run) / run.config.model.dt) if chosen.inputs == "sequential" else 1
    return windows * _window(run, n) + item * n * populations.trajectories(run.config) * (steps + STATES)


def length(run: Run) -> float:
    """Units of time that are simulated, and those of the spectrum."""
    return _simulated_time(run) + _spectrum_time(run)


def _simulated_time(run: Run) -> float:
    return run.config.analysis.settle + run.config.analysis.duration


def _spectrum_time(run: Run) -> float:
    if not run.config.uses_spectrum:
        return 0.0
    schedule = computing.schedule_of(run)
    return schedule.first + schedule.transient + schedule.frame_transient


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """How many runs of this one's shape are simulated side by side; wherever samples are kept as many, as the last
    digits depend on it."""
    chosen = run.config.execution
    each = _bytes(run, facts["neurons"]) + EDGE_BYTES * facts["edges"]
    most = MOST_BESIDE if chosen.batch_runs == "auto" else chosen.batch_runs
    return int(max(1, min(most, 1e6 * chosen.memory_budget / each)))


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Simulate networks and write of each arrays.npz; returns what run.json says of them."""
    left, recorded = missing(runs, folders), []
    places = {run: folder for run, folder in zip(runs, folders, strict=True) if run in left}
    for abouts in _alike(runs):
        if any(about.run in places for about in abouts):
            recorded += _together(abouts, places, report, stop)
    return recorded


def _alike(runs: Sequence[Run]) -> list[list[Populace]]:
    """The networks of runs, those of one structure together."""
    found: dict[Any, list[Populace]] = {}
    for run in runs:
        about = Populace(run, connectome_of(run))
        found.setdefault(structure(about), []).append(about)
    return list(found.values())


def _together(
    abouts: Sequence[Populace], places: Mapping[Run, results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Runs whose networks have the same parts, as one program; of all, as the last digits depend on how many there are,
    and written are those that have a place to be written to."""
    began, run = time.perf_counter(), abouts[0].run

    def told(row: dict[str, float]) -> None:
        for about in abouts:
            report(about.run, row)

    tick, past = ticker(length(run), told, stop), _simulated_time(run)
    windows, recorded = _windows(run.config), []
    with ExitStack() as held:
        found = {about.run: Sampled(about, windows, places[about.run].path) for about in abouts if about.run in places}
        for one in found.values():
            held.callback(one.discard)
        network = _followed(abouts, windows, tick, _given(abouts, found))
        shared = (time.perf_counter() - began) / len(abouts)
        for one in found.values():
            began, spectrum = time.perf_counter(), None
            if one.about.run.config.uses_spectrum and one.finite:
                spectrum = _spectrum(one.about, lambda now: tick(past + now))
            record = _written(one, places[one.about.run], spectrum, network.doubts)
            record["summary"]["seconds"] = round(shared + time.perf_counter() - began, 2)
            recorded.append((one.about.run, record))
    return recorded


def _windows(config: Config) -> int:
    return max(1, round(config.analysis.duration / config.simulation.window))


Take = Callable[[slice, Samples], None]


def _given(abouts: Sequence[Populace], found: Mapping[Run, Sampled]) -> Take:
    """What gives each run its own columns of the samples."""
    trials = populations.trajectories(abouts[0].run.config)

    def give(where: slice, samples: Samples) -> None:
        for index, about in enumerate(abouts):
            if about.run in found:
                own = slice(index * trials, (index + 1) * trials)
                kept = {name: values[own].numpy() for name, values in samples.variables.items()}
                finite = bool(samples.finite[own].all())
                found[about.run].add(where, samples.rates[own].numpy(), kept, finite)

    return give


def _followed(abouts: Sequence[Populace], windows: int, tick: Callable[[float], None], take: Take) -> RateNetwork:
    """Columns of all runs, those of one beside each other, after the time in which they settle: `take` is given one
    piece of the samples after the other, until no column is finite."""
    config, columns = abouts[0].run.config, Columns(abouts)
    dt, network, generators = config.model.dt, columns.network(), columns.generators()
    window, settle = round(config.simulation.window / dt), round(config.analysis.settle / dt)
    state, given, done, at_once = columns.start(network, generators), columns.input(), 0, _at_once(config)
    each = len(abouts) * _window(abouts[0].run, network.shape[1])
    for some in [slice(0, windows)] if at_once else pieces(windows, each):
        found = simulate(
            network,
            state,
            given,
            steps=(some.stop - some.start) * window,
            window=window,
            transient=0 if some.start else settle,
            start=some.start * window,
            precompute_input=at_once,
            generators=generators,
            variables=_kept(abouts[0].run),
            on_progress=lambda steps, before=done: tick((before + steps) * dt),
        )
        state, done = found.state, settle + found.step
        for part in pieces(some.stop - some.start, each):
            take(slice(some.start + part.start, some.start + part.stop), _part(found, part))
        if not found.finite.any():
            break
    return network


def _at_once(config: Config) -> bool:
    return config.simulation.inputs == "sequential"


def _part(found: Samples, windows: slice) -> Samples:
    """The samples of these windows only."""
    kept = {name: values[:, windows] for name, values in found.variables.items()}
    return replace(found, times=found.times[windows], rates=found.rates[:, windows], variables=kept)


# ---- what is written


def _written(
    found: Sampled, folder: results.RunFolder, spectrum: Spectrum | None, coarse: Sequence[str]
) -> dict[str, Any]:
    """Write what was simulated; what run.json says of it. coarse: what the step is coarse for."""
    about, config = found.about, found.about.run.config
    record = {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {
            "neurons": about.connectome.n,
            **coupling_strength.strength_of_simulated(about.run, about.connectome),
        },
        "connectome": about.connectome.facts(),
    }
    if not found.finite:
        return record | {"status": results.DIVERGED, "reason": "rates left the range of numbers"}
    notes, window = [*coarse], round(config.simulation.window / config.model.dt)
    times = (np.arange(found.windows) + 0.5) * window * config.model.dt
    arrays = found.finish() | {"times": times} | _described(about) | _events(about)
    rates, lacking = _rates(about, arrays["rates_mean"])
    notes += [lacking] if lacking else []
    summary = {"rate": found.rate, **rates, **_bump(arrays)}
    if spectrum is not None:
        arrays |= {"exponents": spectrum.exponents, "stderr": spectrum.stderr}
        summary |= computing.figures(spectrum)
        notes += [summary["notes"]] if summary["notes"] else []
        status, reason = computing.status_of(spectrum)
        if status != results.COMPLETE:
            record |= {"status": status, "reason": f"the spectrum: {reason}"}
    results.write_arrays(folder.path / "arrays.npz", arrays)
    record["summary"] |= summary | {"notes": "; ".join(notes)}
    return record


def _described(about: Populace) -> dict[str, np.ndarray]:
    """Which neurons are of which population, and the unit of time."""
    return {
        "population": about.index,
        "populations": np.array(about.names),
        "time_unit": np.array(about.run.config.dynamics.time_unit),
    }


def _rates(about: Populace, means: np.ndarray) -> tuple[dict[str, float], str]:
    """Mean rate of each population over the record, and what theory says of it; and why it says nothing, or empty."""
    found = {f"rate_{name}": float(own.mean()) for name, own in zip(about.names, means, strict=True)}
    predicted, lacking = populations.predicted(about)
    if predicted is not None:
        found |= {f"theory_{name}": float(rate) for name, rate in zip(about.names, predicted, strict=True)}
    return found, lacking


@torch.no_grad()
def _spectrum(about: Populace, tick: Callable[[float], None], schedule: Schedule | None = None) -> Spectrum:
    """Of the whole state, in float64."""
    system, start, k = _whole(about)
    frame = torch.from_numpy(random_frame(about.run.generator("basis"), k, len(start)))
    return leading_exponents(system, start, frame, schedule or computing.schedule_of(about.run), tick)


def _whole(about: Populace) -> tuple[OfStep, torch.Tensor, int]:
    """The whole state of a run as a system, its first one, and how many exponents are computed. Raises ConfigError."""
    config, run = about.run.config, about.run
    exact = replace(config, trainvalidate=replace(config.trainvalidate, precision="float64"))
    columns = Columns([replace(about, run=replace(run, config=exact))], alone=True)
    network, drive = columns.network(), about.connectome.drive
    system = state_system(network, np.zeros(about.connectome.n) if drive is None else drive)
    start = flatten_state(network, columns.start(network, []))
    return system, start, exponents_of(run, len(start))


def _events(about: Populace) -> dict[str, np.ndarray]:
    events = about.run.config.simulation.events
    if not events:
        return {}
    return {
        "event_onset": np.array([event.onset for event in events]),
        "event_offset": np.array([event.offset for event in events]),
        "event_population": np.array([event.population for event in events]),
        "event_label": np.array([populations.label_of(event, about.run.config.simulation) for event in events]),
    }


def _bump(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Of the bump's M0 and M1 the means, of its phase that of the last window; nothing where none is decoded."""
    if "bump_mean" not in arrays:
        return {}
    mean, amplitude, last = arrays["bump_mean"], arrays["bump_amplitude"], arrays["bump_phase"][:, -1]
    where = np.exp(1j * last[np.isfinite(last)])
    direction = float(np.degrees(np.angle(where.mean())) % 360) if where.size else math.nan
    return {
        "bump_mean": float(mean.mean()),
        "bump_amplitude": float(amplitude.mean()),
        "bump_modulation": float(amplitude.mean() / mean.mean()) if mean.mean() > 0 else math.nan,
        "bump_phase_end": direction,
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from some windows of all, side by side, after some to warm up."""
    chosen, total = runs[0].config, 0.0
    windows = math.ceil(PROBE * chosen.model.dt / chosen.simulation.window)
    probe = windows * chosen.simulation.window
    for abouts in _alike([replace(run, config=_unsettled(run.config)) for run in runs]):
        _followed(abouts, 1, lambda done: None, lambda where, found: None)
        began = time.perf_counter()
        _followed(abouts, windows, lambda done: None, lambda where, found: None)
        total += time.perf_counter() - began
    unit = total / probe / len(runs)
    exact = 0.0
    if chosen.uses_spectrum:
        first = Populace(runs[0], connectome_of(runs[0]))
        pace = computing.pace(lambda short: _spectrum(first, lambda now: None, short), runs[0])
        exact = pace * _spectrum_time(runs[0])
    return Cost(unit, unit * _simulated_time(runs[0]) + exact)


def _unsettled(config: Config) -> Config:
    """The same without a time to settle."""
    return config.replaced({"analysis.settle": 0.0})


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    max_batch=max_batch,
)
