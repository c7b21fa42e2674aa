"""Metrics of inferred dynamics against closed forms, brute force and what must not matter."""

import itertools
import time

import numpy as np
import pytest

from randomnet import metrics

RNG = np.random.default_rng
LINEAR = (metrics.state_r2_true_to_inferred, metrics.state_r2_inferred_to_true, metrics.input_r2)


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def halves(values):
    """Train and test."""
    return values[: len(values) // 2], values[len(values) // 2 :]


def spun(angle, trials, bins, radius=1.0):
    """(B, T, 2): a rotation by `angle` a step from phases all round the circle, so that no direction has more of it."""
    phase = np.linspace(0, 2 * np.pi, trials, endpoint=False)[:, None] + angle * np.arange(bins)
    return radius * np.stack([np.cos(phase), np.sin(phase)], 2)


# ---- regressions


@pytest.mark.parametrize("metric", LINEAR)
def test_a_rotation_shift_and_scale_leaves_every_linear_r2_at_1(metric):
    rng = RNG(0)
    states = rng.standard_normal((40, 30, 6)) * np.arange(1, 7)
    moved = 3.0 * states @ orthogonal(rng, 6) + rng.standard_normal(6)
    (train, test), (moved_train, moved_test) = halves(states), halves(moved)
    assert metric(train, moved_train, test, moved_test) == pytest.approx(1, abs=1e-12)


def test_mean_rates_have_a_rate_r2_of_0_and_the_truth_has_1():
    rates = RNG(0).random((20, 30, 4))
    assert metrics.rate_r2(rates, np.broadcast_to(rates.mean((0, 1)), rates.shape)) == pytest.approx(0, abs=1e-12)
    assert metrics.rate_r2(rates, rates) == 1
    by_hand = 1 - ((rates - 0.5) ** 2).sum() / sum(30 * 20 * rates[..., n].var() for n in range(4))
    assert metrics.rate_r2(rates, np.full_like(rates, 0.5)) == pytest.approx(by_hand)


def test_k_invented_dimensions_of_equal_variance_beside_d_true_ones_leave_d_of_d_plus_k():
    rng = RNG(1)
    true, extra = rng.standard_normal((400, 100, 3)), rng.standard_normal((400, 100, 5))
    both = np.concatenate([true, extra], 2) @ orthogonal(rng, 8)
    (train, test), (both_train, both_test) = halves(true), halves(both)
    sampling = 5 / np.sqrt(test.size)
    assert metrics.state_r2_true_to_inferred(train, both_train, test, both_test) == pytest.approx(3 / 8, abs=sampling)
    assert metrics.state_r2_inferred_to_true(train, both_train, test, both_test) == pytest.approx(1, abs=1e-12)


def test_2_of_5_equal_dimensions_tell_two_fifths():
    rng = RNG(2)
    true = rng.standard_normal((400, 100, 5))
    some = true[..., :2] @ orthogonal(rng, 2)
    (train, test), (some_train, some_test) = halves(true), halves(some)
    sampling = 5 / np.sqrt(test.size)
    assert metrics.state_r2_inferred_to_true(train, some_train, test, some_test) == pytest.approx(0.4, abs=sampling)
    assert metrics.state_r2_true_to_inferred(train, some_train, test, some_test) == pytest.approx(1, abs=1e-12)


def test_the_fit_is_scored_on_trials_that_were_not_fitted():
    rng = RNG(3)
    train, test = rng.standard_normal((2, 1, 30, 20))
    noise = rng.standard_normal((2, 1, 30, 1))
    assert metrics.r2(noise[0], metrics.fit_linear_map(train, noise[0])(train)) > 0.4
    assert metrics.state_r2_true_to_inferred(train, noise[0], test, noise[1]) < 0


def test_regressors_of_deficient_rank_and_of_any_scale_are_fitted_alike():
    rng = RNG(4)
    few = rng.standard_normal((300, 3)).astype(np.float32)
    mixed = np.concatenate([few, few @ rng.standard_normal((3, 4)).astype(np.float32), np.ones((300, 1))], 1)
    targets = few @ rng.standard_normal((3, 2)) + 0.1 * rng.standard_normal((300, 2))
    expected = np.linalg.lstsq(np.column_stack([few, np.ones(300)]), targets, rcond=None)[0]
    by_hand = np.column_stack([few, np.ones(300)]) @ expected
    np.testing.assert_allclose(metrics.fit_linear_map(mixed, targets)(mixed), by_hand, atol=1e-5)
    scaled = few * np.array([1e-9, 1, 1e9])
    np.testing.assert_allclose(metrics.fit_linear_map(scaled, targets)(scaled), by_hand, atol=1e-9)
    assert np.isfinite(metrics.fit_linear_map(few[:2], targets[:2]).matrix).all()


@pytest.mark.parametrize(("dimensions", "unread"), [(10, 4), (8, 0), (5, 3)])
def test_cycle_consistency_is_the_share_of_dimensions_that_are_read_out_whatever_their_scale(dimensions, unread):
    rng = RNG(5)
    scales = np.geomspace(0.1, 10, dimensions)
    latents = rng.standard_normal((200, 100, dimensions))
    readout = orthogonal(rng, 30)[: dimensions - unread]
    rates = np.exp(latents[..., unread:] @ readout)
    train, test = halves(latents * scales)
    found = metrics.cycle_con(train, rates[:100], test)
    share = (dimensions - unread) / dimensions
    assert (found.components, found.dimensions) == (dimensions - unread, dimensions)
    assert found.value == pytest.approx(share, rel=0.01)
    turned = metrics.cycle_con(7 * train @ orthogonal(rng, dimensions), rates[:100], 7 * test)
    assert turned.dimensions == dimensions
    rescaled = metrics.cycle_con(train / scales**2, rates[:100], test / scales**2)
    assert rescaled.value == pytest.approx(found.value, abs=1e-6)


def test_raw_cycle_consistency_depends_on_the_scale_and_the_whitened_one_drops_empty_directions():
    rng = RNG(6)
    latents = rng.standard_normal((200, 100, 4))
    rates = np.exp(latents[..., :2] @ orthogonal(rng, 12)[:2])
    train, test = halves(latents * np.array([1, 1, 3, 3]))
    raw = metrics.cycle_con_raw(train, rates[:100], test)
    assert raw.value == pytest.approx(2 / 20, rel=0.03)  # of the variances 1 + 1 + 9 + 9
    assert metrics.cycle_con(train, rates[:100], test).value == pytest.approx(0.5, rel=0.01)
    empty = [np.concatenate([part, 1e-5 * part[..., :1], np.zeros_like(part)], 2) for part in (train, test)]
    found = metrics.cycle_con(empty[0], rates[:100], empty[1])
    assert found.dimensions == 4 and found.value == pytest.approx(0.5, rel=0.01)
    silent = metrics.cycle_con(train, np.ones((100, 100, 3)), test)
    assert (silent.value, silent.components) == (0.0, 0)


# ---- spikes


def test_the_truth_of_log_normal_rates_has_its_closed_form_of_bits_per_spike():
    rng = RNG(7)
    values = []
    for _ in range(8):
        rates = np.exp(rng.standard_normal((400, 50, 10)) / 2)
        values.append(metrics.bps(rng.poisson(rates), rates))
    expected = (1 / 4 - 1 / 8) / np.log(2)  # E[x ln x]/E[x] - ln E[x], of x = e^(z/2)
    assert expected == pytest.approx(0.1803, abs=1e-4)
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(8) + 1e-4)


