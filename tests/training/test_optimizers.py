"""The update rules against torch.optim's."""

import pytest
import torch

from randomnet import compiled
from randomnet.optimizers import OPTIMIZERS, Optimizer
from randomnet.training import Settings
from randomnet.training.compiled_updates import optimizer_of


def parameters(seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((3,), (2, 4), ())]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_is_that_of_torch_optim(name):
    own = parameters(0)
    theirs = [torch.nn.Parameter(values.clone()) for values in own]
    rule, oracle = Optimizer(name, own, 0.05), getattr(torch.optim, name)(theirs, lr=0.05)
    for step in range(30):
        gradients = [100.0 ** (step % 3 - 1) * values for values in parameters(step + 1)]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient.clone()
        oracle.step()
        rule.step(rule.flatten_gradients(gradients))
        for mine, other in zip(own, theirs, strict=True):
            torch.testing.assert_close(mine, other.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_compiled_updates_are_those_of_every_rule(name, dtype, tolerance):
    pytest.importorskip("numba")
    results = []
    for choice in ("eager", "compiled"):
        compiled.select(choice)
        try:
            values = [each.to(dtype) for each in parameters(0)]
            rule = optimizer_of(Settings(name, 0.05, 30, weight_decay=0.1), values)
        finally:
            compiled.select("auto")
        for step in range(30):
            rule.step(rule.flatten_gradients([each.to(dtype) for each in parameters(step + 1)]))
        results.append([*values, *rule.means])
    assert (rule.rule is OPTIMIZERS[name]) == (not name.startswith("Adam"))
    for expected, got in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def test_compiled_means_do_not_linger_below_the_smallest_normal_number():
    pytest.importorskip("numba")
    compiled.select("compiled")
    try:
        rule = optimizer_of(Settings("Adam", 0.01, 1), [torch.ones(20)])
    finally:
        compiled.select("auto")
    for step in range(1200):
        rule.step(torch.full((20,), 1e-10 if step < 2 else 0.0))
    assert bool((rule.means[0] == 0).all())


@pytest.mark.parametrize(("scale", "eps"), [(1e-18, 1e-30), (1e-19, 1e-20), (3e19, 1e-8)])
def test_compiled_updates_of_tiny_and_huge_gradients_stay_near_those_of_torch(scale, eps):
    """A square of 0 beside another mean makes updates without bound, and an infinite square is no nan."""
    pytest.importorskip("numba")
    results = []
    for choice in ("eager", "compiled"):
        compiled.select(choice)
        try:
            values = [torch.ones(20)]
            rule = optimizer_of(Settings("Adam", 0.01, 1, eps=eps), values)
        finally:
            compiled.select("auto")
        for _ in range(5):
            rule.step(torch.linspace(0.5, 1, 20) * scale)
        results.append(values[0])
    expected, got = results
    assert bool(got.isfinite().all())
    torch.testing.assert_close(got, expected, rtol=0, atol=0.055 if scale > 1 else 0.003)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_kept_and_taken_up_gives_the_same_bits(name, tmp_path):
    values = [parameters(step) for step in range(6)]
    whole, halves = parameters(9), parameters(9)
    rule = Optimizer(name, whole, 0.1)
    for gradients in values:
        rule.step(rule.flatten_gradients(gradients))
    first, second = Optimizer(name, halves, 0.1), Optimizer(name, halves, 0.1)
    for gradients in values[:3]:
        first.step(first.flatten_gradients(gradients))
    torch.save(first.state(), tmp_path / "state.pt")
    second.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    for gradients in values[3:]:
        second.step(second.flatten_gradients(gradients))
    assert all(torch.equal(one, other) for one, other in zip(whole, halves, strict=True))


def test_a_parameter_without_a_gradient_stays():
    own = parameters(0)
    before = own[1].clone()
    rule = Optimizer("Adam", own, 0.1)
    rule.step(rule.flatten_gradients([torch.ones(3), None, torch.ones(())]))
    assert torch.equal(own[1], before)
    torch.testing.assert_close(own[0], parameters(0)[0] - 0.1, rtol=0, atol=1e-8)
