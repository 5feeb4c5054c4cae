"""Bytes: container, header, limits, errors, mesh files. numpy only."""
