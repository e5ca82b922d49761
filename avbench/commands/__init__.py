"""Larger commands of the command line, one file each: ``add_options(parser)`` and ``execute(arguments)``."""
