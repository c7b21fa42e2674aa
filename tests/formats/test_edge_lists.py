"""Lists of edges in the shapes that circulate: what is used of each file, and what is named as unused or refused."""

import tarfile
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from randomnet.formats import NOT_USED, FormatError, Options, parts_of, read_connectome, recognise
from randomnet.formats.tables.reading import tables_in

BIG = 720575940612453042  # no float of 64 bits is this number


@pytest.fixture
def place(tmp_path):
    """Writes texts (name -> text) into a folder of its own and returns the folder."""

    def write(**files):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def one_file(place):
    """The path of one file with a text."""
    return lambda text, name="a__csv": place(**{name: text}) / name.replace("__", ".")


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names = connectome.names.tolist()
    ends = zip(connectome.pre.tolist(), connectome.post.tolist(), strict=True)
    return dict(zip(((names[pre], names[post]) for pre, post in ends), connectome.weights.tolist(), strict=True))


def used(connectome):
    """Place without the file -> (use, note) of the contents."""
    return {part.place.split(", ", 1)[-1]: (part.use, part.note) for part in parts_of(connectome.provenance)}


def refused(path, text, source="auto", **options):
    with pytest.raises(FormatError, match=text) as caught:
        read_connectome(path, source, Options(**options))
    assert "\n" not in str(caught.value)


class Case(NamedTuple):
    """A text, the edges (pre -> post: weight) that it must give, options, labels, and columns that must be unused."""

    text: str
    edges: dict
    options: dict = MappingProxyType({})
    labels: dict = MappingProxyType({})
    unused: tuple = ()


AB = {("a", "b"): 3, ("b", "a"): 2}
ONE_TWO = {("1", "2"): 3, ("2", "1"): 2}
NEURON_CONNECT = "Neuron 1,Neuron 2,Type,Nbr\na,b,S,1\na,b,Sp,2\nb,a,R,1\nb,a,Rp,2\nb,a,S,2\na,b,R,2\n" \
    "a,c,EJ,7\nc,a,EJ,7\na,m,NMJ,4\n"  # fmt: skip
