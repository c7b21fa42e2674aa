"""Every row of the table of nonlinearities against automatic differentiation, and the tails against closed forms."""

import pytest
import torch

from randomnet.activations import ACTIVATIONS, sech2

# each function written another way than in the table; a new row needs a new line here
REFERENCE = {
    "tanh": torch.tanh,
    "tanh_stretched": torch.tanh,
    "tanh_positive": lambda u: 1 / (1 + torch.exp(-2 * u)),
    "relu": lambda u: torch.clamp(u, min=0),
    "softplus": lambda u: torch.logaddexp(u, torch.zeros_like(u)),
    "sigmoid": lambda u: 1 / (1 + torch.exp(-u)),
    "erf": lambda u: 1 - torch.erfc(u / 2**0.5),
    "erf_positive": lambda u: (1 + torch.erf(u / 2**0.5)) / 2,
    "sqrt": lambda u: torch.where(u < 1, torch.clamp(u, min=0) ** 2, torch.sqrt(torch.clamp(4 * u - 3, min=1))),
    "linear": lambda u: 1 * u,
}
NAMES = list(ACTIVATIONS)
# both tails, both sides of 0 and of 20, and nothing at the kink of relu
POINTS = torch.cat([torch.linspace(-30, 30, 121), torch.tensor([-1e-3, 1e-3, 19.9, 20.1])]).double()
POINTS = POINTS[POINTS != 0]


def derivative(function, u):
    """f'(u) by automatic differentiation, differentiable again."""
    return torch.func.vmap(torch.func.grad(lambda v: 1.0 * function(v)))(u)


def drawn(seed, rows=40, n=7):
    rng = torch.Generator().manual_seed(seed)
    x = 2 * torch.randn(rows, n, generator=rng, dtype=torch.float64)
    gains = 0.3 + 1.5 * torch.rand(n, generator=rng, dtype=torch.float64)
    return x, gains, 0.7 * torch.randn(n, generator=rng, dtype=torch.float64), rng


def referred(name, x, gains, shifts):
    """Rates and slopes of the reference, by automatic differentiation in x."""
    stretches = name != "tanh"

    def rates_of(v):
        return REFERENCE[name]((v - shifts) * gains if stretches else v)

    rates = rates_of(x)
    (slopes,) = torch.autograd.grad(rates.sum(), x, create_graph=True)
    return rates, slopes


def test_the_reference_covers_the_table():
    assert set(REFERENCE) == set(ACTIVATIONS)
    assert all(row.name == name for name, row in ACTIVATIONS.items())
    assert [name for name, row in ACTIVATIONS.items() if not row.stretches] == ["tanh"]


