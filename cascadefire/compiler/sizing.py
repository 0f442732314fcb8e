"""A core for a network: the smallest memories that serve it well at a given array."""

from cascadefire.compiler.tiling import ceil_power, least_depth, tile
from cascadefire.errors import InputError
from cascadefire.quantise import accumulator_bits
from rtl.config import FIRE_MARGIN, CoreConfig

ACC_BITS, ACC_DEPTH, WEIGHT_DEPTH, COORD_BITS, PARAM_DEPTH, BANK_DEPTH = 24, 2048, 512, 8, 64, 64
MAX_ACC_DEPTH, MAX_WEIGHT_DEPTH, MAX_PARAMS = 32768, 65536, 4096


def core_config(network, pes: int, lanes: int, **overrides) -> CoreConfig:
    """Return a core of `pes` PEs of `lanes` lanes whose memories suit a network in every mode.

        kernel       largest kernel side of the network
        acc_bits     max(24, the proven bound of the network's partial sums)
        acc_depth    2048, or what one output row after pooling needs at one chunk
        weight_depth 512, or twice the chunks of the largest channel of any tile
        param_depth  64, or the groups of fire_lanes output channels of any tile
        queue_depth  the most tokens a bank can hold (one layer's input and output, every activation an event), and its margin
        fire_lanes = lanes        weight_bytes = min(lanes, 8)        slots = 8

    overrides: fields of CoreConfig to set otherwise; the fields after them in this list are sized to match.
    Errors: InputError for a field out of its range, or a network that no core of this array holds.
    """
    unknown = set(overrides) - set(CoreConfig.__dataclass_fields__)
    if unknown:
        raise InputError(f"a core has no setting called {sorted(unknown)[0]}.")
    coordinates = max(side for layer in network.layers for shape in (layer.in_shape, layer.out_shape) for side in shape[1:])
    depth = max([ACC_DEPTH] + [ceil_power(least_depth(layer)) for layer in network.layers])
    fields = {
        "kernel": max(side for layer in network.layers for side in layer.kernel),
        "acc_bits": max(ACC_BITS, *(accumulator_bits(layer) for layer in network.layers)),
        "acc_depth": min(depth, MAX_ACC_DEPTH),
        "weight_depth": MAX_WEIGHT_DEPTH,
        "param_depth": MAX_PARAMS,
        "fire_lanes": lanes,
        "weight_bytes": min(lanes, 8) if isinstance(lanes, int) else lanes,
        "coord_bits": max(COORD_BITS, (coordinates - 1).bit_length()),
    } | overrides
    try:
        config = CoreConfig(pes=pes, lanes=lanes, **fields)
        if "weight_depth" not in overrides:
            largest = max(layer.kernel[0] * layer.kernel[1] * tile(layer, config).chunks for layer in network.layers)
            config = config.replace(weight_depth=min(MAX_WEIGHT_DEPTH, max(WEIGHT_DEPTH, ceil_power(2 * largest))))
        if "param_depth" not in overrides:
            groups = max(tile(layer, config).chunks for layer in network.layers) * config.fire_groups
            config = config.replace(param_depth=max(PARAM_DEPTH, ceil_power(groups)))
        if "queue_depth" not in overrides:
            config = config.replace(queue_depth=max(BANK_DEPTH, ceil_power(bank_tokens(network, config) + FIRE_MARGIN + 1)))
    except ValueError as error:
        raise InputError(str(error)) from None
    return config


def bank_tokens(network, config: CoreConfig) -> int:
    """Return the most tokens that one event bank holds at any time, in any mode.

        max over layers of (tokens of its input + tokens of its output),  tokens of a layer = ceil(K / F) * (H * W + tiles)

    The input of the first layer comes from outside and is in no bank; each spatial tile ends each channel once.
    """
    most, before = 0, 0
    for layer in network.layers:
        channels, height, width = layer.out_shape
        own = -(-channels // config.fire_lanes) * (height * width + tile(layer, config).spatial)
        most, before = max(most, before + own), own
    return most
