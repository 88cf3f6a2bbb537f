"""How far people agree: spread of points, coefficients for labels, consensus of a case.

Knows corrections, not how they are stored. Public: `measures.agreement`, `consensus`.
"""
