"""Names of the table formats, known without loading anything."""

FORMAT_NAMES = ("text", "markdown", "paper", "latex", "csv", "json")
