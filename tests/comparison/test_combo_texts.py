"""Paths in tables and file names are as short as tells them apart."""

import pytest

from randomnet.comparison.combo_texts import distinguishing_end


@pytest.mark.parametrize(
    ("paths", "ends"),
    [
        (["/a/long/way/wt.csv"], ["wt"]),
        (["/a/wt.csv", "/a/unc31.csv"], ["wt", "unc31"]),
        (["/a/wt.csv", "/b/wt.csv"], ["a/wt", "b/wt"]),
        (["/a/wt.csv", "/a/wt.tsv"], ["wt.csv", "wt.tsv"]),
        (["/x/a/wt.csv", "/y/a/wt.csv", "/y/b/wt.csv"], ["x/a/wt", "y/a/wt", "b/wt"]),
        (["wt.csv", "/a/wt.csv"], ["wt.csv", "a/wt"]),
        (["", "wt.csv"], ["", "wt"]),
    ],
)
def test_the_shortest_end_of_a_path_that_no_other_has(paths, ends):
    assert [distinguishing_end(path, paths) for path in paths] == ends
