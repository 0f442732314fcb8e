"""Runs a program pass by pass: header, multiply, fire."""
from myhdl import Signal, always_comb, always_seq, block, intbv

from rtl.compact.sizes import CHANNEL_BITS, PARAMS, address_bits, word_bits
from rtl.pass_settings import HEADER_WORDS
from rtl.stream import bit, unsigned, wrapping

SWEEP, IDLE, BEGIN, ASK, WAIT, SKIP, LIMIT, CHECK, MULTIPLY, SETTLE, FIRE, NEXT, OVER = range(13)
SETTLE_CYCLES = 4       # from the last beat to its sum in memory


class Control:
    """What the supervisor and the counters see of a program."""

    def __init__(self):
        self.over, self.bad_word, self.bad_pass, self.hungry = (bit() for _ in range(4))


@block
def pass_sequencer(clk, rst, config, launch, address, length, settings, complete, program, take_header, take_params,
                   header_start,
                   enter, multiplied, fire, fired, param_used, sweeping, sweep, sweep_address, control, state):
    """Header words, then multiply, then (where the pass has outputs) fire, until the pass with the end bit is done.

    launch: pulse; address, length: word address and 32-bit words of the program, held.  settings, complete: of pass_header.
    program: Ask for program words.  take_header, take_params: what the next answer to it is.  header_start: pulse.
    enter, fire: pulses, the pass multiplies, fires from the next cycle on.  multiplied, fired: it is done.
    param_used: pulse, two parameter words are free again.  sweeping: after reset; sweep, sweep_address: clear that sum.
    control: Control.  state: of this machine.
    Parameters are asked for from `fire` on, at most PARAMS - 3 words ahead, since fire reads two some steps after they
    are free.  Reset: sweep, then wait for launch.
    """
    wide, sub_bits, depth = address_bits(config), word_bits(config), config.acc_depth
    pointer = wide + sub_bits
    ahead_bits = PARAMS.bit_length()
    state_q = Signal(intbv(SWEEP, min=0, max=16))
    sweep_q = wrapping(config.acc_address_bits)
    at_q, end_q, next_q, param_q = (wrapping(pointer) for _ in range(4))
    left_q = unsigned(CHANNEL_BITS + 1)
    rows_q, settle_q = unsigned(4), wrapping(3)
    ahead_q = unsigned(ahead_bits)
    asked, enough, sweeping_q = bit(), bit(), bit()
    first, amount, moved = unsigned(pointer), unsigned(CHANNEL_BITS + 1), wrapping(pointer)
    last_address, pointer_mask = depth - 1, (1 << pointer) - 1

    @always_comb
    def show():
        sweep.next = state_q == SWEEP and sweeping_q
        sweeping.next = state_q == SWEEP
        sweep_address.next = sweep_q
        state.next = state_q
        control.over.next = state_q == OVER
        take_header.next = state_q == ASK or state_q == WAIT
        take_params.next = state_q == FIRE
        header_start.next = state_q == BEGIN

    @always_comb
    def ask():
        enough.next = next_q <= end_q
        program.valid.next = state_q == ASK or (state_q == FIRE and left_q != 0 and ahead_q < PARAMS - 3)

    @always_comb
    def place():
        asked.next = program.valid and program.ready
        control.hungry.next = (state_q == BEGIN and at_q == end_q) or (state_q == CHECK and settings.magic and not enough)
        control.bad_word.next = state_q == CHECK and not settings.magic
        control.bad_pass.next = state_q == CHECK and settings.magic and enough and not settings.possible

    if sub_bits:
        @always_comb
        def aim():
            program.address.next = at_q[pointer:sub_bits]
            program.note.next = at_q[sub_bits:]
    else:
        @always_comb
        def aim():
            program.address.next = at_q
            program.note.next = 0

    @always_comb
    def move():
        masks = intbv(0)[CHANNEL_BITS + 1:]
        masks[:] = settings.channels + 31
        amount.next = 1
        if state_q == SKIP:
            amount.next = settings.kernel_w
            if rows_q == 0:
                amount.next = masks[:5]
        elif state_q == LIMIT:
            amount.next = 0
            if not settings.keep:
                amount.next = settings.fired << 1
        first.next = (address << sub_bits) & pointer_mask

    @always_comb
    def add():
        moved.next = at_q + amount

    @always_seq(clk.posedge, reset=rst)
    def step():
        enter.next = False
        fire.next = False
        settle_q.next = settle_q + 1
        if asked:
            left_q.next = left_q - 1
        if asked or (state_q == SKIP and (rows_q != 0 or settings.masked)):
            at_q.next = moved
        if asked and state_q == FIRE and not param_used:
            ahead_q.next = ahead_q + 1
        elif param_used and not (asked and state_q == FIRE):
            ahead_q.next = ahead_q - 2
        elif param_used:
            ahead_q.next = ahead_q - 1
        if state_q == SWEEP:
            # The totals are zero from the second cycle on.
            sweeping_q.next = True
            if sweeping_q:
                sweep_q.next = sweep_q + 1
            if sweep_q == last_address:
                state_q.next = IDLE
        elif state_q == IDLE or state_q == OVER:
            if launch:
                state_q.next = BEGIN
                at_q.next = first
                end_q.next = first + length
        elif state_q == BEGIN:
            left_q.next = HEADER_WORDS
            if at_q != end_q:
                state_q.next = ASK
        elif state_q == ASK:
            if asked and left_q == 1:
                state_q.next = WAIT
        elif state_q == WAIT:
            rows_q.next = settings.kernel_h
            if complete:
                state_q.next = SKIP
        elif state_q == SKIP:
            # Past kh times kw offsets, then past the live mask.
            if rows_q != 0:
                rows_q.next = rows_q - 1
            else:
                state_q.next = LIMIT
        elif state_q == LIMIT:
            next_q.next = moved
            state_q.next = CHECK
        elif state_q == CHECK:
            if settings.magic and settings.possible and enough:
                state_q.next = MULTIPLY
                enter.next = True
        elif state_q == MULTIPLY:
            settle_q.next = 0
            if multiplied:
                state_q.next = SETTLE
        elif state_q == SETTLE:
            if settle_q == SETTLE_CYCLES:
                ahead_q.next = 0
                if settings.fired == 0:
                    state_q.next = NEXT
                else:
                    state_q.next = FIRE
                    fire.next = True
                    left_q.next = settings.fired << 1
                    if settings.keep:
                        at_q.next = param_q
                    else:
                        param_q.next = at_q
        elif state_q == FIRE:
            if fired:
                state_q.next = NEXT
        elif state_q == NEXT:
            at_q.next = next_q
            state_q.next = BEGIN
            if settings.last:
                state_q.next = OVER

    return show, ask, place, aim, move, add, step
