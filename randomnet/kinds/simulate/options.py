"""What kind = simulate reads: filters, plastic synapses, noise and external events."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from randomnet.conditions import POPULATIONS
from randomnet.kinds import reads
from randomnet.kinds.analyse.options import trajectory_times
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, only
from randomnet.settings.values import (
    Boolean,
    Choice,
    Integer,
    Listed,
    Location,
    Named,
    Number,
    Several,
    Value,
    in_units,
)
from randomnet.values.events import EventList, Events

PARTS = ("rate_filter", "tau_syn", "threshold", "response_gain", "rate_max", "nmda_fraction", "adaptation", "plastic",
         "plastic_input", "ou_noise")  # options of [dynamics] that add a part  # fmt: skip
KEPT = ("currents", "slow", "adaptation", "u", "x", "input_u", "input_x", "noise", "overlaps")
PATTERNS = ("constant", "cosine", "gaussian", "random", "channel", "xi1", "xi2", "xi3", "xi4")
TIMED = Condition(
    "experiment.kind = simulate, or [dynamics] has any part",
    lambda config: config.has_role("simulation") or config.dynamics.has_parts,
)
FILTERED = Condition("dynamics.nmda_fraction is above 0", lambda config: config.dynamics.nmda_fraction > 0)
ADAPTING = Condition("dynamics.adaptation is not 0", lambda config: config.dynamics.adapts)
PLASTIC = Condition("dynamics.plastic names blocks", lambda config: config.dynamics.plastic != "none")
PLASTIC_FACTORS = Condition(
    "dynamics.plastic names blocks, net.rank is above 0 and net.factor_on = all",
    lambda config: config.dynamics.plastic != "none" and config.net.rank > 0 and config.net.factor_on == "all",
)
PLASTIC_INPUT = Condition("dynamics.plastic_input = True", lambda config: config.dynamics.plastic_input)
NOISY = Condition("dynamics.ou_noise is not 0", lambda config: config.dynamics.noisy)
DECODED = Condition("simulation.decode names populations", lambda config: config.simulation.decode != "none")
GAUSSIAN = Condition("simulation.initial = gaussian", lambda config: config.simulation.initial == "gaussian")
DRAWN_RATES = Condition(
    "simulation.initial = constant, gaussian or plane",
    lambda config: config.simulation.initial in ("constant", "gaussian", "plane"),
)
PLANE = Condition("simulation.initial = plane", lambda config: config.simulation.initial == "plane")
WITH_EVENTS = Condition("simulation.events has some", lambda config: bool(config.simulation.events))


@dataclass(frozen=True)
class DynamicsSection(Section):
    """[dynamics] Filters, plasticity and noise of rates, simulated or trained. Times are in time_unit, rates per it."""

    time_unit: str = option(
        Value(),
        "τ",
        "Unit of all times of the experiment, such as s. Rates are per unit (with s: Hz).",
        grid=False,
        only=TIMED,
        neutral="τ",
    )
    rate_filter: bool = option(
        Boolean(),
        True,
        "True: rates follow their input with the time constant model.tau. False: they follow it instantly.",
        neutral=True,
    )
    tau_syn: Listed | float | str = option(
        Named(low=0, above=True, one=True, words=("none",)),
        "none",
        "Time constant of the recurrent currents, by postsynaptic population. none: they follow the rates instantly.",
        neutral="none",
    )
    threshold: Listed | float = option(
        Named(one=True), 0.0, "Threshold that is subtracted from the input of a neuron.", neutral=0.0
    )
    response_gain: Listed | float = option(Named(one=True), 1.0, "Factor of the input above threshold.", neutral=1.0)
    rate_max: Listed | float = option(Named(low=0, one=True), 1.0, "Factor of the response.", neutral=1.0)
    nmda_fraction: float = option(
        Number(0, 1),
        0.0,
        "Fraction of the excitatory recurrent input with slow (NMDA) synapses. The total does not change.",
        neutral=0.0,
    )
    tau_nmda: Listed | float = option(
        Named(low=0, above=True, one=True), 0.3, "Time constant of the slow synapses.", only=FILTERED
    )
    adaptation: Listed | float = option(
        Named(one=True), 0.0, "A, the increase of the threshold per unit of rate.", neutral=0.0
    )
    tau_adaptation: Listed | float = option(
        Named(low=0, above=True, one=True), 0.1, "Time constant of the adaptation.", only=ADAPTING
    )
    plastic: str = option(
        Several(none=True),
        "none",
        "Blocks with short-term plasticity, such as EE, named as in couplings (Markram et al. 1998; Hansel and Mato "
        "2013: their rate equations are the same).",
        neutral="none",
    )
    use: float = option(
        Number(0, 1, above=True), 0.03, "U, the fraction of resources that a spike uses at rest.", only=PLASTIC
    )
    tau_facilitation: float = option(Number(0, above=True), 1.0, "Time constant of facilitation.", only=PLASTIC)
    tau_recovery: float = option(
        Number(0, above=True), 0.2, "Time constant of the recovery of resources.", only=PLASTIC
    )
    plastic_strength: float = option(Number(), 1.0, "Factor of plastic blocks.", only=PLASTIC)
    plastic_factors: bool = option(
        Boolean(),
        False,
        "Plastic blocks also transmit the factors of net.rank, as they transmit their weights. With factor_on = edges "
        "they always do.",
        only=PLASTIC_FACTORS,
        neutral=False,
    )
    plastic_input: bool = option(
        Boolean(),
        False,
        "Short-term plasticity of the external input. Its rate is the external input over sqrt(external_degree) J0.",
        only=POPULATIONS,
        neutral=False,
    )
    use_input: float = option(Number(0, 1, above=True), 0.3, "U of the external input.", only=PLASTIC_INPUT)
    tau_facilitation_input: float = option(
        Number(0, above=True), 0.2, "Time constant of facilitation of the external input.", only=PLASTIC_INPUT
    )
    tau_recovery_input: float = option(
        Number(0, above=True), 1.0, "Time constant of recovery of the external input.", only=PLASTIC_INPUT
    )
    ou_noise: Listed | float = option(
        Named(low=0, one=True),
        0.0,
        "Stationary standard deviation of Ornstein-Uhlenbeck noise, independent for every neuron and trajectory. It "
        "does not depend on dt. In training every update has other noise, and all evaluations have the same.",
        neutral=0.0,
    )
    tau_noise: float = option(Number(0, above=True), 0.02, "Correlation time of that noise.", only=NOISY)
    noise_on: str = option(Choice(("input", "rate")), "input", "Quantity that the noise is added to.", only=NOISY)
    noise_seed: int = option(
        Integer(0), 0, "Another seed gives other noise with the same network and initial states.", only=NOISY
    )

    @property
    def has_parts(self) -> bool:
        """Whether any option changes the dynamics: filters, thresholds, gains, plasticity, adaptation or noise."""
        return any(getattr(self, name) != getattr(type(self), name) for name in PARTS)

    @property
    def adapts(self) -> bool:
        """Whether any threshold moves."""
        return _any(self.adaptation)

    @property
    def noisy(self) -> bool:
        """Whether there is noise anywhere."""
        return _any(self.ou_noise)


def _any(value: Listed | float) -> bool:
    """Whether a number, or one of those by name, is not 0."""
    return any(number for _, number in value) if isinstance(value, tuple) else value != 0


@dataclass(frozen=True)
class TwoVectors(Value):
    """The names of two vectors of low rank, such as `xi1, xi3` or `m1, n2`."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "two different vectors, of xi1 to xi4, m1, m2, ... and n1, n2, ..., with a comma between them"

    def parse(self, text: str) -> str:
        """The names, in one spelling."""
        names = re.split(r"[\s,+]+", text.strip().lower())
        known = all(re.fullmatch("xi[1-4]|[mn][1-9][0-9]*", name) for name in names)
        if not known or len(names) != 2 or names[0] == names[1]:
            raise ValueError("not two vectors")
        return ", ".join(names)


