"""What kind = train reads."""

from randomnet.kinds import reads
from randomnet.settings.readers import ALL, Reader, all_but

TRAIN = Reader(
    "train",
    "Train networks on a loss of their Lyapunov spectrum, on a task, or on both.",
    reads=reads.BUILDING
    | reads.HALVED
    | {
        "net": ALL,
        "projections": ALL,
        "model": ALL,
        "lyapunov": all_but("tolerance", "tsim_max", "initial_states", "driven"),
        "trainvalidate": all_but(*reads.DECAYS),
        "trialparams": ALL,
        "execution": ALL,
    },
    roles=("training",),
    module="randomnet.kinds.train.run",
)
