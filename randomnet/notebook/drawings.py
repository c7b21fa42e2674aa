"""Figures of records, which `Displayed.plot` calls by name; each returns a matplotlib Figure."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting
from randomnet.analysis import plane

TRIALS = 4  # at most this many trials are drawn
SPECTRA = {"before training": ("spectrum_initial", "spectrum_initial_stderr"),
           "after training": ("spectrum_final", "spectrum_final_stderr"),
           "spectrum": ("exponents", "stderr")}  # name in figures -> arrays of a run and their errors  # fmt: skip
LAMBDA_MAX = "largest Lyapunov\nexponent (1/τ)"


def shown(figure: Figure) -> Figure:
    """The figure, which notebooks display also where pyplot is not used."""

    def png() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue()

    figure._repr_png_ = png  # type: ignore[attr-defined]  # the name by which notebooks look for it
    return figure


def spectrum(record: Any, title: str = "", label: str = "spectrum", **others: Any) -> Figure:
    """The exponents against index / N, with standard errors; others: further spectra by name, in the same axes."""
    spectra = {label: record, **others}
    runs = {name: [(one.exponents, one.stderr, one.n)] for name, one in spectra.items()}
    series = [plotting.Series(name, number, number) for number, name in enumerate(spectra)]
    return shown(plotting.spectra({"": runs}, {}, series, title=title))


def vectors(record: Any, title: str = "") -> Figure:
    """Weights of groups relative to their size, and participation ratios, over the exponents."""
    rows, maps = record.frame(), []
    for kind, part in rows.groupby("kind_of_group", sort=False) if len(rows) else ():
        ratios = part.pivot(index="group", columns="index", values="ratio")
        maps.append(plotting.GroupWeights(str(kind).replace("_", " "), list(map(str, ratios.index)), ratios.to_numpy()))
    of, n = record.vectors, record.vectors.covariant.shape[2]
    others = {"backward": of.backward_participation, "forward": record.forward_participation}
    participation = plotting.Participation(of.participation, of.participation_stderr, others, record.separated, n)
    return shown(plotting.vectors(maps, participation, title))


def response_scores(record: Any, title: str = "") -> Figure:
    """ROC curve, and shares and AUC by synaptic steps, of a network beside measured responses."""
    steps, none = record.by_steps, np.empty(0)
    curve = plotting.RocCurve("network", record.predicted, record.auc[:3])
    shown_record = plotting.MeasuredResponses(
        (curve,), record.positive, np.array([part[:4] for part in record.by_tenths]), record.permuted,
        np.array([group.name for group in steps]), np.array([group.share[:4] for group in steps]),
        np.array([group.auc[:4] for group in steps]), np.array([group.auc.pairs for group in steps]),
        record.auc.neurons, none, none, none,
    )  # fmt: skip
    return shown(plotting.measured_responses(shown_record, title))


def history(network: Any, title: str = "") -> Figure:
    """Loss and other quantities of a network over epochs. Raises ValueError before training."""
    if network.progress is None:
        raise ValueError("plot(): expected a network that was trained by fit(), got one that was not")
    status = "diverged" if network.progress.diverged else "complete"
    rows = network.history.assign(series="network", run="0", status=status)
    return shown(plotting.curves(rows, _panels(rows), [plotting.Series("network")], title=title))


def _panels(rows: pd.DataFrame) -> list[plotting.Panel]:
    """Panels of the quantities that a history has."""
    validated = "validate_loss" in rows
    panels = [plotting.Panel("validate_loss", "loss", training="train_loss") if validated
              else plotting.Panel("train_loss", "loss"),
              plotting.Panel("validate_metrics", "accuracy (%)", training="train_metrics", linear=True),
              plotting.Panel("lambda_max", LAMBDA_MAX, zero=True)]  # fmt: skip
    return [panel for panel in panels if panel.column in rows and rows[panel.column].notna().any()]


def results(record: Any, column: str | None = None, title: str = "", combo: int | None = None) -> Figure:
    """The history of all runs of a folder by combo; or a column of its table against the first gridded option.

    column = "spectrum": the spectra of a combo, of trainings before and after in the same axes. Raises ValueError for a
    folder without history where no column is named, and for a combo without spectra.
    """
    if column == "spectrum":
        return _spectra_of_combo(record, 0 if combo is None else combo, title)
    if combo is not None:
        raise ValueError(f'plot(): expected a combo with "spectrum" only, got {column!r}')
    if column is None and len(record.history):
        return _history_of_combos(record, title)
    if column is None or column not in record.table:
        known = [name for name in record.table if pd.api.types.is_numeric_dtype(record.table[name])]
        raise ValueError(f"plot(): expected one of the columns {', '.join(known)}, got {column!r}")
    if not record.varied:
        raise ValueError(f"plot(): expected a folder with a grid, got {record.root} of one combo")
    option = record.varied[0]
    rows = record.table.assign(series="runs", value=record.table[option])
    rows = rows.groupby(option, as_index=False)[column].agg(["mean", "std"]).reset_index()
    quantity = plotting.Course(column, rows["mean"].to_numpy(float)[None, :, None])
    return shown(plotting.courses([quantity], rows[option].to_numpy(float), [""], option, title))


def _history_of_combos(record: Any, title: str) -> Figure:
    statuses = record.table.set_index(["combo", "iteration"])["status"]
    rows = record.history.copy()
    pairs = list(zip(rows["combo"], rows["iteration"], strict=True))
    rows["status"] = [statuses.loc[pair] for pair in pairs]
    rows["run"] = [f"{combo}-{iteration}" for combo, iteration in pairs]
    names = {entry["combo"]: _combo_name(entry) for entry in record.loaded.manifest["combos"]}
    rows["series"] = [names[combo] for combo in rows["combo"]]
    series = [plotting.Series(name, number, number) for number, name in enumerate(dict.fromkeys(rows["series"]))]
    return shown(plotting.curves(rows, _panels(rows), series, title=title or str(record.root)))


def _spectra_of_combo(record: Any, combo: int, title: str) -> Figure:
    """The spectra of all runs of a combo; of trainings before and after, with the target, in the same axes."""
    iterations = record.table.loc[record.table["combo"] == combo, "iteration"]
    arrays = [record.arrays(combo, int(iteration)) for iteration in iterations]
    runs: dict[str, list] = {}
    for name, (key, stderr) in SPECTRA.items():
        for run in arrays:
            if run.get(key, np.empty(0)).ndim == 1 and len(run.get(key, ())):
                errors = run.get(stderr, np.full(run[key].shape, np.nan))
                runs.setdefault(name, []).append((run[key], errors, run.get("state_initial", run[key]).size))
    if not runs:
        raise ValueError(f"plot(): expected a combo with spectra, got combo {combo} of {record.root}")
    targets = {name: run["target"] for run in arrays[:1] if "target" in run for name in runs}
    series = [plotting.Series(name, number, number) for number, name in enumerate(runs)]
    entry = next(entry for entry in record.loaded.manifest["combos"] if entry["combo"] == combo)
    return shown(plotting.spectra({"": runs}, targets, series, title=title or _combo_name(entry)))


def _combo_name(entry: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name} = {value}" for name, value in entry["values"].items())
    return values or "runs"


def activity(record: Any, trials: int = TRIALS, title: str = "") -> Figure:
    """Inputs, states and outputs with their targets, of the first trials."""
    count = min(trials, len(record.states))
    inputs, states, outputs = (_numpy(part)[:count] for part in (record.inputs, record.states, record.outputs))
    quantities = [plotting.Course("input", inputs), plotting.Course("state", states),
                  plotting.Course("output", outputs, _targets(record, count))]  # fmt: skip
    quantities = [quantity for quantity in quantities if quantity.values.shape[2]]
    times = record.dt * np.arange(1, 1 + states.shape[1])
    names = [*record.conditions[:count]] if len(record.conditions) else [f"trial {trial}" for trial in range(count)]
    return shown(plotting.courses(quantities, times, names, "steps" if record.dt == 1 else "τ", title))


def _targets(record: Any, count: int) -> np.ndarray | None:
    """Targets in the shape of outputs, nan where they are not scored; None for classes and without targets."""
    if record.targets is None or record.loss == "classes":
        return None
    targets = _numpy(record.targets)[:count].astype(float)
    if record.mask is None:
        return targets
    mask = _numpy(record.mask)[:count] > 0
    return np.where(mask if mask.ndim == 3 else mask[..., None], targets, np.nan)


def fixed_points(record: Any, title: str = "", flow: Any = None) -> Figure:
    """Fixed points in the plane of their first principal axes, and the eigenvalues there.

    flow: a `FlowField`, in whose plane they are drawn, over its arrows and energy.
    """
    from_flow = flow is not None
    chosen = flow.plane if from_flow else _plane_of(record)
    network = _state_space(record, chosen, flow)
    return shown((plotting.state_space if from_flow else plotting.fixed_points)(network, title=title))


def flow_field(record: Any, title: str = "", points: Any = None) -> Figure:
    """The flow and the energy in the plane. points: `FixedPoints` to draw in it. Of several fields the first."""
    if points is not None:
        return fixed_points(points, title, record)
    return shown(plotting.flow(_state_space(None, record.plane, record), title=title))


def _plane_of(record: Any) -> Any:
    """The plane of the first principal axes of fixed and slow points; of two units where they do not span one."""
    states = np.concatenate([_numpy(record.points), _numpy(record.slow)])
    like = record.points
    try:
        found = plane(like.new_tensor(states))
        return found if len(found.axes) == 2 else type(found).of_units(0, 1, like.new_tensor(states.mean(0)))
    except ValueError:
        mean = states.mean(0) if len(states) else np.zeros(states.shape[1])
        from randomnet.analysis import Plane

        return Plane.of_units(0, 1, like.new_tensor(mean))


def _state_space(points: Any, chosen: Any, field: Any) -> plotting.StateSpace:
    """The record that is drawn; without points or field these parts are empty."""
    empty = np.zeros((0, 2))
    fixed = empty if points is None else _numpy(chosen.project(points.points.to(chosen.mean)))
    slow = empty if points is None else _numpy(chosen.project(points.slow.to(chosen.mean)))
    unstable = np.zeros(0, int) if points is None else _numpy(points.unstable)
    grid, velocity, energy, lines = _field_arrays(field, np.concatenate([fixed, slow]))
    return plotting.StateSpace(
        trajectories=lines,
        fixed=fixed,
        unstable=unstable,
        eigenvalues=np.zeros((0, 0), complex) if points is None else _numpy(points.eigenvalues),
        slow=slow,
        grid=grid,
        velocity=velocity,
        energy=energy,
        explained=np.full(2, np.nan) if chosen.explained is None else _numpy(chosen.explained),
        labels=("first axis", "second axis"),
        at_kink=np.zeros(0, bool) if points is None else _numpy(points.at_kink),
        unit="step",
    )


def _field_arrays(field: Any, states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Grid, velocity, energy, trajectories of a field, the first of several; for None a box around the states."""
    if field is None:
        low, high = (states.min(0), states.max(0)) if len(states) else (np.zeros(2), np.ones(2))
        grid = np.array([[low, high]])
        return grid, np.zeros_like(grid), np.zeros(grid.shape[:2]), np.zeros((0, 1, 2))
    velocity, energy = _numpy(field.velocity), _numpy(field.energy)
    while velocity.ndim > 3:
        velocity, energy = velocity[0], energy[0]
    path = np.zeros((0, 1, 2)) if field.trajectory is None else _numpy(field.trajectory)
    lines = path[None] if path.ndim == 2 else path.reshape(-1, *path.shape[-2:])
    return _numpy(field.grid), velocity, energy, lines


