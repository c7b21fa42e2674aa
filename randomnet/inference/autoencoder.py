"""Sequence autoencoders: held-in spikes of all bins -> initial state -> a system unrolled from it -> log rates.

The encoder is a bidirectional GRU, whose final states go through dropout and a linear layer. The system that is
unrolled is a cell or a network on a connectome.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from randomnet.cells import GRU, Layer, run_bidirectional
from randomnet.inference.decoders import Decoder, restore_decoder
from randomnet.inference.interface import Inference, InferenceModel, select_prefix
from randomnet.inference.randomness import Sampler
from randomnet.inference.switching import switching_decoder_of


class Autoencoder(InferenceModel):
    """A sequence autoencoder whose encoder sees the first `heldin` neurons.

    encoder_size: units of the encoder in each direction. Raises ValueError for an impossible number of neurons or
    dropout.
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

    def infer(self, spikes: Tensor, inputs: Tensor, sampler: Sampler | None = None) -> Inference:
        """Infer from held-in spikes and inputs, with dropout where there is a sampler. Raises ValueError."""
        self.check(spikes, inputs)
        _, ends = run_bidirectional(self.forwards, self.backwards, spikes)
        start = self.to_start(sampler.dropout(ends, self.dropout) if sampler else ends)
        return self.decoder.infer(start, inputs)

    def step(self, state: Tensor, x: Tensor) -> Tensor:
        """The latents (batch, size) one bin after `state`, with inputs x (batch, channels)."""
        return self.decoder.step(state, x)

    def log_rates(self, states: Tensor) -> Tensor:
        """Log of the expected spikes per bin (..., neurons) at latents (..., size)."""
        return self.decoder.log_rates(states)

    def description(self) -> dict[str, Any]:
        """Plain values and tensors from which it is built, without its parameters."""
        return {
            "model": "autoencoder",
            "heldin": self.heldin,
            "encoder_size": self.forwards.size,
            "dropout": self.dropout,
            "decoder": self.decoder.description(),
        }


def autoencoder_of(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Autoencoder:
    """The autoencoder with a `description()` and the decoder's `values()`. Raises ValueError, or KeyError."""
    kind = description["decoder"]["kind"]
    restore = switching_decoder_of if kind == "jslds" else restore_decoder
    decoder: Decoder = restore(description["decoder"], select_prefix(values, "decoder"))
    numbers = {name: description[name] for name in ("heldin", "encoder_size", "dropout")}
    return Autoencoder(decoder=decoder, rng=np.random.default_rng(0), **numbers)


def check_numbers(heldin: int, neurons: int, dropout: float) -> None:
    """Raise ValueError for an impossible number of neurons or dropout."""
    if not 0 < heldin <= neurons:
        raise ValueError(f"heldin must be from 1 to the {neurons} neurons, got {heldin}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