CASES = {
    # spellings and separators
    "spaced names of columns": Case("Neuron 1,Neuron 2,Nbr\na,b,3\nb,a,2\n", AB),
    "other case": Case("PRE_PT_ROOT_ID;Post_Pt_Root_Id;N_Syn\n1;2;3\n2;1;2\n", ONE_TWO),
    "bodyid_pre": Case("bodyid_pre,bodyid_post,weights\n1,2,3\n2,1,2\n", ONE_TWO),
    "presynaptic": Case("presynaptic\tpostsynaptic\tcounts\na\tb\t3\nb\ta\t2\n", AB),
    "size is the weight": Case("pre,post,size\na,b,3\nb,a,2\n", AB),
    "spaces": Case("pre  post weight\n a   b  3\n b   a  2\n", AB),
    "named columns": Case(
        "who,whom,nr\na,b,3\nb,a,2\n", AB, {"columns": (("pre", "who"), ("post", "WHOM"), ("weight", "nr"))}
    ),
    "one named column": Case("who,post,nr\na,b,3\nb,a,2\n", AB, {"columns": (("pre", "who"),)}),
    "named against the spelling": Case(
        "pre,post,weight\na,b,3\nb,a,2\n",
        {("b", "a"): 3, ("a", "b"): 2},
        {"columns": (("pre", "post"), ("post", "pre"))},
    ),
    "weight_column among several": Case(
        "pre,post,norm,n\na,b,.5,3\nb,a,.5,2\n", AB, {"weight_column": "N"}, unused=("column norm",)
    ),
    "weight_column against the spelling": Case(
        "pre,post,weight,n\na,b,9,3\nb,a,9,2\n", AB, {"weight_column": "n"}, unused=("column weight",)
    ),
    "shiu": Case(
        "Presynaptic_ID,Postsynaptic_ID,Presynaptic_Index,Postsynaptic_Index,Connectivity,Excitatory,Excitatory x "
        f"Connectivity\n{BIG},{BIG + 1},0,1,3,1,3\n{BIG + 1},{BIG},1,0,2,-1,-2\n",
        {(str(BIG), str(BIG + 1)): 3, (str(BIG + 1), str(BIG)): -2},
        unused=("column Presynaptic_Index", "column Postsynaptic_Index", "column Excitatory x Connectivity"),
    ),
    "banc": Case(
        "pre,post,count,norm,post_count,pre_count\n1,2,3,.1,30,9\n2,1,2,.1,20,9\n",
        ONE_TWO,
        unused=("column norm", "column post_count", "column pre_count"),
    ),
    "ids of ends": Case("id_pre,id_post,n_synapses\n1,2,3\n2,1,2\n", ONE_TWO),
    "regions of ends": Case("from_region,to_region,strength\na,b,3\nb,a,2\n", AB),
    "nodes of ends": Case(
        "source_node_id target_node_id syn_weight delay\n1 2 3 9\n2 1 2 9\n", ONE_TWO, unused=("column delay",)
    ),
    "u and v": Case("u,v,weight\na,b,3\nb,a,2\n", AB),
    # ids
    "padded names": Case("pre,post,weight\n a ,b  ,3\nb,  a,2\n", AB),
    "floats that are whole": Case("pre,post,weight\n1.0,2.0,3.0\n2.0,1.0,2.0\n", ONE_TWO),
    "names and numbers": Case("pre,post,weight\na,10,3\n10,9,2\n", {("a", "10"): 3, ("10", "9"): 2}),
    # without a header
    "names without a header": Case("a,b,3\nb,a,2\n", AB),
    "names by spaces": Case("a b 3\nb  a 2\n", AB),
    "names by tabs": Case("a\tb\t3\nb\ta\t2\n", AB),
    "pairs of names": Case("a b\nb a\na b\na b\nb a\n", AB),
    "numbers without a header": Case("1,2,3\n2,1,2\n", ONE_TWO),
    "pairs of numbers": Case("1 2\n2 1\n1 2\n1 2\n2 1\n", ONE_TWO),
    "columns by number": Case("3 b a\n2 a b\n", AB, {"columns": (("pre", "3"), ("post", "2"), ("weight", "1"))}),
    "a type without a header": Case(
        "a b 3 chemical\na b 9 electrical\nb a 2 chemical\n", AB
    ),
    # weights
    "rows per pair": Case("pre,post\na,b\na,b\na,b\nb,a\nb,a\n", AB),
    "rows per pair with positions": Case(
        "id,pre,post,x,y,z,pre_x,pos_nm\n"
        "1,a,b,1,2,3,4,5\n2,b,a,1,2,3,4,5\n3,a,b,1,2,3,4,5\n4,a,b,1,2,3,4,5\n5,b,a,1,2,3,4,5\n",
        AB,
        unused=("column id", "column x", "column y", "column z", "column pre_x", "column pos_nm"),
    ),
    "rows per pair with a score": Case(
        "pre,post,cleft_score\na,b,9\nb,a,9\na,b,8\na,b,7\nb,a,9\n", AB, unused=("column cleft_score",)
    ),
    "unweighted": Case("pre,post\na,b\nb,a\n", {("a", "b"): 1, ("b", "a"): 1}),
    "the only number": Case("pre,post,amount\na,b,3\nb,a,2\n", AB),
    "a score that is named": Case("pre,post,score\na,b,3\nb,a,2\n", AB, {"weight_column": "score"}),
    "fractions": Case("pre,post,fln\na,b,.5\nb,a,1e-3\n", {("a", "b"): 0.5, ("b", "a"): 0.001}),
    # signs
    "negative weights": Case("pre,post,weight\na,b,-3\nb,a,2\n", {("a", "b"): -3, ("b", "a"): 2}),
    "sign as numbers": Case("pre,post,weight,sign\na,b,3,-1\nb,a,2,1\n", {("a", "b"): -3, ("b", "a"): 2}),
    "sign as words": Case("pre,post,weight,sign\na,b,3,inh\nb,a,2,Exc\n", {("a", "b"): -3, ("b", "a"): 2}),
    "sign as characters": Case("pre,post,weight,sign\na,b,3,-\nb,a,2,+\n", {("a", "b"): -3, ("b", "a"): 2}),
    "E and I": Case("pre,post,weight,EI\na,b,3,I\nb,a,2,E\n", {("a", "b"): -3, ("b", "a"): 2}),
    "excitatory is true": Case(
        "pre,post,weight,excitatory\na,b,3,False\nb,a,2,True\n", {("a", "b"): -3, ("b", "a"): 2}
    ),
    "excitatory is 1": Case("pre,post,weight,is_excitatory\na,b,3,0\nb,a,2,1\n", {("a", "b"): -3, ("b", "a"): 2}),
    "inhibitory is true": Case("pre,post,weight,inhibitory\na,b,3,yes\nb,a,2,no\n", {("a", "b"): -3, ("b", "a"): 2}),
    "inhibitory is 1": Case("pre,post,weight,inhibitory\na,b,3,1\nb,a,2,0\n", {("a", "b"): -3, ("b", "a"): 2}),
    "type is the sign": Case(
        "pre,post,weight,Type\na,b,3,inhibitory\nb,a,2,excitatory\n", {("a", "b"): -3, ("b", "a"): 2}
    ),
    "sign_policy none": Case("pre,post,weight,sign\na,b,3,-1\nb,a,2,1\n", AB, {"sign_policy": "none"}),
    "exc, inh and gap": Case(
        "pre,post,weight,type\na,b,3,inhibitory\nb,a,2,excitatory\na,b,9,gap junction\n",
        {("a", "b"): -3, ("b", "a"): 2},
    ),
    # types of synapses and directions
    "chemical alone": Case("pre,post,weight,Type\na,b,3,chemical\na,b,9,electrical\nb,a,2,chemical\n", AB),
    "electrical alone": Case(
        "pre,post,weight,Type\na,b,3,chemical\na,c,9,electrical\nb,a,2,chemical\n",
        {("a", "c"): 9, ("c", "a"): 9},
        {"synapse_type": "electrical"},
    ),
    "electrical, listed both ways": Case(
        "pre,post,weight,Type\na,b,3,EJ\nb,a,3,EJ\na,c,2,EJ\n",
        {("a", "b"): 3, ("b", "a"): 3, ("a", "c"): 2, ("c", "a"): 2},
        {"synapse_type": "electrical"},
    ),
    "all": Case(
        "pre,post,weight,Type\na,b,3,c\na,b,9,e\nb,a,2,c\n", {("a", "b"): 12, ("b", "a"): 11}, {"synapse_type": "all"}
    ),
    "another type": Case("pre,post,weight,Type\na,b,3,chemical\na,b,9,monoamine\nb,a,2,chemical\n", AB),
    "NeuronConnect": Case(
        NEURON_CONNECT,
        AB,
    ),
    "NeuronConnect, all": Case(
        NEURON_CONNECT,
        {**AB, ("a", "c"): 7, ("c", "a"): 7},
        {"synapse_type": "all"},
    ),
    "a type in a column of any name": Case(
        "pre,post,weight,how\na,b,3,chemical\na,b,9,electrical\nb,a,2,chemical\n", AB
    ),
    "a sign in a column of any name": Case(
        "pre,post,weight,acts\na,b,3,inhibitory\nb,a,2,excitatory\n", {("a", "b"): -3, ("b", "a"): 2}
    ),
    "is_gap_junction": Case("pre,post,weight,is_gap_junction\na,b,3,0\na,b,9,1\nb,a,2,0\n", AB),
    "electrical is true": Case("pre,post,weight,electrical\na,b,3,False\na,b,9,True\nb,a,2,False\n", AB),
    "is_chemical, electrical": Case(
        "pre,post,weight,is_chemical\na,b,3,True\na,b,9,False\n",
        {("a", "b"): 9, ("b", "a"): 9},
        {"synapse_type": "electrical"},
    ),
    "columns by type": Case("pre,post,chemical_weight,electrical_weight\na,b,3,9\nb,a,2,\nb,c,0,4\n", AB),
    "columns by type, electrical": Case(
        "pre,post,chemical,gap_junctions\na,b,3,9\nb,a,2,\nb,c,0,4\n",
        {("a", "b"): 9, ("b", "a"): 9, ("b", "c"): 4, ("c", "b"): 4},
        {"synapse_type": "electrical"},
    ),
    "columns by type, all": Case(
        "pre,post,chemical,electrical\na,b,3,9\nb,a,2,\n", {("a", "b"): 12, ("b", "a"): 11}, {"synapse_type": "all"}
    ),
    "a negative chemical weight and its gap junction": Case(
        "pre,post,chemical,electrical\na,b,-3,1\nb,a,2,\n", {("a", "b"): -2, ("b", "a"): 3}, {"synapse_type": "all"}
    ),
    "Gephi, undirected": Case(
        "Source,Target,Type,Id,Label,Weight\na,b,Undirected,0,,3\nb,c,Undirected,1,,2\n",
        {("a", "b"): 3, ("b", "a"): 3, ("b", "c"): 2, ("c", "b"): 2},
        unused=("column Id", "column Label"),
    ),
    "Gephi, directed": Case("Source,Target,Type,Weight\na,b,Directed,3\nb,a,Directed,2\n", AB),
    "Gephi, both": Case(
        "Source,Target,Type,Weight\na,b,Directed,3\nb,c,Undirected,2\nc,c,Undirected,1\n",
        {("a", "b"): 3, ("b", "c"): 2, ("c", "b"): 2},
    ),
    "directed is false": Case(
        "pre,post,weight,directed\na,b,3,false\nb,c,2,true\n", {("a", "b"): 3, ("b", "a"): 3, ("b", "c"): 2}
    ),
    "a type of other words": Case("pre,post,weight,type\na,b,3,fast\nb,a,2,slow\n", AB, unused=("column type",)),
    "a class of 0 and 1": Case("pre,post,weight,class\na,b,3,0\nb,a,2,1\n", AB, unused=("column class",)),
    "gap junctions among the transmitters": Case(
        "Presynaptic,Postsynaptic,Transmitter,Number of Connections\na,b,GABA,3\na,b,GapJunction,9\nb,a,ACh,2\n",
        {("a", "b"): -3, ("b", "a"): 2},
    ),
    "a relation that tells signs": Case(
        "Source,Target,Interaction\na,b,inhibits\nb,a,activates\n", {("a", "b"): -1, ("b", "a"): 1}
    ),
    "a relation between two names": Case(
        "a inhibits b\nb activates a\n",
        {("a", "b"): -1, ("b", "a"): 1},
        {"columns": (("pre", "1"), ("post", "3"))},
    ),
    "ids beside names": Case(
        "pre_id,pre_name,post_id,post_name,weight\n1,A,2,B,3\n2,B,1,A,2\n", ONE_TWO, labels={"name": ["A", "B"]}
    ),
    # transmitters, labels and ROIs
    "nt_type": Case(
        "pre,post,weight,nt_type\na,b,3,GABA\nb,a,2,ACH\n",
        {("a", "b"): -3, ("b", "a"): 2},
        labels={"neurotransmitter": ["gaba", "acetylcholine"]},
    ),
    "pre_top_nt": Case(
        "pre,post,weight,pre_top_nt,post_top_nt\na,b,3,gaba,acetylcholine\nb,a,2,acetylcholine,gaba\n",
        {("a", "b"): -3, ("b", "a"): 2},
        labels={"neurotransmitter": ["gaba", "acetylcholine"]},
        unused=("column post_top_nt",),
    ),
    "consensusNt_pre": Case(
        "bodyId_pre,bodyId_post,count,consensusNt_pre,consensusNt_post,predictedNt_pre\n"
        "1,2,3,glutamate,x,gaba\n2,1,2,,,\n",
        {("1", "2"): -3, ("2", "1"): 2},
        labels={"neurotransmitter": ["glutamate", "unknown"]},
        unused=("column consensusNt_post", "column predictedNt_pre"),
    ),
    "transmitters in a column of any name": Case(
        "pre,post,weight,chem\na,b,3,GABA\nb,a,2,ACH\n", {("a", "b"): -3, ("b", "a"): 2}
    ),
    "transmitters in two columns of any name": Case(
        "pre,post,weight,of_a,of_b\na,b,3,GABA,ACH\nb,a,2,ACH,GABA\n", AB, unused=("column of_a", "column of_b")
    ),
    "the transmitter of most synapses": Case(
        "pre,post,weight,nt_type\na,b,3,GABA\na,c,2,ACH\nb,a,2,ACH\n",
        {("a", "b"): -3, ("a", "c"): -2, ("b", "a"): 2},
        labels={"neurotransmitter": ["gaba", "acetylcholine", "unknown"]},
    ),
    "types of both ends": Case(
        "pre,post,weight,type_pre,type_post,pre_side,post_side\na,b,3,A,B,left,\nb,a,2,B,A,right,left\n",
        AB,
        labels={"type": ["A", "B"], "side": ["left", "right"]},
    ),
    "the sum over ROIs": Case("pre,post,roi,weight\na,b,EB,1\na,b,PB,2\nb,a,EB,2\n", AB),
    "one ROI": Case("pre,post,neuropil,weight\na,b,EB,1\na,b,PB,2\nb,c,PB,2\nd,a,EB,4\n",
                    {("a", "b"): 1, ("d", "a"): 4}, {"roi": "EB"}),
    "two ROIs": Case("pre,post,roi,weight\na,b,EB,1\na,b,PB,2\nb,a,PB,2\nc,a,X,4\n", AB, {"roi": "EB,PB"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_shapes(one_file, case):
    """Weights J[post, pre], labels, and a row of contents for every column of the file."""
    path = one_file(case.text)
    options = Options(**case.options)
    assert recognise(path, options).format == "edge_list"
    read = read_connectome(path, options=options)
    assert edges(read) == pytest.approx(case.edges)
    assert {kind: read.labels[kind].tolist() for kind in case.labels} == case.labels
    contents = used(read)
    assert [place for place in case.unused if contents[place][0] != NOT_USED] == []
    table = tables_in(path)[0]
    assert [name for name in table.columns if table.headed and f"column {name}" not in contents] == []


def test_two_neurons_without_a_header_point_from_column_to_row(one_file):
    read = read_connectome(one_file("b a 3\nc a 5\n"))
    assert read.names.tolist() == ["a", "b", "c"]
    assert read.dense().tolist() == [[0, 3, 5], [0, 0, 0], [0, 0, 0]]
    assert used(read)["rows without a header"] == ("pre, post, weight by position", "the first is an edge from b to a")


# ---- ids


def test_names_are_sorted_and_whole_floats_lose_their_zeros(one_file):
    read = read_connectome(one_file("pre,post,weight\nb,a10,1\na10,a9,1\n3.0,b,1\n"))
    assert read.names.tolist() == ["3", "a10", "a9", "b"]
    assert used(read)["column pre"] == ("presynaptic neuron", "names")


def test_numbers_are_sorted_as_numbers(one_file):
    assert read_connectome(one_file("10 9 1\n9 100 2\n")).names.tolist() == ["9", "10", "100"]


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_ids_as_texts_in_parquet_and_feather(tmp_path, kind):
    pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")
    frame = pd.DataFrame({"pre": [str(BIG), "9"], "post": ["9", str(BIG)], "weight": [3, 2]})
    for pre, names in ((frame["pre"], ["9", str(BIG)]), (["ADAL", "9"], ["720575940612453042", "9", "ADAL"])):
        getattr(frame.assign(pre=pre), f"to_{kind}")(tmp_path / f"a.{kind}")
        read = read_connectome(tmp_path / f"a.{kind}")
        assert sorted(read.names.tolist()) == sorted(names) and read.weights.sum() == 5
        assert used(read)["column weight"] == ("weight", "")


def test_columns_of_parquet_that_are_no_texts(tmp_path):
    """Lists are left out; bytes are texts; an empty transmitter is unknown; true and false are words."""
    pytest.importorskip("pyarrow", reason="parquet and feather need pyarrow")
    frame = pd.DataFrame({"pre": [b"a", b"b"], "post": [b"b", b"a"], "n": [3, 2], "at": [[1, 2], [3]]})
    for more, expected in (
        ({}, {("a", "b"): 3, ("b", "a"): 2}),
        ({"nt_type": pd.Categorical(["GABA", None])}, {("a", "b"): -3, ("b", "a"): 2}),
        ({"excitatory": [True, False]}, {("a", "b"): 3, ("b", "a"): -2}),
    ):
        frame.assign(**more).to_parquet(tmp_path / "a.parquet")
        read = read_connectome(tmp_path / "a.parquet")
        assert edges(read) == expected and used(read)["column at"] == (NOT_USED, "")


def test_numbers_that_are_not_whole_are_no_names(one_file):
    refused(one_file("pre,post,weight\n1,2,3\n1.5,2,3\n"), r"a\.csv, row 3, column pre: .* whole number .*got '1\.5'")


def test_one_word_among_many_numbers_is_an_error(one_file):
    rows = "".join(f"{number},{number + 1},1\n" for number in range(30))
    refused(one_file(f"pre,post,weight\n{rows}3,oops,1\n"), r"a\.csv, row 32, column post: .* whole number .*'oops'")


# ---- what is refused


@pytest.mark.parametrize(
    ("text", "expected", "options"),
    [
        ("presynaptc,postsynaptc,n\n1,2,3\n",
         r"got a table with columns presynaptc, postsynaptc, n: no column is spelled as presynaptic neuron and "
         r"postsynaptic neuron; name it with \[net\] columns = pre: presynaptc, post: postsynaptc$", {}),
        ("pre,other,n\n1,2,3\n",
         r"columns pre, other, n: no column is spelled as postsynaptic neuron; .* columns = post: NAME",
         {}),
        (",".join(f"c{n}" for n in range(40)) + "\n" + ",".join("1" * 40) + "\n",
         "c10, c11, .* and 28 more: no column", {}),
        ("pre,post,count,weight\n1,2,3,4\n",
         r"one column of weight, got count, weight: \[net\] columns = weight: weight or weight_column = weight decides",
         {}),
        ("pre,post,weight,chemical,electrical\n1,2,3,4,5\n",
         "one column of weight, got weight, chemical: .* decides", {}),
        ("from,pre,post,weight\n1,2,3,4\n",
         r"one column of pre, got from, pre: \[net\] columns = pre: pre decides", {}),
        ("pre,post,n1,n2\n1,2,3,4\n",
         r"expected one column of weights, got 2 columns of numbers, n1, n2: name it with \[net\] weight_column = n1",
         {}),
        ("pre,post,score\n1,2,3\n2,1,4\n",
         r"expected a column of weights, or rows that repeat .* weight_column = score", {}),
        ("1 2 3 4\n2 1 4 4\n", "expected one column of weights, got 2 columns of numbers, 3, 4", {}),
        ("1 2 3\n2 1 4\n3 1 1\n",
         r"expected a header \(pre, post, weight\) above .* source = edge_list or matrix", {}),
        ("pre,post,weight\n1,2,3\n",
         "expected a column 'nr' as .* names it .weight., got pre, post, weight", {"weight_column": "nr"}),
        ("pre,post,weight\n1,2,3\n",
         "expected a column 'wieght' .*; did you mean 'weight'", {"weight_column": "wieght"}),
        ("pre,post,weight\n1,2,3\n",
         "with a role of pre, post, .*, got 'wait'; did you mean 'weight'", {"columns": (("wait", "weight"),)}),
        ("pre,post,weight\n1,2,3\n", "expected no variable, as the file has no sheets, got 'x'", {"variable": "x"}),
        ("pre,post,weight\n1,2,3\n", "expected no roi, as an edge list has no ROIs without a column", {"roi": "EB"}),
        ("pre,post,weight\n1,2,3\n",
         "expected types of synapses for synapse_type = all, got none", {"synapse_type": "all"}),
        ("pre,post,roi,weight\n1,2,EB,3\n",
         "column roi: expected a ROI that exists, got 'eb'; there are EB", {"roi": "eb"}),
        ("pre,post,weight,type\n1,2,3,gap\n", "expected rows of synapse_type = chemical, got 1 electrical", {}),
        ("pre,post,weight,sign\n1,2,3,1\n2,1,-4,1\n",
         "row 3, column weight: expected a weight >= 0, got '-4' beside the column sign", {}),
        ("pre,post,weight,sign\n1,2,3,1\n\n2,1,4,maybe\n",
         r"row 4, column sign: expected a sign \(.*\), got 'maybe'", {}),
        ("pre,post,weight,sign\n1,2,3,true\n2,1,4,false\n",
         r"row \d, column sign: expected a sign \(.*\), got '(true|false)'", {}),
        ("pre,post,weight,sign\n1,2,3,1\n2,1,4,0\n",
         "column sign: expected signs 1 and -1, got 0 and 1 alone; .* excitatory", {}),
        ("pre,post,weight,type_pre\n1,2,3,A\n1,3,4,B\n",
         "column type_pre: expected one type per neuron, got 'A' and 'B' for 1", {}),
        ("pre,post,weight,type_pre,type_post\n1,2,3,A,B\n2,1,4,C,A\n",
         "column type_p.*: expected one type per neuron, got 'B' and 'C' for 2", {}),
        ("pre,post,weight,nt_type\n1,2,3,GABA\n", "expected the 0/1 vector", {"sign_policy": "ei"}),
        ("pre,post,weight\n1,2,3\n",
         "for sign_policy = shiu, expected transmitters: a column of the edges", {"sign_policy": "shiu"}),
        ("one,two,three\nfour,five,six\n", "got a table with columns 1, 2, 3$", {}),
        ("hello world\nthis is\n", r"expected rows of two neurons, .* got 4 different ones: .* header \(pre", {}),
        ("pre,post,weight\n", "expected a row for each edge, got a header alone", {}),
    ],
)  # fmt: skip
def test_refused(one_file, text, expected, options):
    refused(one_file(text), expected, **options)


def test_the_source_decides_between_edges_and_a_matrix(one_file):
    path = one_file("1 2 3\n2 1 4\n1 3 1\n")
    assert edges(read_connectome(path, "edge_list")) == {("1", "2"): 3, ("2", "1"): 4, ("1", "3"): 1}
    matrix = read_connectome(path, "matrix", Options(drop_autapses=False))
    np.testing.assert_array_equal(matrix.dense().T, [[1, 2, 3], [2, 1, 4], [1, 3, 1]])


def test_a_square_of_numbers_with_zeros_stays_a_matrix(one_file):
    for text in ("0 1 2\n3 0 0\n0 1 0\n", "0 1\n2 0\n"):
        assert recognise(one_file(text)).format == "matrix"


# ---- contents


def test_contents_say_what_every_column_is(one_file):
    text = "pre,post,weight,type,nt_type,note,q\na,b,3,chemical,GABA,x,1\nb,a,2,chemical,ACH,y,2\na,c,1,electrical,,,\n"
    assert used(read_connectome(one_file(text))) == {
        "column pre": ("presynaptic neuron", "names"),
        "column post": ("postsynaptic neuron", "names"),
        "column weight": ("weight", ""),
        "column type": ("kind of synapse (chemical or electrical)", ""),
        "column nt_type": ("transmitter of the presynaptic neuron", "2 known: acetylcholine, gaba"),
        "column note": (NOT_USED, ""),
        "column q": (NOT_USED, "no weight by its name; [net] weight_column reads it"),
        "chemical synapses in a.csv": ("directed edges", "2 rows"),
        "electrical synapses in a.csv": (NOT_USED, "1 row; synapse_type = electrical or all reads them"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("pre,post\na,b\na,b\n", "rows", ("weight", "no column of weights; rows per pair of neurons")),
        ("pre,post\na,b\nb,a\n", "rows",
         ("weight", "no column of weights; 1 for every edge: unweighted, as no pair of neurons repeats")),
        ("pre,post,amount\na,b,3\n", "column amount", ("weight", "the only further column of numbers")),
        ("pre,post,weight\na,b,-3\nb,a,2\n", "column weight", ("weight", "1 of 2 are negative, which are the signs")),
        ("pre,post,weight,type\na,b,3,fast\nb,a,2,slow\n", "column type",
         (NOT_USED, "words that tell no type of synapse, sign or direction: fast, slow")),
        ("pre,post,weight,sign\na,b,3,E\nb,a,2,I\nc,a,2,?\n", "column sign",
         ("sign of the edge", "rows: 1 excitatory, 1 inhibitory, 1 without a sign")),
        ("pre,post,weight,type\na,b,3,Undirected\nb,c,2,Directed\n", "column type",
         ("direction of the edge", "1 of 2 rows are undirected, and go both ways")),
        ("pre,post,weight,type\na,b,3,chemical\nb,c,2,monoamine\nb,c,2,\n", "other synapses in a.csv",
         (NOT_USED, "2 rows; no option reads them")),
        ("pre,post,weight,type\na,b,3,chemical\nb,c,2,monoamine\n", "column type",
         ("kind of synapse (chemical or electrical)", "other words: monoamine")),
        ("pre,post,weight,roi\na,b,3,X\nb,c,2,Y\n", "column roi",
         ("region of the synapses", "summed over all; [net] roi selects some")),
        ("pre,post,weight,consensusNt_post\na,b,3,gaba\n", "column consensusNt_post",
         (NOT_USED, "the transmitter of the postsynaptic neuron")),
        ("pre,post,weight,nt_type\na,b,3,0\nb,a,2,1\n", "column nt_type",
         (NOT_USED, "words that are no known transmitter: 0, 1")),
        ("pre,post,weight,type\na,b,3,E\nb,a,2,E\n", "column type",
         (NOT_USED, "words that tell no type of synapse, sign or direction: E")),
        ("pre,post,weight,pre_region\na,b,3,X\na,c,2,Y\n", "column pre_region",
         (NOT_USED, "it differs between the rows of a neuron")),
    ],
)  # fmt: skip
def test_a_part_of_the_contents(one_file, text, part, expected):
    assert used(read_connectome(one_file(text)))[part] == expected


def test_electrical_synapses_of_two_weights_have_the_larger_one_and_are_counted(one_file):
    """a-b is 3 and 2 + 1, a-c 1 and 2, b-c is listed once."""
    text = "pre,post,weight,type\na,b,3,gap\nb,a,2,gap\nb,a,1,gap\na,c,1,gap\nc,a,2,gap\nb,c,5,gap\n"
    read = read_connectome(one_file(text), options=Options(synapse_type="electrical"))
    sizes = {("a", "b"): 3, ("a", "c"): 2, ("b", "c"): 5}
    assert edges(read) == sizes | {(post, pre): size for (pre, post), size in sizes.items()}
    part = used(read)["unequal directions of electrical synapses in a.csv"]
    assert part == ("one weight per pair", "1 pairs; the larger weight holds")
    equal = read_connectome(one_file(text.replace("c,1", "c,2")), options=Options(synapse_type="all"))
    assert not any("unequal" in place for place in used(equal))


def test_signs_that_a_policy_leaves_out_are_named(one_file):
    path = one_file("pre,post,weight,sign,nt_type\na,b,3,1,GABA\nb,a,2,-1,ACH\n")
    assert edges(read_connectome(path)) == {("a", "b"): 3, ("b", "a"): -2}
    read = read_connectome(path, options=Options(sign_policy="shiu"))
    assert edges(read) == {("a", "b"): -3, ("b", "a"): 2}
    assert used(read)["signs in a.csv"] == (NOT_USED, "as sign_policy = shiu")


# ---- tables of neurons

EDGES = "pre,post,weight\na,b,3\nb,a,2\n"
NODES = "id,type,nt_type,side,x,y,z,cluster\nb,B,ACH,left,1,2,3,7\na,A,GABA,,4,5,6,8\nc,C,,right,,,,9\n"


def test_a_folder_of_edges_and_neurons(place):
    """The neurons are the union of both; those without edges are counted."""
    read = read_connectome(place(edges__csv=EDGES, nodes__csv=NODES, notes__txt="nothing here\n"))
    assert edges(read) == {("a", "b"): -3, ("b", "a"): 2}
    assert read.names.tolist() == ["a", "b", "c"]
    assert read.labels["type"].tolist() == ["A", "B", "C"]
    assert read.labels["side"].tolist() == ["unknown", "left", "right"]
    assert read.labels["neurotransmitter"].tolist() == ["gaba", "acetylcholine", "unknown"]
    np.testing.assert_array_equal(read.positions, [[4, 5, 6], [1, 2, 3], [np.nan] * 3])
    assert sorted(read.provenance["files"]) == ["edges.csv", "nodes.csv"]
    contents = used(read)
    assert contents["rows"] == ("neurons", "1 have no edges")
    assert contents["nodes.csv"] == ("table of neurons", "in the same folder or archive")
    assert contents["notes.txt"] == (NOT_USED, "no table of these neurons")
    assert contents["column cluster"][0] == NOT_USED


def test_an_archive_of_edges_and_neurons(place, tmp_path):
    folder = place(edges__csv=EDGES, nodes__csv=NODES)
    with tarfile.open(tmp_path / "both.tar.gz", "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    read = read_connectome(tmp_path / "both.tar.gz")
    assert read.sha256() == read_connectome(folder).sha256()
    assert read.labels["type"].tolist() == ["A", "B", "C"] and read.weights.min() == -3


def test_edges_of_numbers_and_a_table_of_neurons(place):
    edge_list = f"pre,post,weight\n{BIG},9,3\n9,{BIG},2\n"
    nodes = f"name,root_id,type\nx,{BIG},A\ny,9,B\nz,100,C\nw,n/a,D\n"
    read = read_connectome(place(e__csv=edge_list, n__csv=nodes))
    assert read.names.tolist() == ["9", "100", str(BIG)] and read.labels["type"].tolist() == ["B", "C", "A"]


def test_a_neuron_that_the_table_does_not_list_is_counted(place):
    read = read_connectome(place(e__csv=EDGES, n__csv=NODES.replace("\na,A,GABA,,4,5,6,8", "")))
    assert read.labels["type"].tolist() == ["unknown", "B", "C"]
    assert "2 of 3 neurons have a row; labels of the other 1 are unknown" in used(read)["column id"][1]


def test_a_table_beside_the_file_gives_labels_but_no_neurons(place):
    folder = place(edges__csv=EDGES, nodes__csv=NODES)
    read = read_connectome(folder / "edges.csv")
    assert edges(read) == {("a", "b"): -3, ("b", "a"): 2} and read.names.tolist() == ["a", "b"]
    assert used(read)["nodes.csv"] == ("table of neurons", "it lies beside the file, with the same ids")
    place(other__csv=NODES)
    read = read_connectome(folder / "edges.csv")
    assert edges(read) == {("a", "b"): 3, ("b", "a"): 2}
    reason = "several tables with these ids lie beside; [net] labels names one"
    assert used(read)["nodes.csv"] == used(read)["other.csv"] == (NOT_USED, reason)
    labels = Options(labels=str(folder / "other.csv"))
    assert edges(read_connectome(folder / "edges.csv", options=labels)) == {("a", "b"): -3, ("b", "a"): 2}


def test_a_table_of_neurons_among_very_many_files_is_not_searched(place):
    folder = place(edges__csv=EDGES, nodes__csv=NODES, **{f"n{number}__txt": "" for number in range(60)})
    read = read_connectome(folder / "edges.csv")
    assert read.labels == {}
    assert used(read)["other files of the folder"][1].endswith("[net] labels names a table of neurons")
    whole = read_connectome(folder)
    assert whole.labels["type"].tolist() == ["A", "B", "C"]
    assert any(part.place.startswith("60 further files") for part in parts_of(whole.provenance))


@pytest.mark.parametrize(
    "table",
    [
        "index,loss\na,1\nb,2\n",  # no property of a neuron
        "id,type\nx,A\ny,B\n",  # other ids
        "id,type\na,A\na,B\nb,C\n",  # several rows per id
        "pre,post,type\na,b,A\n",  # another list of edges
        "bodyId,roi,pre,post\na,EB,1,2\nb,EB,1,2\na,PB,1,2\n",  # counts per neuron and ROI
    ],
)
def test_other_tables_beside_the_file_are_not_read(place, table):
    folder = place(edges__csv=EDGES, other__csv=table)
    read = read_connectome(folder / "edges.csv")
    assert read.labels == {} and list(read.provenance["files"]) == ["edges.csv"]


def test_the_labels_option(place, tmp_path):
    path = place(edges__csv=EDGES) / "edges.csv"
    (tmp_path / "labels.csv").write_text(NODES.replace("id,", "neuron,"))
    read = read_connectome(path, options=Options(labels=str(tmp_path / "labels.csv")))
    assert read.labels["type"].tolist() == ["A", "B"] and edges(read)["a", "b"] == -3
    assert used(read)["labels.csv"] == ("table of neurons", "as [net] labels says")
    refused(path, r"none\.csv", labels=str(tmp_path / "none.csv"))
    (tmp_path / "labels.csv").write_text("neuron,type\nx,A\ny,B\n")
    expected = r"labels\.csv, column neuron: expected ids of the network's 2 neurons"
    refused(path, expected, labels=str(tmp_path / "labels.csv"))


def test_labels_of_the_table_come_before_those_of_the_edges(place):
    both = place(e__csv="pre,post,weight,pre_type,nt_type\na,b,3,X,GABA\nb,a,2,Y,GABA\n", n__csv=NODES)
    read = read_connectome(both)
    assert read.labels["type"].tolist() == ["A", "B", "C"] and edges(read) == {("a", "b"): -3, ("b", "a"): 2}
    contents = used(read)
    assert contents["type of neurons in the edges"] == (NOT_USED, "n.csv has it")
    assert contents["transmitters of the edges"] == (NOT_USED, "n.csv has those of the neurons")


def test_signs_of_neurons_in_a_table(place):
    nodes = "neuron,excitatory\na,False\nb,True\n"
    assert edges(read_connectome(place(e__csv=EDGES, n__csv=nodes))) == {("a", "b"): -3, ("b", "a"): 2}
    electrical = "pre,post,weight,type\na,b,3,chemical\na,c,9,electrical\n"
    read = read_connectome(place(e__csv=electrical, n__csv=nodes), options=Options(synapse_type="all"))
    assert edges(read) == {("a", "b"): -3, ("a", "c"): 9, ("c", "a"): 9}


def test_two_lists_of_edges_or_tables_of_neurons_in_a_folder(place):
    folder = place(aa__csv=EDGES, ad__csv=EDGES)
    assert recognise(folder).sentence.endswith("edge lists in aa.csv, ad.csv")
    refused(folder, r"expected one edge list .*, got 2: aa\.csv, ad\.csv; name one file")
    (folder / "aa.csv").unlink()
    both = place(n__csv=NODES, m__csv=NODES)
    refused(both, r"expected one table of neurons, got m\.csv, n\.csv: \[net\] labels = FILE names one")


def test_neurons_beside_edges_without_a_header(place):
    """As the larva of Winding et al. circulates."""
    nodes = ",name,hemisphere,simple_group,celltype\n0,a,left,KC,KC-1\n1,b,right,MBON,MBON-2\n"
    read = read_connectome(place(edges__csv="a,b,3\nb,a,2\n", meta__csv=nodes))
    assert edges(read) == {("a", "b"): 3, ("b", "a"): 2}
    assert read.labels["side"].tolist() == ["left", "right"] and read.labels["super_class"].tolist() == ["KC", "MBON"]


def format_of(path):
    """The name of the recognised format, "" for none."""
    try:
        return recognise(path).format
    except FormatError:
        return ""


def test_labels_without_a_header_are_no_edges(place):
    """Beside an array, or in pairs beside another file; the file alone would be edges."""
    folder = place(labels__csv="a,KC,3\nb,MBON,2\n")
    np.save(folder / "matrix.npy", np.array([[0, 1.0], [2, 0]]))
    assert format_of(folder / "labels.csv") == "edge_list" != format_of(folder)
    (folder / "matrix.npy").unlink()
    place(labels__csv="a,KC\nb,KC\n", other__csv="x,y\n1,2\n")
    assert format_of(folder / "labels.csv") == "edge_list" != format_of(folder)


def test_roi_counts_of_neuprint_are_no_neurons(place):
    """roi_counts.csv beside neurons.csv, as neuprint-python saves them."""
    folder = place(
        neurons__csv="bodyId,type,instance,pre,post,size\n1,A,A_L,3,2,100\n2,B,B_R,2,3,100\n",
        roi_counts__csv="bodyId,roi,pre,post\n1,EB,3,2\n2,EB,2,3\n2,PB,1,0\n",
        connections__csv="bodyId_pre,bodyId_post,weight\n1,2,3\n2,1,2\n",
    )
    read = read_connectome(folder)
    assert edges(read) == ONE_TWO and read.labels["type"].tolist() == ["A", "B"]
    for name in ("neurons.csv", "roi_counts.csv"):
        refused(folder / name, "pre and post are numbers of synapses of one neuron here", "edge_list")


def test_rows_of_hemibrain_with_transmitters_are_an_edge_list(place):
    """As neuprint-python's merge_neuron_properties gives them; a table of neurons has the transmitters itself."""
    rows = "bodyId_pre,bodyId_post,roi,weight,consensusNt_pre,type_pre,type_post\n1,2,EB,3,gaba,A,B\n2,1,EB,2,,B,A\n"
    folder = place(connections__csv=rows)
    assert recognise(folder / "connections.csv").format == "edge_list"
    read = read_connectome(folder / "connections.csv")
    assert edges(read) == {("1", "2"): -3, ("2", "1"): 2} and read.labels["type"].tolist() == ["A", "B"]
    place(neurons__csv="bodyId,type,instance\n1,A,A_L\n2,B,B_R\n")
    assert edges(read_connectome(folder)) == {("1", "2"): -3, ("2", "1"): 2}  # not all excitatory
    place(neurons__csv="bodyId,type,instance,predictedNt\n1,A,A_L,acetylcholine\n2,B,B_R,gaba\n")
    assert recognise(folder).format == "neuprint_export"
    assert edges(read_connectome(folder)) == {("1", "2"): 3, ("2", "1"): -2}


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("nt_type", "gaba", "ach"), ("neurotransmitter", "GABA", "ACh"), ("sign", "-1", "1"), ("is_inh", "True", "False"),
     ("cell nt", "gaba", "acetylcholine")],
)  # fmt: skip
def test_signs_of_neurons_in_tables_of_neuprint(place, column, first, second):
    """In a folder with neuPrint's columns, whatever the column of signs or transmitters is called."""
    folder = place(
        connections__csv="bodyId_pre,bodyId_post,weight\n1,2,3\n2,1,2\n",
        neurons__csv=f"bodyId,type,instance,{column}\n1,A,A_L,{first}\n2,B,B_R,{second}\n",
    )
    assert edges(read_connectome(folder)) == {("1", "2"): -3, ("2", "1"): 2}


@pytest.mark.parametrize("of", ["rows", "neurons"])
@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("pre_top_nt", "gaba", "ach"), ("predicted_nt", "GABA", "ACh"), ("sign", "-1", "1"), ("is_inh", "True", "False")],
)  # fmt: skip
def test_signs_in_tables_of_flywire(place, of, column, first, second):
    """With FlyWire's columns, whatever the column of signs or transmitters is called, of rows or of neurons."""
    if of == "rows":
        rows = f"pre_root_id,post_root_id,syn_count,{column}\n1,2,3,{first}\n2,1,2,{second}\n"
        folder = place(connections__csv=rows)
    else:
        name = column.removeprefix("pre_")
        neurons = f"root_id,side,{name}\n1,left,{first}\n2,right,{second}\n"
        folder = place(connections__csv="pre_root_id,post_root_id,syn_count\n1,2,3\n2,1,2\n", neurons__csv=neurons)
    path = folder if of == "neurons" else folder / "connections.csv"
    assert edges(read_connectome(path)) == {("1", "2"): -3, ("2", "1"): 2}


