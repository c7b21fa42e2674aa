"""Jacobians against differences and closed forms, fixed points against maps whose fixed points are known, flow fields.

The three uncoupled units h' = tanh(2h) have 27 fixed points: each unit sits at 0, slope 2, or at +-.957504, slope
.16637.
"""

import hashlib
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.analysis import (
    Plane,
    autodiff_jacobian,
    block,
    block_except,
    eigendecomposition,
    fixed_points,
    flow_field,
    jacobian_of,
    plane,
    starting_points,
)
from randomnet.rnn import FORMS, Network, Pattern, Sparse, stack_systems
from randomnet.synthetic import random_network

NAMES = list(ACTIVATIONS)
SMOOTH = [name for name in NAMES if name != "relu"]
STABLE, SLOPE = 0.957504, 0.16637


def doubles(values):
    return torch.as_tensor(values, dtype=torch.float64)


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def made(activation, form, dt=0.3, n=6, g=1.5, integrator="euler", seed=3):
    """A random network with gains, shifts and a drive of its own, without gradients."""
    rng = np.random.default_rng(seed)
    trainable = {"gains": np.arange(n), "shifts": np.arange(n)}
    network = Network(
        random_network(n, g, rng), activation=activation, form=form, dt=dt, integrator=integrator, trainable=trainable
    )
    gains, shifts = rng.uniform(0.6, 1.6, n), 0.3 * rng.standard_normal(n)
    network.assign({**network.values(), "gains": torch.from_numpy(gains), "shifts": torch.from_numpy(shifts)})
    return replace(network.requires_grad_(False).dynamics(), drive=torch.from_numpy(rng.standard_normal(n)))


def differences(step, states, width=1e-5):
    """Central differences of a map, (B, N, N)."""
    columns = []
    for axis in torch.eye(states.shape[1], dtype=states.dtype):
        columns.append((step(states + width * axis) - step(states - width * axis)) / (2 * width))
    return torch.stack(columns, -1)


def affine(n=5, seed=2, radius=0.7):
    """h -> W h + b: W, b, the map and its Jacobian."""
    matrix, offset = radius * drawn(n, n, seed=seed) / np.sqrt(n), drawn(n, seed=seed + 1)
    return matrix, offset, lambda h: h @ matrix.mT + offset, lambda h: matrix.expand(len(h), n, n)


def doubled(h):
    return torch.tanh(2 * h)


def doubled_slope(h):
    return torch.diag_embed(2 / torch.cosh(2 * h).square())


def corners(number, n=3, seed=0, noise=0.5):
    """Starts around and between the stable points of `doubled`."""
    rng = np.random.default_rng(seed)
    return starting_points(torch.from_numpy(rng.choice([-STABLE, STABLE], (200, n))), number, rng, noise)


def fingerprint(record):
    """Of all numbers of a record."""
    values = [getattr(record, field.name) for field in fields(record)]
    return hashlib.sha256(b"".join(np.asarray(value).tobytes() for value in values)).hexdigest()


# Jacobians


