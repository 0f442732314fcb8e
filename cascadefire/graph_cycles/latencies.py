"""The accelerator's latencies and depths, in cycles: the one place to mend when a pipeline changes. `a -> b` counts from a to b."""

from rtl.band_drain import AHEAD
from rtl.config import DEALT_QUEUE, FIRE_MARGIN, OUTSTANDING, WORDS_AHEAD
from rtl.count_fetch import BANDS_AHEAD as BANDS
from rtl.event_dispatch import IN_FLIGHT
from rtl.event_dispatch import WORDS as DISPATCHED
from rtl.event_fetch import PIECES_AHEAD as PIECES
from rtl.event_locate import STAGES
from rtl.event_writer import SKID
from rtl.flat_row import LATENCY as FLATTEN
from rtl.program_sequencer import SETTLE
from rtl.shell import CHUNK_JOBS_AHEAD
from rtl.weight_fetch import COUNTS_AHEAD as COUNTS_LISTED_AHEAD

# memory port and readers
ANSWER = 6              # request taken by the port -> its word at the reader's end, beside the memory's own latency
TURN = ANSWER + 3       # request -> its place in the reader is free again, likewise, if the word is taken at once
OPEN = 2                # request taken -> its place in the port is free again, likewise
PROGRAM_AHEAD, COUNTS_AHEAD, WEIGHTS_AHEAD, EVENTS_AHEAD = 32, 32, 64, 64   # memory words held or on their way
PLACES = OUTSTANDING    # requests open at once

# program and fetch
LAUNCH = 5              # start -> first program word asked for
SECTION_TO_SECTION = SETTLE + 2     # last word of header, offsets, mask, parameters -> first word of the next of them
WORD_TO_READY = SETTLE + 4          # last word before the parameters -> the pass may be taken
TAKE_TO_COUNT = 8       # pass taken -> first event count asked for
TAKE_TO_WEIGHT_COUNT = 3                    # pass taken -> first weight count asked for
WRITTEN_TO_COUNT = 6    # last word written -> counts that waited for it are asked for
COUNT_TO_EVENT = 6      # a band's count -> its first word asked for
BANDS_AHEAD = BANDS     # bands whose counts are asked for and not looked at yet
BAND_TO_ASKED = 4       # band looked at -> the one that takes its place has its count asked for
FETCH_FREE = 5          # last band -> the next pass may be taken
PIECES_AHEAD = PIECES   # bands between the fetch and unpack
OPENED_TO_COUNT = 0     # band opened by unpack -> the fetch goes on with the next band's count

# unpack, locate
START_TO_UNPACK = 2     # pass starts -> its first memory word is taken
UNPACK_TO_REQUEST = 4   # word taken -> the channel's weights are looked for
UNPACK_TO_DISPATCH = 10
TO_FLATTEN = FLATTEN    # later than these, for events that are flattened
BETWEEN = WORDS_AHEAD + 4    # event words between unpack and dispatch at most; then unpack stands still
ASKED_AHEAD = BETWEEN - 2    # of these, those behind the place where weights are asked for
RESUME = STAGES - 1          # event words that the dispatch takes before unpack goes on, when it has stood still
TAKEN_TO_LEFT = 2       # word taken -> it leaves unpack, if there is room
TAKEN_TO_ROOM = 2       # word taken by the dispatch -> unpack takes the one that has room now
SCAN_TO_LAST = 5        # last band -> unpack has taken the piece that ends the pass
OVER = 12               # last word taken -> unpack and locate are empty

# weights
WALK_TO_JOB = 8         # last count of a channel -> its first word asked for
START_TO_WALK = 3       # pass starts -> counts of the pass before are dropped, then the first channel is looked for
USED_TO_ASKED = 3       # word of counts used -> the one that takes its place is asked for
JOBS_AHEAD = CHUNK_JOBS_AHEAD + 4 + 2   # channels with chunks from the walk to the reader, both included
WALK_TO_LISTED = 5      # last count -> slot listed
LISTED_TO_LOADED = 2    # slot listed -> the dispatch may begin the channel, where no chunks are missing
COUNTS_BEFORE = COUNTS_LISTED_AHEAD + 2     # counts between weight_fetch and loader
WORD_TO_LOADED = 3      # last word -> the dispatch may begin the channel
OPENED_TO_FREED = -2    # first word dispatched -> the last beat of the channel before may be over: its slot was the current one
RELEASE = 7             # last beat over -> the loader may use the channel's slot and chunks

# dispatch, PEs
DISPATCH_TO_BEAT = 12
DISPATCHED_AHEAD = DISPATCHED - IN_FLIGHT + 1   # event words that wait in the dispatch for a PE with room
BEAT_TO_DONE = 10       # end of the last beat -> the pass is done
PE_EVENTS = DEALT_QUEUE + 1.5      # events that a PE holds, its walker's included

# fire and writer
FIRE_TO_READ = 8        # fire starts -> first read
READ_TO_OUTPUT = 17     # read -> its output, without the levels of the adder tree
OUTPUT_TO_DONE = 2
OUTPUTS_LEFT = SKID - FIRE_MARGIN - 3     # outputs in front of the bands at which fire may go on
GO_TO_READ = 2          # fire may go on -> next read
HAND_TO_GO = 5          # last band of a pass handed to the drain -> the next pass's first read
WRITTEN_TO_END = -2     # last word written -> the end, beside the way of an answer
BETWEEN_BANDS = 2       # cycles of the drain without a word, from a band to the next one
WRITES_AHEAD = AHEAD    # words between the drain and the port
HAND_TO_WRITE = 10      # band handed to the drain -> its first word may be written
READ_TO_WRITE = 4       # of these, since the drain read it
DRAIN_TO_WRITTEN = 7    # the drain is done with a band -> its last word is written, if nothing waits