@pytest.mark.parametrize("name", NAMES)
def test_phi(name):
    torch.testing.assert_close(ACTIVATIONS[name].phi(POINTS), REFERENCE[name](POINTS), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_dphi_is_the_derivative_of_phi(name):
    expected = derivative(REFERENCE[name], POINTS)
    torch.testing.assert_close(ACTIVATIONS[name].dphi(POINTS), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_ddphi_is_the_second_derivative_of_phi(name):
    expected = derivative(lambda u: torch.func.grad(lambda v: 1.0 * REFERENCE[name](v))(u), POINTS)
    torch.testing.assert_close(ACTIVATIONS[name].ddphi(POINTS), expected, rtol=1e-12, atol=2e-15)


@pytest.mark.parametrize("name", NAMES)
def test_pull_multiplies_by_the_slope_in_place(name):
    u, row = POINTS[POINTS.abs() < 5], ACTIVATIONS[name]
    adjoint = torch.linspace(-2, 3, len(u), dtype=u.dtype)
    expected = adjoint * row.dphi(u)
    row.vjp(adjoint, row.phi(u))
    torch.testing.assert_close(adjoint, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_the_derivatives_agree_with_differentiating_phi_itself(name):
    u = POINTS[POINTS.abs() < 15]
    row = ACTIVATIONS[name]
    torch.testing.assert_close(row.dphi(u), derivative(row.phi, u), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(row.ddphi(u), derivative(row.dphi, u), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_rates_slopes_and_bends_with_gains_and_shifts(name):
    x, gains, shifts, _ = drawn(1)
    x.requires_grad_()
    rates, slopes = referred(name, x, gains, shifts)
    bends = torch.zeros_like(x)
    if slopes.requires_grad:
        (found,) = torch.autograd.grad(slopes.sum(), x, allow_unused=True)
        bends = bends if found is None else found
    with torch.no_grad():
        found_rates, found_slopes = ACTIVATIONS[name](x, gains, shifts)
        found_bends = ACTIVATIONS[name].second_derivative(ACTIVATIONS[name].argument(x, gains, shifts), gains)
    for found, expected in ((found_rates, rates), (found_slopes, slopes), (found_bends, bends)):
        torch.testing.assert_close(found, expected.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_parameter_gradients(name):
    x, gains, shifts, rng = drawn(2)
    rates_bar, slopes_bar = (torch.randn(x.shape, generator=rng, dtype=torch.float64) for _ in range(2))
    found = ACTIVATIONS[name].parameter_gradients(x, gains, shifts, rates_bar, slopes_bar)
    for value in (x, gains, shifts):
        value.requires_grad_()
    rates, slopes = referred(name, x, gains, shifts)
    expected = torch.autograd.grad((rates * rates_bar + slopes * slopes_bar).sum(), (gains, shifts), allow_unused=True)
    for got, wanted in zip(found, expected, strict=True):
        wanted = torch.zeros_like(got) if wanted is None else wanted
        torch.testing.assert_close(got, wanted, rtol=1e-11, atol=1e-12)


def test_plain_tanh_ignores_gains_and_shifts():
    x, gains, shifts, _ = drawn(3)
    row = ACTIVATIONS["tanh"]
    for got, wanted in zip(row(x, gains, shifts), row(x, gains * 5, shifts - 2), strict=True):
        assert torch.equal(got, wanted)
    assert torch.equal(
        row.second_derivative(row.argument(x, gains, shifts), gains), row.second_derivative(x, gains * 5)
    )
    assert not any(part.any() for part in row.parameter_gradients(x, gains, shifts, x, x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [18.0, 19.0, 30.0, 40.0, 50.0, 300.0, 354.0, 400.0, 800.0, 1e30, float("inf")])
def test_sech2_in_the_tails(size, dtype):
    """sech^2(u) = 4 exp(-2|u|) to one part in 1e15 beyond 18: to rounding where that is a normal number."""
    found = sech2(torch.tensor([size, -size], dtype=dtype))
    assert found.dtype == dtype and not found.isnan().any()
    assert found[0] == found[1]
    expected = float(4 * torch.tensor(-2 * size, dtype=torch.float64).exp())
    limits = torch.finfo(dtype)
    # below the smallest normal number only so many bits are left, or none
    slack = 16 * limits.eps * expected if expected > limits.tiny else 2 * limits.tiny * limits.eps
    assert abs(float(found[0]) - expected) <= slack
    assert (float(found[0]) > 0) == (expected > slack) or expected <= limits.tiny


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sech2_near_the_origin(dtype):
    u = torch.linspace(-6, 6, 241, dtype=dtype)
    exact = 4 * torch.exp(-2 * u.double().abs()) / (1 + torch.exp(-2 * u.double().abs())).square()
    torch.testing.assert_close(sech2(u).double(), exact, rtol=16 * torch.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("name", ["tanh", "tanh_stretched", "tanh_positive"])
def test_slopes_of_a_saturated_neuron_are_positive(name):
    """1 - tanh^2 is 0 from 19 in float64 and from 10 in float32; a zero makes the tangent singular."""
    for dtype, size in ((torch.float64, 19.5), (torch.float32, 12.0)):
        ones, zeros = torch.ones(1, dtype=dtype), torch.zeros(1, dtype=dtype)
        assert torch.tanh(ones * size) == 1
        assert ACTIVATIONS[name](ones * size, ones, zeros)[1] > 0


@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_logistic_tails_keep_their_digits(name):
    u = torch.tensor([-18.0, -50.0, -400.0, -700.0], dtype=torch.float64)
    torch.testing.assert_close(ACTIVATIONS[name].dphi(u), u.exp(), rtol=1e-7, atol=0)
    torch.testing.assert_close(ACTIVATIONS[name].ddphi(u[1:]), u[1:].exp(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_nan_far_out(name, dtype):
    row, u = ACTIVATIONS[name], torch.tensor([-1e30, -800.0, -90.0, 90.0, 800.0, 1e30], dtype=dtype)
    for function in (row.phi, row.dphi, row.ddphi):
        assert function(u).isfinite().all() and function(u).dtype == dtype
