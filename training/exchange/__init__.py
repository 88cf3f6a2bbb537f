"""Corrections out of the store and back in, in formats that other programs read.

`formats.FORMATS` lists them with what each keeps; `exporting.export` and `importing.import_file`
do it; `python -m training.exchange` does it from the command line.
"""
