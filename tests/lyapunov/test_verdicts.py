"""Verdicts on spectra: growth without bound, exponents that are zero, errors of dimension and entropy, convergence."""

import math

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, Spectrum, entropy, kaplan_yorke, random_frame, spectra_of_stack, spectrum
from randomnet.lyapunov.batches import errors_of_mean
from randomnet.rnn import Dense, Dynamics, stack_systems
from randomnet.systems import FromSteps, henon, lorenz, of_matrix

DT = 0.1


def network(weights, activation="tanh", dt=DT):
    weights = torch.as_tensor(weights, dtype=torch.float64)
    one = torch.ones(len(weights), dtype=torch.float64)
    return Dynamics(Dense(weights), one, 0 * one, ACTIVATIONS[activation], "current", dt)


def measured(system, n, k=None, tsim=200.0, tons=0.2, seed=0, transient=10.0, scale=1.0):
    rng = np.random.default_rng(seed)
    state, frame = scale * rng.standard_normal(n), random_frame(rng, k or n, n)
    schedule = Schedule(tsim, tons, transient, transient)
    return spectrum(system, torch.from_numpy(state), torch.from_numpy(frame), schedule)


def measured_each(systems, n, tsim):
    """Spectra of as many systems side by side, each from a start of its own."""
    rng, runs = np.random.default_rng(0), len(systems)
    states = torch.from_numpy(rng.standard_normal((runs, n)))
    frames = torch.from_numpy(np.array([random_frame(rng, n, n) for _ in range(runs)]))
    return spectra_of_stack(stack_systems(systems), states, frames, Schedule(tsim, 1.0, 10.0, 10.0))


def random_weights(n, g, seed=0):
    return g * np.random.default_rng(seed).standard_normal((n, n)) / math.sqrt(n)


def rotation(radius, angle):
    return radius * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def record(rates, n=None, interval=1.0):
    """The spectrum of a record with these growth rates (intervals, k)."""
    rates = np.asarray(rates, dtype=float)
    times = np.full(len(rates), interval)
    return Spectrum(rates * interval, times, np.zeros(n or rates.shape[1]), np.zeros(3), 0.0, 0.0, 10.0, 10.0)


def fluctuations(rng, intervals, k, memory=0.8, size=0.3):
    """Stationary first-order processes of mean 0 and standard deviation `size`, (intervals, k)."""
    values, now = np.empty((intervals, k)), rng.standard_normal(k)
    for row in values:
        now = memory * now + math.sqrt(1 - memory**2) * rng.standard_normal(k)
        row[:] = size * now
    return values


# --- growth without bound


@pytest.mark.parametrize("tsim", [20.0, 200.0, 1000.0])
def test_a_network_that_grows_for_ever_is_unbounded_whatever_the_record(tsim):
    system = network(random_weights(50, 4.0), "relu")
    grown = measured(system, 50, k=5, tsim=tsim)
    assert grown.verdict == "unbounded" and not grown.converged and not grown.diverged
    assert np.isnan([*grown.dimension, *grown.entropy, grown.n_positive, grown.n_zero]).all()
    assert "grows without bound" in grown.doubts[0]
    state = torch.from_numpy(np.random.default_rng(0).standard_normal(50))
    with torch.no_grad():
        early = system.advance(state[None], 1000)[0].norm()
        late = system.advance(state[None], 2000)[0].norm()
    assert grown.exponents[0] == pytest.approx(math.log(late / early) / 100, rel=0.02)


@pytest.mark.parametrize(("rate", "tsim"), [(0.01, 20.0), (0.01, 200.0), (0.1, 20.0), (0.1, 400.0)])
def test_slow_growth_is_found_by_following_the_state(rate, tsim):
    """A linear network whose leading eigenvalue makes it grow by e^(rate t), all else decaying."""
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    leading = 1 + (math.exp(rate * DT) - 1) / DT
    weights = basis @ np.diag([leading, *rng.uniform(-0.5, 0.5, 19)]) @ basis.T
    grown = measured(network(weights, "linear"), 20, k=2, tsim=tsim, transient=30.0)
    assert grown.verdict == "unbounded" and grown.exponents[0] == pytest.approx(rate, abs=1e-3)
    stable = measured(network(weights - 2 * rate * np.eye(20), "linear"), 20, k=2, tsim=tsim, transient=30.0)
    assert stable.verdict != "unbounded" and stable.exponents[0] < 0


def test_an_excitatory_inhibitory_network_without_saturation_is_unbounded():
    rng = np.random.default_rng(1)
    weights = rng.gamma(1.0, 1.0, (60, 60)) * np.where(np.arange(60) < 48, 1.0, -2.0)
    weights *= 1.5 / np.abs(np.linalg.eigvals(weights)).max()
    assert measured(network(weights, "relu"), 60, k=5).verdict == "unbounded"


