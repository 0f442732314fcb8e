"""Adds the PEs' partial sums of one output."""
from myhdl import always, always_comb, block

from rtl.stream import signed


@block
def pick_group(clk, awake, options, group, chosen):
    """chosen(t + 1) = options[group](t) while awake; options: list of signed signals of one width."""
    if len(options) == 1:
        only = options[0]

        @always(clk.posedge)
        def pass_on():
            if awake:
                chosen.next = only

        return pass_on

    @always(clk.posedge)
    def choose():
        if awake:
            chosen.next = options[group]

    return choose


@block
def add_pair(clk, awake, a, b, total):
    """total(t + 1) = a(t) + b(t) while awake; of partial sums the compiler proves that they fit."""

    @always(clk.posedge)
    def add():
        if awake:
            total.next = a + b

    return add


@block
def add_pairs(clk, awake, terms, sums):
    """One level of an adder tree: sums[i](t + 1) = terms[2 * i](t) + terms[2 * i + 1](t) while awake.

    terms: list of unsigned signals of one width, twice as many as sums, which are a bit wider.
    """
    return [add_pair(clk, awake, terms[2 * i], terms[2 * i + 1], sums[i]) for i in range(len(sums))]


@block
def delay(clk, awake, a, b):
    """b(t + 1) = a(t) while awake."""

    @always(clk.posedge)
    def hold():
        if awake:
            b.next = a

    return hold


def levels(terms: int) -> int:
    """Latency of sum_tree."""
    return (terms - 1).bit_length()


@block
def sum_tree(clk, awake, terms, total):
    """total = sum of terms, a list of signed signals as wide as total; latency levels(len(terms)), one sum a cycle while awake."""
    if len(terms) == 1:
        only = terms[0]

        @always_comb
        def wire():
            total.next = only

        return wire
    if len(terms) == 2:
        return add_pair(clk, awake, terms[0], terms[1], total)
    half = 1 << (levels(len(terms)) - 1)
    left, right = signed(len(total)), signed(len(total))
    parts = [sum_tree(clk, awake, terms[:half], left)]
    short = terms[half:]
    tail = right
    for _ in range(levels(half) - levels(len(short))):
        earlier = signed(len(total))
        parts.append(delay(clk, awake, earlier, tail))
        tail = earlier
    parts.append(sum_tree(clk, awake, short, tail))
    parts.append(add_pair(clk, awake, left, right, total))
    return parts
