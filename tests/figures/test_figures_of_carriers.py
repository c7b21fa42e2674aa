"""Which groups carry the leading exponent: sentences and overview of made-up runs whose answer is known."""

import numpy as np

from randomnet import plotting, results
from randomnet.figures import FIGURES
from randomnet.figures.carriers import carrier_overview, carrier_sentences
from tests.support.spectral_folders import N, gather, make

SIZES = np.array([10, 20, 10])  # of the groups A, B and C
TYPES = np.repeat(np.arange(3), SIZES)
DRAWS = 40
SPREAD = 1 + 0.2 * np.linspace(-1, 1, DRAWS)  # of group A's share over the runs


def vectors(shares, unstable=1, separated=True, rng=None):
    """Arrays of a run whose first vector has these shares on the groups; neurons of a group differ a little."""
    neurons = (1 + 0.3 * np.random.default_rng(0).standard_normal(N)) ** 2
    for group, share in enumerate(shares):
        neurons[group == TYPES] *= share / neurons[group == TYPES].sum()
    both = np.array([neurons, np.full(N, 1 / N)])
    weights = np.array([shares, SIZES / N])
    return {
        "vector_exponents": np.array([0.3, 0.1]), "vector_separated": np.array([separated, True]),
        "vector_unstable": np.array(unstable), "covariant_weights": both, "forward_weights": both,
        "covariant_participation": np.array([10.0, 20.0]), "covariant_participation_stderr": np.ones(2),
        "backward_participation": np.ones(2), "forward_participation": np.ones(2),
        "vector_group_kinds": np.full(3, "type"), "vector_group_names": np.array(["A", "B", "C"]),
        "vector_group_sizes": SIZES, "vector_group_weights": weights, "vector_group_forward_weights": weights,
    }  # fmt: skip


def study(tmp_path, share, null_share, draws=DRAWS, **changes):
    """A network whose group A has this share in every run, and a null with `null_share` and scatter around it."""
    ends = {
        (number, i): ("complete", {"network": f"{i}" if number else "one"}) for number in (0, 1) for i in range(draws)
    }
    folder = make(
        tmp_path / "a", "spectrum", {"null": ["none", "degree"]}, draws, settings={"net.null": "none"}, ends=ends
    )
    for number, own in ((0, share), (1, null_share)):
        for iteration in range(draws):
            a = own * (SPREAD[iteration] if number else 1)
            rest = (1 - a) * np.array([2 / 3, 1 / 3])
            path = folder / str(number) / f"iter_{iteration}" / "arrays.npz"
            results.write_arrays(path, results.read_arrays(path) | vectors([a, *rest], **changes))
    return gather(folder)


def test_a_type_with_more_than_its_size_is_named_and_ranked_among_the_null(tmp_path):
    answer, null = carrier_sentences(study(tmp_path, 0.6, 0.25))
    assert "the leading direction has more in A (2.4 times, p = 0.003)" in answer, "3 x 2 / 2000, by Holm"
    assert "and less in B (0.533 times" in answer
    assert "Holm's correction for 3 groups by type" in answer
    assert null.startswith("Its degree null has medians of A 1 times, p = 0.049, B ")
    assert null.endswith("over 40 runs.")


def test_a_type_that_the_null_has_as_well_is_not_told_from_it(tmp_path):
    _, null = carrier_sentences(study(tmp_path, 0.6, 0.6))
    assert "A 2.4 times, p = 1" in null


def test_weights_by_size_alone_have_no_carrier(tmp_path):
    (answer,) = carrier_sentences(study(tmp_path, 0.25, 0.25))
    assert answer.startswith("No group by type of the synthetic connectome random has more or less of the leading")
    assert "p = 1;" in answer


def test_stability_few_draws_and_vectors_that_are_not_determined_are_told(tmp_path):
    stable, _, null, undetermined = carrier_sentences(study(tmp_path, 0.6, 0.25, 5, unstable=0, separated=False))
    assert stable.startswith(
        "There is no instability to carry: the largest exponent is 0.3, and above 0 in 0 of 5 runs."
    )
    assert null.endswith("5 draws allow no p below 0.33, 0.05 needs 39.")
    assert undetermined.startswith("In 5 of 5 runs the first exponent is not told from the second")


def test_the_overview_has_every_run_and_the_band_of_random_neurons(tmp_path):
    stem, figure = next(carrier_overview(study(tmp_path, 0.6, 0.25), None))
    assert stem == "overview" and FIGURES["spectrum"].first_figures is carrier_overview
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["A (10)", "B (20)", "C (10)"]
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert sum(len(line.get_xdata()) for line in dots) == 2 * 3 * DRAWS
    assert len(axes.collections) == 3 and len(plotting.render(figure, "png")) > 1000


def test_other_studies_have_the_dynamics_as_their_overview(tmp_path):
    several = gather(make(tmp_path / "b", "spectrum", {"g": [1.0, 2.0]}))
    assert carrier_sentences(several) == []
    assert [stem for stem, _ in carrier_overview(several, None)] == ["overview"]
