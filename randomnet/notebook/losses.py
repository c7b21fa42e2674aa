"""What `fit` minimises: a loss of the Lyapunov spectrum, a task, or a weighted sum of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from randomnet.build.trials import split_trials
from randomnet.display import Displayed
from randomnet.notebook.options import Options, keys_of, run_of
from randomnet.tasks import TASKS, ReachTrials, Trials

TASK_NAME, SEED = ("trialparams", "task_name"), ("experiment", "seed")
SPLITS = ("training", "validation", "test")


@dataclass(frozen=True, repr=False)
class Loss(Displayed):
    """A sum of terms with weights, such as `task("flip_flop") + 0.1 * spectrum_loss()`.

    terms: name in `trainvalidate.loss` -> weight. options: (section, key) -> value.
    """

    terms: Mapping[str, float]
    options: Options = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sum as `trainvalidate.loss` has it."""
        return " + ".join(name if weight == 1 else f"{weight!r}*{name}" for name, weight in self.terms.items())

    @property
    def task(self) -> str:
        """The name of the task; empty without one."""
        return str(self.options.get(TASK_NAME, ""))

    def __add__(self, other: "Loss") -> "Loss":
        """The sum of both. Raises ValueError where both have the same term."""
        both = sorted(set(self.terms) & set(other.terms))
        if both:
            raise ValueError(f"loss: expected each term once, got {both[0]} twice")
        return Loss({**self.terms, **other.terms}, {**self.options, **other.options})

    def __mul__(self, weight: float) -> "Loss":
        """The loss times a weight."""
        return replace(self, terms={name: weight * value for name, value in self.terms.items()})

    __rmul__ = __mul__

    def summary(self) -> str:
        """The sum, and the options that were written."""
        written = ", ".join(f"{key} = {value}" for (_, key), value in self.options.items())
        return f"{self.text}{f' ({written})' if written else ''}"


@dataclass(frozen=True, repr=False)
class TaskLoss(Loss):
    """The loss of a task, with its trials."""

    def trials(self, split: str = "validation", seed: int | None = None, iteration: int = 0) -> Trials | ReachTrials:
        """The trials that a run has: training, validation or test (with test_size).

        seed: `experiment.seed`. Raises ValueError for another split, and for test without test_size.
        """
        seeded = {**self.options} | ({} if seed is None else {SEED: seed})
        return trials_of_split(run_of("trials()", "train", seeded, iteration), split)


def spectrum_loss(loss: str | None = None, *, k: int | str | None = None, **options: Any) -> Loss:
    """A loss of the k leading Lyapunov exponents, as `trainvalidate.loss` and [lyapunov] have it.

    loss: mse, l2 or sinai. k: `lyapunov.nle`, a number or a share such as "10%". options: others of [lyapunov], such as
    target (a number, (first, last), or an array of values), tsim and tons. Raises TypeError for an unknown option.

    >>> import randomnet as rn
    >>> rn.spectrum_loss(target=0, k="10%")
    Loss: mse (target = 0, nle = 10%)
    """
    written = dict(keys_of("spectrum_loss()", options, ("lyapunov",), ("loss", "k")))
    written |= {} if k is None else {("lyapunov", "nle"): k}
    config = run_of("spectrum_loss()", "train", {} if loss is None else {("trainvalidate", "loss"): loss}).config
    return Loss({str(config.spectrum_loss): 1.0}, written)


def task(name: str, **options: Any) -> TaskLoss:
    """A task, as [trialparams] has it, and its loss.

    options: those of [trialparams] that the task has, such as nr_of_trials and train_size. Raises TypeError for an
    unknown option, and ValueError for an unknown task or a wrong value, with the nearest name.

    >>> import randomnet as rn
    >>> flip_flop = rn.task("flip_flop", n_bits=2, nr_of_trials=20)
    >>> flip_flop
    TaskLoss: task (task_name = flip_flop, n_bits = 2, nr_of_trials = 20)
    >>> flip_flop.trials().inputs.shape
    (4, 100, 2)
    """
    keys = [parameter.name for parameter in TASKS[name].parameters] if name in TASKS else []
    written = {TASK_NAME: name, **keys_of("task()", options, ("trialparams",), keys)}
    run_of("task()", "train", written)
    return TaskLoss({"task": 1.0}, written)


def trials_of_split(run: Any, split: str) -> Trials | ReachTrials:
    """The trials of a run's split. Raises ValueError for an unknown one, and for one without trials."""
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    trials = split_trials(run)[SPLITS.index(split)]
    if trials is None:
        raise ValueError("split: expected training or validation, as test_size = 0 leaves no test trials, got 'test'")
    return trials
