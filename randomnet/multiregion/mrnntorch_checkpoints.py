"""Checkpoints of mRNNTorch: their weights, masks and signs, put into a network with the same regions.

    generation 2    W_rec, W_rec_mask, W_rec_sign_matrix and W_inp, ..., whole matrices, after any prefix
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


def load_mrnntorch(
    network: "MultiRegionRNN", checkpoint: str | Path | Mapping[str, Any], prefix: str | None = None
) -> dict[str, Tensor]:
    """Load a checkpoint of mRNNTorch, a file or a state_dict; return its other entries, as those of a readout.

    The network has the regions of the checkpoint's, in their order; the masks and signs are the checkpoint's. A
    state_dict may also stand beside other things under a key of its own. prefix: which network, as `actor`, where a
    model has several. Raises ValueError for a file that is no state_dict, for other sizes, for missing entries, for
    weights beyond the bounds, and for a generation 1 checkpoint of sparse connections, whose masks are lost.
    """
    state, where = _read(checkpoint)
    try:
        start, of_matrices = _prefix(network, state, prefix)
        weights, used = (_of_matrices if of_matrices else _of_blocks)(network, state, start)
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
    state = _state_dict(checkpoint) if isinstance(checkpoint, Mapping) else {}
    if not state:
        raise ValueError(f"{where}: expected a state_dict, names and tensors, got a {type(checkpoint).__name__}")
    return state, where


def _state_dict(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, those of state_dicts within it too; the only one's have the names that it has."""
    own = {name: value for name, value in checkpoint.items() if isinstance(value, Tensor)}
    within = {name: {key: part for key, part in value.items() if isinstance(part, Tensor)}
              for name, value in checkpoint.items() if isinstance(value, Mapping)}  # fmt: skip
    within = {name: tensors for name, tensors in within.items() if tensors}
    if not own and len(within) == 1:
        return next(iter(within.values()))
    return own | {f"{name}.{key}": part for name, tensors in within.items() for key, part in tensors.items()}


def _prefix(network: "MultiRegionRNN", state: Mapping[str, Tensor], chosen: str | None) -> tuple[str, bool]:
    """What precedes the names of the network's entries, as `rnn.`, and whether they are of generation 2.

    Raises ValueError where there is no network, or several and none is chosen.
    """
    matrices = [name.removesuffix("W_rec") for name in state if f".{name}".endswith(".W_rec")]
    found = matrices or _block_prefixes(network, state)
    if chosen is not None:
        wanted = f"{chosen.removesuffix('.')}." if chosen else ""
        if wanted not in found:
            raise ValueError(f"prefix: expected one of {', '.join(map(repr, found))}, got {chosen!r}")
        return wanted, bool(matrices)
    if len(found) > 1:
        raise ValueError(f"expected one network, got {', '.join(map(repr, found))}; choose one of them with prefix=")
    return found[0], bool(matrices)


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
    network: "MultiRegionRNN", state: Mapping[str, Tensor], prefix: str
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], set[str]]:
    """Effective weights and signs of generation 1, by kind, and the names of their entries. Raises ValueError."""
    weights, used = {}, set()
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


def _block_prefixes(network: "MultiRegionRNN", state: Mapping[str, Tensor]) -> list[str]:
    """What precedes the names of blocks, as `rnn.`, for each network. Raises ValueError where there is no block."""
    sources = [*network.hid_regions, *network.inp_regions]
    ends = [f"{source}_{target}" for source in sources for target in network.hid_regions]
    prefixes = [name.removesuffix(end) for name in state for end in ends if f".{name}".endswith(f".{end}")]
    if not prefixes:
        raise ValueError(f"expected W_rec, or blocks such as {ends[0]}, got {', '.join(list(state)[:5]) or 'none'}")
    return list(dict.fromkeys(prefixes))


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
