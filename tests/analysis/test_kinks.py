"""Fixed points at a kink of relu, where a step has one-sided Jacobians: against all of them by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.analysis import UNDECIDED, continue_fixed_points, find_kinks, fixed_points, jacobian_of
from randomnet.analysis.kinks import bound
from randomnet.rnn import FORMS, Network
from randomnet.synthetic import random_network

A = 0.1


def relu_network(weights, form="current", integrator="euler", drive=None, gains=None, shifts=None):
    """A network of given weights (N, N), as a system in float64."""
    weights = np.asarray(weights, dtype=float)
    n = len(weights)
    network = Network(random_network(n, 1.0, np.random.default_rng(0)), activation="relu", form=form, dt=A,
                      integrator=integrator, trainable={"gains": np.arange(n), "shifts": np.arange(n)})  # fmt: skip
    system = network.requires_grad_(False).dynamics()
    coupling = replace(system.coupling, values=torch.from_numpy(weights))
    parts = {"gains": np.ones(n) if gains is None else gains, "shifts": np.zeros(n) if shifts is None else shifts}
    parts["drive"] = np.zeros(n) if drive is None else drive
    return replace(system, coupling=coupling, **{name: torch.as_tensor(part).double() for name, part in parts.items()})


def idle(system):
    """The same where gains and shifts do not act, as in a network that has none."""
    return replace(system, activation=replace(system.activation, stretches=False))


def searched(system, number=60, **options):
    starts = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (number, len(system.gains))))
    return fixed_points(system.step, jacobian_of(system), starts, kinks=find_kinks(system), **options)


def by_hand(weights, form, slopes):
    """The step's Jacobian with these slopes of the units."""
    across = weights * slopes[None, :] if form == "current" else slopes[:, None] * weights
    return (1 - A) * np.eye(len(weights)) + A * across


def unstable_by_hand(weights, form, gains, kinked):
    """The number of unstable directions on which all sides agree, or UNDECIDED; units that are at no kink are above."""
    counts = set()
    for sides in product((0.0, 1.0), repeat=int(kinked.sum())):
        slopes = gains.copy()
        slopes[kinked] *= sides
        counts.add(int((np.abs(np.linalg.eigvals(by_hand(weights, form, slopes))) > 1).sum()))
    return counts.pop() if len(counts) == 1 else UNDECIDED


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_table_names_every_kink(name):
    row = ACTIVATIONS[name]
    u = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    jumps = (row.dphi(u + 1e-7) - row.dphi(u - 1e-7)).abs() > 1e-4
    assert u[jumps].numpy().round(9).tolist() == list(row.kinks)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_the_origin_from_which_one_orthant_grows_is_neither_stable_nor_unstable(form, plain):
    system = relu_network([[2.0, 0.5], [0.5, 2.0]], form)
    system = idle(system) if plain else system
    found = searched(system)
    assert found.points.abs().max() < 1e-9 and len(found.points) == 1
    assert found.at_kink.tolist() == [True] and found.unstable.tolist() == [UNDECIDED]
    assert found.eigenvalues.isnan().all() and found.indices.tolist() == [0]
    near, far = 1e-6 * torch.ones(2).double(), -1e-6 * torch.ones(2).double()
    for _ in range(200):
        near, far = system.step(near), system.step(far)
    assert near.norm() > 1 > 1e-6 > far.norm()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(12))
def test_what_all_sides_agree_on_is_what_trying_all_by_hand_says(form, seed):
    rng = np.random.default_rng(seed)
    weights, gains, shifts = (0.4 + seed / 6) * rng.normal(0, 1, (4, 4)), rng.uniform(0.5, 2, 4), rng.normal(0, 1, 4)
    kinked = rng.random(4) < 0.6
    x = shifts + np.where(kinked, 0.0, 1.0)  # what the activation sees
    state = x if form == "current" else np.linalg.solve(weights, x)
    kinks = find_kinks(relu_network(weights, form, gains=gains, shifts=shifts))
    state = torch.from_numpy(state)
    near = kinks.near(state[None], torch.tensor([1e-9]).double())[0]
    assert near.tolist() == kinked.tolist()
    got = kinks.unstable(state, near.nonzero().squeeze(1), torch.arange(4))
    assert got == unstable_by_hand(weights, form, gains, kinked)


