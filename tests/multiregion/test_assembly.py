"""Networks put together step by step, regions by name, checkpoints of mRNNTorch, and inputs free of Dale's law."""

import json
import warnings

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from randomnet.multiregion import MultiRegionRNN
from randomnet.synthetic.regions import from_dict, input_matrix
from tests.support.regions import described, made


def assembled(**settings):
    """Two regions, d1 with cell types and snr, and an input, added one by one."""
    net = MultiRegionRNN(dtype=torch.float64, seed=4, **settings)
    net.add_recurrent_region("d1", 6, "neg", base_firing=0.5, parent_region="bg", learnable_bias=True)
    net.add_input_region("iti", 3)
    net.add_recurrent_region("snr", 4, init=0.3)
    net.add_recurrent_connection("d1", "snr", sparsity=0.5)
    net.add_recurrent_connection("snr", "d1", density=0.5)
    net.add_input_connection("iti", "d1")
    return net


AT_ONCE = {
    "recurrent_regions": [
        {"name": "d1", "num_units": 6, "sign": "neg", "base_firing": 0.5, "parent_region": "bg",
         "learnable_bias": True},
        {"name": "snr", "num_units": 4, "init": 0.3},
    ],
    "recurrent_connections": [
        {"src_region": "d1", "dst_region": "snr", "sparsity": 0.5},
        {"src_region": "snr", "dst_region": "d1", "sparsity": 0.5},
    ],
    "input_regions": [{"name": "iti", "num_units": 3}],
    "input_connections": [{"src_region": "iti", "dst_region": "d1"}],
}


# ---- step by step


def test_a_network_added_piece_by_piece_is_that_of_its_description():
    net, expected = assembled(), MultiRegionRNN(AT_ONCE, dtype=torch.float64, seed=4)
    net.finalize_connectivity()
    net.finalize_connectivity()  # a finished network stays as it is
    for name, values in expected.state_dict().items():
        assert torch.equal(net.state_dict()[name], values), name
    inputs = torch.randn(2, 5, 3, dtype=torch.float64)
    assert torch.equal(net(inputs, noise=False)[0], expected(inputs, noise=False)[0])
    assert [name for name, _ in net.named_parameters()] == ["bias", "recurrent.values", "input.values"]


def test_inputs_before_any_region_are_checked_when_they_are_added():
    """A wrong one is not kept: it would make every later call fail."""
    net = MultiRegionRNN()
    net.add_input_region("iti", 3)
    for values, text in ((("iti", 3), "a unique name, got 'iti'"), (("go", -1), "num_units: expected a whole")):
        with pytest.raises(ValueError, match=text):
            net.add_input_region(*values)
    net.add_recurrent_region("iti_", 2)
    net.add_input_connection("iti", "iti_")
    net.finalize_connectivity()
    assert net.inp_regions == ["iti"] and net.input_size == 3


def test_the_device_of_an_added_region_is_said_not_to_be_used():
    net = MultiRegionRNN()
    with pytest.warns(UserWarning, match=r"d1: the device of a region \(cuda\) is not used"):
        net.add_recurrent_region("d1", 2, device="cuda")
    net.finalize_connectivity()
    assert net.hidden_size == 2


def test_regions_are_added_to_those_of_a_description():
    net = MultiRegionRNN(AT_ONCE, config_finalize=False, dtype=torch.float64, seed=4)
    net.add_recurrent_region("thal", 2, cell_types={"a": 0.5, "b": 0.5})
    net.add_recurrent_connection("thal", "d1", sign="inhib", src_region_cell_type="a")
    net.finalize_connectivity()
    assert net.hid_regions == ["d1", "snr", "thal"] and net.inp_regions == ["iti"] and net.hidden_size == 12
    block = net["thal"]["d1"].weights
    assert (block[:, 0] < 0).all() and (block[:, 1] == 0).all()
    assert torch.equal(net["d1"]["snr"].weight_mask.sum(0), torch.full((6,), 2.0).double())