@pytest.mark.parametrize("dt", (1.0, 0.3))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_the_jacobian_is_that_of_automatic_differentiation(name, form, dt):
    system, states = made(name, form, dt), drawn(4, 6)
    expected = autodiff_jacobian(system.step)(states)
    torch.testing.assert_close(jacobian_of(system)(states), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dt", (1.0, 0.3))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SMOOTH)
def test_the_jacobian_is_that_of_central_differences(name, form, dt):
    system, states = made(name, form, dt), drawn(4, 6)
    expected = differences(system.step, states)
    torch.testing.assert_close(jacobian_of(system)(states), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("form", FORMS)
def test_the_jacobian_of_a_runge_kutta_step_is_that_of_the_whole_step(form):
    system, states = made("tanh_positive", form, integrator="rk4"), drawn(4, 6)
    jacobians = jacobian_of(system)(states)
    torch.testing.assert_close(jacobians, autodiff_jacobian(system.step)(states), rtol=0, atol=1e-13)
    by_tangent = torch.stack([system.tangent(state, torch.eye(6).double()).mT for state in states])
    torch.testing.assert_close(jacobians, by_tangent, rtol=0, atol=1e-13)


@pytest.mark.parametrize("integrator", ("euler", "rk4"))
@pytest.mark.parametrize("form", FORMS)
def test_a_sparse_network_has_the_jacobian_of_the_dense_one(form, integrator):
    dense, states = made("sigmoid", form, integrator=integrator), drawn(4, 6)
    post, pre = np.nonzero(dense.coupling.values.numpy())
    sparse = replace(dense, coupling=Sparse(dense.coupling.values[post, pre], Pattern(post, pre, 6)))
    torch.testing.assert_close(jacobian_of(sparse)(states), jacobian_of(dense)(states), rtol=0, atol=1e-14)


def test_with_dt_1_the_jacobian_is_that_of_an_elman_network():
    system = made("tanh", "rate", dt=1.0)
    elman = torch.nn.RNN(1, 6, batch_first=True).double()
    with torch.no_grad():
        elman.weight_hh_l0.copy_(system.coupling.values)
        elman.bias_ih_l0.copy_(system.drive)
        elman.bias_hh_l0.zero_()
    state = drawn(6)

    def step(now):
        return elman(torch.zeros(1, 1, 1).double(), now.view(1, 1, 6))[1].view(6)

    expected = torch.autograd.functional.jacobian(step, state)
    torch.testing.assert_close(jacobian_of(system)(state[None])[0], expected, rtol=0, atol=1e-14)


def test_the_jacobian_can_be_differentiated_in_the_weights():
    network = Network(random_network(5, 1.0, np.random.default_rng(0)), trainable={"weights": np.arange(20)})
    jacobian_of(network.dynamics())(drawn(2, 5)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_networks_side_by_side_have_no_one_jacobian():
    with pytest.raises(ValueError, match=r"one network with gains \(N,\), got several: gains \(2, 6\)"):
        jacobian_of(stack_systems([made("tanh", "rate"), made("tanh", "rate")]))


@pytest.mark.parametrize("dt", (1.0, 0.3))
def test_at_a_fixed_point_states_and_rates_have_the_same_eigenvalues(dt):
    system = replace(made("tanh", "current", dt, g=0.8), drive=doubles([0.3, -0.2, 0.5, 0.1, -0.4, 0.2]))
    found = fixed_points(system.step, jacobian_of(system), drawn(5, 6))
    rates = torch.tanh(found.points)

    def onward(rates):  # phi of the step of phi^-1
        return torch.tanh(system.step(torch.atanh(rates)))

    assert len(rates) == 1
    torch.testing.assert_close(onward(rates), rates, rtol=0, atol=1e-10)
    values = eigendecomposition(autodiff_jacobian(onward)(rates)).values
    torch.testing.assert_close(values, found.eigenvalues, rtol=0, atol=1e-8)


# eigenvalues and blocks


def test_eigenvectors_are_columns_and_left_ones_are_dual_to_right_ones():
    jacobians = drawn(3, 4, 7, 7)
    found = eigendecomposition(jacobians)
    complexes, diagonal = jacobians.to(torch.complex128), torch.diag_embed(found.values)
    torch.testing.assert_close(complexes @ found.right, found.right @ diagonal, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.left.mH @ complexes, diagonal @ found.left.mH, rtol=0, atol=1e-11)
    one = torch.eye(7, dtype=torch.complex128).expand(3, 4, 7, 7)
    torch.testing.assert_close(found.left.mH @ found.right, one, rtol=0, atol=1e-12)
    assert (found.values.abs().diff(dim=-1) <= 1e-12).all()
    expected = np.sort(np.abs(np.linalg.eigvals(jacobians.numpy())), axis=-1)[..., ::-1]
    np.testing.assert_allclose(found.values.abs(), expected, atol=1e-12)


def test_a_defective_eigenvalue_has_left_eigenvectors_of_length_1():
    found = eigendecomposition(doubles([[0.5, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.2]]))
    expected = doubles([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(found.left.abs(), expected, rtol=0, atol=1e-12)


def test_stability_is_a_matter_of_the_modulus():
    found = eigendecomposition(torch.diag_embed(doubles([[-1.2, 0.5], [-0.9, 0.9], [1.0, 0.1], [2.0, -3.0]])))
    assert found.stable.tolist() == [False, True, False, False]
    assert found.unstable.tolist() == [1, 0, 0, 2]


def test_rates_and_time_constants_are_those_of_the_flow():
    values = doubles([2.0, 1.0, 0.9, 0.0])
    found = eigendecomposition(torch.diag(values))
    np.testing.assert_allclose(found.rates(0.1).real, [10.0, 0.0, -1.0, -10.0])
    np.testing.assert_allclose(found.time_constants(0.1), [-0.1 / np.log(2), np.inf, -0.1 / np.log(0.9), 0.0])


def test_blocks_are_those_of_numpy():
    jacobians, to, from_ = drawn(2, 5, 5), torch.tensor([3, 0]), torch.tensor([4, 1])
    matrices = jacobians.numpy()
    np.testing.assert_array_equal(block(jacobians, to, from_)[1], matrices[1][np.ix_([3, 0], [4, 1])])
    np.testing.assert_array_equal(block_except(jacobians, to, from_)[1], matrices[1][np.ix_([3, 0], [0, 2, 3])])
    np.testing.assert_array_equal(block(jacobians, None, from_), matrices[..., [4, 1]])
    expected = np.abs(np.linalg.eigvals(matrices[1][np.ix_([3, 0], [4, 1])]))
    np.testing.assert_allclose(eigendecomposition(jacobians, to, from_).values[1].abs(), np.sort(expected)[::-1])
    with pytest.raises(ValueError, match="as many units `to` as `from_`, got 2 and 5"):
        eigendecomposition(jacobians, to)


def test_block_and_excluded_block_predict_a_step_together():
    system, here = made("tanh", "current"), drawn(1, 6)
    small, units = 1e-5 * drawn(1, 6, seed=5), torch.tensor([4, 1, 2])
    others = torch.tensor([0, 3, 5])
    jacobians = jacobian_of(system)(here)
    moved = small[:, units] @ block(jacobians, units, units)[0].mT
    moved = moved + small[:, others] @ block_except(jacobians, units, units)[0].mT
    expected = (system.step(here + small) - system.step(here))[:, units]
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-9)


# fixed points


def test_an_affine_map_has_one_fixed_point():
    matrix, offset, step, jacobian = affine()
    found = fixed_points(step, jacobian, 3 * drawn(20, 5))
    expected = torch.linalg.solve(torch.eye(5).double() - matrix, offset)
    torch.testing.assert_close(found.points, expected[None], rtol=0, atol=1e-10)
    assert (found.hits.tolist(), found.starts, found.converged, len(found.slow)) == ([20], 20, 20, 0)
    expected = eigendecomposition(matrix)
    torch.testing.assert_close(found.eigenvalues[0], expected.values, rtol=0, atol=1e-12)
    assert found.unstable.tolist() == [int(expected.unstable)]


def test_three_bistable_units_have_27_fixed_points():
    done = []
    found = fixed_points(doubled, doubled_slope, corners(2000), on_progress=done.append)
    assert found.unstable.tolist() == [0] * 8 + [1] * 12 + [2] * 6 + [3]
    assert (found.q < 1e-20).all() and (found.hits > 0).all() and len(found.slow) == 0
    assert found.hits.sum() == found.converged == found.starts == done[-1] == 2000
    off = found.points.abs().clone()
    off[off > 0.5] -= STABLE
    assert off.abs().max() < 1e-6
    torch.testing.assert_close(found.eigenvalues[:8].real, torch.full((8, 3), SLOPE).double(), rtol=0, atol=1e-5)
    for number in range(4):
        assert (found.q[found.unstable == number].diff() >= 0).all()
    assert len(torch.unique(found.points.sign() * (found.points.abs() > 0.5), dim=0)) == 27
    assert found.indices.tolist() == [1] * 8 + [-1] * 12 + [1] * 6 + [-1]
    assert done == sorted(done)


def test_a_pair_of_unstable_eigenvalues_that_turn_leaves_the_index_as_it_is():
    """det(I - J) of a complex pair is |1 - lambda|^2, of a real one it has the sign of 1 - lambda."""
    turning = 1.5 * torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()
    for matrix, index in ((turning, 1), (torch.diag(torch.tensor([1.5, 0.5]).double()), -1)):
        found = fixed_points(
            lambda h, J=matrix: h @ J.T, lambda h, J=matrix: J.expand(len(h), 2, 2), torch.eye(2).double()
        )
        assert found.indices.tolist() == [index] and found.unstable.tolist() == [2 if index == 1 else 1]


def test_how_many_starts_move_at_a_time_makes_no_difference():
    one, other = (fixed_points(doubled, doubled_slope, corners(40), memory=memory) for memory in (1.0, 200e6))
    order = [np.lexsort(found.points.round(decimals=3).numpy().T) for found in (one, other)]
    np.testing.assert_allclose(one.points[order[0]], other.points[order[1]], atol=1e-9)
    np.testing.assert_array_equal(one.hits[order[0]], other.hits[order[1]])


@pytest.mark.parametrize("form", FORMS)
def test_fixed_points_of_a_network_stay_where_they_are_and_tell_how_they_are_left(form):
    system = made("tanh_stretched", form, n=20, g=2.5)
    found = fixed_points(system.step, jacobian_of(system), 2 * drawn(60, 20))
    assert len(found.points) > 0
    torch.testing.assert_close(system.step(found.points), found.points, rtol=0, atol=2e-10)
    for point, values, unstable in zip(found.points, found.eigenvalues, found.unstable, strict=True):
        moduli = np.sort(np.abs(np.linalg.eigvals(differences(system.step, point[None])[0].numpy())))[::-1]
        np.testing.assert_allclose(values.abs(), moduli, atol=1e-6)
        assert unstable == (moduli > 1).sum()


def test_points_far_from_the_starts_are_left_out_and_counted():
    def step(h):  # fixed points 0 and 20
        return h + h * (h - 20) / 100

    starts = doubles([[-0.2], [0.1], [0.3], [12.0]])
    near, every = (fixed_points(step, autodiff_jacobian(step), starts, farthest=bound) for bound in (2.0, 10.0))
    np.testing.assert_allclose(near.points, [[0.0]], atol=1e-8)
    np.testing.assert_allclose(every.points, [[0.0], [20.0]], atol=1e-8)
    assert (near.hits.tolist(), near.converged) == ([3], 4)


@pytest.mark.parametrize(("gap", "number"), ((1e-5, 1), (1e-3, 0), (-1e-5, 0)))
def test_slow_points_are_where_two_fixed_points_have_just_vanished(gap, number):
    def step(h):  # q = gap^2 / 2 at h = 0; for gap < 0 two fixed points at +-sqrt(-gap)
        return torch.stack([h[:, 0] + gap + h[:, 0] ** 2, 0.5 * h[:, 1]], 1)

    found = fixed_points(step, autodiff_jacobian(step), drawn(50, 2))
    assert len(found.slow) == len(found.slow_q) == number
    np.testing.assert_allclose(found.slow, np.zeros((number, 2)), atol=1e-4)
    np.testing.assert_allclose(found.slow_q, [gap**2 / 2] * number, rtol=1e-6)
    if gap > 0:
        assert len(found.points) == found.converged == 0 and found.eigenvalues.shape == (0, 2)
    else:
        np.testing.assert_allclose(found.points[:, 0], [-np.sqrt(-gap), np.sqrt(-gap)], atol=1e-8)


def test_a_gap_below_the_tolerance_is_still_no_fixed_point():
    def step(h):  # q = 3e-21, but the next zero of the tangent lies far away
        return torch.stack([h[:, 0] + 8e-11 + h[:, 0] ** 2, 0.5 * h[:, 1]], 1)

    found = fixed_points(step, autodiff_jacobian(step), drawn(20, 2), merge=1e-7, slow=1e-15)
    assert len(found.points) == 0 and found.converged == 0 and len(found.slow) > 0


def test_a_line_of_fixed_points_is_found_as_fixed_points():
    direction = doubles([0.6, 0.8])

    def step(h):  # what lies along the direction stays, the rest decays
        along = (h @ direction)[:, None] * direction
        return along + 0.3 * (h - along)

    starts = drawn(12, 2)
    found = fixed_points(step, autodiff_jacobian(step), starts)
    order = (found.points @ direction).argsort()
    np.testing.assert_allclose((found.points @ direction)[order], np.sort(starts @ direction), atol=1e-9)
    assert found.converged == 12


def test_clamped_units_stay_and_the_others_are_solved_for():
    matrix, offset, step, jacobian = affine()
    starts, clamped, free = drawn(6, 5, seed=9), torch.tensor([3, 1]), [0, 2, 4]
    found = fixed_points(step, jacobian, starts, clamped=clamped)
    assert len(found.points) == 6 and found.eigenvalues.shape == (6, 3)
    order = [int((starts[:, 1] == point[1]).nonzero()) for point in found.points]
    assert sorted(order) == list(range(6))
    assert torch.equal(found.points[:, clamped], starts[order][:, clamped])
    inner = matrix[free][:, free]
    given = starts[order][:, clamped] @ matrix[free][:, clamped].mT + offset[free]
    expected = torch.linalg.solve(torch.eye(3).double() - inner, given.mT).mT
    torch.testing.assert_close(found.points[:, free], expected, rtol=0, atol=1e-9)
    expected = np.sort(np.linalg.eigvals(inner.numpy()))
    np.testing.assert_allclose(np.sort(found.eigenvalues[0].numpy()), expected, atol=1e-12)


def test_starts_that_diverge_do_not_spoil_the_others():
    def step(h):  # infinite for h > 710
        return torch.exp(h) - 1.5

    def jacobian(h):
        return torch.diag_embed(torch.exp(h))

    good, done = doubles([[-1.0], [-2.0], [1.0], [2.0]]), []
    alone = fixed_points(step, jacobian, good, merge=1e-3)
    starts = torch.cat([good[:2], doubles([[800.0], [900.0]]), good[2:]])
    among = fixed_points(step, jacobian, starts, merge=1e-5, on_progress=done.append)
    assert len(alone.points) == 2 and done[0] == 2
    torch.testing.assert_close(among.points, alone.points, rtol=0, atol=1e-9)
    assert among.hits.tolist() == alone.hits.tolist() and (among.starts, among.converged) == (6, 4)


@pytest.mark.parametrize(("start", "end", "unstable"), ((0.0, 0.0, 2), (1e-3, 0.0, 2), (0.9, STABLE, 0)))
def test_a_single_start_has_no_spread_and_still_ends_in_a_fixed_point(start, end, unstable):
    found = fixed_points(doubled, doubled_slope, torch.full((1, 2), start).double())
    np.testing.assert_allclose(found.points, [[end, end]], atol=1e-6)
    assert found.unstable.tolist() == [unstable]


def test_a_single_start_at_zero_is_given_a_length_too():
    matrix, offset, step, jacobian = affine()
    found = fixed_points(step, jacobian, torch.zeros(1, 5).double(), farthest=100.0)
    expected = torch.linalg.solve(torch.eye(5).double() - matrix, offset)
    torch.testing.assert_close(found.points, expected[None], rtol=0, atol=1e-10)


def test_a_start_on_its_way_to_a_fixed_point_is_no_slow_point():
    starts = doubles([[-3.0], [0.0], [1e-6], [3.0]])
    found = fixed_points(doubled, doubled_slope, starts, iterations=0)
    assert found.points.tolist() == [[0.0]] and len(found.slow) == 0


def test_slow_points_far_from_the_starts_are_left_out():
    def step(h):  # slow at 20
        return h + 1e-5 + (h - 20) ** 2 / 100

    starts = doubles([[-0.2], [0.1], [0.3], [12.0]])
    near, every = (fixed_points(step, autodiff_jacobian(step), starts, farthest=bound) for bound in (2.0, 10.0))
    assert len(near.slow) == 0
    np.testing.assert_allclose(every.slow, [[20.0]], atol=1e-3)


def test_nothing_that_is_given_is_changed():
    trainable = {"weights": np.arange(30), "gains": np.arange(6), "shifts": np.arange(6)}
    network = Network(random_network(6, 1.5, np.random.default_rng(0)), trainable=trainable)
    for parameter, wanted in zip(network.parameters(), (True, False, True), strict=True):
        parameter.requires_grad_(wanted)
    before = network.values()
    starts = drawn(10, 6).requires_grad_()
    kept, system = starts.detach().clone(), network.dynamics()
    found = fixed_points(system.step, jacobian_of(system), starts)
    field = flow_field(system.step, found.points[0], plane(kept), trajectory=kept, jacobian=jacobian_of(system))
    assert [parameter.requires_grad for parameter in network.parameters()] == [True, False, True]
    assert all(torch.equal(before[name], values) for name, values in network.values().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(starts, kept) and not found.points.requires_grad and not field.velocity.requires_grad


def test_the_same_input_gives_the_same_bytes():
    system = made("tanh_stretched", "current", n=12, g=2.0)
    prints = {
        fingerprint(fixed_points(system.step, jacobian_of(system), 2 * drawn(30, 12), iterations=30)) for _ in range(2)
    }
    assert len(prints) == 1


def test_starts_are_noisy_states_and_midpoints_of_pairs():
    states = torch.cat([drawn(50, 2), torch.full((50, 1), 7.0).double()], 1)
    starts = starting_points(states, 9, np.random.default_rng(1), 0.0)
    assert starts.shape == (9, 3) and starts.dtype == torch.float64
    known = {tuple(state) for state in states.tolist()}
    assert [tuple(start) in known for start in starts.tolist()] == [True] * 5 + [False] * 4
    sums = {tuple(state) for state in ((states[:, None] + states) / 2).flatten(0, 1).tolist()}
    assert all(tuple(start) in sums for start in starts[5:].tolist())
    noisy = starting_points(states, 20_000, np.random.default_rng(1), 0.5)
    assert torch.equal(noisy[:, 2], torch.full((20_000,), 7.0).double())
    expected = np.sqrt(1.25) * states[:, :2].numpy().std(0)
    np.testing.assert_allclose(noisy[:10_000, :2].std(0), expected, rtol=0.05)
    assert torch.equal(noisy, starting_points(states, 20_000, np.random.default_rng(1), 0.5))


@pytest.mark.parametrize(
    ("starts", "options", "message"),
    (
        (drawn(3), {}, r"starts of shape \(S, N\), got \(3,\)"),
        (drawn(0, 3), {}, r"starts of shape \(S, N\), got \(0, 3\)"),
        (drawn(2, 3).float(), {}, "need float64, got starts in torch.float32"),
        (torch.full((1, 3), torch.nan).double(), {}, "starts must be finite"),
        (drawn(2, 3), {"clamped": torch.arange(3)}, "clamped: expected at least one free unit, got all 3"),
    ),
)
def test_starts_that_make_no_sense_are_refused(starts, options, message):
    with pytest.raises(ValueError, match=message):
        fixed_points(doubled, doubled_slope, starts, **options)


def test_maps_and_jacobians_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"step must return shape \(1, 3\) for states \(1, 3\), got \(1, 2\)"):
        fixed_points(lambda h: h[:, :2], doubled_slope, drawn(4, 3))
    with pytest.raises(ValueError, match=r"jacobian must return shape \(1, 3, 3\) for states \(1, 3\), got \(1, 3\)"):
        fixed_points(doubled, doubled, drawn(4, 3))


@pytest.mark.parametrize(("count", "number", "message"), ((1, 4, "at least two states"), (3, 0, "at least one start")))
def test_starting_points_need_states_and_a_number(count, number, message):
    with pytest.raises(ValueError, match=message):
        starting_points(drawn(count, 3), number, np.random.default_rng(0), 0.1)


# planes and flow fields


def test_the_plane_is_the_principal_one():
    states = drawn(5, 40, 6) @ drawn(6, 6, seed=1)
    found, flat = plane(states), states.reshape(200, 6).numpy()
    _, lengths, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    np.testing.assert_allclose(found.mean, flat.mean(0), atol=1e-13)
    np.testing.assert_allclose(found.axes, axes[:2] * np.sign(np.sum(axes[:2] * found.axes.numpy(), 1))[:, None])
    np.testing.assert_allclose(found.explained, (lengths**2 / np.sum(lengths**2))[:2])
    assert (found.axes.gather(1, found.axes.abs().argmax(1, keepdim=True)) > 0).all()
    variances = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    np.testing.assert_allclose(found.project(states).reshape(200, 2).var(0), variances[:2])


def test_coordinates_of_the_plane_lead_back_and_leave_other_directions_alone():
    found, at, wanted = plane(drawn(30, 5)), drawn(5, seed=4), drawn(7, 2, seed=5)
    states = found.embed(wanted, at)
    torch.testing.assert_close(found.project(states), wanted)
    off = torch.eye(5).double() - found.axes.mT @ found.axes
    torch.testing.assert_close((states - at) @ off, torch.zeros(7, 5).double(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("states", (torch.ones(4, 3), drawn(1, 3), drawn(5, 1)))
def test_states_that_span_no_plane_are_refused(states):
    with pytest.raises(ValueError, match="principal axes need states"):
        plane(states)


def test_a_plane_of_two_units_is_their_coordinates():
    mean, states = drawn(4), drawn(3, 4, seed=1)
    found = Plane.of_units(2, 0, mean)
    torch.testing.assert_close(found.project(states), (states - mean)[:, [2, 0]])
    with pytest.raises(ValueError, match="two different units out of 0 to 3, got 1 and 4"):
        Plane.of_units(1, 4, mean)


@pytest.mark.parametrize("form", FORMS)
def test_a_flow_field_is_a_step_of_the_states_of_its_grid(form):
    system, states = made("tanh_positive", form), drawn(40, 6)
    found, at = plane(states), drawn(6, seed=8)
    field = flow_field(system.step, at, found, points=4, span=(-1.0, 2.0, -3.0, 0.0))
    matrix, drive = system.coupling.values.numpy(), system.drive.numpy()
    axes, mean = found.axes.numpy(), found.mean.numpy()

    def phi(x):
        return (1 + np.tanh(system.gains.numpy() * (x - system.shifts.numpy()))) / 2

    assert field.grid[0, 1].tolist() == [0.0, -3.0] and field.grid[1, 0].tolist() == [-1.0, -2.0]
    for row in range(4):
        for column in range(4):
            place = np.array([-1.0 + column, -3.0 + row])
            state = at.numpy() + (place - axes @ (at.numpy() - mean)) @ axes
            arriving = matrix @ phi(state) + drive if form == "current" else phi(matrix @ state + drive)
            after = 0.7 * state + 0.3 * arriving
            velocity = axes @ (after - mean) - place
            np.testing.assert_allclose(field.velocity[row, column], velocity, atol=1e-6)
            np.testing.assert_allclose(field.speed[row, column], np.hypot(*velocity), atol=1e-6)
            np.testing.assert_allclose(field.energy[row, column], np.sum((after - state) ** 2) / 2, atol=1e-6)
    torch.testing.assert_close(field.normalised, field.speed / field.speed.max())


def test_at_a_fixed_point_nothing_flows():
    system = made("tanh_stretched", "current")
    points = fixed_points(system.step, jacobian_of(system), drawn(20, 6)).points
    found = Plane.of_units(1, 4, points[0])
    for jacobian in (None, jacobian_of(system)):
        field = flow_field(system.step, points[0], found, 3, span=(-1.0, 1.0, -2.0, 2.0), jacobian=jacobian)
        assert field.grid[1, 1].tolist() == [0.0, 0.0]
        assert field.speed[1, 1] < 1e-9 and field.energy[1, 1] < 1e-18 and field.speed[0, 0] > 1e-2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ("linear", "tanh"))
def test_the_linear_field_is_the_affine_map_and_touches_the_field_at_its_centre(name, form):
    system, at = made(name, form), drawn(6, seed=2)
    found = Plane.of_units(0, 3, at)

    def apart(width):
        span = (-width, width, -width, width)
        one, other = (
            flow_field(system.step, at, found, 3, span, jacobian=jacobian) for jacobian in (None, jacobian_of(system))
        )
        return float((one.velocity - other.velocity).norm())

    if name == "linear":
        assert apart(2.0) < 1e-12
    else:
        assert apart(1e-2) > 1e-7
        assert apart(1e-2) / apart(1e-3) == pytest.approx(100, rel=0.1)  # what is left is of second order


def test_units_outside_the_subset_keep_their_state():
    system, states, units = made("tanh", "rate"), drawn(30, 6), torch.tensor([5, 2, 3])
    at = drawn(6, seed=3)
    found = plane(states[:, units])
    field = flow_field(system.step, at, found, 5, trajectory=states, subset=units)

    def among(inner):  # the map of the subset alone
        whole = at.expand(len(inner), 6).clone()
        whole[:, units] = inner
        return system.step(whole)[:, units]

    expected = flow_field(among, at[units], found, 5, trajectory=states[:, units])
    for name in ("grid", "velocity", "speed", "energy", "trajectory"):
        assert torch.equal(getattr(field, name), getattr(expected, name)), name
    moved = flow_field(system.step, at, found, 5, trajectory=states, subset=units, jacobian=jacobian_of(system))
    inner = block(jacobian_of(system)(at[None]), units, units)
    expected = flow_field(among, at[units], found, 5, trajectory=states[:, units], jacobian=lambda h: inner)
    torch.testing.assert_close(moved.velocity, expected.velocity, rtol=0, atol=1e-13)


def test_the_order_of_a_subset_changes_no_flow():
    system, states, at = made("tanh", "current"), drawn(30, 6), drawn(6, seed=3)
    one, other = (
        flow_field(system.step, at, plane(states[:, units]), 4, trajectory=states, subset=units)
        for units in (torch.tensor([1, 4, 5]), torch.tensor([5, 1, 4]))
    )
    torch.testing.assert_close(one.velocity, other.velocity, rtol=0, atol=1e-12)


def test_fields_through_several_states_are_those_through_each():
    system, states = made("tanh", "rate"), drawn(30, 6)
    found = plane(states)
    for jacobian in (None, jacobian_of(system)):
        every = flow_field(system.step, states[:3], found, 4, trajectory=states, jacobian=jacobian)
        for index in range(3):
            one = flow_field(system.step, states[index], found, 4, trajectory=states, jacobian=jacobian)
            torch.testing.assert_close(every.velocity[index], one.velocity, rtol=0, atol=1e-13)
            torch.testing.assert_close(every.energy[index], one.energy, rtol=0, atol=1e-13)


def test_a_field_lies_around_its_trajectory():
    trajectory = doubles([[0.0, 5.0, 1.0], [10.0, 5.0, 3.0]])
    found = Plane.of_units(0, 2, torch.zeros(3).double())
    field = flow_field(doubled, trajectory[0], found, 3, trajectory=trajectory)
    np.testing.assert_allclose(field.grid[0, 0], [-1.0, 0.8])
    np.testing.assert_allclose(field.grid[-1, -1], [11.0, 3.2])
    np.testing.assert_allclose(field.trajectory, [[0.0, 1.0], [10.0, 3.0]])
    straight = flow_field(doubled, trajectory[0], Plane.of_units(0, 1, found.mean), 3, trajectory=trajectory)
    np.testing.assert_allclose(straight.grid[0, 0], [-1.0, 5.0 - 1e-3])


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({}, "needs a span .* or a trajectory"),
        ({"span": (1.0, 1.0, 0.0, 1.0)}, "a span that rises along both axes"),
        ({"span": (0.0, 1.0, 0.0, 1.0), "points": 1}, "two points or more"),
        ({"span": (0.0, 1.0, 0.0, 1.0), "subset": torch.arange(2)}, r"must have shape \(2, 2\), got \(2, 3\)"),
    ),
)
def test_fields_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        flow_field(doubled, torch.zeros(3).double(), Plane.of_units(0, 1, torch.zeros(3).double()), **options)
