"""The two sides of a comparison: the ground truth behind a recording, and one inferred model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet import metrics
from randomnet.analysis import FixedPoints, fixed_points, starting_points
from randomnet.artifacts.systems import DrivenSystem, freeze_input, replay_inputs
from randomnet.kinds.compare.options import ComparingSection
from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.recordings import Recording, Split

SETTLING = 100  # bins of the state's and the frame's transient
SAME_END = 0.1  # share of the states' mean distance from their mean: end states within it are the same
BETWEEN = 10  # bins between reorthonormalizations
REQUIRED = ("rates", "latents")  # arrays of every model


def _spread(states: np.ndarray) -> float:
    """Return the mean distance of states (B, T, D) from their mean."""
    states = states.astype(np.float64)
    return float(np.linalg.norm(states - states.mean((0, 1)), axis=2).mean())


class MetricUnavailable(ValueError):
    """Something that a metric needs is missing; the metric is left out."""


@dataclass(frozen=True)
class Settings:
    """Settings of the metrics: the options, the source of random generators, and a check for interruption."""

    options: ComparingSection
    generator: Callable[[], np.random.Generator]
    pause: Callable[[], None]

    def search(self, system: DrivenSystem, states: np.ndarray, x: np.ndarray) -> FixedPoints:
        """Return the fixed points of a system under the input x (C,), searched from near states (B, T, D)."""
        flat = torch.from_numpy(states.reshape(-1, states.shape[-1]).astype(np.float64))
        options = self.options
        starts = starting_points(flat, options.point_starts, self.generator(), options.start_noise)
        step, jacobian = freeze_input(system, torch.from_numpy(x))
        return fixed_points(step, jacobian, starts, on_progress=lambda done: self.pause(), **options.search)

    @torch.no_grad()
    def end_clusters(self, system: DrivenSystem, states: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the cluster (B,) of each trial's end state, if the system goes on from states (B, T, D) under x (C,).

        Trials of one cluster end in the same state.
        """
        step, _ = freeze_input(system, torch.from_numpy(x))
        last = torch.from_numpy(states[:, -1].astype(np.float64))
        for bin_ in range(self.options.free_bins):
            if bin_ % SETTLING == 0:
                self.pause()
            last = step(last)
        return metrics.clusters(last.numpy(), SAME_END * _spread(states))

    def exponents(self, system: DrivenSystem, state: Tensor, inputs: np.ndarray, dt: float) -> np.ndarray:
        """Return the leading Lyapunov exponents (k,), per unit of time, along inputs (B, T, C), trial after trial.

        Raises MetricUnavailable where the system has no attractor.
        """
        stream = torch.from_numpy(inputs.reshape(inputs.shape[0] * inputs.shape[1], inputs.shape[2]).astype(float))
        count = min(self.options.exponents, system.n)
        frame = torch.from_numpy(random_frame(self.generator(), count, system.n))
        schedule = Schedule(self.options.lyapunov_bins * dt, BETWEEN * dt, SETTLING * dt, SETTLING * dt)
        replayed = replay_inputs(system, stream, dt)
        computed = spectrum(replayed, state.double(), frame, schedule, lambda time: self.pause())
        if computed.diverged or computed.unbounded:
            raise MetricUnavailable(
                f"a spectrum is {computed.verdict}: there is no attractor whose exponents could be compared"
            )
        return computed.exponents


