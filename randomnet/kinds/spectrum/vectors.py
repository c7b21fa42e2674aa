"""Covariant Lyapunov vectors of a run's network: which neurons, and groups of neurons, carry each exponent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from randomnet.build.connectome import with_labels
from randomnet.build.network import Setup, double
from randomnet.build.spectra import schedule_of, simulated_time, spectrum_state, system_of
from randomnet.build.targets import vectors_of
from randomnet.connectome.label_groups import LabelGroup, label_groups
from randomnet.display import Displayed
from randomnet.kinds.spectrum.sensitivities import Sensitivities, network_sensitivities
from randomnet.lyapunov import Spectrum
from randomnet.lyapunov.covariant import CovariantVectors, covariant_vectors, participation_ratio
from randomnet.lyapunov.forward import forward_vectors
from randomnet.lyapunov.sensitivity import MOST_WINDOWS, WINDOW
from randomnet.memory import machine_memory
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

GRADIENT_COST = 2.0  # of the gradient of one exponent, in steps of the frame
ARRAYS = 4  # covariant, backward and forward vectors, and a copy
USUAL_INTERVAL = 0.2  # between QRs with tons = adaptive
SAMPLES = 400  # of the vectors along a record, at most: the memory they take is SAMPLES k N numbers, twice
SEPARATED = 2.0  # combined standard errors between exponents whose vectors are told apart


@dataclass(frozen=True, repr=False)
class NetworkVectors(Displayed):
    """Covariant vectors of the leading exponents of a network, with the groups of its neurons.

    spectrum: the spectrum that they belong to. groups: by every kind of label, and by sign. sensitivities: of the
    exponents, in short windows of the record. forward: (samples, k, N), forward vectors at the same times.
    """

    vectors: CovariantVectors
    spectrum: Spectrum
    groups: tuple[LabelGroup, ...]
    sensitivities: Sensitivities
    forward: np.ndarray

    drawing: ClassVar[str] = "vectors"

    @property
    def k(self) -> int:
        """The number of vectors."""
        return self.vectors.covariant.shape[1]

    @property
    def unstable(self) -> int:
        """How many of the vectors belong to exponents above 0 by more than two standard errors."""
        return min(self.spectrum.n_positive, self.k)

    @cached_property
    def separated(self) -> np.ndarray:
        """(k,) bool: which exponents differ from their neighbours by more than SEPARATED combined standard errors.

        Only the plane of vectors whose exponents are equal is determined. The last exponent that was computed counts as
        equal to the next one, unless there is none.
        """
        exponents, errors = self.spectrum.exponents, self.spectrum.stderr
        gaps = -np.diff(exponents) > SEPARATED * np.hypot(errors[1:], errors[:-1])
        complete = len(exponents) == self.vectors.covariant.shape[2]
        return (np.r_[True, gaps] & np.r_[gaps, complete])[: self.k]

    @cached_property
    def forward_weights(self) -> np.ndarray:
        """(k, N): mean squared component of each forward vector on each neuron; each row sums to 1."""
        return np.square(self.forward).mean(0)

    @property
    def forward_participation(self) -> np.ndarray:
        """(k,): the mean participation ratio of the forward vectors."""
        return participation_ratio(self.forward).mean(0)

    @cached_property
    def angles(self) -> np.ndarray:
        """(samples,): the smallest angle between the unstable vectors and the others, in radians.

        It is empty where all or none of the vectors are unstable.
        """
        return self.vectors.angles(self.unstable) if 0 < self.unstable < self.k else np.empty(0)

    def group_weights(self, weights: np.ndarray) -> np.ndarray:
        """(k, G): summed weights of each group, from weights (k, N) of the neurons."""
        sums = [weights[:, group.members].sum(1) for group in self.groups]
        return np.array(sums).reshape(len(self.groups), len(weights)).T

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what arrays.npz has of the vectors; docs/vectors.md lists it."""
        vectors = self.vectors
        return {
            "vector_exponents": vectors.exponents,
            "vector_exponents_stderr": vectors.stderr,
            "vector_separated": self.separated,
            "covariant_weights": vectors.weights,
            "backward_weights": vectors.backward_weights,
            "forward_weights": self.forward_weights,
            "covariant_participation": vectors.participation,
            "covariant_participation_stderr": vectors.participation_stderr,
            "backward_participation": vectors.backward_participation,
            "forward_participation": self.forward_participation,
            "vector_times": vectors.times,
            "splitting_angles": self.angles,
            "vector_unstable": np.array(self.unstable),
            "vector_group_kinds": np.array([group.kind for group in self.groups], dtype=str),
            "vector_group_names": np.array([group.name for group in self.groups], dtype=str),
            "vector_group_sizes": np.array([group.size for group in self.groups], dtype=np.int64),
            "vector_group_weights": self.group_weights(vectors.weights),
            "vector_group_forward_weights": self.group_weights(self.forward_weights),
            **self.sensitivities.arrays(),
        }

    def frame(self) -> pd.DataFrame:
        """A row per group and exponent: its weight, the weight by size alone, and their ratio."""
        n = self.vectors.covariant.shape[2]
        weights, forward = (self.group_weights(each) for each in (self.vectors.weights, self.forward_weights))
        return pd.DataFrame([
            {"kind_of_group": group.kind, "group": group.name, "index": index + 1,
             "exponent": self.vectors.exponents[index], "size": group.size, "weight": weights[index, place],
             "expected": group.size / n, "ratio": weights[index, place] * n / group.size,
             "forward_weight": forward[index, place], "forward_ratio": forward[index, place] * n / group.size,
             "separated": self.separated[index]}
            for place, group in enumerate(self.groups) for index in range(self.k)
        ])  # fmt: skip

    def summary(self) -> str:
        """Number of vectors, leading exponent and its participation, and which vectors are determined."""
        first, separated = self.vectors.participation[0], int(self.separated.sum())
        return (f"{self.k} of {self.vectors.covariant.shape[2]} vectors; lambda_max = {self.vectors.exponents[0]:.4g}, "
                f"carried by about {first:.3g} neurons; {separated} of {self.k} exponents separated")  # fmt: skip

    def columns(self) -> dict[str, Any]:
        """Return the columns of summary.csv: participation of the leading vector, and the angles."""
        columns: dict[str, Any] = {
            "vectors": self.k,
            "participation": float(self.vectors.participation[0]),
            "participation_stderr": float(self.vectors.participation_stderr[0]),
        }
        if self.angles.size:
            columns |= {"angle_mean": float(self.angles.mean()), "angle_smallest": float(self.angles.min())}
        return columns