def test_kinds_of_synapses_in_rows_of_neuprint(place):
    folder = place(
        connections__csv="bodyId_pre,bodyId_post,weight,synapse_type\n1,2,3,chemical\n2,1,2,electrical\n",
        neurons__csv="bodyId,type,instance\n1,A,A_L\n2,B,B_R\n",
    )
    assert edges(read_connectome(folder)) == {("1", "2"): 3}


# ---- the worm


@pytest.fixture(scope="module")
def worm(connectomes):
    """The rows of Cook's hermaphrodite with names without spaces, and their path."""
    path = connectomes / "celegans" / "herm_full_edgelist.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    frame = pd.read_csv(path)
    for column in ("Source", "Target", "Type"):
        frame[column] = frame[column].str.strip()
    return path, frame


def pairs(frame):
    """(pre, post) -> weight of a frame without autapses."""
    frame = frame[frame["Source"] != frame["Target"]]
    return frame.groupby(["Source", "Target"])["Weight"].sum().to_dict()


def gap_junctions(frame):
    """Both directions of each pair, with the larger of the sums that are listed."""
    listed = pairs(frame[frame["Type"] == "electrical"])
    ends = {frozenset(pair) for pair in listed}
    sizes = {ends: max(listed.get(pair, 0) for pair in (tuple(ends), tuple(ends)[::-1])) for ends in ends}
    return {pair: size for ends, size in sizes.items() for pair in (tuple(ends), tuple(ends)[::-1])}


def test_the_worm_against_pandas(worm):
    path, frame = worm
    chemical = pairs(frame[frame["Type"] == "chemical"])
    electrical = gap_junctions(frame)
    read = read_connectome(path)
    assert edges(read) == chemical and read.provenance["duplicates_summed"] == 0
    assert not any(name != name.strip() for name in read.names)
    assert used(read)["chemical synapses in herm_full_edgelist.csv"] == ("directed edges", "4,681 rows")
    assert used(read)["electrical synapses in herm_full_edgelist.csv"][0] == NOT_USED
    read = read_connectome(path, options=Options(synapse_type="electrical"))
    assert edges(read) == electrical
    dense = read.dense()
    np.testing.assert_array_equal(dense, dense.T)
    read = read_connectome(path, options=Options(synapse_type="all"))
    keys = chemical.keys() | electrical.keys()
    assert edges(read) == {key: chemical.get(key, 0) + electrical.get(key, 0) for key in keys}
    assert read.provenance["electrical_edges"] == len(electrical)
