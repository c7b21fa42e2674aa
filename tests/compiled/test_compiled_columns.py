"""Compiled steps of sparse couplings and Runge-Kutta steps against the eager ones; see test_compiled_steps."""

import dataclasses

import numpy as np
import pytest
import torch

from randomnet import compiled
from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, spectrum
from randomnet.rnn.couplings import Dense, Pattern, Sparse
from randomnet.rnn.driven_systems import SeriesDrivenSystem
from randomnet.rnn.dynamics import Dynamics
from randomnet.rnn.low_rank import LowRank, Unconnected

pytest.importorskip("numba")

N, K, EDGES = 31, 4, 140
SHORT = Schedule(tsim=3.0, tons=0.4, transient=1.0, frame_transient=0.8)
COUPLINGS = "sparse", "dense", "sparse_factors", "factors"
SYSTEMS = [
    (coupling, form, integrator)
    for coupling in COUPLINGS
    for form in ("current", "rate")
    for integrator in ("euler", "rk4")
    if (coupling, integrator) != ("dense", "euler")
]


@pytest.fixture(autouse=True)
def choice_of_this_process():
    """Each test may choose how steps are computed, and on how many threads; the others are not affected."""
    threads = torch.get_num_threads()
    yield
    compiled.select("auto")
    torch.set_num_threads(threads)


def under(choice, function):
    """The result of the function with this choice of steps."""
    compiled.select(choice)
    return function()


def coupling_of(kind, rng, tensor):
    """A random coupling of a kind."""
    factors = [tensor(rng.standard_normal((N, 2))).requires_grad_() for _ in range(2)]
    if kind == "dense":
        return Dense(tensor(1.5 * rng.standard_normal((N, N)) / np.sqrt(N)).requires_grad_())
    if kind == "factors":
        return LowRank(Unconnected(), *factors)
    post, pre = np.divmod(np.sort(rng.choice(N * N, EDGES, replace=False)), N)
    sparse = Sparse(tensor(rng.standard_normal(EDGES)).requires_grad_(), Pattern(post, pre, N))
    return sparse if kind == "sparse" else LowRank(sparse, *factors)


def made(kind="sparse", form="current", integrator="euler", name="tanh_stretched", dtype=torch.float64, varied=False):
    """A system with random parameters that require a gradient, and these; varied: with time constants and a drive."""
    rng = np.random.default_rng(0)

    def tensor(values):
        return torch.tensor(values, dtype=dtype)

    coupling = coupling_of(kind, rng, tensor)
    gains = tensor(1 + 0.2 * rng.standard_normal(N)).requires_grad_()
    shifts = tensor(0.2 * rng.standard_normal(N)).requires_grad_()
    drive = tensor(0.3 * rng.standard_normal(N)).requires_grad_() if varied else None
    leaks = tensor(0.1 / rng.uniform(0.5, 2, N)) if varied else None
    system = Dynamics(coupling, gains, shifts, ACTIVATIONS[name], form, 0.1, integrator, drive, leaks)
    return system, [gains, shifts, *coupling.parameters, *([drive] if varied else [])]


def start(dtype=torch.float64, k=K):
    """A state (N,), which requires a gradient, and an orthonormal frame (k, N)."""
    generator = torch.Generator().manual_seed(3)
    state = torch.randn(N, generator=generator, dtype=torch.float64)
    frame = torch.linalg.qr(torch.randn(N, k, generator=generator, dtype=torch.float64))[0].mT
    return state.to(dtype).requires_grad_(), frame.to(dtype).contiguous()


def values_and_gradients(system, parameters, state, frame, schedule=SHORT):
    values = exponents(system, state, frame, schedule)
    weights = torch.arange(1, len(values) + 1, dtype=values.dtype)
    return [values.detach(), *torch.autograd.grad((values * weights).sum(), [*parameters, state])]


def assert_close(expected, got, relative):
    assert len(expected) == len(got)
    for a, b in zip(expected, got, strict=True):
        assert float((a - b).abs().max()) <= relative * max(1.0, float(a.abs().max()))


def compare(system, parameters, state, frame, relative):
    """Compare exponents and gradients of eager and compiled steps."""
    results = [
        under(choice, lambda: values_and_gradients(system, parameters, state, frame))
        for choice in ("eager", "compiled")
    ]
    assert_close(*results, relative)


@pytest.mark.parametrize(("kind", "form", "integrator"), SYSTEMS)
@pytest.mark.parametrize("varied", [False, True])
def test_exponents_and_gradients_are_those_of_eager_steps(kind, form, integrator, varied):
    system, parameters = made(kind, form, integrator, varied=varied)
    compare(system, parameters, *start(), 1e-12)
