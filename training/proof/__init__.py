"""Is a new adapter better: held-out proof, comparison, the promotion rule, the loop's proof.

Public: `run.prove`, `comparison.compare`, `loop`.
"""
