"""The penalty on the states, the weight decay and the noise on initial states of kind = train, by hand."""

import numpy as np
import pytest
import torch

from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of, training_settings
from randomnet.objectives.task_losses import TASK_LOSSES
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.training import fit

TASK = "[trialparams]\ntask_name = flip_flop\nn_bits = 2\ntrial_steps = 12\nnr_of_trials = 10\n"
SETUPS = {
    "network": "[net]\nroi = random\nn = 5\n[model]\ndt = 0.5\n",
    "rates": "[net]\nroi = random\nn = 5\n[model]\nform = current\nactivation = tanh_stretched\n",
    "gru": "[model]\narchitecture = gru\nhidden_size = 3\n",
    "lstm": "[model]\narchitecture = lstm\nhidden_size = 3\n",
}


def run_of(folder, setup, more):
    path = folder / "a.ini"
    head = f"[paths]\npath_to_results = {folder / 'out'}\n[execution]\nworkers = 1\n"
    path.write_text(f"{head}{SETUPS[setup]}{TASK}[trainvalidate]\nepochs = 1\nprecision = float64\n{more}")
    return read_plan(path).combos[0].runs()[0]


def loss_and_states(run):
    """The loss of the first batch, and the states that the network goes through, step by step."""
    setup = build_setup(run)
    objective = objective_of(run, setup)
    batch, network = objective.batches()[0], setup.network
    (measured,) = objective.measure([network], batch)
    states = []
    if setup.connectome is None:
        state = network.cell.start(batch.inputs.shape[1])
        for x in batch.inputs:
            state = network.cell.step(state, x)
            states.append(state)
    else:
        state = torch.zeros(batch.inputs.shape[1], network.n, dtype=torch.float64)
        interface, system = network.interface_tensors(), network.autonomous()
        for x in batch.inputs:
            drive = system.drive + x @ interface["input_weights"].mT
            state = type(system)(**{**vars(system), "drive": drive}).step(state)
            states.append(state)
    return measured, torch.stack(states)


@pytest.mark.parametrize("setup", SETUPS)
def test_the_penalty_is_the_mean_square_of_all_states(tmp_path, setup):
    plain, states = loss_and_states(run_of(tmp_path, setup, ""))
    penalised, _ = loss_and_states(run_of(tmp_path, setup, "latent_l2 = 3\n"))
    added = float(penalised.loss.detach() - plain.loss.detach())
    assert added == pytest.approx(3 * float(states.detach().square().mean()), rel=1e-9) and added > 0
    assert penalised.figures["train_loss"] == pytest.approx(plain.figures["train_loss"], rel=1e-12)


def test_a_strong_penalty_makes_states_small(tmp_path):
    sizes = []
    for weight in (0, 100):
        more = f"latent_l2 = {weight}\nlr = 0.02\n"
        run = run_of(tmp_path, "gru", more)
        setup = build_setup(run)
        settings = training_settings(run)
        fit([setup.network], objective_of(run, setup), [type(settings)("Adam", 0.02, 30)])
        sizes.append(float(loss_and_states_of(setup, run)))
    assert sizes[1] < sizes[0] / 10


def loss_and_states_of(setup, run):
    with torch.no_grad():
        return setup.network.run(objective_of(run, setup).batches()[0].inputs)[0].square().mean()


@pytest.mark.parametrize(("written", "decay"), [("", None), ("auto", None), ("0", 0.0), ("1e-8", 1e-8)])
def test_the_weight_decay_is_torchs_unless_it_is_written(tmp_path, written, decay):
    assert training_settings(run_of(tmp_path, "gru", written and f"weight_decay = {written}\n")).weight_decay == decay


def test_a_step_of_sgd_decays_each_weight_by_its_share(tmp_path):
    run = run_of(tmp_path, "gru", "optimizer = SGD\nlr = 0.1\nweight_decay = 0.5\nclip_norm = 1e9\nbatch_size = 100\n")
    setup = build_setup(run)
    objective, before = objective_of(run, setup), setup.network.values()
    loss = objective.measure([setup.network], objective.batches()[0])[0].loss
    gradients = dict(zip(before, torch.autograd.grad(loss, list(setup.network.parameters())), strict=True))
    fit([setup.network], objective, [training_settings(run)])
    for name, value in setup.network.values().items():
        expected = before[name] - 0.1 * (gradients[name] + 0.5 * before[name])
        torch.testing.assert_close(value, expected, atol=1e-12, rtol=0)


def test_a_penalty_needs_the_states_of_all_steps(tmp_path):
    with pytest.raises(ConfigError, match="segment: expected 0 with latent_l2, which needs the states of all steps"):
        run_of(tmp_path, "network", "latent_l2 = 1\nsegment = 4\n")


def test_noise_on_initial_states_is_another_in_every_update_and_none_in_validation(tmp_path):
    run = run_of(tmp_path, "gru", "initial_noise = 0.5\n")
    setup = build_setup(run)
    network, objective = setup.network, objective_of(run, setup)
    quiet = objective_of(run_of(tmp_path, "gru", ""), setup)
    batch = objective.batches()[0]
    seed = int(run.generator("initial noise").integers(2**63))
    for update in range(2):
        rng = np.random.default_rng(np.random.SeedSequence([seed, update]))
        state = network.cell.start(batch.inputs.shape[1]) + 0.5 * torch.from_numpy(rng.standard_normal((1, 8, 3))[0])
        states = []
        for x in batch.inputs:
            state = network.cell.step(state, x)
            states.append(state)
        outputs = network.readout(torch.stack(states))
        expected = TASK_LOSSES[objective.loss].loss(outputs, batch, objective.loss_params)
        assert float(objective.measure([network], batch)[0].loss) == pytest.approx(float(expected.detach()), rel=1e-9)
    assert objective.states() == [{"started": 2}]
    assert objective.validate([network], 0) == quiet.validate([network], 0)
