"""What training may not move: projections that are fixed, and weights within their bounds."""

import json

import numpy as np
import pytest
import torch

import runrandomnet
from randomnet.build.network import build_setup
from randomnet.build.objective import objective_of, training_settings
from randomnet.connectome import Connectome
from randomnet.optimizers import Optimizer
from randomnet.rnn import FORMS, Network
from randomnet.schema.plan import read_plan
from randomnet.training import Interrupted, fit
from tests.support.made_up import LISTED_REGIONS, REGIONS_JSON
from tests.support.marks import slow_except

TASK = """
[experiment]
kind = train
seed = 2
[paths]
path_to_results = {out}
[net]
source = regions
[model]
activation = tanh
[trialparams]
task_name = seq_mem
nr_of_trials = 20
[trainvalidate]
init = connectome
epochs = 100
lr = 0.05
batch_size = 8
store_every_epoch = 0
optimizer = {optimizer}
[execution]
workers = 1
{more}
"""
SPECTRUM = """
[experiment]
kind = train
[paths]
path_to_results = {out}
[net]
roi = PB
[lyapunov]
tsim = 2
nle = 2
transient = 1
frame_transient = 1
tsim_measured = 4
[trainvalidate]
train_weights = True
epochs = 3
lr = 0.5
[execution]
workers = 1
{more}
"""


def ini(folder, text, more="", optimizer="Adam"):
    path = folder / "a.ini"
    path.write_text(text.format(out=folder / "out", more=more, optimizer=optimizer))
    return path


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


def start_of(path, *overrides):
    return build_setup(read_plan(path, overrides).combos[0].runs()[0])


def last_of(folder):
    return torch.load(folder / "out" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]


def between(connectome, source, target):
    """(E,) bool, by the labels of the units at both ends."""
    region, kind = connectome.labels["region"], connectome.labels["type"]
    full = np.array([f"{one}/{other}" for one, other in zip(region, kind, strict=True)])
    ends = [(region == name) | (full == name) for name in (source, target)]
    return ends[0][connectome.pre] & ends[1][connectome.post]


# ---- bounds of any network


def network_of(seed=0, keep_signs=True, **options):
    """Eight units that excite and four that inhibit, weights of sd 1, and one of 0 from one of each."""
    rng = np.random.default_rng(seed)
    post, pre = np.nonzero(rng.random((12, 12)) < 0.5)
    weights = np.abs(rng.normal(size=len(post))) * np.where(pre < 8, 1, -1)
    for neuron in (1, 9):
        weights[np.flatnonzero(pre == neuron)[0]] = 0
    connectome = Connectome("twelve", post, pre, weights, np.array([f"n{index:02d}" for index in range(12)]))
    trainable = {"weights": np.flatnonzero(rng.random(len(post)) < 0.7)}
    options = {"activation": "tanh", "trainable": trainable, "weight_bounds": (0.2, 0.9)} | options
    return connectome, Network(connectome, keep_signs=keep_signs, **options)


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "SGD"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("keep_signs", [True, False])
def test_200_updates_keep_bounds_signs_and_what_is_fixed(keep_signs, form, optimizer):
    connectome, network = network_of(keep_signs=keep_signs, form=form)
    trainable, before = network.weights.trainable.numpy(), network.weights().detach().numpy().copy()
    fixed = np.setdiff1d(np.arange(len(before)), trainable)
    sizes = np.abs(before[trainable])
    assert network.clip() == ((sizes < 0.2) | (sizes > 0.9)).sum() > 0 and network.clip() == 0
    signs = np.where(connectome.pre < 8, 1, -1)
    torch.manual_seed(0)
    target, rule = torch.randn(12, 12).double(), Optimizer(optimizer, list(network.parameters()), 0.05)
    at = set()
    for _ in range(200):
        network.zero_grad()
        state = torch.randn(20, 12).double()
        (network.dynamics().step(state) - state @ target.mT).square().mean().backward()
        rule.step(rule.flatten_gradients([parameter.grad for parameter in network.parameters()]))
        network.project()
        after = network.weights().detach().numpy()
        assert (np.abs(after[trainable]) >= 0.2).all() and (np.abs(after[trainable]) <= 0.9).all()
        assert not keep_signs or (after[trainable] * signs[trainable] > 0).all()
        at |= set(np.abs(after[trainable]).tolist()) & {0.2, 0.9}
    np.testing.assert_array_equal(after[fixed], before[fixed])
    matrix = network.matrix().detach().numpy()
    absent = np.ones((12, 12), bool)
    absent[connectome.post, connectome.pre] = False
    assert not matrix[absent].any()
    assert at == {0.2, 0.9} and np.abs(after - before).max() > 0.2
    assert keep_signs or optimizer == "SGD" or (after[trainable] * signs[trainable] < 0).any()