@pytest.mark.parametrize("form", FORMS)
def test_sides_that_agree_make_a_point_stable_or_unstable(form):
    stable = searched(relu_network(0.5 * np.array([[1.0, 0.5], [0.5, 1.0]]), form))
    assert stable.at_kink.tolist() == [True] and stable.unstable.tolist() == [0]
    # Unit 0 is at 1 with slope 1 and grows, unit 1 is alone at its kink, where both of its sides decay.
    drive = [-1.0, 0.0]
    one = searched(relu_network([[2.0, 0.0], [0.0, 0.5]], form, drive=drive))
    above = (one.points[:, 0] > 0.5).nonzero().item()
    assert one.at_kink[above] and one.unstable[above] == 1


def test_points_near_a_kink_and_not_at_one_keep_their_jacobian():
    """h = W relu(h) + b with b chosen so that the fixed point is off the kink by `off`."""
    for off, kinked in ((1e-5, False), (0.0, True)):
        weights, point = np.array([[0.5, 0.2], [0.1, 0.3]]), np.array([1.0, off])
        found = searched(relu_network(weights, drive=point - weights @ np.maximum(point, 0)))
        assert found.at_kink.tolist() == [kinked] and found.unstable.tolist() == [0]
        assert bool(found.eigenvalues.isnan().all()) == kinked
        if not kinked:
            expected = np.linalg.eigvals(by_hand(weights, "current", np.ones(2)))
            np.testing.assert_allclose(found.eigenvalues[0].abs(), np.sort(np.abs(expected))[::-1])


@pytest.mark.parametrize("form", FORMS)
def test_of_many_units_at_a_kink_a_bound_decides_or_nothing(form):
    weights = np.random.default_rng(2).normal(0, 1 / np.sqrt(40), (40, 40))
    weak, strong = (searched(relu_network(scale * weights, form), 20) for scale in (0.4, 3.0))
    assert weak.at_kink.all() and weak.unstable.tolist() == [0]
    origin = strong.points.abs().amax(1) < 1e-6
    assert origin.any() and (strong.unstable[origin] == UNDECIDED).all()
    turned = searched(relu_network(0.4 * weights, form, integrator="rk4"), 20)
    assert turned.unstable.tolist() == [UNDECIDED]


def test_the_bound_holds_for_all_sides():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        weights = rng.normal(0, 1, (5, 5))
        low, high = (torch.from_numpy(by_hand(weights, "current", np.full(5, side))) for side in (0.0, 1.0))
        radii = [np.abs(np.linalg.eigvals(by_hand(weights, "current", np.array(sides)))).max()
                 for sides in product((0.0, 1.0), repeat=5)]  # fmt: skip
        assert max(radii) <= bound(low, high) + 1e-12


def test_undecided_points_come_last_and_followed_points_know_their_kinks():
    # Unit 0 rests at 1, and grows, or at -1; unit 1 at its kink, of which one side grows.
    system = relu_network([[2.0, 0.0], [0.0, 2.0]], drive=[-1.0, 0.0])
    found = searched(system, 200)
    assert found.unstable.tolist() == sorted(found.unstable.tolist(), key=lambda number: (number < 0, number))
    assert (found.unstable[found.at_kink] != 0).all()
    maps = [(system.step, jacobian_of(system))] * 2
    around = torch.from_numpy(np.random.default_rng(3).normal(0, 1, (50, 2)))
    for one in continue_fixed_points(maps, {0: found.points}, around, kinks=[find_kinks(system)] * 2):
        assert one.at_kink.tolist() == [True] * len(one.points) and len(one.points)


def test_smooth_activations_have_no_kinks():
    system = relu_network(np.eye(2))
    assert find_kinks(replace(system, activation=ACTIVATIONS["softplus"])) is None
