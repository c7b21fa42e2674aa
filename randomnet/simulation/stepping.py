"""A trained network with dynamics of its own, run one step at a time where its inputs depend on its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from randomnet.simulation.network import RateNetwork, State
from randomnet.simulation.trainable import Sampler, TrainableRateNetwork


class DrawsNoise(Protocol):
    """Noise that is drawn anew at every update."""

    def sampler(self, trials: int, like: Tensor) -> Sampler:
        """The standard normal numbers of the next update, for so many trials and the N of `like`."""
        ...


@dataclass(frozen=True, eq=False)
class _Running:
    """Where a network is in its trials: its whole state after `steps` steps, and what the next ones need."""

    network: RateNetwork
    interface: Mapping[str, Tensor]
    sample: Sampler
    state: State
    steps: int = 0


@dataclass(frozen=True, eq=False)
class RateStepper:
    """A network with its present parameters, run as `TrainableRateNetwork.run` runs it, one step at a time.

    sample: the numbers of its noise; None for the noise of all evaluations.
    """

    network: TrainableRateNetwork
    sample: Sampler | None = None

    def rest(self, batch: int) -> _Running:
        """The start of so many trials: rates 0, full resources."""
        network = self.network.rate_network(batch)
        sample = self.sample or self.network.evaluation_noise(batch)
        state = self.network.start_of_trials(network, sample)
        return _Running(network, self.network.interface_tensors(), sample, state)

    def step(self, state: _Running, x: Tensor, noise: Tensor | None = None) -> tuple[_Running, Tensor, Tensor]:
        """The next state, the rates (batch, N) and the readout, for inputs x (batch, channels).

        Its noise comes from `sample`; other noise is refused with ValueError.
        """
        if noise is not None:
            raise ValueError("noise: expected None, as the network filters noise of its own, got a tensor")
        first = state.steps
        rates, outputs, end = self.network.advance(
            state.network, state.interface, x[None], state.sample, state.state, first, first + 1, 0
        )
        return replace(state, state=end, steps=first + 1), rates[0], outputs[0]

    def with_noise(self, noise: DrawsNoise, inputs: Tensor) -> tuple["RateStepper", None]:
        """The stepper with the noise of the next update, along inputs (time, trials, channels)."""
        like = inputs.new_empty(self.network.n)
        return replace(self, sample=noise.sampler(inputs.shape[1], like)), None

