"""Models that infer dynamics from recordings of spikes.

    autoencoder   encoder -> initial state -> a cell or a network on a connectome -> rates
    lfads         the same with posteriors, factors and, on demand, inferred inputs
    decoders      what is unrolled
    objective     the likelihood of spikes, dropout, batches and validation, for `training.fit`
    losses        Poisson likelihood, divergences, priors, the ramp of penalties
    draws         dropout and samples that go on where a resumed training stopped

The encoder sees held-in neurons only; the readouts of held-out neurons learn on training trials only.
Source: Versteeg et al. 2025 (Computation-Thru-Dynamics Benchmark).
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from randomnet.inference.autoencoder import Autoencoder, autoencoder_of
from randomnet.inference.decoders import CellDecoder, Decoder, NetworkDecoder, decoder_of
from randomnet.inference.draws import Chance, Draws, Order
from randomnet.inference.interface import Inferred, Inferrer
from randomnet.inference.lfads import Lfads, Sizes, lfads_of
from randomnet.inference.losses import PRIORS, gaussian_kl, poisson, ramp
from randomnet.inference.objective import (
    Fold,
    SpikeObjective,
    Terms,
    fold_of,
    inferred_arrays,
    judged,
    rates_of,
)

__all__ = [
    "PRIORS",
    "Autoencoder",
    "CellDecoder",
    "Chance",
    "Decoder",
    "Draws",
    "Fold",
    "Inferred",
    "Inferrer",
    "Lfads",
    "NetworkDecoder",
    "Order",
    "Sizes",
    "SpikeObjective",
    "Terms",
    "decoder_of",
    "fold_of",
    "gaussian_kl",
    "inferred_arrays",
    "inferrer_of",
    "judged",
    "poisson",
    "ramp",
    "rates_of",
]


def inferrer_of(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Inferrer:
    """A model of the `description()` and `values()` of one. Raises ValueError where they do not belong together."""
    built = {"autoencoder": lambda: autoencoder_of(description, values), "lfads": lambda: lfads_of(description)}
    name = description.get("model")
    if name not in built:
        raise ValueError(f"model must be one of {', '.join(built)}, got {name!r}")
    model = built[name]()
    model.assign(values)
    return model
