"""Kinds of value with the field's own syntax: events, kernels, regions, stages."""
