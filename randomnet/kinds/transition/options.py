"""What kind = transition reads."""

from randomnet.kinds import reads
from randomnet.kinds.spectrum.options import one_state
from randomnet.settings.readers import Reader

TRANSITION = Reader(
    "transition",
    "Measure the largest Lyapunov exponent over a grid of g, for the transition to chaos.",
    reads=reads.BUILDING | reads.SPECTRUM | reads.SIDE_BY_SIDE,
    defaults=reads.EXACT | {"lyapunov.nle": 1, "lyapunov.initial_states": 1},
    checks=(one_state,),
    roles=("spectra",),
    module="randomnet.kinds.transition.run",
)
