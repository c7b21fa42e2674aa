"""From a Run's config to a teacher, its recorded activity, and a student of it ([predict]).

The teacher has the true connectome: [net] without a null model and without errors. It depends on the seed, the
iteration and its own options alone, so that all students of an iteration have the same teacher.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import select_from_text, units_of
from randomnet.artifacts.recorded_activity import recorded_activity
from randomnet.build.network import Setup, build_setup, initial_states
from randomnet.build.trials import trials_of
from randomnet.build.unit_groups import groups_of
from randomnet.nulls import EXTENTS
from randomnet.objectives.prediction import Recording, sums_of_squares
from randomnet.objectives.students import Student, detached, no_interface, respond, scaled_projections
from randomnet.prediction import activity_jacobian, rank_neurons
from randomnet.rnn import Dynamics
from randomnet.rnn.couplings import Dense
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

RANKING_TRIALS, RANKING_TIMES = 2, 10  # samples from which the order of recording is computed
RANKING_NOISE, RANKING_PRIOR = 0.1, 0.3  # of the activity's standard deviation, and of the parameters
STILL = 4  # units of rounding, within which a rate stays as it is
TRUE = {"net.null": "none", "net.random_w": False, **{f"net.{name}": 0.0 for name in EXTENTS}}  # the true connectome


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network whose activity is recorded.

    system: as it is. parameters: the true values that students may have to find: gains and shifts (groups,), tau (N,),
    scales (projections,), weights (N, N); of a user's recording those of a student that starts. projections: (N, N),
    the index of each pair's projection; None without scales. inputs, initial, rates: see `Recording`; the first
    `training` trials are for training.
    """

    setup: Setup
    system: Dynamics
    parameters: dict[str, Tensor]
    projections: Tensor | None
    interface: dict[str, Tensor]
    inputs: Tensor
    initial: Tensor
    rates: Tensor
    training: int
    recorded: bool = False  # whether it is a user's recording, and parameters and states are unknown
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> Tensor:
        """(N,) bool: the neurons whose activity is known."""
        return self.rates.isfinite().any(0).any(0)

    @property
    def dimension(self) -> float:
        """The participation ratio of the activity over time and trials: (sum of eigenvalues)^2 / sum of squares.

        Of the neurons whose activity is known, at the times when all are; nan where these are fewer than two. Neurons
        of a user's recording have units of their own, and are standardised.
        """
        states = self.rates.double().flatten(0, 1)[:, self.scored]
        states = states[states.isfinite().all(1)]
        if self.recorded:
            states = states / states.std(0)
        covariance = torch.cov(states.mT).reshape(states.shape[1], -1)
        return float(covariance.trace().square() / covariance.square().sum())


def true_run(run: Run) -> Run:
    """Return the run with the true connectome."""
    return replace(run, config=run.config.replaced(TRUE))


@torch.no_grad()
def teacher_of(run: Run) -> Teacher:
    """Return the teacher of a run with its activity in all trials. Raises ConfigError."""
    run = true_run(run)
    setup = build_setup(run)
    if run.config.paths.recording:
        return _recorded_teacher(run, setup)
    system, parameters, projections = _teaching_system(run, setup)
    like = system.gains
    interface = setup.network.interface_tensors() if run.config.has_task else no_interface(setup.n, like)
    interface = {name: values.detach() for name, values in interface.items()}
    inputs, training = _inputs(run, like)
    initial = torch.zeros(inputs.shape[1], setup.n).to(like) if run.config.has_task else _settled(run, setup, system)
    rates = respond([system], [interface], inputs[None], initial[None])[0][0]
    if not bool(rates.isfinite().all()) or float(rates.abs().max()) > math.sqrt(torch.finfo(rates.dtype).max):
        raise ConfigError("[net] g: expected a network whose activity stays finite, got one whose activity grows "
                          f"beyond all bounds with activation = {run.config.model.activation}")  # fmt: skip
    if not _varies(rates[:, training:]):
        raise ConfigError("[net] g: expected a teacher whose activity varies, got held-out trials in which all of its "
                          "neurons stay as they are; choose a larger g, a shorter settle, or other gains and "
                          "shifts")  # fmt: skip
    return Teacher(setup, system, parameters, projections, interface, inputs, initial, rates, training)


def _varies(rates: Tensor) -> bool:
    """Whether rates (T, trials, N) of any neuron vary over time and trials by more than their rounding."""
    spread = rates.amax((0, 1)) - rates.amin((0, 1))
    return bool((spread > STILL * torch.finfo(rates.dtype).eps * rates.abs().amax((0, 1))).any())


