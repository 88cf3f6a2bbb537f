"""The database and its files: media, predictions, corrections, reviews; backups and mirror.

Knows no model and no training. Public: `home.find_home`, `feedback.Feedback`, `database.connect`,
`group_commit.write`, `backup.BackupThread`, `mirror.Mirror`.
"""
