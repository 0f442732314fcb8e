"""Train, prune, quantise and measure the shipped networks:  python scripts/train.py lenet

Writes data/networks/<name>.yaml and .npz. Needs torch (the extra `train`); one thread, fixed seeds. The held-out digits
are used once, for the reported accuracy; with --validate they are not used at all: a part of the training digits is
held out instead and nothing is written.
"""

import argparse
import dataclasses
import platform
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402  (the repository is used from its checkout, also without being installed)

from cascadefire import digits, quantise, reference  # noqa: E402
from cascadefire.network_file import FOLDER  # noqa: E402
from scripts.recipes import RECIPES  # noqa: E402
from scripts.training import Trainer  # noqa: E402

CALIBRATION = 1000
DATASET = "a 10,000-digit MNIST subset, 2,004 held out (the last 20 % of each class)"


def train(recipe, images, labels):
    """Carry a recipe out and quantise the result; returns the Network and the threshold factors of its layers.

    recipe: Recipe.  images: uint8 [N, H, W], labels: uint8 [N]; the only digits seen, calibration included.
    """
    trainer = Trainer(recipe, images, labels)
    trainer.run()
    chosen = np.random.default_rng(recipe.seed).choice(len(images), CALIBRATION, replace=False)
    network = quantise.quantise(recipe.name, recipe.title, (1, *images.shape[1:]), trainer.float_layers(), recipe.chunk,
                                images[chosen][:, None])
    return network, trainer.factors


def accuracy(network, images, labels):
    """Return how many of the images the integer reference puts in the right class."""
    return int((reference.predict(network, images) == labels).sum())


def notes(recipe, network, factors, correct, held_out):
    """Return the meta entry of the network file: data, training and what was measured by the integer reference."""
    versions = {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__}
    per_layer = {layer.name: {"density": round(layer.weights.density, 4), "threshold_factor": round(float(factor), 4),
                              "accumulator_bits": quantise.accumulator_bits(layer)}
                 for layer, factor in zip(network.layers, factors)}
    return {"dataset": DATASET, "held_out_digits": held_out, "held_out_correct": correct,
            "held_out_accuracy": round(correct / held_out, 4), "density": round(network.density, 4), "layers": per_layer,
            "command": f"python scripts/train.py {recipe.name} --seed {recipe.seed}", "versions": versions}


def show(network, correct, measured):
    """Print densities, accumulator widths and the accuracy."""
    for layer in network.layers:
        print(f"  {layer.name}: {layer.weights.kept} of {layer.channels * layer.rows} weights ({layer.weights.density:.3f}), "
              f"accumulator {quantise.accumulator_bits(layer)} bits")
    print(f"  all: {network.density:.4f} of the weights; {correct} of {measured} right, {correct / measured:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=sorted(RECIPES))
    parser.add_argument("--validate", action="store_true", help="measure on a fifth of the training digits; write nothing")
    parser.add_argument("--seed", type=int, help="default: the recipe's")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to (default: data/networks)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    print(f"python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}")
    if not arguments.validate:
        arguments.out.mkdir(parents=True, exist_ok=True)  # now, not after minutes of training
    images, labels = digits.load()
    learn, measure = digits.split(labels)
    if arguments.validate:
        inner, outer = digits.split(labels[learn])
        learn, measure = learn[inner], learn[outer]
    for name in arguments.names:
        recipe = RECIPES[name]
        if arguments.seed is not None:
            recipe = dataclasses.replace(recipe, seed=arguments.seed)
        print(f"{name}: seed {recipe.seed}, {len(learn)} digits to learn from, {len(measure)} to measure on", flush=True)
        network, factors = train(recipe, images[learn], labels[learn])
        correct = accuracy(network, images[measure], labels[measure])
        show(network, correct, len(measure))
        if not arguments.validate:
            network = dataclasses.replace(network, meta=notes(recipe, network, factors, correct, len(measure)))
            network.save(arguments.out / f"{name}.yaml")


if __name__ == "__main__":
    main()
