"""Reports in, one folder of static pages out."""
