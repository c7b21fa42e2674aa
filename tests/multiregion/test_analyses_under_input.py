"""Analyses under constant and time-varying inputs, against torch.func.jacrev, finite differences and steps by hand."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from randomnet.analysis import input_jacobian_of, linearise, under_input
from randomnet.rnn import FORMS
from tests.support.regions import described, made

TAUS = [4.0, {"r0": 2.0, "r1": 3.0, "r2": 4.0}]


def network(form="current", tau=4.0, **settings):
    settings = {"activation": "tanh", "dt": 1, "tau": tau, "spectral_radius": 1.2, "inp_constrained": False} | settings
    return made(described(sparsity=0.2), form=form, **settings).requires_grad_(False)


def next_state(net, state, u, extra=None):
    """The state after one step, from the network's own run."""
    return net(u[None], state, *(() if extra is None else (extra[None],)), return_states=True)[2][0]


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", TAUS)
def test_jacobians_by_state_and_input_are_those_of_automatic_differentiation(form, tau, sparse):
    """With one input for each state, as along a trajectory."""
    net = network(form, tau, sparse=sparse)
    states, inputs, extra = drawn(2, 3, 15), drawn(2, 3, 5), drawn(2, 3, 15)
    found = net.linearise(states, inputs, extra=extra)
    for place in np.ndindex(2, 3):
        at = states[place], inputs[place], extra[place]
        for argument, jacobian in ((0, found.jacobian), (1, found.by_input)):
            exact = torch.func.jacrev(lambda *at: next_state(net, *at), argument)(*at)
            assert_close(jacobian[place], exact, rtol=0, atol=1e-12)
        assert_close(found.after[place], next_state(net, *at), rtol=0, atol=1e-12)
    constant = net.linearise(states, inputs[0, 0])
    assert_close(constant.jacobian[0, 0], net.linearise(states[0, 0], inputs[0, 0]).jacobian)
    values = np.linalg.eigvals(found.jacobian[1, 2].numpy())
    assert_close(found.eigendecomposition().values[1, 2].abs(), torch.from_numpy(np.sort(np.abs(values))[::-1].copy()))


@pytest.mark.parametrize("form", FORMS)
def test_blocks_of_regions_are_those_of_the_whole_and_predict_to_first_order(form):
    net = network(form)
    states, inputs = drawn(4, 15), drawn(4, 5)
    to, others = np.r_[0:6, 11:15], np.arange(6, 11)
    whole, part = net.linearise(states, inputs), net.linearise(states, inputs, to=("r2", "r0"))
    assert_close(part.jacobian, whole.jacobian[:, to][:, :, to])
    assert_close(part.excluded, whole.jacobian[:, to][:, :, others])
    assert_close(part.by_input, whole.by_input[:, to])
    changes = drawn(4, 10), drawn(4, 5), drawn(4, 5) / 2
    errors = []
    for size in (1e-3, 5e-4):
        delta_state, delta_input, delta_excluded = (size * change for change in changes)
        moved = states.clone()
        moved[:, to] += delta_state
        moved[:, others] += delta_excluded
        exact = torch.stack([next_state(net, *at) for at in zip(moved, inputs + delta_input, strict=True)])[:, to]
        predicted = part.predict(delta_state, delta_input, delta_excluded)
        errors.append(float((predicted - exact).norm()))
        unchanged = torch.stack([next_state(net, *at) for at in zip(states, inputs, strict=True)])[:, to]
        assert errors[-1] < 1e-2 * float((exact - unchanged).norm())
    if form == "rate" or errors[0] > 1e-12:
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.05), "the error is of second order"
    assert_close(part.predict(), part.after)


def test_a_change_of_the_input_and_of_other_regions_is_exact_in_a_linear_network():
    net = network(activation="linear")
    states, inputs = drawn(4, 15), drawn(4, 5)
    delta = drawn(4, 5)
    found = net.linearise(states, inputs).predict(delta_input=delta)
    exact = torch.stack([next_state(net, *at) for at in zip(states, inputs + delta, strict=True)])
    assert_close(found, exact, rtol=0, atol=1e-12)


