"""The smallest p that a grid's comparisons with its null models can reach, printed before the runs start."""

from collections.abc import Iterator, Sequence
from typing import Any

from randomnet.comparison import significance
from randomnet.comparison.study import REFERENCE_VALUES, canonical
from randomnet.experiment.redraws import is_redrawn
from randomnet.schema.plan import Plan


def smallest_p(plan: Plan, facts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each null model: how it will be compared with the network itself, and the smallest p of that.

    facts: of the network of iteration 0, one entry per combo. A null that the grid does not vary is compared with as
    many iterations of the network in another folder. Empty where the grid varies the null without the network itself.
    """
    options = [name for name in plan.varied if name.split(".")[-1] in REFERENCE_VALUES]
    if not options and plan.config.null != "none":
        base, of_null = (
            {is_redrawn(each, combo.config, with_null) for combo, each in zip(plan.combos, facts, strict=True)}
            for with_null in (False, True)
        )
        yield f"null = {plan.config.null}: {_text(base, of_null, plan.config.trainvalidate.iterations)}"
    for option in options:
        redrawn: dict[Any, set[bool]] = {}
        for combo, combo_facts in zip(plan.combos, facts, strict=True):
            redrawn.setdefault(canonical(combo.values[option]), set()).add(is_redrawn(combo_facts, combo.config))
        names = {canonical(combo.values[option]): combo.values[option] for combo in plan.combos}
        base = redrawn.pop(canonical(REFERENCE_VALUES[option.split(".")[-1]]), None)
        for value, of_null in redrawn.items():
            if not base:
                break
            yield f"{option} = {names[value]}: {_text(base, of_null, plan.config.trainvalidate.iterations)}"


def _text(base: set[bool], of_null: set[bool], n: int) -> str:
    """Return how n iterations are compared, and the smallest p, by whether network and null are redrawn in each."""
    if len(base | of_null) == 1 and True in base:
        return _floor(f"{n} pair{'s' * (n != 1)}", significance.smallest_sign_flip_p(n), significance.PAIRS_NEEDED)
    if base == {False} and of_null == {True}:
        text = f"{n} draw{'s' * (n != 1)} against one network"
        return _floor(text, significance.smallest_rank_p(n), significance.DRAWS_NEEDED)
    if base == of_null == {False}:
        return "one network against one network: no p"
    return "some networks are redrawn and others are not: tests.csv says how each cell is compared"


def _floor(text: str, smallest: float, needed: int) -> str:
    more = f"; p < .05 needs {needed}" if smallest > significance.ALPHA else ""
    return f"{text}: smallest p {smallest:.2g}{more}" if smallest < 1 else f"{text}: no p{more}"
