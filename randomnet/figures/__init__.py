"""Figures and tables of each kind of experiment: FIGURES has one row per kind.

runs               names, series and arrays of the runs in a figure
overviews          the first figure of a study, and the quantities in it
grid_layout        which option is on the x axis, which are colours, and which are panels
grid_figures       figures of a whole grid in this layout
option_words       options in words, with units
example_networks   the networks of a study that are drawn one by one
nulls              metrics of networks among those of their null models; null_training: their training
orders             the first figure where some runs do not reach a quantity: g of chaos, epochs to a criterion
overlays           values of one option in one axes: courses, final spectra, densities of exponents
parameters         gains and shifts by the names of their groups
trials             example trials of trained networks, and their activity
training, spectra, vectors, carriers, transition, convergence, analyse, stimulate, responses, simulate,
benchmark, record, fit, predict, compare   figures of one kind
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from randomnet.comparison.edge_of_chaos import edge_sentences
from randomnet.comparison.headlines import Headline
from randomnet.comparison.learning import learning_sentences
from randomnet.comparison.loss_minima import EPOCHS_TO, MINIMA
from randomnet.comparison.means import MEDIAN
from randomnet.comparison.prediction import prediction_sentences
from randomnet.comparison.result_sentences import COMPARISONS, NOTHING, ORDER
from randomnet.comparison.stimulation import stimulation_sentences
from randomnet.comparison.study import Study
from randomnet.figures.analyse import (
    PANELS as FIXED_POINTS,
)
from randomnet.figures.analyse import (
    linearization_figures,
    phase_figures,
    psth_figures,
    state_space_figures,
)
from randomnet.figures.benchmark import seconds_figures
from randomnet.figures.carriers import carrier_overview, carrier_sentences
from randomnet.figures.compare import (
    HEADLINE_SCORES,
    SCORES,
    dsa_search_figures,
    first_scores,
    inferred_dynamics_figures,
    score_figures,
    trajectory_figures,
)
from randomnet.figures.convergence import PANELS as CONVERGED
from randomnet.figures.convergence import convergence_figures
from randomnet.figures.fit import inference_quantities, likelihood_figures, rate_figures
from randomnet.figures.null_training import null_curves, null_spectra
from randomnet.figures.orders import edge_overview, learning_overview
from randomnet.figures.overlays import course_overlays, exponent_densities, seconds_of_epochs, spectrum_overlays
from randomnet.figures.overviews import fixed, of_spectral_training, overview_figures
from randomnet.figures.parameters import OF_GROUPS, group_values
from randomnet.figures.predict import (
    found_parameters,
    prediction_courses,
    prediction_overview,
    prediction_table,
    stiffness_figures,
)
from randomnet.figures.record import PANELS as RECORDING
from randomnet.figures.record import neuron_figures, trial_figures
from randomnet.figures.response_differences import differences_table
from randomnet.figures.responses import INTERVALS as RESPONSE_INTERVALS
from randomnet.figures.responses import PANELS as MEASURED_RESPONSES
from randomnet.figures.responses import response_figures as measured_response_figures
from randomnet.figures.responses import response_sentences
from randomnet.figures.runs import Figures
from randomnet.figures.simulate import RATE, THEORY, activity_figures, map_figures, plane_figures, rate_dots, simulated
from randomnet.figures.spectra import extensive_figures, spectrum_figures, spread_of_combos
from randomnet.figures.stimulate import PANELS as STIMULATION
from randomnet.figures.stimulate import accuracy_figures, response_figures
from randomnet.figures.training import (
    accuracies_of_runs,
    array_figures,
    curve_figures,
    loss_minimum_boxes,
    measured_loss_figures,
    output_figures,
    overlap_figures,
    radius_figures,
    reach_figures,
)
from randomnet.figures.transition import (
    transition_differences,
    transition_figures,
    transition_table,
)
from randomnet.figures.trials import example_trial_figures, trained_activity_figures
from randomnet.figures.vectors import sensitivities_table, vector_figures, vectors_table
from randomnet.plotting import Panel
from randomnet.registry import Registry


class FigureSet(NamedTuple):
    """The metrics, tables and figures of one kind of experiment; each figure function makes any number of figures.

    metrics:  columns in means.csv. tested: the few of them in tests.csv; costs and settings are not tested.
    overview: columns of the table on the console.
    first_figures: the overview, which alone answers what the grid was made for; None for a figure of the columns in
              `overview`.
    flags:    further columns of the summary that figures need.
    tables:   file name -> function for further tables, written with tests.csv and means.csv.
    files:    the same, but too long for the console, and not written where they are empty.
    families: prefixes of columns that are metrics and in the overview, too, such as the rate of each population.
    minor:    prefixes of columns that are metrics, too, but too many for the overview.
    headlines: columns that answer the kind's question; sentences of result are about the first one with values.
    sentences: sentences of result of this kind, which come first; none for studies that they do not fit.
    sentences_replace: which other sentences they stand in place of: NOTHING, ORDER (of combos) or COMPARISONS.
    """

    metrics: tuple[str, ...]
    overview: tuple[str, ...]
    figures: tuple[Callable[[Study, str | None], Figures], ...]
    flags: tuple[str, ...] = ()
    tables: Mapping[str, Callable[[Study], pd.DataFrame]] = MappingProxyType({})
    files: Mapping[str, Callable[[Study], pd.DataFrame]] = MappingProxyType({})
    families: tuple[str, ...] = ()
    minor: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    first_figures: Callable[[Study, str | None], Figures] | None = None
    headlines: tuple[Headline, ...] = ()
    sentences: Callable[[Study], Iterable[str]] | None = None
    sentences_replace: str = NOTHING

    def overviews(self, study: Study, ylabel: str | None) -> Figures:
        """The pages of the overview."""
        named = fixed(*(Panel(name, name.replace("_", " ")) for name in self.overview))
        yield from (self.first_figures or partial(overview_figures, quantities=named))(study, ylabel)

    def of(self, columns: Iterable[str]) -> "FigureSet":
        """The set for these columns: those with a prefix of `families` or `minor` join its metrics."""
        names = tuple(dict.fromkeys(columns))
        family_columns, minor_columns = (
            tuple(name for name in names if name.startswith(prefixes)) for prefixes in (self.families, self.minor)
        )
        tested = (*(name for name in family_columns if not name.startswith(THEORY)), *self.tested)
        return self._replace(
            metrics=(*family_columns, *self.metrics, *minor_columns),
            overview=(*family_columns, *self.overview),
            tested=tested,
        )


RADII = ("spectral_radius_initial", "spectral_radius_final")
FINAL_SPECTRUM = ("lambda_max_final", "n_positive_final", "D_KY_final", "h_KS_final")
ON_SPECTRUM, ON_TASK = "train on a spectrum", "train on a task"  # both have kind = train
OF_SPECTRUM = ("lambda_max", "n_positive", "D_KY", "h_KS")
EXPONENTS = (*OF_SPECTRUM, "lambda_max_stderr", "D_KY_stderr", "h_KS_stderr", "sum_rule_residual", "split_half_rms",
            "drift", "log10_condition_median", "log10_condition_max", "tsim_used", "neurons", "exponents",
            "seconds")  # fmt: skip
OF_INITIAL_STATES = ("lambda_max_spread",)
LARGEST = (Headline("lambda_max", "largest Lyapunov exponent", lowest_first=False, best=False),)
FLAGS = (
    "converged",
    "h_KS_lower_bound",
    "D_KY_low",
    "D_KY_high",
    "h_KS_low",
    "h_KS_high",
    "initial_states",
    "attractors",
    *(f"{name}_{source}" for name in ("lambda_max", "D_KY", "h_KS") for source in ("between", "within")),
)
PARAMETERS = MappingProxyType({f"{name}.csv": partial(group_values, parameter=name) for name in OF_GROUPS})
OVERLAYS = (
    course_overlays,
    spectrum_overlays,
    partial(exponent_densities, note="after training"),
    seconds_of_epochs,
    trained_activity_figures,
)
SPREAD = MappingProxyType({"spread.csv": spread_of_combos})
FIGURES: Registry[FigureSet] = Registry({
    ON_SPECTRUM: FigureSet(
        metrics=("loss_initial", "loss_final", "loss_measured_initial", "loss_measured_final",
                 "loss_measured_final_stderr", "loss_best", "epoch_best", "epoch_99", "lambda_max_initial",
                 "lambda_max_final", "n_positive_initial", "n_positive_final", "D_KY_initial", "D_KY_final",
                 "h_KS_initial", "h_KS_final", *RADII, "seconds"),
        overview=("loss_initial", "loss_final", "lambda_max_initial", "lambda_max_final"),
        tested=("loss_final", "loss_measured_final", *FINAL_SPECTRUM),
        headlines=(Headline("loss_measured_final", "loss measured after training", before="loss_measured_initial"),
                   Headline("loss_final", "training loss of the last epoch")),
        files=PARAMETERS,
        first_figures=partial(overview_figures, quantities=of_spectral_training, has_courses=True),
        figures=(
            curve_figures,
            array_figures,
            measured_loss_figures,
            radius_figures,
            null_curves,
            null_spectra,
            *OVERLAYS,
        ),
    ),
    ON_TASK: FigureSet(
        metrics=("loss_initial", "loss_final", "validate_loss_initial", "validate_loss_final", *MINIMA,
                 "validate_metrics_final", "validate_metrics_best", "chance_metrics", "test_metrics_best",
                 "test_metrics_final", "test_chance_metrics", *RADII, "lambda_max_initial", "n_positive_initial",
                 "D_KY_initial", "h_KS_initial", *FINAL_SPECTRUM, "seconds"),
        overview=(*MINIMA, "validate_metrics_best", *RADII, "lambda_max_initial", "lambda_max_final"),
        tested=(*MINIMA, "validate_loss_final", "validate_metrics_final", "validate_metrics_best",
                "test_metrics_final", "test_metrics_best", *FINAL_SPECTRUM),
        headlines=(Headline("loss_minimum", "lowest validation loss"),),
        files=PARAMETERS,
        first_figures=learning_overview,
        sentences=learning_sentences,
        sentences_replace=COMPARISONS,
        flags=(EPOCHS_TO,),
        figures=(
            curve_figures,
            output_figures,
            array_figures,
            example_trial_figures,
            overlap_figures,
            reach_figures,
            loss_minimum_boxes,
            accuracies_of_runs,
            radius_figures,
            null_curves,
            null_spectra,
            *OVERLAYS,
        ),
    ),
    "spectrum": FigureSet(
        metrics=EXPONENTS,
        overview=OF_SPECTRUM,
        first_figures=carrier_overview,
        figures=(spectrum_figures, exponent_densities, extensive_figures, vector_figures),
        flags=FLAGS,
        tables=SPREAD,
        files=MappingProxyType({"vectors.csv": vectors_table, "sensitivities.csv": sensitivities_table}),
        tested=OF_SPECTRUM,
        headlines=LARGEST,
        sentences=carrier_sentences,
        sentences_replace=COMPARISONS,
    ),
    "transition": FigureSet(
        metrics=EXPONENTS,
        overview=("lambda_max", f"lambda_max{MEDIAN}"),
        first_figures=edge_overview,
        figures=(transition_figures,),
        flags=FLAGS,
        tables=MappingProxyType({"transition.csv": transition_table,
                                 "transition_differences.csv": transition_differences, **SPREAD}),
        tested=OF_SPECTRUM,
        headlines=LARGEST,
        sentences=edge_sentences,
        sentences_replace=COMPARISONS,
    ),
    "convergence": FigureSet(
        metrics=(*EXPONENTS, *OF_INITIAL_STATES),
        overview=("lambda_max", *OF_INITIAL_STATES),
        first_figures=partial(overview_figures, quantities=fixed(*CONVERGED)),
        figures=(convergence_figures,),
        flags=FLAGS,
        tested=OF_SPECTRUM,
        headlines=LARGEST,
    ),
    "analyse": FigureSet(
        metrics=("fixed_points", "stable_points", "kink_points", "slow_points", "converged_starts",
                 "index_sum", "settled_trajectories", "explained", "leading_modulus", "leading_modulus_groups",
                 "neurons", "seconds"),
        overview=("fixed_points", "stable_points", "leading_modulus", "explained"),
        tested=("fixed_points", "stable_points", "slow_points", "leading_modulus"),
        first_figures=partial(overview_figures, quantities=fixed(*FIXED_POINTS)),
        figures=(state_space_figures, linearization_figures, psth_figures, phase_figures),
        minor=("points_of_", "stable_points_of_"),
        headlines=(Headline("fixed_points", "number of fixed points", lowest_first=False, best=False),),
    ),
    "stimulate": FigureSet(
        metrics=("targets_change", "others_change", "distance_end", "accuracy_control", "accuracy_lowest",
                 "accuracy_change_lowest", "task_loss_control", "task_loss_highest", "targets", "neurons", "seconds"),
        overview=("targets_change", "others_change", "distance_end", "accuracy_control", "accuracy_lowest"),
        tested=("targets_change", "others_change", "distance_end", "accuracy_control", "accuracy_lowest"),
        first_figures=partial(overview_figures, quantities=fixed(*STIMULATION)),
        figures=(response_figures, accuracy_figures),
        minor=("accuracy_of_", "accuracy_change_of_"),
        headlines=(Headline("targets_change", "change of the stimulated neurons", lowest_first=False, best=False),
                   Headline("accuracy_change_lowest", "change of the accuracy by the most harmful stimulation (%)",
                            best=False),
                   Headline("task_loss_highest", "highest loss of the task under stimulation", lowest_first=False,
                            best=False)),
        sentences=stimulation_sentences,
    ),
    "responses": FigureSet(
        metrics=("auc", "auc_absolute", "spearman", "spearman_absolute", "auc_permuted", "auc_gains",
                 "auc_gains_change", "auc_classes", "auc_joint", "auc_joint_change", "pairs", "responding_pairs",
                 "stimulated_neurons", "neurons", "seconds"),
        overview=("auc", "auc_gains", "spearman"),
        tested=("auc", "auc_absolute", "spearman", "spearman_absolute", "auc_gains", "auc_gains_change"),
        first_figures=partial(overview_figures, quantities=fixed(*MEASURED_RESPONSES)),
        figures=(measured_response_figures,),
        minor=("auc_of_steps_", "share_of_steps_", "gain_of_"),
        flags=RESPONSE_INTERVALS,
        files=MappingProxyType({"response_differences.csv": differences_table}),
        headlines=(Headline("auc", "AUC of measured responses", lowest_first=False),),
        sentences=response_sentences,
        sentences_replace=ORDER,
    ),
    "simulate": FigureSet(
        metrics=("bump_mean", "bump_amplitude", "bump_modulation", "bump_mean_end", "bump_amplitude_end",
                 "bump_modulation_end", "neurons", "seconds"),
        overview=("bump_mean", "bump_modulation"),
        tested=("bump_mean", "bump_amplitude", "bump_modulation", "bump_mean_end", "bump_amplitude_end",
                "bump_modulation_end"),
        first_figures=partial(overview_figures, quantities=simulated),
        figures=(activity_figures, plane_figures, rate_dots, map_figures),
        families=(RATE, THEORY),
        flags=("rate",),
        headlines=(Headline("rate", "mean rate", lowest_first=False, best=False),
                   Headline("bump_mean", "mean of the bump", lowest_first=False, best=False)),
    ),
    "benchmark": FigureSet(
        metrics=("neurons", "exponents", "trials", "steps", "threads", "spectrum_seconds",
                 "spectrum_products_seconds", "spectrum_ratio", "spectrum_ratio_bundled", "spectrum_ratio_process",
                 "spectrum_ratio_compiled", "epoch_seconds", "epoch_products_seconds", "epoch_ratio",
                 "epoch_ratio_bundled", "epoch_ratio_process", "epoch_ratio_compiled", "epoch_ratio_torch_rnn",
                 "epoch_ratio_torch_rnn_process"),
        overview=("neurons", "exponents", "spectrum_seconds", "spectrum_ratio", "epoch_seconds", "epoch_ratio",
                  "epoch_ratio_torch_rnn"),
        first_figures=seconds_figures,
        headlines=(Headline("epoch_ratio", "seconds of an epoch over those of its products"),
                    Headline("spectrum_ratio", "seconds of a spectrum over those of its products")),
        figures=(),
    ),
    "record": FigureSet(
        metrics=("neurons", "latents", "mean_rate", "fano", "fano_expected", "silent", "bps_ceiling",
                 "co_bps_ceiling", "task_loss", "accuracy", "seconds"),
        overview=("mean_rate", "fano", "silent", "bps_ceiling", "co_bps_ceiling", "accuracy"),
        tested=("mean_rate", "fano", "silent", "task_loss", "accuracy"),
        first_figures=partial(overview_figures, quantities=fixed(*RECORDING)),
        headlines=(Headline("mean_rate", "mean rate", lowest_first=False, best=False),),
        figures=(trial_figures, neuron_figures),
    ),
    "fit": FigureSet(
        metrics=("nll_train", "nll_valid", "nll_test", "bps", "bps_ceiling", "co_bps", "co_bps_ceiling", "vel_r2",
                 "psth_r2", "fp_bps", "rate_r2", "epoch_best", "epochs_done", "parameters", "seconds"),
        overview=("nll_test", "bps", "co_bps", "co_bps_ceiling", "rate_r2"),
        tested=("nll_test", "bps", "co_bps", "vel_r2", "psth_r2", "fp_bps", "rate_r2"),
        first_figures=partial(overview_figures, quantities=inference_quantities),
        headlines=(Headline("nll_valid", "negative log-likelihood of validation trials"),),
        figures=(likelihood_figures, rate_figures),
    ),
    "predict": FigureSet(
        metrics=("error_recorded_initial", "error_recorded_final", "error_unrecorded_initial", "error_unrecorded_final",
                 "error_output_initial", "error_output_final", "nmse_recorded_final", "nmse_unrecorded_final",
                 "dimension", "recorded", "loss_initial", "loss_final",
                 *(f"{name}_{measure}{group}_final" for name in ("gain", "shift")
                   for measure in ("correlation", "error") for group in ("", "_recorded", "_unrecorded")),
                 "hessian_largest", "stiff_directions", "epochs_done", "seconds"),
        overview=("error_recorded_final", "error_unrecorded_final"),
        tested=("error_recorded_final", "error_unrecorded_final"),
        first_figures=prediction_overview,
        sentences=prediction_sentences,
        headlines=(Headline("error_unrecorded_final", "error (1 − R²) of unrecorded neurons after training",
                            before="error_unrecorded_initial"),
                   Headline("error_recorded_final", "error (1 − R²) of recorded neurons after training")),
        tables=MappingProxyType({"prediction.csv": prediction_table}),
        figures=(prediction_courses, found_parameters, stiffness_figures),
    ),
    "compare": FigureSet(
        metrics=("models", "compared", *(score.column for score in SCORES), "seconds"),
        overview=("compared", *HEADLINE_SCORES),
        tested=tuple(score.column for score in SCORES),
        first_figures=first_scores,
        headlines=(Headline("state_r2_true_to_inferred", "R² of inferred from true states", lowest_first=False),
                    Headline("rate_r2", "R² of rates", lowest_first=False)),
        figures=(score_figures, inferred_dynamics_figures, trajectory_figures, dsa_search_figures),
    ),
})  # fmt: skip


def add_figures(kind: str, *figures: Callable[[Study, str | None], Figures]) -> None:
    """Draw these figures, too, for every study of a kind of experiment. Raises KeyError for an unknown kind."""
    dict.__setitem__(FIGURES, kind, FIGURES[kind]._replace(figures=(*FIGURES[kind].figures, *figures)))