@pytest.mark.parametrize(("weight", "keep_signs"), [(0.5, True), (-0.5, True), (0.5, False), (-0.5, False)])
def test_a_weight_at_a_bound_comes_back(weight, keep_signs):
    connectome = Connectome("pair", np.array([1]), np.array([0]), np.array([weight]), np.array(["a", "b"]))
    network = Network(connectome, activation="linear", trainable={"weights": np.array([0])}, keep_signs=keep_signs,
                      weight_bounds=(0.25, 2.0))  # fmt: skip
    optimizer, sign = torch.optim.SGD(network.parameters(), lr=1.0), np.sign(weight)
    pushes = ((1.0, 1.5), (7.0, 2.0), (7.0, 2.0), (-0.5, 1.5), (-1.375, 0.25), (-0.125, 0.25), (0.5, 0.75))
    for push, expected in pushes:
        optimizer.zero_grad()
        (-sign * push * network.matrix()[1, 0]).backward()
        assert float(network.weights.free.grad.abs()) == abs(push), "no gradient is lost at a bound"
        optimizer.step()
        network.project()
        assert float(network.matrix()[1, 0].detach()) == sign * expected


def test_an_edge_of_weight_0_has_the_sign_of_its_neuron():
    connectome, network = network_of(trainable={"weights": np.arange(60)}, weight_bounds=(0.3, np.inf))
    zero = connectome.weights == 0
    network.clip()
    found = network.weights().detach().numpy()
    assert found[zero].tolist() == [0.3 if pre < 8 else -0.3 for pre in connectome.pre[zero]] and zero.sum() == 2


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_bounds_that_cannot_be_meant(bounds):
    with pytest.raises(ValueError, match="weight_bounds must be two numbers 0 <= low < high, got"):
        network_of(weight_bounds=bounds)


# ---- experiments


@pytest.mark.parametrize("optimizer", slow_except(["Adam", "AdamW"], "AdamW"))
@pytest.mark.parametrize("file", [False, True])
def test_a_task_leaves_fixed_projections_their_bits_and_keeps_the_bounds(tmp_path, file, optimizer):
    (tmp_path / "net.json").write_text(json.dumps(REGIONS_JSON))
    more = f"[regions]\nregions_file = {tmp_path / 'net.json'}\n[projections]\n" if file else LISTED_REGIONS
    path = ini(tmp_path, TASK, more + "fixed = cortex/exc -> thalamus, cue->cortex\n", optimizer)
    bounds = "trainvalidate.weight_bounds=0.1:0.25"
    start = start_of(path, bounds)
    assert run(path, bounds) == 0
    connectome, last = start.connectome, last_of(tmp_path)
    fixed = between(connectome, "cortex/exc", "thalamus")
    before, after = torch.tensor(connectome.weights, dtype=torch.float32).numpy(), last["weights"].numpy()
    assert 0 < fixed.sum() < len(fixed)
    np.testing.assert_array_equal(after[fixed], before[fixed])
    low, high = np.float32([0.1, 0.25])
    assert ((np.abs(after) >= low) & (np.abs(after) <= high))[~fixed].all() and (np.abs(after[fixed]) < low).any()
    assert (after * before > 0).all() and (after != before)[~fixed].mean() > 0.9
    assert float(high) in np.abs(after[~fixed])
    inputs, given = last["input_weights"], start.network.interface["input_weights"].detach()
    assert torch.equal(inputs[:, 1], given[:, 1]) and not inputs[given == 0].any()
    assert (inputs != given)[given[:, 0] != 0, 0].all()
    record = json.loads((tmp_path / "out" / "0" / "iter_0" / "run.json").read_text())
    outside = ((np.abs(before) < low) | (np.abs(before) > high))[~fixed].sum()
    assert record["connectome"]["weights_clipped"] == start.clipped == outside > 0
    trainable = np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz")["weights_moving"]
    np.testing.assert_array_equal(trainable, np.flatnonzero(~fixed))


