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
JSLDS = Condition("inference.architecture = jslds", lambda config: config.inference.architecture == "jslds")
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
    """[inference] The model that kind = fit fits to spikes. Several defaults depend on the architecture."""

    architecture: str = option(
        Choice(("gru", "lstm", "rnn", "linear", "node", "lfads", "jslds", "network")),
        "gru",
        "Model. gru, lstm, rnn (tanh), linear and node (neural ODE): sequence autoencoders whose decoder is that cell. "
        "network: an autoencoder whose decoder is the network of [net] and [model]. lfads: LFADS. jslds: a GRU that is "
        "trained with its own linearisation around learnt fixed points, whose states are the latents.",
    )
    hidden_size: int = option(
        Integer(1, 10_000),
        128,
        "Number of units of the decoder's cell, or of the generator of LFADS.",
        only=UNCONNECTED,
    )
    encoder_size: int = option(
        Integer(1, 10_000),
        100,
        "Number of units of the encoder in each direction.",
    )
    dropout: float = option(
        Number(0, 0.99),
        0.05,
        "Dropout probability of the encoder's last states; LFADS has more layers with it. The defaults are those of "
        "the published models; torch.nn.GRU has 0.",
        sizes=False,
    )
    inputs_used: str = option(
        Choice(("noisy", "true", "none")),
        "noisy",
        "Inputs that the model receives. noisy: those of the recorded system, if there are any. true: the same without "
        "noise. none: no inputs. Known noise explains variance that the model should infer.",
    )
    mlp_layers: int = option(Integer(1, 100), 6, "Number of hidden layers of a neural ODE's MLP.", only=NODE)
    mlp_units: int = option(Integer(1, 10_000), 128, "Number of units of each hidden layer of that MLP.", only=NODE)
    expansion_units: int = option(
        Integer(1, 10_000), 100, "Number of hidden units of the network that proposes fixed points.", only=JSLDS
    )
    expansion_weight: float = option(
        Number(0),
        10.0,
        "Weight of |F(h*) - h*|^2, the squared change of the GRU at the proposed fixed points.",
        only=JSLDS,
        sizes=False,
    )
    approximation_weight: float = option(
        Number(0),
        1.0,
        "Weight of the squared distance between the states of the GRU and of its linearisation.",
        only=JSLDS,
        sizes=False,
    )
    n_factors: int = option(
        Integer(1, 10_000), 20, "Number of factors of LFADS; log rates are linear in them.", only=LFADS
    )
    inferred_inputs: int = option(
        Integer(0, 1000), 0, "Number of inputs that a controller infers from the spikes; 0 = no controller.", only=LFADS
    )
    controller_size: int = option(Integer(1, 10_000), 128, "Number of units of the controller.", only=INFERRING)
    prior: str = option(
        Choice(("autoregressive", "student_t")),
        "autoregressive",
        "Prior of the inferred inputs, with variance 0.1. autoregressive: an AR(1) process. student_t: independent "
        "Student's t with 3 degrees of freedom.",
        only=INFERRING,
    )
    prior_tau: float = option(
        Number(0, above=True), 10.0, "Time constant of the AR(1) process, in bins.", only=AUTOREGRESSIVE
    )
    kl_ic: float = option(
        Number(0),
        1e-6,
        "Weight of the KL divergence between posterior and prior of the initial condition.",
        only=LFADS,
        sizes=False,
    )
    kl_co: float = option(
        Number(0),
        1e-5,
        "Weight of the KL divergence between posterior and prior of the inferred inputs.",
        only=INFERRING,
        sizes=False,
    )
    l2: float = option(Number(0), 1e-4, "Weight of half the mean square of recurrent weights.", only=LFADS, sizes=False)
    coordinated: float = option(
        Number(0, 0.99),
        0.3,
        "Rate of coordinated dropout: the fraction of held-in spikes that an update hides. The loss of that update "
        "uses only hidden spikes and those of held-out neurons; 0 = none.",
        only=LFADS,
        sizes=False,
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
        **reads.HALVED,
        "source": all_but("which"),
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
        "trainvalidate.weight_decay": 0.0,
    },
    choice="inference.architecture",
    choice_defaults={
        "gru": {"trainvalidate.lr": 0.002},
        "lstm": {"trainvalidate.lr": 0.002},
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
        "jslds": {"trainvalidate.lr": 0.002},
        "network": {"trainvalidate.lr": 0.002},
    },
    module="randomnet.kinds.fit.run",
)
