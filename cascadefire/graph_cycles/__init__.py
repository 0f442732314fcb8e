"""The cycle model of the accelerator: how long it takes for a compiled graph and one image, without simulating the hardware."""

from cascadefire.graph_cycles.predict import CAUSES, Prediction, predict

__all__ = ["CAUSES", "Prediction", "predict"]
