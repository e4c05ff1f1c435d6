"""Figures: arrays in, Axes out."""
