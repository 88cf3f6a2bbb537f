"""What several pages show: marks and figures, pieces of HTML, uploads, thumbnails, words.

Knows the shell, no page. Public: `markup`, `figures`, `upload`, `words`.
"""
