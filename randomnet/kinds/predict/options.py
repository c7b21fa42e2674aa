"""What kind = predict reads: the teacher's parameters, what the student does not know, and which neurons it sees."""

from dataclasses import dataclass
from typing import Any

from randomnet.conditions import TASKED, UNTASKED
from randomnet.kinds import reads
from randomnet.kinds.analyse.options import trajectory_times
from randomnet.nulls import EXTENTS
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, only
from randomnet.settings.values import Boolean, Choice, Integer, Number, Several, Value

UNKNOWN = ("gains", "shifts", "weights", "tau", "initial", "scales")
SIMULATED = Condition("paths.recording is empty", lambda config: not config.paths.recording)
RECORDED = Condition("paths.recording is set", lambda config: bool(config.paths.recording))
DRAWN = Condition(
    "paths.pretrained and paths.recording are empty",
    lambda config: not (config.paths.pretrained or config.paths.recording),
)
COUNTED = Condition(
    "predict.observed = spikes, and paths.recording is empty",
    lambda config: config.predict.observed == "spikes" and not config.paths.recording,
)
SCALED = Condition(
    "predict.scale_sd is above 0, or predict.student has scales",
    lambda config: config.predict.scale_sd > 0 or "scales" in config.predict.unknown,
)


@dataclass(frozen=True)
class PredictSection(Section):
    """[predict] A student with the teacher's connectome is trained on the activity of some of its neurons."""

    n_recorded: int | str = option(
        Integer(1, 1_000_000, words=("all",)),
        20,
        "Number of recorded neurons, on whose activity the student is trained; all = all of `pool`.",
        sizes=False,
        neutral=20,
    )
    pool: str = option(
        Value(),
        "",
        "Neurons that may be recorded: names of regions, populations or parents, region/type, or kind=name for any "
        "label, such as neuron=AVAL. Several are separated by commas; empty = all.",
        sizes=False,
        neutral="",
    )
    choice: str = option(
        Choice(("random", "variance", "degree", "informative")),
        "random",
        "Order in which neurons are recorded; more neurons keep the first ones. random: the same order in all combos "
        "of an iteration. variance: the largest variance of their activity first. degree: the most connections first. "
        "informative: each one most reduces the expected error of the others, linearised where the student starts.",
        sizes=False,
        neutral="random",
    )
    student: str = option(
        Several(UNKNOWN),
        "gains + shifts",
        "Parameters that the student does not know, and that are trained. gains, shifts: one per group "
        "(model.groups). tau: of each neuron. scales: one per projection between two groups of scale_by. initial: "
        "the initial state of every trial. weights: of all pairs of neurons, without any connectome. All else is the "
        "teacher's.",
        neutral="gains + shifts",
    )
    start: str = option(
        Choice(("permuted", "defaults")),
        "permuted",
        "Where training starts. permuted: the teacher's values in random order, gains and scales halved. defaults: "
        "gains, scales and tau 1, shifts 0. Initial states start at 0, and weights are always permuted.",
        only=SIMULATED,
        sizes=False,
        neutral="permuted",
    )
    gain_sd: float = option(
        Number(0),
        0.3,
        "Standard deviation of the logarithm of the teacher's gains, whose mean is 1.",
        only=DRAWN,
        sizes=False,
        neutral=0.3,
    )
    shift_mean: float = option(Number(), 0.0, "Mean of the teacher's shifts.", only=DRAWN, sizes=False, neutral=0.0)
    shift_sd: float = option(
        Number(0), 0.3, "Standard deviation of the teacher's shifts.", only=DRAWN, sizes=False, neutral=0.3
    )
    scale_sd: float = option(
        Number(0),
        0.0,
        "Standard deviation of the logarithm of the factors by which the teacher's projections differ from the "
        "connectome, with mean 1.",
        only=SIMULATED,
        sizes=False,
        neutral=0.0,
    )
    scale_by: str = option(
        Value(),
        "",
        "Label of the groups between which projections have scales. Empty = the first available of region, "
        "population, neurotransmitter, cell_fibers, type; otherwise one group.",
        only=SCALED,
        neutral="",
    )
    observed: str = option(
        Choice(("rates", "spikes")),
        "rates",
        "What is recorded. rates: the loss is their mean squared error. spikes: counts that are drawn from the rates; "
        "the loss is their negative Poisson log-likelihood.",
        only=SIMULATED,
        sizes=False,
        neutral="rates",
    )
    count_scale: float = option(
        Number(0, above=True),
        1.0,
        "Expected spikes per step at rate 1.",
        only=COUNTED,
        sizes=False,
        neutral=1.0,
    )
    task_output: bool = option(
        Boolean(),
        False,
        "Students are also trained on the teacher's output to the task, whose readout they know: its mean squared "
        "error is added to the loss.",
        only=TASKED,
        sizes=False,
        neutral=False,
    )
    tau_duration: float = option(
        Number(0, above=True),
        1.0,
        "Duration of tau in the unit of time of the recording, which is seconds in NWB files.",
        only=RECORDED,
        neutral=1.0,
    )
    heldout_trials: float = option(
        Number(0, 0.99, above=True),
        0.25,
        "Fraction of the trials that errors are measured on, and that training leaves out.",
        only=UNTASKED,
        neutral=0.25,
    )
    eigenvalues: int | str = option(
        Integer(0, 1000, words=("auto",)),
        "auto",
        "Number of leading, and of trailing, eigenvalues of the loss's Gauss-Newton matrix in the unknown parameters "
        "at the end. Of up to 600 parameters all are computed. 0 = none. auto = 20, and none with free weights, of "
        "which they take a minute.",
        sizes=False,
        neutral="auto",
    )

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names in `student`."""
        return tuple(self.student.split(" + "))

    @property
    def eigenvalue_count(self) -> int:
        """The number in `eigenvalues`."""
        if self.eigenvalues == "auto":
            return 0 if "weights" in self.unknown else 20
        return int(self.eigenvalues)


def _predicted(config: Any) -> tuple[Key, str] | None:
    """Contradictions between the student, the activation and the integrator."""
    unknown = config.predict.unknown
    if config.model.integrator != "euler":
        return ("model", "integrator"), "euler with kind = predict"
    if config.model.activation == "tanh" and {"gains", "shifts"} & set(unknown):
        return ("model", "activation"), "another than tanh, which has no gains and shifts (tanh_stretched has)"
    if config.net.parameter != "weights":
        return ("net", "parameter"), "weights with kind = predict, whose gains and shifts are in [predict]"
    if config.paths.pretrained:
        changed = [name for name in EXTENTS if getattr(config.net, name)]
        if config.null != "none" or changed:
            name, usual = ("null", "none") if config.null != "none" else (changed[0], "0")
            return ("net", name), f"{usual} with paths.pretrained, whose weights are those that were trained"
    if config.predict.choice == "informative" and set(unknown) & {"weights"}:
        return ("predict", "choice"), "another than informative where weights are unknown, which are too many"
    if config.predict.choice == "informative" and unknown == ("initial",):
        return ("predict", "choice"), "another than informative where initial states alone are unknown"
    if config.paths.recording:
        if config.paths.pretrained:
            return ("paths", "pretrained"), "nothing with paths.recording, which is in place of a teacher"
        if config.has_task:
            return ("trialparams", "task_name"), "none with paths.recording, whose inputs are unknown"
        if "initial" not in unknown:
            return ("predict", "student"), "one that finds initial as well with paths.recording, which has no states"
        if config.predict.choice == "informative":
            return ("predict", "choice"), "another than informative with paths.recording"
    if {"weights", "scales"} <= set(unknown):
        return ("predict", "student"), "weights or scales, as free weights have no projections to scale"
    if config.net.rank and {"weights", "scales"} & set(unknown):
        return ("net", "rank"), "0 where weights or scales are unknown"
    return None


PREDICT = Reader(
    "predict",
    "Train students on the activity of some neurons of a network, and see whether they predict the others.",
    reads=reads.BUILDING
    | {
        "analysis": only("trajectories", "duration", "settle"),
        "predict": ALL,
        "trainvalidate": only(
            *("optimizer", "lr", "lr_decay", "epochs", "iterations", "init", "remap_w", "clip_norm", "early_stopping"),
            *("batch_size", "precision", "weight_decay"),
        ),
        "execution": ALL,
        "lyapunov": only(),
        "paths": ALL,
    },
    sections={"predict": PredictSection},
    defaults={
        "analysis.trajectories": 40,
        "analysis.duration": 10.0,
        "analysis.settle": 0.0,
        "model.activation": "tanh_stretched",
        "trainvalidate.epochs": 1000,
        "trainvalidate.init": "connectome",
    },
    checks=(trajectory_times, _predicted),
    module="randomnet.kinds.predict.run",
)
