"""network, fit, spectrum and losses: the runner's arrays from the same options, and errors in one line."""

import numpy as np
import pytest
import torch

import randomnet as rn

TASK = {"n_bits": 2, "nr_of_trials": 20, "trial_steps": 20}


@pytest.fixture(scope="module")
def random():
    return rn.connectome("random", n=16, g=2)


def test_a_fit_on_the_spectrum_is_that_of_the_runner(tmp_path, random):
    folder = rn.run({
        "paths.path_to_results": tmp_path / "r", "net.roi": "random", "net.n": 16, "net.g": 2, "lyapunov.tsim": 5,
        "model.activation": "tanh_stretched", "trainvalidate.train_shifts": False, "trainvalidate.epochs": 2,
        "lyapunov.nle": 3, "lyapunov.target": (0.5, -0.5), "lyapunov.tsim_measured": 0,
    })  # fmt: skip
    network = rn.network(random, activation="tanh_stretched", train="gains")
    history = rn.fit(network, rn.spectrum_loss(target=(0.5, -0.5), k=3, tsim=5), epochs=2)
    assert history["train_loss"].tolist() == folder.history["train_loss"].tolist()
    stored = folder.network().module.values()
    assert all(torch.equal(values, stored[name]) for name, values in network.module.values().items())
    assert history.equals(network.history) and "2 epochs" in repr(network)


def test_a_fit_on_a_task_is_that_of_the_runner(tmp_path, random):
    options = {f"trialparams.{name}": value for name, value in TASK.items()}
    folder = rn.run({
        "paths.path_to_results": tmp_path / "r", "net.roi": "random", "net.n": 16, "net.g": 2,
        "trialparams.task_name": "flip_flop", "trainvalidate.epochs": 2, "trainvalidate.batch_size": 4, **options,
    })  # fmt: skip
    task = rn.task("flip_flop", **TASK)
    network = rn.network(random, task=task)
    rn.fit(network, task, epochs=2, batch_size=4)
    loaded = folder.network()
    assert all(torch.equal(value, loaded.module.values()[key]) for key, value in network.module.values().items())
    activity = loaded.run(folder.trials())
    example = folder.example_trials()
    np.testing.assert_array_equal(activity.outputs[example["trials"]], example["outputs_final"])
    np.testing.assert_array_equal(activity.targets[example["trials"]], example["targets"])
    np.testing.assert_array_equal(loaded.run().outputs, network.run().outputs)
    history = rn.fit(loaded, task, epochs=1)  # a stored network trains on
    assert len(history) == 2 and loaded.connectome.n == 16


def test_a_spectrum_is_that_of_the_runner(tmp_path, random):
    for index, options in enumerate(({"net.roi": "random", "net.n": 16, "net.g": 2},
                                     {"net.roi": "AB", "net.null": "degree", "lyapunov.nle": 3})):  # fmt: skip
        folder = rn.run({"experiment.kind": "spectrum", "paths.path_to_results": tmp_path / str(index),
                         "lyapunov.tsim": 5, **options})  # fmt: skip
        network = rn.network(rn.connectome("AB").null("degree") if index else random)
        for same in (network, folder.network()):
            spectrum = rn.spectrum(same, tsim=5, **({"k": 3} if index else {}))
            np.testing.assert_array_equal(spectrum.exponents, folder.arrays()["exponents"])


def test_the_spectrum_follows_training(random):
    network = rn.network(random, activation="tanh_stretched", train="gains")
    before = rn.spectrum(network, k=2, tsim=20).exponents
    rn.fit(network, rn.spectrum_loss(target=-0.5, k=2, tsim=10), epochs=5, lr=0.1)
    after = rn.spectrum(network, k=2, tsim=20).exponents
    assert np.abs(after + 0.5).mean() < np.abs(before + 0.5).mean()
    assert len(rn.spectrum(network, k=2, tsim=5, initial_states=2)) == 2


def test_a_network_keeps_its_equation_where_a_task_is_fitted(random):
    network = rn.network(random, activation="tanh", train="weights")
    rn.fit(network, rn.spectrum_loss(k=2, tsim=5), epochs=1)
    trained = network.module.values()["weights"]
    task = rn.task("flip_flop", **TASK)
    rn.fit(network, task, epochs=1, lr=1e-12)
    assert (network.module.form, network.module.dt) == ("current", 0.1)
    torch.testing.assert_close(network.module.values()["weights"], trained)
    assert network.run().outputs.shape == (4, 20, 2)
    rn.fit(network, task + 0.1 * rn.spectrum_loss(k=2, tsim=5), epochs=1)
    assert network.run_settings.config.losses == {"task": 1.0, "mse": 0.1}


