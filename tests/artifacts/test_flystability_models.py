"""Model folders of FlyStability as paths.pretrained: its equation, its types, and folders that are damaged."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.build.network import build_setup
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support.runs import ALONE, run

N, TYPES = 9, 3
INI = """
[experiment]
kind = {kind}
[paths]
path_to_results = {results}
pretrained = {model}
[net]
roi = random
[model]
activation = tanh_stretched
dt = 0.1
[lyapunov]
nle = 9
tsim = 20
transient = 1
frame_transient = 1
"""


def model(seed=0, types=True):
    """The tensors that FlyStability saves: magnitudes, signs of neurons, one gain and shift per type."""
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], N) * (rng.random((N, N)) < 0.6)
    np.fill_diagonal(signs, 0)
    count = TYPES if types else N
    return {
        "C": signs, "W": rng.random((N, N)) * np.abs(signs), "H": rng.standard_normal(N),
        "H0": rng.standard_normal(N), "gains": rng.uniform(0.5, 2, count), "shifts": rng.normal(0, 0.3, count),
        "types": rng.permutation(np.arange(N) % count),
    }  # fmt: skip


def save(folder, tensors):
    folder.mkdir()
    for name, values in tensors.items():
        array = np.asarray(values)
        torch.save(torch.from_numpy(array.astype(np.int64 if name == "types" else np.float32)), folder / f"{name}.pt")
    return folder


def ini(folder, stored, kind="spectrum", more=""):
    path = folder / f"{kind}.ini"
    path.write_text(INI.format(kind=kind, results=folder / kind, model=stored) + more)
    return path


def setup_of(path):
    (combo,) = read_plan(path).combos
    (one,) = combo.runs()
    return build_setup(one)


@pytest.mark.parametrize("types", [True, False])
def test_the_step_is_that_of_flystability(tmp_path, types):
    """h <- (1 - dt) h + dt (C * W) tanh(gain (h - shift)), with gain and shift of the neuron's type."""
    tensors = model(types=types)
    setup = setup_of(ini(tmp_path, save(tmp_path / "model", tensors)))
    assert np.allclose(setup.state, tensors["H0"].astype(np.float32))
    h, kinds = setup.state.numpy(), tensors["types"]
    rates = np.tanh(tensors["gains"][kinds] * (h - tensors["shifts"][kinds]))
    expected = 0.9 * h + 0.1 * (tensors["C"] * tensors["W"]) @ rates
    with torch.no_grad():
        (found,) = setup.network.double().dynamics().step(setup.state[None])
    assert np.allclose(found, expected, atol=1e-6)


def test_its_spectrum_is_that_of_the_matrix(tmp_path):
    """Weights so weak that the state decays to 0, where the exponents are those of the linear map."""
    tensors = model(types=False) | {"shifts": np.zeros(N), "H0": np.zeros(N)}
    tensors["W"] *= 0.1
    assert run(ini(tmp_path, save(tmp_path / "model", tensors), more="initial_states = 1\n"), *ALONE) == 0
    found = pd.read_csv(tmp_path / "spectrum" / "spectra.csv")["exponent"]
    jacobian = 0.9 * np.eye(N) + 0.1 * (tensors["C"] * tensors["W"]) * tensors["gains"]
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(jacobian))) / 0.1)[::-1]
    assert np.allclose(found, expected, atol=0.05)
    record = pd.read_json(tmp_path / "spectrum" / "0" / "iter_0" / "run.json", typ="series")
    assert record["connectome"]["neurons"] == N and "pretrained model" in record["connectome"]["source"]


def test_training_goes_on_from_it(tmp_path):
    tensors, more = model(types=False), "[trainvalidate]\nepochs = 1\nlr = 1e-9\ntrain_weights = True\n"
    assert run(ini(tmp_path, save(tmp_path / "model", tensors), "train", more), *ALONE) == 0
    arrays = np.load(tmp_path / "train" / "0" / "iter_0" / "arrays.npz")
    product = tensors["C"] * tensors["W"]
    assert np.allclose(arrays["weights_initial"], product[arrays["post"], arrays["pre"]], atol=1e-6)
    for name in ("gains", "shifts"):
        assert np.allclose(arrays[f"{name}_initial"], tensors[name][tensors["types"]], atol=1e-6)


def test_its_types_can_share_their_gains(tmp_path):
    """model.groups = type has FlyStability's one gain and shift per type; by default each neuron has its own."""
    tensors = model()
    path = ini(tmp_path, save(tmp_path / "model", tensors), "train", "[trainvalidate]\ntrain_gains = True\n")
    assert len(setup_of(path).network.gains()) == N
    path.write_text(path.read_text().replace("dt = 0.1", "dt = 0.1\ngroups = type"))
    network = setup_of(path).network
    assert np.allclose(network.gains().detach(), tensors["gains"])
    assert np.allclose(network.shifts().detach(), tensors["shifts"])
    assert np.array_equal(network.groups, tensors["types"])


def test_neurons_without_common_types_have_no_labels(tmp_path):
    path = ini(tmp_path, save(tmp_path / "model", model(types=False)))
    path.write_text(path.read_text().replace("dt = 0.1", "dt = 0.1\ngroups = type"))
    with pytest.raises(ConfigError, match=r"groups: random, pretrained has no labels 'type'; it has neuron"):
        setup_of(path)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"C": np.ones((N, N)) * 2}, "C.pt: expected signs -1, 0 and 1, got 2"),
        ({"C": np.ones((N, N + 1))}, f"C.pt: expected finite numbers of shape ({N}, {N}), got shape ({N}, {N + 1})"),
        ({"W": np.full((N, N), np.nan)}, "W.pt: expected finite numbers"),
        ({"W": np.ones((N, N)), "C": np.ones((N, N))}, f"W.pt: expected no self-connections, got {N}"),
        ({"gains": np.ones(2)}, "gains.pt: expected a value of each of 3 types, got 2"),
        ({"types": np.zeros(4)}, f"types.pt: expected finite numbers of shape ({N},), got shape (4,)"),
    ],
)
def test_a_damaged_model_is_told_with_its_file(tmp_path, changes, error):
    path = ini(tmp_path, save(tmp_path / "model", model() | changes))
    with pytest.raises(ConfigError, match=re.escape(error)):
        setup_of(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    folder = save(tmp_path / "model", model())
    torch.save(Evil(), folder / "types.pt")
    with pytest.raises(ConfigError, match=r"types\.pt: expected a tensor, got UnpicklingError"):
        setup_of(ini(tmp_path, folder))


def test_a_network_of_another_size_is_named(tmp_path):
    path = ini(tmp_path, save(tmp_path / "model", model()))
    path.write_text(path.read_text().replace("roi = random", "roi = AB"))
    message = rf"expected the network that \[net\] describes, AB of 58 neurons, got one of {N}"
    with pytest.raises(ConfigError, match=message):
        setup_of(path)