def test_fixed_points_under_inputs_are_at_rest_there_and_move_with_the_input():
    net = network(activation="linear", spectral_radius=0.5)
    inputs, starts = drawn(3, 5), drawn(20, 15)
    w, u = net.effective_weights()
    exact = torch.linalg.solve(torch.eye(15, dtype=torch.float64) - w, (inputs @ u.mT + net.biases()).mT).mT
    found = net.fixed_points(starts, inputs)
    assert [len(points.points) for points in found] == [1, 1, 1]
    assert_close(torch.cat([points.points for points in found]), exact, rtol=1e-6, atol=1e-8)
    one = net.fixed_points(starts, inputs[1]).points
    assert_close(next_state(net, one[0], inputs[1]), one[0], rtol=1e-7, atol=1e-9)
    eigenvalues = net.linearise(one, inputs[1]).eigendecomposition().values[0]
    assert_close(net.fixed_points(starts, inputs[1]).eigenvalues[0].abs(), eigenvalues.abs())


@pytest.mark.parametrize("form", FORMS)
def test_fixed_points_of_a_region_hold_the_others(form):
    net = network(form, spectral_radius=0.8)
    u, extra = drawn(5), drawn(15)
    held = drawn(1, 15).expand(6, -1).clone()
    held[:, 6:11] = drawn(6, 5)
    found = net.fixed_points(held, u, regions="r1", extra=extra)
    assert len(found.points) >= 1
    for point in found.points:
        assert_close(point[[*range(6), *range(11, 15)]], held[0, [*range(6), *range(11, 15)]])
        assert_close(next_state(net, point, u, extra)[6:11], point[6:11], rtol=0, atol=1e-8)
    assert net.recurrent.values.requires_grad is False and net.fixed_points(held.float(), u).points.dtype == held.dtype


@pytest.mark.parametrize("form", FORMS)
def test_the_flow_under_an_input_of_each_state_is_a_step_by_hand(form):
    net = network(form)
    states, inputs = drawn(3, 15), drawn(3, 5)
    field = net.flow_field(states, inputs, points=4, regions=("r0", "r2"))
    subset = np.r_[0:6, 11:15]
    for place in np.ndindex(3, 4, 4):
        base = states[place[0]].clone()
        base[subset] = field.plane.embed(field.grid[place[1:]], base[subset])
        after = next_state(net, base, inputs[place[0]])
        velocity = field.plane.project(after[subset]) - field.grid[place[1:]]
        assert_close(field.velocity[place], velocity, rtol=0, atol=1e-10)
    single = net.flow_field(states[1], inputs[1], field.plane, points=4, span=(-1, 1, -1, 1), regions=("r0", "r2"))
    again = net.flow_field(states, inputs, field.plane, points=4, span=(-1, 1, -1, 1), regions=("r0", "r2"))
    assert_close(again.velocity[1], single.velocity)
    zeroed = net.flow_field(states, inputs, points=4, regions=("r0", "r2"), zeroed="r1", trajectory=states)
    silent = states.clone()
    silent[:, 6:11] = 0
    assert_close(zeroed.velocity, net.flow_field(silent, inputs, zeroed.plane, 4, trajectory=states,
                                                 regions=("r0", "r2")).velocity)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_linear_flow_is_the_affine_map_also_of_a_changed_input(form):
    net = network(form)
    states, inputs, delta = drawn(3, 15), drawn(3, 5), 0.3 * drawn(5)
    field = net.flow_field(states, inputs, points=3, linear=True, delta_input=delta)
    at = net.linearise(states, inputs)
    for place in np.ndindex(3, 3, 3):
        change = field.plane.embed(field.grid[place[1:]], states[place[0]]) - states[place[0]]
        after = at.after[place[0]] + at.jacobian[place[0]] @ change + at.by_input[place[0]] @ delta
        assert_close(field.velocity[place], field.plane.project(after) - field.grid[place[1:]], rtol=0, atol=1e-10)
    whole = net.flow_field(states, inputs, points=3, delta_input=delta)
    assert_close(whole.velocity, net.flow_field(states, inputs + delta, points=3).velocity)


