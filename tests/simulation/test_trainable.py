"""Trained networks with filters, plasticity, adaptation, slow currents and noise: gradients, dynamics, whole state."""

import copy

import numpy as np
import pytest
import torch

from randomnet.connectome import Connectome
from randomnet.lyapunov import Schedule, exponents_of_stack, random_frame, spectrum
from randomnet.rnn import LowRankFactors
from randomnet.simulation import (
    Adaptation,
    FeedForward,
    InputPlasticity,
    Noise,
    Plasticity,
    RateDynamics,
    RateNetwork,
    SlowCurrent,
    TrainableRateNetwork,
    couplings,
    network_of_model,
    simulate,
)

N, RANK, CHANNELS = 10, 2, 3
GROUPS = np.repeat([0, 1], [6, 4])
NONE = {"slow": None, "adaptation": None, "plasticity": (), "input_plasticity": None, "noise": None, "tau_syn": None,
        "tau_rate": None, "threshold": 0.0, "gain": 1.0, "rate_max": 1.0}  # fmt: skip
PARTS = {
    "rates": {"tau_rate": np.where(GROUPS == 0, 0.1, 0.05)},
    "currents": {"tau_syn": 0.06},
    "both filters": {"tau_rate": 0.1, "tau_syn": 0.03},
    "map": {},
    "nmda": {"tau_rate": 0.1, "slow": SlowCurrent(0.4, 0.3)},
    "adaptation": {"tau_rate": 0.1, "adaptation": Adaptation(0.5, 0.2)},
    "plasticity": {"tau_rate": 0.1, "plasticity": (Plasticity(0, 0, 0.2, 0.5, 0.2, 2.0), Plasticity(1, 0, 0.4))},
    "input plasticity": {"tau_rate": 0.1, "input_plasticity": InputPlasticity(0.9)},
    "response": {"tau_rate": 0.1, "threshold": 0.3, "gain": np.where(GROUPS == 0, 1.2, 0.8), "rate_max": 1.5},
    "noise": {"tau_rate": 0.1, "noise": Noise(0.3, 0.05)},
    "all": {
        "tau_rate": np.where(GROUPS == 0, 0.1, 0.05),
        "tau_syn": 0.03,
        "threshold": 0.2,
        "rate_max": 1.5,
        "slow": SlowCurrent(0.4, 0.3),
        "adaptation": Adaptation(0.5, 0.2),
        "plasticity": (Plasticity(0, 0, 0.2, 0.5, 0.2, 2.0),),
        "noise": Noise(0.3, 0.05, "rate"),
    },
}


def connectome():
    rng = np.random.default_rng(0)
    post, pre = np.nonzero(rng.random((N, N)) < 0.5)
    weights = 0.4 * np.abs(rng.standard_normal(len(post))) * np.where(GROUPS[pre] == 0, 1, -1)
    return Connectome("test", post, pre, weights, np.arange(N).astype(str), drive=np.full(N, 0.8))


def network(part="all", *, trained=True, on_edges=False, plastic_factors=True, rank=RANK, **settings):
    rng, edges = np.random.default_rng(1), connectome()
    factors = rng.standard_normal((2, N, rank))
    interface = {
        "input_weights": rng.standard_normal((N, CHANNELS)),
        "input_bias": 0.1 * rng.standard_normal(N),
        "recurrent_bias": np.zeros(N),
        "readout_weights": rng.standard_normal((2, N)),
        "readout_bias": np.zeros(2),
    }
    sizes = {"weights": len(edges.weights), "gains": N, "shifts": N}
    sizes |= {"output_factors": N * rank, "selection_factors": N * rank} if rank else {}
    settings = {"activation": "softplus", "dt": 0.02, "dtype": torch.float64, "interface": interface, **settings}
    return TrainableRateNetwork(
        edges,
        rates=RateDynamics(GROUPS, NONE | PARTS[part], plastic_factors),
        trainable={name: np.arange(size) for name, size in sizes.items()} if trained else {},
        factors=LowRankFactors(*factors, on_edges=on_edges) if rank else None,
        **settings,
    )


def inputs(time=20, trials=3):
    return torch.from_numpy(np.random.default_rng(2).standard_normal((time, trials, CHANNELS)))


