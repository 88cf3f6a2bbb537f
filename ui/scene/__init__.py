"""The Scene page: one road image, base and fine-tuned side by side, and its correction.

`page` builds and wires, `handlers` are plain functions, `view` makes HTML.
"""
