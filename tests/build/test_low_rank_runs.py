"""Whole experiments with factors of low rank: drawn, trained, frozen, taken over by the next task, and refused."""

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.analysis import units_of
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup
from randomnet.build.trials import trials_of
from randomnet.kinds.train import run as train
from randomnet.results import RunFolder
from randomnet.rnn import FACTORS, LowRank, Unconnected
from randomnet.schema.plan import read_plan
from randomnet.training import Interrupted
from tests.support.low_rank_runs import BASE, N_BACK, POPULATIONS, RANDOM, N, arrays_of, experiment, ini, run_of, sets
from tests.support.runs import contents, differing, run

# ---- how they begin


def test_they_are_drawn_with_the_overlap_asked_for(tmp_path):
    big = ("net.n=1500", "net.rank=2", "net.factor_sd=0.5", "net.factor_overlap=3", "net.background=False",
           "experiment.kind=spectrum", "lyapunov.nle=1")  # fmt: skip
    text = BASE.format(out=tmp_path / "r", network="[net]\nroi = random\n")
    (tmp_path / "big.ini").write_text(text.split("[trainvalidate]")[0])
    one = read_plan(tmp_path / "big.ini", big).combos[0].runs()[0]
    start = build_setup(one)
    output, selection = (values.detach() for values in start.network.factors())
    se = 4 / np.sqrt(2 * 1500)
    assert float(output.std()) == pytest.approx(0.5, rel=se)
    own = selection - 3 * output
    assert float(own.std()) == pytest.approx(0.5, rel=se)
    for k in range(2):  # n.m/N = overlap sd^2; of m's own with n's own the sd is sd^2/sqrt(N)
        assert float(output[:, k] @ selection[:, k]) / 1500 == pytest.approx(0.75, rel=2 * se)
    assert abs(float(output[:, 0] @ own[:, 0]) / 1500) < 4 * 0.25 / np.sqrt(1500)
    assert len(start.connectome.weights) == 0 and start.connectome.provenance["background"] is False
    coupling = start.network.dynamics().coupling
    assert isinstance(coupling, LowRank) and isinstance(coupling.base, Unconnected)
    more = read_plan(tmp_path / "big.ini", ["net.rank=3", *big[:1], *big[2:]]).combos[0].runs()[0]
    assert torch.equal(build_setup(more).network.factors()[1][:, :2].detach(), selection)


def test_all_else_of_a_network_is_as_without_them(tmp_path):
    with_, without = (build_setup(run_of(tmp_path, *N_BACK, f"net.rank={rank}")) for rank in (2, 0))
    held = with_.network.values()
    for name, values in without.network.values().items():
        assert torch.equal(values, held[name]), name
    assert torch.equal(with_.state, without.state) and torch.equal(with_.frame, without.frame)


# ---- training


def test_a_task_trains_them_and_records_their_overlaps(tmp_path):
    out = experiment(tmp_path, *N_BACK, "trainvalidate.lr_decay=0.9")
    history = pd.read_csv(out / "0" / "iter_0" / "history.csv")
    np.testing.assert_allclose(history["lr_epoch"], [np.nan, *(0.02 * 0.9 ** np.arange(3))], rtol=1e-12)
    assert (history.iloc[1:][[f"grad_norm_{name}" for name in FACTORS]] > 0).all().all()
    arrays, model = arrays_of(out), torch.load(out / "0" / "iter_0" / "model.pt", weights_only=True)
    assert model["trained"] == ["weights", "factors"] and model["network"]["rank"] == 2
    last = {name: values.double().numpy() for name, values in model["last"].items()}
    for name in FACTORS:
        assert (arrays[f"{name}_final"] != arrays[f"{name}_initial"]).all()
        np.testing.assert_array_equal(arrays[f"{name}_final"], last[name].astype(np.float32))
    one = run_of(tmp_path, *N_BACK)
    matrix = connectome_of(one).dense()
    matrix[matrix != 0] = last["weights"]
    matrix += last[FACTORS[0]] @ last[FACTORS[1]].T / N
    inputs = trials_of(one)[1].inputs
    rates, path = np.zeros((len(inputs), N)), []
    for now in inputs.transpose(1, 0, 2):
        rates = np.tanh(rates @ matrix.T + now @ last["input_weights"].T + last["input_bias"] + last["recurrent_bias"])
        path.append(rates @ last[FACTORS[1]] / N)
    np.testing.assert_allclose(arrays["overlaps_final"], np.stack(path, 1), rtol=1e-4, atol=1e-5)
    radius = pd.read_csv(out / "summary.csv")["spectral_radius_final"][0]
    assert radius == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-5)


