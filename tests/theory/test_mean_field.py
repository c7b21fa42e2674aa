"""Mean-field rates against golden numbers, closed forms, loops over edges and simulated networks."""

import itertools
import math

import numpy as np
import pytest

from randomnet.synthetic.populations import Populations, population_network
from randomnet.theory import (
    Blocks,
    block_rates,
    block_statistics,
    linear_rates,
    rank_one_overlap,
    ring_bump,
)
from randomnet.theory.gaussian import moments, relu_moments

erf = np.vectorize(math.erf, otypes=[float])
J = np.array([[0.5, -0.75], [0.5, -0.5]])
IN_DEGREE, GAIN, DRIVE = np.array([[200, 100], [150, 80]]), np.array([[1.5, -3.6], [1.8, -3.0]]), np.array([12.0, 8.0])


def relu(x):
    return np.maximum(x, 0)


def bernoulli(k, sizes=(4000, 4000)):
    """The balanced network of G2."""
    weight = J / math.sqrt(k)
    return Blocks(np.array(sizes), k, k * (1 - k / np.array(sizes)) * np.ones((2, 2)), weight, weight**2)


def loops(post, pre, weights, groups):
    """block_statistics, an edge at a time."""
    count = max(groups) + 1
    sizes = [sum(group == a for group in groups) for a in range(count)]
    found = {name: np.zeros((count, count)) for name in ("in_degree", "variance", "weight", "square")}
    for a, b in itertools.product(range(count), repeat=2):
        of = [w for i, j, w in zip(post, pre, weights, strict=True) if groups[i] == a and groups[j] == b]
        degrees = [sum(i == one and groups[j] == b for i, j in zip(post, pre, strict=True))
                   for one in range(len(groups)) if groups[one] == a]  # fmt: skip
        found["in_degree"][a, b], found["variance"][a, b] = np.mean(degrees), np.var(degrees)
        if of:
            found["weight"][a, b], found["square"][a, b] = np.mean(of), np.mean(np.square(of))
    return sizes, found


