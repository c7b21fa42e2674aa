"""Shapes of files that circulate, each with the network that must come out; the page of connectomes lists them."""

import bz2
import gzip
import importlib.util
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome
from tests.support.paths import ROOT

NAMES = ["AVAL", "AVAR", "DB1", "RIA", "PVC"]
WEIGHTS = {("AVAL", "AVAR"): 3, ("AVAL", "DB1"): 5, ("AVAR", "DB1"): 2, ("DB1", "RIA"): 7, ("RIA", "AVAL"): 1,
           ("PVC", "AVAL"): 4, ("RIA", "PVC"): 2}  # fmt: skip
GAPS = {("AVAL", "PVC"): 9, ("DB1", "AVAR"): 6}
TRANSMITTERS = dict(zip(NAMES, ["Ach", "acetylcholine", "GABA", "glut", "unc"], strict=True))
SIGNS = dict(zip(NAMES, [1, 1, -1, -1, 1], strict=True))  # by shiu
IDS = dict(zip(NAMES, [101, 102, 103, 720575940622838154, 205], strict=True))  # one is no float of 64 bits
LETTERS = {1: "E", -1: "I"}

ELECTRICAL = GAPS | {(post, pre): weight for (pre, post), weight in GAPS.items()}
ALL = {pair: WEIGHTS.get(pair, 0) + ELECTRICAL.get(pair, 0) for pair in WEIGHTS | ELECTRICAL}
BOTH_WAYS = {
    pair: WEIGHTS.get(pair, 0) + WEIGHTS.get(pair[::-1], 0)
    for pair in [*WEIGHTS, *(pair[::-1] for pair in WEIGHTS)]
}  # fmt: skip
REFUSED = "refused"


@dataclass(frozen=True)
class Shape:
    """One shape of file.

    name: what it is, for the page. read: what is read of it. file: its name. content: its text, its bytes, or a
    function that writes it to a path. needs: module that must be there. signed: weights with SIGNS. names: how neurons
    are called: NAMES, IDS, or by number. options: of the reader. expected: (pre, post) -> weight, or REFUSED.
    """

    name: str
    read: str
    file: str
    content: str | bytes | Callable
    needs: str = ""
    signed: bool = False
    names: str = "names"
    options: dict = field(default_factory=dict)
    expected: object = None


def rows(separator, header=(), cell=str, extra=lambda pre, post, weight: (), edges=None):
    """The edges as text, one line each."""
    lines = [separator.join(header)] * bool(header)
    for (pre, post), weight in (WEIGHTS if edges is None else edges).items():
        lines.append(separator.join(map(str, (cell(pre), cell(post), weight, *extra(pre, post, weight)))))
    return "\n".join(lines) + "\n"


def by_id(name):
    return str(IDS[name])


HEADER = ("pre", "post", "weight")
LIST = rows(",", HEADER)


def of_pre(values):
    return lambda pre, post, weight: (values[pre],)


def frame():
    matrix = pd.DataFrame(0, NAMES, NAMES)
    for (pre, post), weight in WEIGHTS.items():
        matrix.loc[pre, post] = weight
    return matrix


def typed(edges, word):
    return rows(",", edges=edges, extra=lambda *_: (word,))


def graph(networkx, **edge_attributes):
    made = networkx.DiGraph()
    for name in NAMES:
        made.add_node(name, cell_class="class", neurotransmitters=TRANSMITTERS[name])
    for (pre, post), weight in WEIGHTS.items():
        made.add_edge(pre, post, **(edge_attributes or {"weight": weight}))
    return made


def networkx_file(writer, make=graph):
    def write(path):
        import networkx

        getattr(networkx, writer)(make(networkx), path)

    return write


def networkx_json(data, **arguments):
    def write(path):
        import networkx

        path.write_text(json.dumps(getattr(networkx, data)(graph(networkx), **arguments)))

    return write


