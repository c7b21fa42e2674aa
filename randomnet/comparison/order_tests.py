"""Whether a network comes before or after its controls in a quantity that may lie beyond what was measured.

OrderTest     the p of an order, and what it is from
order_test    of a network and one control
orders_text   the controls that come after the network, those before it, and those that cannot be told
on_p          what the p of several controls are, and what a correction leaves

Values beyond the measured range are infinite, such as epochs of a training that ended before its criterion. They have
an order, so ranks and signs are tested, not means.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison import significance
from randomnet.comparison.network_identity import FIXED, REDRAWN

DRAWS, PAIRS = "draws", "pairs"


class OrderTest(NamedTuple):
    """A test of the order of a network and a control.

    n: draws among which the network is ranked, or pairs. p: None without a test. order: -1 where the network comes
    first, 1 where it comes last, 0 where that cannot be told.
    """

    n: int
    unit: str
    p: float | None
    smallest: float
    order: int


def order_test(origins: Sequence[str], own: float, network: pd.Series, control: pd.Series) -> OrderTest:
    """The test of values by iteration. own: the value of the network where it is one and the same in all iterations.

    One network has a rank among draws of its control. Networks that are redrawn are compared in pairs of equal
    iterations, by the sign of the difference.
    """
    if list(origins) == [FIXED, REDRAWN]:
        draws, n = control.to_numpy(dtype=float), len(control)
        p = significance.rank_p(own, draws) if n else None
        return OrderTest(n, DRAWS, p, significance.smallest_rank_p(n), _order(p, (draws > own) * 1 - (draws < own)))
    if FIXED in origins:
        return OrderTest(len(control), DRAWS, None, 1.0, 0)
    common = network.index.intersection(control.index)
    a, b = (values.loc[common].to_numpy(dtype=float) for values in (network, control))
    signs = (b > a) * 1.0 - (b < a)
    p = significance.sign_flip_p(signs) if len(signs) > 1 else None
    return OrderTest(len(signs), PAIRS, p, significance.smallest_sign_flip_p(len(signs)), _order(p, signs))


def _order(p: float | None, signs: np.ndarray) -> int:
    return 0 if p is None or p > significance.ALPHA else -int(np.sign(signs.sum()))


def orders_text(tests: Mapping[str, OrderTest], before: str, after: str, unknown: str) -> str:
    """Such as `is faster than A and B; it is slower than C; it cannot be told from D`."""
    texts = {-1: before, 1: after, 0: unknown}
    names = {order: [name for name, test in tests.items() if test.order == order] for order in texts}
    return "; it ".join(f"{text} {listed(names[order])}" for order, text in texts.items() if names[order])


def on_p(tests: Sequence[OrderTest], quantity: str) -> Iterator[str]:
    """What each p is of, whether so few networks allow a small one, and what Holm's correction leaves."""
    tested = [test for test in tests if test.p is not None]
    if not tested:
        return
    first, m = max(tested, key=lambda test: test.smallest), len(tested)
    of = "the network's rank in" if first.unit == DRAWS else "the sign of the difference in"
    over = "among" if first.unit == DRAWS else "over"
    text = f"Each p is from {of} {quantity} {over} {first.n} {first.unit}"
    if m * first.smallest > significance.ALPHA:
        few = f", which allow no p below {first.smallest:.2g}" if first.smallest > significance.ALPHA else ""
        needed = f"Holm's correction for {m} controls needs" if m > 1 else "0.05 needs"
        yield f"{text}{few}; {needed} {_needed(first.unit, m)}."
        return
    count = int((significance.holm(np.array([test.p for test in tested])) <= significance.ALPHA).sum())
    holm = f"; with Holm's correction for {m} controls, p is at most 0.05 in {count or 'none'}" if m > 1 else ""
    yield f"{text}{holm}."


def _needed(unit: str, controls: int) -> int:
    """Fewest draws or pairs for which p times the number of controls can be ALPHA."""
    level = significance.ALPHA / controls
    return math.ceil(2 / level - 1e-9) - 1 if unit == DRAWS else 1 + math.ceil(-math.log2(level) - 1e-9)


def p_text(test: OrderTest) -> str:
    """The p of a test, or why there is none."""
    return "one network of each kind: no p" if test.p is None else f"p = {test.p:.2g}"


def listed(names: Sequence[str], word: str = "and") -> str:
    """Such as `A, B and C`."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]
