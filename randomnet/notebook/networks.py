"""`network`: the network that the runner trains, as a torch module; `fit`: its only training loop."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from torch import Tensor, nn

from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_networks import TrainedSystem, system_of_network
from randomnet.build.connectome import connectome_of
from randomnet.build.network import Setup, build_setup, renewed_frame
from randomnet.build.objective import objective_of, training_settings
from randomnet.connectome import Connectome
from randomnet.display import Displayed
from randomnet.notebook.activity import Activity, activity_of
from randomnet.notebook.connectomes import NotebookConnectome, options_of
from randomnet.notebook.connectomes import connectome as read_connectome
from randomnet.notebook.losses import SEED, Loss, TaskLoss, trials_of_split
from randomnet.notebook.movements import movement_of
from randomnet.notebook.options import Options, fixed_defaults, keys_of, run_of
from randomnet.objectives import stack_objectives
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import TRAINED
from randomnet.settings import nearest
from randomnet.tasks import ReachTrials, Trials
from randomnet.training import Progress
from randomnet.training import fit as training_loop

SECTIONS = ("model", "net", "trainvalidate", "dynamics", "projections", "populations", "regions")
CHANGED_BY_TASK = ("net", "model", "trainvalidate")  # whose defaults stay those of the network when a task is fitted
FACTORS = "factors"
KIND = ("experiment", "kind")
OF_A_RUN = ("lyapunov", "combosparams", "execution")  # sections that say nothing of the network
BUILT = (  # options of [trainvalidate] that define the network; the others are those of `fit`
    *(f"train_{name}" for name in (*TRAINED, FACTORS)),
    *("freeze_layer", "freeze_factors", "init", "remap_w", "number_param", "weight_bounds", "precision"),
)


class NotebookNetwork(Displayed, nn.Module):
    """A network as the runner builds it, with the run that an INI with its options has.

    module: the network itself, a `Network`, one with parts of [dynamics], or cells. run_settings: the run of kind =
    train. options: (section, key) -> value. progress: of the last `fit`; None for a network that was not trained here.
    """

    drawing: ClassVar[str] = "history"

    def __init__(self, module: Any, run_settings: Run, options: Options, setup: Setup | None = None) -> None:
        super().__init__()
        self.module: Any = module
        self.run_settings, self.options, self.setup = run_settings, options, setup
        self.progress: Progress | None = None

    @property
    def connectome(self) -> Connectome | None:
        """The connectome before training; None for cells."""
        if isinstance(self.module, CellNetwork):
            return None
        return connectome_of(self.run_settings) if self.setup is None else self.setup.connectome

    @property
    def n(self) -> int:
        """The number of units."""
        return int(self.module.n)

    @property
    def dt(self) -> float:
        """The time of a step in tau; 1 for cells."""
        return 1.0 if isinstance(self.module, CellNetwork) else self.run_settings.config.model.dt

    @property
    def history(self) -> pd.DataFrame:
        """The rows of history.csv of the last `fit`; empty before it."""
        return pd.DataFrame(self.progress.history if self.progress else [])

    def frame(self) -> pd.DataFrame | None:
        """The history; None before training."""
        return self.history if self.progress else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (batch, time, outputs) at every step of inputs (batch, time, channels); differentiable."""
        return self.module(inputs.to(next(iter(self.module.parameters()))))

    def trials(self, split: str = "validation") -> Trials | ReachTrials:
        """The trials of its task: training, validation or test. Raises ValueError for a network without a task."""
        if not self.run_settings.config.has_task:
            raise ValueError("trials(): expected a network with a task, got one without; network(c, task=task(...))")
        return trials_of_split(self.run_settings, split)

    def run(self, trials: Any = "validation") -> Activity:
        """Outputs, states and targets along trials, from the state in which trials start.

        trials: `Trials`, of this task or another one with as many channels; the name of a split; or inputs (trials,
        time, channels) as an array or tensor. Raises ValueError for shapes that do not fit.
        """
        trials = self.trials(trials) if isinstance(trials, str) else trials
        if isinstance(trials, ReachTrials):
            return movement_of(self.module, trials, self.run_settings)
        return activity_of(self.module, trials, self.dt)

    def system(self) -> TrainedSystem:
        """The network as a map with inputs: rest, step(states, inputs), readout; in float64, without gradients.

        Raises ValueError for a network without input weights.
        """
        return system_of_network(self.module, double=True)

    @property
    def name(self) -> str:
        """The name of the connectome, or the network's source where it is not at hand."""
        if self.setup is not None and self.setup.connectome is not None:
            return str(self.setup.connectome.name)
        net, path = self.run_settings.config.net, self.run_settings.config.paths.path_to_network
        return Path(path).stem if path else net.source if self.run_settings.config.described else net.roi

    def built(self) -> Setup:
        """The setup of its run, with the network's present values. Raises ConfigError where its data are not there."""
        if self.setup is None:
            values = self.module.values()
            self.setup = build_setup(self.run_settings)
            self.setup.network.assign(values)
            self.module = self.setup.network
        return self.setup

    def summary(self) -> str:
        """Neurons, equation, trained parameters and loss."""
        config, module = self.run_settings.config, self.module
        trained = sum(values.numel() for values in module.parameters() if values.requires_grad)
        if isinstance(module, CellNetwork):
            kind = f"{module.cell.name}, {module.n} states"
        else:
            model, name = config.model, self.name
            kind = f"{name}, {module.n:,} neurons, {model.activation}, {model.form} form, dt = {model.dt:g}"
        task = f", task {config.trialparams.task_name}" if config.has_task else ""
        fitted = f"; {self.progress.epoch} epochs, loss {self.progress.final_loss:.4g}" if self.progress else ""
        count = f"; {trained:,} trained values ({' + '.join(config.trained) or 'all'})" if trained else ""
        return f"{kind}{task}{count}{fitted}"

    def __repr__(self) -> str:
        """One line."""
        return f"Network {self.summary()}"


