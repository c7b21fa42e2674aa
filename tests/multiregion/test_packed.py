"""Sequences of different lengths, packed by torch: each as a run on it alone; and systems under inputs."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence, unpack_sequence
from torch.testing import assert_close

from randomnet import spectrum
from randomnet.multiregion import MultiRegionRNN


@pytest.fixture(params=[True, False], ids=["batch first", "time first"])
def network(request):
    return MultiRegionRNN({
        "recurrent_regions": [{"name": "a", "num_units": 6}],
        "recurrent_connections": [{"src_region": "a", "dst_region": "a"}],
        "input_regions": [{"name": "cue", "num_units": 2}],
        "input_connections": [{"src_region": "cue", "dst_region": "a"}],
    }, activation="tanh", spectral_radius=0.9, batch_first=request.param).eval()  # fmt: skip


@pytest.mark.parametrize("lengths", [(5, 3, 2), (2, 5, 3)])
def test_each_packed_sequence_is_a_run_of_its_own(network, lengths):
    torch.manual_seed(0)
    sequences = [torch.randn(length, 2) for length in lengths]
    packed = pack_sequence(sequences, enforce_sorted=lengths == (5, 3, 2))
    rates, last, states = network(packed, return_states=True)
    assert isinstance(rates, PackedSequence) and last.shape == (1, 3, 6)
    for number, sequence in enumerate(sequences):
        alone, end = network(sequence)
        assert_close(unpack_sequence(rates)[number], alone)
        assert_close(last[:, number], end)
        assert_close(unpack_sequence(states)[number][-1:], end)


def test_a_packed_run_has_a_gradient(network):
    packed = pack_sequence([torch.randn(4, 2), torch.randn(2, 2)])
    network(packed)[0].data.sum().backward()
    assert all(values.grad is not None for name, values in network.named_parameters() if "initial" not in name)


def test_dynamics_under_an_input_are_the_driven_system(network):
    x = torch.tensor([1.0, -1.0])
    states = torch.randn(3, 6)
    assert_close(network.dynamics(input=x).step(states), network.driven_by_inputs(x).step(states))
    shape = (3, 1, 2) if network.batch_first else (1, 3, 2)
    assert_close(network.dynamics(input=x).step(states), network(x.expand(shape), states)[1][0])
    series = torch.randn(60, 2)
    system = network.dynamics(input=series)
    driven = spectrum(system, torch.zeros(6), k=2, tsim=4, transient=1, frame_transient=1)
    expected = spectrum(network, torch.zeros(6), inputs=series, k=2, tsim=4, transient=1, frame_transient=1)
    assert_close(torch.from_numpy(driven.exponents), torch.from_numpy(expected.exponents), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="inputs: expected"):
        network.dynamics(input=torch.zeros(3))
