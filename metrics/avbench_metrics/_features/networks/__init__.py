"""Networks whose parameters bear the official checkpoints' names; each module publishes ``build()``."""
