"""Networks with filters, plasticity and noise that move an arm: the loop against open runs, its gradient, its noise."""


import numpy as np
import pytest
import torch

import runrandomnet
from randomnet.connectome import Connectome
from randomnet.effectors import TorqueArm
from randomnet.objectives import StateNoise, closed_loop_objective
from randomnet.objectives.closed_loop import move, stepper_of
from randomnet.simulation import Adaptation, Noise, Plasticity, RateDynamics, SlowCurrent, TrainableRateNetwork
from randomnet.tasks import make

N = 8
GROUPS = np.repeat([0, 1], [5, 3])
QUIET = {"slow": SlowCurrent(0.4, 0.3), "adaptation": Adaptation(0.3, 0.2), "tau_syn": 0.03, "tau_rate": 0.1,
         "plasticity": (Plasticity(0, 0, 0.2, 0.5, 0.2, 2.0),), "input_plasticity": None, "noise": None,
         "threshold": 0.1, "gain": 1.0, "rate_max": 1.0}  # fmt: skip
PARTS = {"quiet": QUIET, "noisy": QUIET | {"noise": Noise(0.3, 0.05)}}


def network(part):
    rng = np.random.default_rng(0)
    post, pre = np.nonzero(rng.random((N, N)) < 0.6)
    weights = 0.3 * np.abs(rng.standard_normal(len(post))) * np.where(GROUPS[pre] == 0, 1, -1)
    sizes = {"input_weights": (N, 9), "input_bias": (N,), "recurrent_bias": (N,), "readout_weights": (2, N),
             "readout_bias": (2,)}  # fmt: skip
    interface = {name: 0.3 * rng.standard_normal(shape) for name, shape in sizes.items()}
    return TrainableRateNetwork(
        Connectome("test", post, pre, weights, np.arange(N).astype(str), drive=np.full(N, 0.5)),
        rates=RateDynamics(GROUPS, PARTS[part]), trainable={"weights": np.arange(len(post))}, activation="softplus",
        dt=0.01, dtype=torch.float64, interface=interface)  # fmt: skip


def objective(noise=None, bins=100):
    trials = make("reach", {"nr_of_trials": 3, "trial_steps": bins, "ramp_epochs": 0}, np.random.default_rng(1))
    return closed_loop_objective(trials, trials, 3, torch.zeros(0, dtype=torch.float64), TorqueArm(), noise=noise)


@pytest.mark.parametrize("part", PARTS)
def test_the_loop_has_the_rates_and_readouts_of_a_run_under_the_inputs_that_it_received(part):
    net, goal = network(part), objective()
    found = move(stepper_of(net), TorqueArm(), goal.validation)
    rates, outputs = net.run(found.inputs)
    torch.testing.assert_close(found.states, rates, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.actions, outputs, rtol=0, atol=1e-12)
    assert rates.std(0).min() > 1e-4


@pytest.mark.parametrize("part", PARTS)
def test_the_gradient_of_the_loop_is_that_of_finite_differences(part):
    net, step = network(part), 1e-6

    def loss():
        (measured,) = objective(StateNoise(1.0, 5) if part == "noisy" else None).measure([net], objective().training[0])
        return measured.loss

    loss().backward()
    parameters = dict(net.named_parameters())
    places = {"weights.free": (7,), "interface.input_weights": (2, 0), "interface.readout_weights": (1, 4)}
    for name, place in places.items():
        parameter = parameters[name]
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[place] += sign * step
                values.append(float(loss().detach()))
                parameter[place] -= sign * step
        gradient = float(parameter.grad[place])
        assert gradient == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5, abs=1e-10) and gradient != 0


def test_the_noise_is_another_in_every_update_and_the_same_in_every_evaluation():
    net, goal = network("noisy"), objective(StateNoise(1.0, 7))
    losses = [float(goal.measure([net], goal.training[0])[0].loss.detach()) for _ in range(2)]
    assert losses[0] != losses[1]
    goal.load_state([{"moved": 1, "updates": 1}])
    assert float(goal.measure([net], goal.training[0])[0].loss.detach()) == losses[1]
    assert goal.validate([net], 0) == goal.validate([net], 1)


TRIALS = "[trialparams]\ntask_name = reach\nnr_of_trials = 10\ntrial_steps = 100\n"
TRAINED = """
[net]
source = populations
[populations]
sizes = E: 16, I: 8
couplings = EE: 1, EI: -1.5, IE: 1, II: -1
in_degree = 6
[model]
activation = relu
dt = 0.01
tau = 0.1
[dynamics]
plastic = EE
ou_noise = 0.05
[trainvalidate]
epochs = 2
lr = 0.0001
"""


def test_a_network_with_plastic_synapses_is_trained_and_recorded(tmp_path):
    """Its recorded latents are rates, u and x of each neuron, along reaches."""
    train, record = tmp_path / "train.ini", tmp_path / "record.ini"
    train.write_text(f"[paths]\npath_to_results = {tmp_path}/trained\n{TRAINED}{TRIALS}")
    where = f"[paths]\npath_to_results = {tmp_path}/recorded\n[source]\nfolder = {tmp_path}/trained\n"
    record.write_text(f"[experiment]\nkind = record\n{where}[recording]\nheldin = 8\nheldout = 2\n{TRIALS}")
    assert runrandomnet.main([str(train)]) == 0
    assert runrandomnet.main([str(record)]) == 0
    with np.load(tmp_path / "trained" / "0" / "iter_0" / "arrays.npz") as arrays:
        assert arrays["reaches_final"].shape == (2, 100, 2) and np.isfinite(arrays["reaches_final"]).all()
    with np.load(tmp_path / "recorded" / "0" / "iter_0" / "recording.npz") as arrays:
        assert arrays["train_latents"].shape[1:] == (100, 24 + 16 + 16)
