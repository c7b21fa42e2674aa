"""The experiment kinds: what each reads (no torch). `randomnet.kinds.kind.kind_of` loads what a kind does."""

from randomnet.kinds.analyse.options import ANALYSE
from randomnet.kinds.benchmark.options import BENCHMARK
from randomnet.kinds.compare.options import COMPARE
from randomnet.kinds.convergence.options import CONVERGENCE
from randomnet.kinds.fit.options import FIT
from randomnet.kinds.pipeline.options import PIPELINE
from randomnet.kinds.predict.options import PREDICT
from randomnet.kinds.record.options import RECORD
from randomnet.kinds.responses.options import RESPONSES
from randomnet.kinds.simulate.options import SIMULATE
from randomnet.kinds.spectrum.options import SPECTRUM
from randomnet.kinds.stimulate.options import STIMULATE
from randomnet.kinds.train.options import TRAIN
from randomnet.kinds.transition.options import TRANSITION
from randomnet.registry import Registry
from randomnet.settings.readers import Reader

KINDS: Registry[Reader] = Registry(
    {
        "train": TRAIN,
        "spectrum": SPECTRUM,
        "convergence": CONVERGENCE,
        "transition": TRANSITION,
        "analyse": ANALYSE,
        "stimulate": STIMULATE,
        "responses": RESPONSES,
        "simulate": SIMULATE,
        "benchmark": BENCHMARK,
        "predict": PREDICT,
        "record": RECORD,
        "fit": FIT,
        "compare": COMPARE,
        "pipeline": PIPELINE,
    }
)
