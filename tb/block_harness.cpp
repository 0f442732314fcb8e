// Replays input vectors on the Verilator model of one block and records its outputs, for tb/block_bench.py.
//
//   harness STIMULUS RESPONSE
//
// STIMULUS holds, for each cycle, the words of the port `stimulus`; RESPONSE receives those of the port `response`, sampled
// just before the rising edge of `clk`.

#include <cstdio>
#include <memory>

#include "Vblock_top.h"
#include "verilated.h"

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::FILE* in = std::fopen(argv[1], "rb");
    std::FILE* out = std::fopen(argv[2], "wb");
    if (!in || !out) return 2;
    VerilatedContext context;
    const auto top = std::make_unique<Vblock_top>(&context);
    while (std::fread(top->stimulus.data(), sizeof top->stimulus, 1, in) == 1) {
        top->clk = 0;
        top->eval();
        if (std::fwrite(top->response.data(), sizeof top->response, 1, out) != 1) return 2;
        top->clk = 1;
        top->eval();
    }
    top->final();
    return std::fclose(in) | std::fclose(out);
}
