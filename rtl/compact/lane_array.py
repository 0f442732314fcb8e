"""The lanes and what tells them what to do: beats, pooling, reading for fire, clearing."""
from myhdl import always_comb, always_seq, block

from rtl.compact.lane_sums import lane_sums
from rtl.compact.sum_lane import scaling_lane, sum_lane
from rtl.config import EVENT_BITS, WEIGHT_BITS
from rtl.hdl import cut, packed
from rtl.stream import bit, signed, unsigned


@block
def lane_array(clk, rst, config, go, answers, pool, emit_valid, emit_address, emit_clear, zero, sweep, sweep_address,
               current, scaling):
    """Beats (an answer with `chunk`): sums[sum] += weights * value in every lane; pool: see pool_scan.Access; reads
    for fire.

    answers: Answers.  pool: Access.  emit_valid, emit_address, emit_clear: a read for fire, two steps later in
    `current`; it is cleared after.
    zero: totals are zero: high two cycles before and while anything is cleared.  sweep, sweep_address: clear a sum;
    none may be on its way.
    go: one step of reads for fire; high while there are beats or pooling.  current: list of signed acc_bits, one a lane.
    scaling: scale_product.Scaling, whose products lanes 0 and 1 make while totals are zero, or None.
    A beat, or read, a cycle; a sum may be read again four cycles after its beat. Reset drops what is on its way.
    """
    bits, lanes = config.acc_address_bits, config.lanes
    read_address, value = unsigned(bits), signed(EVENT_BITS)
    write_1, write_2, write_3, write_4, write = (bit() for _ in range(5))
    target_1, target_2, target_3, target_4, target = (unsigned(bits) for _ in range(5))
    keep_2, keep_3, freeze_2, freeze_3, zero_1, zero_2 = (bit() for _ in range(6))
    weights = [signed(WEIGHT_BITS) for _ in range(lanes)]
    found = [signed(config.acc_bits) for _ in range(lanes)]
    kept = [signed(config.acc_bits) for _ in range(lanes)]
    all_found, all_kept = unsigned(lanes * config.acc_bits), unsigned(lanes * config.acc_bits)
    kept_word, sum_bits = packed(kept), config.acc_bits

    # Side by side, since all lanes read and write at the same address: 24 bits alone would leave parts of block RAMs unused.
    u_sums = lane_sums(clk, go, write, target, all_kept, read_address, all_found, config.acc_depth, config.family)
    u_weights = [cut(answers.data, weights[i], WEIGHT_BITS * i + WEIGHT_BITS, WEIGHT_BITS * i) for i in range(lanes)]
    u_found = [cut(all_found, found[i], sum_bits * i + sum_bits, sum_bits * i) for i in range(lanes)]
    shared = 2 if scaling else 0
    u_lanes = [sum_lane(clk, config, go, weights[i], value, found[i], keep_3, freeze_3, zero_1, zero_2, current[i], kept[i])
               for i in range(shared, lanes)]
    if scaling:
        u_lanes += [scaling_lane(clk, config, go, weights[i], value, found[i], keep_3, freeze_3, zero_2, zero_2, a,
                                 scaling.factor, addend, current[i], kept[i], total)
                    for i, a, addend, total in ((0, scaling.low, scaling.nothing, scaling.low_total),
                                                (1, scaling.high, scaling.addend, scaling.high_total))]

    @always_comb
    def collect():
        all_kept.next = kept_word

    @always_comb
    def choose():
        read_address.next = answers.sum
        target_1.next = answers.sum
        write_1.next = answers.chunk
        value.next = answers.value
        if pool.valid:
            read_address.next = pool.address
            target_1.next = pool.target
            write_1.next = pool.write
            value.next = 0
        elif emit_valid:
            read_address.next = emit_address
            target_1.next = emit_address
            write_1.next = emit_clear

    @always_comb
    def clear():
        write.next = write_4 or sweep
        target.next = target_4
        if sweep:
            target.next = sweep_address

    @always_seq(clk.posedge, reset=rst)
    def follow():
        zero_1.next = zero
        zero_2.next = zero_1
        if go:
            write_2.next = write_1
            write_3.next = write_2
            write_4.next = write_3
            target_2.next = target_1
            target_3.next = target_2
            target_4.next = target_3
            keep_2.next = pool.valid and pool.keep
            keep_3.next = keep_2
            freeze_2.next = pool.valid and pool.freeze
            freeze_3.next = freeze_2

    return u_sums, u_weights, u_found, u_lanes, collect, choose, clear, follow