def test_bits_per_spike_by_hand_with_silent_neurons_and_rates_of_0():
    spikes = np.array([[2, 0], [0, 0], [1, 0]])
    rates = np.array([[1.5, 0.0], [0.5, 0.0], [1.0, 0.0]])
    nll = [r - s * np.log(r) for s, r in zip(spikes[:, 0], rates[:, 0], strict=True)]
    null = [1 - s * np.log(1.0) for s in spikes[:, 0]]
    assert metrics.bps(spikes, rates) == pytest.approx((sum(null) - sum(nll)) / (3 * np.log(2)))
    assert metrics.bps(spikes, np.broadcast_to(spikes.mean(0), (3, 2))) == pytest.approx(0, abs=1e-9)


def test_co_bps_is_that_of_the_neurons_after_the_held_in_ones():
    rng = RNG(8)
    rates = rng.gamma(2.0, 1.0, (30, 20, 6))
    spikes = rng.poisson(rates)
    wrong = rates.copy()
    wrong[..., :4] = 1.0
    assert metrics.co_bps(spikes, wrong, 4) == metrics.bps(spikes[..., 4:], rates[..., 4:]) > 0.1
    with pytest.raises(ValueError, match="heldin: expected fewer than the 6 neurons, got 6"):
        metrics.co_bps(spikes, rates, 6)


