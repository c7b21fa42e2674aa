"""What kind = compare holds models against: the truth behind a recording, and one model beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet import metrics
from randomnet.analysis import FixedPoints, fixed_points, starting_points
from randomnet.artifacts.systems import Stepped, driven, held
from randomnet.kinds.compare.options import ComparingSection
from randomnet.lyapunov import Schedule, random_frame, spectrum
from randomnet.recordings import Recording, Split

SETTLING = 100  # bins of the state's and the frame's transient
TOGETHER = 0.1  # of the states' mean distance from their mean: end states within it are one
BETWEEN = 10  # bins between reorthonormalisations
FITTED = ("rates", "latents")


def _spread(states: np.ndarray) -> float:
    """The mean distance of states (B, T, D) from their mean."""
    states = states.astype(np.float64)
    return float(np.linalg.norm(states - states.mean((0, 1)), axis=2).mean())


class Lacking(ValueError):
    """What a metric needs and is not there; the metric is left out."""


@dataclass(frozen=True)
class Settings:
    """What the metrics are told: the options, the streams of random numbers, and what is called along the way."""

    options: ComparingSection
    generator: Callable[[], np.random.Generator]
    pause: Callable[[], None]

    def search(self, system: Stepped, states: np.ndarray, x: np.ndarray) -> FixedPoints:
        """The fixed points of a system that receives x (C,), from starts near states (B, T, D)."""
        flat = torch.from_numpy(states.reshape(-1, states.shape[-1]).astype(np.float64))
        options = self.options
        starts = starting_points(flat, options.point_starts, self.generator(), options.start_noise)
        step, jacobian = held(system, torch.from_numpy(x))
        return fixed_points(step, jacobian, starts, on_progress=lambda done: self.pause(), **options.search)

    @torch.no_grad()
    def ended(self, system: Stepped, states: np.ndarray, x: np.ndarray) -> np.ndarray:
        """(B,), which trials of states (B, T, D) end together if the system then is left to itself under x (C,)."""
        step, _ = held(system, torch.from_numpy(x))
        last = torch.from_numpy(states[:, -1].astype(np.float64))
        for bin_ in range(self.options.free_bins):
            if bin_ % SETTLING == 0:
                self.pause()
            last = step(last)
        return metrics.clusters(last.numpy(), TOGETHER * _spread(states))

    def exponents(self, system: Stepped, state: Tensor, inputs: np.ndarray, dt: float) -> np.ndarray:
        """The leading Lyapunov exponents (k,), per unit of time, under inputs (B, T, C), one trial after the other.

        Raises Lacking where the system has no attractor.
        """
        stream = torch.from_numpy(inputs.reshape(inputs.shape[0] * inputs.shape[1], inputs.shape[2]).astype(float))
        count = min(self.options.exponents, system.n)
        frame = torch.from_numpy(random_frame(self.generator(), count, system.n))
        schedule = Schedule(self.options.lyapunov_bins * dt, BETWEEN * dt, SETTLING * dt, SETTLING * dt)
        found = spectrum(driven(system, stream, dt), state.double(), frame, schedule, lambda time: self.pause())
        if found.diverged or found.unbounded:
            raise Lacking(f"a spectrum is {found.verdict}: there is no attractor whose exponents could be compared")
        return found.exponents


@dataclass(frozen=True)
class Truth:
    """A recording and, where it is known, the system behind it; what all its models are held against, made once.

    unknown: why the system is not known, where it is not.
    """

    recording: Recording
    system: Stepped | None
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
        """An array of the training and of the test trials. Raises Lacking."""
        found = getattr(self.train, name), getattr(self.test, name)
        if found[0] is None or found[1] is None:
            raise Lacking(f"the recording has no {name}")
        return found

    def known(self) -> Stepped:
        """The system. Raises Lacking."""
        if self.system is None:
            raise Lacking(self.unknown)
        if self.of("latents")[1].shape[2] != self.system.n:
            raise Lacking(f"the recording does not have all {self.system.n} states of the system")
        return self.system

    @property
    def dt(self) -> float:
        """The time of a bin, 1 where it is not known."""
        told = self.recording.metadata.get("dt", 1.0)
        return (float(told) if isinstance(told, int | float) else 1.0) if self.system is None else self.system.dt

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

    def shown(self, states: np.ndarray) -> np.ndarray:
        """States (..., D) along these axes (..., 3)."""
        mean, axes, _ = self.axes
        return (states - mean) @ axes.T

    @cached_property
    def spread(self) -> float:
        """The mean distance of the test trials' states from their mean."""
        return _spread(self.of("latents")[1])

    def trials(self, states: np.ndarray) -> np.ndarray:
        """Those of the test trials' states that DSA sees."""
        count = self.settings.options.dsa_trials
        if count == "all" or count >= len(states):
            return states
        return states[np.sort(self.settings.generator().permutation(len(states))[:count])]

    @cached_property
    def dimensions(self) -> tuple[int, int]:
        """Delays and rank of DSA's operators, of the truth and of all models: as the options ask for them."""
        options = self.settings.options
        if options.dsa_dimensions == "fixed":
            return options.dsa_delays, options.dsa_rank
        states = self.trials(self.of("latents")[1])
        chosen = metrics.predictive_dimensions(
            states, options.dsa_delays, options.dsa_rank, self.settings.generator()
        )
        return chosen.delays, chosen.rank

    def operator(self, states: np.ndarray) -> np.ndarray:
        """The operator of states (B, T, D)."""
        return metrics.delay_operator(self.trials(states), *self.dimensions)

    @cached_property
    def own_operator(self) -> np.ndarray:
        """That of the true states."""
        return self.operator(self.of("latents")[1])

    @cached_property
    def floor(self) -> float:
        """The largest DSA between halves of the true states' trials."""
        options, states = self.settings.options, self.trials(self.of("latents")[1])
        return metrics.dsa_floor(states, self.settings.generator(), *self.dimensions, options.dsa_starts)

    @cached_property
    def cycle_con(self) -> float | None:
        """The truth's own cycle consistency, the most that a model of it needs; None without its latents and rates."""
        try:
            (latents, test), rates = self.of("latents"), self.of("rates")[0]
        except Lacking:
            return None
        return metrics.cycle_con(latents, rates, test).value

    @property
    def clean(self) -> np.ndarray | None:
        """Inputs of the test trials without noise, as far as they are known."""
        return self.test.inputs if self.test.true_inputs is None else self.test.true_inputs

    def held_input(self, inputs: np.ndarray | None, channels: int) -> np.ndarray:
        """What is received (C,) where fixed points are searched, of inputs (B, T, C) of the test trials."""
        bins = self.settings.options.held_input
        if bins == "zero" or not channels:
            return np.zeros(channels)
        if inputs is None or bins[1] > inputs.shape[1]:
            raise Lacking(f"held_input: expected recorded inputs of at least {bins[1]} bins")
        return inputs[:, bins[0] : bins[1]].mean((0, 1), dtype=np.float64)

    @cached_property
    def points(self) -> FixedPoints:
        """Of the true system."""
        system = self.known()
        return self.settings.search(system, self.of("latents")[1], self.held_input(self.clean, system.channels))

    @cached_property
    def ends(self) -> np.ndarray:
        """(B,), which test trials end together if the true system is left to itself after them."""
        system = self.known()
        return self.settings.ended(system, self.of("latents")[1], self.held_input(self.clean, system.channels))

    @cached_property
    def exponents(self) -> np.ndarray:
        """Of the true system under the test trials' inputs."""
        system = self.known()
        start = system.rest(1)[0]  # type: ignore[attr-defined]  # that of a network, which has a state of rest
        return self.settings.exponents(system, start, self.of("inputs")[1], system.dt)


