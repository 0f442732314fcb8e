// Sends bytes to a UART and writes its outputs of every cycle to a file:  netlist_trace CYCLES_PER_BIT BYTES OUTPUTS
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

int main(int, char** argv) {
    const int period = std::atoi(argv[1]);
    std::FILE* in = std::fopen(argv[2], "rb");
    std::FILE* out = std::fopen(argv[3], "wb");
    if (!in || !out) return 2;
    std::vector<bool> bits(100, true);
    for (int byte; (byte = std::fgetc(in)) != EOF; bits.push_back(true)) {
        bits.push_back(false);
        for (int i = 0; i < 8; i++) bits.push_back(byte >> i & 1);
    }
    bits.resize(bits.size() + 100, true);
    Vtop top;
    for (bool bit : bits)
        for (int i = 0; i < period; i++) {
            top.rx = bit;
            top.clk = 0;
            top.eval();
            top.clk = 1;
            top.eval();
            std::fputc(top.tx | top.led << 1, out);
        }
    return std::fclose(out);
}