# ---- shapes


def test_a_rotated_scaled_shifted_copy_is_at_procrustes_distance_0_also_with_more_dimensions():
    rng = RNG(9)
    states = rng.standard_normal((20, 30, 4)) * [1, 2, 3, 4]
    wide = np.eye(4, 7) @ orthogonal(rng, 7)
    assert metrics.procrustes(states, 5 * states @ wide + 3) == pytest.approx(0, abs=1e-7)
    line = np.stack([np.arange(5.0), np.zeros(5)], 1)
    across = np.stack([np.array([1.0, -2, 0, 2, -1]), np.zeros(5)], 1)
    assert metrics.procrustes(line, across) == pytest.approx(np.pi / 2)
    one, other = rng.standard_normal((2, 50, 3))
    assert metrics.procrustes(one, other) == pytest.approx(metrics.procrustes(other, one))
    assert 0 < metrics.procrustes(one, other) < np.pi / 2


# ---- operators


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.8), (0.3, -0.8), (0.5, 0.5), (0.2, -0.2)])
def test_rotations_are_as_far_apart_as_their_angles_up_to_a_reflection(a, b):
    expected = min(abs(a - b), abs(a + b))
    assert metrics.operator_distance(rotation(a), rotation(b), RNG(0)) == pytest.approx(expected, abs=1e-6)
    one, other = spun(a, 30, 100), spun(b, 20, 80, radius=4.0)
    assert metrics.dsa(one, other, RNG(0), delays=20, rank=50) == pytest.approx(expected, abs=1e-6)


def test_eigenvalues_of_rotations_have_the_mean_squared_distance_of_their_closed_form():
    values = [np.linalg.eigvals(rotation(angle)) for angle in (0.3, 0.8)]
    assert metrics.eigenvalue_distance(*values) == pytest.approx((2 * np.sin(0.25)) ** 2)
    assert metrics.eigenvalue_distance(*values) == pytest.approx(0.2448, abs=1e-4)
    assert metrics.eigenvalue_distance(values[0], values[0][::-1]) == pytest.approx(0, abs=1e-12)
    assert metrics.eigenvalue_distance(np.array([0.5]), np.array([0.5, 0.2])) == pytest.approx(0.02)


@pytest.mark.parametrize("n", [3, 8, 30])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_operator_in_other_coordinates_of_either_orientation_is_the_same(n, sign):
    rng = RNG(n)
    operator = rng.standard_normal((n, n)) / np.sqrt(n)
    c = orthogonal(rng, n)
    c[:, 0] *= sign * np.sign(np.linalg.det(c))
    assert metrics.operator_distance(operator, c @ operator @ c.T, RNG(0)) == pytest.approx(0, abs=1e-6)


def test_symmetric_operators_have_the_angle_of_their_sorted_eigenvalues():
    rng = RNG(11)  # von Neumann: tr(A C B C') is largest where the eigenvalues are paired in order
    one, other = (m + m.T for m in rng.standard_normal((2, 6, 6)))
    values = [np.linalg.eigvalsh(m) for m in (one, other)]
    cosine = values[0] @ values[1] / np.linalg.norm(values[0]) / np.linalg.norm(values[1])
    assert metrics.operator_distance(one, other, RNG(0)) == pytest.approx(np.arccos(cosine), abs=1e-6)


