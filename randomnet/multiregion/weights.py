"""Effective weights of trained values: signs, bounds and edges that hold whatever the optimiser does.

| mode     | effective weight               | V starts at | where it cannot move                                       |
|----------|--------------------------------|-------------|------------------------------------------------------------|
| abs      | sign bounded(|V|)              | |W|         | nowhere; V may change sign, the weight may not             |
| relu     | sign bounded(max(V, 0))        | |W|         | V < 0 gets no gradient, see `MultiRegionRNN.dead_weights`  |
| softplus | sign bounded(ln(1 + e^V))      | its inverse | nowhere; a weight is never exactly 0                       |
| clamp    | sign bounded(V)                | |W|         | nowhere; V itself is cut back by `MultiRegionRNN.project`  |
| off      | V                              | W           | nowhere; neither signs nor bounds                          |

bounded cuts to low..high, the sign is the edge's, and without an edge the weight is 0 in every mode. Where weights are
trained as a scale, V is that of the scale, which starts at 1, and its magnitude times |W| is what is bounded. The modes
are mRNNTorch's; its hardtanh and relu kept weights at a bound for ever, and its mode off dropped the masks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.rnn import Coupling, Dense, Pattern, Sparse

# mode -> (magnitude before the bounds, of V; V of a magnitude); None: neither signs nor bounds
DALE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray]] | None] = {
    # of torch.abs and torch.relu the slope at 0 is 0, so that a weight once there could never leave
    "abs": (lambda values: torch.where(values < 0, -values, values), lambda size: size),
    "relu": (lambda values: torch.where(values < 0, 0, values), lambda size: size),
    "softplus": (
        lambda values: torch.logaddexp(values, torch.zeros_like(values)),
        lambda size: size + np.log(-np.expm1(-np.maximum(size, 1e-6))),  # ln(e^size - 1), without overflow
    ),
    "clamp": (lambda values: values, lambda size: size),
    "off": None,
}


@dataclass(frozen=True)
class Edges:
    """From columns to rows of a matrix of a shape: post, pre (E,) int64, sorted by post then pre; weights, signs (E,).

    fixed: (E,) bool, which are not trained. pairs: (E,) int64, of which of the named pairs of regions each is, where
    these have a scale that is trained in place of the weights; pair_names: () where they have not.
    """

    shape: tuple[int, int]
    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray
    signs: np.ndarray
    fixed: np.ndarray
    pairs: np.ndarray | None = None
    pair_names: tuple[str, ...] = ()


class Weights(nn.Module):
    """The weights of edges as a matrix (rows, columns), or where `listed` as a list (E,); called, it gives them.

    values: V of what is trained, all of the matrix or list, or the ones at `places` in it, counted row by row; the
    others are `held`. Of fixed weights values is a buffer, and where scales (P,), one for each of pair_names, are
    trained it is the weights that they multiply. signs: 0 in a matrix without an edge. edges: (2, E), post and pre, of
    a list.
    """

    edges: Tensor | None
    signs: Tensor
    values: Tensor
    scales: nn.Parameter | None
    pairs: Tensor | None
    held: Tensor | None
    places: Tensor | None

    def __init__(
        self,
        edges: Edges,
        mode: str,
        bounds: tuple[float, float],
        listed: bool,
        device: torch.device | str | None,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.mode, self.bounds, self.shape, self.pair_names = mode, bounds, edges.shape, edges.pair_names
        rows, columns = edges.shape
        ends = np.stack([edges.post, edges.pre])
        self.register_buffer("edges", torch.tensor(ends, device=device) if listed else None)
        self.pattern = Pattern(edges.post, edges.pre, rows).to(device) if listed else None

        def stored(values: np.ndarray, kind: torch.dtype = dtype) -> Tensor:
            if not listed:
                matrix = np.zeros(edges.shape, values.dtype)
                matrix[edges.post, edges.pre] = values
                values = matrix
            return torch.tensor(values, device=device, dtype=kind)

        self.register_buffer("signs", stored(edges.signs))
        sizes = edges.weights if DALE[mode] is None else np.abs(edges.weights).clip(*bounds)
        values, scales, tensors = stored(_inverse(mode, sizes)), None, dict.fromkeys(("pairs", "held", "places"))
        if edges.pair_names:
            one = _inverse(mode, np.ones(len(edges.pair_names)))
            values, scales = stored(sizes), nn.Parameter(torch.tensor(one, device=device, dtype=dtype))
            tensors["pairs"] = stored(np.where(edges.fixed, 0, edges.pairs + 1), torch.int32)  # 0: not scaled
        elif edges.fixed.any() and not edges.fixed.all():
            free = np.flatnonzero(~edges.fixed)
            tensors["held"] = values
            tensors["places"] = torch.tensor(free if listed else ends[0, free] * columns + ends[1, free], device=device)
            values = values.flatten()[tensors["places"]]
        if edges.pair_names or (edges.fixed.any() and edges.fixed.all()):
            self.register_buffer("values", values)
        else:
            self.values = nn.Parameter(values)
        self.register_parameter("scales", scales)
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self) -> Tensor:
        """Effective weights as they are stored, differentiable."""
        values = self.values
        if self.held is not None:
            values = self.held.flatten().index_copy(0, self.places, values).view_as(self.held)
        if self.scales is None:
            return effective(values, self.signs, self.mode, self.bounds)
        scales = self.scales if DALE[self.mode] is None else DALE[self.mode][0](self.scales)
        factors = torch.cat([torch.ones_like(scales[:1]), scales])
        values = values * factors.index_select(0, self.pairs.flatten()).view_as(values)
        return signed(values, self.signs, self.mode, self.bounds)

    def matrix(self) -> Tensor:
        """The effective weights (rows, columns), differentiable."""
        weights = self()
        if self.edges is None:
            return weights
        rows, columns = self.shape
        flat = weights.new_zeros(rows * columns).index_copy(0, self.edges[0] * columns + self.edges[1], weights)
        return flat.view(rows, columns)

    def coupling(self) -> Coupling:
        """Products with the effective weights, which are square; differentiable in them."""
        return Dense(self()) if self.pattern is None else Sparse(self(), self.pattern)

    def listed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """post, pre, effective weights and signs (E,) as arrays, sorted by post, then pre."""
        weights, signs = self().detach().double().cpu().numpy(), self.signs.cpu().numpy()
        if self.edges is not None:
            return (*self.edges.cpu().numpy(), weights, signs)
        post, pre = np.nonzero(signs)
        return post, pre, weights[post, pre], signs[post, pre]

    @torch.no_grad()
    def project(self) -> None:
        """Cut V of mode clamp back to the bounds, and scales to 0."""
        if self.mode != "clamp":
            return
        if self.scales is not None:
            self.scales.clamp_(min=0)
        elif isinstance(self.values, nn.Parameter):
            edges = self.signs.abs() if self.values.shape == self.signs.shape else 1
            self.values.copy_(self.values.clamp(*self.bounds) * edges)

    def dead(self) -> int:
        """How many of what is trained no gradient can move."""
        trained = list(self.parameters())
        return int((trained[0] < 0).sum()) if self.mode == "relu" and trained else 0

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *others: Any) -> None:
        """Another seed may have drawn another number of edges, which are part of the checkpoint."""
        for name, tensor in (*self.named_parameters(), *self.named_buffers(recurse=False)):
            came = state.get(prefix + name)
            if name != "scales" and came is not None and tensor.ndim == came.ndim and self._counts_edges(name):
                tensor.data = tensor.new_empty(came.shape)
        super()._load_from_state_dict(state, prefix, *others)
        if self.edges is not None and not self.edges.is_meta:
            post, pre = self.edges.cpu().numpy()
            self.pattern = Pattern(post, pre, self.shape[0]).to(self.edges.device)

    def _counts_edges(self, name: str) -> bool:
        return self.edges is not None or name == "places" or (name == "values" and self.held is not None)


def _inverse(mode: str, sizes: np.ndarray) -> np.ndarray:
    """V of magnitudes, or in mode off of weights."""
    return sizes if DALE[mode] is None else DALE[mode][1](sizes)


def effective(values: Tensor, signs: Tensor, mode: str, bounds: tuple[float, float]) -> Tensor:
    """The weights of V, differentiable; all of one shape, signs 1, -1, or 0 without an edge."""
    return signed(values if DALE[mode] is None else DALE[mode][0](values), signs, mode, bounds)


def signed(sizes: Tensor, signs: Tensor, mode: str, bounds: tuple[float, float]) -> Tensor:
    """The weights of magnitudes, or in mode off of weights."""
    return sizes * signs.abs() if DALE[mode] is None else signs * _Bounded.apply(sizes, *bounds)


class _Bounded(torch.autograd.Function):
    """Clamped to low..high; the gradient passes but where, at a bound or beyond, its step would lead further out.

    Forwards, a tangent that leads further out is 0 in the same places.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(values, low, high):  # noqa: ANN205
        return values.clamp(low, high)

    @staticmethod
    def setup_context(ctx, inputs, output):  # noqa: ANN205
        values, *ctx.bounds = inputs
        ctx.save_for_backward(values)
        ctx.save_for_forward(values)

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        return _inwards(*ctx.saved_tensors, *ctx.bounds, adjoint, -adjoint), None, None

    @staticmethod
    def jvp(ctx, tangent, *_):  # noqa: ANN205
        return _inwards(*ctx.saved_tensors, *ctx.bounds, tangent, tangent)


def _inwards(values: Tensor, low: float, high: float, moved: Tensor, direction: Tensor) -> Tensor:
    """`moved`, 0 where at a bound or beyond the direction leads further out."""
    outwards = ((values <= low) & (direction < 0)) | ((values >= high) & (direction > 0))
    return moved.masked_fill(outwards, 0)
