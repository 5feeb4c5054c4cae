"""The multi-resolution hash grid: tables of features and a small network, quantized and entropy-coded."""
