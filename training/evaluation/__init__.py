"""Test sets, all sides' predictions on them, metrics, intervals (`python -m training.evaluate`).

Knows no database. Public: `run.evaluate`, `sets.load_split`, `folders.load_folder`,
`scoring.report`, `bootstrap`.
"""
