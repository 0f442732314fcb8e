// Runs a job (tb/accelerator_job.py) on the Verilator model of an accelerator: no Python in a cycle, no allocation in a cycle.
//
//   harness JOB RESULT [TRACE]
//
// stdout: "P <passes started> <cycles simulated>" a few times a second. stderr: one sentence when the run fails (exit code 2).
// The memory, the pauses and the counting are those of tb/accelerator_myhdl.py; tests hold the two to the same cycles.
//
// Defined by the build: PES, LANES, FIRE_LANES, PORT_BYTES, TRACE_VCD (0 or 1).

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "Vaccelerator.h"
#include "accelerator_memory.h"
#include "verilated.h"
#if TRACE_VCD
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

namespace {

constexpr int STATES = 8, REGISTERS = 64, RESET_EDGES = 4;
constexpr i64 CHECK = 1 << 14;      // cycles between looks at the clock
constexpr i64 SETTLE = 4;           // cycles after the start write in which the status may still be the last run's
constexpr i64 NEVER = INT64_MAX;
constexpr size_t FIGURES = 3;       // of a run: cycles, passes started, passes fired
constexpr size_t PASS_FIGURES = 4 + STATES + PES;   // of a pass: start, end, reads, writes, states, beats
enum Register : uint32_t { CONTROL, STATUS, PROGRAM, LENGTH };

using clock_type = std::chrono::steady_clock;

class Bench {
    const Job& job;
    VerilatedContext context;
    Vaccelerator top{&context};
#if TRACE_VCD
    Trace trace;
#endif
    Memory memory;
    i64 t = 0, start = 0, strobes = 0, beats_before = 0;
    size_t started = 0, next_fired = 0, fired_passes = 0;
    std::array<std::vector<uint32_t>, 2> histogram;     // of pe_state, four PEs each
    std::vector<i64> figures;
    std::vector<int16_t> outputs;

public:
    Bench(const Job& job_, const char* trace_path) : job(job_), memory(job_) {
        static_assert(sizeof(top.bus_dat_w) == PORT_BYTES, "a memory word is a power of two of bytes");
        for (auto& half : histogram) half.assign(4096, 0);
#if TRACE_VCD
        context.traceEverOn(true);
        top.trace(&trace, 99);
        trace.open(trace_path);
#else
        if (trace_path) fail("this model was built without tracing");
#endif
        top.rst = 1;
        for (int i = 0; i < RESET_EDGES; i++) low(), high();
        top.rst = 0;
        t = 0;
    }

    i64 cycles() const { return t; }
    size_t passes_started() const { return started; }

    void run(int number, std::FILE* file) {
        const Run& run = job.runs[number];
        const auto begun = clock_type::now();
        memory.begin(run, number);
        figures.assign(FIGURES + job.passes.size() * PASS_FIGURES, 0);
        outputs.assign(job.outputs, -32768);
        started = next_fired = fired_passes = 0;
        skip();
        poke(PROGRAM, static_cast<uint32_t>(run.program));
        poke(LENGTH, static_cast<uint32_t>(run.length));
        drive_registers(false, STATUS, false, 0);
        for (i64 i = 0; i < job.wait; i++) quiet();
        start = t;
        poke(CONTROL, 1);
        if (memory.pausing) loop<true>(run);
        else loop<false>(run);
        figures[0] = t - 1 - start;
        figures[1] = static_cast<i64>(started);
        figures[2] = static_cast<i64>(fired_passes);
        fold();
        high();
        if (memory.open())
            fail("run " + num(number) + " ended with " + num(memory.open()) + " memory requests without an answer");
        const auto registers = peek_all();
        const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - begun);
        put(file, std::vector<i64>{t, static_cast<i64>(spent.count())});
        put(file, figures);
        put(file, registers);
        put(file, outputs);
        put(file, memory.bytes);
    }

    void finish() {
#if TRACE_VCD
        trace.close();
#endif
        top.final();
    }

private:
    // ---- a cycle: inputs change, low() settles everything, outputs are read, high() is the rising edge

    void low() {
        top.clk = 0;
        top.eval();
#if TRACE_VCD
        trace.dump(static_cast<uint64_t>(context.time()));
        context.timeInc(5);
#endif
    }

    void high() {
        top.clk = 1;
        top.eval();
#if TRACE_VCD
        trace.dump(static_cast<uint64_t>(context.time()));
        context.timeInc(5);
#endif
        t++;
    }

    void quiet() {
        Memory::idle(top);
        low();
        if (top.bus_stb) fail("the accelerator asks for memory while nothing runs");
        high();
    }

    void drive_registers(bool strobe, uint32_t address, bool write, uint32_t data) {
        top.regs_cyc = top.regs_stb = strobe;
        top.regs_we = write;
        top.regs_adr = address;
        top.regs_dat_w = data;
    }

    void poke(Register address, uint32_t value) {
        drive_registers(true, address, true, value);
        quiet();
        drive_registers(true, STATUS, false, 0);
    }

    std::vector<uint32_t> peek_all() {
        std::vector<uint32_t> values(REGISTERS);
        Memory::idle(top);
        for (uint32_t i = 0; i <= REGISTERS; i++) {
            drive_registers(i < REGISTERS, i % REGISTERS, false, 0);
            low();
            if (i && !top.regs_ack) fail("the register port did not answer in the next cycle");
            if (i) values[i - 1] = top.regs_dat_r;
            high();
        }
        return values;
    }

    // ---- a run, from the cycle after the start write to the one whose status says that it is over

