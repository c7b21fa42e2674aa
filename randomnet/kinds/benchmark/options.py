"""What kind = benchmark reads."""

from randomnet.kinds import reads
from randomnet.settings.readers import Reader, all_but, only

BENCHMARK = Reader(
    "benchmark",
    "Time a spectrum and a training epoch, as ratios to their bare matrix products.",
    reads=reads.BUILDING
    | reads.WITHOUT_FACTORS
    | reads.SIDE_BY_SIDE
    | {
        "trainvalidate": only(
            *("optimizer", "lr", "iterations", "train_weights", "train_gains", "train_shifts", "init", "remap_w"),
            *("batch_size", "precision"),
        ),
        "trialparams": all_but("ramp_epochs"),
    },
    roles=("training",),
    module="randomnet.kinds.benchmark.run",
)
