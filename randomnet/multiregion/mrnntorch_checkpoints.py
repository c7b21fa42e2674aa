"""Checkpoints of mRNNTorch: their weights, masks and signs, put into a network with the same regions.

    generation 2    W_rec, W_rec_mask, W_rec_sign_matrix and W_inp, ..., whole matrices, under any prefix
    generation 1    <source>_<target>, one block for each connection; its masks are drawn anew and never saved

Effective weights are mask |W| sign (generation 2), or clamp(W, bounds) sign (generation 1); in mode off they are
mask W. Neither generation saves biases and initial states: those of the network stay. No code of the file is called.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from randomnet.multiregion.network import MultiRegionRNN

PARTS = ("", "_mask", "_sign_matrix")


def load_mrnntorch(network: "MultiRegionRNN", checkpoint: str | Path | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Load a checkpoint of mRNNTorch, a file or a state_dict; return its other entries, as those of a readout.

    The network has the regions of the checkpoint's, in their order; the masks and signs are the checkpoint's. Raises
    ValueError for a file that is no state_dict, for other sizes, for missing entries, for weights beyond the bounds,
    and for a generation 1 checkpoint of sparse connections, whose masks are lost.
    """
    state, where = _read(checkpoint)
    prefix = next((name.removesuffix("W_rec") for name in state if name.endswith("W_rec")), None)
    try:
        if prefix is None:
            weights, used = _of_blocks(network, state)
        else:
            weights, used = _of_matrices(network, state, prefix)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    parts = {"recurrent": network.recurrent, "input": network.input}
    before = {kind: part.state_dict() for kind, part in parts.items()}
    try:
        for kind, (values, signs) in weights.items():
            parts[kind].assign(values, signs)
    except ValueError as error:
        for name, part in parts.items():
            part.load_state_dict(before[name])
        raise ValueError(f"{where}: {kind} weights: {error}") from None
    return {name: values for name, values in state.items() if name not in used}


def _read(checkpoint: Any) -> tuple[Mapping[str, Tensor], str]:
    """The entries of a checkpoint, and its name for errors. Raises ValueError."""
    where = str(checkpoint) if isinstance(checkpoint, (str, Path)) else "checkpoint"
    if isinstance(checkpoint, (str, Path)):
        try:
            checkpoint = torch.load(Path(checkpoint).expanduser(), weights_only=True, map_location="cpu")
        except Exception as error:  # torch has no common class of the errors of a wrong file
            came = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{where}: expected a state_dict saved by torch.save, got {came}") from None
    if not isinstance(checkpoint, Mapping) or not all(isinstance(value, Tensor) for value in checkpoint.values()):
        raise ValueError(f"{where}: expected a state_dict, names and tensors, got a {type(checkpoint).__name__}")
    return checkpoint, where


def _of_matrices(
    network: "MultiRegionRNN", state: Mapping[str, Tensor], prefix: str
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], set[str]]:
    """Effective weights and signs of generation 2, by kind, and the names of their entries. Raises ValueError."""
    weights, used = {}, set()
    kinds = {"recurrent": ("W_rec", network.dale), "input": ("W_inp", network.dale_input)}
    if not network.inputs:
        del kinds["input"]
    for kind, (name, mode) in kinds.items():
        names = [f"{prefix}{name}{part}" for part in PARTS]
        missing = [entry for entry in names if entry not in state]
        if missing:
            raise ValueError(f"expected the entries {', '.join(names)}, got none of the name {missing[0]}")
        values, mask, signs = (state[entry].double().cpu().numpy() for entry in names)
        edges = mask != 0
        if mode != "off":
            values, edges = np.abs(values) * np.sign(signs), np.sign(signs) * edges
        weights[kind] = values * (mask != 0), edges.astype(float)
        used |= set(names)
    return weights, used


def _of_blocks(
    network: "MultiRegionRNN", state: Mapping[str, Tensor]
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], set[str]]:
    """Effective weights and signs of generation 1, by kind, and the names of their entries. Raises ValueError."""
    weights, used = {}, set()
    prefix = _block_prefix(network, state)
    for kind, sources in (("recurrent", network.hid_regions), ("input", network.inp_regions)):
        part, mode = (network.recurrent, network.dale) if kind == "recurrent" else (network.input, network.dale_input)
        signs = part.sign_matrix().cpu().numpy().astype(float)
        values = np.zeros(signs.shape)
        for source in sources:
            for target in network.hid_regions:
                block = np.ix_(*(network[name].units.cpu().numpy() for name in (target, source)))
                if not signs[block].any():
                    continue
                name = f"{prefix}{source}_{target}"
                values[block] = _block(name, state, signs[block], None if mode == "off" else network.bounds)
                used.add(name)
        weights[kind] = values, signs
    return weights, used


def _block_prefix(network: "MultiRegionRNN", state: Mapping[str, Tensor]) -> str:
    """What precedes the names of blocks, as `rnn.`. Raises ValueError where there is no block."""
    sources = [*network.hid_regions, *network.inp_regions]
    ends = [f"{source}_{target}" for source in sources for target in network.hid_regions]
    prefixes = [name.removesuffix(end) for name in state for end in ends if name == end or name.endswith(f".{end}")]
    if not prefixes:
        raise ValueError(f"expected W_rec, or blocks such as {ends[0]}, got {', '.join(list(state)[:5]) or 'none'}")
    return prefixes[0]


def _block(
    name: str, state: Mapping[str, Tensor], signs: np.ndarray, bounds: tuple[float, float] | None
) -> np.ndarray:
    """The effective weights of one block of generation 1. Raises ValueError."""
    if name not in state:
        raise ValueError(f"expected a block {name}, as the network has that connection, got none")
    if not signs.all():
        raise ValueError(f"{name}: expected a connection without sparsity, as generation 1 does not save its masks, "
                         f"got {int((signs == 0).sum())} absent edges")  # fmt: skip
    values = state[name].double().cpu().numpy()
    if values.shape != signs.shape:
        raise ValueError(f"{name}: expected shape {signs.shape}, got {values.shape}")
    return values if bounds is None else values.clip(*bounds) * signs
