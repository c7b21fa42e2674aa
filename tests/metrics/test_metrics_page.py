"""The page of metrics, and the columns of scores.csv, against the rows of METRICS."""


from randomnet.metrics import METRICS, scores
from randomnet.results.columns.training import SCORES
from tests.support.paths import ROOT

BETTER = {True: "higher", False: "lower", None: ""}


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def rows_of_page():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return [row for row in page.splitlines() if row.startswith("| `")]


def test_the_list_of_metrics_is_made_from_the_rows():
    expected = [line(f"`{name}`", row.sentence, row.needs, row.source) for name, row in METRICS.items()]
    assert rows_of_page()[: len(METRICS)] == expected


def test_the_list_of_scores_is_made_from_the_rows():
    expected = [
        line(f"`{score.column}`", BETTER[score.higher_is_better],
             f"`{score.reference.column}` ({score.reference.role})" if score.reference else "")
        for score in scores() if score.higher_is_better is not None
    ]  # fmt: skip
    assert rows_of_page()[len(METRICS) :] == expected


def test_the_columns_of_scores_csv_have_the_words_and_units_of_the_rows():
    columns = {column.name: (column.meaning, column.unit) for column in SCORES.columns}
    assert {score.column: columns[score.column] for score in scores()} == {
        score.column: (score.sentence, score.unit) for score in scores()
    }


def test_references_and_pairs_are_columns_of_the_same_metric():
    for metric in METRICS.values():
        columns = {score.column for score in metric.scores}
        assert {score.reference.column for score in metric.scores if score.reference} <= columns


def test_every_score_with_a_figure_says_which_direction_is_better():
    assert all(score.higher_is_better is not None for score in scores() if score.label)
