"""Columns of spectra: kind = spectrum, transition, convergence, and the spectra that other kinds compute."""

from randomnet.results.columns.column import Column, Table

RUNS = Table(
    "summary.csv",
    "of all kinds, a row per planned run",
    (
        Column("combo", "Number of the combination of gridded options, from 0; its folder has this name."),
        Column("iteration", "Number of the repeat, from 0; equal numbers have equal seeds in all combos."),
        Column("seed", "Base seed of the experiment, from which the seed of every iteration derives."),
        Column("status", "How the run ended: complete, unbounded, diverged or failed; missing if it has not."),
        Column("notes", "Remarks on the run; empty if there are none."),
        Column("seconds", "Wall time of the run; an equal share of it if several ran side by side.", "s"),
        Column("neurons", "Number of neurons of the network."),
        Column("network", "Checksum of edges, weights and drive; equal checksums mean equal networks."),
    ),
)
COUPLING = Table(
    "summary.csv",
    "of kinds that build a network, as it is used; of trainings with _initial and _final",
    (
        Column("spectral_radius", "Largest |eigenvalue| of the weights J."),
        Column("spectral_abscissa", "Largest real part of an eigenvalue of J."),
        Column("second_eigenvalue", "Largest |eigenvalue| of J after the leading one, or after the leading pair."),
        Column("frobenius_norm", "Root of the sum of squares of J."),
        Column("balancing_residual",
               "Largest relative deviation of a neuron's summed inputs or outputs of one sign from Sinkhorn's "
               "balance; 0 is balanced."),
    ),
)  # fmt: skip
SPECTRUM = Table(
    "summary.csv",
    "of kind = spectrum, transition and convergence, of the spectra of trainings (_initial, _final) and of simulate",
    (
        Column("exponents", "Number of leading exponents that were computed."),
        Column("lambda_max", "Largest Lyapunov exponent; the growth rate if the network is unbounded.", "1/τ"),
        Column("n_positive", "Exponents above 0 by more than two standard errors."),
        Column("n_zero", "Exponents that are 0 within two standard errors, or within rounding."),
        Column("D_KY", "Kaplan-Yorke dimension of the attractor; empty if nle is too small to determine it."),
        Column("h_KS", "Entropy rate: the sum of the exponents above 0.", "1/τ"),
        Column("h_KS_lower_bound", "True if exponents that were not computed may be positive; a larger nle helps."),
        Column("sum_rule_residual",
               "Sum of all exponents minus the mean of ln |det| of the steps; should be rounding error, empty "
               "for a partial spectrum.", "1/τ"),
        Column("split_half_rms", "Root mean square difference of the exponents of the record's two halves.", "1/τ"),
        Column("drift",
               "Largest change of an exponent when the first tenth, quarter or half of the record is left out; "
               "`not converged` above Student's t at 1 - .05 / exponents (20 batches: 2.1 for one exponent, 3.2 "
               "for ten).", "its standard errors"),
        Column("log10_condition_median",
               "Log10 of the condition number (1-norm) of the tangent vectors just before they are "
               "reorthonormalised, median over sampled QRs; at 16 no digit is correct."),
        Column("log10_condition_max",
               "Log10 of the largest condition number (1-norm) of the tangent vectors; above 12 the verdict is "
               "`not converged`, and a smaller tons helps."),
        Column("ill_conditioned", "Share of the sampled QRs with a condition number above 1e8, from 0 to 1."),
        Column("converged", "True if the verdict is `converged`."),
        Column("verdict", "Converged, not converged, too short to tell, unbounded or diverged; see docs/verdicts.md."),
        Column("tsim_used",
               "Length of the record that the exponents are averaged over; longer than tsim only with tsim = "
               "auto.", "τ"),
        Column("interval",
               "Time between reorthonormalisations (QR): tons, or the interval chosen by tons = adaptive.", "τ"),
        Column("block",
               "Length of the batches whose means give the standard errors: a 20th of the record, at least 4; "
               "empty if there are fewer than 5.", "τ"),
        Column("initial_states", "Number of initial states of the network; with several, values are means over them."),
        Column("attractors",
               "Clusters of lambda_max among the converged initial states, more than 5 combined errors and 1 % "
               "apart; a lower bound of the number of attractors."),
        Column("lambda_max_spread", "Standard deviation of lambda_max between initial states (kind = convergence).",
               "1/τ"),
        Column("vectors", "Number of covariant Lyapunov vectors that were computed (kind = spectrum)."),
        Column("participation",
               "Mean participation ratio of the leading covariant vector: about how many neurons carry it, from 1 to "
               "N."),
        Column("angle_mean", "Mean over time of the smallest angle between unstable covariant vectors and the others.",
               "rad"),
        Column("angle_smallest",
               "Smallest angle over time between unstable covariant vectors and the others; near 0 they nearly "
               "coincide.",
               "rad"),
        Column("form", "Form of the equation, model.form: current or rate."),
        Column("integrator", "Integration method, model.integrator."),
        Column("dt", "Time step, model.dt.", "τ"),
    ),
)  # fmt: skip
EXPONENTS = Table(
    "spectra.csv",
    "of kind = spectrum and transition, a row per exponent of every complete run, after combo, options and iteration",
    (
        Column("index", "Number of the exponent, 1 for the largest."),
        Column("exponent", "Lyapunov exponent; the mean over initial states if there are several.", "1/τ"),
        Column("stderr",
               "Standard error of the exponent, by batch means of one trajectory or over initial states.", "1/τ"),
    ),
)  # fmt: skip
SPECTRA = (RUNS, COUPLING, SPECTRUM, EXPONENTS)
