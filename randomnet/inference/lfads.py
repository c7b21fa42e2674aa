"""LFADS: an encoder's initial condition, a generator, factors and log rates; with a controller also inferred inputs.

    encoder      GRU in both directions over the held-in spikes -> mean and log variance of the initial condition
    generator    GRU from a sample of it, its states within +-5, under the inputs that are given and inferred
    factors      W dropout(states), the rows of W of length 1
    readout      log rates, linear in the factors
    controller   at each bin, from a second encoder's states of the bins before and after it and the last factors: mean
                 and log variance of the inferred inputs

Source: Pandarinath et al. 2018; the numbers are those of Sedler and Pandarinath 2023 (lfads-torch). A GRU's state
lies between -1 and 1 but for what its start was, so that only the start is clipped.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.cells import GRU, Layer, TrainableModule, run_bidirectional
from randomnet.inference.autoencoder import check_numbers
from randomnet.inference.draws import Chance
from randomnet.inference.interface import Inferred, Inferrer
from randomnet.inference.losses import PRIORS, gaussian_kl

CLIP = 5.0  # of states
LEAST = 1e-4  # variance of a posterior
VARIANCE = 0.1  # of the priors


@dataclass(frozen=True)
class Sizes:
    """Of LFADS: units of encoders (in each direction), generator and controller, and dimensions.

    inferred: how many inputs it infers, 0 for no controller. prior: theirs, a name of PRIORS; tau: its memory, in bins.
    Raises ValueError.
    """

    encoder: int = 128
    generator: int = 128
    factors: int = 20
    controller: int = 128
    inferred: int = 0
    prior: str = "autoregressive"
    tau: float = 10.0

    def __post_init__(self) -> None:
        if self.prior not in PRIORS:
            raise ValueError(f"prior must be one of {', '.join(PRIORS)}, got {self.prior!r}")
        if self.inferred < 0 or not self.tau > 0 or self.factors < 1:
            raise ValueError(f"expected inferred >= 0, tau > 0 and factors >= 1, got {self.inferred}, {self.tau}, "
                             f"{self.factors}")  # fmt: skip


class Controller(TrainableModule):
    """What infers inputs: its encoder, its cell, and the layer of their means and log variances."""

    def __init__(self, heldin: int, sizes: Sizes, rng: np.random.Generator) -> None:
        super().__init__()
        self.forwards, self.backwards = (GRU(heldin, sizes.encoder, rng) for _ in range(2))
        self.cell = GRU(2 * sizes.encoder + sizes.factors, sizes.controller, rng)
        self.to_inputs = Layer(sizes.controller, 2 * sizes.inferred, rng)

    def around(self, seen: Tensor) -> Tensor:
        """(time, batch, 2 encoder): what comes before each bin, and what after it."""
        outputs, _ = run_bidirectional(self.forwards, self.backwards, seen)
        there, back = outputs.chunk(2, -1)
        none = torch.zeros_like(there[:1])
        return torch.cat([torch.cat([none, there[:-1]]), torch.cat([back[1:], none])], -1)


class Lfads(Inferrer):
    """LFADS of neurons of which the first `heldin` are seen, under `channels` given inputs. Raises ValueError."""

    def __init__(
        self,
        heldin: int,
        neurons: int,
        channels: int,
        rng: np.random.Generator,
        sizes: Sizes | None = None,
        dropout: float = 0.02,
    ) -> None:
        super().__init__()
        check_numbers(heldin, neurons, dropout)
        sizes = sizes or Sizes()
        self.heldin, self.neurons, self.channels, self.size = heldin, neurons, channels, sizes.generator
        self.sizes, self.dropout = sizes, dropout
        self.forwards, self.backwards = (GRU(heldin, sizes.encoder, rng) for _ in range(2))
        self.to_start = Layer(2 * sizes.encoder, 2 * sizes.generator, rng)
        self.generator = GRU(sizes.inferred + channels, sizes.generator, rng)
        self.generator.initial.requires_grad_(False)
        self.factor_weights = _normal((sizes.factors, sizes.generator), rng)
        self.readout_weights = _normal((neurons, sizes.factors), rng)
        self.readout_bias = nn.Parameter(torch.zeros(neurons))
        self.prior_start = nn.Parameter(torch.zeros(sizes.generator))
        if sizes.inferred:
            self.controller = Controller(heldin, sizes, rng)

    def infer(self, seen: Tensor, inputs: Tensor, chance: Chance | None = None) -> Inferred:
        """What it makes of spikes and inputs: with dropout and samples where there is chance, else with means.

        penalties: kl_ic and kl_co, sums over dimensions (and bins), means over trials; l2 of the recurrent weights.
        """
        self.check(seen, inputs)
        _, ends = run_bidirectional(self.forwards, self.backwards, seen)
        mean, variance = _posterior(self.to_start(self._dropped(ends, chance)))
        start = _sampled(mean, variance, chance).clamp(-CLIP, CLIP)
        penalties = {"kl_ic": gaussian_kl(mean, variance, self.prior_start, VARIANCE).sum(-1).mean(), "l2": self._l2()}
        given, inferred = self._dropped(inputs, chance), None
        if self.sizes.inferred:
            states, factors, inferred, penalties["kl_co"] = self._controlled(start, seen, given, chance)
        else:
            states = self.generator.unroll(start, given)
            factors = self._factors(self._dropped(states, chance))
        return Inferred(self._read(factors), states, start, factors, inferred, penalties)

    def _controlled(
        self, start: Tensor, seen: Tensor, given: Tensor, chance: Chance | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States, factors, means of the inferred inputs, and how far these are from their prior."""
        around = self._dropped(self.controller.around(seen), chance)
        state, control = start, self.controller.cell.start(len(start))
        before = self._factors(self._dropped(state, chance))
        found = []
        for about, x in zip(around.unbind(0), given.unbind(0), strict=True):
            control = self.controller.cell.step(control, torch.cat([about, self._dropped(before, chance)], -1))
            mean, variance = _posterior(self.controller.to_inputs(control))
            sample = _sampled(mean, variance, chance)
            state = self.generator.step(state, torch.cat([sample, x], -1))
            before = self._factors(self._dropped(state, chance))
            found.append((state, before, mean, variance, sample))
        states, factors, mean, variance, sample = (torch.stack(each) for each in zip(*found, strict=True))
        distance = PRIORS[self.sizes.prior](mean, variance, sample, VARIANCE, self.sizes.tau)
        return states, factors, mean, distance

    def _factors(self, states: Tensor) -> Tensor:
        return nn.functional.linear(states, nn.functional.normalize(self.factor_weights, dim=1))

    def _read(self, factors: Tensor) -> Tensor:
        return nn.functional.linear(factors, self.readout_weights, self.readout_bias)

    def _dropped(self, values: Tensor, chance: Chance | None) -> Tensor:
        return chance.dropped(values, self.dropout) if chance else values

    def _l2(self) -> Tensor:
        """Half the mean square of the recurrent weights of generator and controller, summed over these."""
        cells = [self.generator, *([self.controller.cell] if self.sizes.inferred else [])]
        return sum(0.5 * (cell.weight_hh**2).mean() for cell in cells)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The generator's state (batch, size) one bin on; inferred inputs are 0, the mean of their prior."""
        none = x.new_zeros(len(x), self.sizes.inferred)
        return self.generator.step(state, torch.cat([none, x], -1))

    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""
        return self._read(self._factors(states))

    def description(self) -> dict[str, Any]:
        """Plain values that it is built from, but for its parameters."""
        sizes = {"heldin": self.heldin, "neurons": self.neurons, "channels": self.channels}
        return {"model": "lfads", **sizes, "dropout": self.dropout, "sizes": asdict(self.sizes)}


def lfads_of(description: Mapping[str, Any]) -> Lfads:
    """That of a `description()`, for `assign`. Raises ValueError, or KeyError."""
    given = {name: description[name] for name in ("heldin", "neurons", "channels", "dropout")}
    return Lfads(rng=np.random.default_rng(0), sizes=Sizes(**description["sizes"]), **given)


def _posterior(both: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of what a layer gives as mean and log variance."""
    mean, log_variance = both.chunk(2, -1)
    return mean, log_variance.exp() + LEAST


def _sampled(mean: Tensor, variance: Tensor, chance: Chance | None) -> Tensor:
    return mean + variance.sqrt() * chance.normal(mean) if chance else mean


def _normal(shape: tuple[int, int], rng: np.random.Generator) -> nn.Parameter:
    """Weights N(0, 1 / fan in)."""
    return nn.Parameter(torch.from_numpy((rng.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float32)))
