"""The description of a population network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from randomnet.synthetic.populations.kernels import Block, Kernel, check_limits, check_number, expect_name

# xi1 = xi2 and xi3 = xi4, standard normal: a symmetric structure of rank 2
SYMMETRIC = ((1.0, 1.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0))


@dataclass(frozen=True)
class Populations:
    """A network of populations. Raises ValueError naming the field, what was expected and what came.

    names, sizes: of the populations. couplings: block -> J_AB; block "EI" is the input of E from I; a missing block has
    no edges. in_degree: K of each presynaptic population; None: all-to-all. kernels: block -> Kernel, uniform where
    missing. gain: factor of every recurrent weight. fixed_in_degree: every neuron has exactly K inputs instead of K on
    average. self_connections: whether they are allowed. unsigned: whether a population may excite some populations and
    inhibit others.

    external: population -> J_A0. Its neurons have the drive sqrt(external_degree) external_rate J_A0, independent of
    the gain, or external_rate J_A0 where external_degree is None (all-to-all has no K). Missing populations have the
    drive 0. low_rank_means (4,), low_rank_covariance (4, 4): of a neuron's xi1 .. xi4; block AB reads xi1 and xi3 of A,
    xi2 and xi4 of B. By default xi1 = xi2 and xi3 = xi4 are independent and standard normal: symmetric, of rank 2.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    couplings: Mapping[str, float]
    in_degree: tuple[float, ...] | None
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    gain: float = 1.0
    external: Mapping[str, float] = field(default_factory=dict)
    external_rate: float = 0.0
    external_degree: float | None = None
    fixed_in_degree: bool = False
    self_connections: bool = False
    unsigned: bool = False
    low_rank_means: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    low_rank_covariance: tuple[tuple[float, ...], ...] = SYMMETRIC

    def __post_init__(self) -> None:
        _check_names_and_sizes(self)
        _check_numbers(self)
        _check_in_degree(self)
        _check_couplings(self)
        _check_low_rank(self)
        for block in self.blocks():
            check_limits(block, self.names[block.b])

    @property
    def n(self) -> int:
        """Number of neurons N."""
        return int(sum(self.sizes))

    def blocks(self) -> list[Block]:
        """The blocks that have a coupling, by postsynaptic, then presynaptic population."""
        pairs = [(a, b) for a in range(len(self.names)) for b in range(len(self.names))]
        return [self._block(a, b) for a, b in pairs if self.names[a] + self.names[b] in self.couplings]

    def _block(self, a: int, b: int) -> Block:
        name = self.names[a] + self.names[b]
        return Block(
            name,
            a,
            b,
            n_post=int(self.sizes[a]),
            n_pre=int(self.sizes[b]),
            strength=self.gain * self.couplings[name],
            kernel=self.kernels.get(name, Kernel()),
            k=None if self.in_degree is None else self.in_degree[b],
            fixed=self.fixed_in_degree,
            without_self=a == b and not self.self_connections,
            unsigned=self.unsigned,
        )


def _check_names_and_sizes(description: Populations) -> None:
    names, sizes = list(description.names), list(description.sizes)
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(f"names: expected at least one text, none empty and none twice, got {names}")
    valid = all(isinstance(size, Integral) and not isinstance(size, bool) and size >= 1 for size in sizes)
    if len(sizes) != len(names) or not valid:
        raise ValueError(f"sizes: expected {len(names)} whole numbers >= 1, one per population, got {sizes}")
    seen: dict[str, str] = {}
    for post in names:
        for pre in names:
            pair = f"{post} from {pre}"
            if seen.setdefault(post + pre, pair) != pair:
                raise ValueError(
                    f"names: expected names whose blocks can be told apart, "
                    f"got {post + pre!r} for both {seen[post + pre]} and {pair}"
                )


def _check_numbers(description: Populations) -> None:
    check_number("gain", description.gain, "a number >= 0", minimum=0)
    check_number("external_rate", description.external_rate)
    if description.external_degree is not None:
        check_number("external_degree", description.external_degree, "a number >= 0, or None", minimum=0)
    for name, value in description.external.items():
        if name not in description.names:
            raise ValueError(f"external: expected populations, {expect_name(name, description.names)}")
        check_number(f"external[{name!r}]", value)


def _check_in_degree(description: Populations) -> None:
    if description.in_degree is None:
        if description.fixed_in_degree:
            raise ValueError("fixed_in_degree: expected False where in_degree is None (all-to-all), got True")
        return
    if np.ndim(description.in_degree) != 1 or len(description.in_degree) != len(description.names):
        count = len(description.names)
        raise ValueError(f"in_degree: expected {count} numbers, one per population, got {description.in_degree}")
    for name, k in zip(description.names, description.in_degree, strict=True):
        check_number(f"in_degree of {name}", k, "a number > 0", minimum=np.nextafter(0, 1))
        if description.fixed_in_degree and k != int(k):
            raise ValueError(f"in_degree of {name}: expected a whole number as it is fixed, got {k!r}")


def _check_couplings(description: Populations) -> None:
    possible = [post + pre for post in description.names for pre in description.names]
    for name, value in description.couplings.items():
        if name not in possible:
            raise ValueError(f"couplings: expected blocks, {expect_name(name, possible)}")
        check_number(f"couplings[{name!r}]", value)
        check_number(f"couplings[{name!r}] times gain", value * description.gain)
    for name, kernel in description.kernels.items():
        if name not in description.couplings:
            known = expect_name(name, description.couplings)
            raise ValueError(f"kernels: expected blocks that have a coupling, {known}")
        if not isinstance(kernel, Kernel):
            raise ValueError(f"kernels[{name!r}]: expected a Kernel, got {kernel!r}")
    for pre in description.names if not description.unsigned else ():
        column = {post + pre: description.couplings.get(post + pre, 0.0) for post in description.names}
        if min(column.values()) < 0 < max(column.values()):
            came = ", ".join(f"{name} = {value:g}" for name, value in column.items() if value)
            raise ValueError(f"couplings: expected one sign for all that {pre} reaches, or unsigned = True, got {came}")


def _check_low_rank(description: Populations) -> None:
    means = np.asarray(description.low_rank_means, float)
    covariance = np.asarray(description.low_rank_covariance, float)
    if means.shape != (4,) or not np.isfinite(means).all():
        raise ValueError(f"low_rank_means: expected 4 finite numbers, got {description.low_rank_means}")
    if covariance.shape != (4, 4) or not np.isfinite(covariance).all() or (covariance != covariance.T).any():
        came = description.low_rank_covariance
        raise ValueError(f"low_rank_covariance: expected a symmetric 4 x 4 matrix, got {came}")
    smallest = np.linalg.eigvalsh(covariance)[0]
    if smallest < -1e-9 * np.abs(covariance).max():
        raise ValueError(f"low_rank_covariance: expected no negative eigenvalue, got {smallest:.3g}")
