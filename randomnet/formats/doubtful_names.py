"""Names of neurons that may be none: sums of a spreadsheet in its last row and column, and names that look alike."""

import unicodedata

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError
from randomnet.formats.tables.cells import shown

TOTALS = ("total", "totals", "grand total", "sum", "sums", "all", "summe", "gesamt", "gesamtergebnis", "insgesamt",
          "suma", "total general", "somme", "totale", "σ", "∑")  # fmt: skip
LEAST, MOST_EDGES = 3, 5_000_000  # neurons whose sums may be chance, and edges above which only names count
ROUNDING = 1e-6  # of totals, relative
MOST_NAMED = 3  # pairs of names in a note


def refuse_totals(names: np.ndarray, pre: np.ndarray, post: np.ndarray, weights: np.ndarray, file: object) -> None:
    """Raise FormatError for a neuron with a name such as Total whose weights are the sums of all others.

    names: (N,) texts. pre, post, weights: (E,), indices into names, and the weights of the file.
    """
    n = len(names)
    named = [place for place, name in enumerate(names.tolist()) if name.strip().lower() in TOTALS]
    last = [n - 1] if n > LEAST and len(weights) <= MOST_EDGES else []  # whatever its name is
    for index in [*named, *last]:
        ways, has_total = _sums(index, n, pre, post, weights)
        if (ways or has_total) if index in named else (ways == 2 and has_total):
            actual = f"{shown(names[index])!r}, whose weights are the sums of the others: delete its row and its column"
            raise FormatError(f"{file}: expected neurons, got {actual}")


def _sums(index: int, n: int, pre: np.ndarray, post: np.ndarray, weights: np.ndarray) -> tuple[int, bool]:
    """In how many directions the weights of a neuron are sums of those of all others, and whether that with itself is.

    They are none where the weights of one direction are others.
    """
    is_other = (pre != index) & (post != index)
    ways = 0
    for end, other in ((pre, post), (post, pre)):
        is_own = (end == index) & (other != index)
        if is_own.any():
            totals = np.bincount(other[is_own], weights[is_own], n)
            if not np.allclose(totals, np.bincount(other[is_other], weights[is_other], n), rtol=ROUNDING):
                return 0, False
            ways += 1
    itself = weights[(pre == index) & (post == index)].sum()
    return ways, bool(itself and is_other.any() and np.isclose(itself, weights[is_other].sum(), rtol=ROUNDING))


def alike(names: np.ndarray) -> list[Part]:
    """A part that names the neurons whose names differ in case, accents, spaces or invisible characters alone."""
    if not len(names) or bool(np.char.isdigit(names).all()):
        return []
    groups: dict[str, list[str]] = {}
    for name in names.tolist():
        groups.setdefault(_plain(name), []).append(name)
    several = [group for group in groups.values() if len(group) > 1]
    examples = "; ".join(" and ".join(map(_visible, group)) for group in several[:MOST_NAMED])
    note = f"{len(several):,} groups look alike and stay apart: {examples}" + "; ..." * (len(several) > MOST_NAMED)
    return [Part("names of neurons", "as in the file", note)] * bool(several)


def _plain(name: str) -> str:
    """The name without accents, spaces and invisible characters, in lower case."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf", "Zs"))


def _visible(name: str) -> str:
    """The name with escapes for letters that are not ASCII."""
    return shown(name.encode("ascii", "backslashreplace").decode())
