"""Compiled steps along trials against those by torch: rates, readout, states and all gradients."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from randomnet import compiled
from randomnet.activations import ACTIVATIONS
from randomnet.rnn.compiled_trials import trials_support
from randomnet.rnn.couplings import Dense
from randomnet.rnn.dynamics import Dynamics
from randomnet.rnn.low_rank import LowRank
from randomnet.rnn.trial_runs import run_trials, trial_readout

pytest.importorskip("numba")

N, CHANNELS, TIME = 19, 3, 7
COMPILED = [name for name, row in ACTIVATIONS.items() if row.slope is not None]
NAMES = "input_weights", "input_bias", "recurrent_bias", "readout_weights", "readout_bias"


@pytest.fixture(autouse=True)
def choice_of_this_process():
    """Each test may choose how steps are computed; the others are not affected."""
    yield
    compiled.select("auto")


class Case:
    """A network with an interface and trials, whose tensors require gradients."""

    def __init__(self, name="tanh", form="rate", dt=1.0, *, dtype=torch.float64, runs=(), outputs=2, batch=5,
                 kind="dense", leaks=False, start=False, noise=False):  # fmt: skip
        rng = np.random.default_rng(1)

        def tensor(*shape, scale=1.0):
            return torch.tensor(scale * rng.standard_normal((*runs, *shape)), dtype=dtype).requires_grad_()

        values = tensor(N, N, scale=1.2 / np.sqrt(N))
        coupling = Dense(values) if kind == "dense" else LowRank(Dense(values), tensor(N, 2), tensor(N, 2))
        gains = (1 + 0.2 * tensor(N).detach()).requires_grad_()
        shifts = tensor(N, scale=0.2)
        steps = torch.tensor(rng.uniform(0.2, 0.9, (*runs, N)), dtype=dtype) if leaks else None
        self.system = Dynamics(coupling, gains, shifts, ACTIVATIONS[name], form, dt, leaks=steps)
        shapes = (N, CHANNELS), (N,), (N,), (outputs, N), (outputs,)
        self.interface = {name: tensor(*shape, scale=0.5) for name, shape in zip(NAMES, shapes, strict=True)}
        self.inputs = tensor(TIME, batch, CHANNELS)
        self.initial = tensor(batch, N) if start else None
        self.extra = tensor(TIME, batch, N, scale=0.3) if noise else None
        self.leaves = [gains, shifts, *coupling.parameters, *self.interface.values(), self.inputs]
        self.leaves += [each for each in (self.initial, self.extra) if each is not None]

    def results(self, choice, scored=slice(None), **options):
        """Outputs of `run_trials` and the gradients of a random linear function of them."""
        compiled.select(choice)
        values = run_trials(self.system, self.interface, self.inputs, self.initial, extra=self.extra, **options)
        generator = torch.Generator().manual_seed(0)
        loss = 0.0
        for index, each in enumerate(values):
            weights = torch.randn(each.shape, generator=generator, dtype=torch.float64).to(each)
            kept = scored if index == 1 else slice(None)
            loss = loss + (weights * each)[..., kept, :, :].sum()
        gradients = torch.autograd.grad(loss, self.leaves, allow_unused=True)
        return [*values, *(each for each in gradients if each is not None)]


def assert_equal(case, tolerance=1e-12, **options):
    eager, fast = case.results("eager", **options), case.results("compiled", **options)
    assert len(eager) == len(fast)
    for expected, got in zip(eager, fast, strict=True):
        assert got.shape == expected.shape
        scale = max(1.0, float(expected.detach().abs().max()))
        torch.testing.assert_close(got, expected, rtol=0, atol=tolerance * scale * 10)


@pytest.mark.parametrize(("form", "dt"), list(itertools.product(("current", "rate"), (1.0, 0.3))))
@pytest.mark.parametrize("name", COMPILED)
def test_every_activation_and_form_agrees_with_torch(name, form, dt):
    assert_equal(Case(name, form, dt))
    assert_equal(Case(name, form, dt, dtype=torch.float32), 1e-5)


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("options", [{"leaks": True}, {"start": True}, {"noise": True}, {"kind": "factors"},
                                     {"runs": (2,)}, {"outputs": 6}, {"batch": 150}, {"batch": 1}])  # fmt: skip
def test_every_ingredient_agrees_with_torch(form, options):
    for dt in (1.0, 0.4):
        assert_equal(Case("tanh_stretched", form, dt, **options))
        assert_equal(Case("tanh_stretched", form, dt, **{"runs": (2,), "noise": True, "start": True} | options))


@pytest.mark.parametrize("form", ["current", "rate"])
def test_last_states_truncation_and_unscored_steps_agree_with_torch(form):
    for dt in (1.0, 0.4):
        for options in ({"last": 3}, {"truncate": 2}, {"truncate": 3, "last": TIME}, {"scored": slice(4, None)}):
            assert_equal(Case("sigmoid", form, dt, start=True), **options)
            assert_equal(Case("sigmoid", form, dt), **options)


@pytest.mark.parametrize("batch", [3, 150])
def test_gradients_of_parameters_alone_do_not_need_all_adjoints(batch):
    """Inputs without gradient let the adjoints of a few steps share memory."""
    case = Case("relu", "rate", 1.0, batch=batch)
    case.inputs.requires_grad_(False)
    case.leaves.pop()
    assert_equal(case)
    case.system.coupling.values.requires_grad_(False)  # only inputs and biases are trained
    case.leaves.pop(2)
    assert_equal(case)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_segments_agree_with_the_whole(form):
    case, gradients = Case("tanh", form, 0.5, noise=True), []
    for segment in (0, 3):
        compiled.select("compiled")
        extra = case.extra.detach()
        readout = trial_readout(
            case.system, case.interface, case.inputs.detach(), lambda start, stop, extra=extra: extra[start:stop],
            truncate=4, segment=segment,
        )  # fmt: skip
        leaves = [case.system.coupling.values, *case.interface.values()]
        gradients.append([readout, *torch.autograd.grad(readout.square().sum(), leaves)])
    for expected, got in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_gradients_can_be_differentiated_again():
    case, results = Case("tanh", "rate", 0.5), []
    for choice in ("eager", "compiled"):
        compiled.select(choice)
        _, readout = run_trials(case.system, case.interface, case.inputs)
        (first,) = torch.autograd.grad(readout.square().sum(), case.inputs, create_graph=True)
        results.append(torch.autograd.grad(first.square().sum(), case.system.coupling.values)[0])
    torch.testing.assert_close(*results, rtol=1e-10, atol=1e-10)


def test_gradient_equals_finite_differences():
    case = Case("sigmoid", "rate", 0.4, batch=2)
    compiled.select("compiled")

    def loss(values):
        system = dataclasses.replace(case.system, coupling=Dense(values))
        return run_trials(system, case.interface, case.inputs)[1].square().sum()

    assert torch.autograd.gradcheck(loss, [case.system.coupling.values], eps=1e-6, atol=1e-6)


def test_saturated_and_invalid_numbers_are_those_of_torch():
    for name in COMPILED:
        if name in ("relu", "sqrt", "linear"):
            continue
        for dtype in (torch.float32, torch.float64):
            case = Case(name, "rate", 1.0, dtype=dtype)
            with torch.no_grad():
                case.inputs[0, 0], case.inputs[0, 1], case.inputs[0, 2] = 1e4, -1e4, np.nan
            rates = {}
            for choice in ("eager", "compiled"):
                compiled.select(choice)
                rates[choice] = run_trials(case.system, case.interface, case.inputs)[0].detach()
            torch.testing.assert_close(*rates.values(), rtol=0, atol=2e-6, equal_nan=True)


def steep(k):
    """A linear activation of this slope, whose functions are made inside this one, and so differ by k alone."""
    linear = ACTIVATIONS["linear"]

    def phi(u, out=None):
        return torch.mul(u, k, out=out)

    def scalar(u, factor=k):
        return factor * u, factor, 0.0

    def slope(rate):
        return k

    functions = {"phi": phi, "dphi": lambda u: torch.full_like(u, k), "vjp": lambda adjoint, rate: adjoint.mul_(k)}
    return dataclasses.replace(linear, **functions, scalar=scalar, slope=slope)


def test_functions_made_by_another_function_are_not_taken_for_each_other():
    for k in (0.5, 0.25):
        case = Case("linear")
        case.system = dataclasses.replace(case.system, activation=steep(k))
        assert_equal(case)


def test_eager_where_it_is_chosen_or_needed():
    case = Case()
    arguments = case.system.coupling, ACTIVATIONS["tanh"], case.inputs
    compiled.select("compiled")
    assert trials_support(*arguments, {torch.float64})
    assert not trials_support(*arguments, {torch.float64, torch.float32})
    assert not trials_support(case.system.coupling, ACTIVATIONS["erf"], case.inputs, {torch.float64})
    compiled.select(compiled.BUNDLES)
    assert compiled.selected() == compiled.COMPILED and not trials_support(*arguments, {torch.float64})
    compiled.select("eager")
    assert not trials_support(*arguments, {torch.float64})
