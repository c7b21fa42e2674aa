"""Labels of neurons from the columns that Janelia's datasets have, in flat files and in neuPrint."""

from collections.abc import Mapping

import numpy as np

from randomnet.formats.signs import UNKNOWN

# label -> columns, of which a neuron's label is the first that is not empty
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "class": ("class",),
    "sub_class": ("subclass",),
    "super_class": ("superclass",),
    "side": ("somaSide", "rootSide"),
    "hemilineage": ("hemilineage", "itoleeHl", "trumanHl"),
    "neuromere": ("somaNeuromere",),
}
SIDES: Mapping[str, str] = {
    **dict.fromkeys(("l", "lhs"), "left"),
    **dict.fromkeys(("r", "rhs"), "right"),
    **dict.fromkeys(("m", "middle", "midline"), "center"),
}


def first_texts(kind: str, columns: list[np.ndarray]) -> np.ndarray:
    """(N,) the first text of each neuron that is not empty, or `unknown`; sides are left, right or center.

    columns: (N,) texts of each column, at least one.
    """
    texts = np.full(len(columns[0]), "", dtype=object)
    for column in columns:
        texts = np.where(texts == "", column, texts)
    unique, index = np.unique(texts.astype(str), return_inverse=True)
    words = [word.strip() or UNKNOWN for word in unique.tolist()]
    if kind == "side":
        words = [SIDES.get(word.lower(), word.lower()) for word in words]
    return np.array(words, dtype=str)[index]