@pytest.mark.parametrize("tsim", [20.0, 200.0])
def test_bounded_chaos_is_never_called_unbounded(tsim):
    for system, n in ((henon(), 2), (lorenz(), 3)):
        for seed in range(2):
            found = measured(system, n, tsim=tsim, tons=1.0, seed=seed, scale=0.1)
            assert found.verdict != "unbounded" and found.dimension.value > 1
    assert measured(network(random_weights(40, 3.0)), 40, k=3, tsim=tsim).verdict != "unbounded"


def test_growth_from_a_tiny_state_that_saturates_is_not_unbounded():
    """An unstable rest state: ln |h| grows over a part of the record and stops."""
    step = FromSteps(
        lambda h: 0.9 * h + 0.1 * torch.tanh(2 * h),
        lambda h, frame: (0.9 + 0.2 / torch.cosh(2 * h).square()) * frame,
        DT,
    )
    found = measured(step, 1, tsim=400.0, scale=1e-12, transient=0.0)
    assert found.verdict != "unbounded"


def test_what_leaves_the_range_of_numbers_faster_than_exponentially_has_diverged():
    squares = FromSteps(lambda h: 4 * h * h, lambda h, frame: 8 * h * frame)
    found = measured(squares, 1, tsim=100.0, tons=1.0, scale=10.0, transient=0.0)
    assert found.verdict == "diverged" and np.isnan(found.dimension.value)


# --- zero exponents, dimension and entropy


def test_a_limit_cycle_has_dimension_one_from_every_start():
    for found in measured_each([network(rotation(2.5, 1.0))] * 8, 2, 1000.0):
        assert found.converged and (found.n_positive, found.n_zero) == (0, 1)
        assert found.dimension.value == 1 and found.entropy.value == 0
        assert found.dimension.low == 0 and 1 <= found.dimension.high < 1.01 and math.isnan(found.dimension.error)


def test_a_torus_has_dimension_two():
    weights = np.zeros((4, 4))
    weights[:2, :2], weights[2:, 2:] = rotation(2.5, 1.0), rotation(2.0, 0.7)
    for found in measured_each([network(weights)] * 4, 4, 1000.0):
        assert found.dimension.value == 2 and found.n_zero == 2 and found.entropy.value == 0


@pytest.mark.parametrize("n", [2, 5, 40])
def test_an_orthogonal_matrix_is_neutral_in_all_directions(n):
    for seed in range(4):
        matrix = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
        found = measured(of_matrix(matrix), n, tons=1.0, seed=seed)
        assert found.dimension[:1] + found.dimension[2:] == (n, n, n)
        assert (found.n_positive, found.n_zero, found.entropy.value) == (0, n, 0) and found.converged


def test_an_exponent_that_is_zero_within_its_error_gives_a_range():
    rng = np.random.default_rng(0)
    noise = fluctuations(rng, 400, 3)
    rates = noise - noise.mean(0) + [0.004, -0.2, -0.9]
    found = record(rates)
    assert abs(found.exponents[0]) < 2 * found.stderr[0]
    margin = 2 * found.stderr[0]
    assert found.dimension[:1] + found.dimension[2:] == (1, 0, pytest.approx(1 + margin / 0.2))
    assert found.entropy.value == 0 and found.entropy.high == pytest.approx(margin)
    positive = record(rates + np.array([0.5, 0, 0]))
    assert positive.n_positive == 1 and positive.dimension.value == pytest.approx(2 + 0.304 / 0.9)


@pytest.mark.slow
def test_errors_of_dimension_and_entropy_are_calibrated():
    """Independent records of known exponents: errors against the scatter of the values, ranges against the truth."""
    truth = np.array([0.30, 0.12, 0.0, -0.15, -0.4, -0.9])  # 17, 7 and 0 errors from 0
    dimension, rate = kaplan_yorke(truth, 6), entropy(truth)
    rng, values, errors, covered = np.random.default_rng(2), [], [], []
    for _ in range(300):
        found = record(truth + fluctuations(rng, 400, 6, memory=0.5, size=0.2))
        values.append((found.dimension.value, found.entropy.value))
        errors.append((found.dimension.error, found.entropy.error))
        covered.append([low <= true <= high for true, (_, _, low, high) in
                        ((dimension, found.dimension), (rate, found.entropy))])  # fmt: skip
    # one zero in 16 is taken for positive, which scatters
    ratio = np.sqrt(np.mean(np.square(errors), 0)) / np.std(values, 0)
    assert ratio.min() > 0.8 and ratio.max() < 1.1
    assert (np.mean(covered, 0) > 0.88).all()
    assert abs(np.mean(values, 0)[1] - rate) < 0.01  # positive parts of noise are not summed


def test_the_entropy_of_a_cycle_is_zero_and_not_the_sum_of_positive_noise():
    rng = np.random.default_rng(4)
    truth = np.array([0.0, -0.05, -0.1, -0.5])
    found = [record(truth + fluctuations(rng, 200, 4)) for _ in range(100)]
    values = np.array([one.entropy.value for one in found])
    naive = np.mean([entropy(one.exponents) for one in found])
    assert np.mean(values == 0) > 0.85 and values.mean() < naive / 3


