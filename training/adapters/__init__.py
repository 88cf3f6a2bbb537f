"""Trained adapters with their lineage, and which of them serves a task (promotion, rollback).

Knows the decision, not the rule that it rests on. Public: `lineage.adapters`,
`promotion.in_use`, `promotion.rollback`.
"""
