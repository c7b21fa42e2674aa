"""Models that infer dynamics from recordings; how they are trained is in [trainvalidate]."""

from dataclasses import dataclass

from randomnet.config.option import FIT, Section, option
from randomnet.config.values import Choice, Integer, Number

UNCONNECTED = ("inference.model is not network", lambda config: config.inference.model != "network")
NODE = ("inference.model = node", lambda config: config.inference.model == "node")
LFADS = ("inference.model = lfads", lambda config: config.inference.model == "lfads")
INFERRING = (
    "inference.model = lfads and inference.inferred_inputs is above 0",
    lambda config: config.inference.model == "lfads" and config.inference.inferred_inputs > 0,
)
AUTOREGRESSIVE = (
    "inference.inferred_inputs is above 0 and inference.prior = autoregressive",
    lambda config: INFERRING[1](config) and config.inference.prior == "autoregressive",
)
PLATEAU = ("inference.plateau_factor is below 1", lambda config: config.inference.plateau_factor < 1)


@dataclass(frozen=True)
class InferenceSection(Section):
    """[inference] What is fitted to spikes; defaults of several options depend on the model, see the README."""

    read_by = FIT

    model: str = option(
        Choice(("gru", "rnn", "linear", "node", "lfads", "network")),
        "gru",
        "Autoencoders whose initial state a cell unrolls (GRU, tanh RNN, linear, neural ODE) or the network that [net] "
        "and [model] describe; or LFADS.",
    )
    latent: int = option(
        Integer(1, 10_000),
        128,
        "Units of the cell, or of the generator of LFADS.",
        only=UNCONNECTED,
        defaults={"node": 10},
    )
    encoder_size: int = option(
        Integer(1, 10_000),
        100,
        "Units of the encoder, in each direction.",
        defaults={"lfads": 128},
    )
    dropout: float = option(
        Number(0, 0.99),
        0.05,
        "Share of the encoder's last states (of LFADS of more) that each update leaves out.",
        defaults={"lfads": 0.02},
    )
    inputs_used: str = option(
        Choice(("noisy", "true", "none")),
        "noisy",
        "Inputs that the model is given: those that the recorded system received, the same without their noise, or "
        "none; noise that is known gives variance away.",
    )
    node_layers: int = option(Integer(1, 100), 6, "Hidden layers of a neural ODE.", only=NODE)
    node_width: int = option(Integer(1, 10_000), 128, "Units in each of them.", only=NODE)
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
    weight_decay: float = option(
        Number(0), 0.0, "Weight decay: of AdamW decoupled, of the others a part of the gradient.",
        defaults={"lfads": 1e-5},
    )  # fmt: skip
    eps: float = option(
        Number(0, above=True), 1e-8, "What the optimizer adds to its roots.", defaults={"lfads": 1e-7}
    )
    plateau_factor: float = option(
        Number(0, 1, above=True),
        1.0,
        "The learning rate is multiplied by it each time the validation loss has not fallen for more than "
        "plateau_patience epochs; 1 = never.",
        defaults={"lfads": 0.95},
    )
    plateau_patience: int = option(Integer(0), 6, "Epochs that are waited for a lower loss.", only=PLATEAU)
    plateau_lr: float = option(Number(0), 1e-5, "The learning rate is lowered to this at most.", only=PLATEAU)