@dataclass(frozen=True)
class SimulationSection(Section):
    """[simulation] Initial rates, events and records of kind = simulate."""

    window: float = option(
        Number(0, above=True),
        0.1,
        "Duration of a sample, which is the mean rate over it. The first sample starts after analysis.settle.",
    )
    initial: str = option(
        Choice(("zero", "constant", "gaussian", "network", "plane")),
        "gaussian",
        "Initial rates. network: phi of the init of the regions. plane: initial_rate + a v + b w, one trajectory "
        "for each pair (a, b) of a grid. Rates are clipped at 0 where the activation has no negative values.",
    )
    initial_rate: float = option(
        Number(0),
        0.1,
        "Constant initial rate, centre of the plane, or standard deviation of gaussian rates before they are "
        "clipped at 0.",
        only=DRAWN_RATES,
    )
    initial_plane: str = option(
        TwoVectors(),
        "xi1, xi3",
        "Vectors v and w. xi1 to xi4: of low-rank kernels, 0 outside the populations that have them. m1, m2, ... "
        "and n1, n2, ...: output patterns and selection vectors of the factors of net.rank.",
        only=PLANE,
    )
    initial_extent: float = option(
        Number(0, above=True), 1.0, "a and b range from minus this value to this value.", only=PLANE
    )
    initial_points: int = option(Integer(2, 100), 9, "Grid points per axis of the plane.", only=PLANE)
    initial_seed: int = option(
        Integer(0), 0, "Another seed gives other initial rates of the same network.", only=GAUSSIAN
    )
    events: Events = option(
        EventList(PATTERNS),
        Events(),
        "Inputs that are added to the constant external input: pattern, amplitude, start and end after "
        "analysis.settle. phase is in degrees; sigma of gaussian in rad. random: a Gaussian vector by number. xi1 "
        "to xi4: vectors of low-rank kernels. channel: the input weights of a trained network (paths.pretrained) from "
        "channel `vector` of its task. Other amplitudes are multiplied by sqrt(external_degree) of populations.",
    )
    amplitude: float = option(Number(), 1.0, "Factor of the amplitudes of all events.", only=WITH_EVENTS)
    turned: float = option(Number(), 0.0, "Degrees that are added to the phases of all events.", only=WITH_EVENTS)
    weak_before: bool = option(
        Boolean(),
        False,
        "Divide the constant external input by sqrt(external_degree) until the first event starts.",
        only=WITH_EVENTS,
    )
    tau_input: float | str = option(
        Number(0, above=True, words=("none",)),
        "none",
        "Time constant of a low-pass filter of the external input; none = no filter.",
    )
    silenced: Listed = option(
        Named(whole=True, low=0, none=True), Listed(), "Numbers of neurons, drawn at random, that are silent."
    )
    input_file: str = option(
        Location(),
        "",
        "Array (.npy) that is added to the external input, of shape (steps, neurons) or (trajectories, steps, "
        "neurons). Its first step is the first after analysis.settle; after its last step it adds nothing. For a "
        "trained network (paths.pretrained) the array may have the channels of its task in place of neurons.",
        neutral="",
    )
    inputs: str = option(
        Choice(("live", "sequential")),
        "live",
        "live: compute the external input step by step. sequential: compute it in advance, which takes 4 bytes per "
        "neuron and step. Rates are the same.",
        identity=False,
    )
    samples: str = option(
        Choice(("memory", "disk")),
        "memory",
        "memory: write rates and other records at the end of the run. disk: write them during the run, to rates.npy "
        "and kept_*.npy, for records larger than the memory. The numbers are the same.",
        identity=False,
    )
    keep: str = option(
        Several(KEPT, none=True),
        "none",
        "Variables that are recorded besides the rates.",
    )
    decode: str = option(
        Value(),
        "none",
        "Population whose bump is decoded: mean M0, amplitude M1 and phase; none = no decoding.",
    )
    spectrum: bool = option(
        Boolean(),
        False,
        "Compute leading Lyapunov exponents (lyapunov.nle) of the full state: rates, currents, adaptation, "
        "resources. The external input is constant, and the first initial state is used.",
    )
    angles: str = option(
        Choice(("even", "low_rank")),
        "even",
        "Positions of neurons on the circle. even: equally spaced. low_rank: atan2(xi3, xi1) of their low-rank "
        "vectors.",
        only=DECODED,
    )

    @property
    def silences(self) -> bool:
        """Whether any neuron is silent."""
        return _any(self.silenced)


