"""Connectivity kernels, the blocks that have them, and their limits."""

import dataclasses
import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

KERNELS: dict[str, tuple[str, ...]] = {  # name -> parameters that it reads
    "uniform": (),
    "cosine": ("kappa", "phase"),
    "spec": ("kappa", "phase"),
    "von_mises": ("kappa", "phase"),
    "low_rank": ("kappa",),
    "gaussian": (),
}
RING = ("cosine", "spec", "von_mises")


def expect_name(value: object, names: Collection[str]) -> str:
    """The end of an error message about an unknown name: the known names, the value, and the nearest name."""
    nearest = difflib.get_close_matches(str(value), list(names), n=1)
    return f"one of {', '.join(names)}, got {value!r}" + (f" (did you mean {nearest[0]}?)" if nearest else "")


def check_number(name: str, value: object, expected: str = "a finite number", minimum: float = -math.inf) -> None:
    """Raise ValueError unless the value is a finite number of at least the minimum."""
    is_bool, number_types = isinstance(value, bool), (int, float, np.integer, np.floating)
    if is_bool or not (isinstance(value, number_types) and math.isfinite(value) and value >= minimum):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")


@dataclass(frozen=True)
class Kernel:
    """The probability (sparse) or strength (all-to-all) of a block's connections, relative to their mean.

    name: uniform, P = 1; cosine, 1 + kappa cos d; spec, 1 + kappa / sqrt(K) cos d; von_mises, exp(kappa cos d) over
    its mean; low_rank, 1 + kappa (xi1_i xi2_j + xi3_i xi4_j) / sqrt(K); gaussian: weights gain J N(0, 1) / sqrt(N_B).
    All-to-all there is no K: spec and low_rank then use kappa alone, so that their structured part, J kappa / N_B, is
    the same as in sparse blocks. d = 2 pi i / N_A - 2 pi j / N_B - phase, with the postsynaptic neuron i and the
    presynaptic neuron j. kappa: modulation; phase: degrees. Raises ValueError for a value that the kernel does not
    read.
    """

    name: str = "uniform"
    kappa: float = 0.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in KERNELS:
            raise ValueError(f"kernel: expected {expect_name(self.name, KERNELS)}")
        for name in ("kappa", "phase"):
            value = getattr(self, name)
            check_number(name, value)
            if value and name not in KERNELS[self.name]:
                raise ValueError(f"{name}: expected 0 as the kernel {self.name} does not read it, got {value!r}")


@dataclass(frozen=True)
class Block:
    """The block from presynaptic population b to postsynaptic population a (indices).

    name: post name, then pre name; n_post, n_pre: numbers of neurons; strength: gain J; k: mean in-degree, None for
    all-to-all; fixed: whether every in-degree is exactly K; without_self: whether self-connections are excluded (only
    where a = b); unsigned: whether weights of both signs are allowed.
    """

    name: str
    a: int
    b: int
    n_post: int
    n_pre: int
    strength: float
    kernel: Kernel
    k: float | None
    fixed: bool
    without_self: bool
    unsigned: bool

    @property
    def possible_inputs(self) -> int:
        """The number of presynaptic neurons from which a neuron may receive."""
        return self.n_pre - self.without_self

    @property
    def amplitude(self) -> float:
        """The factor of cos d, or of the sum over low-rank vectors."""
        if self.k is None or self.kernel.name not in ("spec", "low_rank"):
            return self.kernel.kappa
        return self.kernel.kappa / math.sqrt(self.k)

    @property
    def peak(self) -> float:
        """The largest possible P of two neurons on a ring: at d = 0 with kappa > 0."""
        positive = dataclasses.replace(self.kernel, kappa=abs(self.kernel.kappa))
        return float(dataclasses.replace(self, kernel=positive)._row(0.0)[0])

    @property
    def pattern_sum(self) -> float:
        """The sum of P over the possible inputs of a neuron, N_B."""
        if not self.without_self:
            return float(self.n_pre)
        # a low-rank P of a neuron onto itself depends on the draw; its mean 1 is used
        of_itself = self._row(-math.radians(self.kernel.phase))[0] if self.kernel.name in RING else 1.0
        return float(self.n_pre - of_itself)

    def pattern(self, structure: np.ndarray) -> np.ndarray:
        """P, (rows, n_pre); structure: cos d, or the sum over low-rank vectors, of the same shape."""
        if self.kernel.name != "von_mises":
            return 1 + self.amplitude * structure
        heights = self.kernel.kappa * structure
        bumps = np.exp(heights - heights.max(axis=1, keepdims=True))
        return bumps / bumps.mean(axis=1, keepdims=True)  # the mean is I0(kappa) if the neurons resolve the bump

    def _row(self, angle: float) -> np.ndarray:
        """P of all presynaptic neurons for a postsynaptic one at this angle minus the phase, in radians."""
        return self.pattern(np.cos(angle - ring(self.n_pre))[None])[0]


def ring(n: int) -> np.ndarray:
    """(n,): the angles of a population's neurons, in radians."""
    return 2 * np.pi * np.arange(n) / n


# ---- limits


def check_limits(block: Block, pre: str) -> None:
    """Raise ValueError where K, a probability or a weight's sign is out of bounds; pre: the presynaptic population."""
    kernel, where = block.kernel, f"kernels[{block.name!r}]"
    if block.k is not None and block.k > block.possible_inputs:
        raise ValueError(
            f"in_degree of {pre}: expected at most {block.possible_inputs}, the cells that a neuron may receive from "
            f"in {block.name}, got {block.k:g}"
        )
    if kernel.name == "gaussian" and (block.k is not None or not block.unsigned):
        raise ValueError(f"{where}: a gaussian kernel expected in_degree = None and unsigned = True, "
                         f"got in_degree {block.k} and unsigned = {block.unsigned}")  # fmt: skip
    if kernel.name in ("cosine", "spec"):
        _check_cosine(block, where)
    if block.pattern_sum < block.n_pre / 2:
        raise ValueError(
            f"{where}: expected at least half of the kernel's sum, {block.n_pre}, without self-connections, "
            f"got {block.pattern_sum:.4g}"
        )
    if block.k is not None and kernel.name in RING and block.k * block.peak > block.pattern_sum * (1 + 1e-12):
        raise ValueError(
            f"{where}: expected K max(P) <= {block.pattern_sum:.6g} so that no probability is above 1, "
            f"got {block.k:g} x {block.peak:.4g} = {block.k * block.peak:.6g}"
        )


def _check_cosine(block: Block, where: str) -> None:
    if block.n_pre == 1:
        raise ValueError(f"{where}: expected 2 presynaptic neurons or more, for a mean of 1, got 1")
    if abs(block.amplitude) > 1 and not (block.k is None and block.unsigned):
        bound = "sqrt(K)" if block.kernel.name == "spec" and block.k is not None else "1"
        alternative = ", or unsigned = True as weights change their sign" if block.k is None else ""
        raise ValueError(f"{where}: expected abs(kappa) <= {bound}{alternative}, got {block.kernel.kappa:g}")