def simulated(post, pre, weights, drive, phi=relu, steps=800, dt=0.1):
    """Rates (N,) of r' = phi(W r + drive) - r, averaged over the second half."""
    rates, total = np.zeros(len(drive)), np.zeros(len(drive))
    for step in range(steps):
        rates = rates + dt * (phi(np.bincount(post, weights * rates[pre], len(drive)) + drive) - rates)
        total += rates if step >= steps // 2 else 0
    return total / (steps - steps // 2)


# ---- golden numbers


def test_g1_fixed_in_degrees():
    assert linear_rates(IN_DEGREE, GAIN / IN_DEGREE, DRIVE) == pytest.approx([4.2857, 3.9286], abs=5e-5)
    blocks = Blocks(np.array([6000, 2000]), IN_DEGREE, 0.0, GAIN / IN_DEGREE, (GAIN / IN_DEGREE) ** 2)
    found = block_rates(blocks, DRIVE)
    np.testing.assert_allclose(found.rates, [30 / 7, 27.5 / 7], rtol=1e-10)
    np.testing.assert_allclose(found.squares, found.rates**2)  # all cells of a population are identical
    assert found.stable and found.spreads.max() < 1e-8


def test_linear_rates_below_threshold_are_refused():
    with pytest.raises(ValueError, match="linear rates hold where all populations are above threshold"):
        linear_rates(np.array([[1, 1], [1, 1]]), np.array([[0.5, -2.0], [0.5, -0.5]]), [1, 1])


@pytest.mark.parametrize(("k", "expected"), [(50, (4.083, 4.588)), (200, (3.315, 4.557))])
@pytest.mark.parametrize("phi", [None, relu])
def test_g2_balanced_network(k, expected, phi):
    found = block_rates(bernoulli(k), math.sqrt(k) * np.array([2, 1]), 1.0, phi)
    assert found.rates == pytest.approx(expected, abs=5.1e-4)
    assert found.converged and found.stable and found.residual < 1e-9


def test_g2_equations_hold_as_they_are_written_there():
    k, n = 50, 4000
    found = block_rates(bernoulli(k), math.sqrt(k) * np.array([2, 1]), 1.0)
    u = math.sqrt(k) * (J @ found.rates + np.array([2, 1])) - 1
    s = np.sqrt(J**2 * (1 - k / n) @ found.squares)
    a = u / s
    above, density = (1 + erf(a / math.sqrt(2))) / 2, np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(found.rates, u * above + s * density, rtol=1e-10)
    np.testing.assert_allclose(found.squares, (u**2 + s**2) * above + u * s * density, rtol=1e-10)
    np.testing.assert_allclose([found.inputs, found.spreads], [u, s], rtol=1e-10)
    largest = np.linalg.eigvals(J**2 * (1 - k / n) * above).real.max()
    assert found.fluctuations == pytest.approx(largest, rel=1e-10) and largest < 1


def test_g3_is_the_formula_of_the_blocks():
    rng = np.random.default_rng(1)
    weight, r, v = rng.normal(size=(3, 3)), rng.random(3), rng.random(3)
    k, square, variance, n = 20 * rng.random((3, 3)), weight**2 * 1.7, 40 * rng.random((3, 3)), np.array([50, 70, 90])
    q = v + r**2
    expected = (k * (square * q - weight**2 * r**2) + variance * weight**2 * r**2
                - k**2 / n * weight**2 * (q - r**2)).sum(1)  # fmt: skip
    blocks = Blocks(n, k, variance, weight, square)
    np.testing.assert_allclose(blocks.by_rates @ v + blocks.by_inputs @ r**2, expected)
    np.testing.assert_allclose(blocks.gain, k * weight)


@pytest.mark.parametrize(
    ("j0", "j1", "drive", "t", "amplitude", "mean", "modulation"),
    [(-5, 5, 10, 1.41240, 9.44008, 2.29781, 3.77603), (-1, 2.5, 1, 2.08502, 0.91287, 0.55099, 0.73030)],
)
def test_g4_bump_of_a_ring(j0, j1, drive, t, amplitude, mean, modulation):
    bump = ring_bump(j0, j1, drive)
    found = (bump.half_width, bump.amplitude, bump.mean, bump.modulation)
    assert found == pytest.approx((t, amplitude, mean, modulation), abs=5.1e-6)
    angles = 2 * np.pi * np.arange(4000) / 4000
    rates = relu(amplitude * (np.cos(angles) - math.cos(t)))  # stationary: W r + I gives it back
    arriving = j0 * rates.mean() + j1 * (rates * np.cos(angles)).mean() * np.cos(angles) + drive
    np.testing.assert_allclose(relu(arriving), rates, atol=5e-4)
    assert bump.peak == pytest.approx(rates.max(), abs=1e-4)


@pytest.mark.parametrize(
    ("asked", "says"),
    [((-5, 2, 1), "j1: expected above 2"), ((-5, 5, 0), "drive: expected above 0"), ((3, 5, 1), "j0: expected below")],
)
def test_a_ring_without_a_bump_says_so(asked, says):
    with pytest.raises(ValueError, match=says):
        ring_bump(*asked)


@pytest.mark.parametrize(("s", "expected"), [(0.5, 0), (1.2533, 0), (1.5, 0.6576), (3, 2.1748)])
def test_g5_overlap(s, expected):
    assert rank_one_overlap(s) == pytest.approx(expected, abs=5e-5)


def test_g5_with_random_weights_solves_its_two_equations():
    s, g = 3.0, 0.8
    kappa = rank_one_overlap(s, g)
    variance = kappa**2
    for _ in range(200):  # the input's variance; the mean square of erf(x / sqrt 2) by quadrature
        mean, spread, _ = moments(lambda x: erf(x / math.sqrt(2)), np.zeros(1), np.array([math.sqrt(variance)]))
        variance = kappa**2 + g**2 * (mean[0] ** 2 + spread[0])
    assert s * math.sqrt(2 / math.pi / (1 + variance)) == pytest.approx(1, abs=1e-6)  # kappa = s kappa E[phi']
    assert rank_one_overlap(1.3, 3.0) == 0
    with pytest.raises(ValueError, match="g: expected a number >= 0"):
        rank_one_overlap(1.0, -1.0)


# ---- means over a Gaussian


def test_quadrature_is_the_closed_form_of_a_rectified_gaussian():
    u, s = (grid.ravel() for grid in np.meshgrid([-30, -3, -0.5, 0, 0.7, 4, 60], [1e-3, 0.3, 1, 7]))
    (mean, variance, slopes), by_points = relu_moments(u, s), moments(relu, u, s)
    np.testing.assert_allclose(mean, by_points[0], rtol=1e-9, atol=1e-4)
    np.testing.assert_allclose(variance, by_points[1], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(slopes, by_points[2], atol=4e-3)  # a step, by points that are 0.01 s apart


def test_quadrature_of_a_smooth_function_is_exact():
    u, s = np.array([-2.0, 0.0, 0.3, 5.0]), np.array([1.0, 3.0, 20.0, 0.0])
    mean, variance, slopes = moments(lambda x: erf(x / math.sqrt(2)), u, s)
    np.testing.assert_allclose(mean, erf(u / np.sqrt(2 * (1 + s**2))), atol=1e-12)
    assert variance[1] == pytest.approx(2 / math.pi * math.asin(9 / 10), abs=1e-12)
    assert slopes[1] == pytest.approx(2 / math.pi / math.sqrt(1 + 2 * 9), rel=1e-6)  # E[exp(-x^2)] 2/pi


def test_without_spread_the_rectified_gaussian_is_the_rectified_mean():
    mean, variance, above = relu_moments(np.array([-1.0, 0.0, 2.0]), np.zeros(3))
    assert mean.tolist() == [0, 0, 2] and variance.tolist() == [0, 0, 0] and above.tolist() == [0, 0, 1]


def test_a_function_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="phi: expected values of shape"):
        block_rates(bernoulli(50), np.ones(2), phi=lambda x: x.mean(1))


# ---- blocks of a network


@pytest.mark.parametrize("seed", [0, 1])
def test_block_statistics_against_loops(seed):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([[0, 1, 2], rng.integers(0, 3, 27)])
    present = (rng.random((30, 30)) < 0.2) & ~((groups[:, None] == 2) & (groups == 0))  # block 2, 0 is empty
    post, pre = np.nonzero(present)
    weights = rng.normal(size=len(post))
    sizes, expected = loops(post.tolist(), pre.tolist(), weights.tolist(), groups.tolist())
    found = block_statistics(post, pre, weights, groups)
    assert found.sizes.tolist() == sizes and found.in_degree[2, 0] == 0
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, atol=1e-12, err_msg=name)


