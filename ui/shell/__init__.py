"""What every page stands in: frame, address, visitors and roles, errors, events, runs in progress.

Knows no page. Public: `desk.Desk`, `visitors.require`, `events`, `errors.as_shown`, `runs.Runs`.
"""
