"""The CSP-A regulariser: pulls the weights of late chunks to zero while training, so that pruning finds short cascades.

Source: CSP (ISCA 2022), as read in two versions of the first author's public code (Rudedaisy/CascadePruning); which of the
two the paper prints is not known.
"""

from cascadefire.cspa.prune import check_whole
from cascadefire.errors import InputError

VARIANTS = ("norm", "rms")
STRENGTH = 1e-4  # the first author's default; 2e-4 for an ImageNet AlexNet
FLOOR = 1e-12  # keeps the gradient of the square root finite where a whole suffix is zero


def regulariser(layers, chunk, variant="norm"):
    """Sum the weighted norms of all cascade suffixes.

        R = sum over layers, k of  s_k * sum over r of || W[k*C:, r] ||
        norm: Euclidean norm, s_k = (k + 1) / T         rms: root mean square, s_k = (n - k) / T         T = n (n + 1) / 2

    layers: torch weight tensors [K, ...].  chunk: C >= 1.  variant: "norm" (the current code) or "rms" (the older one).
    Returns a differentiable scalar; the loss is cross-entropy + STRENGTH * R.
    Errors: InputError for an unknown variant or a bad chunk.
    """
    if variant not in VARIANTS:
        raise InputError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    check_whole("chunk", chunk)
    return sum(_layer(weights.flatten(1), chunk, variant) for weights in layers)


def _layer(weights, chunk, variant):
    import torch  # here, since only training needs it

    squares = torch.stack([part.square().sum(0) for part in weights.split(chunk)])
    suffix = squares.flip(0).cumsum(0).flip(0)
    n = len(squares)
    k = torch.arange(n, dtype=weights.dtype)
    if variant == "norm":
        scale = k + 1
    else:
        scale = n - k
        suffix = suffix / (len(weights) - k * chunk)[:, None]
    return (scale / (n * (n + 1) / 2)) @ (suffix + FLOOR).sqrt().sum(1)