def unsigned(networkx):
    made = networkx.DiGraph()
    made.add_weighted_edges_from((pre, post, weight) for (pre, post), weight in WEIGHTS.items())
    return made


def of_igraph(networkx):
    made = networkx.DiGraph()
    for number, name in enumerate(NAMES):
        made.add_node(f"n{number}", name=str(number + 1), cell_name=name)
    for (pre, post), weight in WEIGHTS.items():
        made.add_edge(f"n{NAMES.index(pre)}", f"n{NAMES.index(post)}", n_syn=weight)
    return made


def of_two_weights(networkx):
    made = networkx.DiGraph()
    for pre, post in WEIGHTS | ELECTRICAL:
        weights = {"chemical_weight": WEIGHTS.get((pre, post), 0), "electrical_weight": ELECTRICAL.get((pre, post), 0)}
        made.add_edge(pre, post, **weights)
    return made


def d3(ends):
    links = [{"source": ends(pre), "target": ends(post), "value": weight} for (pre, post), weight in WEIGHTS.items()]
    return json.dumps({"nodes": [{"id": name, "group": 1} for name in NAMES], "links": links})


def array(**others):
    return lambda path: np.savez(path, J=frame().to_numpy(), **others)


def mat(**variables):
    def write(path):
        import scipy.io

        scipy.io.savemat(path, variables)

    return write


