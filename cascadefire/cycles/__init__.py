"""The cycle model: how long the core takes for a program and one image, without simulating the hardware."""

from cascadefire.cycles.predict import Prediction, predict

__all__ = ["Prediction", "predict"]
