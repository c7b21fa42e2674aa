"""Delayed reaches of an arm of two links to random targets (computation-through-dynamics' RandomTarget).

A trial's inputs are not known before it: what the network senses of the arm depends on what it does to it. So these
trials hold all the rest, drawn beforehand: where the arm starts, what is shown, what pushes it, and every noise. Bins
are of 10 ms. The target is shown on [target_on, go), in catch trials to the end; from go on, which catch trials never
reach, its channel says so; the goal of the fingertip is where it starts before go, and the target after.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from randomnet.display import Brief
from randomnet.tasks.trials import test_count, train_count

SECONDS = 0.01  # of a bin
LINKS = (0.309, 0.333)  # m, upper arm and forearm with hand (Nijhof and Kouwenhoven 2000)
SHOULDER, ELBOW = (30.0, 105.0), (30.0, 125.0)  # degrees that arms start and targets lie at
VISUAL = 2  # channels of vision, the first of those that are sensed
CONTEXT = 3  # channels that are shown, after those that are sensed: x and y of the target, go
TARGET_ON = (10, 30)  # bins; the second of such two is left out
ALIGNED = (30, 70)  # target_on and go of trials for simulation
SHORTEST_DELAY = 5  # bins from target_on to go
BUMP_BINS, BUMP_FORCE, BUMP_AFTER_GO = (15, 30), (5.0, 10.0), 40  # bins, N, bins
BEFORE_END, BEFORE_GO = 30, 3  # bins that other bumps start before the end, or where trials are aligned before go


@dataclass(frozen=True, eq=False, repr=False)
class ReachTrials(Brief):
    """Reaches of one length, in the order (trials, time, .) of `Trials`, float32.

    inputs: (trials, time, sensed + 3) what is added to what the network senses: noise; after it target and go, with
    theirs. true_inputs: the same without noise. targets: (trials, time, 2) where the fingertip should be, m. starts:
    (trials, 2) angles of shoulder and elbow, rad. loads: (trials, time, 2) forces on the fingertip, N. action_noise:
    (trials, time, outputs) beside the controls. catch: (trials,) bool. phases: (trials, 2) int64, target_on and go, the
    latter the trial's end in catch trials. loss_params: parameters of the loss. Raises ValueError naming both shapes.
    """

    inputs: np.ndarray
    true_inputs: np.ndarray
    targets: np.ndarray
    starts: np.ndarray
    loads: np.ndarray
    action_noise: np.ndarray
    catch: np.ndarray
    phases: np.ndarray
    loss_params: Mapping[str, Any]
    loss: str = "reach"
    source: str = "random reaches"
    synthetic: bool = False

    def __post_init__(self) -> None:
        trials, time = self.inputs.shape[:2]
        shapes = {"true_inputs": self.inputs.shape, "targets": (trials, time, 2), "starts": (trials, 2),
                  "loads": (trials, time, 2), "action_noise": (trials, time, self.outputs), "catch": (trials,),
                  "phases": (trials, 2)}  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.inputs)

    @property
    def outputs(self) -> int:
        """Controls of the arm."""
        return self.action_noise.shape[-1]

    def split(
        self, train_size: float, rng: np.random.Generator, held_out: str = "none"
    ) -> tuple["ReachTrials", "ReachTrials"]:
        """Training and validation trials, whole trials at random. Raises ValueError where either would be empty, or
        for held_out, as reaches have no conditions."""
        if held_out != "none":
            raise ValueError(f"held_out: expected none, as these trials have no conditions, got {held_out!r}")
        order, first = rng.permutation(len(self)), train_count(len(self), train_size)
        return self.only(order[:first]), self.only(order[first:])

    def parted(self, share: float, whole: int) -> tuple["ReachTrials", "ReachTrials"]:
        """These trials of a split without the last ones, and the last round(share * whole), `whole` being how many
        trials there were. Raises ValueError where either part would be empty."""
        first = len(self) - test_count(len(self), share, whole)
        return self.only(np.arange(first)), self.only(np.arange(first, len(self)))

    def only(self, chosen: np.ndarray) -> "ReachTrials":
        """Some of the trials, by index."""
        arrays = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return replace(self, **{name: a[chosen] for name, a in arrays.items() if isinstance(a, np.ndarray)})


def fingertips(angles: np.ndarray) -> np.ndarray:
    """x and y (..., 2) of the fingertip, m from the shoulder, at angles (..., 2) of shoulder and elbow, rad."""
    shoulder, both = angles[..., 0], angles.sum(-1)
    x = LINKS[0] * np.cos(shoulder) + LINKS[1] * np.cos(both)
    return np.stack([x, LINKS[0] * np.sin(shoulder) + LINKS[1] * np.sin(both)], -1)


def reaching(
    rng: np.random.Generator,
    *,
    sensed: int,
    controls: int,
    nr_of_trials: int,
    trial_steps: int,
    input_noise: float,
    sensor_noise: float,
    vision_noise: float | str = "sensor",
    proprioception_noise: float | str = "sensor",
    action_noise: float | str = "sensor",
    go_amplitude: float,
    catch_rate: float,
    bump_rate: float,
    aligned: bool,
    **loss_params: Any,
) -> ReachTrials:
    """Reaches of an arm of which `sensed` channels are known and that takes so many controls.

    target_on is uniform in 10..29 and go in target_on + 5 .. trial_steps // 2, so that there is time to arrive; where
    trials are `aligned` all have 30 and 70, and none is a catch trial. The shares catch_rate and bump_rate of trials
    are exact, up to a whole trial. input_noise: of target and go; sensor_noise: of the senses and the controls, which
    the three further ones replace where they are numbers.
    """
    vision, proprioception, control = (
        sensor_noise if isinstance(noise, str) else noise
        for noise in (vision_noise, proprioception_noise, action_noise)
    )
    shape = (nr_of_trials, trial_steps)
    angles = _angles(rng, nr_of_trials), _angles(rng, nr_of_trials)
    at = fingertips(angles[0]), fingertips(angles[1])
    catch = _some(rng, nr_of_trials, 0.0 if aligned else catch_rate)
    target_on, go = _phases(rng, nr_of_trials, trial_steps, aligned)
    loads = _bumps(rng, shape, bump_rate, go, aligned)
    phases = np.stack([target_on, np.where(catch, trial_steps, go)], -1)
    bins = np.arange(trial_steps)
    shown = (bins >= phases[:, :1]) & (bins < phases[:, 1:])
    gone = bins >= phases[:, 1:]
    true = np.zeros((*shape, sensed + CONTEXT))
    true[..., sensed : sensed + 2] = shown[..., None] * at[1][:, None]
    true[..., sensed + 2] = go_amplitude * gone
    sds = np.array([vision] * VISUAL + [proprioception] * (sensed - VISUAL) + [input_noise] * CONTEXT)
    inputs, true_inputs, targets, starts, loads, noise_of_controls = (
        array.astype(np.float32)
        for array in (
            true + sds * rng.standard_normal(true.shape),
            true,
            np.where(gone[..., None], at[1][:, None], at[0][:, None]),
            angles[0],
            loads,
            control * rng.standard_normal((*shape, controls)),
        )
    )
    return ReachTrials(inputs, true_inputs, targets, starts, loads, noise_of_controls, catch, phases, loss_params)


def _angles(rng: np.random.Generator, trials: int) -> np.ndarray:
    """(trials, 2) of shoulder and elbow, rad."""
    return np.deg2rad(rng.uniform((SHOULDER[0], ELBOW[0]), (SHOULDER[1], ELBOW[1]), (trials, 2)))


def _some(rng: np.random.Generator, trials: int, share: float) -> np.ndarray:
    """(trials,) bool: so many of them, at random."""
    return rng.permutation(trials) < round(share * trials)


def _phases(rng: np.random.Generator, trials: int, steps: int, aligned: bool) -> tuple[np.ndarray, np.ndarray]:
    """The bins (trials,) of target_on and go."""
    target_on = rng.integers(*TARGET_ON, trials)
    go = rng.integers(target_on + SHORTEST_DELAY, steps // 2 + 1)
    return (np.full(trials, ALIGNED[0]), np.full(trials, ALIGNED[1])) if aligned else (target_on, go)


def _bumps(rng: np.random.Generator, shape: tuple[int, int], rate: float, go: np.ndarray, aligned: bool) -> np.ndarray:
    """(trials, time, 2) forces, N: a bump in a share of the trials, half of these bumps soon after go."""
    trials, steps = shape
    bumped = _some(rng, trials, rate)
    moving = rng.permutation(trials) < trials / 2
    latest = go - BEFORE_GO if aligned else np.full(trials, steps - BEFORE_END)
    onset = np.where(moving, go + rng.integers(BUMP_AFTER_GO, size=trials), rng.integers(latest))
    length, force = rng.integers(*BUMP_BINS, trials), rng.uniform(*BUMP_FORCE, trials)
    direction = rng.uniform(0, 2 * np.pi, trials)
    bins = np.arange(steps)
    during = (bins >= onset[:, None]) & (bins < (onset + length)[:, None]) & bumped[:, None]
    return during[..., None] * (force * np.stack([np.cos(direction), np.sin(direction)])).T[:, None]
