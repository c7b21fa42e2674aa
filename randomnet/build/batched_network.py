"""Runs of kind = simulate as one network of many columns: those of each run, one per trajectory, beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.build import populations
from randomnet.build.low_rank import factors_of, with_factors
from randomnet.build.network import PRECISIONS
from randomnet.build.populations import Populace
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


def structure(about: Populace) -> tuple:
    """What networks side by side have in common: parts, not numbers."""
    config = about.run.config
    dynamics = config.dynamics
    return (
        about.names,
        about.index.tobytes(),
        config.model.activation,
        dynamics.rate_filter,
        dynamics.tau_syn == "none",
        dynamics.nmda_fraction > 0,
        dynamics.adapts,
        populations.plastic(about),
        dynamics.plastic_input,
        config.net.rank,
        dynamics.noisy and dynamics.noise_on,
        tuple((event.population, event.pattern) for event in config.simulation.events),
    )


@dataclass(frozen=True, eq=False)
class Columns:
    """Runs of one structure; alone: of the first trajectory only."""

    abouts: Sequence[Populace]
    alone: bool = False

    @property
    def config(self) -> Config:
        """That of the first run, for what all have in common."""
        return self.abouts[0].run.config

    @property
    def trials(self) -> int:
        """Columns of each run."""
        return 1 if self.alone else populations.trajectories(self.config)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of all."""
        return PRECISIONS[self.config.trainvalidate.precision]

    def laid(self, values: Sequence[Any]) -> np.ndarray:
        """One value, or array, of each run as one of each column."""
        return np.repeat(np.stack(values), self.trials, axis=0)

    def named(self, key: str, section: str = "dynamics") -> np.ndarray:
        """(C, N): what is chosen by population."""
        return self.laid([about.of_neurons(section, key) for about in self.abouts])

    def single(self, key: str) -> np.ndarray:
        """(C, 1): what is one number of each run."""
        return self.laid([[getattr(about.run.config.dynamics, key)] for about in self.abouts])

    def generators(self) -> list[np.random.Generator]:
        """Of each run's noise, from its beginning on."""
        return [about.run.generator("noise", about.run.config.dynamics.noise_seed) for about in self.abouts]

    def network(self) -> RateNetwork:
        """All networks as one. Raises ConfigError."""
        dynamics, silenced = self.config.dynamics, self.config.simulation.silences
        return RateNetwork(
            self._couplings(),
            ACTIVATIONS[self.config.model.activation],
            self.config.model.dt,
            tau_rate=self.named("tau", "model") if dynamics.rate_filter else None,
            tau_syn=None if dynamics.tau_syn == "none" else self.named("tau_syn"),
            threshold=self.named("threshold"),
            gain=self.named("response_gain"),
            rate_max=self.named("rate_max"),
            slow=SlowCurrent(self.single("nmda_fraction"), self.named("tau_nmda")) if dynamics.nmda_fraction else None,
            adaptation=self._adaptation() if dynamics.adapts else None,
            plasticity=tuple(self._plasticity(*block) for block in populations.plastic(self.abouts[0])),
            input_plasticity=self._input_plasticity() if dynamics.plastic_input else None,
            noise=self._noise() if dynamics.noisy else None,
            silenced=self.laid([populations.silent(about) for about in self.abouts]) if silenced else None,
        )

    def input(self) -> FeedForward:
        """The external input of all. Raises ConfigError."""
        none = np.zeros(self.abouts[0].connectome.n)
        drives = [about.connectome.drive for about in self.abouts]
        return FeedForward(
            self.laid([none if drive is None else drive for drive in drives]),
            self.abouts[0].index,
            self.config.model.dt,
            populations.side_by_side([populations.events_of(about) for about in self.abouts], self.trials),
            before=self.laid([[populations.weakness(about)] for about in self.abouts]),
            tau=self.laid([[populations.input_tau(about)] for about in self.abouts]),
            dtype=self.dtype,
        )

    def start(self, network: RateNetwork, generators: Sequence[np.random.Generator]) -> State:
        """The state that all begin with."""
        return network.start(np.concatenate([populations.initial_rates(about)[: self.trials] for about in self.abouts]),
                             generators)  # fmt: skip

    def _couplings(self) -> Couplings:
        found = couplings(
            (with_factors(about.run, about.connectome) for about in self.abouts),
            self.abouts[0].index,
            trials=self.trials,
            plastic=populations.plastic(self.abouts[0]),
            split=self.config.dynamics.nmda_fraction > 0,
            dtype=self.dtype,
        )
        if not self.config.net.rank:
            return found
        output, selection = zip(*(factors_of(about.run, about.connectome) for about in self.abouts), strict=True)
        beside = self.config.net.factor_on == "all"
        return found.with_low_rank(self.laid(output), self.laid(selection), beside)

    def _adaptation(self) -> Adaptation:
        return Adaptation(self.named("adaptation"), self.named("tau_adaptation"))

    def _plasticity(self, post: int, pre: int) -> Plasticity:
        return Plasticity(
            post,
            pre,
            use=self.single("use"),
            tau_facilitation=self.single("tau_facilitation"),
            tau_recovery=self.single("tau_recovery"),
            strength=self.single("plastic_strength"),
        )

    def _input_plasticity(self) -> InputPlasticity:
        return InputPlasticity(
            self.laid([populations.worth(about) for about in self.abouts]),
            use=self.single("use_input"),
            tau_facilitation=self.single("tau_facilitation_input"),
            tau_recovery=self.single("tau_recovery_input"),
        )

    def _noise(self) -> Noise:
        return Noise(self.named("ou_noise"), self.single("tau_noise"), self.config.dynamics.noise_on)
