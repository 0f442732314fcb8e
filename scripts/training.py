"""Training with the CSP-A regulariser, pruning by the CSP-A rule, fine-tuning with the pruned weights held at zero (torch)."""

import math
import time

import numpy as np
import torch
from torch.nn import functional

from cascadefire.cspa import prune
from cascadefire.cspa.regulariser import regulariser
from cascadefire.network import conv_shape, pool_shape, row_count
from cascadefire.quantise import FloatLayer

ROTATION = math.radians(12)
SCALE = 0.12
SHEAR = 0.15
SHIFT = 0.18  # of half the image: 2.5 pixels


class Model(torch.nn.Module):
    """The float network of a recipe: pixels / 255 in, logits out; max pooling and ReLU as in the integer network.

    recipe: Recipe.  input_shape: (C, H, W).
    """

    def __init__(self, recipe, input_shape):
        super().__init__()
        self.specs, self.blocks, shape = recipe.layers, torch.nn.ModuleList(), input_shape
        for spec in recipe.layers:
            if spec.kind == "conv":
                self.blocks.append(torch.nn.Conv2d(shape[0], spec.channels, spec.kernel, spec.stride, spec.pad))
            else:
                self.blocks.append(torch.nn.Linear(row_count("fc", spec.kernel, shape), spec.channels))
            shape = pool_shape(conv_shape(spec.kind, spec.channels, spec.kernel, spec.stride, spec.pad, shape), spec.pool)

    def forward(self, x):
        for spec, block in zip(self.specs, self.blocks):
            x = block(x.flatten(1) if spec.kind == "fc" else x)
            if spec.pool:
                x = functional.max_pool2d(x, *spec.pool)
            if spec.activation == "relu":
                x = functional.relu(x)
        return x

    def weights(self):
        """Return the weight tensors [K, ...], in order."""
        return [block.weight for block in self.blocks]


def augment(images, generator):
    """Return images [N, 1, H, W] after one random rotation, scaling, shear and shift each."""
    def spread(width):
        return (torch.rand(len(images), generator=generator) * 2 - 1) * width

    angle, zoom_x, zoom_y, shear = spread(ROTATION), 1 + spread(SCALE), 1 + spread(SCALE), spread(SHEAR)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([cosine * zoom_x, -sine * zoom_y + shear, spread(SHIFT),
                         sine * zoom_x, cosine * zoom_y, spread(SHIFT)], 1).view(-1, 2, 3)
    return functional.grid_sample(images, functional.affine_grid(theta, images.shape, align_corners=False), align_corners=False)


class Trainer:
    """Carries a recipe out on training digits.

    recipe: Recipe.  images: uint8 [N, H, W].  labels: uint8 [N].  report: called with each line of progress.
    `model`, `counts` (chunk counts of each layer, integers [rows]) and `factors` (threshold factors) hold the result.
    """

    def __init__(self, recipe, images, labels, report=print):
        torch.manual_seed(recipe.seed)
        self.recipe, self.report = recipe, report
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.images = torch.from_numpy(images).float()[:, None] / 255
        self.labels = torch.from_numpy(labels).long()
        self.model = Model(recipe, tuple(self.images.shape[1:]))
        weights = [weight.detach().flatten(1) for weight in self.model.weights()]
        self.counts = [np.full(w.shape[1], prune.chunk_total(len(w), recipe.chunk)) for w in weights]
        self.factors = [0.0] * len(weights)
        self.masks = [torch.ones_like(weight) for weight in self.model.weights()]

    def run(self):
        """Train densely, then prune and fine-tune step by step, the densities falling geometrically to the targets."""
        recipe = self.recipe
        self.fit(recipe.epochs, recipe.rate, recipe.strength, "dense")
        for step in range(1, recipe.steps + 1):
            self.prune([spec.density ** (step / recipe.steps) for spec in recipe.layers])
            last = step == recipe.steps
            self.fit(recipe.last_epochs if last else recipe.step_epochs, recipe.rate / 2, 0.0 if last else recipe.strength,
                     f"step {step}")

    def prune(self, densities):
        """Prune each layer by the CSP-A rule, with the threshold factor that leaves the given share of its weights."""
        for i, (weight, density) in enumerate(zip(self.model.weights(), densities)):
            dense = weight.detach().flatten(1).double().numpy()
            self.factors[i] = prune.factor_for_density(dense, self.recipe.chunk, density)
            self.counts[i] = prune.keep_counts(dense, self.recipe.chunk, self.factors[i])
            kept = prune.mask(self.counts[i], len(dense), self.recipe.chunk)
            self.masks[i] = torch.from_numpy(kept).reshape(weight.shape).float()
        self._apply_masks()

    def _apply_masks(self):
        with torch.no_grad():
            for weight, kept in zip(self.model.weights(), self.masks):
                weight.mul_(kept)

    def fit(self, epochs, rate, strength, name):
        """Run Adam with a one-cycle rate; the masks hold after every step.

        epochs: over the training digits.  rate: largest learning rate.  strength: of the regulariser.  name: for the report.
        """
        model, recipe, start = self.model, self.recipe, time.perf_counter()
        optimiser = torch.optim.Adam(model.parameters(), rate)
        batches = len(self.images) // recipe.batch
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * batches, pct_start=0.2)
        for _ in range(epochs):
            total = 0.0
            order = torch.randperm(len(self.images), generator=self.generator)[: batches * recipe.batch]
            for chosen in order.view(batches, -1):
                logits = model(augment(self.images[chosen], self.generator))
                cost = functional.cross_entropy(logits, self.labels[chosen])
                total += cost.item()
                if strength:
                    cost = cost + strength * regulariser(model.weights(), recipe.chunk)
                optimiser.zero_grad()
                cost.backward()
                optimiser.step()
                schedule.step()
                self._apply_masks()
        self.report(f"{name}: {epochs} epochs, last loss {total / batches:.4f}, {time.perf_counter() - start:.0f} s")

    def float_layers(self):
        """Return the trained layers as a list of FloatLayer."""
        return [FloatLayer(spec.name, spec.kind, spec.channels, spec.kernel, spec.stride, spec.pad, spec.pool, spec.activation,
                           block.weight.detach().double().numpy(), block.bias.detach().double().numpy(), counts)
                for spec, block, counts in zip(self.recipe.layers, self.model.blocks, self.counts)]
