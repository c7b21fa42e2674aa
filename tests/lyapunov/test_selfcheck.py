"""Systems against closed forms, and a self-check that passes here, can fail, and goes on where one check breaks."""

import math
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from randomnet import selfcheck
from randomnet.activations import ACTIVATIONS
from randomnet.integration import runge_kutta
from randomnet.lyapunov import Schedule, exponents, random_frame, spectrum
from randomnet.rnn import FORMS, Network
from randomnet.selfcheck import CHECKS, Row
from randomnet.synthetic import random_network
from randomnet.systems import FromSteps, cat_map, henon, lorenz, of_flow, of_matrix, of_step, products

CPU = torch.device("cpu")


def doubles(values):
    return torch.as_tensor(values, dtype=torch.float64)


def state_of(n, seed=7):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(n))


def frame_of(n, k=None):
    return torch.from_numpy(random_frame(np.random.default_rng(41), k or n, n))


def with_eigenvalues(values, seed=3):
    """A matrix with these real eigenvalues and eigenvectors that are not orthogonal."""
    vectors = np.random.default_rng(seed).standard_normal((len(values), len(values)))
    return vectors @ np.diag(values) @ np.linalg.inv(vectors)


def moved(system, state, frame, steps=1):
    return system.advance(torch.cat([state[None], frame]), steps, 0)


# --- systems


@pytest.mark.parametrize("as_given", [np.asarray, torch.from_numpy, lambda values: torch.from_numpy(values).float()])
def test_a_matrix(as_given):
    """Exponents are ln |eigenvalues| per unit of time; a matrix of another precision is brought to the state's."""
    values = np.array([1.5, -0.9, 0.4, 0.1])
    found = spectrum(
        of_matrix(as_given(with_eigenvalues(values)), dt=0.5), state_of(4), frame_of(4), Schedule(50, 1, 0, 50)
    )
    np.testing.assert_allclose(found.exponents, np.log(np.abs(values)) / 0.5, atol=1e-5)


@pytest.mark.parametrize(
    "make", [of_matrix, lambda matrix: of_step(lambda state: matrix @ state)], ids=["matrix", "step"]
)
def test_gradients_reach_what_a_system_is_made_of(make):
    """The sum of all exponents is ln |det M|, whose gradient is M^-T."""
    matrix = torch.from_numpy(with_eigenvalues([1.5, -0.9, 0.4])).requires_grad_()
    exponents(make(matrix), state_of(3), frame_of(3), Schedule(4, 2, 0, 0)).sum().backward()
    torch.testing.assert_close(matrix.grad, torch.linalg.inv(matrix.detach()).mT)


