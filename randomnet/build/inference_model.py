"""The model of kind = fit that [inference] describes, before training."""

import numpy as np

from randomnet import initialisation
from randomnet.build.connectome import connectome_of
from randomnet.build.network import PRECISIONS, groups_of, tau_of
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
)
from randomnet.rnn import Network
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

LFADS_SCALE = 1e4  # of its loss, which decides what the clipped gradient is


def model_of(run: Run, heldin: int, neurons: int, channels: int) -> InferenceModel:
    """A model of so many neurons, of which the first `heldin` are seen, and inputs. Raises ConfigError."""
    chosen, rng = run.config.inference, run.generator("inference")
    if chosen.architecture == "lfads":
        sizes = Sizes(chosen.encoder_size, chosen.hidden_size, chosen.n_factors, chosen.controller_size,
                      chosen.inferred_inputs, chosen.prior, chosen.prior_tau)  # fmt: skip
        return Lfads(heldin, neurons, channels, rng, sizes, chosen.dropout)
    decoder = _decoder(run, neurons, channels, rng)
    return Autoencoder(heldin, decoder, rng, chosen.encoder_size, chosen.dropout)


def loss_weights_of(run: Run) -> LossWeights:
    """What is minimised beside the likelihood."""
    chosen = run.config.inference
    if chosen.architecture != "lfads":
        return LossWeights()
    weights = {"kl_ic": chosen.kl_ic, "kl_co": chosen.kl_co, "l2": chosen.l2}
    return LossWeights(LFADS_SCALE, weights, chosen.coordinated)


def _decoder(run: Run, neurons: int, channels: int, rng: np.random.Generator) -> Decoder:
    chosen = run.config.inference
    if chosen.architecture == "network":
        return NetworkDecoder(_network(run, neurons, channels))
    layers = {"hidden_layers": chosen.mlp_layers, "width": chosen.mlp_units}
    options = layers if chosen.architecture == "node" else {}
    return CellDecoder(CELLS[chosen.architecture](channels, chosen.hidden_size, rng, **options), neurons, rng)


def _network(run: Run, neurons: int, channels: int) -> Network:
    """The network of [net] and [model], of which the weights of all edges are trained, with inputs and a readout."""
    connectome, config = connectome_of(run), run.config
    if config.model.integrator != "euler":
        raise ConfigError(
            f"[model] integrator: expected euler with inference.architecture = network, got {config.model.integrator}"
        )
    rng = run.generator("interface")
    interface = initialisation.interface(connectome.n, channels, neurons, config.trainvalidate.init, rng)
    groups, _ = groups_of(connectome, config)
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
