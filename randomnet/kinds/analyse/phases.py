"""kind = analyse, phase by phase: fixed points under the input of each phase of a trial, and between phases.

Each condition (in multitask a task) has one trial as its prototype. The input of the prototype in a phase, without
noise, is frozen, and fixed points are searched under it. From phase to phase the frozen input is then interpolated, and
the points are continued, onwards and back (Driscoll, Shenoy and Sussillo 2024).

The input is that of one trial, and so of one angle: the mean over angles would be hardly any stimulus, which no trial
ever has. The search starts from states of that phase in noiseless trials of the condition with any angle, because the
points of a memory are those of all angles. Phases with the same input, such as before a stimulus and in the delay after
it, have the same points, wherever they were found. The number of points is a lower bound: a point that appears and
vanishes between two phases is not found. Arrays, of C conditions, L places (each a phase, and the steps from it to the
next), P points at all places, N units, X channels, and prototypes of S steps in all:

| array                                           | content                                                         |
|-------------------------------------------------|-----------------------------------------------------------------|
| phase_conditions, phase_names                   | (C,) names of the conditions; names of the phases               |
| phase_place_condition, phase_place_phase        | (L,): which condition, and which phase it is in, or comes from  |
| phase_place_step, phase_steps                   | (L,), 0 in the phase itself; of so many, the next phase is last |
| phase_inputs                                    | (L, X): the frozen input                                        |
| phase_points, phase_q                           | (P, N), (P,)                                                    |
| phase_place                                     | (P,): which place                                               |
| phase_unstable, phase_leading                   | (P,): eigenvalues of modulus above 1; (P,) complex, the largest |
| phase_index, phase_at_kink                      | (P,): sign of det(I - J); (P,) bool: see `FixedPoints`          |
| phase_plane_mean, phase_plane_axes, ..explained | (C, N), (C, 2, N), (C, 2): of the states of each condition      |
| phase_plane_reach                               | (C, 2, 2): the least and the greatest of these along each axis  |
| phase_path, phase_path_condition                | (S, 2), (S,): the prototypes' states in these planes            |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import (
    FixedPoints,
    continue_fixed_points,
    fixed_points,
    interpolate,
    plane,
    starting_points,
)
from randomnet.build.trials import trials_of
from randomnet.kinds.analyse.systems import AnySetup, AnySystem, jacobian, kinks, under_input
from randomnet.kinds.trajectories import along_inputs
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.tasks import Trials

INPUT_DECIMALS = 9  # to which equal inputs agree, in whichever direction they are interpolated


@dataclass(frozen=True)
class PhasePath:
    """Noiseless trials of one condition, the prototype first, with the phase of every step.

    name, number: of the condition. names: of all phases. states: (T, trials, N) after each step, to the end of the
    longest trial. phase: (T, trials), the phase of each step. phases: those of the prototype, without the time after
    it. inputs: (phases, channels), float64, the prototype's input in each of them.
    """

    name: str
    number: int
    names: tuple[str, ...]
    states: Tensor
    phase: Tensor
    phases: tuple[int, ...]
    inputs: Tensor

    @property
    def prototype(self) -> Tensor:
        """The prototype's states (T, N), to its end."""
        return self.states[: int((self.phase[:, 0] <= self.phases[-1]).sum()), 0]

    def states_in(self, phase: int) -> Tensor:
        """Return all states (M, N) of a phase."""
        return self.states[self.phase == phase]

    @property
    def all_states(self) -> Tensor:
        """All states (M, N) of all phases."""
        return self.states[self.phase <= self.phases[-1]]


def check(run: Run) -> None:
    """Raise ConfigError where a condition does not exist, or has no such prototype."""
    if _has_phases(run):
        trials = trials_of(run)[1]
        for condition in _conditions(run, trials):
            _trials_of_condition(run, trials, condition)


def search_share(run: Run) -> float:
    """Return the starts of all searches in phases, at most, as a share of analysis.starts."""
    if not _has_phases(run):
        return 0.0
    trials, settings = trials_of(run)[1], run.config.analysis
    phases = len(trials.phase_names) - 1
    return len(_conditions(run, trials)) * phases * settings.phase_starts / settings.starts


