"""Where a coordinate meets a side of the kernel."""
from myhdl import always_comb, block, intbv

from rtl.compact.sizes import place_bits, side_bits
from rtl.stream import signed


@block
def axis_place(config, along, side, tile_end, log2, first, final, out, none):
    """Kernel positions `first`, first + 2**log2 .. `final` of an axis hit the tile for an event at `along`; none: none does.

        out = min(along >> log2, tile_end);   first = along - (out << log2);   final = min(along, side - 1)

    along: signed, against the tile.  side: of the kernel.  tile_end: the tile's last output.  Combinational.
    """
    bits, wide = side_bits(config), place_bits(config)
    most = (1 << bits) - 1
    beyond = signed(wide + 2)

    @always_comb
    def look():
        last = intbv(0)[wide + 1:]
        last[:] = tile_end
        if log2 == 1:
            last[:] = last << 1
        elif log2 != 0:
            last[:] = last << 2
        beyond.next = along - last

    @always_comb
    def find():
        whole = intbv(0)[wide:]
        near = intbv(0)[wide + 1:]
        whole[:] = along[wide:]
        near[:] = 0
        if beyond >= 0:
            near[:] = beyond[wide + 1:]
            out.next = tile_end
        elif log2 == 0:
            out.next = whole[wide - 2:]
        elif log2 == 1:
            near[:] = whole & 1
            out.next = whole[wide - 1:1]
        else:
            near[:] = whole & 3
            out.next = whole[wide:2]
        first.next = near[bits:]
        final.next = (side - 1) & most
        if along < side:
            final.next = whole[bits:]
        none.next = along < 0 or near >= side

    return look, find
