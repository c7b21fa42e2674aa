"""fixed_points: one route for networks, torch's modules and steps of one state or of several."""

import math

import numpy as np
import pytest
import torch

import randomnet as rn

ROOT = 0.9575040240772687  # of x = tanh(2 x)


def one(h):
    return torch.stack([torch.tanh(2 * h[0]), 0.5 * h[1]])


def several(h):
    return torch.stack([torch.tanh(2 * h[:, 0]), 0.5 * h[:, 1]], 1)


@pytest.mark.parametrize("step", [one, several])
def test_steps_of_one_state_and_of_several_are_the_same_system(step):
    points = rn.fixed_points(step, n=2)
    expected = np.array([[-ROOT, 0], [0, 0], [ROOT, 0]])
    found = points.points.numpy()
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected, atol=1e-9)
    np.testing.assert_allclose(rn.spectrum(lambda h: 0 * step(h) + 0.5 * h, torch.ones(2), tsim=20).exponents,
                               [math.log(0.5)] * 2)  # fmt: skip
    assert points.plot().axes and len(points.frame()) == 3
    assert len(rn.fixed_points(step, np.array([0.9, 0.1])).points) == 1


def test_a_step_of_one_state_that_reduces_over_it_is_not_mixed_with_others():
    points = rn.fixed_points(lambda h: 0.5 * h + 0.5 * h / h.norm(), np.array([[0.5, 0.1], [-0.2, 3.0]]))
    np.testing.assert_allclose(np.linalg.norm(points.points.numpy(), axis=1), 1)


def test_a_gru_rests_where_its_forward_method_does():
    torch.manual_seed(0)
    gru = torch.nn.GRU(2, 6, batch_first=True)
    inputs = np.array([[1.0, 0.0], [0.0, -1.0]])
    for points, x in zip(rn.fixed_points(gru, inputs=inputs), inputs, strict=True):
        state = points.points[:1].float()
        after = gru(torch.tensor(x).float().expand(1, 1, 2), state[:, None])[1][0]
        torch.testing.assert_close(after, state, atol=1e-5, rtol=0)
    cell = torch.nn.GRUCell(2, 6)
    step = rn.fixed_points(lambda h: cell(torch.zeros(len(h), 2), h.float()).double(), n=6, number=20, tolerance=1e-10)
    torch.testing.assert_close(rn.fixed_points(cell, number=20).points, step.points, atol=1e-4, rtol=0)


def test_networks_rest_where_their_runs_do():
    task = rn.task("flip_flop", nr_of_trials=20, trial_steps=20)
    random = rn.connectome("random", n=10)
    x = np.array([0.5, 0, 0])
    networks = [rn.network(random, task=task), rn.network(random, task=task, form="current", dt=0.5),
                rn.network(architecture="gru", hidden_size=5, task=task)]  # fmt: skip
    for network in networks:
        points = rn.fixed_points(network, inputs=x, number=20)
        long = network.run(np.broadcast_to(x, (1, 400, 3)))
        distance = np.linalg.norm(points.points.numpy() - long.states[0, -1], axis=1).min()
        assert distance < 1e-4
    autonomous = rn.network(rn.connectome("random", n=10, g=3), activation="tanh", train="weights")
    points = rn.fixed_points(autonomous)
    rates = np.tanh(points.points.numpy())
    weights = autonomous.module.matrix().detach().double().numpy()
    np.testing.assert_allclose(rates @ weights.T, points.points.numpy(), atol=1e-8)


def test_a_network_of_regions_is_a_source():
    net = rn.MultiRegionRNN({
        "recurrent_regions": [{"name": "a", "num_units": 8}],
        "recurrent_connections": [{"src_region": "a", "dst_region": "a"}],
        "input_regions": [{"name": "cue", "num_units": 2}],
        "input_connections": [{"src_region": "cue", "dst_region": "a"}],
    }, activation="tanh", spectral_radius=0.5)  # fmt: skip
    free, given = rn.fixed_points(net, inputs=[1.0, 0.0]), rn.fixed_points(net, torch.zeros(1, 8), inputs=[1.0, 0.0])
    torch.testing.assert_close(free.points, given.points)


def test_what_is_wrong_is_told():
    with pytest.raises(ValueError, match="or n, the size of the state"):
        rn.fixed_points(one)
    with pytest.raises(ValueError, match=r"lambda h: step\(x, h\)"):
        rn.fixed_points(one, n=2, inputs=[1.0])
    with pytest.raises(ValueError, match="got int"):
        rn.fixed_points(3, n=2)
    with pytest.raises(ValueError, match=r"\(S, N\) or \(N,\), got \(1, 1, 2\)"):
        rn.fixed_points(one, torch.zeros(1, 1, 2))


def test_a_module_with_a_recurrent_part_is_told_how_to_pass_it():
    model = torch.nn.ModuleDict({"rnn": torch.nn.GRU(2, 3), "readout": torch.nn.Linear(3, 1)})
    with pytest.raises(ValueError, match=r"fixed_points\(model\.rnn, \.\.\.\)"):
        rn.fixed_points(model)
