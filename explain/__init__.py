"""Turns traces into maps and judges maps. Reads arrays; knows no model and no page."""
