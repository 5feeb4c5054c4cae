"""The scaffold method: a coded control mesh whose Loop subdivision surface is the decoded shape."""
