"""A sequential network as a graph."""

from cascadefire.errors import InputError
from cascadefire.graph import Graph, Map, Step, Term


def from_network(network):
    """Return the graph of a Network: one step and one map for each layer, called like the layer.

    The input map is called "image". Fully connected layers write vector maps, except where a convolution reads them.
    Errors: InputError when a pooling leaves gaps between its windows.
    """
    maps, steps, source = {"image": Map("image", tuple(network.input_shape), network.input_signed)}, [], "image"
    for index, layer in enumerate(network.layers):
        if layer.pool and layer.pool[1] > layer.pool[0]:
            raise InputError(f"{layer.name}: the pooling stride must be at most its kernel {layer.pool[0]}, not {layer.pool[1]}")
        if layer.name in maps:
            raise InputError(f"a layer cannot be called {layer.name}, which names the input")
        follower = network.layers[index + 1] if index + 1 < len(network.layers) else None
        vector = layer.kind == "fc" and (follower is None or follower.kind == "fc")
        maps[layer.name] = Map(layer.name, tuple(layer.out_shape), layer.activation == "none", vector)
        term = Term(source, layer.kind, layer.in_shape[0], layer.weights, kernel=tuple(layer.kernel), stride=layer.stride,
                    pad=layer.pad)
        steps.append(Step(
            layer.name, layer.kind, (term,), layer.channels, tuple(layer.conv_shape[1:]), layer.bias, layer.multiplier, layer.shift,
            layer.activation, layer.name, pool=(*layer.pool, tuple(layer.out_shape[1:])) if layer.pool else None))
        source = layer.name
    return Graph(network.name, network.title, maps, ("image",), (source,), tuple(steps), network.chunk, dict(network.meta))