def _recorded_teacher(run: Run, setup: Setup) -> Teacher:
    """Return the user's recording, cut into trials; parameters are those from which a student starts."""
    network, dt, times = setup.network, run.config.model.dt, run.config.analysis
    activity, match = recorded_activity(run.config.paths.recording, setup.connectome,
                                        dt * run.config.predict.tau_duration)  # fmt: skip
    system = detached(replace(network.dynamics(), activation=network.activation))
    first, steps = round(times.settle / dt), round(times.duration / dt)
    every = _pieces(activity.values[:, first:], steps)
    if len(every) < 2:
        raise ConfigError(f"[analysis] duration: expected a time that gives at least 2 trials of the recording, whose "
                          f"{len(activity.values)} have {activity.values.shape[1] * dt:.4g} tau with settle = "
                          f"{times.settle:g}, got {times.duration:g}")  # fmt: skip
    pieces, constant = _varying(every[: times.trajectories], np.asarray(setup.connectome.names)[match.neurons])
    heldout = _heldout_count(run, len(pieces))
    rates = torch.full((pieces.shape[1], len(pieces), setup.n), torch.nan).to(system.gains)
    rates[..., torch.from_numpy(match.neurons)] = _tensor(pieces.swapaxes(0, 1).copy(), system.gains)
    parameters = {"gains": torch.ones_like(network.gains()), "shifts": torch.zeros_like(network.shifts()),
                  "tau": torch.ones_like(system.gains)}  # fmt: skip
    projections = None
    if "scales" in run.config.predict.unknown:
        projections, count = _projections(run, setup)
        parameters["scales"] = torch.ones(count).to(system.gains)
    if "weights" in run.config.predict.unknown:
        parameters["weights"] = _with_dense(system, "weights").coupling.parameters[0]
    inputs, initial = rates.new_zeros(*rates.shape[:2], 0), rates.new_zeros(rates.shape[1], setup.n)
    return Teacher(setup, system, parameters, projections, no_interface(setup.n, system.gains), inputs, initial, rates,
                   len(pieces) - heldout, True, (*activity.notes, *constant))  # fmt: skip


