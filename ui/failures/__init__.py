"""The Failures page: many images at once, in a grid that can be sorted; one opens in Scene.

Knows no other page.
"""
