"""The core's latencies, in cycles: the one place to mend when a block's pipeline changes. `a -> b` counts from a to b."""

from rtl.config import LOOKAHEAD, PE_QUEUE
from rtl.event_source import STAGES
from rtl.fire_scan import PREPARE
from rtl.row_count import LATENCY as COUNTING
from rtl.row_walker import ROW_QUEUE

# event source
START_TO_TAKE = 1           # a pass starts -> its first token may be taken
TAKE_TO_EVENT = 4           # token taken -> its event is at the head of the look-ahead queue; -> its request is sent
TAKE_TO_FINISHED = 4        # last token taken -> the source says that it has finished
CROWDED = LOOKAHEAD - STAGES + 1    # events waiting in the look-ahead queue at which the source stops taking tokens
DRAIN_STEP = 2              # cycles per token of a drain pass
DRAIN_OUT = 1               # token taken -> accepted outside

# weight loader
LISTED = 1                  # last count taken -> slot listed
TAKEN = 1                   # last word taken -> counted
LOADED = 1                  # listed and counted -> loaded

# router and PEs
ROUTE = 1                   # event taken by the router -> offered to the PEs
ROOM = PE_QUEUE + COUNTING  # events waiting in front of a PE
QUEUED = 1 + COUNTING       # event handed to a PE -> its row walker may take it
FIRST_PICK = 1              # event taken by the walker -> its first row is looked up
ROWS_AHEAD = ROW_QUEUE      # rows between look-up and beats
PICK_TO_ROW = 5             # row looked up -> at the counter
LAST_BEAT_TO_IDLE = 8       # last beat -> its sum is written
CLAIM_MOVES = 2             # first row of the next channel at the counter -> the PE lets go of the channel before
HOLD_ENDS = 1               # last beat -> the PE holds nothing
FREED = 1                   # nothing needs a slot -> freed
RELEASED = 1                # freed -> the loader may use it again

# fire
START_TO_READ = PREPARE + 1 # fire starts -> first read decided on
READ_TO_PUSH = 18           # read -> token pushed into its bank, without the levels of the adder tree
READ_TO_DONE = 19           # last read -> the pass is done, without the levels of the adder tree
DONE_TO_FREE = 1            # done -> fire may start again
PUSH_TO_HEAD = 4            # token pushed into an empty bank -> at its head
REWIND_TO_HEAD = 4          # a replayed pass starts -> first token at the head of a bank

# sequencer
WORD_TO_READY = 1           # last header or offset word -> the pass may start
START_TO_HEADER = 1         # a pass starts -> the next one's first word is taken


def tree_levels(pes: int) -> int:
    """Return the levels of the tree that adds the PEs' sums: ceil(log2(P))."""
    return (pes - 1).bit_length()
