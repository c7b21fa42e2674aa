"""RandomNet: how a brain's wiring shapes the dynamics of recurrent networks.

From Python:

    import randomnet as rn
    c = rn.connectome("my.npy", normalization="sinkhorn", g=3)    # c.facts(), c.plot(), c.null("degree", seed=1)
    net = rn.network(c, activation="tanh_stretched", train=["gains", "shifts"])
    rn.fit(net, rn.spectrum_loss(target=0, k="10%"), epochs=50)   # or a task: rn.task("flip_flop", n_bits=3)
    s = rn.spectrum(net)                                          # s.plot(), s.frame()
    r = rn.load("results/spec")                                   # r.table, r.history, r.best("loss_final")
    rn.run("config.ini", {"net.g": [1, 2, 3]})

See `randomnet.notebook` for these, `randomnet.api` for spectra of other systems, `randomnet.multiregion`, and the
packages analysis, inference, metrics, recordings, simulation, systems and tasks.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

from randomnet.version import __version__ as __version__

_NAMES = {  # what is offered from Python -> its module; loaded when it is asked for, as torch is slow to load
    **dict.fromkeys(("network", "fit", "spectrum_loss", "task"), "randomnet.notebook"),
    **dict.fromkeys(("covariant_vectors", "responses", "score_responses"), "randomnet.notebook"),
    **dict.fromkeys(("spectrum", "fixed_points", "load", "run"), "randomnet.notebook"),
    "rank_neurons": "randomnet.prediction",
    "MultiRegionRNN": "randomnet.multiregion",
}
_PACKAGES = (
    *("analysis", "connectome", "inference", "metrics", "prediction", "recordings"),
    *("simulation", "systems", "tasks"),
)


def __getattr__(name: str) -> _Any:
    """A name that is offered from Python, or a package. `connectome` is both: a package that can be called."""
    if name in _NAMES:
        from randomnet.loading import loading

        with loading():
            return getattr(_import_module(_NAMES[name]), name)
    if name in _PACKAGES:
        return _import_module(f"randomnet.{name}")
    raise AttributeError(f"module 'randomnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    """All names, also those that are not loaded yet."""
    return sorted({*globals(), *_NAMES, *_PACKAGES})