def network(
    connectome: Connectome | str | None = None,
    /,
    *,
    task: TaskLoss | None = None,
    train: str | Sequence[str] | None = None,
    seed: int | None = None,
    iteration: int | None = None,
    **options: Any,
) -> NotebookNetwork:
    """The network that a run of kind = train has with these options, before training.

    connectome: of `connectome()`, another `Connectome`, or what `connectome()` takes; None for that of [net]'s
    defaults, and for cells (architecture="gru"). task: a task from `task()`, whose defaults the network then has (tanh,
    dt = 1, rate form, trained weights). Without one, the network is that of kind = train without a task; it keeps its
    equation where a task is fitted later. train: what is trained, of weights, gains, shifts and factors. seed,
    iteration: as in the INI; by default those of the connectome. options: those of [model], [net], [dynamics], and of
    [trainvalidate] that define the network: init, remap_w, number_param, weight_bounds, freeze_layer, precision.

    Raises TypeError for an unknown option, and ValueError for a wrong value, with the nearest name.

    >>> import randomnet as rn
    >>> net = rn.network(rn.connectome("random", n=20, g=2), activation="tanh", train=["weights"])
    >>> net
    Network random, 20 neurons, tanh, current form, dt = 0.1; 380 trained values (weights)
    """
    if connectome is not None and not isinstance(connectome, Connectome):
        connectome = read_connectome(connectome)
    names = ("task", "train", "seed", "iteration")
    written = dict(keys_of("network()", options, SECTIONS, names))
    _check_building(written)
    base = {} if connectome is None else dict(options_of(connectome))
    written = base | written | _trained(train, written, base) | (dict(task.options) if task else {})
    written |= {} if seed is None else {SEED: seed}
    if iteration is None:
        iteration = connectome.iteration if isinstance(connectome, NotebookConnectome) else 0
    run = run_of("network()", "train", written, iteration)
    setup = build_setup(run)
    return NotebookNetwork(setup.network, run, written, setup)