def test_inputs_are_arrays_or_tensors_and_so_are_outputs(random):
    network = rn.network(random, task=rn.task("flip_flop", **TASK))
    inputs = np.random.default_rng(0).normal(size=(3, 7, 2)).astype(np.float32)
    arrays, tensors = network.run(inputs), network.run(torch.from_numpy(inputs))
    assert isinstance(arrays.outputs, np.ndarray) and isinstance(tensors.states, torch.Tensor)
    np.testing.assert_array_equal(arrays.states, tensors.states.numpy())
    outputs = network(torch.from_numpy(inputs))
    assert outputs.requires_grad
    np.testing.assert_allclose(outputs.detach().numpy(), arrays.outputs, rtol=1e-5, atol=1e-6)
    step = network.system().step(torch.zeros(3, 16).double(), torch.from_numpy(inputs[:, 0]).double())
    np.testing.assert_allclose(step.numpy(), arrays.states[:, 0], atol=1e-6)
    assert arrays.frame().shape == (3 * 7 * 2, 4)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_states_are_those_of_the_equation(random, form):
    network = rn.network(random, task=rn.task("flip_flop", **TASK), form=form, dt=0.5)
    inputs = np.random.default_rng(0).normal(size=(2, 5, 2))
    activity = network.run(inputs)
    values = {name: tensor.detach().double().numpy() for name, tensor in network.module.interface_tensors().items()}
    weights = network.module.matrix().detach().double().numpy()
    state = np.zeros((2, 16))
    for step in range(5):
        drive = inputs[:, step] @ values["input_weights"].T + values["input_bias"] + values["recurrent_bias"]
        rates = np.tanh(state) if form == "current" else state
        change = rates @ weights.T + drive
        state = 0.5 * state + 0.5 * (change if form == "current" else np.tanh(change))
        np.testing.assert_allclose(activity.states[:, step], state, atol=1e-5)


def test_cells_low_rank_and_dynamics_run_on_trials(random):
    task = rn.task("flip_flop", **TASK)
    cells = rn.network(architecture="gru", hidden_size=5, task=task)
    ranked = rn.network(random, task=task, **{"net.rank": 2, "net.readout": "linear"})
    rates = rn.network(random, task=task, rate_filter=True, **{"dynamics.adaptation": 0.1})
    for network, states in ((cells, 5), (ranked, 16), (rates, 32)):
        rn.fit(network, task, epochs=1)
        activity = network.run()
        assert activity.outputs.shape == (4, 20, 2) and activity.states.shape == (4, 20, states)
    assert rn.spectrum(cells, k=2, tsim=20).exponents.shape == (2,)


def test_figures_and_tables_of_networks(random):
    network = rn.network(random, task=rn.task("flip_flop", **TASK))
    with pytest.raises(ValueError, match="trained by fit"):
        network.plot()
    rn.fit(network, rn.task("flip_flop", **TASK), epochs=1)
    assert network.plot().axes and network.run().plot().axes
    spectrum = rn.spectrum(random, k=3, tsim=20)
    assert spectrum.plot(label="a", b=spectrum).axes and list(spectrum.frame()["index"]) == [1, 2, 3]
    for record in (network, spectrum, network.run()):
        assert "\n" not in repr(record) and repr(record).split(":")[0] in record._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda c: rn.network(c, activation="tahn"), ValueError, "did you mean 'tanh'"),
        (lambda c: rn.network(c, activaton="tanh"), TypeError, "did you mean 'activation'"),
        (lambda c: rn.network(c, lr=0.1), TypeError, r"lr in fit\(\)"),
        (lambda c: rn.network(c, train=["gain"]), ValueError, "did you mean 'gains'"),
        (lambda c: rn.fit(rn.network(c), rn.spectrum_loss(), epoch=3), TypeError, "did you mean 'epochs'"),
        (lambda c: rn.fit(rn.network(c), rn.spectrum_loss(), init="he"), TypeError, r"init in network\(\)"),
        (
            lambda c: rn.fit(rn.network(c), rn.spectrum_loss(), **{"trainvalidate.loss": "l2"}),
            TypeError,
            "the loss as an argument",
        ),
        (lambda c: rn.fit(rn.network(c, task=rn.task("odr")), rn.spectrum_loss()), ValueError, r"task\('odr'\) \+ mse"),
        (lambda c: rn.task("flipflop"), ValueError, "did you mean 'flip_flop'"),
        (lambda c: rn.task("flip_flop", nbits=3), TypeError, "did you mean 'n_bits'"),
        (lambda c: rn.task("flip_flop").trials("train"), ValueError, "training, validation, test"),
        (lambda c: rn.task("flip_flop").trials("test"), ValueError, "test_size = 0"),
        (lambda c: rn.spectrum_loss("mes"), ValueError, "did you mean 'mse'"),
        (lambda c: rn.spectrum_loss() + rn.spectrum_loss(), ValueError, "mse twice"),
        (lambda c: rn.spectrum(rn.network(c), tism=3), TypeError, "did you mean 'tsim'"),
        (lambda c: rn.spectrum(rn.network(c), warm_start=True), ValueError, "not available for kind = spectrum"),
        (lambda c: rn.network(c).run(np.zeros((2, 3, 4))), ValueError, "without"),
        (lambda c: rn.network(c).trials(), ValueError, "a network with a task"),
        (lambda c: rn.network(c, task=rn.task("flip_flop", **TASK)).run(np.zeros((2, 3))), ValueError, r"\(2, 3\)"),
    ],
)
def test_what_is_wrong_is_one_line(random, call, error, text):
    with pytest.raises(error, match=text) as raised:
        call(random)
    assert "\n" not in str(raised.value)
