"""From an INI to the network of a list of edges: [net] columns, weight_column, synapse_type, labels and roi."""

import pytest

from randomnet.settings import ConfigError
from tests.support.networks import network

ROWS = "who,whom,nr,n,region,kind\na,b,3,1,EB,chemical\nb,a,2,1,EB,chemical\na,c,2,1,PB,chemical\n" \
    "c,a,9,1,PB,gap junction\n"  # fmt: skip
NAMED = "net.columns=pre: who, post: WHOM"
PLAIN = ("net.normalization=none", "net.null=none")


@pytest.fixture
def made(tmp_path):
    """The (pre, post) -> weight of the network that options of an INI read from a list of edges."""
    (tmp_path / "list.csv").write_text(ROWS)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "types.csv").write_text("id,nt\na,GABA\nb,ACh\nc,ACh\n")

    def read(*settings):
        connectome = network(tmp_path, tmp_path / "list.csv", *PLAIN, *settings)
        names = connectome.names.tolist()
        ends = zip(connectome.pre.tolist(), connectome.post.tolist(), connectome.weights.tolist(), strict=True)
        return {(names[pre], names[post]): weight for pre, post, weight in ends}

    return read


def test_columns_and_roi(made, tmp_path):
    weights = "net.weight_column=nr"
    assert made(NAMED, weights, "net.roi=all") == {("a", "b"): 3, ("b", "a"): 2, ("a", "c"): 2}
    assert made(NAMED, weights, "net.roi=EB") == {("a", "b"): 3, ("b", "a"): 2}
    both = made(NAMED, weights, "net.roi=PB", "net.synapse_type=all")
    assert both == {("a", "c"): 11, ("c", "a"): 9}
    signed = made(NAMED, weights, "net.roi=all", f"net.labels={tmp_path / 'labels' / 'types.csv'}")
    assert signed == {("a", "b"): -3, ("b", "a"): 2, ("a", "c"): -2}


def test_errors_name_the_option(made):
    with pytest.raises(ConfigError, match=r"expected one column of weight, got nr, n|columns of numbers"):
        made(NAMED, "net.roi=all")
    with pytest.raises(ConfigError, match=r"\[net\] roi = XX: .*expected a ROI .*got 'XX'; there are EB, PB"):
        made(NAMED, "net.weight_column=nr", "net.roi=XX")
    with pytest.raises(ConfigError, match=r"no column is spelled as presynaptic neuron and postsynaptic neuron"):
        made("net.roi=all")