def test_wrong_blocks_are_refused():
    with pytest.raises(ValueError, match="groups: expected every number from 0"):
        block_statistics(np.array([0]), np.array([1]), np.ones(1), np.array([0, 2]))
    with pytest.raises(ValueError, match=r"weight: expected finite numbers of shape \(1, 1\)"):
        Blocks(np.array([5]), 1.0, 0.0, np.ones(2), 1.0)
    with pytest.raises(ValueError, match="square: expected at least the square of weight"):
        Blocks(np.array([5]), 1.0, 0.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="sizes: expected one number >= 1"):
        Blocks(np.array([0]), 1.0, 0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="drive: expected 2 finite numbers"):
        block_rates(bernoulli(50), np.ones(3))


# ---- against simulated networks


@pytest.mark.slow
def test_a_drawn_balanced_network_has_the_rates_of_its_blocks():
    about = Populations(("E", "I"), (1500, 1500), {"EE": 0.5, "EI": -0.75, "IE": 0.5, "II": -0.5}, (60, 60),
                        external={"E": 2, "I": 1}, external_rate=1.0, external_degree=60)  # fmt: skip
    network = population_network(about, np.random.default_rng(3))
    groups = np.repeat([0, 1], 1500)
    found = block_rates(block_statistics(network.post, network.pre, network.weights, groups), network.drive[[0, -1]], 1)
    rates = simulated(network.post, network.pre, network.weights, network.drive - 1)
    np.testing.assert_allclose(found.rates, [rates[:1500].mean(), rates[1500:].mean()], rtol=0.015)
    np.testing.assert_allclose(found.squares, [(rates[:1500] ** 2).mean(), (rates[1500:] ** 2).mean()], rtol=0.03)


