"""kind = analyse, phase by phase: fixed points under the input of each phase of a trial, and between these.

Of each condition (of multitask a task) one trial is the prototype. What it receives in a phase, without noise, is held,
and fixed points are searched under it; from phase to phase the input then turns from the one into the other, and the
points are followed, onwards and back (Driscoll, Shenoy and Sussillo 2024). An input is that of one trial, and so of one
angle: the mean over angles would be hardly any stimulus, which no trial ever shows. Where points are searched from are
states of that phase in trials of the condition whatever their angle, without noise of the input, as the points of a
memory are those of all angles. Phases of the same input, such as before a stimulus and while it is remembered, have the
same points, wherever they were found. That is a lower bound: a point born and gone between two phases is not. Arrays,
of C conditions, L places (each a phase, and the steps from it to the next), P points there in all, N units, X channels,
and prototypes of S steps in all:

| array                                           | what it is                                                      |
|-------------------------------------------------|-----------------------------------------------------------------|
| phase_conditions, phase_names                   | (C,) names of the conditions; names of the phases               |
| phase_place_condition, phase_place_phase        | (L,): which condition, and which phase it is in, or comes from  |
| phase_place_step, phase_steps                   | (L,), 0 in the phase itself; of so many, the next phase is last |
| phase_inputs                                    | (L, X): what is held                                            |
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
    find_kinks,
    fixed_points,
    interpolate,
    jacobian_of,
    plane,
    starting_points,
)
from randomnet.build.network import Setup
from randomnet.build.trials import trials_of
from randomnet.kinds.train.trajectories import along_inputs
from randomnet.rnn import Dynamics, with_input
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.tasks import Trials

ALIKE = 9  # decimals to which inputs that are the same one agree, in whichever direction they are passed


@dataclass(frozen=True)
class Walk:
    """Trials of one condition without noise, the prototype first.

    name, number: of the condition; names: of all phases. states: (T, trials, N) after each step, to the end of the
    longest trial. phase: (T, trials), which one each step is in. phases: those that the prototype has, but what comes
    after it; inputs (phases, channels), float64, what it receives in each.
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
        """Its states (T, N), to its end."""
        return self.states[: int((self.phase[:, 0] <= self.phases[-1]).sum()), 0]

    def known(self, phase: int) -> Tensor:
        """All states (M, N) of a phase."""
        return self.states[self.phase == phase]

    @property
    def every(self) -> Tensor:
        """All states (M, N) of all phases."""
        return self.states[self.phase <= self.phases[-1]]


def check(run: Run) -> None:
    """ConfigError where a condition is not there, or has no such prototype."""
    if _asked(run):
        trials = trials_of(run)[1]
        for condition in _chosen(run, trials):
            _of_condition(run, trials, condition)


def searches(run: Run) -> float:
    """How many searches there will be at most, as shares of one from analysis.starts."""
    if not _asked(run):
        return 0.0
    trials = trials_of(run)[1]
    each = len(trials.phase_names) - 1
    return len(_chosen(run, trials)) * each * run.config.analysis.phase_starts / run.config.analysis.starts


def walks(run: Run, start: Setup, system: Dynamics) -> list[Walk]:
    """Those of the conditions that the run asks for; none without phases."""
    if not _asked(run):
        return []
    trials = trials_of(run)[1]
    return [_walk(run, start, system, trials, condition) for condition in _chosen(run, trials)]


