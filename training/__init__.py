"""Corrections, training runs and what they achieve. Knows no page."""
