"""What kind = convergence reads."""

from typing import Any

from randomnet.kinds import reads
from randomnet.settings.readers import Key, Reader, only


def autonomous(config: Any) -> tuple[Key, str] | None:
    """Estimates from several initial states are not available along trials, all of which start from the same state."""
    if config.has_task and config.lyapunov.driven:
        return ("lyapunov", "driven"), "False with kind = convergence, as every trial starts from the same state"
    return None


CONVERGENCE = Reader(
    "convergence",
    "Measure how estimates of the exponents settle, from several initial states of one network.",
    reads=reads.BUILDING
    | {"lyapunov": only("nle", "tsim", "initial_states", "tons", "driven", "transient", "frame_transient")},
    defaults=reads.EXACT,
    checks=(autonomous,),
    roles=("spectra",),
    module="randomnet.kinds.convergence.run",
)
