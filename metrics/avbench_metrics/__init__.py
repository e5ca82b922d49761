"""Bundled metrics: one folder per leaderboard axis, one file per metric."""