def phase_arrays(
    run: Run, start: Setup, system: Dynamics, walked: Sequence[Walk], tick: Callable[[int], object]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The arrays of the module's table, and how many points, and stable ones, each phase of each condition has."""
    if not walked:
        return {}, {}
    found = [_searched(run, start, system, walk, tick) for walk in walked]
    steps = run.config.analysis.interpolation_steps
    arrays = {
        "phase_conditions": np.array([walk.name for walk in walked]),
        "phase_names": np.array(walked[0].names),
        "phase_steps": np.array(steps),
        **_of_places(walked, steps),
        **_of_points([points for of_walk in found for points in of_walk]),
        **_of_planes(walked),
    }
    return arrays, _counts(arrays)


def _asked(run: Run) -> bool:
    return run.config.has_task and run.config.analysis.phases != "none"


# ---- conditions and their trials


def _chosen(run: Run, trials: Trials) -> list[int]:
    """The conditions, as indices, in the order of the task. Raises ConfigError."""
    text, there = run.config.analysis.phases, set(trials.conditions.tolist())
    known = [name for number, name in enumerate(trials.condition_names) if number in there]
    names = known if text == "all" else [name.strip() for name in text.split(",")]
    wrong = [name for name in names if name not in known]
    if wrong or len(set(names)) < len(names):
        raise ConfigError(
            "[analysis] phases: expected none, all, or different conditions of the validation trials, "
            f"{', '.join(known)}, joined by commas, got {text!r}" + nearest(wrong[0] if wrong else "", known)
        )
    return [number for number, name in enumerate(trials.condition_names) if name in names]


def _of_condition(run: Run, trials: Trials, condition: int) -> np.ndarray:
    """The trials of a condition that are followed, as indices, the prototype first. Raises ConfigError."""
    own, chosen = np.flatnonzero(trials.conditions == condition), run.config.analysis
    if chosen.prototype >= len(own):
        raise ConfigError(
            f"[analysis] prototype: expected a number below {len(own)}, the validation trials of "
            f"{trials.condition_names[condition]}, got {chosen.prototype}"
        )
    first = own[chosen.prototype]
    return np.array([first, *own[own != first]][: chosen.trajectories])


def _walk(run: Run, start: Setup, system: Dynamics, trials: Trials, condition: int) -> Walk:
    own = _of_condition(run, trials, condition)
    true = (trials.inputs if trials.true_inputs is None else trials.true_inputs)[own]
    starts = trials.phases[own]
    steps = np.arange(starts[:, -1].max())
    phase = (steps[:, None, None] >= starts).sum(-1) - 1  # one of no length is over as it begins
    phases = tuple(np.unique(phase[:, 0][phase[:, 0] < starts.shape[1] - 1]).tolist())
    inputs = np.stack([true[0, steps][phase[:, 0] == one].mean(0, dtype=np.float64) for one in phases])
    states = torch.stack([now for _, now in along_inputs(start, system, true[:, steps])])
    device = states.device
    return Walk(
        trials.condition_names[condition],
        condition,
        trials.phase_names,
        states,
        torch.from_numpy(phase).to(device),
        phases,
        torch.from_numpy(inputs).to(device),
    )


# ---- the search


@torch.no_grad()
def _searched(
    run: Run, start: Setup, system: Dynamics, walk: Walk, tick: Callable[[int], object]
) -> list[FixedPoints]:
    """The fixed points at each place of a condition; its random numbers are its own, whichever others there are."""
    chosen, rng = run.config.analysis, run.generator("phase starts", walk.number + 1)
    interface = {"input_weights": start.network.interface["input_weights"].double()}
    inputs = interpolate(walk.inputs, chosen.interpolation_steps)
    systems = [with_input(system, interface, x) for x in inputs]
    maps, kinks = [(one.step, jacobian_of(one)) for one in systems], [find_kinks(one) for one in systems]
    alike = np.unique(inputs.cpu().numpy().round(ALIKE), axis=0, return_inverse=True)[1].ravel().tolist()
    known, around = {}, walk.every
    for place, phase in zip(range(0, len(maps), chosen.interpolation_steps), walk.phases, strict=True):
        starts = starting_points(walk.known(phase), chosen.phase_starts, rng, chosen.start_noise)
        known[place] = fixed_points(*maps[place], starts, around=around, on_progress=tick).points
    return continue_fixed_points(maps, known, around, identifiers=alike, kinks=kinks, on_progress=tick)


# ---- what is written


def _of_places(walked: Sequence[Walk], steps: int) -> dict[str, np.ndarray]:
    rows = [
        (number, phase, step)
        for number, walk in enumerate(walked)
        for phase in walk.phases
        for step in range(1 if phase == walk.phases[-1] else steps)
    ]
    columns = np.array(rows, np.int64).T
    names = ("phase_place_condition", "phase_place_phase", "phase_place_step")
    inputs = torch.cat([interpolate(walk.inputs, steps) for walk in walked])
    return dict(zip(names, columns, strict=True)) | {"phase_inputs": inputs.cpu().numpy()}


def _of_points(found: Sequence[FixedPoints]) -> dict[str, np.ndarray]:
    place = np.repeat(np.arange(len(found)), [len(points.q) for points in found])
    parts = {
        "phase_points": torch.cat([points.points for points in found]),
        "phase_q": torch.cat([points.q for points in found]),
        "phase_unstable": torch.cat([points.unstable for points in found]),
        "phase_at_kink": torch.cat([points.at_kink for points in found]),
        "phase_leading": torch.cat([points.eigenvalues[:, 0] for points in found]),
        "phase_index": torch.cat([points.indices for points in found]),
    }
    return {"phase_place": place} | {name: part.cpu().numpy() for name, part in parts.items()}


def _of_planes(walked: Sequence[Walk]) -> dict[str, np.ndarray]:
    flats = [plane(walk.every) for walk in walked]
    paths = [flat.project(walk.prototype) for flat, walk in zip(flats, walked, strict=True)]
    seen = [flat.project(walk.every) for flat, walk in zip(flats, walked, strict=True)]
    parts = {
        "phase_plane_mean": torch.stack([flat.mean for flat in flats]),
        "phase_plane_axes": torch.stack([flat.axes for flat in flats]),
        "phase_plane_explained": torch.stack([flat.explained for flat in flats]),
        "phase_plane_reach": torch.stack([torch.stack([at.amin(0), at.amax(0)]) for at in seen]),
        "phase_path": torch.cat(paths),
    }
    lengths = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    return {name: part.cpu().numpy() for name, part in parts.items()} | {"phase_path_condition": lengths}


def index_sums(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """The sum of the indices of the points in each phase of each condition."""
    return {f"points of {name}": int(arrays["phase_index"][there].sum()) for name, there in _in_phases(arrays).items()}


def _counts(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """points_of_ and stable_points_of_ each condition and phase."""
    counts = {}
    for name, there in _in_phases(arrays).items():
        counts[f"points_of_{name}"] = int(there.sum())
        counts[f"stable_points_of_{name}"] = int((arrays["phase_unstable"][there] == 0).sum())
        if arrays["phase_at_kink"].any():
            counts[f"kink_points_of_{name}"] = int(arrays["phase_at_kink"][there].sum())
    return counts


def _in_phases(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of each condition and phase, by name, which points (P,) are in it; none where there are no arrays."""
    places = np.flatnonzero(arrays["phase_place_step"] == 0) if arrays else ()
    found = {}
    for place in places:
        condition = arrays["phase_conditions"][arrays["phase_place_condition"][place]]
        phase = arrays["phase_names"][arrays["phase_place_phase"][place]]
        found[f"{condition}_{phase}"] = arrays["phase_place"] == place
    return found