def test_weights_may_be_fixed_or_not_there_at_all(tmp_path):
    fixed = experiment(tmp_path, *N_BACK, "trainvalidate.train_weights=False", name="fixed")
    model = torch.load(fixed / "0" / "iter_0" / "model.pt", weights_only=True)
    one = run_of(tmp_path, *N_BACK, name="fixed")
    assert torch.equal(model["last"]["weights"], build_setup(one).network.values()["weights"])
    alone = experiment(tmp_path, *N_BACK, "net.background=False", name="alone")
    model = torch.load(alone / "0" / "iter_0" / "model.pt", weights_only=True)
    assert model["trained"] == ["factors"] and not len(model["last"]["weights"])
    losses = pd.read_csv(alone / "0" / "iter_0" / "history.csv")["train_loss"]
    assert losses.iloc[-1] < losses.iloc[0]


def test_the_support_is_respected_exactly(tmp_path):
    changes = (*N_BACK, "net.factor_support=E", "trainvalidate.optimizer=AdamW")
    out = experiment(tmp_path, *changes, network=POPULATIONS)
    inside = units_of(connectome_of(run_of(tmp_path, *changes, network=POPULATIONS))).labels["population"] == "E"
    assert inside.sum() == 18
    arrays = arrays_of(out)
    for name in FACTORS:
        for when in ("initial", "final"):
            assert (arrays[f"{name}_{when}"][~inside] == 0).all() and (arrays[f"{name}_{when}"][inside] != 0).all()
        assert (arrays[f"{name}_final"][inside] != arrays[f"{name}_initial"][inside]).all()


def test_the_next_task_goes_on_with_the_first_factors_frozen(tmp_path):
    first = experiment(tmp_path, *N_BACK, name="first")
    old, stored = arrays_of(first), first / "0" / "model_state_dict_epoch_2_iter_0.pth"
    next_ = ("trialparams.task_name=seq_mem", "trainvalidate.epochs=3", "trainvalidate.optimizer=AdamW", "net.rank=3",
             f"paths.pretrained={stored}", "trainvalidate.freeze_factors=1 2")  # fmt: skip
    second = experiment(tmp_path, *next_, name="second")
    new, fresh = arrays_of(second), build_setup(run_of(tmp_path, *N_BACK, "net.rank=3", name="second"))
    for name in FACTORS:
        np.testing.assert_array_equal(new[f"{name}_initial"][:, :2], old[f"{name}_final"])
        np.testing.assert_array_equal(new[f"{name}_final"][:, :2], old[f"{name}_final"])
        np.testing.assert_array_equal(new[f"{name}_initial"][:, 2], fresh.network.values()[name][:, 2])
        assert (new[f"{name}_final"][:, 2] != new[f"{name}_initial"][:, 2]).all()
    model = torch.load(second / "0" / "iter_0" / "model.pt", weights_only=True)
    assert model["last"]["readout_weights"].shape == (1, N)


def test_the_next_task_knows_the_labels_of_the_support(tmp_path):
    support = "net.factor_support=E"
    first = experiment(tmp_path, *N_BACK, support, network=POPULATIONS, name="first")
    old, stored = arrays_of(first), first / "0" / "model_state_dict_epoch_2_iter_0.pth"
    next_ = (*N_BACK, "trialparams.task_name=seq_mem", "net.rank=3", f"paths.pretrained={stored}")
    new = arrays_of(experiment(tmp_path, *next_, support, network=POPULATIONS, name="second"))
    for name in FACTORS:
        outside = (old[f"{name}_final"] == 0).all(1)
        assert outside.sum() == 6
        np.testing.assert_array_equal(new[f"{name}_initial"][:, :2], old[f"{name}_final"])
        assert (new[f"{name}_final"][outside] == 0).all() and (new[f"{name}_final"][~outside] != 0).all()


def test_a_spectrum_takes_over_the_factors_of_a_trained_network(tmp_path):
    small = ("lyapunov.tsim=2", "lyapunov.transient=1", "lyapunov.frame_transient=1", "net.rank=1")
    text = BASE.format(out=tmp_path / "first", network=RANDOM)
    (tmp_path / "first.ini").write_text(text.split("[trainvalidate]")[0] + "[execution]\nworkers = 1\n")
    assert run(tmp_path / "first.ini", *sets([*small, "lyapunov.tsim_measured=2", "trainvalidate.epochs=2"])) == 0
    model = tmp_path / "first" / "0" / "iter_0" / "model.pt"
    held = torch.load(model, weights_only=True)["last"]
    taken = [*small[:3], "net.rank=2", "experiment.kind=spectrum", f"paths.pretrained={model}"]
    (one,) = read_plan(tmp_path / "first.ini", taken).combos[0].runs()
    (drawn,) = read_plan(tmp_path / "first.ini", taken[:-1]).combos[0].runs()
    values, fresh = (build_setup(each).network.values() for each in (one, drawn))
    for name in FACTORS:
        assert torch.equal(values[name][:, 0], held[name][:, 0].double())
        assert torch.equal(values[name][:, 1], fresh[name][:, 1])
        assert not torch.equal(values[name][:, 0], fresh[name][:, 0])


