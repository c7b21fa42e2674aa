"""Networks with factors of low rank, and their gradients."""

from dataclasses import replace

import numpy as np
import torch

from randomnet.connectome import from_dense
from randomnet.rnn import (
    FACTORS,
    INTERFACE,
    Dense,
    LowRankFactors,
    Network,
    Pattern,
)

N, K, CHANNELS, OUTPUTS, BATCH, TIME = 12, 3, 2, 2, 4, 6
BASES = ("dense", "sparse", "none")

EXACT = {"rtol": 1e-10, "atol": 1e-12}


def connectome_of(base="dense", seed=0, n=N):
    rng = np.random.default_rng(seed)
    share = {"dense": 0.9, "sparse": 0.3, "none": 0.0}[base]
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < share) / np.sqrt(n)
    return from_dense("test", matrix, np.arange(n).astype(str))


def network(base="dense", form="current", seed=0, task=False, trainable=None, n=N, rank=K, **options):
    """A network with factors, gains and shifts all of which may be trained; with sparse products where the base is."""
    rng = np.random.default_rng(100 + seed)
    connectome = connectome_of(base, seed, n)
    sizes = {"weights": len(connectome.weights), "gains": n, "shifts": n, **dict.fromkeys(FACTORS, n * rank)}
    shapes = [(n, CHANNELS), (n,), (n,), (OUTPUTS, n), (OUTPUTS,)]
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in zip(INTERFACE, shapes, strict=True)}
    own = Network(
        connectome,
        form=form,
        trainable={name: np.arange(size) for name, size in sizes.items()} if trainable is None else trainable,
        interface=interface if task else None,
        factors=LowRankFactors(rng.standard_normal((n, rank)), rng.standard_normal((n, rank))),
        **{"activation": "tanh_positive", "dt": 0.3, **options},
    )
    if base == "sparse" and not task:
        own.pattern = Pattern(connectome.post, connectome.pre, n)
    values = own.values()
    for name, middle in (("gains", 1.0), ("shifts", 0.0)):
        values[name] = torch.from_numpy(middle + 0.2 * rng.standard_normal(n)).to(values[name])
    own.assign(values)
    return own


def dense(own):
    """The same dynamics, their J formed."""
    return replace(own.dynamics(), coupling=Dense(own.matrix()))


def randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def leaves(own):
    return [parameter for parameter in own.parameters() if parameter.numel()]


def gradients(loss, wanted):
    return torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True, materialize_grads=True)


def network_and_inputs(form, base="dense", activation="tanh_positive", dt=0.3, time=11, batch=4, **options):
    """A network with factors that answers trials, and inputs (time, batch, channels)."""
    own = network(base, form, task=True, activation=activation, dt=dt, **options)
    return own, randn(time, batch, CHANNELS, seed=1)
