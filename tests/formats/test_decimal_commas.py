"""Numbers with a decimal comma, as R's write.csv2 and spreadsheets write them: the network is that with points."""

import gzip

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome

NAMES = ["A", "B", "C", "D"]
DENSE = np.array([[0, 1.5, -2.25, 0], [0, 0, 3, 1e-3], [4, 0, 0, 12345.5], [0.5, 0, 0, 0]])
FRAME = pd.DataFrame(DENSE, NAMES, NAMES)
EDGES = pd.DataFrame(
    [(NAMES[pre], NAMES[post], DENSE[pre, post]) for pre, post in zip(*DENSE.nonzero(), strict=True)],
    columns=["pre", "post", "weight"],
)


def dense(connectome):
    """(N, N) weights, rows presynaptic."""
    matrix = np.zeros((connectome.n, connectome.n))
    matrix[connectome.pre, connectome.post] = connectome.weights
    return matrix


FORMS = {
    "R's write.csv2 of edges": EDGES.to_csv(sep=";", decimal=",", quotechar='"', quoting=2),
    "edges": EDGES.to_csv(sep=";", decimal=",", index=False),
    "edges with tabs": EDGES.to_csv(sep="\t", decimal=",", index=False),
    "edges with spaces": EDGES.to_csv(sep=" ", decimal=",", index=False),
    "numbers in quotes": EDGES.astype(str).replace(r"\.", ",", regex=True).to_csv(sep=";", index=False, quoting=1),
    "matrix": FRAME.to_csv(sep=";", decimal=","),
    "R's write.csv2 of a matrix": FRAME.to_csv(sep=";", decimal=",", quoting=2),
    "Excel's line": "sep=;\r\n" + FRAME.to_csv(sep=";", decimal=","),
    "numbers alone": FRAME.to_csv(sep=";", decimal=",", header=False, index=False),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", ["none", "UTF-16", "gzip"])
def test_a_decimal_comma_is_a_point(tmp_path, form, packing):
    text = FORMS[form].encode("utf-16" if packing == "UTF-16" else "utf-8")
    (tmp_path / "m.csv").write_bytes(gzip.compress(text) if packing == "gzip" else text)
    network = read_connectome(tmp_path / "m.csv")
    assert (dense(network) == DENSE).all()
    assert network.names.tolist() == (["0", "1", "2", "3"] if form == "numbers alone" else NAMES)
    assert "decimal comma" in "".join(part.use for part in parts_of(network.provenance))


def test_many_rows_are_those_with_points(tmp_path):
    rng = np.random.default_rng(0)
    ends = {end: rng.integers(0, 40, 60_000) for end in ("pre", "post")}
    rows = pd.DataFrame({**ends, "weight": rng.random(60_000)})
    rows.to_csv(tmp_path / "points.csv", index=False)
    rows.to_csv(tmp_path / "commas.csv", index=False, sep=";", decimal=",")
    with_points, with_commas = (read_connectome(tmp_path / f"{name}.csv") for name in ("points", "commas"))
    assert (dense(with_points) == dense(with_commas)).all()


@pytest.mark.parametrize(
    ("rows", "text"),
    [("A;B;1,500\nB;A;2,000\n", "no other separators"),  # 1500 or 1.5
     ("A;B;1.234,5\nB;A;2\n", "no other separators"),
     ("A;B;1,5\nB;A;2.5\n", "no other separators"),
     ("A;B;1,5\n" * 30 + "B;A;2.500\n", "got '2.500', in which the point may mark thousands")],
)  # fmt: skip
def test_marks_that_may_be_of_thousands_are_refused(tmp_path, rows, text):
    (tmp_path / "m.csv").write_text("pre;post;weight\n" + rows)
    with pytest.raises(FormatError, match=text):
        read_connectome(tmp_path / "m.csv")


def test_lists_of_numbers_are_texts(tmp_path):
    (tmp_path / "edges.tsv").write_text("pre\tpost\tweight\nA\tB\t3\nB\tC\t2\nC\tA\t1\n")
    (tmp_path / "types.tsv").write_text("id\ttype\tlayers\nA\tx\t1,2\nB\tx\t1,2\nC\ty\t1,2,3\n")
    network = read_connectome(tmp_path / "edges.tsv", options=Options(labels=tmp_path / "types.tsv"))
    assert network.labels["layers"].tolist() == ["1,2", "1,2", "1,2,3"]