def test_runs_side_by_side_give_the_numbers_of_one_after_the_other(tmp_path):
    tables, arrays = [], []
    for name, size in (("alone", 1), ("beside", 3)):
        changes = (*N_BACK[:2], N_BACK[3], f"execution.batch_runs={size}", "trainvalidate.precision=float64",
                   'combosparams.combos_params={"lr_decay": [0.5, 0.9, 1.0], "lr": [0.02]}')  # fmt: skip
        out = experiment(tmp_path, *changes, name=name)
        tables.append(pd.concat(pd.read_csv(out / str(combo) / "iter_0" / "history.csv") for combo in range(3)))
        arrays.append([arrays_of(out, combo) for combo in range(3)])
    pd.testing.assert_frame_equal(*(table.drop(columns="seconds") for table in tables), rtol=1e-8)
    for alone, beside in zip(*arrays, strict=True):
        for name in FACTORS:
            np.testing.assert_allclose(beside[f"{name}_final"], alone[f"{name}_final"], rtol=1e-8)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_run_that_was_interrupted_ends_with_the_same_bytes(tmp_path, epochs):
    changes = (*N_BACK, "trainvalidate.epochs=5", "trainvalidate.lr_decay=0.8", "trainvalidate.freeze_factors=2",
               "execution.checkpoint_every=1")  # fmt: skip
    one = run_of(tmp_path, *changes)

    def finish(root, stops):
        folder = RunFolder(root / "0" / "iter_0")
        folder.create()
        for stop in stops:
            ((_, record),) = train.execute([one], [folder], lambda run, row: None, stop)
        record["summary"].pop("seconds")
        assert record["summary"]["epochs_done"] == 5
        return contents(root), record

    calls = iter(range(100))
    with pytest.raises(Interrupted):
        finish(tmp_path / "again", [lambda: next(calls) == epochs])
    assert not differing(finish(tmp_path / "again", [bool])[0] | {"0/iter_0/checkpoint.pt": 0},
                         finish(tmp_path / "whole", [bool])[0] | {"0/iter_0/checkpoint.pt": 0})  # fmt: skip


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (("net.factor_sd=2",), "[net] factor_sd: applies only where net.rank is above 0"),
        (("trainvalidate.train_factors=True",), "[trainvalidate] train_factors"),
        ((*N_BACK, "net.factor_support=EE"), "[net] factor_support: unknown selection 'EE'"),
        ((*N_BACK, "trainvalidate.freeze_factors=1 3"), "freeze_factors: expected numbers from 1 to net.rank = 2, got"),
        ((*N_BACK, "trainvalidate.freeze_factors=0"), "freeze_factors: expected different whole numbers >= 1"),
        ((*N_BACK, "trainvalidate.freeze_factors=1, 1"), "freeze_factors: expected different whole numbers >= 1"),
        ((*N_BACK, "trainvalidate.freeze_factors=1", "trainvalidate.train_factors=False"), "freeze_factors"),
        ((*N_BACK, "trainvalidate.lr_decay=0"), "lr_decay: expected a number above 0"),
        ((*N_BACK, "net.rank=-1"), "[net] rank: expected a whole number from 0 to 10000, got '-1'"),
        ((*N_BACK[:1], "experiment.kind=benchmark", "net.rank=2"), "[net] rank"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, capsys, changes, says):
    changes = changes if any("task_name" in change for change in changes) else (*N_BACK[:1], *changes)
    assert run(ini(tmp_path), *sets(changes)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (("net.rank=1",), "[net] rank: expected at least 2, the number of factors of"),
        (("net.rank=0",), "[net] rank: expected at least 2, the number of factors of"),
        (("net.rank=2", "net.factor_support=neuron=unit0001"),
         "[net] factor_support: expected all units that the factors of paths.pretrained read or write"),
    ],
)  # fmt: skip
def test_factors_that_have_no_place_are_refused(tmp_path, capsys, changes, says):
    first = experiment(tmp_path, *N_BACK[:1], "trainvalidate.epochs=1", "net.rank=2", name="first")
    stored = first / "0" / "model_state_dict_epoch_0_iter_0.pth"
    capsys.readouterr()
    assert run(ini(tmp_path), *sets([*N_BACK[:1], *changes, f"paths.pretrained={stored}"])) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
