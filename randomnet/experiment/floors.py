"""What the comparisons of a grid with its null models will be able to show, said before the runs start."""

from collections.abc import Iterator, Sequence
from typing import Any

from randomnet.comparison import significance
from randomnet.comparison.study import REFERENCE_VALUES, canonical
from randomnet.experiment.redrawing import is_redrawn
from randomnet.schema.plan import Plan


def smallest_p(plan: Plan, facts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for each null: how it will be compared with the network itself, and the least p of that.

    facts: of the network of iteration 0, one entry per combo. A null that the grid does not vary is compared with as
    many iterations of the network in another folder. Nothing where the grid varies the null and lacks the network.
    """
    options = [name for name in plan.varied if name.split(".")[-1] in REFERENCE_VALUES]
    if not options and plan.config.null != "none":
        base, of_null = (
            {is_redrawn(about, combo.config, with_null) for combo, about in zip(plan.combos, facts, strict=True)}
            for with_null in (False, True)
        )
        yield f"null = {plan.config.null}: {_text(base, of_null, plan.config.trainvalidate.iterations)}"
    for option in options:
        redrawn: dict[Any, set[bool]] = {}
        for combo, about in zip(plan.combos, facts, strict=True):
            redrawn.setdefault(canonical(combo.values[option]), set()).add(is_redrawn(about, combo.config))
        names = {canonical(combo.values[option]): combo.values[option] for combo in plan.combos}
        base = redrawn.pop(canonical(REFERENCE_VALUES[option.split(".")[-1]]), None)
        for value, of_null in redrawn.items():
            if not base:
                break
            yield f"{option} = {names[value]}: {_text(base, of_null, plan.config.trainvalidate.iterations)}"


def _text(base: set[bool], of_null: set[bool], n: int) -> str:
    """What n iterations can show, by whether the network and the null are redrawn in each of them."""
    if len(base | of_null) == 1 and True in base:
        return _floor(f"{n} pair{'s' * (n != 1)}", significance.smallest_sign_flip_p(n), significance.PAIRS_NEEDED)
    if base == {False} and of_null == {True}:
        text = f"{n} draw{'s' * (n != 1)} against one network"
        return _floor(text, significance.smallest_rank_p(n), significance.DRAWS_NEEDED)
    if base == of_null == {False}:
        return "one network against one network: no p"
    return "some networks are redrawn and others are not: tests.csv says how each cell is compared"


def _floor(text: str, least: float, needed: int) -> str:
    more = f"; p < .05 needs {needed}" if least > significance.ALPHA else ""
    return f"{text}: smallest p {least:.2g}{more}" if least < 1 else f"{text}: no p{more}"