@dataclass(frozen=True)
class GroundTruth:
    """A recording and, where it is known, the recorded system; one record for all models of the recording.

    unknown: why the system is not known.
    """

    recording: Recording
    system: DrivenSystem | None
    settings: Settings
    unknown: str = "the system that was recorded is not known"

    @property
    def train(self) -> Split:
        """The training trials."""
        return self.recording.splits["train"]

    @property
    def test(self) -> Split:
        """The test trials."""
        return self.recording.splits["test"]

    def of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return an array of the training and of the test trials. Raises MetricUnavailable."""
        arrays = getattr(self.train, name), getattr(self.test, name)
        if arrays[0] is None or arrays[1] is None:
            raise MetricUnavailable(f"the recording has no {name}")
        return arrays

    def known_system(self) -> DrivenSystem:
        """Return the recorded system. Raises MetricUnavailable."""
        if self.system is None:
            raise MetricUnavailable(self.unknown)
        if self.of("latents")[1].shape[2] != self.system.n:
            raise MetricUnavailable(f"the recording does not have all {self.system.n} states of the system")
        return self.system

    @property
    def dt(self) -> float:
        """The time of a bin, 1 where it is not known."""
        dt = self.recording.metadata.get("dt", 1.0)
        return (float(dt) if isinstance(dt, int | float) else 1.0) if self.system is None else self.system.dt

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean (D,), the first three principal axes (3, D) of the test trials' states, and their shares of variance."""
        states = self.of("latents")[1].astype(np.float64)
        flat = states.reshape(-1, states.shape[-1])
        centred = flat - flat.mean(0)
        _, lengths, axes = np.linalg.svd(np.linalg.qr(centred, mode="r"))
        shares = np.square(lengths) / max(np.square(lengths).sum(), np.finfo(float).tiny)
        missing = max(0, 3 - len(axes))
        return flat.mean(0), np.pad(axes[:3], ((0, missing), (0, 0))), np.pad(shares[:3], (0, missing))

    def project(self, states: np.ndarray) -> np.ndarray:
        """Return the coordinates (..., 3) of states (..., D) along these axes."""
        mean, axes, _ = self.axes
        return (states - mean) @ axes.T

    @cached_property
    def spread(self) -> float:
        """The mean distance of the test trials' states from their mean."""
        return _spread(self.of("latents")[1])

    def dsa_trials(self, states: np.ndarray) -> np.ndarray:
        """Return the states of the test trials that DSA uses."""
        count = self.settings.options.dsa_trials
        if count == "all" or count >= len(states):
            return states
        return states[np.sort(self.settings.generator().permutation(len(states))[:count])]

    @cached_property
    def dsa_search(self) -> metrics.Dimensions | None:
        """The search for delays and rank of DSA's operators; None where they are fixed."""
        options = self.settings.options
        if options.dsa_dimensions == "fixed":
            return None
        states = self.dsa_trials(self.of("latents")[1])
        return metrics.predictive_dimensions(states, options.dsa_delays, options.dsa_rank, self.settings.generator())

    @property
    def dsa_dimensions(self) -> tuple[int, int]:
        """Delays and rank of DSA's operators, the same for the true states and all models."""
        options, search = self.settings.options, self.dsa_search
        return (options.dsa_delays, options.dsa_rank) if search is None else (search.delays, search.rank)

    def operator_of(self, states: np.ndarray) -> np.ndarray:
        """Return the delay operator of states (B, T, D)."""
        return metrics.delay_operator(self.dsa_trials(states), *self.dsa_dimensions)

    @cached_property
    def operator(self) -> np.ndarray:
        """The delay operator of the true states."""
        return self.operator_of(self.of("latents")[1])

    @cached_property
    def dsa_floor(self) -> float:
        """The largest DSA between halves of the true states' trials."""
        options, states = self.settings.options, self.dsa_trials(self.of("latents")[1])
        return metrics.dsa_floor(states, self.settings.generator(), *self.dsa_dimensions, options.dsa_starts)

    @cached_property
    def cycle_con(self) -> float | None:
        """Cycle consistency of the true latents, the most that a model needs; None without latents and rates."""
        try:
            (latents, test), rates = self.of("latents"), self.of("rates")[0]
        except MetricUnavailable:
            return None
        return metrics.cycle_con(latents, rates, test).value

    @property
    def noiseless_inputs(self) -> np.ndarray | None:
        """Inputs of the test trials without noise, as far as they are known."""
        return self.test.inputs if self.test.true_inputs is None else self.test.true_inputs

    def frozen_input(self, inputs: np.ndarray | None, channels: int) -> np.ndarray:
        """Return the input (C,) under which fixed points are searched, from inputs (B, T, C) of the test trials."""
        bins = self.settings.options.held_input
        if bins == "zero" or not channels:
            return np.zeros(channels)
        if inputs is None or bins[1] > inputs.shape[1]:
            raise MetricUnavailable(f"held_input: expected recorded inputs of at least {bins[1]} bins")
        return inputs[:, bins[0] : bins[1]].mean((0, 1), dtype=np.float64)

    @cached_property
    def points(self) -> FixedPoints:
        """The fixed points of the true system."""
        system = self.known_system()
        x = self.frozen_input(self.noiseless_inputs, system.channels)
        return self.settings.search(system, self.of("latents")[1], x)

    @cached_property
    def end_clusters(self) -> np.ndarray:
        """The cluster (B,) of each test trial's end state, if the true system continues under a frozen input."""
        system = self.known_system()
        x = self.frozen_input(self.noiseless_inputs, system.channels)
        return self.settings.end_clusters(system, self.of("latents")[1], x)

    @cached_property
    def exponents(self) -> np.ndarray:
        """The exponents of the true system along the test trials' inputs."""
        system = self.known_system()
        start = system.rest(1)[0]  # type: ignore[attr-defined]  # that of a network, which has a state of rest
        return self.settings.exponents(system, start, self.of("inputs")[1], system.dt)


