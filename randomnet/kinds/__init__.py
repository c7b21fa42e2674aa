"""The experiment kinds, by the name that [experiment] kind gives them."""

from types import ModuleType

from randomnet.kinds.analyse import run as analyse
from randomnet.kinds.benchmark import run as benchmark
from randomnet.kinds.compare import run as compare
from randomnet.kinds.convergence import run as convergence
from randomnet.kinds.fit import run as fit
from randomnet.kinds.record import run as record
from randomnet.kinds.simulate import run as simulate
from randomnet.kinds.spectrum import run as spectrum
from randomnet.kinds.stimulate import run as stimulate
from randomnet.kinds.train import run as train
from randomnet.kinds.transition import run as transition

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
