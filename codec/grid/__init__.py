"""The field codec: sparse multi-resolution latents and a small decoder."""