def _window(config: Any, written: Collection[Key]) -> float | None:
    return in_units(config.simulation.window, config.model.dt)


def _settle(config: Any, written: Collection[Key]) -> float | None:
    return 0.0 if config.simulation.initial == "plane" else in_units(config.analysis.settle, config.model.dt)


def _duration(config: Any, written: Collection[Key]) -> float | None:
    return in_units(config.analysis.duration, config.simulation.window)


def _by_dt(config: Any) -> str:
    return f"whole steps of model.dt = {config.model.dt:g}"


def _by_initial(config: Any) -> str:
    return "initial = plane" if config.simulation.initial == "plane" else _by_dt(config)


def _simulated(config: Any) -> tuple[Key, str] | None:
    """Contradictions besides times."""
    if config.has_task:
        return ("trialparams", "task_name"), "none with kind = simulate, whose inputs are simulation.events"
    if config.net.parameter != "weights":
        return ("net", "parameter"), "weights with kind = simulate, whose gains and thresholds are in [dynamics]"
    simulation = config.simulation
    if simulation.spectrum and config.dynamics.noisy:
        return ("simulation", "spectrum"), "False with noise, as the spectrum is that of a deterministic network"
    if not config.dynamics.rate_filter and config.model.tau != 1:
        return ("dynamics", "rate_filter"), "True where model.tau is not 1"
    constant = config.populations.external_degree
    if simulation.weak_before and (constant == "none" or config.net.source != "populations"):
        return ("simulation", "weak_before"), "False without populations.external_degree"
    if config.dynamics.plastic_input and not config.populations.external:
        return ("dynamics", "plastic_input"), "False without populations.external"
    if simulation.input_file and simulation.tau_input != "none":
        return ("simulation", "tau_input"), "none with input_file, whose array is not filtered"
    if simulation.input_file and simulation.spectrum:
        return ("simulation", "spectrum"), "False with input_file, as the spectrum is that under constant input"
    if simulation.samples == "disk" and simulation.inputs == "sequential":
        return ("simulation", "inputs"), "live with samples = disk, which keeps little in memory"
    if any(region.tau != 1 for region in config.regions.regions) and config.net.source == "regions":
        return ("regions", "regions"), "regions without tau with kind = simulate"
    return None


