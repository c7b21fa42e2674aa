"""LFADS: an encoder's initial condition, a generator, factors and log rates; with a controller also inferred inputs.

    encoder      bidirectional GRU over the held-in spikes -> mean and log variance of the initial condition
    generator    GRU from a sample of it, its states within +-5, driven by the external and the inferred inputs
    factors      W dropout(states), where the rows of W have length 1
    readout      log rates, linear in the factors
    controller   GRU that gives mean and log variance of the inferred inputs at each bin; it reads the last factors and
                 the states of a second encoder before and after the bin

Source: Pandarinath et al. 2018; the constants are those of Sedler and Pandarinath 2023 (lfads-torch). The state of a
GRU stays between -1 and 1 unless it starts outside, so only the start is clipped.
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
from randomnet.inference.interface import Inference, InferenceModel
from randomnet.inference.losses import PRIORS, gaussian_kl
from randomnet.inference.randomness import Sampler

STATE_LIMIT = 5.0  # largest absolute value of a start
MIN_VARIANCE = 1e-4  # of a posterior
PRIOR_VARIANCE = 0.1


@dataclass(frozen=True)
class Sizes:
    """The sizes of LFADS: units of the encoders (in each direction), of generator and controller; number of factors.

    inferred: number of inferred inputs, 0 for no controller. prior: the prior of these inputs, a name of PRIORS; tau:
    its time constant, in bins. Raises ValueError.
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
    """The controller: its encoder, its cell, and the layer for means and log variances of the inferred inputs."""

    def __init__(self, heldin: int, sizes: Sizes, rng: np.random.Generator) -> None:
        super().__init__()
        self.forwards, self.backwards = (GRU(heldin, sizes.encoder, rng) for _ in range(2))
        self.cell = GRU(2 * sizes.encoder + sizes.factors, sizes.controller, rng)
        self.to_inputs = Layer(sizes.controller, 2 * sizes.inferred, rng)

    def context(self, spikes: Tensor) -> Tensor:
        """(time, batch, 2 encoder): encodings of the spikes before each bin, and of those after it."""
        outputs, _ = run_bidirectional(self.forwards, self.backwards, spikes)
        forward, backward = outputs.chunk(2, -1)
        zeros = torch.zeros_like(forward[:1])
        return torch.cat([torch.cat([zeros, forward[:-1]]), torch.cat([backward[1:], zeros])], -1)


class Lfads(InferenceModel):
    """LFADS whose encoders see the first `heldin` neurons; channels: of the external inputs. Raises ValueError."""

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

    def infer(self, spikes: Tensor, inputs: Tensor, sampler: Sampler | None = None) -> Inference:
        """Infer from held-in spikes and inputs; with dropout and samples where there is a sampler, else with means.

        penalties: kl_ic and kl_co, sums over dimensions (and bins), means over trials; l2 of the recurrent weights.
        """
        self.check(spikes, inputs)
        _, ends = run_bidirectional(self.forwards, self.backwards, spikes)
        mean, variance = _posterior(self.to_start(self._dropout(ends, sampler)))
        start = _sample(mean, variance, sampler).clamp(-STATE_LIMIT, STATE_LIMIT)
        kl_ic = gaussian_kl(mean, variance, self.prior_start, PRIOR_VARIANCE).sum(-1).mean()
        penalties = {"kl_ic": kl_ic, "l2": self._l2()}
        inputs, inferred = self._dropout(inputs, sampler), None
        if self.sizes.inferred:
            states, factors, inferred, penalties["kl_co"] = self._run_controlled(start, spikes, inputs, sampler)
        else:
            states = self.generator.unroll(start, inputs)
            factors = self._factors(self._dropout(states, sampler))
        return Inference(self._readout(factors), states, start, factors, inferred, penalties)

    def _run_controlled(
        self, start: Tensor, spikes: Tensor, inputs: Tensor, sampler: Sampler | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States, factors, means of the inferred inputs, and their KL from the prior."""
        contexts = self._dropout(self.controller.context(spikes), sampler)
        state, control = start, self.controller.cell.start(len(start))
        factors = self._factors(self._dropout(state, sampler))
        bins = []
        for context, x in zip(contexts.unbind(0), inputs.unbind(0), strict=True):
            control = self.controller.cell.step(control, torch.cat([context, self._dropout(factors, sampler)], -1))
            mean, variance = _posterior(self.controller.to_inputs(control))
            sample = _sample(mean, variance, sampler)
            state = self.generator.step(state, torch.cat([sample, x], -1))
            factors = self._factors(self._dropout(state, sampler))
            bins.append((state, factors, mean, variance, sample))
        states, factors, mean, variance, sample = (torch.stack(each) for each in zip(*bins, strict=True))
        kl = PRIORS[self.sizes.prior](mean, variance, sample, PRIOR_VARIANCE, self.sizes.tau)
        return states, factors, mean, kl

    def _factors(self, states: Tensor) -> Tensor:
        return nn.functional.linear(states, nn.functional.normalize(self.factor_weights, dim=1))

    def _readout(self, factors: Tensor) -> Tensor:
        return nn.functional.linear(factors, self.readout_weights, self.readout_bias)

    def _dropout(self, values: Tensor, sampler: Sampler | None) -> Tensor:
        return sampler.dropout(values, self.dropout) if sampler else values

    def _l2(self) -> Tensor:
        """Half the mean square of the recurrent weights, summed over generator and controller."""
        cells = [self.generator, *([self.controller.cell] if self.sizes.inferred else [])]
        first, *others = (0.5 * (cell.weight_hh**2).mean() for cell in cells)
        return sum(others, start=first)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The generator's state (batch, size) one bin later; inferred inputs are 0, the mean of their prior."""
        inferred = x.new_zeros(len(x), self.sizes.inferred)
        return self.generator.step(state, torch.cat([inferred, x], -1))

    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""
        return self._readout(self._factors(states))

    def description(self) -> dict[str, Any]:
        """Plain values from which it is built, without its parameters."""
        sizes = {"heldin": self.heldin, "neurons": self.neurons, "channels": self.channels}
        return {"model": "lfads", **sizes, "dropout": self.dropout, "sizes": asdict(self.sizes)}


def lfads_of(description: Mapping[str, Any]) -> Lfads:
    """The LFADS with a `description()`, for `assign`. Raises ValueError, or KeyError."""
    numbers = {name: description[name] for name in ("heldin", "neurons", "channels", "dropout")}
    return Lfads(rng=np.random.default_rng(0), sizes=Sizes(**description["sizes"]), **numbers)


def _posterior(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance from a layer's mean and log variance (..., 2 D)."""
    mean, log_variance = parameters.chunk(2, -1)
    return mean, log_variance.exp() + MIN_VARIANCE


def _sample(mean: Tensor, variance: Tensor, sampler: Sampler | None) -> Tensor:
    return mean + variance.sqrt() * sampler.normal(mean) if sampler else mean


def _normal(shape: tuple[int, int], rng: np.random.Generator) -> nn.Parameter:
    """Weights N(0, 1 / fan in)."""
    return nn.Parameter(torch.from_numpy((rng.standard_normal(shape) / math.sqrt(shape[1])).astype(np.float32)))
