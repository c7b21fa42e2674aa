"""Sentences of result: their numbers against tests.csv and closed forms, and what they refuse to say."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from randomnet.comparison import headlines
from randomnet.comparison.crossings import crossing_sentences
from randomnet.comparison.headlines import Headline
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.result_sentences import sentences
from randomnet.figures import FIGURES
from randomnet.kinds import KINDS
from randomnet.kinds.kind import kind_of
from randomnet.kinds.reads import TRAINING_ONLY
from tests.support.studies import study_of

EXPONENT = Headline("lambda_max", "largest Lyapunov exponent", lowest_first=False, best=False)
LOSS = Headline("loss_final", "loss")
OF_EXPONENT = SimpleNamespace(
    tested=("lambda_max",), headlines=(EXPONENT,), sentences=None, sentences_replace="nothing"
)
OF_LOSS = SimpleNamespace(tested=("loss_final",), headlines=(LOSS,), sentences=None, sentences_replace="nothing")
STEPS = np.array([-0.05, 0.01, 0.03, -0.02, 0.04, 0.0, 0.02, -0.03, 0.05, -0.01])  # their mean is .004
OTHER_STEPS = np.linspace(-0.02, 0.02, 10)


def of_nulls(label, values):
    return 0.5 + STEPS if values["null"] == "none" else 0.3 + OTHER_STEPS


def test_a_network_above_its_null_is_told_with_effect_interval_n_and_p():
    study = study_of({"null": ["none", "degree"]}, of_nulls)
    (text,) = sentences(study, OF_EXPONENT)
    differences = 0.5 + STEPS - (0.3 + OTHER_STEPS)
    low, high = mean_interval(differences)
    assert text.startswith("Largest Lyapunov exponent of the connectome MB is above that of its degree null by ")
    assert f"by {differences.mean():.4f} [{low:.3f}, {high:.3f}] (95 % interval), n = 10 pairs" in text
    assert text.endswith(f"p = {2 / 2**10:.2g}.")  # all ten differences are positive: 2 of 2^10 sign patterns


def test_combos_that_a_halving_stopped_are_counted_and_not_ranked():
    """Their losses are of fewer epochs, and may be lower by chance: here that of lr = 1."""
    statuses = {(0, 0): "stopped by halving", (0, 1): "stopped by halving"}
    grid = {"lr": [1, 2, 3]}
    study = study_of(grid, lambda label, of: [of["lr"], of["lr"] + 0.1], "loss_final", statuses=statuses)
    texts = sentences(study, OF_LOSS)
    assert texts[0].startswith("Loss is best at lr = 2, of 2 combos") and "lr = 1" not in " ".join(texts)
    assert texts[-1] == "Of 6 runs, 2 stopped by halving, not ranked."
    every = dict.fromkeys(itertools.product(range(2), range(2)), "stopped by halving")
    (text,) = sentences(study_of({"lr": [1, 2]}, lambda label, of: [1.0, 2.0], "loss_final", statuses=every), OF_LOSS)
    assert text == "Of 4 runs, 4 stopped by halving, not ranked."


def test_the_only_combo_with_values_is_named():
    study = study_of({"g": [1, 2]}, lambda label, of: [np.nan, np.nan] if of["g"] == 1 else [1.0, 2.0])
    assert sentences(study, OF_EXPONENT)[0].startswith("Largest Lyapunov exponent of g = 2 is 1.50 [")


def test_a_mean_difference_of_zero_is_neither_above_nor_below():
    exact = study_of({"null": ["none", "degree"]}, lambda label, of: np.arange(10.0))
    text = sentences(exact, OF_EXPONENT)[0]
    assert "The mean difference is 0 [0, 0] (95 % interval), n = 10 pairs, p = 1" in text
    assert "equal to by" not in text and "-0" not in text
    two = study_of({"g": [1, 2], "null": ["none", "degree"]}, lambda label, of: np.arange(10.0))
    assert "Smallest p at g = 1: the mean difference is 0 [0, 0]" in sentences(two, OF_EXPONENT)[0]
    one = study_of({"null": ["none", "degree"]}, lambda label, of: [2.0])
    assert "by 0" not in sentences(one, OF_EXPONENT)[0]


def test_the_sign_of_the_effect_is_that_of_the_network():
    turned = study_of({"null": ["none", "degree"]}, lambda label, values: -of_nulls(label, values))
    assert "is below that of its degree null by 0.204" in sentences(turned, OF_EXPONENT)[0]


def test_cells_are_never_pooled_and_those_that_do_not_decide_are_counted():
    def values(label, of):
        return of_nulls(label, of) if of["g"] == 2 else STEPS if of["null"] == "none" else STEPS[::-1]

    text, _ = sentences(study_of({"g": [1, 2], "null": ["none", "degree"]}, values), OF_EXPONENT)
    effect, numbers = text.split(". ", 1)
    assert effect == (
        "Cell by cell, the largest Lyapunov exponent of the connectome MB is above that of its degree null at g = 2 "
        "(1 of 2 cells)"
    )
    assert numbers.startswith("Largest difference, at g = 2: 0.204")
    assert numbers.endswith("p = 0.002; with Holm's correction for 2 cells, p is at most 0.05 in 1.")  # 2 x 0.002


def test_cells_that_differ_in_both_directions_are_told_apart():
    def values(label, of):
        return of_nulls(label, of) * (1 if of["g"] < 3 else -1)

    text, *_ = sentences(study_of({"g": [1, 2, 3], "null": ["none", "degree"]}, values), OF_EXPONENT)
    assert "is above that of its degree null at g = 1, 2 (2 of 3 cells) and below it at g = 3 (1 of 3 cells). " in text


def test_the_p_of_the_one_question_is_not_corrected_for_other_columns():
    """40 draws allow p = 2/41 = 0.049, which the correction for further columns of tests.csv would raise above 0.05."""

    def values(label, of):
        return np.full(40, 0.5) if of["null"] == "none" else np.linspace(0.1, 0.3, 40)

    study = study_of({"null": ["none", "degree"]}, values, fixed=True)
    for name in ("D_KY", "h_KS", "n_positive"):
        study.runs[name] = study.runs["lambda_max"]
    tested = ("lambda_max", "D_KY", "h_KS", "n_positive")
    figure_set = SimpleNamespace(tested=tested, headlines=(EXPONENT,), sentences=None, sentences_replace="nothing")
    text, note = sentences(study, figure_set)
    assert text.startswith("Largest Lyapunov exponent of the connectome MB is above that of its degree null by 0.300 ")
    assert text.endswith("n = 40 draws, p = 0.049.") and "Holm" not in text
    assert note.startswith("This p is of one question and not corrected for others. All quantities are in tests.csv")


def test_the_result_after_training_stands_before_the_one_before_training():
    study = study_of({"null": ["none", "degree"]}, of_nulls, "error_final")
    study.runs["error_initial"] = study.runs["error_final"] + 1
    headline = Headline("error_final", "error after training", before="error_initial")
    figure_set = SimpleNamespace(
        tested=("error_final",), headlines=(headline,), sentences=None, sentences_replace="nothing"
    )
    after, before, *_ = sentences(study, figure_set)
    assert after.startswith("Error after training of the connectome MB is above")
    assert before.startswith("Error before training of the connectome MB is above")


def test_too_few_pairs_decide_nothing_and_it_says_how_many_are_needed():
    study = study_of({"null": ["none", "degree"]}, lambda label, values: of_nulls(label, values)[:3])
    (text,) = sentences(study, OF_EXPONENT)
    assert text.startswith("No difference can be told between the connectome MB and its degree null in largest ")
    assert ". The connectome MB is above by 0.2" in text
    assert text.endswith("p = 0.25; 3 pairs allow no p below 0.25, 0.05 needs 6.")


def test_one_pair_has_no_p():
    lost = {(0, 1): "failed"}
    study = study_of({"null": ["none", "degree"]}, lambda label, values: of_nulls(label, values)[:2], statuses=lost)
    assert "the study cannot decide: it has 1 pair, and p < 0.05 needs 6" in sentences(study, OF_EXPONENT)[0]


def test_cells_that_a_correction_does_not_leave_are_told():
    """Six pairs allow p = 0.031, and four such p are 0.12 after Holm's correction."""

    def values(label, of):
        return of_nulls(label, of)[:6]

    grid = {"g": [1, 2, 3, 4], "null": ["none", "degree"]}
    text, *_ = sentences(study_of(grid, values), OF_EXPONENT)
    assert "is above that of its degree null at g = 1, 2, 3, 4 (4 of 4 cells). Largest difference, at g = 1: " in text
    assert text.endswith("p = 0.031; 6 pairs cannot reach 0.05 with Holm's correction for 4 cells.")