@pytest.mark.parametrize("form", FORMS)
def test_a_change_of_the_other_regions_shifts_the_flow(form):
    """By their states in the nonlinear flow, and by J_excl in the linear one."""
    net = network(form)
    states, inputs, delta = drawn(3, 15), drawn(3, 5), 0.2 * drawn(3, 5)
    settings = {"points": 3, "regions": ("r0", "r2"), "trajectory": states}
    moved = states.clone()
    moved[:, 6:11] += delta
    found = net.flow_field(states, inputs, delta_others=delta, **settings)
    assert_close(found.velocity, net.flow_field(moved, inputs, **settings).velocity)
    plain = net.flow_field(states, inputs, linear=True, **settings)
    shifted = net.flow_field(states, inputs, linear=True, delta_others=delta, **settings)
    effect = net.linearise(states, inputs, to=("r0", "r2")).excluded @ delta.unsqueeze(-1)
    expected = (effect.squeeze(-1) @ plain.plane.axes.mT)[:, None, None].expand_as(plain.velocity)
    assert_close(shifted.velocity - plain.velocity, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("linear", [False, True])
def test_one_change_of_the_others_is_that_of_every_state(linear):
    net, states, change = network(), drawn(4, 15), drawn(10)
    one = net.flow_field(states, regions="r1", delta_others=change, linear=linear)
    each = net.flow_field(states, regions="r1", delta_others=change.expand(4, 10), linear=linear)
    none = net.flow_field(states, regions="r1", linear=linear)
    assert_close(one.velocity, each.velocity)
    assert not torch.allclose(one.velocity, none.velocity)


def test_other_weights_take_the_place_of_the_own_ones():
    net, other = network(), network(seed=5)
    states, inputs = drawn(4, 15), drawn(4, 5)
    found = net.linearise(states, inputs, W_rec=other.effective_weights()[0])
    own = linearise(other.dynamics(), states, net.input(), inputs)
    assert_close(found.jacobian, own.jacobian)
    assert_close(found.after, own.after)


def test_what_does_not_fit_is_said():
    net = network()
    states, stages = drawn(4, 15), dataclasses.replace(net.dynamics(), integrator="rk4")
    for wrong, text in (
        (lambda: net.linearise(states, drawn(4)), r"inputs: expected shape \(..., 5\), got shape \(4,\)"),
        (lambda: net.linearise(states, drawn(3, 5)), r"one for each, \(4,\), got \(3,\)"),
        (lambda: net.linearise(states, extra=drawn(4, 5)), r"extra: expected shape \(..., 15\)"),
        (lambda: net.linearise(states, extra=drawn(3, 15)), r"extra: expected one for all .* got \(3,\)"),
        (lambda: net.linearise(drawn(4, 14)), r"states: expected shape \(..., 15\), got \(4, 14\)"),
        (lambda: net.linearise(states, W_rec=drawn(3, 3)), r"W_rec: expected shape \(15, 15\), got \(3, 3\)"),
        (lambda: net.fixed_points(drawn(4, 14)), r"starts: expected shape \(..., 15\), got \(4, 14\)"),
        (lambda: net.flow_field(drawn(4, 14)), r"at: expected shape \(..., 15\), got \(4, 14\)"),
        (lambda: net.flow_field(states, delta_input=drawn(4)), r"delta_input: expected shape \(5,\) or \(4, 5\)"),
        (lambda: net.flow_field(states, regions="r1", delta_others=drawn(5)), r"delta_others: expected shape \(10,\)"),
        (lambda: net.linearise(states, to="r9"), "unknown selection 'r9'"),
        (lambda: net.linearise(states, to="r1", from_="r0").eigendecomposition(), "as many units `to` as `from_`"),
        (lambda: linearise(net.dynamics(), states, None, drawn(5)), "inputs: expected none, as there are no input"),
        (lambda: linearise(net.dynamics(), states).predict(delta_input=drawn(5)), "delta_input: expected none"),
        (lambda: input_jacobian_of(stages, net.input()), "J_u: expected integrator euler, got rk4"),
    ):
        with pytest.raises(ValueError, match=text):
            wrong()
    assert under_input(net.dynamics()).drive is not None


def test_what_is_found_in_a_network_that_is_trained_says_itself_without_a_warning():
    """Its states have gradients."""
    net = network().requires_grad_(True)
    states = net(drawn(2, 4, 5), return_states=True)[2]
    found = net.linearise(states)
    assert states.requires_grad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr(found.eigendecomposition()).startswith("Eigendecomposition: 8 matrices of 15 units, moduli up to ")
        assert repr(found).startswith("Linearisation: 8 states")