def test_the_delay_operator_is_the_least_squares_step_of_whitened_windows():
    rng = RNG(12)
    states = rng.standard_normal((7, 15, 2)).cumsum(1)
    delays, centred = 3, states - states.mean((0, 1))
    windows = np.stack([centred[:, t : t + 15 - 3].reshape(7, 12, 2) for t in range(4)], 2)
    windows -= windows.mean((0, 1))  # least squares with a constant
    now, after = (windows[:, :, s : s + delays].reshape(-1, 6) for s in (0, 1))
    step = np.linalg.lstsq(now, after, rcond=None)[0].T
    found = metrics.delay_operator(states, delays, 50)
    assert found.shape == (6, 6)
    np.testing.assert_allclose(np.sort_complex(np.linalg.eigvals(found)), np.sort_complex(np.linalg.eigvals(step)),
                               atol=1e-8)  # fmt: skip
    _, lengths, axes = np.linalg.svd(now, full_matrices=False)
    white = now @ axes[:2].T / lengths[:2]
    shown = metrics.delay_operator(states, delays, 2)
    expected = np.linalg.lstsq(white, after @ axes[:2].T / lengths[:2], rcond=None)[0].T
    np.testing.assert_allclose(np.abs(shown), np.abs(expected), atol=1e-8)


def test_dsa_sees_the_same_dynamics_in_more_dimensions_and_its_floor_is_small():
    rng = RNG(13)
    step = 0.97 * np.kron(np.diag([1.0, 0.9]), rotation(0.3))
    states = np.empty((60, 80, 4))
    states[:, 0] = rng.standard_normal((60, 4))
    for t in range(1, 80):
        states[:, t] = states[:, t - 1] @ step.T + 0.3 * rng.standard_normal((60, 4))
    wide = states @ (np.eye(4, 9) @ orthogonal(rng, 9))
    assert metrics.dsa(states, wide, RNG(0), 5, 10) == pytest.approx(0, abs=1e-6)
    floor = metrics.dsa_floor(states, RNG(0), 5, 10, starts=1)
    shuffled = RNG(0).permuted(states, axis=1)
    assert 0 < floor < 0.3 * metrics.dsa(states, shuffled, RNG(0), 5, 10)
    with pytest.raises(ValueError, match="at least two trials to split, got 1"):
        metrics.dsa_floor(states[:1], RNG(0))


def turning(angle, rng, trials=20, bins=50, noise=0.05):
    """Rotations of unit radius by an angle a bin from random phases, with noise of this share of their rms."""
    phases = rng.uniform(0, 2 * np.pi, trials)[:, None] + angle * np.arange(bins)
    states = np.stack([np.cos(phases), np.sin(phases)], 2)
    return states + noise * np.sqrt(0.5) * rng.standard_normal(states.shape)


def test_an_operator_without_noise_is_the_rotation_whatever_the_mean_phase():
    """A mean that is not 0 adds no direction, which would not move."""
    found = metrics.delay_operator(turning(0.3, RNG(1), noise=0.0) + 5.0, 20, 50)
    np.testing.assert_allclose(np.sort_complex(np.linalg.eigvals(found)), np.exp([-0.3j, 0.3j]), atol=2e-3)


@pytest.mark.slow
def test_five_percent_of_noise_do_not_hide_another_speed():
    """0.3 against 0.35 rad a bin: 0.05 rad apart, in each of four pairs of recordings, far above the floor."""
    for seed in range(4):
        rng = RNG(seed)
        one, other = turning(0.3, rng), turning(0.35, rng)
        chosen = metrics.predictive_dimensions(one, 20, 50, rng)
        assert chosen.rank == 2 and chosen.delays > 1 and 0.05**2 < chosen.error < 2 * 0.05**2
        dimensions = chosen.delays, chosen.rank
        assert metrics.dsa(one, other, rng, *dimensions, 1) == pytest.approx(0.05, abs=0.01)
        assert metrics.dsa_floor(one, rng, *dimensions, 1) < 0.03