def test_a_result_that_rests_on_doubtful_runs_says_so_at_once():
    study = study_of({"null": ["none", "degree"]}, of_nulls)
    study.runs["converged"] = study.runs["number"] != 0
    text = sentences(study, OF_EXPONENT)[0]
    assert "runs are not converged" not in text, "half of them"
    study.runs["converged"] = False
    assert "; 20 of these 20 runs are not converged, or too short to tell." in sentences(study, OF_EXPONENT)[0]


def test_one_measured_network_is_ranked_among_draws():
    study = study_of({"null": ["none", "degree"]}, of_nulls, fixed=True)
    (text,) = sentences(study, OF_EXPONENT)
    assert "(82 % prediction interval), n = 10 draws, p = 0.18" in text
    assert text.endswith("10 draws allow no p below 0.18, 0.05 needs 39.")


def test_two_networks_have_a_difference_and_no_p():
    def values(label, of):
        return of_nulls(label, of)

    study = study_of({"null": ["none", "degree"]}, values)
    study.runs["network"] = study.runs["combo"]
    assert "one network of each kind, so there is no p" in sentences(study, OF_EXPONENT)[0]


def test_doubts_count_runs_that_are_missing_or_have_a_verdict():
    study = study_of({"null": ["none", "degree"]}, of_nulls, statuses={(0, 0): "missing", (1, 3): "diverged"})
    study.runs["verdict"] = np.where(study.runs["iteration"] == 5, "not converged", "converged")
    *_, text = sentences(study, OF_EXPONENT)
    assert text == "Of 20 runs, 1 unfinished; 1 diverged, left out; 2 not converged."


