"""One network, written in many formats by other programs, is one network: the same weights, signs and names."""

import bz2
import gzip
import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

from randomnet.formats import read_connectome

NAMES = ["ADAL", "AVAR", "DB1", "I2L", "RIA"]  # sorted, as lists of edges have them
DENSE = np.array(
    [[0, 3, 5, 0, 2], [0, 0, 2, 0, 0], [0, 0, 0, 7, 0], [1, 0, 0, 0, 2], [4, 0, 0, 0, 0]]
)  # rows presynaptic
TRANSMITTERS = ["Acetylcholine", "ACh", "GABA", "glutamate", "unc"]
FULL_NAMES = ["acetylcholine", "acetylcholine", "gaba", "glutamate", "unknown"]
SIGNS = np.array([1, 1, -1, -1, 1])  # by shiu
NEURONS = pd.DataFrame({"id": NAMES, "type": list("ababa"), "neurotransmitter": TRANSMITTERS})
FRAME = pd.DataFrame(DENSE, NAMES, NAMES)
PAIRS = [(NAMES[pre], NAMES[post], int(DENSE[pre, post])) for pre, post in zip(*DENSE.nonzero(), strict=True)]
EDGES = pd.DataFrame(PAIRS, columns=["pre", "post", "weight"])
WITH_TRANSMITTERS = EDGES.assign(nt_type=EDGES.pre.map(dict(zip(NAMES, TRANSMITTERS, strict=True))))


def graph():
    made = nx.DiGraph()
    for name, kind, transmitter in NEURONS.itertuples(index=False):
        made.add_node(name, type=kind, neurotransmitter=transmitter)
    for pre, post, weight in PAIRS:
        made.add_edge(pre, post, weight=weight)
    return made


def as_cells(texts):
    return np.array(texts, dtype=object)


def beside(write, name):
    """A writer of a matrix and a table of its neurons into a folder."""

    def both(folder):
        folder.mkdir()
        write(folder / name)
        NEURONS.to_csv(folder / "neurons.csv", index=False)

    return both


def csv_of(frame, **how):
    return frame.to_csv(index=False, **how)


def workbook(path):
    with pd.ExcelWriter(path) as book:
        EDGES.to_excel(book, sheet_name="edges", index=False)
        NEURONS.to_excel(book, sheet_name="neurons", index=False)


def mat73(path):
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        file["A"] = DENSE.T.astype(float)
        file["A"].attrs["MATLAB_class"] = np.bytes_("double")
        for name, values in (("names", NAMES), ("neurotransmitter", TRANSMITTERS)):
            codes = [np.array([[ord(each)] for each in text], np.uint16) for text in values]
            texts = [file.create_dataset(f"#refs#/{name}{number}", data=code) for number, code in enumerate(codes)]
            for text in texts:
                text.attrs["MATLAB_class"] = np.bytes_("char")
            file[name] = np.array([[text.ref for text in texts]], dtype=h5py.ref_dtype)
            file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


FORMS = {  # name -> (file, writer of it, packages)
    "edges as CSV": ("a.csv", csv_of(WITH_TRANSMITTERS), ""),
    "edges with tabs": ("a.tsv", csv_of(WITH_TRANSMITTERS, sep="\t"), ""),
    "R's write.csv2": ("a.csv", WITH_TRANSMITTERS.astype({"weight": float}).to_csv(sep=";", decimal=","), ""),
    "UTF-16 with tabs, as Excel writes it": ("a.txt", csv_of(WITH_TRANSMITTERS, sep="\t").encode("utf-16"), ""),
    "gzip in a bzip2": ("a.bz2", bz2.compress(gzip.compress(csv_of(WITH_TRANSMITTERS).encode())), ""),
    "a row per synapse": (
        "a.csv", csv_of(WITH_TRANSMITTERS.loc[EDGES.index.repeat(EDGES.weight)].drop(columns="weight")), ""),
    "parquet": ("a.parquet", lambda path: WITH_TRANSMITTERS.to_parquet(path), "pyarrow"),
    "feather": ("a.feather", lambda path: WITH_TRANSMITTERS.to_feather(path), "pyarrow"),
    "a workbook of edges and neurons": ("a.xlsx", workbook, "openpyxl"),
    "GraphML": ("a.graphml", lambda path: nx.write_graphml(graph(), path), ""),
    "GEXF": ("a.gexf", lambda path: nx.write_gexf(graph(), path), ""),
    "GML": ("a.gml", lambda path: nx.write_gml(graph(), path), ""),
    "JSON of records": ("a.json", WITH_TRANSMITTERS.to_json(orient="records"), ""),
    "JSON Lines": ("a.jsonl", WITH_TRANSMITTERS.to_json(orient="records", lines=True), ""),
    "node-link JSON": ("a.json", json.dumps(nx.node_link_data(graph())), ""),
    "adjacency JSON": ("a.json", json.dumps(nx.adjacency_data(graph())), ""),
    "Cytoscape JSON": ("a.cyjs", json.dumps(nx.cytoscape_data(graph())), ""),
    "npz": ("a.npz", lambda path: np.savez(path, W=DENSE, names=NAMES, neurotransmitter=TRANSMITTERS), ""),
    "MATLAB": ("a.mat", lambda path: scipy.io.savemat(
        path, {"A": DENSE, "names": as_cells(NAMES), "neurotransmitter": as_cells(TRANSMITTERS)}), ""),
    "MATLAB 7.3": ("a.mat", mat73, "h5py"),
    "matrix as CSV and neurons": ("a", beside(lambda path: FRAME.to_csv(path), "m.csv"), ""),
    "matrix as CSV2 and neurons": ("a", beside(lambda path: FRAME.to_csv(path, sep=";", decimal=","), "m.csv"), ""),
    "matrix as parquet and neurons": ("a", beside(lambda path: FRAME.to_parquet(path), "m.parquet"), "pyarrow"),
    "matrix as workbook and neurons": ("a", beside(lambda path: FRAME.to_excel(path), "m.xlsx"), "openpyxl"),
    "npy and neurons": ("a", beside(lambda path: np.save(path, DENSE), "m.npy"), ""),
    "np.savetxt and neurons": ("a", beside(lambda path: np.savetxt(path, DENSE), "m.txt"), ""),
    "Matrix Market and neurons": (
        "a", beside(lambda path: scipy.io.mmwrite(path, scipy.sparse.coo_matrix(DENSE)), "m.mtx"), ""),
    "edges without header and neurons": (
        "a", beside(lambda path: csv_of(EDGES, header=False, path_or_buf=path), "e.csv"), ""),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_same_network(tmp_path, form):
    name, content, needs = FORMS[form]
    for package in needs.split():
        pytest.importorskip(package)
    path = tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    network = read_connectome(path)
    assert network.names.tolist() == NAMES
    matrix = np.zeros((network.n, network.n))
    matrix[network.pre, network.post] = network.weights
    assert (matrix == DENSE * SIGNS[:, None]).all()
    assert network.signs.tolist() == SIGNS.tolist()
    assert network.labels["neurotransmitter"].tolist() == FULL_NAMES
    if "neurons" in form:
        assert network.labels["type"].tolist() == list("ababa")
