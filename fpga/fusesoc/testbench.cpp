// Runs the program of job.h on an accelerator behind a memory of fixed latency, and checks every byte of its output maps.
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "job.h"
#include "verilated.h"

namespace {

static_assert(PORT_BYTES <= 8, "a memory word is one integer of the model");
enum Register : uint32_t { CONTROL, STATUS, PROGRAM_WORD, LENGTH_WORDS, CYCLES };
constexpr uint32_t DONE = 2, ERROR = 4;
constexpr uint64_t GIVE_UP = 10'000'000;

struct Answer {
    uint64_t due, data;
};

struct Bench {
    VerilatedContext context;
    Top top{&context};
    std::vector<uint8_t> memory{MEMORY, MEMORY + sizeof MEMORY};
    std::deque<Answer> open;
    uint64_t now = 0;

    void cycle() {
        const bool answers = !open.empty() && open.front().due <= now;
        top.bus_ack = answers;
        top.bus_dat_r = answers ? open.front().data : 0;
        top.clk = 0;
        top.eval();
        if (answers) open.pop_front();
        if (top.bus_cyc && top.bus_stb) request();
        top.clk = 1;
        top.eval();
        now++;
    }

    void request() {
        uint64_t data = 0;
        const size_t at = size_t{top.bus_adr} * PORT_BYTES;
        for (int i = 0; i < PORT_BYTES && at + i < memory.size(); i++) {
            if (top.bus_we && (top.bus_sel >> i & 1)) memory[at + i] = uint64_t{top.bus_dat_w} >> (8 * i);
            data |= uint64_t{memory[at + i]} << (8 * i);
        }
        open.push_back({now + LATENCY, data});
    }

    uint32_t access(Register word, bool write, uint32_t value = 0) {
        top.regs_cyc = top.regs_stb = 1;
        top.regs_we = write;
        top.regs_adr = word;
        top.regs_dat_w = value;
        cycle();
        const uint32_t answer = top.regs_dat_r;
        top.regs_cyc = top.regs_stb = 0;
        cycle();
        return answer;
    }
};

}  // namespace

int main() {
    const auto bench = std::make_unique<Bench>();
    bench->top.rst = 1;
    for (int i = 0; i < 4; i++) bench->cycle();
    bench->top.rst = 0;
    bench->access(PROGRAM_WORD, true, PROGRAM);
    bench->access(LENGTH_WORDS, true, LENGTH);
    bench->access(CONTROL, true, 1);
    uint32_t status = 0;
    while (!(status & (DONE | ERROR)) && bench->now < GIVE_UP) status = bench->access(STATUS, false);
    if (!(status & DONE) || (status & ERROR)) {
        std::printf("FAILED: status %x after %llu cycles\n", status, static_cast<unsigned long long>(bench->now));
        return 1;
    }
    for (int i = 0; i < CHECKED; i++) {
        if (bench->memory[WHERE[i]] != VALUES[i]) {
            std::printf("FAILED: byte %u is %u, not %u\n", WHERE[i], bench->memory[WHERE[i]], VALUES[i]);
            return 1;
        }
    }
    std::printf("PASSED: %s: %d bytes of the outputs are right, %u cycles\n", TITLE, CHECKED, bench->access(CYCLES, false));
    return 0;
}
