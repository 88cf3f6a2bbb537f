"""Training jobs: their rows, settings, queue, stages, runners (here, hub), progress, failures.

A job is a process of its own; nothing here imports torch. Public: `control.submit`,
`supervisor.Supervisor`, `settings.TrainSettings`, `reads`.
"""
