"""What scripts/train.py trains: the shapes, target densities and schedules of the shipped networks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """The shape of a layer (fields as in cascadefire.network.Layer) and the share of its weights to keep, 0..1."""

    name: str
    kind: str
    channels: int
    density: float
    kernel: tuple = (1, 1)
    pad: int = 0
    pool: tuple | None = None
    stride: int = 1
    activation: str = "relu"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    layers: tuple of Spec.  epochs: of dense training with the regulariser.  steps: times prune and fine-tune.
    step_epochs: of each fine-tuning but the last.  last_epochs: of the last, without the regulariser.
    strength: of the CSP-A regulariser.  rate: largest learning rate of the dense training; fine-tuning peaks at half of it.
    """

    name: str
    title: str
    layers: tuple
    epochs: int
    steps: int
    step_epochs: int
    last_epochs: int
    strength: float = 1e-4
    rate: float = 3e-3
    chunk: int = 8
    batch: int = 100
    seed: int = 0


POOL = (2, 2, 0)

RECIPES = {recipe.name: recipe for recipe in (
    Recipe("lenet", "LeNet, 32 and 64 filters of 5x5, 256 hidden units", (
        Spec("conv1", "conv", 32, 0.70, (5, 5), 2, POOL),
        Spec("conv2", "conv", 64, 0.20, (5, 5), 2, POOL),
        Spec("fc1", "fc", 256, 0.20),
        Spec("fc2", "fc", 10, 0.80, activation="none"),
    ), epochs=16, steps=4, step_epochs=6, last_epochs=20),
    Recipe("mlp", "Multilayer perceptron 784-300-100-10", (
        Spec("fc1", "fc", 300, 0.25),
        Spec("fc2", "fc", 100, 0.45),
        Spec("fc3", "fc", 10, 0.90, activation="none"),
    ), epochs=150, steps=4, step_epochs=40, last_epochs=120),
    Recipe("lenet5", "LeNet-5 with ReLU, 6 and 16 filters of 5x5, 120 and 84 hidden units", (
        Spec("conv1", "conv", 6, 1.0, (5, 5), 2, POOL),
        Spec("conv2", "conv", 16, 0.80, (5, 5), 0, POOL),
        Spec("fc1", "fc", 120, 0.40),
        Spec("fc2", "fc", 84, 0.50),
        Spec("fc3", "fc", 10, 0.90, activation="none"),
    ), epochs=60, steps=4, step_epochs=15, last_epochs=80),
    Recipe("tiny", "Small CNN, 8 filters of 5x5 and 16 of 3x3, for boards with 8 KiB", (
        Spec("conv1", "conv", 8, 1.0, (5, 5), 0, (3, 3, 0)),
        Spec("conv2", "conv", 16, 0.60, (3, 3), 0, POOL),
        Spec("fc1", "fc", 10, 0.50, activation="none"),
    ), epochs=60, steps=4, step_epochs=15, last_epochs=80),
)}
