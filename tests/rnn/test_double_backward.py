"""Second derivatives and torch.func transforms of networks: torch.nn.RNN, finite differences, plain matrices."""

import ast
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from randomnet.activations import ACTIVATIONS
from randomnet.lyapunov import Schedule, exponents, random_frame
from randomnet.rnn import FORMS, Pattern, Sparse, run_trials, trial_readout
from tests.support.low_rank import connectome_of
from tests.support.low_rank import network as low_rank
from tests.support.low_rank import network_and_inputs as on_trials
from tests.support.marks import slow_except
from tests.support.paths import MODULES
from tests.support.regions import described, elman, made

KINKED = ("relu", "sqrt")  # a difference across the kink is no derivative
SMOOTH = [name for name in ACTIVATIONS if name not in KINKED]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(form, nonlinearity="tanh"):
    """A network of ours, torch.nn.RNN with the same weights, an input and the states that mean the same."""
    ours, theirs = elman(described((4, 3)), nonlinearity, form)
    hidden = randn(1, 2, 7, seed=1)
    fire = getattr(torch, nonlinearity)
    begin = fire(hidden)
    return ours, theirs, randn(2, 4, 5), (hidden if form == "current" else begin), begin


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_second_derivatives_are_those_of_an_elman_network(form, nonlinearity):
    ours, theirs, inputs, hidden, begin = pair(form, nonlinearity)
    tangents = [randn(7, 7, seed=2), randn(7, 5, seed=3), randn(7, seed=4), randn(2, 4, 5, seed=5)]
    results = []
    for net, state, names in (
        (ours, hidden, ("recurrent.values", "input.values", "bias")),
        (theirs, begin, ("weight_hh_l0", "weight_ih_l0", "bias_ih_l0")),
    ):
        given = inputs.clone().requires_grad_()
        wanted = [*(dict(net.named_parameters())[name] for name in names), given]
        loss = net(given, state)[0].pow(3).sum()
        first = torch.autograd.grad(loss, wanted, create_graph=True)
        along = sum((one * other).sum() for one, other in zip(first, tangents, strict=True))
        results.append([*first, *torch.autograd.grad(along, wanted)])
    for own, other in zip(*results, strict=True):
        assert_close(own, other, rtol=1e-10, atol=1e-10)
        assert other.abs().max() > 1e-3


@pytest.mark.parametrize("form", FORMS)
def test_the_hessian_is_that_of_an_elman_network(form):
    ours, theirs, inputs, hidden, begin = pair(form)
    own, other = (
        torch.autograd.functional.hessian(lambda given, net=net, state=state: net(given, state)[0].pow(2).sum(), inputs)
        for net, state in ((ours, hidden), (theirs, begin))
    )
    assert_close(own, other, rtol=1e-10, atol=1e-10)
    assert_close(torch.func.hessian(lambda given: ours(given, hidden)[0].pow(2).sum())(inputs), other, rtol=1e-10,
                 atol=1e-10)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sparse", [False, True])
def test_transforms_give_what_an_elman_network_has(form, sparse):
    """Of a matrix, and of a list of edges with the same weights."""
    ours, theirs, inputs, hidden, begin = pair(form)
    if sparse:
        listed = made(described((4, 3)), activation="tanh", form=form, dt=1, tau=1, dale="off", dale_input="off",
                      sparse=True)  # fmt: skip
        with torch.no_grad():
            listed.recurrent.values.copy_(ours.recurrent.values.flatten())
            listed.input.values.copy_(ours.input.values)
            listed.bias.copy_(ours.bias)
        ours = listed
    expected = torch.autograd.functional.jacobian(lambda given: theirs(given, begin)[0], inputs)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        assert_close(jacobian(lambda given: ours(given, hidden)[0])(inputs), expected, rtol=1e-10, atol=1e-12)
    tangent = randn(2, 4, 5, seed=3)
    moved = torch.func.jvp(lambda given: ours(given, hidden)[0], (inputs,), (tangent,))[1]
    assert_close(moved, torch.einsum("abcdef,def->abc", expected, tangent), rtol=1e-10, atol=1e-12)
    unbatched = torch.func.vmap(lambda given, state: ours(given, state)[0])(inputs, hidden[0])
    assert_close(unbatched, theirs(inputs, begin)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", ["abs", "softplus", "off"])
def test_functional_call_under_grad_and_vmap_gives_the_gradient_of_each_trial(mode):
    net = made(described((4, 3)), activation="tanh", dale=mode, dale_input=mode)
    inputs, parameters = randn(3, 4, 5), dict(net.named_parameters())

    def loss(values, given):
        return torch.func.functional_call(net, values, (given,))[0].square().sum()

    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, inputs)
    for index, given in enumerate(inputs):
        expected = torch.autograd.grad(net(given)[0].square().sum(), list(parameters.values()))
        for own, other in zip(found.values(), expected, strict=True):
            assert_close(own[index], other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["abs", "relu", "clamp", "softplus", "off"])
