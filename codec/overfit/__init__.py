"""The overfit method: one network for each shape, whose quantized weights are the file."""
