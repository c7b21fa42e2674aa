"""The experiment kinds, by the name that [experiment] kind gives them."""

from types import ModuleType

from randomnet.kinds import (
    analyse,
    benchmark,
    compare,
    convergence,
    fit,
    record,
    simulate,
    spectrum,
    stimulate,
    train,
    transition,
)

KINDS: dict[str, ModuleType] = {
    "train": train,
    "spectrum": spectrum,
    "convergence": convergence,
    "transition": transition,
    "analyse": analyse,
    "stimulate": stimulate,
    "simulate": simulate,
    "benchmark": benchmark,
    "record": record,
    "fit": fit,
    "compare": compare,
}
