"""Runs of kind = simulate as one network of many columns, with one column per trajectory of each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.build import external_input, pretrained
from randomnet.build.initial_rates import initial_rates, trajectory_count
from randomnet.build.low_rank import factors_of, with_factors
from randomnet.build.populations import PopulationView, plastic_blocks, silenced_neurons
from randomnet.build.precisions import PRECISIONS
from randomnet.schema.config import Config
from randomnet.simulation import (
    Adaptation,
    Couplings,
    FeedForward,
    InputPlasticity,
    Noise,
    Plasticity,
    RateNetwork,
    SlowCurrent,
    State,
    couplings,
)


def structure_of(view: PopulationView) -> tuple:
    """Return what networks must share to be simulated as one: their parts, but not the numbers in these."""
    config = view.run.config
    dynamics = config.dynamics
    return (
        view.names,
        view.index.tobytes(),
        config.model.activation,
        dynamics.rate_filter,
        dynamics.tau_syn == "none",
        dynamics.nmda_fraction > 0,
        dynamics.adapts,
        plastic_blocks(view),
        dynamics.plastic_input,
        dynamics.plastic_factors,
        config.net.rank,
        dynamics.noisy and dynamics.noise_on,
        tuple((event.population, event.pattern) for event in config.simulation.events),
    )


@dataclass(frozen=True, eq=False)
class BatchedNetwork:
    """Runs of one structure as one network of C columns.

    first_only: whether each run has its first trajectory only.
    """

    views: Sequence[PopulationView]
    first_only: bool = False

    @property
    def config(self) -> Config:
        """The configuration of the first run, for what all runs share."""
        return self.views[0].run.config

    @property
    def trials(self) -> int:
        """The number of columns of each run."""
        return 1 if self.first_only else trajectory_count(self.config)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of all runs."""
        return PRECISIONS[self.config.trainvalidate.precision]

    def to_columns(self, values: Sequence[Any]) -> np.ndarray:
        """Return one value, or array, of each run as one of each column."""
        return np.repeat(np.stack(values), self.trials, axis=0)

    def by_neuron(self, key: str, section: str = "dynamics") -> np.ndarray:
        """Return an option (C, N) that has a value for each population."""
        return self.to_columns([view.of_neurons(section, key) for view in self.views])

    def by_run(self, key: str) -> np.ndarray:
        """Return an option (C, 1) of [dynamics] that is one number."""
        return self.to_columns([[getattr(view.run.config.dynamics, key)] for view in self.views])

    def generators(self) -> list[np.random.Generator]:
        """Return the generator of each run's noise, at its beginning."""
        return [view.run.generator("noise", view.run.config.dynamics.noise_seed) for view in self.views]

    def network(self) -> RateNetwork:
        """Return all networks as one. Raises ConfigError."""
        silenced = self.config.simulation.silences
        return RateNetwork(
            self._couplings(),
            ACTIVATIONS[self.config.model.activation],
            self.config.model.dt,
            **self.parts(),
            silenced=self.to_columns([silenced_neurons(view) for view in self.views]) if silenced else None,
        )

    def parts(self) -> dict[str, Any]:
        """Return what [dynamics] adds to the networks, as arguments of RateNetwork. Raises ConfigError."""
        dynamics = self.config.dynamics
        return {
            "tau_rate": self.by_neuron("tau", "model") if dynamics.rate_filter else None,
            "tau_syn": None if dynamics.tau_syn == "none" else self.by_neuron("tau_syn"),
            "threshold": self.by_neuron("threshold") + self._trained(1, 0.0),
            "gain": self.by_neuron("response_gain") * self._trained(0, 1.0),
            "rate_max": self.by_neuron("rate_max"),
            "slow": self._slow_current() if dynamics.nmda_fraction else None,
            "adaptation": self._adaptation() if dynamics.adapts else None,
            "plasticity": tuple(self._plasticity(*block) for block in plastic_blocks(self.views[0])),
            "input_plasticity": self._input_plasticity() if dynamics.plastic_input else None,
            "noise": self._noise() if dynamics.noisy else None,
        }

    def input(self) -> FeedForward:
        """Return the external input of all runs. Raises ConfigError."""
        none = np.zeros(self.views[0].connectome.n)
        drives = [view.connectome.drive for view in self.views]
        return FeedForward(
            self.to_columns([none if drive is None else drive for drive in drives]),
            self.views[0].index,
            self.config.model.dt,
            external_input.stack_events([external_input.scaled_events(view) for view in self.views], self.trials),
            before=self.to_columns([[external_input.early_input_factor(view)] for view in self.views]),
            tau=self.to_columns([[external_input.input_tau(view)] for view in self.views]),
            dtype=self.dtype,
            series=self._series(),
        )

    def _series(self) -> np.ndarray | None:
        """Return the input of simulation.input_file, (1 or C, steps, N); None without files. Raises ConfigError."""
        series = [external_input.input_series(view) for view in self.views]
        if self.first_only:
            series = [values if values is None else values[:1] for values in series]
        return external_input.stack_series(series, self.trials, self.views[0].connectome.n)

    def start(self, network: RateNetwork, generators: Sequence[np.random.Generator]) -> State:
        """Return the initial state of all runs."""
        return network.start(np.concatenate([initial_rates(view)[: self.trials] for view in self.views]), generators)

    def _couplings(self) -> Couplings:
        weights = couplings(
            (with_factors(view.run, view.connectome) for view in self.views),
            self.views[0].index,
            trials=self.trials,
            plastic=plastic_blocks(self.views[0]),
            split=self.config.dynamics.nmda_fraction > 0,
            dtype=self.dtype,
        )
        if not self.config.net.rank:
            return weights
        output, selection = zip(*(factors_of(view.run, view.connectome) for view in self.views), strict=True)
        adds = self.config.net.factor_on == "all"
        plastic = self.config.dynamics.plastic_factors
        return weights.with_low_rank(self.to_columns(output), self.to_columns(selection), adds, plastic)

    def _trained(self, which: int, neutral: float) -> float | np.ndarray:
        """Return the gains (0) or shifts (1) of the simulated trained networks, (C, N), or the neutral number."""
        if not self.config.has_role("simulation") or not self.config.paths.pretrained:
            return neutral
        stored = [pretrained.trained_gains(view.run) for view in self.views]
        none = np.full(self.views[0].connectome.n, neutral)
        return self.to_columns([none if values is None else values[which] for values in stored])

    def _slow_current(self) -> SlowCurrent:
        return SlowCurrent(self.by_run("nmda_fraction"), self.by_neuron("tau_nmda"))

    def _adaptation(self) -> Adaptation:
        return Adaptation(self.by_neuron("adaptation"), self.by_neuron("tau_adaptation"))

    def _plasticity(self, post: int, pre: int) -> Plasticity:
        return Plasticity(
            post,
            pre,
            use=self.by_run("use"),
            tau_facilitation=self.by_run("tau_facilitation"),
            tau_recovery=self.by_run("tau_recovery"),
            strength=self.by_run("plastic_strength"),
        )

    def _input_plasticity(self) -> InputPlasticity:
        return InputPlasticity(
            self.to_columns([external_input.external_weights(view) for view in self.views]),
            use=self.by_run("use_input"),
            tau_facilitation=self.by_run("tau_facilitation_input"),
            tau_recovery=self.by_run("tau_recovery_input"),
        )

    def _noise(self) -> Noise:
        return Noise(self.by_neuron("ou_noise"), self.by_run("tau_noise"), self.config.dynamics.noise_on)
