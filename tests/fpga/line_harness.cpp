// Plays bytes on the rx pin of a board top and writes down those of its tx pin, for tests/fpga/line_bench.py.
//
//   harness SCRIPT RESULT
//
// SCRIPT: records of 8 bytes, little-endian: kind (16 bits), value (16), cycles (32). Kind 0: a byte, after `cycles` of an idle
// line. Kind 1: a byte with a stop bit of 0. Kind 2: the line is low for `cycles`. Kind 3: nothing for `cycles`. Kind 4:
// nothing until the device has been silent for `cycles`. RESULT: records of 8 bytes: byte (32), cycle of its stop bit (32).

#include <cstdint>
#include <cstdio>
#include <memory>

#include "Vtop.h"
#include "verilated.h"

struct Record { uint16_t kind, value; uint32_t cycles; };

static VerilatedContext context;
static std::unique_ptr<Vtop> top;
static std::FILE* result;
static uint32_t now = 0, heard_at = 0;

// The receiver of the device's line: samples in the middle of a bit.
static void listen() {
    static int bits = 0, timer = 0, byte = 0;
    if (bits == 0) {
        if (top->tx) return;
        bits = 10;
        timer = DIVISOR / 2;
        heard_at = now;
    }
    if (timer-- != 0) return;
    timer = DIVISOR - 1;
    if (bits <= 9 && bits >= 2) byte = byte >> 1 | top->tx << 7;
    if (--bits == 0) {
        const uint32_t row[2] = {static_cast<uint32_t>(top->tx ? byte : 256 + byte), now};
        std::fwrite(row, sizeof row, 1, result);
        heard_at = now;
    }
}

static void cycle(int level) {
    top->rx = level;
    top->clk = 0;
    top->eval();
    listen();
    top->clk = 1;
    top->eval();
    ++now;
}

static void hold(int level, uint32_t cycles) {
    while (cycles-- != 0) cycle(level);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::FILE* script = std::fopen(argv[1], "rb");
    result = std::fopen(argv[2], "wb");
    if (!script || !result) return 2;
    top = std::make_unique<Vtop>(&context);
    hold(1, 600);
    Record record;
    while (std::fread(&record, sizeof record, 1, script) == 1) {
        if (record.kind <= 1) {
            hold(1, record.cycles);
            hold(0, DIVISOR);
            for (int i = 0; i < 8; ++i) hold(record.value >> i & 1, DIVISOR);
            hold(record.kind == 0, DIVISOR);
        } else if (record.kind == 2) {
            hold(0, record.cycles);
        } else if (record.kind == 3) {
            hold(1, record.cycles);
        } else {
            const uint32_t from = now;
            while (now - from < record.cycles || now - heard_at < record.cycles) cycle(1);
        }
    }
    top->final();
    return std::fclose(script) | std::fclose(result);
}
