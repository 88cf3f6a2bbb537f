"""The Models page: adapters with their lineage; load, download, push to the hub.

`page` builds and wires, `handlers` are plain functions, `view` makes HTML.
"""
