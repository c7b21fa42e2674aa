"""Matrices in files: arrays, MATLAB, tables, sheets -> Connectome."""
