"""A run on sequences of different lengths, packed by torch.nn.utils.rnn."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

if TYPE_CHECKING:
    from randomnet.multiregion.network import MultiRegionRNN


def run_packed(
    network: "MultiRegionRNN",
    packed: PackedSequence,
    hx: Tensor | None,
    *extra: Tensor,
    return_states: bool = False,
    **options: Any,
) -> tuple[PackedSequence | Tensor, ...]:
    """Rates, packed, the last state of each sequence (1, B, H), and with return_states the states, packed.

    Every sequence has the results of a run on it alone. extra: as in `forward`, for sequences padded to the longest.
    """
    first = network.batch_first
    inputs, lengths = pad_packed_sequence(packed, batch_first=first)
    rates, _, states = network(inputs, hx, *extra, return_states=True, **options)
    by_sequence = states if first else states.transpose(0, 1)
    last = by_sequence[torch.arange(len(lengths)), lengths - 1].unsqueeze(0)

    def pack(values: Tensor) -> PackedSequence:
        return pack_padded_sequence(values, lengths, first, enforce_sorted=packed.sorted_indices is None)

    return (pack(rates), last, pack(states)) if return_states else (pack(rates), last)
