"""What kind = fit reads: the model that infers dynamics from recordings."""

from dataclasses import dataclass

from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Reader, all_but, only
from randomnet.settings.values import Choice, Integer, Number

UNCONNECTED = Condition(
    "inference.architecture is not network", lambda config: config.inference.architecture != "network"
)
NODE = Condition("inference.architecture = node", lambda config: config.inference.architecture == "node")
LFADS = Condition("inference.architecture = lfads", lambda config: config.inference.architecture == "lfads")
INFERRING = Condition(
    "inference.architecture = lfads and inference.inferred_inputs is above 0",
    lambda config: config.inference.architecture == "lfads" and config.inference.inferred_inputs > 0,
)
AUTOREGRESSIVE = Condition(
    "inference.inferred_inputs is above 0 and inference.prior = autoregressive",
    lambda config: INFERRING.holds(config) and config.inference.prior == "autoregressive",
)


@dataclass(frozen=True)
class InferenceSection(Section):
    """[inference] What is fitted to spikes; defaults of several options depend on the model, see the README."""

    architecture: str = option(
        Choice(("gru", "rnn", "linear", "node", "lfads", "network")),
        "gru",
        "Autoencoders whose initial state a cell unrolls (GRU, tanh RNN, linear, neural ODE) or the network that [net] "
        "and [model] describe; or LFADS.",
    )
    hidden_size: int = option(
        Integer(1, 10_000),
        128,
        "Units of the cell, or of the generator of LFADS.",
        only=UNCONNECTED,
    )
    encoder_size: int = option(
        Integer(1, 10_000),
        100,
        "Units of the encoder, in each direction.",
    )
    dropout: float = option(
        Number(0, 0.99),
        0.05,
        "Share of the encoder's last states (of LFADS of more) that each update leaves out.",
    )
    inputs_used: str = option(
        Choice(("noisy", "true", "none")),
        "noisy",
        "Inputs that the model is given: those that the recorded system received, the same without their noise, or "
        "none; noise that is known gives variance away.",
    )
    mlp_layers: int = option(Integer(1, 100), 6, "Hidden layers of a neural ODE.", only=NODE)
    mlp_units: int = option(Integer(1, 10_000), 128, "Units in each of them.", only=NODE)
    n_factors: int = option(Integer(1, 10_000), 20, "Factors, which the log rates are linear in.", only=LFADS)
    inferred_inputs: int = option(
        Integer(0, 1000), 0, "Inputs that a controller infers from the spikes; 0 = no controller.", only=LFADS
    )
    controller_size: int = option(Integer(1, 10_000), 128, "Units of the controller.", only=INFERRING)
    prior: str = option(
        Choice(("autoregressive", "student_t")),
        "autoregressive",
        "Prior of the inferred inputs, of variance 0.1: an AR(1) process, or independent Student's t with 3 degrees of "
        "freedom.",
        only=INFERRING,
    )
    prior_tau: float = option(
        Number(0, above=True), 10.0, "Bins after which the AR(1) process forgets.", only=AUTOREGRESSIVE
    )
    kl_ic: float = option(Number(0), 1e-6, "Weight of the initial condition's divergence from its prior.", only=LFADS)
    kl_co: float = option(Number(0), 1e-5, "Weight of the inferred inputs' divergence from theirs.", only=INFERRING)
    l2: float = option(Number(0), 1e-4, "Weight of half the mean square of recurrent weights.", only=LFADS)
    coordinated: float = option(
        Number(0, 0.99),
        0.3,
        "Coordinated dropout: share of the held-in spikes that an update hides from the model, and learns from alone, "
        "with those of held-out neurons; 0 = none.",
        only=LFADS,
    )


FIT = Reader(
    "fit",
    "Fit models that infer dynamics to recorded spikes.",
    reads=reads.LATER_STAGE
    | reads.NETWORK
    | reads.WITHOUT_FACTORS
    | {
        "paths": only("path_to_network", "path_to_results"),
        "model": only("activation", "dt", "tau", "integrator", "form", "groups"),
        "source": ALL,
        "inference": ALL,
        "trainvalidate": only(
            *("optimizer", "lr", "epochs", "iterations", "init", "remap_w"),
            *("clip_norm", "early_stopping", "batch_size", *reads.DECAYS),
        ),
        "execution": all_but("batch_runs", "memory_budget"),
    },
    sections={"inference": InferenceSection},
    defaults={
        "trainvalidate.epochs": 500,
        "trainvalidate.clip_norm": 0.01,
        "trainvalidate.early_stopping": 100,
        "trainvalidate.batch_size": 250,
    },
    choice="inference.architecture",
    choice_defaults={
        "gru": {"trainvalidate.lr": 0.002},
        "rnn": {"trainvalidate.lr": 0.005},
        "linear": {"trainvalidate.lr": 0.0001},
        "node": {"trainvalidate.lr": 0.002, "inference.hidden_size": 10},
        "lfads": {
            "trainvalidate.lr": 0.001,
            "trainvalidate.optimizer": "AdamW",
            "trainvalidate.epochs": 1000,
            "inference.encoder_size": 128,
            "inference.dropout": 0.02,
            "trainvalidate.weight_decay": 1e-5,
            "trainvalidate.eps": 1e-7,
            "trainvalidate.plateau_factor": 0.95,
        },
        "network": {"trainvalidate.lr": 0.002},
    },
    module="randomnet.kinds.fit.run",
)
