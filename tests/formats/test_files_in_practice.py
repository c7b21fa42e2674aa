"""Files as spreadsheets, R, pandas and databases write them: read as their authors mean them, or named, or refused."""

import numpy as np
import pytest

from randomnet.formats import FormatError, Options, parts_of, read_connectome


@pytest.fixture
def read(tmp_path):
    """Reads the network of files, name -> content; the first one, or their folder where `whole`."""

    def of(files, whole=False, **options):
        if isinstance(files, str):
            files = {"a.csv": files}
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        return read_connectome(tmp_path if whole else tmp_path / next(iter(files)), options=Options(**options))

    return of


def edges(connectome):
    """(pre, post) -> weight, by name."""
    names = connectome.names.tolist()
    return {
        (names[pre], names[post]): weight
        for pre, post, weight in zip(connectome.pre, connectome.post, connectome.weights.tolist(), strict=True)
    }


def notes(connectome):
    """The contents as lines of text."""
    return "\n".join(" | ".join(part) for part in parts_of(connectome.provenance))


def refusal(read, files, whole=False, **options):
    """The text of the error, which is one line."""
    with pytest.raises(FormatError) as caught:
        read(files, whole, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


RING = "pre,post,weight\nA,B,3\nB,C,5\nC,A,7\nA,C,2\nC,D,4\nD,A,1\n"


# ---- names


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_ids_with_leading_zeros_are_names(read, separator, quote):
    rows = [("001", "002", "3"), ("002", "1", "5"), ("1", "001", "9"), ("002", "001", "4")]
    lines = [("pre", "post", "weight"), *((f"{quote}{pre}{quote}", post, weight) for pre, post, weight in rows)]
    network = read("\n".join(map(separator.join, lines)) + "\n")
    assert edges(network) == {(pre, post): float(weight) for pre, post, weight in rows}


def test_one_id_with_a_leading_zero_far_down_is_a_name(read):
    rows = [(str(number), str(number + 1)) for number in range(100, 400)] + [("0100", "101")]
    network = read("pre,post\n" + "".join(f"{pre},{post}\n" for pre, post in rows))
    assert ("0100", "101") in edges(network) and ("100", "101") in edges(network)


def test_zeros_of_other_columns_leave_ids_whole_numbers(read):
    network = read("pre,post,weight,day\n10,9,3,01\n9,10,0.5,02\n9,11,0,03\n")
    assert network.names.tolist() == ["9", "10", "11"]  # in the order of numbers
