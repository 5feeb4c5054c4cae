"""What a network looks like: its layers, its activations and what goes into it.

A ReLU network with biases and a tanh at the end is the one of the papers [1]_, [2]_; sines [3]_ and Fourier features
[4]_ are what the second of them calls universal additions.

References
----------
.. [1] Davies, Nowrouzezahrai, Jacobson, On the effectiveness of weight-encoded neural implicit 3D shapes, 2020,
   arXiv 2009.09808.
.. [2] Sergeev, Talabot, Donier, Fua, Implicit high resolution representation of 3D shapes, 2022.
.. [3] Sitzmann, Martel, Bergman, Lindell, Wetzstein, Implicit neural representations with periodic activation
   functions, NeurIPS 2020.
.. [4] Tancik et al., Fourier features let networks learn high frequency functions in low dimensional domains, NeurIPS
   2020.
"""

from __future__ import annotations

from dataclasses import dataclass

# Part of the format, never renumber.
ACTIVATIONS = ("relu", "sine")
MAX_WIDTH, MAX_HIDDEN, MAX_FREQUENCIES = 1024, 32, 8
MAX_WEIGHTS = 1 << 22  # of all layers
N_POINT = 4  # inputs that are always there: the point and a constant 1


@dataclass(frozen=True)
class Architecture:
    """A fully connected network from points to signed distances.

    Parameters
    ----------
    width : int
        Units of a hidden layer, 1 to 1024.
    n_hidden : int
        Hidden layers, 1 to 32.
    activation : {'relu', 'sine'}
        After each hidden layer.
    n_frequencies : int
        Octaves of Fourier features beside the point, 0 to 8: sin and cos of 2^k pi times each coordinate.
    biases : bool
        A bias in each layer after the first. Without, the constant 1 among the inputs is the only one, as in fused
        kernels.
    skip : bool
        The inputs go into the middle hidden layer once more.
    bounded : bool
        A tanh at the end.
    """

    width: int = 32
    n_hidden: int = 8
    activation: str = "relu"
    n_frequencies: int = 0
    biases: bool = True
    skip: bool = False
    bounded: bool = True

    def __post_init__(self) -> None:
        for name, most in (("width", MAX_WIDTH), ("n_hidden", MAX_HIDDEN)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} {getattr(self, name)} is not in 1..{most}")
        if not 0 <= self.n_frequencies <= MAX_FREQUENCIES:
            raise ValueError(f"n_frequencies {self.n_frequencies} is not in 0..{MAX_FREQUENCIES}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation {self.activation!r} is not one of {', '.join(ACTIVATIONS)}")
        if self.n_weights > MAX_WEIGHTS:
            raise ValueError(f"{self.n_weights} weights are more than {MAX_WEIGHTS}")

    @property
    def n_inputs(self) -> int:
        """Inputs: the point, a constant 1, and the Fourier features."""
        return N_POINT + 6 * self.n_frequencies

    @property
    def skip_layer(self) -> int | None:
        """Index of the layer that the inputs go into once more."""
        return self.n_hidden // 2 if self.skip and self.n_hidden > 1 else None

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(outputs, inputs) of each layer, biases and repeated inputs among the inputs, in this order after the units.

        Examples
        --------
        >>> Architecture(16, 2).shapes
        ((16, 4), (16, 17), (1, 17))
        """
        shapes = [(self.width, self.n_inputs)]
        for i in range(1, self.n_hidden + 1):
            n_inputs = self.width + self.biases + (self.n_inputs if i == self.skip_layer else 0)
            shapes.append((self.width if i < self.n_hidden else 1, n_inputs))
        return tuple(shapes)

    @property
    def n_weights(self) -> int:
        """Numbers in all layers, biases among them.

        Examples
        --------
        >>> Architecture(32, 8).n_weights
        7553
        """
        return sum(rows * columns for rows, columns in self.shapes)

    @property
    def is_fused(self) -> bool:
        """Whether a kernel that knows neither biases nor skips runs it."""
        return not self.biases and self.skip_layer is None


PAPER = Architecture(32, 8)  # eight layers of 32, as in the studies of regularization


def architecture_of_size(n_weights: float) -> Architecture:
    """The codec's own network with about so many weights: deeper and wider as they grow.

    Examples
    --------
    >>> architecture_of_size(1200).width, architecture_of_size(4000).width
    (19, 36)
    """
    n_hidden = 3 + sum(n_weights >= size for size in _DEEPER)
    n_inner, n_ends = n_hidden - 1, 5
    width = (-n_ends + (n_ends**2 + 4 * n_inner * n_weights) ** 0.5) / (2 * n_inner)
    return Architecture(min(max(round(width), MIN_WIDTH), MAX_WIDTH), n_hidden, "sine", biases=False, bounded=False)


MIN_WIDTH = 6
_DEEPER = (1000.0, 6000.0)  # weights from which on there is one more layer