def _times(config: Any) -> tuple[Key, str] | None:
    """Times are whole numbers of steps or windows."""
    dt, simulation, settle = config.model.dt, config.simulation, config.analysis.settle / config.model.dt
    if simulation.initial == "plane" and config.analysis.settle:
        return ("analysis", "settle"), "0 with initial = plane, whose trajectories are followed from their first states"
    if abs(settle - round(settle)) > 1e-6 * max(1, settle):
        return ("analysis", "settle"), f"a whole number of steps (model.dt) of {dt:g}"
    for key, time in (("window", simulation.window), ("duration", config.analysis.duration)):
        section, unit = ("simulation", dt) if key == "window" else ("analysis", simulation.window)
        if abs(time / unit - round(time / unit)) > 1e-6 or time < unit * (1 - 1e-9):
            units = "steps (model.dt)" if key == "window" else "windows (simulation.window)"
            return (section, key), f"a whole number of {units} of {unit:g}"
    return None


SIMULATE = Reader(
    "simulate",
    "Simulate rates over time, with filters, plastic synapses, noise and events.",
    reads=reads.BUILDING
    | reads.SIDE_BY_SIDE
    | {
        "model": only("activation", "dt", "tau"),
        "analysis": only("trajectories", "duration", "settle"),
        "dynamics": ALL,
        "simulation": ALL,
        "trainvalidate": only("iterations", "init", "remap_w", "precision"),
    },
    sections={"dynamics": DynamicsSection, "simulation": SimulationSection},
    defaults={"analysis.trajectories": 1},
    rules={
        ("simulation", "window"): (_window, _by_dt),
        ("analysis", "settle"): (_settle, _by_initial),
        ("analysis", "duration"): (_duration, lambda config: f"whole windows of {config.simulation.window:g}"),
    },
    checks=(trajectory_times, _simulated, _times),
    roles=("simulation",),
    module="randomnet.kinds.simulate.run",
)
