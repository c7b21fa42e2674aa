"""Columns of summary.csv of the kinds analyse, stimulate, simulate, record and benchmark."""

from randomnet.results.columns.record import Column, Table

ANALYSED = Table(
    "summary.csv",
    "of kind = analyse",
    (
        Column("fixed_points", "Fixed points that were found."),
        Column("stable_points", "Those of which no direction grows."),
        Column("kink_points", "Those at a kink of the activation, where the dynamics have no derivative."),
        Column("slow_points", "Places where the network nearly stands still, which are no fixed points."),
        Column("converged_starts", "Share of the starts from which the search ended at a fixed point, from 0 to 1."),
        Column("index_sum", "Sum of the indices of all fixed points; 1 where none is missing. Bounded networks only."),
        Column("settled_trajectories", "Share of the trajectories that stand still at their end, from 0 to 1."),
        Column("explained", "Share of the trajectories' variance in the plane that is drawn, from 0 to 1."),
        Column("groups", "Groups of neurons whose blocks are linearised."),
        Column("leading_modulus", "Largest |eigenvalue| of the step linearised at the first trajectory's end; below 1 "
               "is stable."),
        Column("leading_modulus_groups", "The largest of that of any group's own block."),
        Column("leading_modulus_of_*", "That of this group's own block."),
        Column("points_of_*", "Fixed points of the phase and condition of this name."),
        Column("stable_points_of_*", "Stable fixed points of the phase and condition of this name."),
        Column("kink_points_of_*", "Fixed points at a kink, of the phase and condition of this name."),
    ),
)  # fmt: skip
STIMULATED = Table(
    "summary.csv",
    "of kind = stimulate",
    (
        Column("targets", "Neurons that are stimulated."),
        Column("targets_change", "Mean change of their rates during the stimulus, against the network without it."),
        Column("others_change", "The same of all other neurons."),
        Column("distance_end", "Root mean square distance over units of the states with and without it, at the end."),
    ),
)
SIMULATED = Table(
    "summary.csv",
    "of kind = simulate",
    (
        Column("rate", "Mean rate over neurons and the record.", "1/time unit"),
        Column("rate_*", "The same of the population of this name.", "1/time unit"),
        Column("theory_*", "What mean-field theory predicts of it.", "1/time unit"),
        Column("bump_mean", "Mean rate of the decoded population over the circle, M0.", "1/time unit"),
        Column("bump_amplitude", "Amplitude of its first harmonic, M1.", "1/time unit"),
        Column("bump_modulation", "M1 / M0."),
        Column("bump_phase_end", "Where the bump is in the last window.", "degrees"),
    ),
)
RECORDED = Table(
    "summary.csv",
    "of kind = record",
    (
        Column("heldin", "Neurons that models see."),
        Column("heldout", "Neurons that are held out from them."),
        Column("trials", "Trials that were recorded."),
        Column("bins", "Time bins of a trial."),
        Column("mean_rate", "Mean rate of the neurons.", "spikes per bin"),
        Column("fano", "Fano factor of the spike counts given the rates, mean over neurons by rate."),
        Column("fano_expected", "The same as the asked dispersion makes it."),
        Column("silent", "Neurons without a spike."),
        Column("bps_ceiling", "Bits per spike of the true rates, test trials, all neurons.", "bits per spike"),
        Column("co_bps_ceiling", "The same of the held-out neurons.", "bits per spike"),
        Column("accuracy", "Accuracy of the network on these trials.", "%"),
        Column("task_loss", "Loss of the network on these trials."),
        Column("end_error", "Mean distance of the fingertip from its goal at the end.", "cm"),
        Column("latents", "Units of the recorded network."),
    ),
)
TIMED = Table(
    "summary.csv",
    "of kind = benchmark",
    (
        Column("steps", "Steps of the record, or of a trial."),
        Column("trials", "Trials of an epoch."),
        Column("threads", "Threads that torch used."),
        Column("*_seconds", "Time of the fastest of several turns of what the name says.", "s"),
        Column("*_products_seconds", "Time of its bare matrix products alone.", "s"),
        Column("*_ratio", "Its time over that of the bare products."),
        Column("*_ratio_bundled", "Its time over that of the bare products of state and tangent vectors in one."),
        Column("epoch_ratio_torch_rnn", "Time of an epoch over that of torch.nn.RNN."),
        Column("beside", "Networks that are trained side by side."),
        Column("beside_speedup", "How much faster these are side by side than one after the other."),
        Column("beside_ratio", "Time of an epoch of all over that of their bare products."),
        Column("busy_share", "Share of the wall time that other processes took, from 0 to 1."),
    ),
)
OTHERS = (ANALYSED, STIMULATED, SIMULATED, RECORDED, TIMED)
