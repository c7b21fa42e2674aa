"""Columns of the tables that visualization.py writes."""

from randomnet.results.columns.record import Column, Table

COMPARISON = Table(
    "comparison.csv",
    "of every kind; a row per combo, metric and label, or pair of labels",
    (
        Column("metric", "Name of the column of summary.csv that is compared."),
        Column("label", "Name of the results folder."),
        Column("label_a", "Name of the first results folder."),
        Column("label_b", "Name of the second results folder."),
        Column("own_a", "Options that the first set varies alone."),
        Column("own_b", "Options that the second set varies alone."),
        Column("n", "Pairs of complete runs; in rows of one label its complete runs."),
        Column("n_a", "Complete runs of the first set."),
        Column("n_b", "Complete runs of the second set."),
        Column("mean", "Mean over the complete runs."),
        Column("mean_a", "Mean over the complete runs of the first set."),
        Column("mean_b", "Mean over the complete runs of the second set."),
        Column("stderr", "Standard error of the mean."),
        Column("stderr_a", "Standard error of mean_a."),
        Column("stderr_b", "Standard error of mean_b."),
        Column("difference_b_minus_a", "Mean of b - a over the pairs."),
        Column("interval_low", "Lower end of the 95 % interval of the difference."),
        Column("interval_high", "Upper end of the 95 % interval of the difference."),
        Column("permutation_p", "Two-sided sign-flip p of a mean difference of 0."),
        Column("planned", "Runs that were planned."),
        Column("diverged", "Runs left out as their state left the range of numbers."),
        Column("unbounded", "Runs left out as their state grew without bound."),
        Column("diverged_a", "The same of the first set."),
        Column("diverged_b", "The same of the second set."),
        Column("unbounded_a", "The same of the first set."),
        Column("unbounded_b", "The same of the second set."),
        Column("note", "What has to be known of the row."),
    ),
)
MINIMA = Table(
    "comparison.csv",
    "metrics of trainings that visualization.py adds",
    (
        Column("loss_minimum", "Lowest validation loss of a run, or training loss without validation."),
        Column("epoch_minimum", "First epoch that has it."),
        Column("epoch_99", "First epoch whose loss is within 1 % of the range (highest minus lowest) above the lowest "
               "one: 99 % of the way down."),
    ),
)  # fmt: skip
SPREAD = Table(
    "spread.csv",
    "of kind = spectrum and transition, a row per combo",
    (
        Column("own", "Options that this folder varies alone."),
        Column("runs", "Complete runs with a largest exponent."),
        Column("stderr_of_one", "Root mean square standard error of one trajectory.", "1/τ"),
        Column("spread", "Standard deviation of lambda_max over the runs.", "1/τ"),
        Column("over", "What the runs differ in: networks, starts of the same network, or iterations."),
        Column("sd_networks", "Standard deviation between networks, less the spread of initial states.", "1/τ"),
        Column("sd_starts", "Standard deviation between initial states of one network.", "1/τ"),
        Column("starts", "Initial states per network; of one network in all runs those of all runs."),
    ),
)
TRANSITION = Table(
    "transition.csv",
    "of kind = transition, a row per label and options",
    (
        Column("options", "Gridded options besides g."),
        Column("g_c", "Coupling at which the median of lambda_max turns positive, by more than two standard errors."),
        Column("interval_low", "Lower end of its 95 % interval; -inf where it may lie below the grid."),
        Column("interval_high", "Upper end of its 95 % interval; inf where it may lie above the grid."),
        Column("samples", "Complete runs with an exponent, at the g that may bracket a crossing."),
        Column("unbounded_from", "Least g at which most runs are left out; no g from there on brackets a crossing."),
    ),
)
DIFFERENCES = Table(
    "transition_differences.csv",
    "of kind = transition, a row per two labels, or per control and its reference",
    (
        Column("options_a", "Gridded options of a besides g."),
        Column("options_b", "Gridded options of b besides g."),
        Column("g_c_a", "The g_c of a."),
        Column("g_c_b", "The g_c of b."),
        Column("difference_b_minus_a", "The g_c of b minus that of a."),
        Column("interval_low", "Lower end of the 95 % interval of the difference."),
        Column("interval_high", "Upper end of the 95 % interval of the difference."),
        Column("iterations", "Iterations that the interval rests on: those of both, or of the smaller set."),
        Column("paired", "True where equal iterations have equal seeds, and were resampled together."),
        Column("percentile_a", "Where a, if it is one network, lies among the g_c of b's own networks.", "%"),
        Column("rank_p", "Two-sided p of that rank: 2 (1 + k) / (n + 1), k networks at least as extreme."),
        Column("smallest_p", "Smallest rank_p that so many networks allow."),
    ),
)
COMPARED = (COMPARISON, MINIMA, SPREAD, TRANSITION, DIFFERENCES)
