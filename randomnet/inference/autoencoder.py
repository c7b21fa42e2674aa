"""Sequence autoencoders: all bins of held-in spikes -> initial state -> a system unrolled from it -> log rates.

The encoder is a GRU in both directions, whose last states go through dropout and a linear layer. The system that is
unrolled is a cell or a network on a connectome.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from randomnet.cells import GRU, Layer, run_bidirectional
from randomnet.inference.decoders import Decoder, decoder_of
from randomnet.inference.draws import Chance
from randomnet.inference.interface import Inferred, Inferrer


class Autoencoder(Inferrer):
    """Of neurons of which the first `heldin` are seen; encoder_size: of the encoder, in each direction.

    Raises ValueError for numbers that cannot be.
    """

    def __init__(
        self, heldin: int, decoder: Decoder, rng: np.random.Generator, encoder_size: int = 100, dropout: float = 0.05
    ) -> None:
        super().__init__()
        check_numbers(heldin, decoder.neurons, dropout)
        self.heldin, self.neurons, self.channels = heldin, decoder.neurons, decoder.channels
        self.size, self.dropout = decoder.size, dropout
        self.forwards, self.backwards = (GRU(heldin, encoder_size, rng) for _ in range(2))
        self.to_start = Layer(2 * encoder_size, decoder.size, rng)
        self.decoder = decoder

    def infer(self, seen: Tensor, inputs: Tensor, chance: Chance | None = None) -> Inferred:
        """What it makes of spikes and inputs, with dropout where there is chance. Raises ValueError."""
        self.check(seen, inputs)
        _, ends = run_bidirectional(self.forwards, self.backwards, seen)
        start = self.to_start(chance.dropped(ends, self.dropout) if chance else ends)
        states, log_rates = self.decoder.decode(start, inputs)
        return Inferred(log_rates, states, start)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The latents (batch, size) one bin after `state`, under inputs x (batch, channels)."""
        return self.decoder.step(state, x)

    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""
        return self.decoder.log_rates(states)

    def description(self) -> dict[str, Any]:
        """Plain values and tensors that it is built from, but for its parameters."""
        return {
            "model": "autoencoder",
            "heldin": self.heldin,
            "encoder_size": self.forwards.size,
            "dropout": self.dropout,
            "decoder": self.decoder.description(),
        }


def autoencoder_of(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Autoencoder:
    """That of a `description()` and `values()`. Raises ValueError, or KeyError."""
    own = {name.removeprefix("decoder."): value for name, value in values.items() if name.startswith("decoder.")}
    decoder = decoder_of(description["decoder"], own)
    built = {name: description[name] for name in ("heldin", "encoder_size", "dropout")}
    return Autoencoder(decoder=decoder, rng=np.random.default_rng(0), **built)


def check_numbers(heldin: int, neurons: int, dropout: float) -> None:
    """ValueError for numbers of neurons, or a dropout, that cannot be."""
    if not 0 < heldin <= neurons:
        raise ValueError(f"heldin must be from 1 to the {neurons} neurons, got {heldin}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
