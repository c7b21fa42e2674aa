"""Compiled steps against the eager ones, whose own oracles are in tests/rnn and tests/lyapunov, and against LAPACK."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from randomnet import compiled
from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, exponents_of_stack, spectrum
from randomnet.rnn.couplings import Dense
from randomnet.rnn.driven_systems import SeriesDrivenSystem
from randomnet.rnn.dynamics import Dynamics, stack_systems
from randomnet.rnn.low_rank import LowRank
from tests.support.paths import ROOT

pytest.importorskip("numba")

N, K = 19, 4
SHORT = Schedule(tsim=3.0, tons=0.4, transient=1.0, frame_transient=0.8)
QUICK_ONES = ("tanh_stretched",)
ALL_CASES = [
    pytest.param(name, form, marks=() if name in QUICK_ONES else pytest.mark.slow)
    for name in ACTIVATIONS
    for form in ("current", "rate")
]


@pytest.fixture(autouse=True)
def choice_of_this_process():
    """Each test may choose how steps are computed; the others are not affected."""
    yield
    compiled.select("auto")


def under(choice, function):
    """The result of the function with this choice of steps."""
    compiled.select(choice)
    return function()


def made(name="tanh_stretched", form="current", dtype=torch.float64, leaks=False, drive=False, seed=0):
    """A system with random parameters that require a gradient, and these parameters."""
    rng = np.random.default_rng(seed)

    def tensor(values):
        return torch.tensor(values, dtype=dtype)

    values = tensor(1.5 * rng.standard_normal((N, N)) / np.sqrt(N)).requires_grad_()
    gains = tensor(1 + 0.2 * rng.standard_normal(N)).requires_grad_()
    shifts = tensor(0.2 * rng.standard_normal(N)).requires_grad_()
    constant = tensor(0.3 * rng.standard_normal(N)).requires_grad_() if drive else None
    step_sizes = tensor(0.1 / rng.uniform(0.5, 2, N)) if leaks else None
    system = Dynamics(Dense(values), gains, shifts, ACTIVATIONS[name], form, 0.1, "euler", constant, step_sizes)
    return system, [parameter for parameter in (values, gains, shifts, constant) if parameter is not None]


def start(dtype=torch.float64, k=K, runs=()):
    """A state (..., N), which requires a gradient, and an orthonormal frame (..., k, N)."""
    generator = torch.Generator().manual_seed(3)
    state = torch.randn(*runs, N, generator=generator, dtype=torch.float64)
    frame = torch.linalg.qr(torch.randn(*runs, N, k, generator=generator, dtype=torch.float64))[0].mT
    return state.to(dtype).requires_grad_(), frame.to(dtype).contiguous()


def values_and_gradients(system, parameters, state, frame):
    values = exponents(system, state, frame, SHORT)
    weights = torch.arange(1, len(values) + 1, dtype=values.dtype)
    gradients = torch.autograd.grad((values * weights).sum(), [*parameters, state], allow_unused=True)
    return [values.detach(), *(gradient for gradient in gradients if gradient is not None)]


def assert_close(expected, got, relative):
    assert len(expected) == len(got)
    for a, b in zip(expected, got, strict=True):
        assert float((a - b).abs().max()) <= relative * max(1.0, float(a.abs().max()))


@pytest.mark.parametrize(("name", "form"), ALL_CASES)
@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_exponents_and_gradients_are_those_of_eager_steps(name, form, dtype, relative):
    for options in ({}, {"leaks": True, "drive": True}):
        system, parameters = made(name, form, dtype, **options)
        state, frame = start(dtype)
        results = [
            under(choice, lambda: values_and_gradients(system, parameters, state, frame))  # noqa: B023
            for choice in ("eager", "compiled")
        ]
        assert_close(*results, relative)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_gradients_are_those_of_finite_differences(form):
    system, parameters = made("tanh_stretched", form, drive=True)
    state, frame = start()
    compiled.select("compiled")
    _, *gradients, _ = values_and_gradients(system, parameters, state, frame)
    weights, step = torch.arange(1, K + 1, dtype=torch.float64), 1e-6
    rng = np.random.default_rng(1)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        index = tuple(int(rng.integers(size)) for size in parameter.shape)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[index] += sign * step
                sides.append(float((exponents(dataclasses.replace(system), state, frame, SHORT) * weights).sum()))
                parameter[index] -= sign * step
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(float(gradient[index]), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("k", [K, N])
def test_a_reported_spectrum_is_that_of_eager_steps(k):
    system, _ = made("relu", "rate", drive=True)  # unbounded activation: norms of the state are recorded too
    state, frame = (tensor.detach() for tensor in start(k=k))
    times = []

    def measure():
        times.append([])
        return spectrum(system.double(), state, frame, Schedule(tsim=8.0, transient=1.0), times[-1].append)

    expected, got = (under(choice, measure) for choice in ("eager", "compiled"))
    assert np.abs(expected.growth - got.growth).max() < 1e-12
    assert np.abs(expected.conditions - got.conditions).max() < 1e-10
    assert got.sum_rule_residual == pytest.approx(0, abs=1e-12) if k == N else np.isnan(got.sum_rule_residual)
    assert times[1] == sorted(times[1]) and set(times[1]) <= set(times[0]) and times[1][-1] == times[0][-1]
    np.testing.assert_array_equal(expected.times, got.times)


def test_stacks_factors_and_series_are_those_of_eager_steps():
    systems, parameters = zip(*(made(drive=True, seed=seed) for seed in range(3)), strict=True)
    state, frame = start(runs=(3,))
    flat = [parameter for each in parameters for parameter in each]

    def stacked():
        values, _, _ = exponents_of_stack(stack_systems(systems), state, frame, SHORT)
        return [values.detach(), *torch.autograd.grad(values[:, 0].sum(), flat)]

    assert_close(under("eager", stacked), under("compiled", stacked), 1e-12)
    system, _ = made()
    factors = [torch.randn(N, 2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    low_rank = dataclasses.replace(system, coupling=LowRank(system.coupling, *factors))
    one_state, one_frame = start()
    results = [
        under(choice, lambda: values_and_gradients(low_rank, factors, one_state, one_frame))
        for choice in ("eager", "compiled")
    ]
    assert_close(*results, 1e-12)
    series = SeriesDrivenSystem(system, torch.randn(50, N, dtype=torch.float64))
    with torch.no_grad():
        results = [
            under(choice, lambda: [exponents(series, one_state, one_frame, SHORT)]) for choice in ("eager", "compiled")
        ]
    assert_close(*results, 1e-12)


def test_a_gradient_can_be_differentiated_again():
    system, parameters = made(drive=True)
    state, frame = start()

    def squared_norm_and_its_gradient():
        values = exponents(system, state, frame, Schedule(tsim=1.0, tons=0.4, transient=0.2, frame_transient=0.0))
        gradients = torch.autograd.grad(values.sum(), parameters, create_graph=True)
        return torch.autograd.grad(sum(gradient.square().sum() for gradient in gradients), parameters)

    assert_close(under("eager", squared_norm_and_its_gradient), under("compiled", squared_norm_and_its_gradient), 1e-11)


def orthonormalise(frame, r):
    from randomnet.compiled import library, orthonormal

    library.kernel(orthonormal.orthonormalise.py_func)(frame, r)


@pytest.mark.parametrize("condition", [1.5, 1e10])
@pytest.mark.parametrize("k", [3, 17, 60, 70])
def test_gram_schmidt_agrees_with_lapack(k, condition):
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((80, k)))[0].T
    before = np.geomspace(condition, 1, k)[:, None] * ((np.eye(k) + 0.05 * rng.standard_normal((k, k))) @ q)
    frame, r = before.copy(), np.empty((k, k))
    orthonormalise(frame, r)
    assert np.abs(frame @ frame.T - np.eye(k)).max() < 1e-13
    assert np.abs(r.T @ frame - before).max() < 1e-13 * condition
    diagonal = np.abs(np.linalg.qr(before.T)[1].diagonal())
    np.testing.assert_allclose(np.log(r.diagonal()), np.log(diagonal), atol=1e-13 + 1e-17 * condition)


def test_a_vector_that_vanishes_is_replaced_by_an_orthogonal_one_and_its_growth_is_minus_infinity():
    frame, r = np.zeros((3, 5)), np.empty((3, 3))
    frame[0, 0], frame[1, 0], frame[2, 3] = 1, 2, 3
    orthonormalise(frame, r)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-15)
    np.testing.assert_array_equal(r.diagonal(), [1, 0, 3])


def test_functions_of_compiled_loops_are_those_of_a_mathematical_library():
    from randomnet.compiled import scalars

    for x in np.concatenate([np.linspace(-700, 700, 997), np.logspace(-20, 0, 50)]):
        assert scalars.exponential(x) == pytest.approx(np.exp(x), rel=1e-15)
        assert scalars.exponential_minus_one(x) == pytest.approx(np.expm1(x), rel=2e-15)
    assert scalars.exponential(-1e9) == 0
    assert np.isnan(scalars.exponential(np.nan)) and np.isnan(scalars.exponential_minus_one(np.nan))


def test_a_choice_of_steps_is_one_of_three_words():
    with pytest.raises(ValueError, match="steps must be one of auto, compiled, eager, got 'fast'"):
        compiled.select("fast")


def test_compiled_steps_without_numba_are_refused_in_words(monkeypatch):
    monkeypatch.setattr(compiled, "is_available", lambda: False)
    assert compiled.select("auto") == "eager"
    with pytest.raises(ImportError, match="needs numba and scipy: pip install numba scipy, or set steps = eager"):
        compiled.select("compiled")


@pytest.mark.parametrize(
    ("preparation", "available"),
    [
        ("", True),
        ("import os; os.environ['NUMBA_DISABLE_JIT'] = '1'", False),
        ("import os; os.environ['NUMBA_DISABLE_JIT'] = '0'", True),
        ("import sys; sys.modules['numba'] = None", False),
        ("import sys; sys.path.insert(0, sys.argv[1])", False),
    ],
)
def test_steps_are_compiled_only_where_numba_compiles(tmp_path, preparation, available):
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 2.2 or less')\n")
    code = f"{preparation}\nfrom randomnet import compiled\nprint(compiled.select('auto'), compiled.is_available())"
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == (["compiled", "True"] if available else ["eager", "False"])


def test_a_place_without_locks_does_not_stop_a_compilation(tmp_path):
    from randomnet.compiled import library

    (tmp_path / "missing").write_text("no folder")
    done = []
    with library.one_at_a_time(tmp_path / "missing" / "steps.lock"):
        done.append(1)
    assert done


@pytest.mark.slow
def test_compilation_is_announced_once_per_machine(tmp_path):
    code = "import sys; sys.path.insert(0, '.'); from tests.compiled import test_compiled_steps as t; import torch\n"
    code += "system, _ = t.made('sigmoid'); state, frame = t.start()\n"
    code += "with torch.no_grad(): t.exponents(system, state, frame, t.SHORT)"
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PATH": "", "OMP_NUM_THREADS": "1"}
    lines = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert [line.stderr.count("compiling steps once, about") for line in lines] == [1, 0]