def test_an_oscillator_that_is_seen_in_one_coordinate_needs_two_delays_and_two_dimensions():
    """x(t) = 2 r cos(w) x(t - 1) - r^2 x(t - 2) + noise: nothing before these two helps, by the process itself."""
    rng = RNG(21)
    states = np.zeros((80, 120, 1))
    for t in range(2, 120):
        states[:, t] = 1.9 * np.cos(0.4) * states[:, t - 1] - 0.95**2 * states[:, t - 2] + rng.standard_normal((80, 1))
    chosen = metrics.predictive_dimensions(states[:, 20:], 20, 50, rng)
    assert (chosen.delays, chosen.rank) == (2, 2)
    assert chosen.error == pytest.approx(1 / states[:, 20:].var(), rel=0.1)


def test_white_noise_needs_nothing_and_noiseless_states_all_their_dimensions():
    rng = RNG(22)
    noise = metrics.predictive_dimensions(rng.standard_normal((40, 60, 3)), 20, 50, rng)
    assert (noise.delays, noise.rank) == (1, 1) and noise.error == pytest.approx(1, abs=0.05)
    step = 0.99 * np.kron(np.diag([1.0, 0.98, 0.96]), rotation(0.3))
    exact = np.empty((30, 40, 6))
    exact[:, 0] = rng.standard_normal((30, 6))
    for t in range(1, 40):
        exact[:, t] = exact[:, t - 1] @ step.T
    found = metrics.predictive_dimensions(exact, 10, 50, rng)
    assert found.rank >= 6 and found.error < 1e-8


def test_dimensions_cannot_be_chosen_from_one_trial():
    for states, text in [(np.zeros((1, 9, 2)), "at least two trials"), (np.zeros((4, 1, 2)), "of two bins")]:
        with pytest.raises(ValueError, match=text):
            metrics.predictive_dimensions(states, 5, 5, RNG(0))


@pytest.mark.slow
def test_dsa_of_many_trials_and_latents_takes_seconds():
    rng = RNG(14)
    states = rng.standard_normal((100, 200, 40)).cumsum(1)
    began = time.perf_counter()
    metrics.dsa(states[..., :20], states, RNG(0), starts=1)
    assert time.perf_counter() - began < 40


# ---- matching


def test_the_assignment_is_the_cheapest_of_all():
    rng = RNG(15)
    for rows, columns in [(1, 1), (3, 3), (5, 5), (3, 6), (6, 2), (7, 7)]:
        costs = rng.integers(0, 9, (rows, columns)) if rows % 2 else rng.standard_normal((rows, columns))
        few, many = sorted((rows, columns))
        table = costs if rows <= columns else costs.T
        cheapest = min(sum(table[i, j] for i, j in enumerate(chosen))
                       for chosen in itertools.permutations(range(many), few))  # fmt: skip
        first, second = metrics.assignment(costs)
        assert len(set(first)) == len(set(second)) == few
        assert costs[first, second].sum() == pytest.approx(cheapest)
    assert [len(part) for part in metrics.assignment(np.zeros((0, 4)))] == [0, 0]


def test_fixed_points_of_a_shuffled_copy_are_at_distance_0_and_agree():
    rng = RNG(16)
    points, unstable = rng.standard_normal((9, 3)), rng.integers(0, 3, 9)
    order = rng.permutation(9)
    found = metrics.match_points(points, points[order], unstable, unstable[order], 2.0)
    assert (found.distance, found.agreement, found.share) == (0, 1, 1)
    np.testing.assert_array_equal(order[found.inferred], found.true)
    moved = metrics.match_points(points, points[:6] + np.array([0.01, 0, 0]), unstable, np.zeros(6), 2.0)
    assert moved.distance == pytest.approx(0.005) and moved.share == pytest.approx(6 / 9)
    assert moved.agreement == pytest.approx((unstable[:6] == 0).mean())
    none = metrics.match_points(points, points[:0], unstable, unstable[:0], 2.0)
    assert np.isnan(none.distance) and none.share == 0


