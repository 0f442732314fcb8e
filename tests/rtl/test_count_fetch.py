"""count_fetch against the walk written in Python: words asked for, notes of bands, live masks, waiting for earlier passes."""
import random

import pytest

from rtl.config import CoreConfig
from rtl.count_fetch import MaskPort, band_bits, count_fetch
from rtl.memory_bus import Progress, job_stream
from rtl.pass_settings import ADDRESS_BITS, FetchSettings
from rtl.stream import Stream, bit
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink

CONFIG = CoreConfig(pes=2, lanes=8, fire_lanes=2, weight_bytes=8)
BYTES = CONFIG.port_bytes


def walk(counts, channels, bands, map_bands, live):
    """(words asked for, notes of bands) of a pass."""
    words, notes, before = [], [], None
    for channel in range(channels if bands else 0):
        for band in range(bands):
            word, byte = divmod(counts + channel * map_bands + band, BYTES)
            fresh = live[channel] and word != before
            if fresh:
                words.append(word)
            if live[channel]:
                before = word
            closes = band == bands - 1 or not live[channel]
            notes.append((byte, fresh, band == 0, closes, live[channel], False))
            if closes:
                break
    notes.append("end")
    return words, notes


def unpack(note):
    low = BYTES.bit_length() - 1
    new, opens, closes, alive, end = (bool(note >> (low + i) & 1) for i in range(5))
    return "end" if end else (note & (BYTES - 1), new and alive, opens, closes, alive, end)


def fields(counts, channels, bands, map_bands, **more):
    names = dict(counts=counts, channels=channels, bands=bands, map_bands=map_bands, masked=0, before=0, lag=0, progressive=0) | more
    return {"settings_" + name: value for name, value in names.items()}


def fetch(passes, pause="never", seed=1, progress=None):
    """Run passes of (fields, mask words), the next one once the end of one was told; (words, notes) and the trace."""
    jobs, notes = Sink("count_jobs", pause, seed), Sink("bands", pause, seed + 1)

    def script():
        for settings, mask in passes:
            for at, data in enumerate(mask):
                yield {"mask_write": 1, "mask_address": at, "mask_data": data}
            told = len([1 for note in notes.words if unpack(note) == "end"])
            yield {"mask_write": 0, "start": 1, **settings, "progress_passes": 0, "progress_channels": 0}
            yield {"start": 0}
            steps = iter(progress or ())
            while len([1 for note in notes.words if unpack(note) == "end"]) == told:
                yield next(steps, {})
            yield {}

    driver = Script(script())

    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, start=bit(), settings=FetchSettings(), mask=MaskPort(CONFIG),
                    progress=Progress(), count_jobs=job_stream(), bands=Stream(band_bits(CONFIG)))

    trace = run(count_fetch, arguments, ("count_jobs_valid", "count_jobs_data", "bands_valid", "bands_data"), (driver, jobs, notes),
                driver.over, 3, 40_000)
    return [word & (1 << ADDRESS_BITS) - 1 for word in jobs.words], [unpack(note) for note in notes.words], trace


@pytest.mark.parametrize("pause", ["never", "burst"])
def test_every_band_of_every_channel_is_told_and_every_word_asked_for_once(pause):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, passes, words, notes = random.Random(seed), [], [], []
    for channels, bands in ((1, 1), (5, 3), (0, 4), (40, 1), (3, 20)):
        counts, map_bands = rng.randrange(1000), bands + rng.randrange(4)
        passes.append((fields(counts, channels, bands, map_bands), ()))
        more = walk(counts, channels, bands, map_bands, [True] * channels)
        words, notes = words + more[0], notes + more[1]
    got_words, got_notes, _ = fetch(passes, pause, seed)
    assert got_words == words
    assert got_notes == notes


def test_channels_that_are_not_live_are_told_once_and_cost_no_word():
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = random.Random(seed)
    live = [rng.random() < 0.5 for _ in range(70)]
    mask = [sum(live[i] << (i - 32 * word) for i in range(32 * word, min(70, 32 * word + 32))) for word in range(3)]
    got_words, got_notes, _ = fetch([(fields(37, 70, 3, 4, masked=1), mask)], "sometimes", seed)
    assert (got_words, got_notes) == walk(37, 70, 3, 4, live)


def test_a_word_waits_until_the_pass_that_writes_it_is_in_memory():
    """Two firing passes came before, of which one may be open: nothing is asked for before the first is written."""
    steps = [{}] * 40 + [{"progress_passes": 1}]
    words, notes, trace = fetch([(fields(0, 4, 2, 2, before=2, lag=1), ())], progress=steps)
    assert (words, notes) == walk(0, 4, 2, 2, [True] * 4)
    assert trace["count_jobs_valid"].index(True) > 40


def test_a_progressive_pass_reads_a_channel_once_the_channels_of_its_word_are_written():
    channels = 12

    def steps():
        yield from [{}] * 30
        for done in range(channels + BYTES):
            yield {"progress_channels": done}
            yield from [{}] * 9

    words, notes, trace = fetch([(fields(0, channels, 1, 1, before=1, progressive=1), ())], progress=steps())
    assert (words, notes) == walk(0, channels, 1, 1, [True] * channels)
    first, second = (t for t, valid in enumerate(trace["count_jobs_valid"]) if valid and not trace["count_jobs_valid"][t - 1])
    # `reach` of word 0 is channel 7, the last of its bytes; that of word 1 is channel 15.
    assert first > 30 + 8 * 10 and second > 30 + 16 * 10
