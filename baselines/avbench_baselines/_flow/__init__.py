"""Rectified flow over two modalities at once: noise, losses, guidance and samplers."""