    template <bool PAUSING> void loop(const Run& run) {
        i64 look = t + CHECK, watch = t + job.watchdog, before = -1, heed = start + SETTLE;
        i64 turn = run.stop ? start + run.stop : NEVER;     // the next cycle in which the register port changes
        auto shown = clock_type::now();
        for (;;) {
            if (t == turn) {
                const bool stop = turn == start + run.stop;
                if (stop) drive_registers(true, CONTROL, true, 2);
                else drive_registers(true, STATUS, false, 0);
                heed = std::max(heed, t + 2);
                turn = stop ? t + 1 : NEVER;
            }
            memory.drive<PAUSING>(top, t);
            low();
            if ((top.regs_dat_r & 6) && !(top.regs_dat_r & 1) && t >= heed && top.regs_ack) return;
            histogram[0][top.tap_pe_state & 4095]++;
            if constexpr (PES > 4) histogram[1][static_cast<uint64_t>(top.tap_pe_state) >> 12 & 4095]++;
            memory.observe<PAUSING>(top, t);
            if (!run.wrong) {
                if (top.tap_fire_strobe) fired();
                if (top.tap_fired_pass_done) fired_pass_done();
                if (top.tap_pass_start) pass_start();
            }
            high();
            if (t >= look) {
                look = t + CHECK;
                if (clock_type::now() - shown > std::chrono::milliseconds(200)) {
                    shown = clock_type::now();
                    std::printf("P %lld %lld\n", static_cast<long long>(started), static_cast<long long>(t));
                    std::fflush(stdout);
                }
            }
            if (t >= watch) {
                watch = t + job.watchdog;
                const i64 now = memory.moved() + strobes + beats_before + beats();
                if (now == before) hung();
                before = now;
            }
        }
    }

    void skip() {
        while (next_fired < job.passes.size() && !job.passes[next_fired].fires) next_fired++;
    }

    void fired() {
        if (next_fired >= job.passes.size()) fail("the accelerator fired outputs after its last pass");
        const Pass& p = job.passes[next_fired];
        const Step& s = job.steps[p.step];
        const i64 y = top.tap_fire_y, x = top.tap_fire_x, channel = static_cast<i64>(top.tap_fire_group) * FIRE_LANES;
        if (y >= p.h || x >= p.w || channel >= p.channels)
            fail("the accelerator fired an output outside pass " + num(next_fired) + ": y " + num(y) + ", x " + num(x) +
                 ", channel " + num(channel));
        int16_t* out = &outputs[s.offset + (p.first_channel + channel) * s.h * s.w + (p.y0 + y) * s.w + x];
        const int lanes = static_cast<int>(std::min<i64>(FIRE_LANES, p.channels - channel));
        for (int lane = 0; lane < lanes; lane++) {
            const int value = static_cast<int>(nine_bits(top.tap_fire_values, lane));
            out[lane * s.h * s.w] = static_cast<int16_t>(value - ((value & 256) << 1));
        }
        strobes++;
    }

    i64* pass_figures(size_t pass) { return &figures[FIGURES + pass * PASS_FIGURES]; }

    void fired_pass_done() {
        if (next_fired >= job.passes.size()) fail("the accelerator fired more passes than the program has");
        pass_figures(next_fired)[1] = t - start;
        fired_passes++;
        next_fired++;
        skip();
    }

    // A pass's share of the cycles ends before the next pass's first one; the first pass's begins with the run.
    void pass_start() {
        if (started >= job.passes.size()) fail("the accelerator started more passes than the program has");
        if (started) fold();
        pass_figures(started)[0] = t + 1 - start;
        started++;
    }

    // Adds what was counted since the last call to the pass that is in the front.
    void fold() {
        if (job.passes.empty()) return;
        i64* share = pass_figures(started ? started - 1 : 0);
        share[2] += std::exchange(memory.reads, 0);
        share[3] += std::exchange(memory.writes, 0);
        for (int half = 0; half < (PES > 4 ? 2 : 1); half++)
            for (int state = 0; state < 4096; state++) {
                const uint32_t count = std::exchange(histogram[half][state], 0);
                for (int i = 0; count && i < 4 && half * 4 + i < PES; i++) {
                    const int what = state >> (3 * i) & 7;
                    share[4 + what] += count;
                    if (what == 0) share[4 + STATES + half * 4 + i] += count, beats_before += count;
                }
            }
    }

    i64 beats() const {
        i64 sum = 0;
        for (int pe = 0; pe < PES; pe++)
            for (int state = 0; state < 4096; state++)
                if ((state >> (3 * (pe & 3)) & 7) == 0) sum += histogram[pe / 4][state];
        return sum;
    }

    void hung() {
        std::string states;
        for (int pe = 0; pe < PES; pe++) states += " " + num(static_cast<uint64_t>(top.tap_pe_state) >> (3 * pe) & 7);
        fail("the accelerator made no progress for " + num(job.watchdog) + " cycles: " + num(started) + " of " +
             num(job.passes.size()) + " passes started, " + num(fired_passes) + " fired, " + num(memory.requests()) + " memory requests of which " +
             num(memory.open()) + " are open, status " + num(top.regs_dat_r) + ", PE states" + states);
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) fail("usage: harness JOB RESULT [TRACE]");
    const Job job{File(argv[1], MAGIC)};
    auto bench = std::make_unique<Bench>(job, argc > 3 ? argv[3] : nullptr);
    std::FILE* file = std::fopen(argv[2], "wb");
    if (!file) fail(std::string("cannot write ") + argv[2]);
    for (size_t number = 0; number < job.runs.size(); number++) bench->run(static_cast<int>(number), file);
    bench->finish();
    if (std::ferror(file) || std::fclose(file)) fail(std::string("cannot write ") + argv[2]);
    std::printf("P %lld %lld\n", static_cast<long long>(bench->passes_started()), static_cast<long long>(bench->cycles()));
    return 0;
}
