"""What several pages show: panels with marks, fields, editors, tables, uploads, thumbnails.

Knows the shell, no page. Public: `panels`, `markup`, `tables`, `fields`, `endpoints`, `upload`.
"""