def fit(
    network: NotebookNetwork,
    loss: Loss,
    *,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    **options: Any,
) -> pd.DataFrame:
    """Train a network in place, with the training loop of the runner; return its history, one row per epoch.

    loss: of `spectrum_loss()`, of `task()`, or a sum. options: those of [trainvalidate], such as epochs, lr, optimizer
    and batch_size, and of [lyapunov]. report receives the row of each epoch. The network has its last values
    afterwards; `network.progress` has those of the lowest loss. A second fit goes on from the present values.

    Raises TypeError for an unknown option, and ValueError for a wrong value, with the nearest name.

    >>> import randomnet as rn
    >>> net = rn.network(rn.connectome("random", n=20, g=2), train=["gains"])
    >>> history = rn.fit(net, rn.spectrum_loss(target=0, k=2, tsim=20), epochs=2)
    >>> list(history["epoch"]), bool(history["train_loss"].iloc[-1] < history["train_loss"].iloc[0])
    ([0, 1, 2], True)
    """
    for value, type_, words in ((network, NotebookNetwork, "a network"), (loss, Loss, "a loss, such as task()")):
        if not isinstance(value, type_):
            raise TypeError(f"fit(): expected {words} of randomnet, got {type(value).__name__}")
    written = dict(keys_of("fit()", options, ("trainvalidate", "lyapunov"), ("report",)))
    _check_training(written)
    options = _options_of_fit(network, loss, written)
    run = run_of("fit()", "train", options, network.run_settings.iteration)
    setup = network.built()
    if run.config.trialparams != network.run_settings.config.trialparams:
        setup = _with_interface(network, run)
        network.module = setup.network
    network.setup = setup = renewed_frame(run, setup)
    network.run_settings = run
    network.options = {key: value for key, value in options.items() if defines_network(key)}
    objective = stack_objectives([objective_of(run, setup)])
    (network.progress,) = training_loop(
        [network.module], objective, [training_settings(run)], report=lambda _, row: report(row)
    )
    return network.history


def _options_of_fit(network: NotebookNetwork, loss: Loss, written: Options) -> Options:
    """The network's options with those of the loss and of this fit. Raises ValueError for a loss without its task."""
    config = network.run_settings.config
    if config.has_task and not loss.task:
        task = config.trialparams.task_name
        raise ValueError(
            f"fit(): expected a loss with the network's task, such as task({task!r}) + {loss.text}, got {loss.text}"
        )
    own = {key: value for key, value in network.options.items() if "train" in SCHEMA.options[key].readers}
    options = {**own, **loss.options, **written, ("trainvalidate", "loss"): loss.text}
    if loss.task and not config.has_task:
        options = fixed_defaults(config, CHANGED_BY_TASK, options) | options
    return options


def defines_network(key: tuple[str, str]) -> bool:
    """Whether an option belongs to the network and its task, and not to one fit."""
    section, name = key
    return section not in OF_A_RUN and key != KIND and (section != "trainvalidate" or name in BUILT)


def _with_interface(network: NotebookNetwork, run: Run) -> Setup:
    """The setup of a run on another task: its input weights and readout, with the present values of the rest."""
    setup = build_setup(run)
    present, fresh = network.module.values(), setup.network.values()
    interface = set(getattr(setup.network, "interface", {})) & set(getattr(network.module, "interface", {}))
    kept = {name: values for name, values in present.items() if name in fresh and values.shape == fresh[name].shape
            and (name not in interface or not name.startswith("readout"))}  # fmt: skip
    setup.network.assign(fresh | kept)
    return setup


def _trained(train: str | Sequence[str] | None, written: Options, base: Options) -> dict[tuple[str, str], bool]:
    """The options that train these parameters and no others. Raises ValueError for an unknown name."""
    if train is None:
        return {}
    if not isinstance(train, Iterable):
        raise TypeError(f"train: expected a list of names, such as ['gains'], got {train!r}")
    names = [train] if isinstance(train, str) else list(train)
    known = (*TRAINED, FACTORS)
    for name in names:
        if name not in known:
            raise ValueError(f"train: expected some of {', '.join(known)}, got {name!r}{nearest(str(name), known)}")
    rank = written.get(("net", "rank"), base.get(("net", "rank"), 0))
    possible = known if rank or FACTORS in names else TRAINED
    return {("trainvalidate", f"train_{name}"): name in names for name in possible}


def _check_building(written: Options) -> None:
    """Raise TypeError for options of [trainvalidate] that do not define the network."""
    for section, key in written:
        if section == "trainvalidate" and key not in BUILT:
            raise TypeError(f"network(): expected {key} in fit(), got it here")


def _check_training(written: Options) -> None:
    """Raise TypeError for options that define the network, which is built already."""
    for section, key in written:
        if (section, key) == ("trainvalidate", "loss"):
            raise TypeError("fit(): expected the loss as an argument, such as spectrum_loss('l2'), got loss = ...")
        if section == "trainvalidate" and key in BUILT:
            raise TypeError(f"fit(): expected {key} in network(), which builds with it, got it here")
