// Runs a job (tb/job.py) on the Verilator model of a core: no Python in a cycle, no allocation in a cycle.
//
//   harness JOB RESULT [TRACE]
//
// stdout: "P <images done> <cycles simulated>" a few times a second. stderr: one sentence when the run fails (exit code 2).
// The memory model, the pauses and the counting are those of tb/ports.py; tests hold the two to the same cycles.
//
// Defined by the build: PES, FIRE_LANES, WEIGHT_BYTES, COORD_BITS, TRACE_VCD (0 or 1).

#include <algorithm>
#include <chrono>
#include <memory>

#include "Vcore.h"
#include "harness_figures.h"
#include "harness_job.h"
#include "harness_requests.h"
#include "verilated.h"
#if TRACE_VCD
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

namespace {

constexpr int EOC = 9 + 2 * COORD_BITS + 1;
constexpr i64 CHECK = 1 << 14;  // cycles between looks at the clock

class Bench {
    const Job& job;
    VerilatedContext context;
    Vcore top{&context};
#if TRACE_VCD
    Trace trace;
#endif
    std::vector<Gate> gates;
    bool pausing = false;

    i64 t = 0, image = 0, first = -1, cursor = 0;
    bool cfg_valid = false, in_valid = false, counts_valid = false, weights_valid = false;
    bool requests_ready = true, out_ready = true;
    size_t cfg_at = 0;
    i64 tokens_at = 0, tokens_end = 0, externals_left = 0;
    Requests queue;
    size_t pass = 0;
    size_t started = 0;
    i64 layer = 0, layer_start = 0, ends_left = 0, strobes = 0, moved = 0, requests = 0;
    PeStates states;

public:
    Figures figures;
    std::vector<int16_t> outputs;
    std::vector<uint32_t> events;
    std::vector<i64> event_offsets{0};

    Bench(const Job& job_, const char* trace_path) : job(job_), figures(job.layers.size(), job.passes.size(), job.images()) {
        outputs.assign(job.outputs * job.images(), -32768);
        for (const i64 mode : job.modes) pausing |= mode != 0;
#if TRACE_VCD
        context.traceEverOn(true);
        top.trace(&trace, 99);
        trace.open(trace_path);
#else
        if (trace_path) fail("this model was built without tracing");
#endif
        top.rst = 1;
        top.clk = 0;
        top.eval();
        for (int i = 0; i < 4; i++) edge();
        top.rst = 0;
        t = 0;
    }

    i64 cycles() const { return t; }

    void run() {
        using clock = std::chrono::steady_clock;
        auto shown = clock::now();
        i64 look = t + CHECK, watch = t + job.watchdog, before = -1;
        if (job.images()) begin();
        while (image < job.images()) {
            cycle();
            if (t >= look) {
                look = t + CHECK;
                if (clock::now() - shown > std::chrono::milliseconds(200)) {
                    shown = clock::now();
                    std::printf("P %lld %lld\n", static_cast<long long>(image), static_cast<long long>(t));
                    std::fflush(stdout);
                }
            }
            if (t >= watch) {
                watch = t + job.watchdog;
                const i64 now = moved + strobes + states.beats();
                if (now == before) hung();
                before = now;
            }
        }
#if TRACE_VCD
        trace.close();
#endif
        top.final();
    }

private:
    void hung() {
        std::string seen;
        for (int pe = 0; pe < PES; pe++) seen += " " + num(static_cast<uint64_t>(top.tap_pe_state) >> (3 * pe) & 7);
        fail("image " + num(image) + " made no progress for " + num(job.watchdog) + " cycles: " + num(pass) + " of " +
             num(job.passes.size()) + " passes done, " + num(cfg_at) + " of " + num(job.words.size()) +
             " configuration words taken, " + num(tokens_end - tokens_at) + " tokens of an external pass and " +
             num(externals_left) + " more such passes left, " + num(queue.asked) + " requests of which " + num(queue.counts_head) +
             " got their counts and " + num(queue.weights_head) + " their weights, " + num(ends_left) +
             " channel ends of events_out missing, PE states" + seen);
    }

    void begin() {
        cfg_at = 0;
        requests = 0;
        first = -1;
        externals_left = job.externals;
        tokens_at = tokens_end = 0;
        ends_left = job.ends;
        pass = 0;
        started = 0;
        layer = 0;
        next_token();
    }