def test_the_gradient_of_what_is_fixed_is_not_there(tmp_path):
    path = ini(tmp_path, TASK, LISTED_REGIONS + "fixed = recurrent, light -> thalamus\n")
    assert run(path) == 2, "all recurrent weights: train_weights = False says so"
    networks = [start_of(ini(tmp_path, TASK, LISTED_REGIONS + f"fixed = {fixed}\n")).network
                for fixed in ("light -> thalamus, thalamus -> cortex", "none")]  # fmt: skip
    for network in networks:
        torch.manual_seed(1)
        network(torch.randn(3, 5, 2)).square().sum().backward()
    own, all_of_it = (network.interface["input_weights"].grad for network in networks)
    assert not own[:, 0].any() and torch.equal(own[:, 1], all_of_it[:, 1]) and all_of_it[:, 0].any()
    edges = networks[0].weights.trainable
    torch.testing.assert_close(networks[0].weights.free.grad, networks[1].weights.free.grad[edges])


def test_inputs_may_be_fixed_where_weights_are_not_trained(tmp_path):
    path = ini(tmp_path, TASK, LISTED_REGIONS + "fixed = input\n", "AdamW")
    assert run(path, "trainvalidate.train_weights=False", "trainvalidate.epochs=5") == 0
    start, last = start_of(path, "trainvalidate.train_weights=False"), last_of(tmp_path)
    assert torch.equal(last["input_weights"], start.network.interface["input_weights"])
    assert not torch.equal(last["readout_weights"], start.network.interface["readout_weights"])


def test_a_number_of_weights_is_drawn_from_those_that_are_not_fixed(tmp_path):
    path = ini(tmp_path, TASK, LISTED_REGIONS + "fixed = thalamus -> cortex\n")
    start = start_of(path, "trainvalidate.number_param=20")
    fixed = between(start.connectome, "thalamus", "cortex")
    trainable = start.network.weights.trainable.numpy()
    assert len(trainable) == 20 and not fixed[trainable].any()
    free = int((~fixed).sum())
    assert len(start_of(path, f"trainvalidate.number_param={free}").network.weights.trainable) == free


def test_too_many_of_them_are_refused(tmp_path, capsys):
    path = ini(tmp_path, TASK, LISTED_REGIONS + "fixed = thalamus -> cortex\n")
    free = int((~between(start_of(path).connectome, "thalamus", "cortex")).sum())
    assert run(path, f"trainvalidate.number_param={free + 1}") == 2
    error = capsys.readouterr().err
    assert f"number_param: expected at most {free} weights, which is all not fixed are, got {free + 1}" in error


def test_without_them_the_same_weights_are_drawn_as_ever(tmp_path):
    plan = read_plan(ini(tmp_path, TASK, LISTED_REGIONS), ["trainvalidate.number_param=20"])
    the_run = plan.combos[0].runs()[0]
    start = build_setup(the_run)
    drawn = the_run.generator("weights").choice(len(start.connectome.weights), size=20, replace=False)
    np.testing.assert_array_equal(start.network.weights.trainable.numpy(), np.sort(drawn))


@pytest.mark.parametrize("dales_law", slow_except(["auto", "False"], "auto"))
def test_bounds_of_a_measured_network_in_training_on_spectra(tmp_path, dales_law):
    path = ini(tmp_path, SPECTRUM)
    overrides = ["trainvalidate.weight_bounds=0:0.02", f"net.dales_law={dales_law}"]
    assert run(path, *overrides) == 0
    start, last = start_of(path, *overrides), last_of(tmp_path)["weights"].numpy()
    before = start.connectome.weights
    assert (np.abs(last) <= 0.02).all() and start.clipped == (np.abs(before) > 0.02).sum() > 0
    assert (last * before >= 0).all() or dales_law == "False"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert f'"weights_clipped": {start.clipped}' in json.dumps(manifest)


def test_regions_of_a_measured_network_can_be_fixed(tmp_path):
    path = ini(tmp_path, SPECTRUM, "[projections]\nfixed = CBF01 -> CBF02, CBF03 -> CBF03\n")
    start = start_of(path, "net.regions_from=cell_fibers")
    fibers = start.connectome.labels["cell_fibers"]
    pre, post = fibers[start.connectome.pre], fibers[start.connectome.post]
    within = ((pre == "CBF01") & (post == "CBF02")) | ((pre == "CBF03") & (post == "CBF03"))
    np.testing.assert_array_equal(start.network.weights.trainable.numpy(), np.flatnonzero(~within))
    assert 0 < within.sum() < len(within)