def phase_paths(run: Run, setup: AnySetup, system: AnySystem) -> list[PhasePath]:
    """Return the paths of the conditions that the run asks for; empty without phases."""
    if not _has_phases(run):
        return []
    trials = trials_of(run)[1]
    return [_phase_path(run, setup, system, trials, condition) for condition in _conditions(run, trials)]


def phase_arrays(
    run: Run, setup: AnySetup, system: AnySystem, paths: Sequence[PhasePath], on_progress: Callable[[int], object]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return the arrays of the module's table, and the numbers of (stable) points of each phase of each condition."""
    if not paths:
        return {}, {}
    points = [_search(run, setup, system, path, on_progress) for path in paths]
    steps = run.config.analysis.interpolation_steps
    arrays = {
        "phase_conditions": np.array([path.name for path in paths]),
        "phase_names": np.array(paths[0].names),
        "phase_steps": np.array(steps),
        **_place_arrays(paths, steps),
        **_point_arrays([at_place for of_path in points for at_place in of_path]),
        **_plane_arrays(paths),
    }
    return arrays, _counts(arrays)


def _has_phases(run: Run) -> bool:
    return run.config.has_task and run.config.analysis.phases != "none"


# ---- conditions and their trials


def _conditions(run: Run, trials: Trials) -> list[int]:
    """Return the conditions, as indices, in the order of the task. Raises ConfigError."""
    text, present = run.config.analysis.phases, set(trials.conditions.tolist())
    known = [name for number, name in enumerate(trials.condition_names) if number in present]
    names = known if text == "all" else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown or len(set(names)) < len(names):
        raise ConfigError(
            "[analysis] phases: expected none, all, or different conditions of the validation trials, "
            f"{', '.join(known)}, joined by commas, got {text!r}" + nearest(unknown[0] if unknown else "", known)
        )
    return [number for number, name in enumerate(trials.condition_names) if name in names]


def _trials_of_condition(run: Run, trials: Trials, condition: int) -> np.ndarray:
    """Return the indices of the trials that are simulated, the prototype first. Raises ConfigError."""
    indices, settings = np.flatnonzero(trials.conditions == condition), run.config.analysis
    if settings.prototype >= len(indices):
        raise ConfigError(
            f"[analysis] prototype: expected a number below {len(indices)}, the validation trials of "
            f"{trials.condition_names[condition]}, got {settings.prototype}"
        )
    first = indices[settings.prototype]
    return np.array([first, *indices[indices != first]][: settings.trajectories])


def _phase_path(run: Run, setup: AnySetup, system: AnySystem, trials: Trials, condition: int) -> PhasePath:
    indices = _trials_of_condition(run, trials, condition)
    noiseless = (trials.inputs if trials.true_inputs is None else trials.true_inputs)[indices]
    onsets = trials.phases[indices]
    steps = np.arange(onsets[:, -1].max())
    phase = (steps[:, None, None] >= onsets).sum(-1) - 1  # a phase of no length ends as it begins
    phases = tuple(np.unique(phase[:, 0][phase[:, 0] < onsets.shape[1] - 1]).tolist())
    inputs = np.stack([noiseless[0, steps][phase[:, 0] == number].mean(0, dtype=np.float64) for number in phases])
    states = torch.stack([states for _, states in along_inputs(setup, system, noiseless[:, steps])])
    return PhasePath(
        trials.condition_names[condition],
        condition,
        trials.phase_names,
        states,
        torch.from_numpy(phase).to(states.device),
        phases,
        torch.from_numpy(inputs).to(states.device),
    )


# ---- the search


@torch.no_grad()
def _search(
    run: Run, setup: AnySetup, system: AnySystem, path: PhasePath, on_progress: Callable[[int], object]
) -> list[FixedPoints]:
    """Return the fixed points at each place of a condition.

    The random numbers belong to the condition, so that they do not depend on which others are analysed.
    """
    settings, rng = run.config.analysis, run.generator("phase starts", path.number + 1)
    inputs = interpolate(path.inputs, settings.interpolation_steps)
    systems = [under_input(setup, system, x) for x in inputs]
    maps, all_kinks = [(each.step, jacobian(each)) for each in systems], [kinks(each) for each in systems]
    alike = np.unique(inputs.cpu().numpy().round(INPUT_DECIMALS), axis=0, return_inverse=True)[1].ravel().tolist()
    known, around = {}, path.all_states
    for place, phase in zip(range(0, len(maps), settings.interpolation_steps), path.phases, strict=True):
        starts = starting_points(path.states_in(phase), settings.phase_starts, rng, settings.start_noise)
        known[place] = fixed_points(*maps[place], starts, around=around, on_progress=on_progress).points
    return continue_fixed_points(maps, known, around, identifiers=alike, kinks=all_kinks, on_progress=on_progress)


# ---- what is written


def _place_arrays(paths: Sequence[PhasePath], steps: int) -> dict[str, np.ndarray]:
    rows = [
        (number, phase, step)
        for number, path in enumerate(paths)
        for phase in path.phases
        for step in range(1 if phase == path.phases[-1] else steps)
    ]
    columns = np.array(rows, np.int64).T
    names = ("phase_place_condition", "phase_place_phase", "phase_place_step")
    inputs = torch.cat([interpolate(path.inputs, steps) for path in paths])
    return dict(zip(names, columns, strict=True)) | {"phase_inputs": inputs.cpu().numpy()}


def _point_arrays(places: Sequence[FixedPoints]) -> dict[str, np.ndarray]:
    place = np.repeat(np.arange(len(places)), [len(points.q) for points in places])
    parts = {
        "phase_points": torch.cat([points.points for points in places]),
        "phase_q": torch.cat([points.q for points in places]),
        "phase_unstable": torch.cat([points.unstable for points in places]),
        "phase_at_kink": torch.cat([points.at_kink for points in places]),
        "phase_leading": torch.cat([points.eigenvalues[:, 0] for points in places]),
        "phase_index": torch.cat([points.indices for points in places]),
    }
    return {"phase_place": place} | {name: part.cpu().numpy() for name, part in parts.items()}


def _plane_arrays(paths: Sequence[PhasePath]) -> dict[str, np.ndarray]:
    planes = [plane(path.all_states) for path in paths]
    prototypes = [axes.project(path.prototype) for axes, path in zip(planes, paths, strict=True)]
    projected = [axes.project(path.all_states) for axes, path in zip(planes, paths, strict=True)]
    parts = {
        "phase_plane_mean": torch.stack([axes.mean for axes in planes]),
        "phase_plane_axes": torch.stack([axes.axes for axes in planes]),
        "phase_plane_explained": torch.stack([axes.explained for axes in planes]),
        "phase_plane_reach": torch.stack([torch.stack([part.amin(0), part.amax(0)]) for part in projected]),
        "phase_path": torch.cat(prototypes),
    }
    condition = np.repeat(np.arange(len(prototypes)), [len(prototype) for prototype in prototypes])
    return {name: part.cpu().numpy() for name, part in parts.items()} | {"phase_path_condition": condition}


def index_sums(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """Return the sum of the indices of the points in each phase of each condition."""
    members = _in_phases(arrays)
    return {f"points of {name}": int(arrays["phase_index"][points].sum()) for name, points in members.items()}


def _counts(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """Return points_of_ and stable_points_of_ each condition and phase."""
    counts = {}
    for name, points in _in_phases(arrays).items():
        counts[f"points_of_{name}"] = int(points.sum())
        counts[f"stable_points_of_{name}"] = int((arrays["phase_unstable"][points] == 0).sum())
        if arrays["phase_at_kink"].any():
            counts[f"kink_points_of_{name}"] = int(arrays["phase_at_kink"][points].sum())
    return counts


def _in_phases(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return for each condition and phase, by name, which points (P,) are in it; empty without arrays."""
    places = np.flatnonzero(arrays["phase_place_step"] == 0) if arrays else ()
    members = {}
    for place in places:
        condition = arrays["phase_conditions"][arrays["phase_place_condition"][place]]
        phase = arrays["phase_names"][arrays["phase_place_phase"][place]]
        members[f"{condition}_{phase}"] = arrays["phase_place"] == place
    return members