@dataclass(frozen=True)
class ModelEvaluation:
    """One model beside the ground truth. Raises ValueError where its arrays are not of the recording's trials."""

    truth: GroundTruth
    arrays: Mapping[str, np.ndarray]
    system: DrivenSystem | None

    def __post_init__(self) -> None:
        for split in ("train", "test"):
            for name in REQUIRED:
                self._check(f"{split}_{name}", name, getattr(self.truth, split).spikes.shape)
        sizes = [self.arrays[f"{split}_latents"].shape[2] for split in ("train", "test")]
        if sizes[0] != sizes[1]:
            raise ValueError(f"test_latents: expected {sizes[0]} latents, as train_latents has, got {sizes[1]}")

    def _check(self, key: str, name: str, expected: tuple[int, ...]) -> None:
        """Raise ValueError for an array that is missing, of another shape than the recorded spikes, or not finite."""
        if key not in self.arrays:
            raise ValueError(f"{key}: expected it among the model's arrays, got {', '.join(self.arrays)}")
        array = self.arrays[key]
        if array.ndim != 3 or array.dtype.kind not in "buif":
            raise ValueError(f"{key}: expected real numbers (trials, time, .), got {array.shape} {array.dtype}")
        if array.shape[:2] != expected[:2] or (name == "rates" and array.shape != expected):
            raise ValueError(f"{key}: expected the trials and bins of the recording's spikes {expected}, "
                             f"got {array.shape}")  # fmt: skip
        if not np.isfinite(array).all():
            wrong = int((~np.isfinite(array)).sum())
            raise ValueError(f"{key}: expected finite values, got {wrong} of {array.size} nan or infinite")

    def of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return an array of the training and of the test trials. Raises MetricUnavailable."""
        keys = [f"{split}_{name}" for split in ("train", "test")]
        if not set(keys) <= set(self.arrays):
            raise MetricUnavailable(f"the model has no {name}")
        return self.arrays[keys[0]], self.arrays[keys[1]]

    def known_system(self) -> DrivenSystem:
        """Return the model as a system. Raises MetricUnavailable."""
        if self.system is None:
            raise MetricUnavailable("the model's step is not known")
        if self.of("latents")[1].shape[2] != self.system.n:
            raise MetricUnavailable(f"the arrays do not have all {self.system.n} states of the model")
        return self.system

    def shuffled(self, arrays: np.ndarray) -> np.ndarray:
        """Return arrays (B, ...) of the model with each trial's in the place of another trial's, as a model of chance.

        The trials are shifted by one in a random order, so that none keeps its place where there are two or more.
        """
        order = self.truth.settings.generator().permutation(len(arrays))
        other = np.empty_like(arrays)
        other[order] = arrays[np.roll(order, 1)]
        return other

    @cached_property
    def to_truth(self) -> metrics.LinearMap:
        """The map of the model's states to the true states, fitted on the training trials."""
        return metrics.fit_linear_map(self.of("latents")[0], self.truth.of("latents")[0])

    def inputs(self) -> np.ndarray | None:
        """Return the inputs that the model received in the test trials, by its array inputs_used."""
        used, test = str(self.arrays.get("inputs_used", "none")), self.truth.test
        return {"noisy": test.inputs, "true": test.true_inputs}.get(used)

    @cached_property
    def points(self) -> FixedPoints:
        """The fixed points of the model."""
        system = self.known_system()
        x = self.truth.frozen_input(self.inputs(), system.channels)
        return self.truth.settings.search(system, self.of("latents")[1], x)

    @cached_property
    def matched_points(self) -> metrics.MatchedPoints:
        """The model's fixed points, mapped to the true states, matched with the true ones. Raises MetricUnavailable."""
        true, inferred = self.truth.points, self.points
        for name, points in (("recorded system", true), ("model", inferred)):
            if not len(points.points):
                raise MetricUnavailable(f"the {name} has no fixed point there, and {len(points.slow)} slow points")
        mapped = self.to_truth(inferred.points.numpy())
        return metrics.match_points(
            true.points.numpy(), mapped, true.unstable.numpy(), inferred.unstable.numpy(), self.truth.spread
        )