def check_gradients(net, loss):
    """Compare the gradient of every parameter with central differences along one direction."""
    torch.manual_seed(0)
    parameters = dict(net.named_parameters())
    gradients = torch.autograd.grad(loss(), list(parameters.values()), allow_unused=True)
    for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True):
        direction, step = torch.randn_like(parameter), 1e-5
        with torch.no_grad():
            parameter.add_(step * direction)
            above = loss()
            parameter.sub_(2 * step * direction)
            below = loss()
            parameter.add_(step * direction)
        expected = float(above - below) / (2 * step)
        actual = 0.0 if gradient is None else float((gradient * direction).sum())
        assert actual == pytest.approx(expected, rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("part", PARTS)
def test_gradients_are_those_of_all_steps(part):
    net = network(part)
    assert set(dict(net.named_parameters())) >= {"weights.free", "gains.free", "shifts.free", "output_factors.free"}
    check_gradients(net, lambda: net.trial_readout(inputs()).square().mean())


@pytest.mark.parametrize("settings", [{"on_edges": True}, {"plastic_factors": False}, {"rank": 0}])
def test_gradients_of_factors_on_edges_and_beside_plasticity(settings):
    net = network(**settings)
    check_gradients(net, lambda: net.trial_readout(inputs(), segment=7).square().mean())


@pytest.mark.parametrize("part", ["plasticity", "noise", "all"])
def test_the_gradient_does_not_depend_on_segments(part):
    net = network(part)
    parameters = list(net.parameters())

    def gradient(segment):
        return torch.autograd.grad(net.trial_readout(inputs(), segment=segment).square().sum(), parameters)

    whole = gradient(0)
    for segment in (1, 7, 20, 100):
        for expected, actual in zip(whole, gradient(segment), strict=True):
            torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-12)


def test_segments_bound_what_is_stored_for_the_gradient():
    """Without segments every step stores its tensors; with them none does, and states between segments are few."""
    net = network("all")

    def stored_bytes(segment):
        total = 0

        def pack(tensor):
            nonlocal total
            total += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            net.trial_readout(inputs(time=60), segment=segment)
        return total

    stored = {segment: stored_bytes(segment) for segment in (0, 10)}
    states = 6 * 3 * (4 * N + 2 * 6 + N) * 8  # between segments: rates, currents, slow, adaptation, u, x, noise
    assert stored[10] + states < stored[0] / 4


def test_a_cut_gradient_stops_at_the_cut():
    """The last steps after a cut have the gradient of a run that starts there from a constant state."""
    net, x = network("all"), inputs().requires_grad_()
    readout = net.trial_readout(x, truncate=8)
    (gradient,) = torch.autograd.grad(readout[-1].sum(), x)
    assert not gradient[:16].any() and gradient[16:].abs().sum() > 0
    (gradient,) = torch.autograd.grad(net.trial_readout(x)[-1].sum(), x)
    assert gradient[:16].abs().sum() > 0


@pytest.mark.parametrize("part", [part for part in PARTS if part != "noise" and part != "all"])
def test_a_trained_network_has_the_rates_of_the_simulated_one(part):
    net = network(part, plastic_factors=True)
    x = inputs(time=12, trials=1)[:1].expand(12, 1, CHANNELS)
    rates, readout = net.run(x)
    weights = connectome().replace(net.edge_weights().detach().numpy())
    arguments = NONE | PARTS[part]
    blocks = tuple((block.post, block.pre) for block in arguments["plasticity"])
    built = couplings(weights, GROUPS, plastic=blocks, split=arguments["slow"] is not None, dtype=torch.float64)
    built = built.with_low_rank(*net.factors(), plastic=True)
    simulated = RateNetwork(built, net.activation, net.dt, **arguments)
    drive = weights.drive + (net.interface["input_weights"] @ x[0, 0] + net.interface["input_bias"]).detach().numpy()
    feedforward = FeedForward(drive, GROUPS, net.dt, dtype=torch.float64)
    samples = simulate(simulated, simulated.start(0.0), feedforward, steps=12, window=1)
    torch.testing.assert_close(rates[:, 0].detach(), samples.rates[0], rtol=1e-11, atol=1e-12)
    expected = rates @ net.interface["readout_weights"].mT + net.interface["readout_bias"]
    torch.testing.assert_close(readout, expected, rtol=1e-11, atol=1e-12)


def test_plastic_factors_are_factors_on_all_edges_of_a_plastic_block():
    """Factors within E pass through the synapses of EE as weights do: they give what the same weights give."""
    net, dense = network("plasticity", rank=1), np.zeros((N, N))
    with torch.no_grad():
        for name in ("output_factors", "selection_factors"):
            getattr(net, name).free[6:] = 0
        output, selection = (factor.numpy() for factor in net.factors())
    edges = connectome()
    dense[edges.post, edges.pre] = edges.weights
    dense += output @ selection.T / N
    post, pre = np.nonzero(dense)
    full = Connectome("full", post, pre, dense[post, pre], edges.names, drive=edges.drive)
    interface = {name: values.detach().numpy() for name, values in net.interface.items()}
    same = TrainableRateNetwork(full, rates=net.rates, activation="softplus", dt=0.02, dtype=torch.float64,
                                interface=interface, keep_signs=False)  # fmt: skip
    torch.testing.assert_close(same.run(inputs())[0], net.run(inputs())[0].detach(), rtol=1e-11, atol=1e-12)


