"""Columns of the tables that visualization.py writes."""

from randomnet.results.columns.column import Column, Table

TESTS = Table(
    "tests.csv",
    "of every kind; a row per cell of the grid, metric, and two sets of runs a and b",
    (
        Column("metric", "Name of the column of summary.csv that is compared."),
        Column("label_a", "Name of set a: a results folder, or within one folder its null model."),
        Column("label_b", "Name of set b: a results folder, or within one folder its null model."),
        Column("own_a", "Options that only set a varies."),
        Column("own_b", "Options that only set b varies."),
        Column(
            "design", "Design of the comparison: one network ranked among draws, pairs, or two networks without a test."
        ),
        Column("n", "Number of pairs, or of draws among which one network is ranked."),
        Column("n_a", "Complete runs of a with a value."),
        Column("n_b", "Complete runs of b with a value."),
        Column("mean_a", "Mean over the runs of a."),
        Column("mean_b", "Mean over the runs of b."),
        Column("sd_a", "Standard deviation over the runs of a."),
        Column("sd_b", "Standard deviation over the runs of b."),
        Column(
            "difference_b_minus_a",
            "Mean of b - a over pairs, or mean of b minus mean of a; of one network among draws, its median counts.",
        ),
        Column("interval_low", "Lower end of the interval of the difference."),
        Column("interval_high", "Upper end of the interval of the difference."),
        Column(
            "interval_level", "Coverage of the interval: the share of studies whose interval includes the true value."
        ),
        Column("interval_of", "What the interval is of: the mean difference, or the difference of one further draw."),
        Column("effect", "Kind of effect size: d_z for pairs, or z for one network among draws."),
        Column("effect_size", "Difference in standard deviations of the differences (d_z), or of the draws (z)."),
        Column("percentile", "Percentage of the draws below the one network.", "%"),
        Column("p", "Two-sided p value: sign-flip test for pairs, or 2 (1 + k) / (n + 1) from the rank among n draws."),
        Column("p_holm", "The p value adjusted over all rows of the table by Holm's method."),
        Column("p_bh", "The p value adjusted over all rows of the table by the method of Benjamini and Hochberg."),
        Column("smallest_p", "Smallest p value that this number of pairs or draws allows."),
        Column("pairs_for_power", "Pairs needed for 80 % power at the observed effect; empty if p is at most 0.05."),
        Column("not_converged_a", "Complete runs of a whose spectrum did not converge."),
        Column("not_converged_b", "Complete runs of b whose spectrum did not converge."),
        Column("too_short_a", "Complete runs of a whose record is too short to tell."),
        Column("too_short_b", "Complete runs of b whose record is too short to tell."),
        Column("lower_bounds_a", "Complete runs of a whose value is a lower bound."),
        Column("lower_bounds_b", "Complete runs of b whose value is a lower bound."),
        Column("undetermined_a", "Complete runs of a without a value, which are left out."),
        Column("undetermined_b", "Complete runs of b without a value, which are left out."),
        Column("unbounded_a", "Runs of a that are left out because their state grew without bound."),
        Column("unbounded_b", "Runs of b that are left out because their state grew without bound."),
        Column("diverged_a", "Runs of a that are left out because their state left the range of numbers."),
        Column("diverged_b", "Runs of b that are left out because their state left the range of numbers."),
        Column("note", "Remarks on the row."),
    ),
)
MEANS = Table(
    "means.csv",
    "of every kind; a row per cell of the grid, metric and label",
    (
        Column("metric", "Name of the column of summary.csv that the mean is of."),
        Column("label", "Name of the results folder."),
        Column("own", "Options that only this folder varies."),
        Column("n", "Complete runs with a value."),
        Column("mean", "Mean over these runs."),
        Column("sd", "Standard deviation over these runs."),
        Column("stderr", "Standard error of the mean."),
        Column("interval_low", "Lower end of the 95 % interval of the mean."),
        Column("interval_high", "Upper end of the 95 % interval of the mean."),
        Column("over", "What the runs differ in: networks, starts of the same network, or iterations."),
        Column("planned", "Planned runs."),
        Column("not_converged", "Complete runs whose spectrum did not converge."),
        Column("too_short", "Complete runs whose record is too short to tell."),
        Column("lower_bounds", "Complete runs whose value is a lower bound."),
        Column("undetermined", "Complete runs without a value, which are left out."),
        Column("unbounded", "Runs that are left out because their state grew without bound."),
        Column("diverged", "Runs that are left out because their state left the range of numbers."),
        Column("note", "Remarks on the row."),
    ),
)
MINIMA = Table(
    "tests.csv, means.csv",
    "metrics of trainings that visualization.py adds",
    (
        Column("loss_minimum", "Lowest validation loss of a run; lowest training loss without validation."),
        Column("epoch_minimum", "First epoch with the lowest loss."),
        Column("epoch_99",
               "First epoch whose loss is within 1 % of the range (highest minus lowest) above the lowest loss."),
    ),
)  # fmt: skip
GAINS = Table(
    "gains.csv, shifts.csv",
    "of trainings that change gains or shifts, a row per group of neurons and run",
    (
        Column("label", "Name of the results folder."),
        Column("group", "Name of the neurons that share the value, by model.groups."),
        Column("initial", "Value before training."),
        Column("final", "Value after training."),
        Column("change", "Value after training minus value before it."),
    ),
)
SPREAD = Table(
    "spread.csv",
    "of kind = spectrum and transition, a row per combo",
    (
        Column("own", "Options that only this folder varies."),
        Column("runs", "Complete runs with a largest exponent."),
        Column("stderr_of_one", "Root mean square of the standard errors of single trajectories.", "1/τ"),
        Column("spread", "Standard deviation of lambda_max over the runs.", "1/τ"),
        Column("over", "What the runs differ in: networks, starts of the same network, or iterations."),
        Column("sd_networks", "Standard deviation between networks, without the spread of initial states.", "1/τ"),
        Column("sd_starts", "Standard deviation between initial states of one network.", "1/τ"),
        Column(
            "starts_per_network", "Initial states per network; if all runs have one network, the number in all runs."
        ),
    ),
)
TRANSITION = Table(
    "transition.csv",
    "of kind = transition, a row per label and options",
    (
        Column("options", "Gridded options other than g."),
        Column(
            "g_c", "Coupling g at which the median of lambda_max becomes positive by more than two standard errors."
        ),
        Column("interval_low", "Lower end of the 95 % interval of g_c; -inf if it may be below the grid."),
        Column("interval_high", "Upper end of the 95 % interval of g_c; inf if it may be above the grid."),
        Column("samples", "Complete runs with an exponent, at values of g that can bracket a crossing."),
        Column("unbounded_from", "Smallest g at which most runs are left out; larger g cannot bracket a crossing."),
    ),
)
DIFFERENCES = Table(
    "transition_differences.csv",
    "of kind = transition, a row per two labels, or per control and its reference",
    (
        Column("options_a", "Gridded options of a other than g."),
        Column("options_b", "Gridded options of b other than g."),
        Column("g_c_a", "The g_c of a."),
        Column("g_c_b", "The g_c of b."),
        Column("difference_b_minus_a", "The g_c of b minus that of a."),
        Column("interval_low", "Lower end of the 95 % interval of the difference."),
        Column("interval_high", "Upper end of the 95 % interval of the difference."),
        Column("iterations", "Iterations behind the interval: the common ones of pairs, or those of the smaller set."),
        Column("paired", "True if equal iterations have equal seeds, and were resampled together."),
        Column("percentile_a", "Percentage of the g_c of b's networks below that of a, if a is one network.", "%"),
        Column("rank_p", "Two-sided p value from that rank: 2 (1 + k) / (n + 1), with k networks at least as extreme."),
        Column("smallest_p", "Smallest rank_p that this number of networks allows."),
    ),
)
RESPONSE_DIFFERENCES = Table(
    "response_differences.csv",
    "of kind = responses, a row for each two networks on the same measured pairs",
    (
        Column("a", "The first network."),
        Column("b", "The second network."),
        Column("auc_a", "AUC of the first one, of its first run."),
        Column("auc_b", "AUC of the second one, of its first run."),
        Column("difference", "Difference auc_a minus auc_b."),
        Column("interval_low", "Lower end of its 95 % interval, a BCa bootstrap over stimulated neurons."),
        Column("interval_high", "Upper end of that interval."),
        Column("pairs", "Measured pairs of both."),
        Column("stimulated_neurons", "Stimulated neurons of these pairs."),
    ),
)
VECTORS = Table(
    "vectors.csv",
    "of kind = spectrum with vectors, a row per combo, group of neurons and exponent",
    (
        Column("kind_of_group", "Kind of label, such as neurotransmitter; sign is that of outgoing weights."),
        Column("group", "Name of the group of neurons."),
        Column("index", "Number of the exponent, 1 for the largest."),
        Column("exponent", "Growth rate of the covariant vector, which is the exponent; mean over runs.", "1/τ"),
        Column("size", "Number of neurons of the group; mean over runs."),
        Column("weight", "Share of the covariant vector's squared norm that lies on the group; mean over runs."),
        Column("expected", "Share of the neurons in the group, which is the weight by size alone."),
        Column("ratio", "Weight over expected, mean over runs; above 1 the group carries more than its size."),
        Column("ratio_low", "Lower end of the 95 % interval of the ratio over runs."),
        Column("ratio_high", "Upper end of the 95 % interval of the ratio over runs."),
        Column("size_low", "Lower end of the middle 95 % of the ratios of as many random neurons."),
        Column("size_high", "Upper end of the middle 95 % of the ratios of as many random neurons."),
        Column("size_p", "Two-sided p of the ratio among these: labels are exchanged between neurons."),
        Column("forward_weight", "Share of the forward vector's squared norm that lies on the group; mean over runs."),
        Column(
            "forward_ratio", "Forward weight over expected; above 1, perturbing the group excites more than its size."
        ),
        Column("forward_ratio_low", "Lower end of the 95 % interval of the forward ratio over runs."),
        Column("forward_ratio_high", "Upper end of the 95 % interval of the forward ratio over runs."),
        Column("forward_size_low", "Lower end of the middle 95 % of forward ratios of as many random neurons."),
        Column("forward_size_high", "Upper end of the middle 95 % of forward ratios of as many random neurons."),
        Column("forward_size_p", "Two-sided p of the forward ratio among these."),
        Column("n", "Runs with the group."),
        Column(
            "separated",
            "Runs in which the exponent differs from its neighbours by more than two combined standard errors; in "
            "others its vector is not determined.",
        ),
        Column("over", "What the runs differ in: networks, starts of the same network, or iterations."),
    ),
)
SENSITIVITIES = Table(
    "sensitivities.csv",
    "of kind = spectrum with vectors, a row per combo, parameter and exponent",
    (
        Column("parameter", "Gains or shifts of single groups, or weights of all edges from one group to another."),
        Column("kind_of_group", "Kind of label of the groups of edges; empty for gains and shifts."),
        Column("post", "Postsynaptic group, or the group with this gain or shift by model.groups."),
        Column("pre", "Presynaptic group; empty for gains and shifts."),
        Column("index", "Number of the exponent, 1 for the largest."),
        Column(
            "sensitivity",
            "Derivative of the growth rate over a short window by the value, or by the relative change of the weights.",
            "1/τ",
        ),
        Column("interval_low", "Lower end of the 95 % interval of the sensitivity over runs.", "1/τ"),
        Column("interval_high", "Upper end of the 95 % interval of the sensitivity over runs.", "1/τ"),
        Column(
            "stderr", "Standard error of one run from the scatter of its windows, root mean square over runs.", "1/τ"
        ),
        Column("n", "Runs with the parameter."),
        Column("over", "What the runs differ in: networks, starts of the same network, or iterations."),
    ),
)
PREDICTION = Table(
    "prediction.csv",
    "of kind = predict, a row per student",
    (
        Column("student", "The student: its folder, or the options in which it differs from others."),
        Column("m_half", "Number of recorded neurons at which the median error of unrecorded ones falls below 0.5."),
        Column("interval_low", "Lower end of the 95 % interval of m_half; 0 if it may be below the grid."),
        Column("interval_high", "Upper end of the 95 % interval of m_half; inf if it may be above the grid."),
        Column("dimension", "Participation ratio of the teachers' activity, mean over the teachers."),
        Column("dimension_low", "Lower end of the 95 % interval of that mean."),
        Column("dimension_high", "Upper end of the 95 % interval of that mean."),
        Column("iterations", "Iterations, each with a teacher of its own."),
        Column("note", "Why there is no m_half."),
    ),
)
COMPARISON_TABLES = (
    *(TESTS, MEANS, MINIMA, GAINS, SPREAD, TRANSITION, DIFFERENCES, VECTORS, SENSITIVITIES),
    RESPONSE_DIFFERENCES,
    PREDICTION,
)