    // The image's tokens come once for each external pass.
    void next_token() {
        if (tokens_at == tokens_end && externals_left) {
            externals_left--;
            tokens_at = job.offsets[image];
            tokens_end = job.offsets[image + 1];
        }
    }

    void edge() {
        top.clk = 1;
        top.eval();
#if TRACE_VCD
        trace.dump(static_cast<uint64_t>(context.time()));
        context.timeInc(5);
#endif
        top.clk = 0;
        top.eval();
#if TRACE_VCD
        trace.dump(static_cast<uint64_t>(context.time()));
        context.timeInc(5);
#endif
        t++;
    }

    void drive() {
        bool shut[PORTS] = {};
        if (pausing && first < 0) shut[EVENTS_IN] = true;
        else if (pausing)
            for (int i = 0; i < PORTS; i++) shut[i] = gates[i].closed();
        if (!cfg_valid && !shut[CFG] && cfg_at < job.words.size()) {
            cfg_valid = true;
            top.cfg_data = job.words[cfg_at];
        }
        if (!in_valid && !shut[EVENTS_IN] && tokens_at < tokens_end) {
            in_valid = true;
            top.events_in_data = job.tokens[tokens_at];
        }
        if (!counts_valid && !shut[COUNTS] && queue.has_count(t)) {
            counts_valid = true;
            top.counts_data = queue.count();
        }
        if (!weights_valid && !shut[WEIGHTS] && queue.has_words(t)) {
            weights_valid = true;
            static_assert(sizeof(top.weights_data) == WEIGHT_BYTES, "a weight word is a power of two of bytes");
            std::memcpy(&top.weights_data, queue.words(), WEIGHT_BYTES);
        }
        top.cfg_valid = cfg_valid;
        top.events_in_valid = in_valid;
        top.counts_valid = counts_valid;
        top.weights_valid = weights_valid;
        top.requests_ready = requests_ready = !shut[REQUESTS];
        top.events_out_ready = out_ready = !shut[EVENTS_OUT];
    }

    void cycle() {
        drive();
        // The core's outputs are registers: what is read here holds in this cycle, whatever was just driven.
        const bool take_cfg = cfg_valid && top.cfg_ready, take_in = in_valid && top.events_in_ready;
        const bool take_count = counts_valid && top.counts_ready, take_weight = weights_valid && top.weights_ready;
        const bool take_out = out_ready && top.events_out_valid;
        if (take_cfg && first < 0) {
            first = t;
            layer_start = t;
            if (pausing) {      // from here on, so that an image's pauses do not depend on the images before it
                gates.clear();
                for (int i = 0; i < PORTS; i++)
                    gates.emplace_back(job.modes[i], job.seed, i + PORTS * static_cast<int>(job.number + image));
            }
            states.clear();
        }
        states.see(top.tap_pe_state);
        if (top.tap_fire_strobe) fired();
        if (top.requests_valid && requests_ready) accept(top.requests_data);
        if (top.tap_pass_start) start_pass();
        if (top.tap_pass_done) {
            skip_drains();
            if (pass >= job.passes.size()) fail("the core fired more passes than the program has");
            end_pass();
        }
        const uint32_t out = take_out ? static_cast<uint32_t>(top.events_out_data) : 0;
        edge();
        if (take_cfg) cfg_valid = false, cfg_at++, moved++;
        if (take_in) {
            in_valid = false, tokens_at++, moved++;
            next_token();
        }
        if (take_count) {
            counts_valid = false, moved++;
            queue.count_taken();
        }
        if (take_weight) {
            weights_valid = false, moved++, queue.words_at++;
        }
        queue.skip_sent();
        if (take_out) {
            moved++;
            events.push_back(out);
            if (out >> EOC & 1 && --ends_left == 0) finish();
        }
    }

