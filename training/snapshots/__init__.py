"""What a training may see, frozen: planned from accepted corrections, written once, hashed.

Knows no job. Public: `plan.plan`, `freezing.freeze`, `freezing.load_snapshot`.
"""
