"""Reports in, tables out."""
