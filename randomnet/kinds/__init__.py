"""The experiment kinds, by the name that [experiment] kind gives them."""

from types import ModuleType

from randomnet.kinds import analyse, benchmark, convergence, spectrum, train, transition

KINDS: dict[str, ModuleType] = {
    "train": train,
    "spectrum": spectrum,
    "convergence": convergence,
    "transition": transition,
    "analyse": analyse,
    "benchmark": benchmark,
}
