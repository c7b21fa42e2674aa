"""Networks that are drawn one by one: those of the first iteration of each combo."""

from collections.abc import Callable, Iterator

import numpy as np

from randomnet.comparison import combo_texts
from randomnet.comparison.study import Combo, Study
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import arrays_by_iteration, say

ByIteration = Callable[[Combo], Iterator[tuple[int, dict[str, np.ndarray]]]]
MOST = 12  # networks drawn one by one, at most


def example_networks(
    study: Study, prefix: str, needed: str, read: ByIteration = arrays_by_iteration
) -> Iterator[tuple[str, str, Combo, dict[str, np.ndarray]]]:
    """File stem, title, combo and arrays of the first combos whose arrays include `needed`.

    read: which arrays of a combo's runs, with their iterations. The title names the iteration. A console line says how
    many combos are left out.
    """
    options = varied_options(study, study.combos)
    labels = {combo.label for combo in study.combos}
    count = 0
    for combo in study.combos[:MOST]:
        iteration, arrays = next(read(combo), (0, {}))
        if needed not in arrays:
            continue
        count += 1
        values = [f"{name} = {combo_texts.value_text(combo, name)}" for name in options]
        title = [combo_texts.legend_text(combo.label, [combo.connectome]), *values, f"iteration\u00a0{iteration}"]
        written = (combo_texts.written_value(combo, name, study.combos) for name in options)
        stem = [prefix, *[combo.label] * (len(labels) > 1), *written]
        yield "_".join(stem), ", ".join(filter(None, title)), combo, arrays
    if count and len(study.combos) > MOST:
        say(f"{prefix}: drawn for the first {MOST} of {len(study.combos)} combos; --filter selects others")