def uneven(rng, n=2000):
    """Edges whose in-degrees and weights are gamma-distributed: V and w2 far from those of a Bernoulli network."""
    groups, post, pre = np.repeat([0, 1], [1400, 600]), [], []
    cells = [np.flatnonzero(groups == b) for b in (0, 1)]
    for i, (b, k) in itertools.product(range(n), enumerate((80, 40))):
        degree = min(rng.poisson(rng.gamma(16, k / 16)), len(cells[b]))
        post.append(np.full(degree, i))
        pre.append(rng.choice(cells[b], degree, replace=False))
    post, pre = np.concatenate(post), np.concatenate(pre)
    means = np.array([[0.010, -0.045], [0.014, -0.040]])
    return post, pre, means[groups[post], groups[pre]] * rng.gamma(2.0, 0.5, len(post)), groups


@pytest.mark.slow
def test_a_network_of_uneven_inputs_and_weights_has_the_rates_of_its_blocks():
    """Four networks averaged; without the spread of in-degrees and weights the rates are 2 % too low."""
    drive, missed, without = np.array([3.0, 2.4]), [], []
    for seed in range(4):
        post, pre, weights, groups = uneven(np.random.default_rng(seed))
        blocks = block_statistics(post, pre, weights, groups)
        k, n = blocks.in_degree, blocks.sizes
        plain = Blocks(n, k, k * (1 - k / n), blocks.weight, blocks.weight**2)
        rates = simulated(post, pre, weights, drive[groups], steps=300)
        measured = np.array([rates[groups == a].mean() for a in (0, 1)])
        missed.append(block_rates(blocks, drive).rates / measured - 1)
        without.append(block_rates(plain, drive).rates / measured - 1)
    np.testing.assert_allclose(np.mean(missed, axis=0), 0, atol=0.015)
    assert (np.mean(without, axis=0) < np.mean(missed, axis=0) - 0.008).all()


def test_rates_that_run_away_are_said_to_have_no_stationary_state():
    weight = np.array([[0.2]])
    found = block_rates(Blocks(np.array([1000]), 50, 0.0, weight, weight**2), [1.0])
    assert not found.converged and not found.stable and np.isnan(found.rates).all() and np.isnan(found.squares).all()
    lost = block_rates(Blocks(np.array([1000]), 50, 0.0, weight, weight**2), [1.0], phi=lambda x: np.inf * np.abs(x))
    assert not lost.converged and not lost.stable


def test_silence_is_a_stationary_state():
    found = block_rates(bernoulli(50), np.zeros(2), 1.0)
    assert found.rates.tolist() == [0, 0] and found.stable and found.spreads.tolist() == [0, 0]


def test_strong_random_weights_are_unstable():
    """One population, mean weight zero: v = F E[phi^2] has a state at rest, which is unstable above F E[phi'^2] = 1."""
    for square, stable in ((0.8, True), (1.3, False)):
        blocks = Blocks(np.array([1000]), 100, 0.0, 0.0, square / 100)
        found = block_rates(blocks, [0.0], phi=np.tanh)
        assert found.rates[0] == 0 and found.fluctuations == pytest.approx(square, rel=1e-6)
        assert found.stable == stable


def test_strong_couplings_and_many_populations_converge():
    rng = np.random.default_rng(8)
    count, k = 40, 400.0
    weight = np.where(np.arange(count) % 2, -2.0, 1.0) * rng.uniform(0.5, 1, (count, count)) / (math.sqrt(k) * count)
    blocks = Blocks(np.full(count, 5000), k, k * np.ones((count, count)), weight, 1.5 * weight**2)
    drive = math.sqrt(k) * rng.uniform(0.5, 1.0, count)
    found = block_rates(blocks, drive)
    assert found.converged
    r, v, _ = relu_moments(found.inputs, found.spreads)
    np.testing.assert_allclose(found.rates, r, atol=1e-9)
    np.testing.assert_allclose(found.inputs, blocks.gain @ r + drive, atol=1e-8)
    np.testing.assert_allclose(found.spreads**2, blocks.by_rates @ v + blocks.by_inputs @ r**2, rtol=1e-8)
