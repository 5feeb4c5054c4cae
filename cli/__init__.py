"""The `sdfz` command."""