    void accept(uint32_t request) {
        const uint32_t id = request >> 16, channel = request & 0xFFFF;
        moved++;
        if (id >= job.weights.size() || channel >= job.weights[id].channels)
            fail("the core asked for channel " + num(channel) + " of weights " + num(id) + ", which do not exist");
        if (++requests > job.most_requests) fail("the core asked more often than its passes have channels");
        const WeightImage& w = job.weights[id];
        const i64 words = w.start[channel + 1] - w.start[channel];
        cursor = std::max(cursor, t * WEIGHT_BYTES) + w.positions;
        queue.push({(cursor + WEIGHT_BYTES - 1) / WEIGHT_BYTES + job.latency, &w.counts[channel * w.positions],
                    &w.words[w.start[channel] * WEIGHT_BYTES], w.positions, words});
        cursor += words * WEIGHT_BYTES;
        figures.bytes(image, w.layer) += w.positions + words * WEIGHT_BYTES;
        figures.requests(image, w.layer)++;
    }

    void skip_drains() {
        while (pass < job.passes.size() && !job.passes[pass].fires) pass++;
    }

    void fired() {
        skip_drains();
        if (pass >= job.passes.size()) fail("the core fired outputs after its last pass");
        const Pass& p = job.passes[pass];
        const Layer& l = job.layers[p.layer];
        const i64 y = top.tap_fire_y, x = top.tap_fire_x, channel = static_cast<i64>(top.tap_fire_group) * FIRE_LANES;
        if (y >= l.h || x >= l.w) fail("the core fired an output outside layer " + num(p.layer));
        int16_t* out = &outputs[image * job.outputs + l.offset + y * l.w + x];
        const i64 lanes = std::min<i64>(FIRE_LANES, p.channels - channel);
        for (i64 lane = 0; lane < lanes; lane++) {
            const int value = static_cast<int>(nine_bits(top.tap_fire_values, static_cast<int>(lane)));
            out[(p.first_channel + channel + lane) * l.h * l.w] = static_cast<int16_t>(value - ((value & 256) << 1));
        }
        strobes++;
    }

    void end_pass() {
        const Pass& p = job.passes[pass];
        figures.pass_end(image, pass) = t - first + 1;
        pass++;
        skip_drains();
    }

    // A layer's cycles end when the first pass of the next layer enters the front, the last layer's with the image.
    void start_pass() {
        if (started >= job.passes.size()) fail("the core started more passes than the program has");
        const Pass& p = job.passes[started];
        if (started && p.fires && job.passes[started - 1].layer != p.layer) end_layer();
        started++;
    }

    void end_layer() {
        figures.cycles(image, layer) = t + 1 - layer_start;
        layer_start = t + 1;
        states.each([&](int pe, int state, uint32_t cycles) {
            figures.state(image, layer, state) += cycles;
            if (state == BEAT) {
                figures.beats(image, layer, pe) += cycles;
                moved += cycles;        // keeps the watchdog's sum growing
            }
        });
        states.clear();
        layer++;
    }

    // Called after the edge: the image's last cycle was t - 1.
    void finish() {
        t--;
        end_layer();
        for (size_t i = 0; i < job.passes.size(); i++)
            if (!job.passes[i].fires) figures.pass_end(image, i) = t - first + 1;
        t++;
        skip_drains();
        if (pass < job.passes.size() || cfg_at < job.words.size() || tokens_at < tokens_end || externals_left)
            fail("image " + num(image) + " ended early: " + num(job.passes.size() - pass) + " passes not fired, " +
                 num(job.words.size() - cfg_at) + " configuration words and " + num(tokens_end - tokens_at) + " tokens not taken");
        if (!queue.sent())
            fail("image " + num(image) + " ended with weights that the core asked for and did not take");
        event_offsets.push_back(static_cast<i64>(events.size()));
        image++;
        if (image < job.images()) begin();
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) fail("usage: harness JOB RESULT [TRACE]");
    const Job job{File(argv[1], MAGIC)};
    auto bench = std::make_unique<Bench>(job, argc > 3 ? argv[3] : nullptr);
    bench->run();
    std::FILE* file = std::fopen(argv[2], "wb");
    if (!file) fail(std::string("cannot write ") + argv[2]);
    put(file, std::vector<i64>{job.images(), bench->cycles(), bench->figures.row});
    put(file, bench->figures.values);
    put(file, bench->outputs);
    put(file, bench->event_offsets);
    put(file, bench->events);
    if (std::fclose(file)) fail(std::string("cannot write ") + argv[2]);
    std::printf("P %lld %lld\n", static_cast<long long>(job.images()), static_cast<long long>(bench->cycles()));
    return 0;
}
