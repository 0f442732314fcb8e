"""Runs a program pass by pass: header, multiply, the header's other words, fire."""
from myhdl import Signal, always_comb, always_seq, block, intbv

from rtl.compact.pass_header import FIRST_WORDS, LAST_WORD
from rtl.compact.sizes import ADDRESS_BITS, CHANNEL_BITS, PARAMS, word_bits
from rtl.pass_settings import HEADER_WORDS
from rtl.stream import bit, unsigned, wrapping

SWEEP, IDLE, BEGIN, ASK, WAIT, TO_FLAT, ASK_FLAT, FROM_FLAT, MULTIPLY, SKIP, LIMIT, COMPARE, CHECK, FIRE, OVER = range(15)
TO_FLAT_WORDS = LAST_WORD - FIRST_WORDS


class Control:
    """What the supervisor and the counters see of a program."""

    def __init__(self):
        self.over, self.bad_word, self.bad_pass, self.hungry = (bit() for _ in range(4))


@block
def pass_sequencer(clk, rst, config, launch, address, length, settings, complete, program, take_header, take_params,
                   header_start, second,
                   enter, placed, multiplied, fire, fired, param_used, sweeping, sweep, sweep_address, control, state):
    """Header words, then multiply, then (where the pass has outputs) fire, until the pass with the end bit is done.

    launch: pulse; address, length: word address and 32-bit words of the program, held.  settings, complete: of pass_header.
    program: Ask for program words.  take_header, take_params: what the next answer to it is.  header_start: pulse.
    second: the words of the header that come are those for firing.
    enter, fire: pulses, the pass multiplies, fires from the next cycle on.  placed: all its events have their
    places.  multiplied, fired: it is done.
    param_used: pulse, two parameter words are free again.  sweeping: after reset; sweep, sweep_address: clear that sum.
    control: Control.  state: of this machine.
    Parameters are asked for from `fire` on, at most PARAMS - 3 words ahead, since fire reads two some steps after they
    are free.  Reset: sweep, then wait for launch.
    """
    wide, sub_bits, depth = ADDRESS_BITS, word_bits(config), config.acc_depth
    pointer = wide + sub_bits
    ahead_bits = PARAMS.bit_length()
    state_q = Signal(intbv(SWEEP, min=0, max=16))
    sweep_q = wrapping(config.acc_address_bits)
    at_q, end_q, next_q, param_q = (wrapping(pointer) for _ in range(4))
    left_q = wrapping(CHANNEL_BITS + 1)
    rows_q = unsigned(4)
    ahead_q = unsigned(ahead_bits)
    asked, enough, done, asks_q, roomy_q, warm_q, sweeping_q, second_q, last_asked = (bit() for _ in range(9))
    first, amount, moved = unsigned(pointer), wrapping(pointer), wrapping(pointer)
    last_address, pointer_mask = depth - 1, (1 << pointer) - 1

    @always_comb
    def show():
        sweep.next = state_q == SWEEP and sweeping_q
        sweeping.next = state_q == SWEEP
        sweep_address.next = sweep_q
        state.next = state_q
        second.next = second_q
        control.over.next = state_q == OVER
        take_header.next = state_q != FIRE
        take_params.next = state_q == FIRE
        header_start.next = state_q == BEGIN

    @always_comb
    def ask():
        program.valid.next = asks_q
        last_asked.next = asks_q and program.ready and left_q == 1

    @always_comb
    def place():
        asked.next = program.valid and program.ready
        done.next = (state_q == FIRE and fired) or (state_q == CHECK and enough and multiplied and settings.fired == 0)
        control.hungry.next = (state_q == BEGIN and at_q == end_q) or (state_q == CHECK and not enough)
        control.bad_word.next = state_q == WAIT and complete and not settings.magic
        control.bad_pass.next = state_q == WAIT and complete and settings.magic and not settings.possible

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
        if state_q == ASK and second_q and left_q == 1:
            amount.next = 2     # past the word of flatten
        elif state_q == TO_FLAT:
            amount.next = TO_FLAT_WORDS
        elif state_q == FROM_FLAT:
            amount.next = FIRST_WORDS - HEADER_WORDS
        elif state_q == SKIP:
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
        roomy_q.next = ahead_q < PARAMS - 5     # two cycles early, in which others may be asked for
        if asked:
            left_q.next = left_q - 1
        if (asked or state_q == TO_FLAT or state_q == FROM_FLAT
                or (state_q == SKIP and (rows_q != 0 or settings.masked))):
            at_q.next = moved
        if asked and state_q == FIRE and not param_used:
            ahead_q.next = ahead_q + 1
        elif param_used and not (asked and state_q == FIRE):
            ahead_q.next = ahead_q - 2
        elif param_used:
            ahead_q.next = ahead_q - 1
        if state_q == SWEEP:
            # The totals are zero from the third cycle on.
            warm_q.next = True
            sweeping_q.next = warm_q
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
            left_q.next = FIRST_WORDS
            second_q.next = False
            if at_q != end_q:
                state_q.next = ASK
                asks_q.next = True
        elif state_q == ASK:
            rows_q.next = settings.kernel_h
            if last_asked:
                asks_q.next = False
                state_q.next = WAIT
                if second_q:
                    state_q.next = SKIP
        elif state_q == WAIT:
            if complete and settings.magic and settings.possible:
                if second_q:
                    state_q.next = LIMIT
                elif settings.flatten:
                    state_q.next = TO_FLAT
                else:
                    state_q.next = MULTIPLY
                    enter.next = True
        elif state_q == TO_FLAT:
            state_q.next = ASK_FLAT
            asks_q.next = True
        elif state_q == ASK_FLAT:
            if asked:
                asks_q.next = False
                state_q.next = FROM_FLAT
        elif state_q == FROM_FLAT:
            # The word comes before any event: memory answers in order.
            state_q.next = MULTIPLY
            enter.next = True
        elif state_q == MULTIPLY:
            left_q.next = LAST_WORD - FIRST_WORDS
            second_q.next = placed
            if placed:
                state_q.next = ASK
                asks_q.next = True
        elif state_q == SKIP:
            # Past kh times kw offsets, then past the live mask.
            if rows_q != 0:
                rows_q.next = rows_q - 1
            else:
                state_q.next = WAIT
        elif state_q == LIMIT:
            next_q.next = moved
            state_q.next = COMPARE
        elif state_q == COMPARE:
            enough.next = next_q <= end_q
            state_q.next = CHECK
        elif state_q == CHECK:
            # The last sum is in memory before fire reads it.
            ahead_q.next = 0
            if enough and multiplied:
                if settings.fired != 0:
                    state_q.next = FIRE
                    fire.next = True
                    asks_q.next = True
                    left_q.next = settings.fired << 1
                    if settings.keep:
                        at_q.next = param_q
                    else:
                        param_q.next = at_q
        elif state_q == FIRE:
            asks_q.next = roomy_q and left_q != 0 and not last_asked
        if done:
            at_q.next = next_q
            state_q.next = BEGIN
            if settings.last:
                state_q.next = OVER

    return show, ask, place, aim, move, add, step