def test_a_partial_spectrum_that_ends_at_zero_needs_more_exponents():
    rng = np.random.default_rng(0)
    noise = fluctuations(rng, 400, 1)
    found = record(noise - noise.mean(0) - 1e-4, n=10)
    assert math.isnan(found.dimension.value) and not found.entropy_is_lower_bound and found.largest_is_zero
    assert record(noise - noise.mean(0) + 1.0, n=10).entropy_is_lower_bound


# --- convergence


def chain(n=20, diagonal=0.5, forward=2.0):
    return diagonal * np.eye(n) + forward * np.eye(n, k=1)


@pytest.mark.parametrize(("forward", "tsim"), [(0.5, 80.0), (0.5, 400.0), (2.0, 80.0), (2.0, 200.0), (2.0, 1000.0)])
def test_a_feed_forward_chain_has_not_converged(forward, tsim):
    """Its exponents, ln(1 - dt + dt d) / dt = -.513, are approached as 19 / t only."""
    found = measured(network(chain(forward=forward), "linear"), 20, k=5, tsim=tsim)
    truth = math.log(1 - DT + DT * 0.5) / DT
    assert abs(found.exponents[0] - truth) > found.stderr[0] and found.verdict == "not converged"
    assert "moves by" in found.doubts[0]


@pytest.mark.parametrize("tsim", [10.0, 20.0, 40.0])
def test_a_record_of_few_batches_is_too_short_to_tell(tsim):
    found = measured(network(random_weights(30, 3.0)), 30, k=5, tsim=tsim)
    assert found.verdict == "too short to tell" and not found.converged and math.isnan(found.drift)
    assert f"tsim = {tsim:g} is too short" in found.doubts[0]
    assert measured(network(0.5 * np.eye(3), "linear"), 3, tsim=40.0).converged  # nothing varies


@pytest.mark.slow
def test_records_that_have_settled_are_rarely_refused():
    rng, verdicts = np.random.default_rng(5), []
    for intervals in (80, 200, 400):
        for _ in range(100):
            base = np.linspace(0.3, -0.8, 10)
            verdicts.append(record(base + fluctuations(rng, intervals, 10, memory=0.5)).verdict)
    # false alarms are meant to be at most 8 %, of 300
    assert np.mean(np.array(verdicts) != "converged") < 0.08 + 3 * math.sqrt(0.08 * 0.92 / 300)


@pytest.mark.parametrize("intervals", [80, 200])
@pytest.mark.parametrize("shape", ["exponential", "algebraic"])
def test_records_more_than_four_errors_off_are_refused(shape, intervals):
    """One exponent of ten settles slowly; of those that are off by more than four errors, nine of ten are refused."""
    rng, verdicts = np.random.default_rng(6), []
    time = np.arange(intervals) + 10.0
    course = {"exponential": np.exp(-4 * time / intervals), "algebraic": 10 / time}
    for size in np.geomspace(0.1, 20, 200):
        base = np.linspace(-0.1, -0.8, 10) + fluctuations(rng, intervals, 10, memory=0.5, size=0.1)
        base[:, 0] += size * course[shape]
        found = record(base)
        index = np.abs(found.growth.mean(0)[0] - found.exponents).argmin()
        if abs(found.exponents[index] + 0.1) > 4 * found.stderr[index]:
            verdicts.append(found.verdict)
    assert len(verdicts) >= 10 and np.mean(np.array(verdicts) == "converged") <= 0.1


def test_neighbours_that_are_alike_widen_the_errors():
    """Batch means as a process of first order: their mean within two errors in 94 %, in 60 % if independent."""
    rng = np.random.default_rng(7)
    means = np.array([fluctuations(rng, 20, 1, memory=0.8, size=1.0)[:, 0] for _ in range(2000)]).T
    ours = np.abs(means.mean(0)) < 2 * errors_of_mean(means)
    plain = np.abs(means.mean(0)) < 2 * means.std(0, ddof=1) / math.sqrt(20)
    assert ours.mean() > plain.mean() + 0.1
    independent = rng.standard_normal((20, 4000))
    inside = np.abs(independent.mean(0)) < 2 * errors_of_mean(independent)
    assert abs(inside.mean() - 0.940) < 0.005 + 3 * math.sqrt(0.94 * 0.06 / 4000)


@pytest.mark.long
@pytest.mark.slow
def test_verdicts_on_random_networks_against_long_records():
    """40 networks of N = 48, g = 3; some are chaotic for hundreds of tau before they settle, which no record tells."""
    off, good = [], []
    for seed in range(40):
        system = network(random_weights(48, 3.0, seed))
        settled = measured(system, 48, k=5, tsim=4000.0, tons=1.0, transient=1000.0)
        found = measured(system, 48, k=5, tsim=400.0, transient=1000.0)
        error = np.abs(found.exponents - settled.exponents) / np.hypot(found.stderr, settled.stderr)
        (off if error.max() > 4 else good).append(found.verdict)
    assert np.mean(np.array(good) == "converged") > 0.85
    assert len(off) < 4 or np.mean(np.array(off) == "converged") < 0.5