BOTH = ["projections.fixed=cortex/exc -> thalamus, cue -> cortex", "trainvalidate.weight_bounds=0.05:0.2"]


def test_an_interrupted_training_goes_on_to_the_same_bytes(tmp_path):
    [one] = read_plan(ini(tmp_path, TASK, LISTED_REGIONS, "AdamW"), [*BOTH, "trainvalidate.epochs=8"]).combos[0].runs()
    kept, done = [], []

    def trained(resume=None, stop_after=None):
        start = build_setup(one)
        fit([start.network], objective_of(one, start), [training_settings(one)],
            resume=resume, save_checkpoint=kept.append,
            report=lambda index, row: done.append(row), stop=lambda: len(done) == stop_after)  # fmt: skip
        return start.network.values()

    with pytest.raises(Interrupted):
        trained(stop_after=3)
    again, whole = trained(resume=kept[-1]), trained()
    for name, values in whole.items():
        assert torch.equal(values, again[name]), name


def test_side_by_side_each_network_has_its_own_bounds(tmp_path):
    axis = 'combosparams.combos_params={"weight_bounds": ["none", "0:0.1", "0.1:inf"]}'
    found = {}
    for beside in (1, 3):
        folder = tmp_path / str(beside)
        folder.mkdir()
        path = ini(folder, TASK, LISTED_REGIONS)
        overrides = [BOTH[0], axis, "trainvalidate.epochs=10", f"execution.batch_runs={beside}",
                     "trainvalidate.precision=float64"]  # fmt: skip
        assert run(path, *overrides) == 0
        found[beside] = [torch.load(folder / "out" / str(combo) / "iter_0" / "model.pt", weights_only=True)["last"]
                         for combo in range(3)]  # fmt: skip
    for one, other in zip(*found.values(), strict=True):
        torch.testing.assert_close(one["weights"], other["weights"], rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(one["input_weights"], other["input_weights"], rtol=1e-7, atol=1e-9)
    start = start_of(path, BOTH[0], "trainvalidate.precision=float64")
    free = ~between(start.connectome, "cortex/exc", "thalamus")
    for (low, high), last in zip(((0, np.inf), (0, 0.1), (0.1, np.inf)), found[3], strict=True):
        sizes = last["weights"].abs().numpy()
        assert ((sizes >= low) & (sizes <= high))[free].all()
        np.testing.assert_array_equal(last["weights"].numpy()[~free], start.connectome.weights[~free])


def test_a_stored_model_goes_on_with_fixed_projections_by_the_labels_of_the_runs_own_network(tmp_path):
    path = ini(tmp_path, TASK, LISTED_REGIONS)
    assert run(path, "trainvalidate.epochs=4", "trainvalidate.store_every_epoch=1") == 0
    taken = [f"paths.pretrained={tmp_path / 'out'}", "pretrainedparams.pretrained_epoch=4", "trainvalidate.epochs=3",
             f"paths.path_to_results={tmp_path / 'next'}", *BOTH]  # fmt: skip
    assert run(path, *taken) == 0
    stored = torch.load(tmp_path / "out" / "0" / "model_state_dict_epoch_3_iter_0.pth", weights_only=True)
    last = torch.load(tmp_path / "next" / "0" / "iter_0" / "model.pt", weights_only=True)["last"]
    matrix = stored["rnn.weight_hh_l0"].numpy()
    post, pre = np.nonzero(matrix)
    fixed = (pre < 6) & (post >= 8)
    np.testing.assert_array_equal(last["weights"].numpy()[fixed], matrix[post, pre][fixed])
    sizes = last["weights"].abs().numpy()[~fixed]
    assert fixed.any() and (sizes >= np.float32(0.05)).all() and (sizes <= np.float32(0.2)).all()
    assert torch.equal(last["input_weights"][:, 1], stored["rnn.weight_ih_l0"][:, 1])
    assert not torch.equal(last["input_weights"][:, 0], stored["rnn.weight_ih_l0"][:, 0])


ALL = LISTED_REGIONS + "fixed = thalamus -> cortex\n"


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["projections.fixed=thalamus - cortex"], "[projections] fixed: expected projections such as striatum/d1 -> "
         "thalamus, light -> striatum, or recurrent or input, or none, got 'thalamus - cortex'; in 'thalamus - "
         "cortex': expected from -> to"),
        (["projections.fixed=thalamus -> cortex: .5"], "expected from -> to alone"),
        (["projections.fixed=thalamus/ -> cortex"], "expected a region or region/type, got 'thalamus/'"),
        (["projections.fixed=thalamus -> thalamus"], "[projections] fixed: expected recurrent, input or a projection, "
         "one of cortex -> cortex, thalamus -> cortex, cortex -> thalamus, cue -> cortex, light -> thalamus, got "
         "'thalamus -> thalamus'; did you mean"),
        (["projections.fixed=light -> thalamos"], "got 'light -> thalamos'; did you mean 'light -> thalamus'?"),
        (["projections.fixed=recurrent"], "[projections] fixed: expected some weights left to train"),
        (["projections.fixed=thalamus -> cortex", "trainvalidate.train_weights=False"],
         "[projections] fixed: expected input or a projection, one of cue -> cortex, light -> thalamus, got"),
        (["trainvalidate.weight_bounds=1"], "[trainvalidate] weight_bounds: expected none, or two numbers 0 <= low < "
         "high such as 0:10 (0.1:inf has no upper one), got '1'"),
        (["trainvalidate.weight_bounds=1:1"], "weight_bounds: expected none, or two numbers 0 <= low < high"),
        (["trainvalidate.weight_bounds=-1:1"], "weight_bounds: expected none, or two numbers"),
        (["trainvalidate.weight_bounds=nan:1"], "weight_bounds: expected none, or two numbers"),
        (["trainvalidate.weight_bounds=0:1:2"], "weight_bounds: expected none, or two numbers"),
        (["trainvalidate.weight_bounds=0:1", "trainvalidate.freeze_layer=True"],
         "weight_bounds: applies only where the weights are trained"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, overrides, text):
    assert run(ini(tmp_path, TASK, ALL), *overrides) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_network_without_regions_has_no_projections(tmp_path, capsys):
    path = ini(tmp_path, SPECTRUM, "[projections]\nfixed = a -> b\n")
    assert run(path) == 2
    assert "[projections] fixed: expected none, as PB has no regions or populations (net.reg" in capsys.readouterr().err
    assert run(path, "net.roi=random") == 2
    assert "[projections] fixed: applies only where net.roi is not random" in capsys.readouterr().err