@dataclass(frozen=True)
class Case:
    """One model held against the truth. Raises ValueError where its arrays are not of the recording's trials."""

    truth: Truth
    arrays: Mapping[str, np.ndarray]
    system: Stepped | None

    def __post_init__(self) -> None:
        for split in ("train", "test"):
            for name in FITTED:
                key, spikes = f"{split}_{name}", getattr(self.truth, split).spikes
                if key not in self.arrays:
                    raise ValueError(f"{key}: expected it among the model's arrays, got {', '.join(self.arrays)}")
                found = self.arrays[key]
                if found.ndim != 3 or found.dtype.kind not in "buif":
                    raise ValueError(f"{key}: expected real numbers (trials, time, .), got {found.shape} {found.dtype}")
                if found.shape[:2] != spikes.shape[:2] or (name == "rates" and found.shape != spikes.shape):
                    raise ValueError(f"{key}: expected the trials and bins of the recording's spikes {spikes.shape}, "
                                     f"got {found.shape}")  # fmt: skip
                if not np.isfinite(found).all():
                    wrong = int((~np.isfinite(found)).sum())
                    raise ValueError(f"{key}: expected finite values, got {wrong} of {found.size} nan or infinite")

        sizes = [self.arrays[f"{split}_latents"].shape[2] for split in ("train", "test")]
        if sizes[0] != sizes[1]:
            raise ValueError(f"test_latents: expected {sizes[0]} latents, as train_latents has, got {sizes[1]}")

    def of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """An array of the training and of the test trials. Raises Lacking."""
        keys = [f"{split}_{name}" for split in ("train", "test")]
        if not set(keys) <= set(self.arrays):
            raise Lacking(f"the model has no {name}")
        return self.arrays[keys[0]], self.arrays[keys[1]]

    def known(self) -> Stepped:
        """The model as a system. Raises Lacking."""
        if self.system is None:
            raise Lacking("the model's step is not known")
        if self.of("latents")[1].shape[2] != self.system.n:
            raise Lacking(f"the arrays do not have all {self.system.n} states of the model")
        return self.system

    @cached_property
    def to_truth(self) -> metrics.LinearMap:
        """The map of its states to the true ones, fitted on the training trials."""
        return metrics.fit_linear_map(self.of("latents")[0], self.truth.of("latents")[0])

    def inputs(self) -> np.ndarray | None:
        """What it received in the test trials: as its arrays say, noisy, true or none."""
        used, test = str(self.arrays.get("inputs_used", "none")), self.truth.test
        return {"noisy": test.inputs, "true": test.true_inputs}.get(used)

    @cached_property
    def points(self) -> FixedPoints:
        """Its fixed points."""
        system = self.known()
        x = self.truth.held_input(self.inputs(), system.channels)
        return self.truth.settings.search(system, self.of("latents")[1], x)

    @cached_property
    def matched(self) -> metrics.MatchedPoints:
        """Its fixed points, mapped to the true states, with the true ones. Raises Lacking where one has none."""
        true, own = self.truth.points, self.points
        found = [(who, points) for who, points in (("recorded system", true), ("model", own)) if not len(points.points)]
        if found:
            who, points = found[0]
            raise Lacking(f"the {who} has no fixed point there, and {len(points.slow)} slow points")
        mapped = self.to_truth(own.points.numpy())
        return metrics.match_points(
            true.points.numpy(), mapped, true.unstable.numpy(), own.unstable.numpy(), self.truth.spread
        )
