"""lane_array against lists of sums: beats, pooling, reads for fire at any pace, clearing, and the multipliers that lanes lend."""
from collections import deque

import numpy as np
import pytest

from rtl.compact.lane_array import lane_array
from rtl.compact.memory_master import Answers
from rtl.compact.pool_scan import Access
from rtl.compact.scale_product import Scaling
from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

DEPTH, USED = 64, 56        # sums; those that are written: what is read while nothing is asked for may not be on its way
AGAIN = 4       # cycles from a beat to the next read of its sum
DRAIN = 6       # cycles after which nothing is on its way


class Lanes:
    """The sums of all lanes, and the inputs that work on them."""

    def __init__(self, config, rng, lent):
        self.config, self.rng, self.lent = config, rng, lent
        self.sums, self.total = np.zeros((DEPTH, config.lanes), int), np.zeros(config.lanes, int)
        self.products = deque([None] * 3)

    def idle(self, **changes):
        """Inputs of a cycle in which nothing is asked for, whatever the data are."""
        rng, lanes = self.rng, self.config.lanes
        noise = {"answers_data": int.from_bytes(rng.bytes(lanes), "little"), "answers_value": int(rng.integers(-256, 256)),
                 "answers_sum": int(rng.integers(USED, DEPTH)), "pool_address": int(rng.integers(DEPTH)),
                 "emit_address": int(rng.integers(DEPTH)), "sweep_address": int(rng.integers(DEPTH))}
        if self.lent:
            noise.update({f"scaling_{name}": int(rng.integers(-top, top)) for name, top in (
                ("low", 1 << 15), ("high", 1 << 15), ("factor", 1 << 15), ("addend", 1 << 30), ("nothing", 1 << 30))})
        asks = dict.fromkeys(("answers_chunk", "pool_valid", "emit_valid", "sweep", "zero"), 0)
        return {**noise, **asks, "go": 1, **changes}

    def drain(self, **held):
        for _ in range(DRAIN):
            yield self.idle(**held)

    def beats(self, number):
        """Chunks times values, to sums that were not touched lately."""
        recent = deque([None] * (AGAIN - 1), AGAIN - 1)
        for _ in range(number):
            at = int(self.rng.integers(12))
            if at in recent or self.rng.random() < 0.2:
                recent.append(None)
                yield self.idle()
                continue
            recent.append(at)
            weights, value = self.rng.integers(-128, 128, self.config.lanes), int(self.rng.integers(-256, 256))
            self.sums[at] += weights * value
            yield self.idle(answers_chunk=1, answers_sum=at, answers_value=value,
                            answers_data=int.from_bytes(weights.astype(np.int8).tobytes(), "little"))

    def pooling(self, windows):
        """Maxima of some of the first sums, put behind them; some reads are of places that do not count."""
        for target in range(16, 16 + windows):
            size = int(self.rng.integers(1, 10))
            for number in range(size):
                at, freeze, last = int(self.rng.integers(12)), int(number and self.rng.random() < 0.3), number == size - 1
                if not freeze:
                    self.total = np.maximum(self.total, self.sums[at]) if number else self.sums[at].copy()
                yield self.idle(pool_valid=1, pool_address=at, pool_keep=int(number > 0), pool_freeze=freeze,
                                pool_write=int(last), pool_target=target)
            self.sums[target] = self.total
            if self.rng.random() < 0.3:
                yield self.idle()

    def emit(self, addresses, pace):
        """Reads for fire, of which some clear their sum; what comes is compared two steps later."""
        due = deque([None, None])
        yield from self.drain(zero=1)
        for number, at in enumerate([*addresses, None, None]):
            inputs = self.idle(zero=1, go=0)
            clear = at is not None and at not in addresses[number + 1:] and self.rng.random() < 0.7
            if at is not None:
                inputs.update(emit_valid=1, emit_address=at, emit_clear=int(clear))
            while self.rng.random() > pace:
                yield inputs
            seen = yield {**inputs, "go": 1}
            want = due.popleft()
            if want is not None:
                assert [seen[f"current_{lane}"] for lane in range(self.config.lanes)] == want.tolist()
            if self.lent:
                self.check_products(inputs, seen)
            due.append(None if at is None else self.sums[at].copy())
            if clear:
                self.sums[at] = 0
        self.products = deque([None] * 3)
        yield from self.drain(zero=1)

    def check_products(self, inputs, seen):
        """total(t + 3) = addend(t + 2) + a(t) * b(t), in steps."""
        if self.products[0] is not None and self.products[2] is not None:
            for name, addend in (("low", "nothing"), ("high", "addend")):
                now, then = self.products[2], self.products[0]
                total = now["scaling_" + addend] + then["scaling_" + name] * then["scaling_factor"]
                assert seen[f"scaling_{name}_total"] == total
        self.products.popleft()
        self.products.append(inputs)

    def sweep(self, addresses):
        for at in addresses:
            self.sums[at] = 0
            yield self.idle(zero=1, sweep=1, sweep_address=at)


@pytest.mark.parametrize("lanes, family, lent", [(8, "generic", False), (4, "ecp5", False), (4, "up5k", False),
                                                 (8, "up5k", True)])
def test_sums_are_those_of_the_lists(lanes, family, lent):
    print("seed 22")
    config = CoreConfig(pes=1, lanes=lanes, fire_lanes=1, weight_bytes=lanes, compact=True, acc_depth=DEPTH, family=family)
    rng = np.random.default_rng(22)
    model = Lanes(config, rng, lent)

    def script():
        for pooled in (0, 1, 1):
            for steps in (model.beats(300), model.drain(), model.pooling(20 * pooled), model.drain(),
                          model.emit([int(at) for at in rng.integers(12 + 24 * pooled, size=80)], 0.7),
                          model.emit(list(range(USED)), 1), model.sweep(range(0, USED, 1 + pooled)), model.drain()):
                yield from steps
        yield from model.emit(list(range(USED)), 0.5)

    part = Script(script())
    outputs = ("current", *(("scaling_low_total", "scaling_high_total") if lent else ()))
    run(lane_array, lambda: dict(clk=bit(), rst=reset(), config=config, go=bit(), answers=Answers(config), pool=Access(config),
                                 emit_valid=bit(), emit_address=unsigned(6), emit_clear=bit(), zero=bit(), sweep=bit(),
                                 sweep_address=unsigned(6), current=[signed(config.acc_bits) for _ in range(lanes)],
                                 scaling=Scaling() if lent else None),
        outputs, (part,), part.over)