def eigenvalues(record: Any, title: str = "", dt: float = 1.0) -> Figure:
    """Eigenvalues of a Jacobian in the complex plane, and their time constants; of several Jacobians the first.

    dt: the duration of a step, in the unit of the time constants.
    """
    from randomnet.analysis import time_constants

    values = record.values if hasattr(record, "values") else record.eigendecomposition().values
    values = values.reshape(-1, values.shape[-1])[0]
    unit = "steps" if dt == 1 else "τ"
    network = plotting.Linearization(
        _numpy(values), _numpy(time_constants(values, dt)), (), 0, (), (), "the state", unit
    )
    return shown(plotting.linearization(network, title=title))


def responses(record: Mapping[str, Any], title: str = "") -> Figure:
    """A panel per group: mean and standard error over the trials of each condition."""
    first = next(iter(record.values()))
    network = plotting.Psth(
        groups=np.array(list(record)),
        of=len(record),
        conditions=np.array([str(name) or "all trials" for name in first.conditions]),
        trials=first.trials,
        times=first.time.astype(float),
        mean=np.stack([one.mean for one in record.values()]),
        sem=np.stack([one.sem for one in record.values()]),
    )
    return shown(plotting.psth(network, title=title))


def recording(record: Any, split: str = "test", trials: int = TRIALS, title: str = "") -> Figure:
    """Spikes, and rates and latents where they are known, of the first trials of a split."""
    part = record.splits.get(split, record.splits["valid"])
    named = (("spikes", part.spikes), ("rate per bin", part.rates), ("latent", part.latents), ("input", part.inputs))
    quantities = [plotting.Course(name, np.asarray(values[:trials], float)) for name, values in named
                  if values is not None and values.shape[2]]  # fmt: skip
    names = [f"trial {trial}" for trial in part.inds[:trials]]
    return shown(plotting.courses(quantities, np.arange(1.0, 1 + part.spikes.shape[1]), names, "bins", title))


def samples(record: Any, columns: int = TRIALS, title: str = "") -> Figure:
    """Rates of a simulation over time: all neurons, and their mean, of the first columns."""
    rates = _numpy(record.rates)[:columns]
    quantities = [plotting.Course("rate", rates), plotting.Course("mean rate", rates.mean(-1, keepdims=True))]
    names = [f"column {column}" for column in range(len(rates))]
    return shown(plotting.courses(quantities, np.asarray(record.times), names, "τ", title))


def _numpy(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
