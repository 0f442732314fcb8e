"""Two masters on one memory: the accelerator's bus, and single accesses of a client that comes first."""
from myhdl import ConcatSignal, Signal, always, always_comb, always_seq, block, intbv, modbv

from rtl.stream import bit, unsigned


@block
def arbiter(clk, rst, bus, client, ram, words, latency):
    """An access a cycle; one of the client's stalls the bus for a cycle.

    bus: MemoryBus; its answer comes latency + 1 cycles after the request: err for an address from `words` on, else ack.
    client: LinkBus whose adr counts parts of a memory word, each as wide as its data; ack comes 2 * latency + 1 cycles after stb
    rose, one of them so that the bus's stall, from which long paths start, is a register; its dat_r is zero in all other
    cycles. An access beyond the end writes nothing.
    ram: RamPort, driven by registers.  words: memory words.  latency: of the RAM, 1 or 2. Reset forgets open requests.
    """
    part_bits = len(client.dat_w)
    lanes = len(ram.dat_w) >> (part_bits.bit_length() - 1)
    lane_bits = (lanes - 1).bit_length()
    # Block RAMs of two cycles are large and far apart: what they give crosses the device in a cycle of its own.
    late = latency - 1
    part_mask, part_bytes, adr_mask = (1 << part_bits) - 1, part_bits >> 3, (1 << len(ram.adr)) - 1
    one_part, limit, last, last_client = (1 << part_bytes) - 1, words * lanes, latency, latency + late
    asked_q = bit()
    acks_q, errs_q = (Signal(modbv(0)[latency + 1:]) for _ in range(2))
    clients_q, failures_q = (Signal(modbv(0)[latency + late + 1:]) for _ in range(2))
    chosen_q = unsigned(lanes + 1)
    grant, wanted, beyond, bus_beyond, client_beyond = (bit() for _ in range(5))
    lane, sel = unsigned(max(1, lane_bits)), unsigned(len(ram.write))
    spread = ConcatSignal(*(client.dat_w for _ in range(lanes))) if lanes > 1 else client.dat_w

    @always_comb
    def decide():
        lane.next = client.adr & (lanes - 1)

    # The bits above a power of two say it at once; a comparison is a carry chain.
    if words & (words - 1) == 0:
        bus_bits, client_bits = words.bit_length() - 1, limit.bit_length() - 1

        @always_comb
        def compare():
            bus_beyond.next = (bus.adr >> bus_bits) != 0
            client_beyond.next = (client.adr >> client_bits) != 0
    else:
        @always_comb
        def compare():
            bus_beyond.next = bus.adr >= words
            client_beyond.next = client.adr >= limit

    @always_comb
    def limit_access():
        if grant:
            wanted.next = True
            beyond.next = client_beyond
        else:
            wanted.next = bus.cyc and bus.stb
            beyond.next = bus_beyond

    @always_comb
    def select():
        bus.stall.next = grant
        if grant:
            sel.next = 0
            for i in range(lanes):
                if lane == i and client.we:
                    sel.next = one_part << (part_bytes * i)
        elif bus.we:
            sel.next = bus.sel
        else:
            sel.next = 0

    @always(clk.posedge)
    def request():
        if grant:
            ram.adr.next = (client.adr >> lane_bits) & adr_mask
            ram.dat_w.next = spread
        else:
            ram.adr.next = bus.adr & adr_mask
            ram.dat_w.next = bus.dat_w

    @always_seq(clk.posedge, reset=rst)
    def follow():
        grant.next = client.stb and not asked_q and not grant
        ram.enable.next = wanted and not beyond
        ram.write.next = 0
        if wanted and not beyond:
            ram.write.next = sel
        acks_q.next = (acks_q << 1) | (wanted and not grant and not beyond)
        errs_q.next = (errs_q << 1) | (wanted and not grant and beyond)
        clients_q.next = (clients_q << 1) | grant
        failures_q.next = (failures_q << 1) | (grant and beyond)
        if grant:
            asked_q.next = True
        elif clients_q[last_client]:
            asked_q.next = False
        chosen_q.next = 0
        for i in range(lanes):
            if clients_q[last_client - 1] and lane == i:
                chosen_q.next[i] = True

    @always_comb
    def answer():
        bus.ack.next = acks_q[last]
        bus.err.next = errs_q[last]
        bus.dat_r.next = ram.dat_r
        client.ack.next = clients_q[last_client]
        client.err.next = failures_q[last_client]

    data, held = ram.dat_r, []
    if late:
        data_q = data = unsigned(len(ram.dat_r))

        @always(clk.posedge)
        def hold():
            data_q.next = ram.dat_r

        held = [hold]

    @always_comb
    def pick():
        part = intbv(0)[part_bits:]
        part[:] = 0
        for i in range(lanes):
            if chosen_q[i]:
                part[:] = part | ((data >> (part_bits * i)) & part_mask)
        client.dat_r.next = part

    return decide, compare, limit_access, select, request, follow, answer, held, pick
