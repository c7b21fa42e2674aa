"""Columns of summary.csv of the kinds analyse, stimulate, responses, simulate, record, predict and benchmark."""

from randomnet.results.columns.column import Column, Table

ANALYSED = Table(
    "summary.csv",
    "of kind = analyse",
    (
        Column("fixed_points", "Fixed points that were found."),
        Column("stable_points", "Fixed points without a growing direction."),
        Column("kink_points", "Fixed points at a kink of the activation, where the dynamics have no derivative."),
        Column("slow_points", "Slow points: states that hardly change, but are not fixed points."),
        Column("converged_starts",
               "Share of the initial states from which the search reached a fixed point, from 0 to 1."),
        Column("index_sum", "Sum of the indices of all fixed points of a bounded network; 1 if none is missing."),
        Column("settled_trajectories", "Share of the trajectories that are at rest at their end, from 0 to 1."),
        Column("explained", "Share of the trajectories' variance in the drawn plane, from 0 to 1."),
        Column("groups", "Groups of neurons whose blocks are linearised."),
        Column("leading_modulus",
               "Largest |eigenvalue| of the step linearised at the end of the first trajectory; below 1 is "
               "stable."),
        Column("leading_modulus_groups",
               "Largest |eigenvalue| of any group's own block at the end of the first trajectory."),
        Column("leading_modulus_of_*",
               "Largest |eigenvalue| of this group's own block at the end of the first trajectory."),
        Column("points_of_*", "Fixed points of this phase and condition."),
        Column("stable_points_of_*", "Stable fixed points of this phase and condition."),
        Column("kink_points_of_*", "Fixed points at a kink, of this phase and condition."),
    ),
)  # fmt: skip
STIMULATED = Table(
    "summary.csv",
    "of kind = stimulate",
    (
        Column("targets", "Stimulated neurons."),
        Column("targets_change",
               "Mean change of the stimulated neurons' rates during stimulation, relative to the control."),
        Column("others_change", "Mean change of all other neurons' rates during stimulation, relative to the control."),
        Column("distance_end",
               "Root mean square distance over units between the states with and without stimulation, at the "
               "end."),
        Column("sites", "Sites that were stimulated during the trials of a task, one after the other."),
        Column("windows", "Times of the trials at which each site was stimulated, one after the other."),
        Column("accuracy_control", "Accuracy of the validation trials without stimulation.", "%"),
        Column("accuracy_chance", "Accuracy of the best constant output on these trials.", "%"),
        Column("accuracy_lowest", "Lowest accuracy of the same trials over all sites and windows.", "%"),
        Column("accuracy_change_lowest", "Most negative change of the accuracy over all sites and windows.", "%"),
        Column("accuracy_of_*",
               "Accuracy of the same trials with this site stimulated at this time. Its standard error is over trials, "
               "binomial where each trial has one answer.", "%"),
        Column("accuracy_change_of_*",
               "That accuracy minus the one without stimulation. Its standard error is paired, trial by trial.", "%"),
        Column("task_loss_control", "Loss of the task on the validation trials without stimulation."),
        Column("task_loss_highest", "Highest loss of the task over all sites and windows."),
    ),
)
AUC_OF = {
    "auc": "AUC of the network's responses: how often a pair that responded when measured has a larger one than a pair "
    "that did not",
    "auc_absolute": "The same of absolute values of the responses",
    "spearman": "Spearman's rank correlation of the network's responses and the measured ones",
    "spearman_absolute": "The same of absolute values",
    "auc_gains": "AUC with fitted gains, of pairs whose stimulated neuron the fit did not see",
    "auc_gains_change": "Difference of auc_gains and the AUC of the same pairs with all gains 1, of absolute responses",
    "auc_classes": "AUC of the share of training pairs between the two classes that responded, without any wiring",
    "auc_joint": "AUC of a logistic regression on that share and on the response with fitted gains, of held-out pairs",
    "auc_joint_change": "Difference of auc_joint and auc_classes",
}
RESPONDED = Table(
    "summary.csv",
    "of kind = responses",
    (
        Column("pairs", "Measured pairs of different neurons that the network has."),
        Column("responding_pairs", "Those of them with q below the limit."),
        Column("stimulated_neurons", "Stimulated neurons of these pairs, over which intervals are."),
        Column("measured_neurons", "Neurons of the network that the table has, stimulated or responding."),
        Column("unmatched_neurons", "Names of the table that the network lacks."),
        *(Column(name, f"{meaning}.") for name, meaning in AUC_OF.items()),
        *(Column(f"{name}_{end}", f"{side} end of the 95 % interval, BCa bootstrap over stimulated neurons. {meaning}.")
          for name, meaning in AUC_OF.items() for end, side in (("low", "Lower"), ("high", "Upper"))),
        Column("auc_permuted", "Mean AUC after permuting which neuron is which."),
        Column("auc_permuted_sd", "Standard deviation of that AUC over permutations."),
        Column("auc_permuted_p", "Share of permutations, with the network itself, whose AUC is at least that of the "
               "network. The lowest possible is 1 / (permutations + 1)."),
        Column("auc_of_steps_*", "AUC among the pairs at this number of synaptic steps."),
        Column("share_of_steps_*", "Share of the pairs at this number of synaptic steps that responded, from 0 to 1."),
        Column("gain_of_*", "Gain of this class of neurons, fitted to all pairs."),
    ),
)  # fmt: skip
SIMULATED = Table(
    "summary.csv",
    "of kind = simulate",
    (
        Column("rate", "Mean rate over neurons and the record.", "1/time unit"),
        Column("rate_*", "Mean rate of this population.", "1/time unit"),
        Column("theory_*", "Mean-field theory's prediction of the rate of this population.", "1/time unit"),
        Column("bump_mean", "Mean rate of the decoded population, M0; over the record.", "1/time unit"),
        Column("bump_amplitude", "Amplitude of the first harmonic of its rates, M1; over the record.", "1/time unit"),
        Column("bump_modulation", "Modulation of the bump over the record, M1 / M0."),
        Column("bump_mean_end", "Mean rate M0 of the decoded population in the last window.", "1/time unit"),
        Column("bump_amplitude_end", "Amplitude M1 of the bump in the last window.", "1/time unit"),
        Column("bump_modulation_end", "Modulation M1 / M0 of the bump in the last window."),
        Column("bump_phase_end", "Position of the bump in the last window.", "degrees"),
    ),
)
RECORDED = Table(
    "summary.csv",
    "of kind = record",
    (
        Column("heldin", "Neurons whose spikes models see."),
        Column("heldout", "Neurons whose spikes models do not see."),
        Column("trials", "Recorded trials."),
        Column("bins", "Time bins of a trial."),
        Column("mean_rate", "Mean rate of the neurons.", "spikes per bin"),
        Column("fano", "Fano factor of the spike counts given the rates, mean over neurons by rate."),
        Column("fano_expected", "Fano factor that the requested dispersion implies."),
        Column("silent", "Neurons without a spike."),
        Column("bps_ceiling", "Bits per spike of the true rates on test trials, over all neurons.", "bits per spike"),
        Column("co_bps_ceiling",
               "Bits per spike of the true rates on test trials, over the held-out neurons.", "bits per spike"),
        Column("accuracy", "Accuracy of the network on these trials.", "%"),
        Column("task_loss", "Loss of the network on these trials."),
        Column("end_error", "Mean distance of the fingertip from its goal at the end of a trial.", "cm"),
        Column("latents", "Units of the recorded network."),
    ),
)
TIMED = Table(
    "summary.csv",
    "of kind = benchmark",
    (
        Column("steps", "Steps of the record, or of a trial."),
        Column("trials", "Trials of an epoch."),
        Column("threads", "Threads used by torch."),
        Column("*_seconds", "Time of the fastest of several repeats of the named computation.", "s"),
        Column("*_products_seconds", "Time of the matrix products of that computation alone.", "s"),
        Column("*_ratio", "Time of the computation divided by that of its matrix products."),
        Column("*_ratio_bundled",
               "Time of the computation divided by that of its matrix products with state and tangent vectors "
               "in one."),
        Column("*_ratio_compiled",
               "Process time of the computation divided by that of its matrix products in compiled rows, of sparse "
               "networks."),
        Column("*_ratio_process",
               "Process time of the computation divided by that of its matrix products, bundled where possible."),
        Column("epoch_ratio_torch_rnn", "Time of an epoch divided by that of torch.nn.RNN."),
        Column("epoch_ratio_torch_rnn_process", "Process time of an epoch divided by that of torch.nn.RNN."),
        Column("beside", "Networks that are trained side by side."),
        Column("beside_speedup", "Speed-up of training these networks side by side instead of one after the other."),
        Column("beside_speedup_process", "The same speed-up in process time."),
        Column("beside_ratio", "Time of an epoch of all networks divided by that of their matrix products."),
        Column("busy_share", "Share of the wall time taken by other processes, from 0 to 1."),
    ),
)
PREDICTED = Table(
    "summary.csv",
    "of kind = predict",
    (
        Column("recorded", "Recorded neurons, on whose activity the student was trained."),
        Column("unknown", "Numbers that the student had to find."),
        Column("dimension",
               "Participation ratio of the teacher's activity over time and trials, from 1 to the number of neurons."),
        Column("error_recorded",
               "Error of the recorded neurons in held-out trials, 1 − R²: squared error over each neuron's variance."),
        Column("error_unrecorded",
               "Error of neurons that the student has never seen, in held-out trials, 1 − R²; nan if there are none."),
        Column("error_output", "Error of the output to the task in held-out trials, 1 − R², where students learn it."),
        Column("nmse_recorded", "Squared error of the recorded neurons over their summed squares, in held-out trials."),
        Column("nmse_unrecorded", "Squared error of unrecorded neurons over their summed squares, in held-out trials."),
        *(Column(f"{short}_{measure}{group}", f"{meaning} {of_group}.")
          for short, word in (("gain", "gains"), ("shift", "shifts"))
          for measure, meaning in (("correlation", f"Correlation of the student's {word} with the teacher's"),
                                   ("error", f"Squared error of the student's {word} over the variance of the "
                                             "teacher's"))
          for group, of_group in (("", "over all neurons"), ("_recorded", "over the recorded neurons"),
                                  ("_unrecorded", "over the unrecorded neurons"))),
        Column("hessian_largest", "Largest eigenvalue of the loss's Gauss-Newton matrix in the unknown parameters."),
        Column("stiff_directions", "Directions of unknown parameters with an eigenvalue above 0.001 of the largest."),
    ),
)
OTHER_KINDS = (ANALYSED, STIMULATED, RESPONDED, SIMULATED, RECORDED, PREDICTED, TIMED)