def test_matched_eigenvalues_compare_time_constants_and_frequencies():
    true = np.array([0.9, 0.5 * np.exp(0.4j), 0.5 * np.exp(-0.4j), 0.01])
    same = metrics.match_eigenvalues(true, true[[2, 0, 3, 1]], 4, 0.1)
    assert (same.distance, same.time_constants, same.frequencies) == (0, 0, 0)
    other = np.array([0.81, 0.5 * np.exp(0.6j), 0.5 * np.exp(-0.6j)])
    found = metrics.match_eigenvalues(true, other, 3, 0.1)
    assert found.distance == pytest.approx((0.09 + 2 * 2 * 0.5 * np.sin(0.1)) / 3)
    assert found.time_constants == pytest.approx(np.log(2) / 3)  # 0.81 = 0.9^2 decays twice as fast
    assert found.frequencies == pytest.approx(2 * 0.2 / (2 * np.pi * 0.1) / 3)


def test_points_lie_together_within_the_radius_and_partitions_agree_whatever_their_names():
    rng = RNG(18)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    which = rng.integers(0, 4, 40)
    found = metrics.clusters(corners[which] + 1e-3 * rng.standard_normal((40, 2)), 0.1)
    assert found[0] == 0 and len(set(found)) == 4
    assert metrics.rand_index(which, found) == 1
    by_hand = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])  # Hubert and Arabie: (2 - 1.2) / (4.5 - 1.2)
    assert metrics.rand_index(*by_hand) == pytest.approx(0.8 / 3.3)
    assert abs(np.mean([metrics.rand_index(which, rng.permutation(which)) for _ in range(200)])) < 0.02
    assert metrics.rand_index(np.zeros(5), np.zeros(5)) == 1 and metrics.rand_index(which, np.zeros(40)) == 0


def test_spectra_are_compared_by_their_leading_exponents():
    assert metrics.spectrum_distance([0.1, -0.2, -3], [0.1, -0.2]) == 0
    assert metrics.spectrum_distance([0.3, 0.0], [0.0, 0.4]) == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    with pytest.raises(ValueError, match="exponents: expected finite ones"):
        metrics.spectrum_distance([np.nan], [0.1])


# ---- what is refused


def test_what_is_not_finite_is_refused_by_every_metric_in_words():
    good = RNG(17).random((6, 30, 3)) + 0.1
    bad = good.copy()
    bad[1, 2, 0] = np.nan
    calls = [
        lambda: metrics.rate_r2(good, bad),
        lambda: metrics.state_r2_true_to_inferred(good, bad, good, good),
        lambda: metrics.state_r2_inferred_to_true(good, good, good, bad),
        lambda: metrics.input_r2(good, bad, good, good),
        lambda: metrics.cycle_con(bad, good, good),
        lambda: metrics.cycle_con_raw(good, good, bad),
        lambda: metrics.bps(good, bad),
        lambda: metrics.co_bps(good, bad, 0),
        lambda: metrics.procrustes(good, bad),
        lambda: metrics.delay_operator(bad, 2, 2),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="expected finite values, got 1 of 540 nan or infinite"):
            call()
    with pytest.raises(ValueError, match="finite costs"):
        metrics.assignment(bad[1])


def test_arrays_that_do_not_belong_together_are_refused():
    one, other = np.random.rand(5, 30, 3), np.random.rand(4, 30, 3)
    with pytest.raises(ValueError, match=r"truth and prediction: expected the same shape, got \(5, 30, 3\) and"):
        metrics.rate_r2(one, other)
    with pytest.raises(ValueError, match="expected the same trials and bins"):
        metrics.procrustes(one, other)
    with pytest.raises(ValueError, match="truth: expected values that vary"):
        metrics.rate_r2(np.ones((5, 3)), np.ones((5, 3)))
    with pytest.raises(ValueError, match="trials of at least delays"):
        metrics.delay_operator(one, 30)
    with pytest.raises(ValueError, match="spikes: expected some, got none"):
        metrics.bps(np.zeros((5, 3)), np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"expected trials of shape \(B, T, D\)"):
        metrics.delay_operator(one[0])