def test_what_cannot_be_added_is_said_and_leaves_the_network_as_it_was():
    net = assembled()
    for wrong, text in (
        (lambda: net.add_recurrent_region("d1", 3), r"recurrent_regions\[2\].name: expected a unique name"),
        (lambda: net.add_recurrent_region("x", 0), "num_units: expected a whole number of at least 1"),
        (lambda: net.add_recurrent_region("x", 3, 0.5), "sign: expected pos or neg, got 0.5"),
        (lambda: net.add_recurrent_connection("d1", "snr"), "expected every connection once"),
        (lambda: net.add_recurrent_connection("d2", "snr"), r"expected one of d1, snr, got 'd2'"),
        (lambda: net.add_recurrent_connection("d1", "d1", sparsity=2), "expected a number in 0..1, got 2"),
        (lambda: net.add_input_connection("d1", "snr"), "expected one of iti, got 'd1'"),
    ):
        with pytest.raises(ValueError, match=text):
            wrong()
    with pytest.raises(AttributeError, match=r"call finalize_connectivity\(\) first"):
        net(torch.zeros(1, 2, 3))
    assert "being added" in repr(net)
    net.finalize_connectivity()
    assert torch.equal(net.effective_weights()[0], MultiRegionRNN(AT_ONCE, dtype=torch.float64, seed=4)
                       .effective_weights()[0])  # fmt: skip
    with pytest.raises(ValueError, match="got one after finalize_connectivity"):
        net.add_input_region("late", 2)
    with pytest.raises(ValueError, match="recurrent_regions: expected at least one region"):
        MultiRegionRNN().finalize_connectivity()


def test_regions_by_name_have_their_units_and_projections():
    net = made(AT_ONCE)
    recurrent, weights = net.effective_weights()
    d1, iti = net["d1"], net["iti"]
    assert d1.num_units == 6 and d1.units.tolist() == [0, 1, 2, 3, 4, 5] and d1.sign == -1 and not d1.is_input
    assert d1.parent_region == "bg" and d1.learnable_bias and not net["snr"].learnable_bias
    assert (d1.base_firing == 0.5).all() and (net["snr"].init == 0.3).all() and net["snr"].parent_region is None
    assert torch.equal(d1["snr"].weights, recurrent[6:, :6]) and torch.equal(iti["d1"].weights, weights[:6])
    assert torch.equal(d1["snr"].signs, -(recurrent[6:, :6] != 0).double()) and iti.is_input and iti.sign == 1
    d1["snr"].weights.sum().backward()
    assert net.recurrent.values.grad.abs().sum() > 0
    for wrong in (lambda: net["d2"], lambda: d1["iti"], lambda: iti.base_firing):
        with pytest.raises(ValueError, match="expected a re"):
            wrong()


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_between_regions_and_from_inputs_are_those_of_the_matrices(sparse):
    net = made(described(), sparse=sparse)
    recurrent, weights = (values.detach() for values in net.effective_weights())
    assert_close(net.weight_subset("r2", ("r0", "r1")), recurrent[np.ix_(range(11, 15), range(11))])
    assert_close(net.weight_subset("r1"), recurrent[6:11, 6:11])
    assert_close(net.weight_subset("r1", "u1"), weights[6:11, 2:])
    assert_close(net.weight_subset(("r2", "r0"), ("u1", "u0")), weights[np.r_[0:6, 11:15]])
    assert_close(net.weight_subset(from_="u0"), weights[:, :2])
    with pytest.raises(ValueError, match=r"expected regions or inputs \(u0, u1\) alone, got inputs and 'r0'"):
        net.weight_subset("r1", ("u1", "r0"))


# ---- inputs free of Dale's law


