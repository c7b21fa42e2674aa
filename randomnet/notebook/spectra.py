"""`spectrum`: the Lyapunov spectrum of a network as kind = spectrum measures it, or of any other system.

`covariant_vectors`: the vectors of its leading exponents.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from randomnet import api
from randomnet.architectures import CellNetwork
from randomnet.build.network import Setup, build_setup
from randomnet.build.targets import exponents_of
from randomnet.connectome import Connectome
from randomnet.kinds.initial_states import compute_states
from randomnet.kinds.spectra import compute_spectrum
from randomnet.kinds.spectrum.vectors import NetworkVectors, vectors_of_network
from randomnet.lyapunov import Spectrum
from randomnet.notebook.networks import NotebookNetwork
from randomnet.notebook.networks import network as build
from randomnet.notebook.options import config_of, keys_of
from randomnet.rnn import Network
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Run
from randomnet.simulation import TrainableRateNetwork

KIND = "spectrum"


def spectrum(
    source: Any,
    state: torch.Tensor | np.ndarray | Sequence[float] | None = None,
    *,
    k: int | str | None = None,
    **options: Any,
) -> Spectrum | list[Spectrum]:
    """The k leading Lyapunov exponents of a network or of any other system, with error bars and a verdict.

    source: a network of `network()` or of results, whose spectrum is that of an INI with kind = spectrum: from the
    run's state and frame, with its defaults, along its trials where it has a task. options are then those of
    [lyapunov], k is `nle`. A `Connectome` is a network with the defaults of [model]. Several
    initial_states give a list.

    Any other source, and a network with `state` or `inputs`: see `randomnet.api.spectrum`, which has other defaults.

    Raises TypeError for an unknown option, and ValueError for a wrong value, with the nearest name.

    >>> import randomnet as rn
    >>> s = rn.spectrum(rn.network(rn.connectome("random", n=20, g=2)), k=3, tsim=50)
    >>> s
    Spectrum: 3 of 20 exponents; lambda_max = -0.5386 ± 0.023; D_KY = 0; h_KS = 0; too short to tell
    >>> list(s.frame())
    ['index', 'exponent', 'stderr']
    """
    if isinstance(source, Connectome):
        source = build(source)
    if isinstance(source, NotebookNetwork) and not isinstance(source.module, CellNetwork):
        if state is None and options.get("inputs") is None:
            return _of_network(source, k, {name: value for name, value in options.items() if name != "inputs"})
        source = source.module
    elif isinstance(source, NotebookNetwork):
        return _of_cells(source, state, k, options)
    return api.spectrum(source, state, k=_count(k), **options)


def _count(k: int | str | None) -> int | None:
    """The number of exponents of a system without [lyapunov]. Raises ValueError for a share."""
    if isinstance(k, str):
        raise ValueError(f"k: expected a whole number for this source, got {k!r}")
    return k


def _of_network(network: NotebookNetwork, k: int | str | None, arguments: dict[str, Any]) -> Spectrum | list[Spectrum]:
    """The spectrum of a network as a run of kind = spectrum measures it."""
    written = dict(keys_of("spectrum()", arguments, ("lyapunov",), ("state", "inputs", "k")))
    written |= {} if k is None else {("lyapunov", "nle"): k}
    run = spectrum_run(network, written)
    if run.config.lyapunov.vectors:
        raise ValueError("vectors: expected 0 in spectrum(), as covariant_vectors() computes them")
    setup = present_setup(network, build_setup(run))
    count = exponents_of(run, setup.size)
    with torch.no_grad():
        if run.config.lyapunov.initial_states > 1:
            return compute_states(run, setup, count)
        return compute_spectrum(run, setup, count)


def covariant_vectors(source: NotebookNetwork | Connectome, *, k: int = 5, **options: Any) -> NetworkVectors:
    """The covariant Lyapunov vectors of the k leading exponents of a network: which neurons carry each exponent.

    source: a network of `network()` or of results, with its present values, as an INI with kind = spectrum and
    `vectors` measures it; a `Connectome` is a network with the defaults of [model]. options: those of [lyapunov]; nle
    is the number of exponents of the spectrum before it, all of them by default. For other systems see
    `randomnet.lyapunov.covariant`, and docs/vectors.md for what may be concluded.

    Raises TypeError for an unknown option or another source, ValueError for a wrong value, and FloatingPointError where
    there is no attractor or a direction is lost to rounding.

    >>> import randomnet as rn
    >>> v = rn.covariant_vectors(rn.network(rn.connectome("AB", g=3)), k=2, nle=3, tsim=10)
    >>> v.vectors.weights.shape, v.sensitivities.means["gains"].shape
    ((2, 58), (2, 58))
    >>> list(v.frame())[:4]
    ['kind_of_group', 'group', 'index', 'exponent']
    """
    network = build(source) if isinstance(source, Connectome) else source
    if not isinstance(network, NotebookNetwork):
        raise TypeError(f"covariant_vectors(): expected a network or a connectome, got {type(source).__name__}")
    if not isinstance(network.module, Network) or isinstance(network.module, TrainableRateNetwork):
        raise ValueError("covariant_vectors(): expected a network whose neurons have one variable each, without cells "
                         "or parts of [dynamics]")  # fmt: skip
    written = dict(keys_of("covariant_vectors()", options, ("lyapunov",), ("k",))) | {("lyapunov", "vectors"): k}
    run = spectrum_run(network, written, "covariant_vectors()")
    if not k:
        raise ValueError("k: expected at least 1 vector, got 0")
    setup = present_setup(network, build_setup(run))
    with torch.no_grad():
        return vectors_of_network(run, setup, compute_spectrum(run, setup, exponents_of(run, setup.size)))


def spectrum_run(
    network: NotebookNetwork, written: dict[tuple[str, str], Any], function: str = "spectrum()", kind: str = KIND
) -> Run:
    """The run of kind = spectrum of a network, or of another kind, with these options. Raises ConfigError.

    function: its name in errors.
    """
    trained = network.run_settings
    made = {key: value for key, value in network.options.items()
            if kind in SCHEMA.options[key].readers and key[0] != "lyapunov"}  # fmt: skip
    for key in written:
        if not SCHEMA.is_read(key, config_of(function, kind, made | written, strict=False)):
            config_of(function, kind, made | written)
    config = config_of(function, kind, made | written, strict=False)
    return Run(0, trained.iteration, config.experiment.seed, config)


def present_setup(network: NotebookNetwork, fresh: Setup) -> Setup:
    """The fresh setup in float64, with the network's present values where they differ from the initial ones."""
    initial, present = fresh.network.values(), network.module.values()
    fresh.network.assign({
        name: values if name in present and torch.equal(values.to(present[name]), present[name])
        else present.get(name, values).to(values)
        for name, values in initial.items()
    })  # fmt: skip
    return fresh


def _of_cells(network: NotebookNetwork, state: Any, k: Any, options: dict[str, Any]) -> Spectrum:
    """The spectrum of cells under a constant input (channels,), or one per step (time, channels); 0 by default."""
    system = network.system()
    inputs = options.pop("inputs", None)
    series = torch.zeros(system.channels) if inputs is None else torch.as_tensor(np.asarray(inputs))
    if series.shape[-1:] != (system.channels,) or series.ndim > 2:
        raise ValueError(
            f"inputs: expected shape ({system.channels},) or (time, {system.channels}), got {tuple(series.shape)}"
        )
    series = series.double()

    def step(present: torch.Tensor, t: float) -> torch.Tensor:
        x = series if series.ndim == 1 else series[round(t) % len(series)]
        return system.step(present[None], x[None])[0]

    start = system.rest(1)[0].detach() if state is None else state
    return api.spectrum(step, start, k=k, **options)
