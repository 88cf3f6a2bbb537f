"""The Corrections page: the review queue, agreement, export and import.

`page` builds and wires, `handlers` are plain functions, `view` makes HTML.
"""
