"""The options of a `MultiRegionRNN` as records, which check themselves. Their fields are its arguments.

    Equation        activation, form, time constants and noise
    WeightRules     signs, bounds, fixed edges, scales and storage of the weights
    InitialOptions  how the initial weights are drawn or read
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from randomnet.activations import ACTIVATIONS
from randomnet.multiregion import checks
from randomnet.multiregion.projections import SCALES
from randomnet.multiregion.weights import DALE
from randomnet.rnn import FORMS
from randomnet.synthetic.regions import INITIALISATIONS, INPUT_INITIALISATIONS


@dataclass(frozen=True)
class Equation:
    """The equation of the network; dt and tau are in one unit of time, and tau may be {region: tau}."""

    activation: str
    form: str
    dt: float
    tau: float | Mapping[str, float]
    noise_state: float
    noise_input: float

    def __post_init__(self) -> None:
        checks.one_of("activation", self.activation, ACTIVATIONS)
        checks.one_of("form", self.form, FORMS)
        checks.not_negative("noise_state", self.noise_state)
        checks.not_negative("noise_input", self.noise_input)

    def leaks(self, regions: Iterable[str]) -> dict[str, float]:
        """Region -> a = dt/tau; warns where a > 1. Raises ValueError."""
        names = list(dict.fromkeys(regions))
        taus = dict(self.tau) if isinstance(self.tau, Mapping) else dict.fromkeys(names, self.tau)
        if set(taus) != set(names):
            raise ValueError(f"tau: expected one for each of {', '.join(names)}, got {', '.join(map(str, taus))}")
        for name, value in (("dt", self.dt), *(("tau", value) for value in taus.values())):
            checks.positive(name, value)
        leaks = {name: float(self.dt / taus[name]) for name in names}
        if max(leaks.values()) > 1:
            warnings.warn(f"a = dt / tau is {max(leaks.values()):g}, above 1: steps overshoot", stacklevel=3)
        return leaks


@dataclass(frozen=True)
class WeightRules:
    """The rules that the weights obey; sparse: None chooses the faster storage."""

    dale: str
    dale_input: str
    bounds: tuple[float, float]
    fixed: Sequence[str]
    scales: str | None
    sparse: bool | None

    def __post_init__(self) -> None:
        checks.one_of("dale", self.dale, DALE)
        checks.one_of("dale_input", self.dale_input, DALE)
        checks.one_of("scales", self.scales, (None, *SCALES))
        if self.sparse is not None:
            checks.boolean("sparse", self.sparse)
        object.__setattr__(self, "bounds", checks.interval("bounds", self.bounds))
        object.__setattr__(self, "fixed", checks.names("fixed", self.fixed))

    @property
    def recurrent_bounds(self) -> tuple[float, float] | None:
        """The bounds of the recurrent weights' magnitudes; None in mode off, where signs and bounds do not apply."""
        return None if self.dale == "off" else self.bounds


@dataclass(frozen=True)
class InitialOptions:
    """How the initial weights are drawn, or read from a connectome."""

    input_size: int | None
    regions_from: str | None
    initialisation: str
    spectral_radius: float | None
    seed: int
    input_initialisation: str = "uniform"

    def __post_init__(self) -> None:
        checks.one_of("initialisation", self.initialisation, INITIALISATIONS)
        checks.one_of("input_initialisation", self.input_initialisation, INPUT_INITIALISATIONS)
        if self.spectral_radius is not None:
            checks.positive("spectral_radius", self.spectral_radius)
        if self.input_size is not None:
            checks.whole("input_size", self.input_size, 0)
        checks.whole("seed", self.seed, 0)


def constrained_law(kind: str, constrained: bool | None, dale: str, initialisation: str) -> tuple[str, str]:
    """The mode of `DALE` and the initialisation of weights, where `constrained` is mRNNTorch's switch.

    kind: `rec` or `inp`. True is the mode as given; False is the mode off, and weights of both signs, `xavier`; None
    leaves both as given. Raises ValueError for False beside another mode or initialisation.
    """
    if constrained is None:
        return dale, initialisation
    checks.boolean(f"{kind}_constrained", constrained)
    if constrained:
        if dale == "off":
            raise ValueError(f"{kind}_constrained: expected False or None in mode off, got True")
        return dale, initialisation
    if dale not in ("abs", "off") or initialisation not in ("uniform", "xavier"):  # the defaults, or the same
        raise ValueError(f"{kind}_constrained: False means mode off and initialisation xavier, "
                         f"got {dale} and {initialisation}")  # fmt: skip
    return "off", "xavier"