def test_the_tangent_of_a_step_is_its_derivative():
    weights = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 5)))

    def step(state):
        return torch.sin(weights @ state) + state.square() / 7

    state, frame = state_of(5), frame_of(5, 3)
    after = moved(of_step(step), state, frame)
    torch.testing.assert_close(after[0], step(state))
    for vector, found in zip(frame, after[1:], strict=True):
        torch.testing.assert_close(found, torch.func.jvp(step, (state,), (vector,))[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_step_of_a_network_moves_as_the_network_does(activation, form):
    with torch.no_grad():
        own = Network(random_network(9, 1.5, np.random.default_rng(1)), activation=activation, form=form).dynamics()
        state, frame = state_of(9), frame_of(9, 4)
        torch.testing.assert_close(moved(of_step(own.step, own.dt), state, frame, 3), moved(own, state, frame, 3))


def test_a_torch_module_has_a_spectrum():
    """h <- tanh(W h + b) settles at a fixed point, where the exponents are ln |eigenvalues of diag(1 - h^2) W|."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).double()
    weights = torch.from_numpy(with_eigenvalues([0.8, -0.6, 0.4, 0.2]))
    with torch.no_grad():
        module[0].weight.copy_(weights)
    found = spectrum(of_step(module), state_of(4), frame_of(4), Schedule(200, 1, 200, 200))
    jacobian = (1 - found.state**2)[:, None] * weights.numpy()
    expected = np.log(np.abs(np.linalg.eigvals(jacobian)))
    np.testing.assert_allclose(found.exponents, np.sort(expected)[::-1], atol=1e-6)


def test_a_linear_flow():
    """A Runge-Kutta step multiplies an eigenvector by 1 + z + z^2/2 + z^3/6 + z^4/24, z = dt mu: nearly exp(z)."""
    values, dt = np.array([0.3, -0.5, -1.0, -2.0]), 0.1
    field = of_matrix(with_eigenvalues(values)).step
    found = spectrum(of_flow(field, dt), state_of(4), frame_of(4), Schedule(20, 0.5, 0, 60)).exponents
    z = dt * values
    np.testing.assert_allclose(found, np.log(1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24) / dt, atol=1e-9)
    np.testing.assert_allclose(found, values, atol=1e-3)


def test_products_ask_for_a_factor_when_it_is_needed():
    """Of diagonal factors the exponents are the means of their logarithms; the state plays no part."""
    asked = []

    def factor(index):
        asked.append(index)
        return torch.diag(torch.exp(doubles([1.0 + 0.1 * index, -0.2 * index])))

    after = products(factor).advance(torch.cat([doubles([[3.0, 4.0]]), torch.eye(2).double()]), 5, 7)
    assert asked == [7, 8, 9, 10, 11]
    torch.testing.assert_close(after, doubles([[3.0, 4.0], [math.exp(5 + 4.5), 0.0], [0.0, math.exp(-9.0)]]))
    found = spectrum(products(factor, 0.5), torch.zeros(2).double(), torch.eye(2).double(), Schedule(5, 1.5, 0, 1))
    np.testing.assert_allclose(found.exponents, [2 * (1 + 0.1 * 6.5), -2 * 0.2 * 6.5], rtol=1e-12)


def lorenz_field(state):
    x, y, z = state
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def henon_step(state):
    return torch.stack([1 - 1.4 * state[0] ** 2 + state[1], 0.3 * state[0]])


@pytest.mark.parametrize(
    ("written", "step", "state"),
    [(henon(), henon_step, [0.3, 0.1]), (lorenz(), partial(runge_kutta, lorenz_field, dt=0.01), [1.0, 2.0, 20.0])],
    ids=["henon", "lorenz"],
)
def test_textbook_systems_move_as_their_equations_do(written, step, state):
    """And their tangents are those of forward differentiation, of the whole Runge-Kutta step too."""
    state, frame = doubles(state), frame_of(len(state))
    torch.testing.assert_close(moved(written, state, frame, 7), moved(of_step(step), state, frame, 7))
    alone = written.advance(state[None], 7, 0)
    assert torch.equal(alone[0], moved(written, state, frame, 7)[0])


def test_the_cat_map_stays_on_its_torus():
    state = cat_map().advance(doubles([[0.1, 0.7]]), 100, 0)[0]
    assert bool(((state >= 0) & (state < 1)).all())


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: of_step(henon_step, dt=0), "dt must be above 0, got 0"),
        (lambda: of_flow(lorenz_field, dt=-0.1), "dt must be above 0, got -0.1"),
        (lambda: lorenz(dt=math.nan), "dt must be above 0, got nan"),
        (lambda: products(lambda index: torch.eye(2), 0), "dt must be above 0, got 0"),
        (lambda: FromSteps(henon_step, henon_step, 0.0), "dt must be above 0"),
        (lambda: of_matrix(np.zeros((2, 3))), r"square matrix \(N, N\), got shape \(2, 3\)"),
        (
            lambda: of_step(lambda state: state[:2]).advance(doubles([[1.0, 2.0, 3.0]]), 1, 0),
            r"keep the state's shape \(3,\), got \(2,\)",
        ),
    ],
)
def test_what_cannot_be_a_system_is_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        wrong()


# --- the self-check


def of_checks(monkeypatch, **checks):
    """What `run` returns and prints of these checks."""
    monkeypatch.setattr(selfcheck, "CHECKS", checks)
    lines = []
    return selfcheck.run(CPU, lines.append), lines


def verdicts(lines):
    return [line.split()[-1] for line in lines[1:-1]]


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (Row("within", 1.0, 1.1, 0.2), True),
        (Row("at the bound", 1.0, 1.5, 0.5), True),
        (Row("beyond", 1.0, 1.3, 0.2), False),
        (Row("below", 1.0, 0.7, 0.2), False),
        (Row("not a number", math.nan, 1.0, 1e9), False),
        (Row("infinite", -math.inf, 1.0, 1e9), False),
    ],
    ids=lambda value: getattr(value, "what", None),
)
def test_a_row_passes_within_its_tolerance(monkeypatch, row, passed):
    done, lines = of_checks(monkeypatch, one=lambda device: iter([row]))
    assert done is passed
    assert verdicts(lines) == ["pass" if passed else "fail"]
    assert ("passed: 1 of 1" if passed else "FAILED: 0 of 1") in lines[-1]


@pytest.mark.slow
def test_a_wrong_derivative_is_found(monkeypatch):
    right = ACTIVATIONS["sigmoid"]
    monkeypatch.delitem(ACTIVATIONS, "sigmoid")  # a registry replaces no row
    monkeypatch.setitem(ACTIVATIONS, "sigmoid", replace(right, dphi=lambda u: 1.001 * right.dphi(u)))
    done, lines = of_checks(monkeypatch, rule=CHECKS["sum rule"])
    assert not done
    assert {line.split()[1] for line in lines[1:-1] if line.endswith("fail")} == {"sigmoid,"}
    assert verdicts(lines).count("fail") == 4
    assert len(verdicts(lines)) == 4 * len(ACTIVATIONS)


def test_a_wrong_system_is_found(monkeypatch):
    monkeypatch.setattr(selfcheck, "cat_map", lambda: of_matrix(np.array([[2.0, 1.0], [1.0, 1.001]])))
    done, lines = of_checks(monkeypatch, cat=CHECKS["cat map"])
    assert not done
    assert "fail" in verdicts(lines)


def broken(device):
    yield Row("first", 1.0, 1.0, 0.1)
    raise RuntimeError("no\nmemory")


def interrupted(device):
    yield Row("first", 1.0, 1.0, 0.1)
    raise KeyboardInterrupt


def fine(device):
    yield Row("only", 2.0, 2.0, 0.0)


@pytest.mark.parametrize(
    ("check", "text"), [(broken, "error: RuntimeError: no memory"), (interrupted, "error: interr")]
)
def test_a_check_that_breaks_has_failed_and_the_others_go_on(monkeypatch, check, text):
    done, lines = of_checks(monkeypatch, breaks=check, fine=fine)
    assert not done
    assert verdicts(lines) == ["pass", "fail", "pass"]
    assert lines[2].startswith("breaks ") and text in lines[2]
    assert "FAILED: 2 of 3" in lines[-1]


def test_a_second_interrupt_ends_the_self_check(monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        of_checks(monkeypatch, one=interrupted, two=interrupted, three=fine)


def test_the_device_must_be_one_that_there_is(monkeypatch):
    with pytest.raises(ValueError, match=r"expected one of auto, cpu, cuda, or a GPU .*, got 'tpu'; did you mean"):
        selfcheck.main("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="expected a CUDA device"):
        selfcheck.main("cuda")


def test_the_exit_code_and_the_table(monkeypatch, capsys):
    monkeypatch.setattr(selfcheck, "CHECKS", {"fine": fine})
    assert selfcheck.main("cpu") == 0
    header, row, summary = capsys.readouterr().out.splitlines()
    assert header.split() == ["check", "what", "value", "expected", "error", "tolerance", "verdict"]
    assert row.split() == ["fine", "only", "2", "2", "0.0e+00", "0.0e+00", "pass"]
    assert header.index("verdict") == row.index("pass")
    assert " s on cpu" in summary
    monkeypatch.setattr(selfcheck, "CHECKS", {"fine": fine, "breaks": broken})
    assert selfcheck.main("cpu") == 1


@pytest.mark.slow
def test_the_whole_self_check(monkeypatch, capsys):
    """All passes within two minutes of a processor; of exponents 5 % off, as if divided by another time, none would."""
    found = []

    def recorded(*arguments):
        found.append(spectrum(*arguments))
        return found[-1]

    monkeypatch.setattr(selfcheck, "spectrum", recorded)
    start = time.process_time()
    assert selfcheck.main("cpu") == 0, capsys.readouterr().out
    assert time.process_time() - start < 120
    assert names(capsys.readouterr().out, "pass") == set(CHECKS)

    replayed = iter(found)

    def off(system, *_):
        if isinstance(system, selfcheck._RecordedStates):
            system.advance(torch.zeros(1, 12).double(), 1)  # to have a state where there is a determinant
        return SimpleNamespace(exponents=1.05 * next(replayed).exponents)

    monkeypatch.setattr(selfcheck, "spectrum", off)
    assert selfcheck.main("cpu") == 1
    text = capsys.readouterr().out
    assert "error:" not in text
    assert names(text, "fail") == set(CHECKS)


def names(text, verdict):
    """The checks that have a line of this verdict."""
    return {name for name in CHECKS for line in text.splitlines() if line.startswith(name) and line.endswith(verdict)}
