"""spram against a list, its simulation text, and Yosys' model of SB_SPRAM256KA, cycle for cycle."""
import numpy as np
import pytest
from myhdl import always, always_comb, block

from rtl.primitives.spram import DEPTH, spram
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models, yosys_model


def rows(seed):
    """Random accesses to 40 addresses."""
    print("seed", seed)
    rng = np.random.default_rng(seed)
    places = [0, 1, DEPTH - 1, *(int(a) for a in rng.integers(0, DEPTH, 37))]
    made = [{"enable": 1, "write": 3, "address": at, "write_data": int(rng.integers(1 << 16))} for at in places]
    for _ in range(800):
        made.append({"enable": int(rng.random() < .8), "write": int(rng.choice([0, 0, 1, 2, 3])),
                     "address": int(rng.choice(places)), "write_data": int(rng.integers(1 << 16))})
    return made


def arguments():
    return dict(clk=bit(), enable=bit(), write=unsigned(2), address=unsigned(14), write_data=unsigned(16), read_data=unsigned(16))


def test_reads_give_what_was_written_byte_by_byte():
    table = Table(rows(5))
    trace = run(spram, arguments, ("read_data",), (table,), table.over, linger=1)
    words, held, expected = {}, 0, []
    for enable, write, at, data in zip(*(trace[n] for n in ("enable", "write", "address", "write_data"))):
        expected.append(held)
        if enable and not write:
            held = words.get(at, 0)
        elif enable:
            mask = (write & 1) * 0x00FF | (write >> 1) * 0xFF00
            words[at] = words.get(at, 0) & ~mask | data & mask
    assert trace["read_data"] == expected


@block
def masked(clk, enable, write, address, write_data, shown):
    """An spram whose output is zero unless the last access was a read."""
    read_data, read_q = unsigned(16), bit()
    u_spram = spram(clk, enable, write, address, write_data, read_data)

    @always(clk.posedge)
    def remember():
        if enable:
            read_q.next = write == 0

    @always_comb
    def show():
        if read_q:
            shown.next = read_data
        else:
            shown.next = 0

    return u_spram, remember, show


def masked_arguments():
    ports = arguments()
    ports["shown"] = ports.pop("read_data")
    return ports


def test_the_device_text_is_the_model_in_every_cycle_after_a_read(monkeypatch, tmp_path):
    """After a write the device's output is unknown, so it is looked at after reads only."""
    pytest.importorskip("pyosys")
    use_models(monkeypatch, yosys_model(tmp_path, "ice40/cells_sim.v", "SB_SPRAM256KA"))
    table = Table(rows(6))
    run(masked, masked_arguments, ("shown",), (table,), table.over, linger=1)
