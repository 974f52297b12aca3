"""What is measured: the same network, data, grid and directions for everyone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

STEPS = 25


@dataclass(frozen=True)
class Case:
    """A network given by its layers, with as many examples as are evaluated at each point.

    ``units`` are Dense layers with ReLU between them, the first number being the inputs; ``channels`` are 3×3
    convolutions, each with ReLU and 2×2 max pooling, before one Dense layer of ten classes.
    """

    name: str
    examples: int
    units: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    naive_points: int = 6
    steps: int = STEPS

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (images with their channel last) and class numbers."""
        generator = np.random.default_rng(0)
        shape = (28, 28, self.channels[0]) if self.channels else (self.units[0],)
        classes = self.units[-1] if self.units else 10
        inputs = generator.random((self.examples, *shape), dtype=np.float32)
        return inputs, generator.integers(0, classes, self.examples)

    def weights(self) -> list[np.ndarray]:
        """Return kernels and biases in Keras' layout."""
        generator = np.random.default_rng(1)
        shapes: list[tuple[int, ...]] = []
        for first, second in pairwise(self.channels):
            shapes += [(3, 3, first, second), (second,)]
        sizes = self.units or (7 * 7 * self.channels[-1], 10)
        for first, second in pairwise(sizes):
            shapes += [(first, second), (second,)]
        return [
            (generator.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) or 1)).astype(np.float32)
            for shape in shapes
        ]

    def directions(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return two directions, each a tenth of the weights' size."""
        generator = np.random.default_rng(2)
        return tuple(
            [
                (0.1 * np.std(w) * generator.standard_normal(w.shape)).astype(np.float32)
                for w in self.weights()
            ]
            for _ in range(2)
        )


CASES = (
    Case("784-128-64-10, 10 000 examples", 10_000, units=(784, 128, 64, 10), naive_points=3),
    Case("784-128-64-10, 1000 examples", 1_000, units=(784, 128, 64, 10)),
    Case("2-16-16-2, 256 examples", 256, units=(2, 16, 16, 2)),
    Case("CNN with 8 and 16 channels, 1000 examples", 1_000, channels=(1, 8, 16), naive_points=4, steps=15),
)
