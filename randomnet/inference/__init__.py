"""Models that infer dynamics from recordings of spikes.

    autoencoder   encoder -> initial state -> a cell or a network on a connectome -> rates
    lfads         the same with posteriors, factors and, optionally, inferred inputs
    decoders      the systems that are unrolled from the initial state
    switching     JSLDS: a cell with its own linearisation around learnt expansion points
    objective     the likelihood of spikes, coordinated dropout, batches and validation, for `training.fit`
    losses        Poisson likelihood, divergences, priors, the ramp of the penalties
    randomness    dropout and samples that are identical after a resume

The encoder sees held-in neurons only; the readouts of held-out neurons learn on training trials only.
Source: Versteeg et al. 2025 (Computation-Thru-Dynamics Benchmark).
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from randomnet.inference.autoencoder import Autoencoder, autoencoder_of
from randomnet.inference.decoders import CellDecoder, Decoder, NetworkDecoder, restore_decoder
from randomnet.inference.interface import Inference, InferenceModel
from randomnet.inference.lfads import Lfads, Sizes, lfads_of
from randomnet.inference.losses import PRIORS, gaussian_kl, poisson, ramp
from randomnet.inference.objective import (
    Fold,
    LossWeights,
    SpikeObjective,
    fold_scores,
    forward_rates,
    inferred_arrays,
    log_rates_of,
    make_fold,
)
from randomnet.inference.randomness import Sampler, TrialOrder, UpdateSamplers
from randomnet.inference.switching import SwitchingDecoder

__all__ = [
    "PRIORS",
    "Autoencoder",
    "CellDecoder",
    "Decoder",
    "Fold",
    "Inference",
    "InferenceModel",
    "Lfads",
    "LossWeights",
    "NetworkDecoder",
    "Sampler",
    "Sizes",
    "SpikeObjective",
    "SwitchingDecoder",
    "TrialOrder",
    "UpdateSamplers",
    "fold_scores",
    "forward_rates",
    "gaussian_kl",
    "inferred_arrays",
    "log_rates_of",
    "make_fold",
    "poisson",
    "ramp",
    "restore_decoder",
    "restore_model",
]


def restore_model(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> InferenceModel:
    """The model with a `description()` and `values()`. Raises ValueError where these do not fit.

    >>> import numpy as np
    >>> from randomnet.cells import CELLS
    >>> from randomnet.inference import Autoencoder, CellDecoder, restore_model
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(2, CellDecoder(CELLS['gru'](0, 4, rng), 3, rng), rng, 4, 0.0)
    >>> restore_model(model.description(), model.values()).neurons
    3
    """
    builders = {"autoencoder": lambda: autoencoder_of(description, values), "lfads": lambda: lfads_of(description)}
    name = description.get("model")
    if name not in builders:
        raise ValueError(f"model must be one of {', '.join(builders)}, got {name!r}")
    model = builders[name]()
    model.assign(values)
    return model