def _varying(pieces: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the trials with constant neurons unknown, and a note that names these. Raises ConfigError where all are.

    Nothing of a constant neuron can be learnt or predicted, and its r^2 is not defined.
    """
    known = np.isfinite(pieces)
    highest = np.where(known, pieces, -np.inf).max((0, 1))
    constant = highest <= np.where(known, pieces, np.inf).min((0, 1))
    if constant.all():
        raise ConfigError("[paths] recording: expected neurons whose activity varies within the trials, got none of "
                          f"{len(names)}")  # fmt: skip
    still = names[constant & known.any((0, 1))]
    note = f"constant neurons, which are left out: {len(still)} ({', '.join(still[:5])}{', ...' * (len(still) > 5)})"
    return np.where(constant, np.nan, pieces), (note,) if len(still) else ()


def _pieces(values: np.ndarray, steps: int) -> np.ndarray:
    """Return the activity (trials, steps, N) of trials, each cut into as many pieces as it has room for."""
    trials, times, neurons = values.shape
    if times < steps:
        return values[:, :times] if times > 1 else values[:0]
    count = times // steps
    return values[:, : count * steps].reshape(trials * count, steps, neurons)


def _teaching_system(run: Run, setup: Setup) -> tuple[Dynamics, dict[str, Tensor], Tensor | None]:
    """Return the teacher as a system, its true parameters, and the projections of all pairs."""
    network, options = setup.network, run.config.predict
    system = detached(replace(network.dynamics(), activation=network.activation))
    parameters = {name: network.values()[name] for name in ("gains", "shifts")}
    if not run.config.paths.pretrained:
        rng, count = run.generator("teacher"), len(parameters["gains"])
        parameters["gains"] = _lognormal(rng, options.gain_sd, count, system.gains)
        parameters["shifts"] = _tensor(options.shift_mean + options.shift_sd * rng.standard_normal(count), system.gains)
    system = replace(system, **{name: values[network.groups] for name, values in parameters.items()})
    projections = None
    if options.scale_sd or "scales" in options.unknown:
        projections, count = _projections(run, setup)
        scales = _lognormal(run.generator("teacher", 1), options.scale_sd, count, system.gains)
        parameters["scales"] = scales
        system = replace(system, coupling=scaled_projections(_with_dense(system, "scales"), scales, projections))
    step = torch.full_like(system.gains, system.dt) if system.leaks is None else system.leaks
    parameters["tau"] = system.dt / step
    if "weights" in options.unknown:
        parameters["weights"] = _with_dense(system, "weights").coupling.parameters[0]
    return system, parameters, projections


def _lognormal(rng: np.random.Generator, sd: float, count: int, like: Tensor) -> Tensor:
    """Return factors of mean 1 whose logarithms have this standard deviation."""
    return _tensor(np.exp(sd * rng.standard_normal(count) - sd**2 / 2), like)


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values).to(like)


def _with_dense(system: Dynamics, name: str) -> Dynamics:
    """Return the system if its coupling is a matrix. Raises ConfigError for a sparse one."""
    if not isinstance(system.coupling, Dense):
        raise ConfigError(f"[predict] student: expected a connectome that is computed as a matrix with {name}, got "
                          "a sparse one; choose gains, shifts, tau or initial")  # fmt: skip
    return system


def _projections(run: Run, setup: Setup) -> tuple[Tensor, int]:
    """Return the index (N, N) of each pair's projection, and how many there are."""
    groups = groups_of(run.config.predict.scale_by, units_of(setup.connectome), "predict")
    index = torch.full((setup.n,), len(groups))  # of neurons without a label
    for number, members in enumerate(groups.units.values()):
        index[members] = number
    count = int(index.max()) + 1
    return (index[:, None] * count + index[None]).to(setup.network.groups.device), count**2


def _inputs(run: Run, like: Tensor) -> tuple[Tensor, int]:
    """Return inputs (time, trials, channels), training trials first, and how many of them there are."""
    if run.config.has_task:
        training, heldout = trials_of(run)
        inputs = np.concatenate([training.inputs, heldout.inputs]).swapaxes(0, 1)
        return _tensor(np.ascontiguousarray(inputs), like), len(training)
    times, trials = run.config.analysis, run.config.analysis.trajectories
    heldout = _heldout_count(run, trials)
    return like.new_zeros(round(times.duration / run.config.model.dt), trials, 0), trials - heldout


def _heldout_count(run: Run, trials: int) -> int:
    """Return how many of the trials are held out. Raises ConfigError where none would be left."""
    heldout = max(1, round(run.config.predict.heldout_trials * trials))
    if heldout >= trials:
        raise ConfigError(f"[analysis] trajectories: expected at least 2, and more than the {heldout} that are held "
                          f"out, got {trials}")  # fmt: skip
    return heldout


def _settled(run: Run, setup: Setup, system: Dynamics) -> Tensor:
    """Return states (trials, N) after the network was left to itself for analysis.settle."""
    states = initial_states(run, setup, run.config.analysis.trajectories).to(system.gains)
    steps = round(run.config.analysis.settle / run.config.model.dt)
    if not steps:
        return states
    silence = states.new_zeros(1, steps, len(states), 0)
    return respond([system], [no_interface(setup.n, states)], silence, states[None])[1][0, 0]


# ---- what is recorded


def recording_of(run: Run, teacher: Teacher) -> Recording:
    """Return the activity of the teacher, of which the student sees some neurons. Raises ConfigError."""
    options = run.config.predict
    targets = _scaled(teacher) if teacher.recorded else teacher.rates
    if options.observed == "spikes" and not teacher.recorded:
        if float(targets.min()) < 0:
            raise ConfigError("[predict] observed: expected rates where they are negative, as those of activation = "
                              f"{run.config.model.activation} are, got spikes")  # fmt: skip
        expected = options.count_scale * targets.double().cpu().numpy()
        targets = _tensor(run.generator("counts").poisson(expected).astype(np.float64), targets)
    recorded = torch.zeros(teacher.setup.n, dtype=torch.bool, device=targets.device)
    recorded[order_of_recording(run, teacher)[: _count(run, teacher)]] = True
    scale = options.count_scale if options.observed == "spikes" and not teacher.recorded else None
    return Recording(teacher.inputs, teacher.initial, teacher.rates, targets, recorded, teacher.scored,
                     teacher.interface, teacher.training, scale, teacher.recorded,
                     run.config.has_task and options.task_output)  # fmt: skip


def _scaled(teacher: Teacher) -> Tensor:
    """Return the activity in units in which no neuron's is so small that the loss takes it for constant."""
    training = teacher.rates[:, : teacher.training]
    counts = training.isfinite().sum((0, 1)).clamp_min(1)
    deviations = (sums_of_squares(torch.zeros_like(training), training)[1] / counts).sqrt()
    return (teacher.rates / torch.where(deviations > 0, deviations, 1.0)).to(teacher.rates)


def _pool(run: Run, teacher: Teacher) -> Tensor:
    """Return the neurons that may be recorded. Raises ConfigError."""
    try:
        neurons = select_from_text(units_of(teacher.setup.connectome), run.config.predict.pool)
        return neurons[teacher.scored.cpu()[neurons]]
    except ValueError as error:
        raise ConfigError(f"[predict] pool: {error}") from None


def _count(run: Run, teacher: Teacher) -> int:
    """Return the number of recorded neurons. Raises ConfigError for more than there are."""
    wanted, available = run.config.predict.n_recorded, len(_pool(run, teacher))
    if wanted == "all":
        return available
    if wanted > available:
        raise ConfigError(f"[predict] n_recorded: expected at most {available}, the neurons that may be recorded, "
                          f"got {wanted}")  # fmt: skip
    return wanted


def order_of_recording(run: Run, teacher: Teacher) -> Tensor:
    """Return the neurons that may be recorded, in the order in which they are."""
    pool, choice = _pool(run, teacher), run.config.predict.choice
    if choice == "random":
        return pool[torch.from_numpy(run.generator("recorded neurons").permutation(len(pool)))]
    if choice == "informative":
        order = torch.from_numpy(_informative_order(teacher, student_of(run, teacher)))
        return order[torch.isin(order, pool)]
    if choice == "variance":
        activity = teacher.rates[:, : teacher.training]
        score = (sums_of_squares(activity, activity)[1] / activity.isfinite().sum((0, 1)).clamp_min(1)).cpu()
    else:
        connectome = teacher.setup.connectome
        ends = np.concatenate([connectome.post, connectome.pre])
        score = torch.from_numpy(np.bincount(ends, minlength=connectome.n))
    return pool[torch.argsort(score[pool], descending=True, stable=True)]


def _informative_order(teacher: Teacher, student: Student) -> np.ndarray:
    """Return all neurons by what they tell of the unknown parameters, linearised where the student starts.

    A sample of the activity of some trials is used.
    """
    exact, trials = student.double_copy(), torch.arange(min(RANKING_TRIALS, teacher.training))
    interface = {name: values.double() for name, values in teacher.interface.items()}
    inputs = teacher.inputs[:, trials].double()
    initial = exact.initial(trials, teacher.initial[trials].double()).detach()
    parameters = {name: values for name, values in exact.unknown.items() if name != "initial"}
    every = max(1, len(inputs) // RANKING_TIMES)

    def activity(*values: Tensor) -> Tensor:
        system = exact.system(dict(zip(parameters, values, strict=True)))
        return respond([system], [interface], inputs[None], initial[None])[0][0, every - 1 :: every]

    values = list(parameters.values())
    noise = RANKING_NOISE * float(activity(*values).detach().std()) or 1.0
    return rank_neurons(activity_jacobian(activity, values), noise=noise, prior=RANKING_PRIOR).order


# ---- the student


def student_of(run: Run, teacher: Teacher) -> Student:
    """Return the untrained student of a run. Raises ConfigError."""
    options, network = run.config.predict, teacher.setup.network
    known = teacher.system
    if "weights" not in options.unknown:
        student_setup = teacher.setup if run == true_run(run) else build_setup(run)
        known = replace(known, coupling=detached(student_setup.network.dynamics()).coupling)
        if teacher.projections is not None and "scales" not in options.unknown:
            scaled = scaled_projections(known, teacher.parameters["scales"], teacher.projections)
            known = replace(known, coupling=scaled)
    starts = {name: _start(run, name, teacher) for name in options.unknown}
    projections = teacher.projections if "scales" in options.unknown else None
    return Student(known, network.groups, starts, projections)


def _start(run: Run, name: str, teacher: Teacher) -> Tensor:
    """Return where the training of an unknown parameter starts."""
    if name == "initial":
        return torch.zeros_like(teacher.initial)
    true, place = teacher.parameters[name], ("gains", "shifts", "weights", "tau", "scales").index(name)
    if name != "weights" and (teacher.recorded or run.config.predict.start == "defaults"):
        return torch.zeros_like(true) if name == "shifts" else torch.ones_like(true)
    rng = run.generator("student", place + 1)
    if name == "weights":
        return _permuted_pairs(true, rng)
    permuted = true[torch.from_numpy(rng.permutation(len(true))).to(true.device)]
    return permuted / 2 if name in ("gains", "scales") else permuted


def _permuted_pairs(weights: Tensor, rng: np.random.Generator) -> Tensor:
    """Return all weights off the diagonal, zeros included, in random order."""
    pairs = ~torch.eye(len(weights), dtype=torch.bool, device=weights.device)
    values = weights[pairs]
    permuted = torch.zeros_like(weights)
    permuted[pairs] = values[torch.from_numpy(rng.permutation(len(values))).to(values.device)]
    return permuted
