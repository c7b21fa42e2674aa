"""What kind = spectrum reads."""

from typing import Any

from randomnet.kinds import reads
from randomnet.settings.readers import ALL, Key, Reader
from randomnet.settings.values import Share


def one_state(config: Any) -> tuple[Key, str] | None:
    """Several initial states are not available along trials, all of which start from the same state."""
    if config.lyapunov.initial_states > 1 and config.has_task and config.lyapunov.driven:
        return ("lyapunov", "initial_states"), "1, or driven = False, as every trial starts from the same state"
    if config.lyapunov.initial_states > 1 and config.from_source:
        return ("lyapunov", "initial_states"), "1 with source.folder, whose system has an initial state of its own"
    return None


def without_vectors(config: Any) -> tuple[Key, str] | None:
    """Covariant vectors are of one trajectory of a network with labelled neurons."""
    if not config.lyapunov.vectors:
        return None
    key = "lyapunov", "vectors"
    if config.from_source:
        return key, "0 with source.folder, whose units have no labels"
    if config.lyapunov.initial_states > 1:
        return key, "0 with several initial_states, as the vectors are those of one trajectory"
    return None


SPECTRUM = Reader(
    "spectrum",
    "Measure the Lyapunov spectrum of every network.",
    reads=reads.BUILDING | reads.WITH_VECTORS | reads.SIDE_BY_SIDE | {"source": ALL},
    defaults=reads.EXACT | {"lyapunov.nle": Share(100.0), "lyapunov.initial_states": 1},
    checks=(one_state, without_vectors, reads.of_source),
    roles=("spectra", "system of a source"),
    module="randomnet.kinds.spectrum.run",
)