@pytest.mark.parametrize("sparsity", [0.0, 0.35])
def test_xavier_inputs_have_the_variance_of_their_block_and_both_signs(sparsity):
    config = from_dict(described(sizes=(300, 60), inputs=(40,), sparsity=sparsity))
    _, uniform = input_matrix(config, np.random.default_rng(3))
    _, weights = input_matrix(config, np.random.default_rng(3), initialisation="xavier")
    assert ((weights != 0) == (uniform != 0)).all() and (uniform >= 0).all()
    for rows, n in ((slice(0, 300), 300), (slice(300, 360), 60)):
        values = weights[rows][weights[rows] != 0]
        error = 1 / np.sqrt(2 * values.size)
        assert values.std() / np.sqrt(2 / (n + 40)) == pytest.approx(1, abs=4 * error)
        assert abs((values > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(values.size)
    with pytest.raises(ValueError, match="input_initialisation must be one of uniform, xavier, got 'xavir'"):
        input_matrix(config, np.random.default_rng(0), initialisation="xavir")


def test_unconstrained_inputs_change_their_signs_and_constrained_ones_do_not():
    inputs, goal = torch.randn(4, 6, 5).double(), torch.randn(4, 6, 15).double()
    for settings, signs in (({"inp_constrained": False}, 2), ({"input_initialisation": "xavier"}, 1), ({}, 1)):
        net = made(described(sparsity=0.3), activation="tanh", seed=2, **settings)
        start = net.effective_weights()[1].detach()
        assert len(start[start != 0].sign().unique()) == signs
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
        for _ in range(40):
            optimizer.zero_grad()
            (net(inputs)[0] - goal).square().mean().backward()
            optimizer.step()
        end = net.effective_weights()[1].detach()
        assert torch.equal(end != 0, start != 0) or signs == 1
        changed = bool((end * start < 0).any())
        assert changed == (signs == 2)
    assert made(rec_constrained=False).dale == "off"
    assert len(made(described(), rec_constrained=False).effective_weights()[0].sign().unique()) == 2
    measured = made(described(inputs=())).connectome()
    free = MultiRegionRNN(measured, input_size=2, rec_constrained=False, inp_constrained=False, dtype=torch.float64)
    assert_close(free.effective_weights()[0].detach().numpy(), measured.dense())  # its own weights, free of signs
    assert free.dale == "off" and len(free.effective_weights()[1].sign().unique()) == 2
    with pytest.raises(ValueError, match="inp_constrained: False means mode off and initialisation xavier"):
        made(inp_constrained=False, dale_input="softplus")
    with pytest.raises(ValueError, match="rec_constrained: expected False or None in mode off, got True"):
        made(rec_constrained=True, dale="off")


# ---- checkpoints and files of mRNNTorch


def theirs(net, rng, prefix="rnn."):
    """A state_dict of generation 2, and its effective weights by hand."""
    state, effective = {}, []
    for name, part in (("W_rec", net.recurrent), ("W_inp", net.input)):
        rows, columns = part.shape
        mask = (rng.random((rows, columns)) < 0.6) * 1.0
        signs = np.repeat(rng.choice([-1.0, 1.0], (1, columns)), rows, 0)
        values = rng.standard_normal((rows, columns))
        entries = {"": values, "_mask": mask, "_sign_matrix": signs * mask}
        state |= {f"{prefix}{name}{end}": torch.tensor(value, dtype=torch.float32) for end, value in entries.items()}
        effective.append((mask * np.abs(values) * signs, mask * values))
    return state | {"out.weight": torch.ones(2, rows)}, effective


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("mode", ["abs", "softplus", "off"])
def test_a_checkpoint_of_generation_2_gives_the_weights_that_its_program_uses(tmp_path, mode, sparse):
    net = made(described(sparsity=0.2), dale=mode, dale_input=mode, sparse=sparse, dtype=torch.float32)
    state, effective = theirs(net, np.random.default_rng(1))
    torch.save(state, tmp_path / "net.pth")
    rest = net.load_mrnntorch(tmp_path / "net.pth")
    assert list(rest) == ["out.weight"]
    for found, both in zip(net.effective_weights(), effective, strict=True):
        assert_close(found.detach(), torch.tensor(both[mode == "off"]).float(), rtol=1e-5, atol=1e-6)
    inputs = torch.randn(2, 4, 5)
    w, u = (torch.tensor(both[mode == "off"]).float() for both in effective)
    state_, rates = net.initial.expand(2, -1), []
    for x in inputs.unbind(1):
        state_ = 0.9 * state_ + 0.1 * (torch.relu(state_) @ w.mT + x @ u.mT + net.biases())
        rates.append(torch.relu(state_))
    assert_close(net(inputs)[0], torch.stack(rates, 1), rtol=1e-5, atol=1e-5)
    again = made(described(sparsity=0.2), dale=mode, dale_input=mode, sparse=sparse, dtype=torch.float32, seed=9)
    again.load_state_dict(net.state_dict())
    assert_close(again(inputs)[0], net(inputs)[0])


def test_a_checkpoint_of_generation_1_gives_clipped_blocks():
    net = made(described(sizes=(3, 2), inputs=(2,), signs=("pos", "neg")))
    rng = np.random.default_rng(0)
    names = [(a, b) for a in ("r0", "r1", "u0") for b in ("r0", "r1")]
    sizes = {"r0": 3, "r1": 2, "u0": 2}
    blocks = {f"{a}_{b}": torch.tensor(rng.normal(0, 2, (sizes[b], sizes[a]))) for a, b in names}
    assert net.load_mrnntorch({f"mrnn.{name}": values for name, values in blocks.items()}) == {}
    for a, b in names:
        sign = -1 if a == "r1" else 1
        assert_close(net[a][b].weights.detach(), sign * blocks[f"{a}_{b}"].clamp(0, 10))
    with pytest.raises(ValueError, match=r"expected a connection without sparsity, as generation 1 does not save"):
        made(described(sizes=(3, 2), inputs=(2,), sparsity=0.5)).load_mrnntorch(blocks)


def test_a_checkpoint_may_hold_other_things_and_several_networks(tmp_path):
    """Beside an optimizer, in a wrapped module, and an actor beside a critic, of which one is chosen."""
    net, rng = made(described()), np.random.default_rng(1)
    (actor, effective), (critic, others) = (theirs(net, rng, f"{name}.") for name in ("actor", "critic"))
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
    torch.save({"epoch": 3, "model": actor, "optimizer": optimizer.state_dict()}, tmp_path / "one.pth")
    assert list(net.load_mrnntorch(tmp_path / "one.pth")) == ["out.weight"]
    assert_close(net.effective_weights()[0].detach().numpy(), effective[0][0], rtol=1e-6, atol=1e-6)
    wrapped = {f"module.{name}": values for name, values in actor.items()}
    assert list(net.load_mrnntorch(wrapped)) == ["module.out.weight"]
    before = net.effective_weights()[0].detach()
    for both, names in ((actor | critic, ("actor", "critic")), ({"a": actor, "b": critic}, ("a.actor", "b.critic"))):
        with pytest.raises(ValueError, match=f"expected one network, got '{names[0]}.', '{names[1]}.'; choose one"):
            net.load_mrnntorch(both)
        with pytest.raises(ValueError, match=f"prefix: expected one of '{names[0]}.', '{names[1]}.', got 'policy'"):
            net.load_mrnntorch(both, prefix="policy")
        assert torch.equal(net.effective_weights()[0], before)
    net.load_mrnntorch(actor | critic, prefix="critic")
    assert_close(net.effective_weights()[0].detach().numpy(), others[0][0], rtol=1e-6, atol=1e-6)


def test_a_wrong_checkpoint_is_refused_and_changes_nothing(tmp_path):
    net = made(described())
    before = [values.clone() for values in net.effective_weights()]
    state, _ = theirs(net, np.random.default_rng(1))
    (tmp_path / "text.pth").write_text("no checkpoint")
    for wrong, text in (
        (tmp_path / "text.pth", "expected a state_dict saved by torch.save"),
        (tmp_path / "absent.pth", "expected a state_dict saved by torch.save"),
        ({"rnn.W_rec": state["rnn.W_rec"]}, "got none of the name rnn.W_rec_mask"),
        (state | {"rnn.W_rec": 100 * state["rnn.W_rec"]}, "recurrent weights: expected weights within the bounds 0..1"),
        (state | {"rnn.W_inp": 100 * state["rnn.W_inp"]}, "input weights: expected weights within the bounds 0..10"),
        ({"a": torch.ones(2)}, "expected W_rec, or blocks such as"),
    ):
        with pytest.raises(ValueError, match=text):
            net.load_mrnntorch(wrong)
    other, _ = theirs(made(described((2, 2))), np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"expected weights of shape \(15, 15\), got \(4, 4\)"):
        net.load_mrnntorch(other)
    with pytest.raises(ValueError, match="got some fixed or scaled ones"):
        made(described(), scales="block").load_mrnntorch(state)
    for found, values in zip(net.effective_weights(), before, strict=True):
        assert torch.equal(found, values)


def test_a_device_of_regions_is_accepted_and_named_as_not_used(tmp_path):
    with_device = json.loads(json.dumps(AT_ONCE))
    with_device["recurrent_regions"][0]["device"] = "cuda"
    with_device["input_regions"][0]["device"] = "cpu"
    (tmp_path / "net.json").write_text(json.dumps(with_device))
    with pytest.warns(UserWarning, match=r"net.json: the device of its regions \(cpu, cuda\) is not used"):
        net = MultiRegionRNN(tmp_path / "net.json", dtype=torch.float64, seed=4)
    assert torch.equal(net.effective_weights()[0], made(AT_ONCE, seed=4).effective_weights()[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiRegionRNN(AT_ONCE)
    with_device["recurrent_regions"][0]["device"] = 3
    with pytest.raises(ValueError, match=r"recurrent_regions\[0\].device: expected a name, got 3"):
        MultiRegionRNN(with_device)