def check_vectors(run: Run, n: int) -> None:
    """Raise ConfigError for more vectors than exponents, or than fit into memory for a network of n neurons."""
    k, schedule = vectors_of(run, n), schedule_of(run)
    longest = schedule.tsim_max if schedule.tsim == "auto" else schedule.first
    interval = USUAL_INTERVAL if schedule.tons == "adaptive" else float(schedule.tons)
    intervals = (longest + schedule.frame_transient) / interval
    need = 8 * k * (2 * intervals * k + ARRAYS * min(intervals, 2 * SAMPLES) * n)
    memory = machine_memory()
    if need > memory:
        raise ConfigError(
            f"[lyapunov] vectors: expected as many as fit into {memory / 1e9:.0f} GB of memory, got {k} along "
            f"{intervals:.0f} intervals of tons, which need about {need / 1e9:.0f} GB"
        )


def vectors_of_network(
    run: Run,
    setup: Setup,
    spectrum: Spectrum,
    on_progress: Callable[[float], None] = lambda time: None,
) -> NetworkVectors:
    """Return the covariant vectors along the record of the spectrum, from the same state and frame.

    Raises ConfigError for more vectors than exponents, and FloatingPointError where there is no attractor or a
    direction vanishes.
    """
    k = vectors_of(run, setup.size)
    schedule = replace(schedule_of(run), tsim=spectrum.tsim, tons=spectrum.interval)
    every = max(1, -(-round(spectrum.tsim / spectrum.interval) // SAMPLES))
    system = system_of(run, setup)
    vectors = covariant_vectors(
        system,
        spectrum_state(run, setup),
        setup.frame[:k],
        schedule,
        every=every,
        on_progress=on_progress,
    )
    groups = groups_of_run(run, setup)
    sensitivities = network_sensitivities(double(setup.network), system, vectors, groups, on_progress)
    forward = forward_vectors(system, vectors, schedule.frame_transient, setup.frame, on_progress)
    return NetworkVectors(vectors, spectrum, groups, sensitivities, forward)


def groups_of_run(run: Run, setup: Setup) -> tuple[LabelGroup, ...]:
    """Return the groups of the neurons of a run, by the labels of its connectome and by sign."""
    return tuple(label_groups(with_labels(run, setup.connectome), setup.connectome.signs))


def time_of_vectors(run: Run, k: int) -> float:
    """Return the time of a spectrum of k exponents that takes about as long as the run's vectors and sensitivities."""
    vectors, schedule = run.config.lyapunov.vectors, schedule_of(run)
    if not vectors:
        return 0.0
    windows = min(schedule.first, MOST_WINDOWS * WINDOW)
    gradients = GRADIENT_COST * vectors * windows
    forward = (1 + GRADIENT_COST) * (schedule.first + schedule.frame_transient)
    return (1 + vectors) / (1 + k) * (simulated_time(schedule) + schedule.frame_transient + gradients + forward)


def vectors_of_runs(
    runs: Sequence[Run],
    setups: Sequence[Any],
    spectra: Sequence[Sequence[Spectrum]],
    on_progress: Callable[[float], None],
) -> list[NetworkVectors | str | None]:
    """Return the vectors of each run; None where none are asked for or the run is lost, or why there are none."""
    results: list[NetworkVectors | str | None] = []
    for run, setup, (spectrum, *_) in zip(runs, setups, spectra, strict=True):
        if not run.config.lyapunov.vectors or spectrum.diverged or spectrum.unbounded:
            results.append(None)
            continue
        try:
            results.append(vectors_of_network(run, setup, spectrum, on_progress))
        except FloatingPointError as error:
            results.append(f"no covariant vectors: {error}")
    return results
