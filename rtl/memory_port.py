"""The accelerator's one memory port: several readers and a writer share a Wishbone B4 pipelined bus."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, intbv

from rtl.config import OUTSTANDING
from rtl.event_queue import event_queue
from rtl.pass_settings import ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned


@block
def _client(port, number, address, served, data, answers):
    """Joins reader `number` with the port's vectors; combinational."""

    @always_comb
    def wire():
        address.next = port.address
        port.ready.next = served[number]
        port.data.next = data
        port.answer.next = answers[number]

    return wire


@block
def memory_port(clk, rst, config, reads, write, bus, halt, quiet, failed):
    """Sends each client's requests to the bus, and each answer to the reader that asked for it.

    Not done: fairness (the first reader that asks goes first, the writer last), answers to writes (counted and dropped).
    reads: list of ReadPort.  write: WritePort.  bus: MemoryBus, this side the master.
    halt: bit, held until `quiet`: no further request is taken, and from the next cycle on no answer is given; requests that
    were taken are still carried out.
    quiet: bit, no request is open or waiting for the bus.  failed: pulse, an error outside halt; the reader gets its answer still.
    At most OUTSTANDING requests are open. Latency 1 to the bus and 1 back, one request a cycle, the bus driven by registers
    (cyc by the number of open requests). Reset forgets open requests, so it is for a port that is quiet.
    """
    count, word_bits = len(reads), 8 * config.port_bytes
    everything = (1 << config.port_bytes) - 1
    addresses = [unsigned(ADDRESS_BITS) for _ in reads]
    asked = ConcatSignal("0", *reversed([port.valid for port in reads]))    # the zero gives a lone bit an index
    first, served, answers_q = unsigned(count), unsigned(count), unsigned(count)
    tags, asker = Stream(max(1, count.bit_length())), Stream(max(1, count.bit_length()))
    room, accept, answered = bit(), bit(), bit()
    who, address, we, sel = unsigned(len(tags.data)), unsigned(ADDRESS_BITS), bit(), unsigned(config.port_bytes)
    data_q = unsigned(word_bits)
    spare_q, spare_we_q, spare_address_q = bit(), bit(), unsigned(ADDRESS_BITS)
    spare_data_q, spare_sel_q = unsigned(word_bits), unsigned(config.port_bytes)

    u_client = [_client(reads[i], i, addresses[i], served, data_q, answers_q) for i in range(count)]
    u_open = event_queue(clk, rst, tags, asker, OUTSTANDING)

    @always_comb
    def choose():
        taken = bool(0)
        taken = False
        first.next = 0
        for i in range(count):
            if asked[i] and not taken:
                first.next[i] = True
                taken = True
        we.next = not taken

    @always_comb
    def select():
        asker_number = intbv(0)[len(who):]
        place = intbv(0)[ADDRESS_BITS:]
        asker_number[:] = 0
        place[:] = 0
        for i in range(count):
            if first[i]:
                asker_number[:] = asker_number | i
                place[:] = place | addresses[i]
        sel.next = everything
        if we:
            asker_number[:] = asker_number | count
            place[:] = place | write.address
            sel.next = write.sel
        who.next = asker_number
        address.next = place

    @always_comb
    def permit():
        room.next = not spare_q and tags.ready and not halt

    @always_comb
    def serve():
        served.next = 0
        if room:
            served.next = first
        write.ready.next = room and we
        accept.next = room and (not we or write.valid)

    @always_comb
    def remember():
        tags.data.next = who
        tags.valid.next = accept
        asker.ready.next = answered

    @always_comb
    def watch():
        answered.next = asker.valid and (bus.ack or bus.err)
        bus.cyc.next = asker.valid
        quiet.next = not asker.valid

    @always_seq(clk.posedge, reset=rst)
    def issue():
        if not bus.stb or not bus.stall:
            bus.stb.next = spare_q or accept
            spare_q.next = False
            if spare_q:
                bus.we.next = spare_we_q
                bus.adr.next = spare_address_q
                bus.dat_w.next = spare_data_q
                bus.sel.next = spare_sel_q
            else:
                bus.we.next = we
                bus.adr.next = address
                bus.dat_w.next = write.data
                bus.sel.next = sel
        elif accept:
            spare_q.next = True

    @always(clk.posedge)
    def hold():
        # What it holds matters only if it stays: so this need not wait for who is served.
        if not spare_q:
            spare_we_q.next = we
            spare_address_q.next = address
            spare_data_q.next = write.data
            spare_sel_q.next = sel

    @always_seq(clk.posedge, reset=rst)
    def route():
        answers_q.next = 0
        failed.next = answered and bus.err and not halt
        data_q.next = bus.dat_r
        if answered and not halt and asker.data != count:
            answers_q.next = 1 << asker.data

    return u_client, u_open, choose, select, permit, serve, remember, watch, issue, hold, route