def test_doubts_of_a_training_count_its_spectra_too():
    study = study_of({}, lambda label, of: STEPS, "loss_final")
    study.runs["lambda_max_final"], study.runs["verdict_final"] = 0.1, "too short to tell"
    *_, text = sentences(study, OF_LOSS)
    assert text == "Of 10 runs, 10 spectra after training too short to tell whether they converged."


def test_labels_are_compared_in_each_cell_if_nothing_is_a_null():
    def values(label, of):
        return of_nulls(label, {"null": "none" if label == "bio" else "degree"})

    (text,) = sentences(study_of({}, values, labels=("bio", "rand")), OF_EXPONENT)
    assert text.startswith("Largest Lyapunov exponent of bio is above that of rand by 0.204")


def test_losses_of_different_kinds_are_not_compared():
    settings = {"bio": {"trainvalidate.loss": "mse"}, "rand": {"trainvalidate.loss": "l2"}}
    study = study_of({}, lambda label, of: STEPS, "loss_final", ("bio", "rand"), settings)
    assert sentences(study, OF_LOSS) == [
        "Loss of bio and of rand are different quantities, as loss differs: no comparison.",
        "The folders also differ in loss.",
    ]


def test_folders_that_differ_in_more_than_their_null_are_said_to():
    settings = {"bio": {"net.null": "none", "lyapunov.tsim": 60}, "rand": {"net.null": "degree", "lyapunov.tsim": 90}}
    study = study_of({}, lambda label, of: STEPS, labels=("bio", "rand"), settings=settings)
    assert sentences(study, OF_EXPONENT)[-1] == "The folders also differ in tsim."


def test_combos_without_a_null_are_ordered_with_intervals():
    def values(label, of):
        return of["lr"] + STEPS / 10

    first, others, certainty = sentences(study_of({"lr": [3, 1, 2]}, values, "loss_final"), OF_LOSS)
    low, high = mean_interval(1 + STEPS / 10)
    mean = (1 + STEPS / 10).mean()
    interval = f"{mean:.5f} [{low:.4f}, {high:.4f}] (n = 10 networks)"
    assert first == f"Loss is best at lr = 1, of 3 combos: {interval}."
    assert others.startswith("Then lr = 2 with") and "; last lr = 3 with" in others
    assert certainty == "No other interval overlaps with the first one's."


def test_combos_of_equal_means_share_a_place():
    grid = {"external_rate": [5, 10], "turned": [0, 90, 180]}
    first, others, _ = sentences(study_of(grid, lambda label, of: [of["external_rate"] / 4]), OF_EXPONENT)
    assert first == "Largest Lyapunov exponent is highest, 2.5, in 3 of 6 combos: external_rate = 10."
    assert others == "The other 3 have 1.25."
    (text,) = sentences(study_of({"g": [1, 2]}, lambda label, of: [1.0]), OF_EXPONENT)
    assert text == "Largest Lyapunov exponent is 1 in all 2 combos."


def word_count(sentence):
    return sum(any(character.isalnum() for character in word) for word in sentence.split())


@pytest.mark.parametrize("iterations", [3, 6, 10])
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("couplings", [(1,), (1, 2, 4, 8)])
@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_a_result_has_at_most_two_sentences_of_at_most_35_words(iterations, fixed, couplings, gap):
    def values(label, of):
        return (gap if of["null"] == "none" else 0.0) + (STEPS if of["null"] == "none" else OTHER_STEPS)[:iterations]

    study = study_of({"g": list(couplings), "null": ["none", "degree", "sign"]}, values, fixed=fixed)
    results = [text for text in sentences(study, OF_EXPONENT) if ", p = " in text]
    assert len(results) == 2
    for text in results:
        parts = text.removesuffix(".").split(". ")
        assert len(parts) <= 2 and max(map(word_count, parts)) <= 35, text