def mat73(path):
    """A file as MATLAB 7.3 writes it: HDF5 behind 512 bytes, arrays with their axes reversed."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        file["connectivity"] = frame().to_numpy().T.astype(float)
        file["connectivity"].attrs["MATLAB_class"] = np.bytes_("double")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\x00\x02IM")


def workbook(**sheets):
    def write(path):
        with pd.ExcelWriter(path) as file:
            for name, table in sheets.items():
                table.to_excel(file, sheet_name=name, index=table.index.dtype == object)

    return write


def folder(**files):
    def write(path):
        path.mkdir()
        for name, text in files.items():
            (path / f"{name}.csv").write_text(text)

    return write


def table_file(writer, text_ids=False):
    def write(path):
        edges = pd.DataFrame([(*pair, weight) for pair, weight in WEIGHTS.items()], columns=HEADER)
        if text_ids:
            edges = edges.assign(pre=edges.pre.map(by_id), post=edges.post.map(by_id))
        getattr(edges, writer)(path)

    return write


def zstd(path):
    import pyarrow

    path.write_bytes(pyarrow.compress(LIST.encode(), codec="zstd", asbytes=True))


NODES = "id,type,nt_type\n" + "".join(f"{name},T{name[-1]},{TRANSMITTERS[name]}\n" for name in NAMES)
TYPES = "type,neurotransmitter\n" + "".join(f"T{name[-1]},{TRANSMITTERS[name]}\n" for name in NAMES)
BLANK = frame().astype(object).replace(0, "")
R_TABLE = " ".join(f'"{name}"' for name in NAMES) + "\n" + "".join(
    f'"{name}" ' + " ".join(map(str, frame().loc[name])) + "\n" for name in NAMES
)
CSV2 = '"";"pre";"post";"weight"\n' + "".join(
    f'"{row}";"{pre}";"{post}";{weight},0\n' for row, ((pre, post), weight) in enumerate(WEIGHTS.items(), 1)
)
X_TABLE = ",".join(["", *(f"X{IDS[name]}" for name in NAMES)]) + "\n" + "".join(
    ",".join(map(str, (IDS[name], *frame().loc[name]))) + "\n" for name in NAMES
)
CHEMICAL_AND_ELECTRICAL = "pre,post,weight,type\n" + typed(WEIGHTS, "chemical") + typed(GAPS, "electrical")
NEURON_CONNECT = (
    "Neuron 1,Neuron 2,Nbr,Type\n" + typed(WEIGHTS, "S") + typed({pair[::-1]: w for pair, w in WEIGHTS.items()}, "R")
    + typed(ELECTRICAL, "EJ") + "DB1,NMJ,4,NMJ\n"
)  # fmt: skip
GEPHI = "Source,Target,Type,Id,Label,Weight\n" + "".join(
    f"{pre},{post},Undirected,{number},,{weight}.0\n" for number, ((pre, post), weight) in enumerate(WEIGHTS.items())
)

SHAPES = [
    Shape("edge list with names", "edges; neurons are all names, sorted", "a.csv", LIST),
    Shape("names padded with spaces", "names without the spaces", "a.csv",
          rows(",", ("Source", "Target", "Weight"), cell=lambda name: f"{name:<6}")),
    Shape("ids of 18 digits", "whole numbers of 64 bits, exactly", "a.csv",
          rows(";", ("bodyid_pre", "bodyid_post", "counts"), by_id), names="ids"),
    Shape("`a b w` without header, spaces", "pre, post, weight by position", "a.txt", rows(" ")),
    Shape("the same with tabs", "pre, post, weight by position", "a.tsv", rows("\t")),
    Shape("the same with ids as numbers", "pre, post, weight by position", "a.txt", rows(" ", cell=by_id), names="ids"),
    Shape("header and runs of spaces", "columns by name", "a.txt", rows("   ", ("from", "to", "n_syn"))),
    Shape("comments with # or %", "skipped and counted", "a.txt", "# worm\n# of 2019, three columns\n" + rows(" ")),
    Shape("header in a comment", "columns by name", "a.txt", "# pre post weight\n" + rows(" ")),
    Shape("counts as 3.0", "3", "a.csv",
          "pre_pt_root_id,post_pt_root_id,n_syn\n" + rows(",", cell=by_id).replace("\n", ".0\n"), names="ids"),
    Shape("index column of pandas", "named as unused", "a.csv",
          "," + ",".join(HEADER) + "\n" + "".join(f"{n},{row}\n" for n, row in enumerate(rows(",").split()))),
    Shape("`Neuron 1,Neuron 2,Nbr`", "columns by name", "a.csv", rows(",", ("Neuron 1", "Neuron 2", "Nbr"))),
    Shape("columns of other names", "those that `[net] columns` names", "a.csv", rows(",", ("cell_a", "cell_b", "nr")),
          options={"columns": (("pre", "cell_a"), ("post", "cell_b"), ("weight", "nr"))}),
    Shape("one row per synapse", "the number of rows of a pair is its weight", "a.csv",
          "pre,post\n" + "".join(f"{pre},{post}\n" * weight for (pre, post), weight in WEIGHTS.items())),
    Shape("one row per synapse, with positions", "the same; positions named as unused", "a.csv",
          "pre_root_id,post_root_id,x,y,z\n"
          + "".join(f"{IDS[pre]},{IDS[post]},1,2,3\n" * weight for (pre, post), weight in WEIGHTS.items()),
          names="ids"),
    *(Shape(f"column {column}", "transmitter of the presynaptic neuron: its sign", "a.csv",
            rows(",", (*HEADER, column), extra=of_pre(TRANSMITTERS)), signed=True)
      for column in ("nt_type", "pre_top_nt", "consensusNt_pre", "neurotransmitter")),
    Shape("column sign of + and -", "signs of edges", "a.csv",
          rows(",", (*HEADER, "sign"), extra=lambda pre, *_: ("+" if SIGNS[pre] > 0 else "-",)), signed=True),
    Shape("column sign of exc and inh", "signs of edges", "a.csv",
          rows(",", (*HEADER, "sign"), extra=lambda pre, *_: ("exc" if SIGNS[pre] > 0 else "inh",)), signed=True),
    Shape("column excitatory of True and False", "signs of edges", "a.csv",
          rows(",", (*HEADER, "excitatory"), extra=lambda pre, *_: (SIGNS[pre] > 0,)), signed=True),
    Shape("column type of E and I", "signs of edges", "a.csv",
          rows(",", (*HEADER, "type"), extra=lambda pre, *_: (LETTERS[SIGNS[pre]],)), signed=True),
    Shape("negative weights", "signs of edges", "a.csv",
          rows(",", HEADER, edges={pair: weight * SIGNS[pair[0]] for pair, weight in WEIGHTS.items()}), signed=True),
    Shape("column synapse_sign of 1 and -1", "signs of edges", "a.csv",
          rows(",", (*HEADER, "synapse_sign"), extra=of_pre(SIGNS)), signed=True),
    Shape("chemical and electrical rows", "chemical ones; the others are counted", "a.csv", CHEMICAL_AND_ELECTRICAL),
    Shape("with `synapse_type = electrical`", "gap junctions both ways, without sign", "a.csv",
          CHEMICAL_AND_ELECTRICAL, options={"synapse_type": "electrical"}, expected=ELECTRICAL),
    Shape("with `synapse_type = all`", "the sum of both", "a.csv", CHEMICAL_AND_ELECTRICAL,
          options={"synapse_type": "all"}, expected=ALL),
    Shape("NeuronConnect (S, R, EJ, NMJ)", "sent synapses; received ones are the same again", "a.csv", NEURON_CONNECT),
    Shape("its gap junctions (EJ)", "both ways, not summed", "a.csv", NEURON_CONNECT,
          options={"synapse_type": "electrical"}, expected=ELECTRICAL),
    Shape("Gephi's edges, undirected", "edges both ways", "a.csv", GEPHI, expected=BOTH_WAYS),
    Shape("R's write.csv2 (semicolons, decimal commas)", "3,0 is 3.0", "a.csv", CSV2),
    Shape("gzip", "the file in it", "a.csv.gz", gzip.compress(LIST.encode())),
    Shape("gzip in a gzip", "the file in it", "a.gz", gzip.compress(gzip.compress(LIST.encode()))),
    Shape("bzip2", "the file in it", "a.bz2", bz2.compress(LIST.encode())),
    Shape("xz", "the file in it", "a.xz", lzma.compress(LIST.encode())),
    Shape("zstd", "the file in it", "a.zst", zstd, "pyarrow"),
    Shape("parquet", "columns by name", "a.parquet", table_file("to_parquet"), "pyarrow"),
    Shape("feather with ids as texts", "whole numbers", "a.feather", table_file("to_feather", True), "pyarrow",
          names="ids"),
    Shape("UTF-16", "the text, said", "a.csv", LIST.encode("utf-16")),
    Shape("folder with nodes and edges", "edges with types, transmitters and signs of the nodes", "both",
          folder(nodes=NODES, edges=rows(",", ("source", "target", "weight"))), signed=True),
    Shape("matrix with ids in header and first column", "rows are presynaptic", "a.csv", frame().to_csv()),
    Shape("the same with tabs", "rows are presynaptic", "a.tsv", frame().to_csv(sep="\t")),
    Shape("blank cells", "zeros, counted", "a.csv", BLANK.to_csv()),
    Shape("rows in another order than columns", "matched by name", "a.csv", frame().loc[NAMES[::-1]].to_csv()),
    Shape("rows and columns that differ", "united; what is missing is 0", "a.csv", frame().drop(columns="RIA").to_csv(),
          expected={pair: weight for pair, weight in WEIGHTS.items() if pair[1] != "RIA"}),
    Shape("names in the header alone", "names of rows, too", "a.csv", frame().to_csv(index=False)),
    Shape("matrix as parquet, ids as index or first column", "as a CSV", "a.parquet",
          lambda path: frame().to_parquet(path), "pyarrow"),
    Shape("R's write.table", "row names are ids", "a.txt", R_TABLE),
    Shape("R's header X101", "the ids of the first column", "a.csv", X_TABLE, names="ids"),
    Shape("np.savetxt", "a matrix, neurons by number", "a.txt", lambda path: np.savetxt(path, frame()), names="number"),
    Shape("np.savetxt with header", "its words are names", "a.txt",
          lambda path: np.savetxt(path, frame(), header=" ".join(NAMES))),
    Shape("numbers with commas", "a matrix, neurons by number", "a.csv", frame().to_csv(index=False, header=False),
          names="number"),
    Shape(".npy", "a matrix", "a.npy", lambda path: np.save(path, frame()), names="number"),
    Shape("stack (N, N, layers) with `layer = 1`", "that layer", "a.npy",
          lambda path: np.save(path, np.stack([0 * frame(), frame(), 2 * frame()], -1)), names="number",
          options={"layer": "1"}),
    Shape("stack with `layer = mean`", "the mean", "a.npy",
          lambda path: np.save(path, np.stack([0 * frame(), frame(), 2 * frame()], -1)), names="number",
          options={"layer": "mean"}),
    Shape(".npz with names and types", "a matrix with names and labels", "a.npz",
          array(names=np.array(NAMES), type=np.array(list("ababa")))),
    Shape(".npz with two matrices", "the one of `[net] variable`", "a.npz",
          lambda path: np.savez(path, chem=frame(), gap=frame().T), names="number", options={"variable": "chem"}),
    Shape("matrix and `[net] labels`", "types and signs from the table, row by row", "a.npy",
          lambda path: np.save(path, frame()), names="number", signed=True, options={"labels": "types.csv"}),
    Shape("MATLAB 5 to 7", "the square variable; a cell array of N texts has the names", "a.mat",
          mat(W=frame().to_numpy(), names=np.array(NAMES, dtype=object)), "scipy"),
    Shape("MATLAB 7.3", "the same, by h5py", "a.mat", mat73, "h5py", names="number"),
    Shape("Matrix Market", "a matrix", "a.mtx", "%%MatrixMarket matrix coordinate integer general\n5 5 7\n" + "".join(
        f"{NAMES.index(pre) + 1} {NAMES.index(post) + 1} {weight}\n" for (pre, post), weight in WEIGHTS.items()),
        names="number"),
    Shape("sheet with a matrix", "as a CSV; blanks are zeros", "a.xlsx", workbook(chem=frame().astype(object)
          .replace(0, None)), "openpyxl"),
    Shape("sheet with an edge list", "as a CSV", "a.xlsx",
          workbook(edges=pd.DataFrame([(*pair, w) for pair, w in WEIGHTS.items()], columns=HEADER)), "openpyxl"),
    Shape("several sheets", "the one of `[net] variable`", "a.xlsx", workbook(chem=frame(), gap=frame().T), "openpyxl",
          options={"variable": "chem"}),
    Shape("GraphML", "edges, labels, transmitters", "a.graphml", networkx_file("write_graphml"), "networkx", True),
    Shape("igraph's GraphML (n0, n1, ...)", "names from the attributes; the only number is the weight", "a.graphml",
          networkx_file("write_graphml", of_igraph), "networkx"),
    Shape("chemical_weight and electrical_weight", "the one of `synapse_type`", "a.graphml",
          networkx_file("write_graphml", of_two_weights), "networkx"),
    Shape("the same, electrical", "both ways, without sign", "a.graphml",
          networkx_file("write_graphml", of_two_weights), "networkx", options={"synapse_type": "electrical"},
          expected=ELECTRICAL),
    Shape("GEXF", "as GraphML", "a.gexf", networkx_file("write_gexf"), "networkx", True),
    Shape("GML", "as GraphML", "a.gml", networkx_file("write_gml"), "networkx", True),
    Shape("Pajek .net", "arcs and edges", "a.net", networkx_file("write_pajek", unsigned), "networkx"),
    Shape("node-link JSON", "as GraphML", "a.json", networkx_json("node_link_data", edges="links"), "networkx", True),
    Shape("adjacency JSON", "as GraphML", "a.json", networkx_json("adjacency_data"), "networkx", True),
    Shape("Cytoscape JSON", "as GraphML", "a.json", networkx_json("cytoscape_data"), "networkx", True),
    Shape("D3 JSON with indices", "edges from source to target", "a.json", d3(NAMES.index)),
    Shape("D3 JSON with ids", "edges from source to target", "a.json", d3(str)),
    Shape("JSON list of edges, or one in each line", "as a CSV", "a.json", json.dumps(
        [{"pre": pre, "post": post, "weight": weight} for (pre, post), weight in WEIGHTS.items()])),
    Shape("networkx's weighted edge list", "pre, post, weight by position", "a.edgelist",
          networkx_file("write_weighted_edgelist", unsigned), "networkx"),
    Shape("`a b {'weight': 3}`", "edges with attributes", "a.edgelist", networkx_file("write_edgelist", unsigned),
          "networkx"),
    Shape("two weights of unknown names", "refused: `[net] weight_column` names one", "a.graphml",
          networkx_file("write_graphml", lambda networkx: graph(networkx, alpha=1.5, beta=2.5)), "networkx",
          expected=REFUSED),
    Shape("stack without `layer`", "refused", "a.npy", lambda path: np.save(path, np.ones((5, 5, 3))),
          expected=REFUSED),
    Shape("ids that a spreadsheet rounded", "refused", "a.csv", "pre,post,weight\n7.20576E+17,7.20576E+17,3\n",
          expected=REFUSED),
    Shape("file that is cut off", "refused", "a.csv.gz", gzip.compress(LIST.encode())[:-6], expected=REFUSED),
    Shape("Python objects", "refused, never executed", "a.npy",
          lambda path: np.save(path, np.array([[1, "a"]], dtype=object), allow_pickle=True), expected=REFUSED),
    Shape("a text", "refused", "a.csv", "This is a file, with three texts, and no numbers\nanother, line, here\n",
          expected=REFUSED),
]  # fmt: skip


def written(shape, folder_path):
    if shape.needs and importlib.util.find_spec(shape.needs) is None:
        pytest.skip(f"{shape.needs} is not installed")
    path = folder_path / shape.file
    if callable(shape.content):
        shape.content(path)
    else:
        path.write_bytes(shape.content if isinstance(shape.content, bytes) else shape.content.encode())
    return path


def named_edges(connectome, names):
    """(pre, post) -> weight, with the names of this module."""
    if names == "number":
        known = NAMES
    else:
        back = {by_id(name): name for name in NAMES} if names == "ids" else {}
        known = [back.get(name, name) for name in connectome.names.tolist()]
    edges = zip(connectome.pre, connectome.post, connectome.weights, strict=True)
    return {(known[pre], known[post]): weight for pre, post, weight in edges}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_gives_its_network_or_is_refused(shape, tmp_path):
    path, options = written(shape, tmp_path), dict(shape.options)
    if "labels" in options:
        (tmp_path / "types.csv").write_text(TYPES)
        options["labels"] = str(tmp_path / "types.csv")
    if shape.expected == REFUSED:
        with pytest.raises(FormatError) as error:
            read_connectome(path, options=Options(**options))
        assert "\n" not in str(error.value) and len(str(error.value)) < 600
        return
    connectome = read_connectome(path, options=Options(**options))
    expected = WEIGHTS if shape.expected is None else shape.expected
    if shape.signed:
        expected = {(pre, post): weight * SIGNS[pre] for (pre, post), weight in expected.items()}
    assert named_edges(connectome, shape.names) == expected
    assert parts_of(connectome.provenance)


def test_the_page_lists_the_shapes():
    page = (ROOT / "docs" / "connectomes.md").read_text(encoding="utf-8")
    section = page[page.index("## Shapes of files") :]
    listed = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert listed == [f"| {shape.name} | {shape.read} |" for shape in SHAPES]