def test_second_derivatives_in_the_trained_values_are_those_of_differences(mode):
    net = made(described((3, 2), inputs=(1,)), activation="tanh", dale=mode, dt=0.5, tau=1)
    inputs, values = randn(1, 3, 1), net.recurrent.values.detach().clone().add_(0.1).requires_grad_()

    def run(values):
        return torch.func.functional_call(net, {"recurrent.values": values}, (inputs,))[0]

    assert gradgradcheck(run, (values,))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [20.0, {"r0": 20.0, "r1": 50.0}])
def test_a_list_of_edges_has_the_second_derivatives_of_the_matrix(form, tau):
    results, inputs = [], randn(2, 4, 5)
    for sparse in (False, True):
        net = made(described((4, 3)), activation="tanh", form=form, tau=tau, sparse=sparse)
        wanted = [net.recurrent.values, net.input.values, net.bias]
        loss = net(inputs, return_states=True)[2].pow(3).sum()
        once = torch.autograd.grad(loss, wanted, retain_graph=True)
        first = torch.autograd.grad(loss, wanted, create_graph=True)
        second = torch.autograd.grad(sum(one.pow(2).sum() for one in first), wanted, retain_graph=True)
        again = torch.autograd.grad(loss, wanted)  # the graph was kept
        hessian = torch.autograd.functional.hessian(lambda given, net=net: net(given)[0].pow(2).sum(), inputs)
        results.append([one.flatten() for one in (*once, *first, *second, *again, hessian)])
    for matrix, listed in zip(*results, strict=True):
        assert_close(listed, matrix, rtol=1e-10, atol=1e-12)
        assert matrix.abs().max() > 1e-9


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_of_many_adjoints_side_by_side_are_those_of_each(sparse):
    net, inputs = made(described((4, 3)), activation="tanh", sparse=sparse), randn(1, 3, 5)
    one_by_one, together = (
        torch.autograd.functional.jacobian(lambda given: net(given)[0], inputs, vectorize=vectorize)
        for vectorize in (False, True)
    )
    assert_close(together, one_by_one, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", slow_except(SMOOTH, "tanh_stretched", "softplus"))
@pytest.mark.parametrize("leaks", [None, 0.3])
def test_runs_under_inputs_have_right_second_derivatives(form, activation, leaks):
    own, inputs = on_trials(form, activation=activation, n=4, rank=1)
    system, inputs = own.dynamics(), inputs[:3, :1].clone().requires_grad_()
    leaks = None if leaks is None else torch.full_like(system.gains, leaks)
    extra = randn(3, 1, len(system.gains)).requires_grad_()

    def run(inputs, extra, weights):
        interface = {**own.interface, "input_weights": weights}
        return run_trials(system, interface, inputs, extra=extra, leaks=leaks, last=1)

    assert gradgradcheck(run, (inputs, extra, own.interface["input_weights"].detach().clone().requires_grad_()))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("truncate", [0, 2, 3])
def test_cut_and_recomputed_runs_have_the_second_derivatives_of_plain_ones(form, truncate):
    results = []
    for segment in (0, 4):
        own, inputs = on_trials(form)
        wanted = [parameter for parameter in own.parameters() if parameter.requires_grad]
        outputs = trial_readout(own.dynamics(), own.interface, inputs, truncate=truncate, segment=segment)
        first = torch.autograd.grad(outputs.square().sum(), wanted, create_graph=True)
        whole = trial_readout(own.dynamics(), own.interface, inputs, truncate=truncate)
        plain = torch.autograd.grad(whole.square().sum(), wanted)
        for one, other in zip(first, plain, strict=True):
            assert_close(one, other, rtol=1e-9, atol=1e-11)
        results.append(torch.autograd.grad(sum(one.square().sum() for one in first), wanted))
    for one, other in zip(*results, strict=True):
        assert_close(one, other, rtol=1e-9, atol=1e-11)
        assert other.abs().max() > 0


@pytest.mark.parametrize("base", ["dense", "sparse"])
@pytest.mark.parametrize("form", FORMS)
def test_a_network_on_a_connectome_can_be_transformed(base, form):
    own, inputs = on_trials(form, base, n=6, rank=1)
    inputs, parameters = inputs[:4].transpose(0, 1), dict(own.named_parameters())

    def loss(values, inputs):
        return torch.func.functional_call(own, values, (inputs,)).square().sum()

    found = torch.func.grad(loss)(parameters, inputs)
    expected = torch.autograd.grad(own(inputs).square().sum(), list(parameters.values()))
    for one, other in zip(found.values(), expected, strict=True):
        assert_close(one, other, rtol=1e-9, atol=1e-11)
    jacobian = torch.autograd.functional.jacobian(own, inputs)
    for transform in (torch.func.jacfwd, torch.func.jacrev):
        assert_close(transform(own)(inputs), jacobian, rtol=1e-9, atol=1e-12)
    each = torch.func.vmap(lambda one: own(one[None])[0])(inputs)
    assert_close(each, own(inputs), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("base", slow_except(["dense", "sparse", "none"], "sparse"))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("integrator", ["euler", "rk4"])
def test_exponents_have_right_second_derivatives(base, form, integrator):
    own = low_rank(base, form, integrator=integrator, n=4, rank=1)
    system, frame = own.dynamics(), torch.from_numpy(random_frame(np.random.default_rng(0), 2, 4))
    parameters = tuple(one.detach().clone().requires_grad_() for one in system.coupling.parameters)

    def spectrum(*values):
        moved = replace(system, coupling=system.coupling.with_parameters(values))
        return exponents(moved, randn(4), frame, Schedule(0.4, 0.2, 0.0, 0.2))

    assert gradcheck(spectrum, parameters) and gradgradcheck(spectrum, parameters)


def test_products_of_sparse_rows_have_right_second_derivatives():
    connectome = connectome_of("sparse")
    pattern = Pattern(connectome.post, connectome.pre, connectome.n)
    values, rows = torch.from_numpy(connectome.weights).requires_grad_(), randn(2, connectome.n).requires_grad_()
    assert gradgradcheck(lambda values, rows: Sparse(values, pattern).product(rows).pow(2), (values, rows))


def test_slopes_at_kinks_and_in_tails_are_those_of_the_table():
    """relu at 0, and the second derivative of softplus where e^-u overflows."""
    zero = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    row = ACTIVATIONS["relu"]
    assert torch.autograd.grad(row.phi(zero), zero)[0] == row.dphi(zero) == 0
    far = torch.tensor([-800.0, 800.0, 1.0], dtype=torch.float64, requires_grad=True)
    row = ACTIVATIONS["softplus"]
    (slope,) = torch.autograd.grad(row.phi(far).sum(), far, create_graph=True)
    assert_close(slope, row.dphi(far))
    assert_close(torch.autograd.grad(slope.sum(), far)[0], row.ddphi(far).detach(), rtol=1e-12, atol=1e-300)


def test_no_gradient_is_marked_once_differentiable():
    """With that mark torch.autograd.grad passes a second derivative on as 0, without a word."""
    texts = {path: path.read_text(encoding="utf-8") for path in MODULES}
    mentions = [path for path, text in texts.items() if "once_differentiable" in text]  # parsing all takes a second
    marked = {path for path in mentions for node in ast.walk(ast.parse(texts[path]))
              if isinstance(node, ast.Name) and node.id == "once_differentiable"}  # fmt: skip
    assert marked == set()
