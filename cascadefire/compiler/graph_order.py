"""An order of a graph's steps in which few of them wait for the outputs of the one just before."""

from dataclasses import replace

from cascadefire.compiler.graph_sizing import all_tilings
from cascadefire.compiler.graph_tiling import cheapest

SWEEPS = 4      # over all steps, at most
REACH = 12      # places that a step is moved by, at most


def ordered(graph, config, densities=None):
    """Return the graph with its steps in an order of fewer estimated cycles; the graph itself where none was found.

        end[i] = max(end[i - 1] + max(multiply[i], read[i] + write[i - 1]), done of all that it reads, done[i - 1])
        done[i] = end[i] + max(fire[i], write[i]), fire and write of its last tile

    for steps of as few tiles as can be, which leave most to be hidden. One step at a time is moved where the last one's `done`
    gets least.
    graph: Graph.  config: CoreConfig.  densities: as of `graph_sizing.map_densities`.
    Parts of a concatenation, branches and the like may change places; results stay the same, bit for bit.
    """
    tilings = all_tilings(graph, config, "both", densities)
    costs = [min(found, key=lambda one: len(one.tiles)).costs for found in tilings]
    steps = [(float(one.multiply.sum()), float(one.read.sum()), float(one.fire[-1]), float(one.write[-1])) for one in costs]
    needs = [{index for index, other in enumerate(graph.steps) if other.output in {term.source for term in step.terms}}
             for step in graph.steps]
    order = _improve(list(range(len(steps))), steps, needs)
    if cheapest([tilings[index] for index in order])[1] >= cheapest(tilings)[1]:
        return graph
    return replace(graph, steps=tuple(graph.steps[index] for index in order))


def _improve(order, steps, needs):
    """Return an order in which no step, moved alone, would save cycles."""
    least = _play(order, steps, needs)
    for _ in range(SWEEPS):
        before = least
        for step in tuple(order):
            place = order.index(step)
            rest = order[:place] + order[place + 1:]
            low = max((rest.index(other) + 1 for other in needs[step]), default=0)
            high = min((rest.index(other) for other in rest if step in needs[other]), default=len(rest))
            for to in range(max(low, place - REACH), min(high, place + REACH) + 1):
                tried = rest[:to] + [step] + rest[to:]
                cycles = _play(tried, steps, needs)
                if cycles < least:
                    order, least = tried, cycles
        if least == before:
            break
    return order


def _play(order, steps, needs):
    """Return the cycles of an order.  steps: multiply, read, fire and write cycles of each.  needs: the steps that each reads."""
    begin, free, backlog, done = 0.0, 0.0, 0.0, [0.0] * len(steps)
    for index in order:
        multiply, read, fire, write = steps[index]
        end = max(begin + max(multiply, read + backlog), *(done[other] for other in needs[index]), free)
        begin, backlog = end, write
        free = done[index] = end + max(fire, write)
    return free
