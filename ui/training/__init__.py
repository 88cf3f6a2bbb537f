"""The Training page: choose, preview, set, run, prove, promote.

`page` builds and wires, `handlers` are plain functions, `view` makes HTML.
"""