def test_overlapping_intervals_and_single_runs_do_not_decide_the_order():
    *_, overlap = sentences(study_of({"lr": [1, 2]}, lambda label, of: 0.001 * of["lr"] + STEPS, "loss_final"), OF_LOSS)
    assert overlap.startswith("Their intervals overlap")
    *_, single = sentences(study_of({"lr": [1, 2]}, lambda label, of: [of["lr"]], "loss_final"), OF_LOSS)
    assert single.startswith("The study cannot tell whether this order is chance")


def test_losses_of_different_tasks_are_ordered_within_each_task_only():
    tasks = {number: {"trialparams.task_name": name} for number, name in enumerate(("odr", "odr", "dpa", "dpa"))}
    grid = {"task": ["odr", "dpa"], "lr": [1, 2]}
    study = study_of(grid, lambda label, of: of["lr"] + STEPS / 10, "loss_final", settings=tasks)
    first, *orders = sentences(study, OF_LOSS)
    assert first == "Loss is another quantity for each task_name: the study ranks no combos across these."
    assert sum("is best at " in text and "lr = 1, of 2 combos" in text for text in orders) == 2


def test_losses_of_other_trials_are_not_ranked():
    trials = {number: {"trialparams.n_back": number + 1} for number in range(2)}
    study = study_of({"n_back": [1, 2]}, lambda label, of: of["n_back"] + STEPS, "loss_final", settings=trials)
    assert sentences(study, OF_LOSS) == [
        "Loss is another quantity for each n_back: the study ranks no combos across these."
    ]
    assert {*headlines.TRAINING_ONLY} == TRAINING_ONLY


def test_a_study_without_results_says_so():
    study = study_of({"lr": [1, 2]}, lambda label, of: [np.nan], "loss_final",
                     statuses={(0, 0): "missing", (1, 0): "failed"})  # fmt: skip
    assert sentences(study, OF_LOSS) == ["No run has a result yet.", "Of 2 runs, 1 unfinished; 1 failed."]


@pytest.mark.parametrize("kind", [name for name in FIGURES if name in KINDS])
def test_each_kind_has_headlines_that_agree_with_the_order_on_the_console(kind):
    headlines = {headline.column: headline for headline in FIGURES[kind].headlines}
    assert headlines
    for ranking in kind_of(kind).rankings:
        headline = headlines[ranking.column]
        assert (headline.lowest_first, headline.best) == (ranking.lowest_first, ranking.best)


def test_the_crossing_of_each_curve_over_g_is_told():
    def values(label, of):  # medians cross zero at g = 2.25 for the network, and nowhere for its null
        return of["g"] - (2.25 if of["null"] == "none" else 9) + STEPS - 0.005

    study = study_of({"g": [1, 2, 3], "null": ["none", "degree"]}, values)
    network, null = crossing_sentences(study)
    middle = 2.25 + 0.005 - np.median(STEPS)
    assert network.startswith(f"With null = none, chaos begins at g = {middle:.3g} [")
    assert "], where the largest exponent becomes positive (" in network
    text = "With null = degree, no chaos is seen: the largest exponent is nowhere positive over g = 1 to 3 (medians "
    assert null == f"{text}over 10 networks)."
    assert crossing_sentences(study_of({"lr": [1, 2, 3]}, lambda label, of: STEPS)) == []


@pytest.mark.parametrize(("replaces", "has_order", "has_comparison"), [
    ("nothing", True, True),
    ("order", False, True),
    ("comparisons", False, False),
])  # fmt: skip
def test_sentences_of_a_kind_come_first_and_stand_in_place_of_those_that_it_names(replaces, has_order, has_comparison):
    figure_set = SimpleNamespace(**{**vars(OF_EXPONENT), "sentences_replace": replaces})
    for grid, is_left, text in (
        ({"g": [1, 2]}, has_order, "Largest Lyapunov exponent is highest at g = 2"),
        ({"null": ["none", "degree"]}, has_comparison, "is above that of its degree null"),
    ):
        study = study_of(grid, of_nulls if "null" in grid else lambda label, of: of["g"] + STEPS)
        figure_set.sentences = lambda study: ["A sentence of the kind."]
        first, *others = sentences(study, figure_set)
        assert first == "A sentence of the kind." and (text in " ".join(others)) == is_left
        figure_set.sentences = lambda study: []  # a study that they do not fit has all others
        assert text in " ".join(sentences(study, figure_set))
