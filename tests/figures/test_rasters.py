"""Neurons in heat maps are sorted, but for a bump, which shows in their own order."""

import numpy as np
import pytest
from matplotlib.image import AxesImage

from randomnet import plotting
from randomnet.plotting import Activity, RecordedTrial
from randomnet.plotting.activity import BumpCourse
from randomnet.plotting.rasters import BY_MEAN, BY_PEAK, raster_order

TIMES = np.arange(50.0)
PEAKS = np.random.default_rng(1).permutation(50)[:20]
SEQUENCE = np.exp(-0.05 * (TIMES - PEAKS[:, None]) ** 2)  # (neurons, T), a peak each
CONSTANT = np.random.default_rng(2).random(20)[:, None] * np.ones(50)


def images(figure):
    return [np.asarray(item.get_array()) for axes in figure.axes for item in axes.get_children()
            if isinstance(item, AxesImage)]  # fmt: skip


def network(rates, bump=None):
    return Activity(TIMES, rates.T[None], np.zeros(len(rates), int), ["E"], bump=bump)


@pytest.mark.parametrize(("rates", "keys", "text"), [(SEQUENCE, PEAKS, BY_PEAK), (CONSTANT, CONSTANT[:, 0], BY_MEAN)])
def test_neurons_are_sorted_by_what_varies_most(rates, keys, text):
    order, name = raster_order(rates)
    assert name == text and (np.diff(keys[order]) > 0).all()


def test_the_raster_of_a_population_is_sorted_and_says_so():
    figure = plotting.activity(network(SEQUENCE))
    (image,) = images(figure)[:1]
    assert (np.diff(image.argmax(axis=1)) >= 0).all()
    assert figure.axes[0].get_title(loc="left").endswith(BY_PEAK)


def test_neurons_of_a_bump_keep_their_order():
    bump = BumpCourse(*(np.ones((1, 50)) for _ in range(3)))
    (image,) = images(plotting.activity(network(SEQUENCE, bump)))[:1]
    assert np.array_equal(image.argmax(axis=1), PEAKS)


def test_recorded_neurons_are_sorted_within_held_in_and_held_out_ones():
    trial = RecordedTrial(TIMES, *[np.zeros((50, 2))] * 2, SEQUENCE.T, SEQUENCE.T, (SEQUENCE > 0.5).T, heldin=12)
    rates, spikes = images(plotting.recorded_trial(trial))[-2:]
    assert np.array_equal(rates[:12].argmax(axis=1), np.sort(PEAKS[:12]))
    assert np.array_equal(rates[12:].argmax(axis=1), np.sort(PEAKS[12:]))
    assert np.array_equal(spikes, rates > 0.5)
