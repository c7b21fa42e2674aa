"""The self-check `python runrandomnet.py --selfcheck`: spectra compared with closed forms and published values.

| check              | reference                                                                            |
|--------------------|--------------------------------------------------------------------------------------|
| linear network     | eigenvalues of a step; a tanh network with g < 1 decays to its linear regime         |
| two neurons        | the test of FlyStability, corrected: ln(0.8145)/0.2, and -1 for the flow             |
| Gaussian products  | Newman 1986, Forrester 2015, with exact standard errors                              |
| sum rule           | determinants of dense Jacobians by automatic differentiation, for every activation   |
| point symmetry     | exponents in pairs with sum -2/tau (Engelken, Wolf, Abbott 2023)                     |
| cat map            | closed form                                                                          |
| Henon map          | Henon 1976; Sprott 2003                                                              |
| Lorenz system      | Sprott 2003; the sum for a flow is its divergence                                    |

All checks use float64 and fixed seeds. Tolerances follow from theory or from the length of the record.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from randomnet import devices
from randomnet.activations import ACTIVATIONS
from randomnet.connectome import Connectome, from_dense
from randomnet.lyapunov import Schedule, System, kaplan_yorke, random_frame, spectrum
from randomnet.rnn import FORMS, Dynamics, Network
from randomnet.synthetic import random_network
from randomnet.systems import cat_map, henon, lorenz, products
from randomnet.values.devices import Device


@dataclass(frozen=True)
class Row:
    """One comparison. It passes if value and expected differ by at most the tolerance; nan never passes."""

    quantity: str
    value: float
    expected: float
    tolerance: float

    @property
    def error(self) -> float:
        """The absolute error."""
        return abs(self.value - self.expected)

    @property
    def passed(self) -> bool:
        """Whether value and expected agree within the tolerance."""
        return bool(self.error <= self.tolerance)


Check = Callable[[torch.device], Iterator[Row]]


def linear_networks(device: torch.device) -> Iterator[Row]:
    """N = 100, g = 0.5: every exponent is ln |1 - d + d mu| / d for an eigenvalue mu of J, with time step d."""
    connectome = random_network(100, 0.5, np.random.default_rng(0))
    eigenvalues = np.linalg.eigvals(connectome.dense())
    for activation in ("linear", "tanh"):
        for dt in (0.1, 1.0):
            system = _dynamics(connectome, device, activation=activation, dt=dt)
            values = _exponents(system, _state(100), Schedule(400, 1.0, 100, 100), device)
            expected = np.sort(np.log(np.abs(1 - dt + dt * eigenvalues)) / dt)[::-1]
            yield Row(f"{activation}, d = {dt:g}: largest", values[0], expected[0], 0.02)
            yield Row(f"{activation}, d = {dt:g}: worst of 100", *_worst(values, expected), 0.02)


def two_neurons(device: torch.device) -> Iterator[Row]:
    """Tangent vectors at the origin rotate and shrink; over whole half turns the product is a multiple of the identity.

    Over such a time both exponents are equal for any frame; over another time they differ by about 1/time.
    """
    connectome = from_dense("pair", np.array([[0, -0.9], [0.5, 0]]), np.array(["one", "two"]))
    half_turns = math.atan2(math.sqrt(0.45) * 0.1, 0.9) / math.pi
    steps = min(range(2000, 4000), key=lambda count: abs(count * half_turns - round(count * half_turns)))
    system = _dynamics(connectome, device, activation="tanh", dt=0.1)
    values = _exponents(system, np.zeros(2), Schedule(steps * 0.1, 0.2, 0, 0), device)
    yield Row("Euler d = 0.1: largest", values[0], -1.025904, 1e-6)
    yield Row("Euler d = 0.1: smallest", values[1], -1.025904, 1e-6)
    yield Row("Euler d = 0.1: sum", values.sum(), math.log(0.8145) / 0.1, 1e-9)
    flow = _dynamics(connectome, device, activation="tanh", dt=0.05, integrator="rk4")
    yield Row("flow, RK4 0.05: sum", _exponents(flow, np.zeros(2), Schedule(200, 0.2, 0, 0), device).sum(), -2.0, 1e-5)


def gaussian_products(device: torch.device) -> Iterator[Row]:
    """lambda_k = ln(g/sqrt N) + (ln 2 + psi((N-k+1)/2))/2, with standard error sqrt(psi'((N-k+1)/2) / (4 factors))."""
    n, factors = 10, 20_000
    order = torch.arange(n, 0, -1, dtype=torch.float64) / 2
    expected = (math.log(1 / math.sqrt(n)) + (math.log(2) + torch.digamma(order)) / 2).numpy()
    errors = (torch.polygamma(1, order) / (4 * factors)).sqrt().numpy()

    def factor(index: int) -> Tensor:
        return torch.from_numpy(np.random.default_rng([2, index]).standard_normal((n, n)) / math.sqrt(n))

    values = _exponents(products(factor), np.zeros(n), Schedule(factors, 1.0, 0, 0), device)
    for k in (0, n - 1):
        yield Row(f"exponent {k + 1} of {n}, 4 errors", values[k], expected[k], 4 * errors[k])
    yield Row("largest |z| of 10 exponents", np.abs((values - expected) / errors).max(), 0.0, 4.0)


def sum_rule(device: torch.device) -> Iterator[Row]:
    """The sum of all exponents is the mean of ln |det M| / d over the same steps, for any network."""
    for name in ACTIVATIONS:
        for form in FORMS:
            for dt in (0.1, 1.0):
                system = _RecordedStates(_random_gains(name, form, dt, device))
                total = _exponents(system, _state(12), Schedule(100 * dt, dt, 0, 0), device).sum()
                expected = system.log_determinant() / dt
                yield Row(f"{name}, {form}, d = {dt:g}", total, expected, 1e-9 * abs(expected))


def point_symmetry(device: torch.device) -> Iterator[Row]:
    """N = 128, g = 3, no autapses: a flow of divergence -N. Sums of pairs deviate by 0.04 to 0.06 in this network."""
    connectome = random_network(128, 3.0, np.random.default_rng(0))
    system = _dynamics(connectome, device, activation="tanh", dt=0.1, integrator="rk4")
    values = _exponents(system, _state(128), Schedule(150, 0.5, 20, 20), device)
    yield Row("worst sum of a pair", *_worst(values + values[::-1], np.full(128, -2.0)), 0.15)
    yield Row("mean exponent", values.mean(), -1.0, 1e-4)


def arnold(device: torch.device) -> Iterator[Row]:
    """Arnold's cat map, whose Jacobian is the same everywhere."""
    values = _exponents(cat_map(), np.array([0.1, 0.7]), Schedule(500, 2.0, 10, 40), device)
    expected = math.log((3 + math.sqrt(5)) / 2)
    yield Row("largest", values[0], expected, 1e-7)
    yield Row("smallest", values[1], -expected, 1e-7)
    yield Row("sum", values.sum(), 0.0, 1e-9)


def henon_map(device: torch.device) -> Iterator[Row]:
    """200,000 steps of the Henon map. D varies by 0.0004 (one sd) over initial states; this trajectory is exact."""
    values = _exponents(henon(), np.array([0.0, 0.1]), Schedule(200_000, 8.0, 100, 100), device)
    yield Row("largest", values[0], 0.4192, 0.005)
    yield Row("smallest", values[1], -1.6232, 0.005)
    yield Row("sum", values.sum(), math.log(0.3), 1e-9)
    yield Row("dimension, 1.2583 to 1.2590", kaplan_yorke(values, 2), 1.25865, 0.00035)


def lorenz_system(device: torch.device) -> Iterator[Row]:
    """Runge-Kutta steps of 0.01 over 1000 units of time, for which the tolerances are valid."""
    values = _exponents(lorenz(), np.array([1.0, 1.0, 20.0]), Schedule(1000, 0.5, 20, 20), device)
    yield Row("largest", values[0], 0.906, 0.01)
    yield Row("zero", values[1], 0.0, 0.005)
    yield Row("sum", values.sum(), -41 / 3, 0.002)
    yield Row("dimension", kaplan_yorke(values, 3), 2.062, 0.002)


CHECKS: dict[str, Check] = {
    "linear network": linear_networks,
    "two neurons": two_neurons,
    "Gaussian products": gaussian_products,
    "sum rule": sum_rule,
    "point symmetry": point_symmetry,
    "cat map": arnold,
    "Henon map": henon_map,
    "Lorenz system": lorenz_system,
}

HEADER = f"{'check':<18} {'what':<32} {'value':>14} {'expected':>14} {'error':>9} {'tolerance':>9}  verdict"


def run(device: torch.device, report: Callable[[str], None]) -> bool:
    """Run all CHECKS on the device, and return whether all passed.

    report is called with one line per comparison and a summary. A check that raises an exception, or is interrupted,
    has failed, and the next check starts. A second interrupt raises KeyboardInterrupt.
    """
    start, verdicts, interrupted = time.perf_counter(), [], False
    report(HEADER)
    for name, check in CHECKS.items():
        try:
            for row in check(device):
                verdicts.append(row.passed)
                report(_line(name, row))
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            verdicts.append(False)
            report(f"{name:<18} error: interrupted; the next check starts, another interrupt ends the self-check  fail")
        except Exception as error:
            verdicts.append(False)
            report(f"{name:<18} error: {type(error).__name__}: {' '.join(str(error).split())}  fail")
    passed, seconds = sum(verdicts), time.perf_counter() - start
    outcome = "passed" if passed == len(verdicts) else "FAILED"
    report(f"self-check {outcome}: {passed} of {len(verdicts)} lines pass; {seconds:.1f} s on {device}, float64")
    return passed == len(verdicts)


def main(device_name: str) -> int:
    """Run and print the self-check on 'auto' (cuda if available), 'cpu', 'cuda' or 'cuda:1'; return 0 if all passed.

    Else 1. Raises ValueError for another name, and for a GPU that this machine lacks.
    """
    return 0 if run(_device(device_name), partial(print, flush=True)) else 1


def _line(name: str, row: Row) -> str:
    numbers = f"{row.value:>14.8g} {row.expected:>14.8g} {row.error:>9.1e} {row.tolerance:>9.1e}"
    return f"{name:<18} {row.quantity:<32} {numbers}  {'pass' if row.passed else 'fail'}"


def _device(name: str) -> torch.device:
    try:
        wanted = Device().parse(name)
    except ValueError as error:
        raise ValueError(f"expected {Device().expected}, got {name!r}{error}") from None
    return devices.device_for(wanted)


@dataclass
class _RecordedStates:
    """A network that records its states by time, so that a step that is evaluated twice counts once."""

    inner: Dynamics
    states: dict[int, Tensor] = field(default_factory=dict)
    bounded = True  # claimed for all networks, so that no steps beyond the record are evaluated

    @property
    def dt(self) -> float:
        return self.inner.dt

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        for index in range(start, start + steps):
            self.states[index] = bundle[0].clone()
            bundle = self.inner.advance(bundle, 1, index)
        return bundle

    @torch.no_grad()
    def log_determinant(self) -> float:
        """The mean of ln |det| of the Jacobians of the step at these states."""
        states = torch.stack(list(self.states.values()))
        jacobians = torch.func.vmap(torch.func.jacfwd(self.inner.step))(states)
        return float(torch.linalg.slogdet(jacobians)[1].mean())


def _dynamics(connectome: Connectome, device: torch.device, **options) -> Dynamics:
    """The dynamics of a network on this connectome, without gradients."""
    with torch.no_grad():
        return Network(connectome, **options).to(device).dynamics()


def _random_gains(activation: str, form: str, dt: float, device: torch.device) -> Dynamics:
    """A network of 12 neurons with random gains and shifts.

    For maps with relu and sqrt all neurons must be active, because a silent neuron makes the determinant 0.
    """
    rng, n = np.random.default_rng(3), 12
    g, shift = (0.2, -20.0) if activation in ("relu", "sqrt") and dt == 1 else (1.5, 0.0)
    connectome = random_network(n, g, rng)
    trainable = {"gains": np.arange(n), "shifts": np.arange(n)}
    network = Network(connectome, activation=activation, form=form, dt=dt, trainable=trainable)
    gains, shifts = rng.uniform(0.6, 1.6, n), shift + 0.3 * rng.standard_normal(n)
    network.assign({**network.values(), "gains": torch.from_numpy(gains), "shifts": torch.from_numpy(shifts)})
    with torch.no_grad():
        return network.to(device).dynamics()


def _state(n: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal(n)


def _exponents(system: System, state: np.ndarray, schedule: Schedule, device: torch.device) -> np.ndarray:
    """The full spectrum (N,) from the state (N,) and a random frame."""
    n = len(state)
    frame = random_frame(np.random.default_rng(41), n, n)
    initial_state, initial_frame = (torch.from_numpy(values).to(device) for values in (state, frame))
    return spectrum(system, initial_state, initial_frame, schedule).exponents


def _worst(values: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The pair of entries with the largest difference; nan counts as the largest."""
    index = int(np.abs(values - expected).argmax())
    return float(values[index]), float(expected[index])
