"""Compiled steps of sparse couplings and Runge-Kutta steps against the eager ones; see test_compiled_steps."""

import dataclasses

import numpy as np
import pytest
import torch

from randomnet import compiled
from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, spectrum
from randomnet.rnn.compiled_columns import bare_products
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


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_all_activations_and_precisions_are_those_of_eager_steps(name, dtype, relative):
    for kind, form, integrator in SYSTEMS[::3]:
        system, parameters = made(kind, form, integrator, name, dtype, varied=True)
        compare(system, parameters, *start(dtype), relative)


@pytest.mark.parametrize("integrator", ["euler", "rk4"])
def test_a_reported_spectrum_is_that_of_eager_steps(integrator):
    system, _ = made("sparse", "rate", integrator, "relu", varied=True)  # unbounded: norms are recorded too
    state, frame = (tensor.detach() for tensor in start(k=N))
    schedule = Schedule(tsim=8.0, transient=1.0)
    expected, got = (
        under(choice, lambda: spectrum(system.double(), state, frame, schedule)) for choice in ("eager", "compiled")
    )
    assert np.abs(expected.growth - got.growth).max() < 1e-12
    assert np.abs(expected.conditions - got.conditions).max() < 1e-10
    assert got.sum_rule_residual == pytest.approx(0, abs=1e-12)


def test_gradients_of_runge_kutta_steps_are_those_of_finite_differences():
    system, parameters = made("sparse_factors", "current", "rk4", varied=True)
    state, frame = start()
    compiled.select("compiled")
    _, *gradients, _ = values_and_gradients(system, parameters, state, frame)
    weights, step = torch.arange(1, K + 1, dtype=torch.float64), 1e-6
    for parameter, gradient in zip(parameters, gradients, strict=True):
        sides, index = [], (1,) * parameter.ndim
        for sign in (1, -1):
            with torch.no_grad():
                parameter[index] += sign * step
                sides.append(float((exponents(dataclasses.replace(system), state, frame, SHORT) * weights).sum()))
                parameter[index] -= sign * step
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(float(gradient[index]), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("integrator", ["euler", "rk4"])
def test_a_gradient_can_be_differentiated_again(integrator):
    system, parameters = made("sparse", "current", integrator, varied=True)
    state, frame = start()

    def squared_norm_and_its_gradient():
        values = exponents(system, state, frame, Schedule(tsim=0.8, tons=0.4, transient=0.2, frame_transient=0.0))
        gradients = torch.autograd.grad(values.sum(), parameters, create_graph=True)
        return torch.autograd.grad(sum(gradient.square().sum() for gradient in gradients), parameters)

    assert_close(under("eager", squared_norm_and_its_gradient), under("compiled", squared_norm_and_its_gradient), 1e-11)


def test_a_series_drives_sparse_and_runge_kutta_steps():
    for integrator in ("euler", "rk4"):
        system, _ = made("sparse", integrator=integrator, varied=True)
        series, (state, frame) = SeriesDrivenSystem(system, torch.randn(50, N, dtype=torch.float64)), start()
        with torch.no_grad():
            results = [
                under(choice, lambda: [exponents(series, state, frame, SHORT)])  # noqa: B023
                for choice in ("eager", "compiled")
            ]
        assert_close(*results, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["current", "rate"])
def test_results_of_several_threads_differ_by_rounding_at_most(form, monkeypatch):
    monkeypatch.setattr("randomnet.rnn.compiled_columns.SHARED", 0)
    compiled.select("compiled")
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for kind in ("sparse", "sparse_factors"):
            system, parameters = made(kind, form, varied=True)
            results.append(values_and_gradients(system, parameters, *start()))
            assert torch.get_num_threads() == threads
    for one, two in zip(results[:2], results[2:], strict=True):
        for a, b in zip(one, two, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("condition", [1.5, 1e3, 1e12])
@pytest.mark.parametrize("k", [3, 60])
def test_gram_schmidt_of_columns_agrees_with_lapack(k, condition):
    from randomnet.compiled import library, tall

    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((80, k)))[0]
    before = q @ (np.eye(k) + 0.05 * rng.standard_normal((k, k))) * np.geomspace(condition, 1, k)
    bundle, r = np.zeros((80, k + 3)), np.empty((k, k))
    bundle[:, 1 : 1 + k] = before
    frame = bundle[:, 1 : 1 + k]
    library.kernel(tall.orthonormalise_columns.py_func)(frame, r, np.empty((80, k)))
    assert np.abs(frame.T @ frame - np.eye(k)).max() < 1e-13
    assert np.abs(frame @ r - before).max() < 1e-13 * condition
    diagonal = np.abs(np.linalg.qr(before)[1].diagonal())
    np.testing.assert_allclose(np.log(r.diagonal()), np.log(diagonal), atol=1e-13 + 1e-17 * condition)
    assert not bundle[:, 0].any() and not bundle[:, 1 + k :].any()


@pytest.mark.parametrize("kind", ["sparse", "sparse_factors"])
def test_products_alone_are_those_of_the_coupling(kind):
    compiled.select("compiled")
    system, _ = made(kind, "rate")
    rows = torch.randn(5, N, dtype=torch.float64)
    x, out = np.zeros((N, 8)), np.empty((N, 8))
    x[:, :5] = rows.mT
    for coupling, expected in (
        (system.column_coupling, system.coupling.product(rows)),
        (system.column_transpose, system.coupling.transpose_product_into(rows, torch.empty_like(rows))),
    ):
        compiled.product(threads=1)(coupling, x, out)
        np.testing.assert_allclose(out[:, :5].T, expected.detach().numpy(), atol=1e-13)
    assert bare_products(system, 5, backward=True) is not None


def test_dense_euler_steps_have_no_products_in_columns():
    compiled.select("compiled")
    system, _ = made("dense", "rate")
    assert bare_products(system, 5, backward=False) is None
