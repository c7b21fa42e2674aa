"""From a Run's config to the untrained model of kind = fit, by [inference]."""

import numpy as np

from randomnet import initialisation
from randomnet.build.connectome import connectome_of
from randomnet.build.network import PRECISIONS, parameter_groups, tau_of
from randomnet.cells import CELLS
from randomnet.inference import (
    Autoencoder,
    CellDecoder,
    Decoder,
    InferenceModel,
    Lfads,
    LossWeights,
    NetworkDecoder,
    Sizes,
    SwitchingDecoder,
)
from randomnet.rnn import Network
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

LFADS_SCALE = 1e4  # factor of its loss, on which the clipped gradient depends


def model_of(run: Run, heldin: int, neurons: int, channels: int) -> InferenceModel:
    """Return a model of `neurons` neurons, the first `heldin` of which it sees, and inputs. Raises ConfigError."""
    inference, rng = run.config.inference, run.generator("inference")
    if inference.architecture == "lfads":
        sizes = Sizes(inference.encoder_size, inference.hidden_size, inference.n_factors, inference.controller_size,
                      inference.inferred_inputs, inference.prior, inference.prior_tau)  # fmt: skip
        return Lfads(heldin, neurons, channels, rng, sizes, inference.dropout)
    decoder = _decoder(run, neurons, channels, rng)
    return Autoencoder(heldin, decoder, rng, inference.encoder_size, inference.dropout)


def loss_weights_of(run: Run) -> LossWeights:
    """Return the weights of the loss terms besides the likelihood."""
    inference = run.config.inference
    if inference.architecture == "jslds":
        weights = {"expansion": inference.expansion_weight, "approximation": inference.approximation_weight}
        return LossWeights(weights=weights, ramps=False)
    if inference.architecture != "lfads":
        return LossWeights()
    weights = {"kl_ic": inference.kl_ic, "kl_co": inference.kl_co, "l2": inference.l2}
    return LossWeights(LFADS_SCALE, weights, inference.coordinated)


def _decoder(run: Run, neurons: int, channels: int, rng: np.random.Generator) -> Decoder:
    inference = run.config.inference
    if inference.architecture == "network":
        return NetworkDecoder(_network(run, neurons, channels))
    if inference.architecture == "jslds":
        cell = CELLS["gru"](channels, inference.hidden_size, rng)
        return SwitchingDecoder(cell, neurons, inference.expansion_units, rng)
    layers = {"hidden_layers": inference.mlp_layers, "width": inference.mlp_units}
    options = layers if inference.architecture == "node" else {}
    return CellDecoder(CELLS[inference.architecture](channels, inference.hidden_size, rng, **options), neurons, rng)


def _network(run: Run, neurons: int, channels: int) -> Network:
    """Return the network of [net] and [model] with inputs and a readout; the weights of all edges are trained."""
    connectome, config = connectome_of(run), run.config
    if config.model.integrator != "euler":
        raise ConfigError(
            f"[model] integrator: expected euler with inference.architecture = network, got {config.model.integrator}"
        )
    rng = run.generator("interface")
    interface = initialisation.interface(connectome.n, channels, neurons, config.trainvalidate.init, rng)
    groups, _ = parameter_groups(connectome, config)
    return Network(
        connectome,
        activation=config.model.activation,
        form=config.model.form,
        dt=config.model.dt,
        tau=tau_of(run, connectome),
        groups=groups,
        trainable={"weights": np.arange(len(connectome.weights))},
        keep_signs=config.net.dales_law is not False,
        interface=interface,
        dtype=PRECISIONS["float32"],
    )
