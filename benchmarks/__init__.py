"""Measured claims. Every figure is a ratio of two things run side by side on one machine.

`python -m benchmarks NAME [--json] [--smoke]`; the last line printed is one JSON object.
Everything below ui may be used here; nothing imports this package.
"""