def test_weights_that_are_not_trained_give_the_same_rates():
    """Constant couplings and those filled from trained weights agree, also in another precision and after `assign`."""
    trained, constant = network("plasticity"), network("plasticity", trained=False)
    torch.testing.assert_close(constant.run(inputs())[0], trained.run(inputs())[0].detach(), rtol=1e-11, atol=1e-12)
    values = constant.values()
    values["weights"] = values["weights"] * 1.5
    for net in (trained, constant):
        net.assign(values)
    expected = trained.run(inputs())[0].detach()
    torch.testing.assert_close(constant.run(inputs())[0], expected, rtol=1e-11, atol=1e-12)
    single = copy.deepcopy(constant).float().run(inputs().float())[0]
    torch.testing.assert_close(single.double(), expected, rtol=1e-4, atol=1e-5)


def test_evaluations_have_the_same_noise_and_updates_have_another():
    net, x = network("noise"), inputs()
    assert torch.equal(net.trial_readout(x), net.trial_readout(x, segment=3))
    other = net.trial_readout(x, lambda first, last: torch.zeros(last - first, 3, N, dtype=torch.float64))
    quiet = network("rates", rank=RANK)
    quiet.rates = RateDynamics(GROUPS, NONE | {"tau_rate": 0.1}, True)
    torch.testing.assert_close(other, quiet.trial_readout(x))
    assert not torch.allclose(other, net.trial_readout(x))


def test_a_model_is_the_network():
    net = network("all")
    again = network_of_model(net.description(), net.values())
    assert torch.equal(again.run(inputs())[1], net.run(inputs())[1].detach())
    assert not any(parameter.requires_grad for parameter in again.parameters())


# ---- the whole state


def dense_exponents(step, state, steps, dt):
    """All exponents from the QR of dense Jacobians of a step(state, index)."""
    frame, total = torch.eye(len(state), dtype=torch.float64), torch.zeros(len(state), dtype=torch.float64)
    for index in range(steps):
        jacobian = torch.func.jacrev(lambda vector, index=index: step(vector, index))(state)
        state = step(state, index)
        frame, upper = torch.linalg.qr(jacobian @ frame)
        total += upper.diagonal().abs().log()
    return torch.sort(total / (steps * dt), descending=True).values


@pytest.mark.parametrize("part", ["currents", "all"])
def test_the_spectrum_is_that_of_dense_jacobians_of_the_whole_state(part):
    net = network(part)
    start = net.flat_start(torch.linspace(-1, 1, N))
    sizes = {"currents": N, "all": 4 * N + 2 * 6}  # rates, currents, slow, adaptation, and u and x of the cells of E
    assert len(start) == sizes[part]
    system, steps = net.autonomous(), 30
    frame = torch.eye(len(start), dtype=torch.float64)
    with torch.no_grad():
        computed = spectrum(system, start, frame, Schedule(steps * net.dt, net.dt, 0.0, 0.0))
        expected = dense_exponents(lambda vector, _: system.step(vector), start, steps, net.dt)
    np.testing.assert_allclose(computed.exponents, expected.numpy(), rtol=1e-7, atol=1e-7)


def test_the_spectrum_along_trials_is_that_of_dense_jacobians():
    """The state starts anew with each trial; tangent vectors do not."""
    net, x = network("all", trained=False), inputs(time=10, trials=2)
    system, size = net.driven_by_trials(x), len(net.flat_start(torch.zeros(N)))
    rest = system.rest
    with torch.no_grad():
        computed = spectrum(system, torch.zeros(size, dtype=torch.float64), torch.eye(size, dtype=torch.float64),
                            Schedule(20 * net.dt, net.dt, 0.0, 0.0))  # fmt: skip

        def step(vector, index):
            return system.step(vector, system.drive[divmod(index, 10)])

        frame, total, state = torch.eye(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64), rest
        for index in range(20):
            state = rest if index % 10 == 0 else state
            frame, upper = torch.linalg.qr(torch.func.jacrev(lambda v, index=index: step(v, index))(state) @ frame)
            total, state = total + upper.diagonal().abs().log(), step(state, index)
    expected = torch.sort(total / (20 * net.dt), descending=True).values
    np.testing.assert_allclose(computed.exponents, expected.numpy(), rtol=1e-7, atol=1e-7)


def test_a_loss_of_the_spectrum_has_an_exact_gradient():
    net, x = network("all"), inputs(time=3, trials=2)
    size = len(net.flat_start(torch.zeros(N)))
    frame = torch.from_numpy(random_frame(np.random.default_rng(0), 2, size))
    schedule, state = Schedule(4 * net.dt, 2 * net.dt, 0.0, 0.0), torch.zeros(size, dtype=torch.float64)
    check_gradients(net, lambda: exponents_of_stack(net.driven_by_trials(x), state, frame, schedule)[0].square().sum())
