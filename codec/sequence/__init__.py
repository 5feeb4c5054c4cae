"""Registered sequences: one base shape of any method, carried from frame to frame by nodes that move."""