def test_projections_and_bounds_can_be_axes_of_the_grid(tmp_path):
    path = ini(tmp_path, TASK, LISTED_REGIONS + '[combosparams]\ncombos_params = '
               '{"fixed": ["none", "thalamus -> cortex"], "weight_bounds": ["none", "0:0.2"]}\n')  # fmt: skip
    assert run(path, "trainvalidate.epochs=2") == 0
    for combo, (fixed, bounded) in enumerate([(False, False), (False, True), (True, False), (True, True)]):
        record = json.loads((tmp_path / "out" / str(combo) / "iter_0" / "run.json").read_text())
        assert ("weights_clipped" in record["connectome"]) == bounded
        arrays = np.load(tmp_path / "out" / str(combo) / "iter_0" / "arrays.npz")
        assert ("weights_moving" in arrays) == fixed


@pytest.mark.parametrize("more", ["", "[dynamics]\nplastic = EE\n"])
def test_weights_within_one_population_are_trained_alone(more, tmp_path):
    """Full weights of E to E within a balanced network, whose other weights stay, also with plastic synapses."""
    text = f"""
[paths]
path_to_results = {tmp_path}/out
[net]
source = populations
[populations]
sizes = E: 12, I: 8
couplings = EE: 1, EI: -1.5, IE: 1, II: -1
in_degree = 5
[projections]
fixed = E -> I, I -> E, I -> I
[trainvalidate]
init = connectome
epochs = 2
lr = 0.01
[trialparams]
task_name = seq_mem
nr_of_trials = 10
{more}
"""
    (tmp_path / "c.ini").write_text(text)
    assert runrandomnet.main([str(tmp_path / "c.ini")]) == 0
    with np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz") as arrays:
        within = (arrays["post"] < 12) & (arrays["pre"] < 12)
        changed = arrays["weights_final"] != arrays["weights_initial"]
    assert changed[within].mean() > 0.5 and not changed[~within].any()
