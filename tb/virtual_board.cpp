// A board's top behind a pseudo-terminal: the Verilator model's UART pins become a serial port that any program can open.
//
//   virtual_board CYCLES_PER_BIT
//
// stdout: "port <path>" once; then "time <cycles simulated>" for each line on stdin. It ends when stdin ends, so it does not
// outlive the program that started it. Nothing is skipped: every cycle of the design is simulated, also while the line is idle.

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int DATA_BITS = 8, FRAME_BITS = 10;
constexpr int64_t BATCH = 1024;         // cycles between looks at the terminal and at stdin
constexpr size_t ROOM = 4096;

[[noreturn]] void fail(const char* sentence) {
    std::fprintf(stderr, "%s\n", sentence);
    std::exit(2);
}

// The master's side of a new pseudo-terminal. The slave's side stays open here, too: a port that nobody has open is idle, not gone.
class Terminal {
    int master;
    uint8_t incoming[ROOM];
    size_t taken = 0, there = 0;
    std::string outgoing;

public:
    Terminal() : master(posix_openpt(O_RDWR | O_NOCTTY)) {
        if (master < 0 || grantpt(master) || unlockpt(master)) fail("no pseudo-terminal can be opened");
        const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
        termios settings;
        if (slave < 0 || tcgetattr(slave, &settings)) fail("the pseudo-terminal cannot be set up");
        cfmakeraw(&settings);
        tcsetattr(slave, TCSANOW, &settings);
        fcntl(master, F_SETFL, O_NONBLOCK);
        std::printf("port %s\n", ptsname(master));
        std::fflush(stdout);
    }

    // Moves bytes to and from the terminal; never waits.
    void exchange() {
        if (taken == there) {
            const ssize_t got = read(master, incoming, ROOM);
            taken = 0;
            there = got > 0 ? static_cast<size_t>(got) : 0;
        }
        if (!outgoing.empty()) {
            const ssize_t put = write(master, outgoing.data(), outgoing.size());
            if (put > 0) outgoing.erase(0, static_cast<size_t>(put));
        }
    }

    int next() { return taken < there ? incoming[taken++] : -1; }
    void send(uint8_t byte) { outgoing.push_back(static_cast<char>(byte)); }
};

// Both directions of an 8N1 line, a cycle at a time.
class Line {
    Terminal& terminal;
    const int period;
    uint32_t shift_in = 0, shift_out = 0;
    int bits_out = 0, left_out = 0, bits_in = 0, left_in = 0;

public:
    Line(Terminal& terminal_, int period_) : terminal(terminal_), period(period_) {}

    // What the board receives in this cycle.
    uint8_t drive() {
        if (bits_out && left_out == 0) {
            shift_out >>= 1;
            bits_out--;
            left_out = period;
        }
        if (!bits_out) {
            const int byte = terminal.next();
            if (byte < 0) return 1;
            shift_out = 1u << (DATA_BITS + 1) | static_cast<uint32_t>(byte) << 1;
            bits_out = FRAME_BITS;
            left_out = period;
        }
        left_out--;
        return shift_out & 1;
    }

    // What the board sends in this cycle: a start bit's edge, then the middle of each bit.
    void observe(bool high) {
        if (!bits_in) {
            if (high) return;
            bits_in = FRAME_BITS;
            left_in = period / 2;
        }
        if (left_in--) return;
        left_in = period - 1;
        shift_in = shift_in >> 1 | (high ? 1u << (FRAME_BITS - 1) : 0);
        if (--bits_in == 0 && high) terminal.send(static_cast<uint8_t>(shift_in >> 1));
    }
};

// Answers what is asked on stdin; false when it has ended.
bool answer(int64_t cycles) {
    pollfd asked{STDIN_FILENO, POLLIN, 0};
    char text[256];
    while (poll(&asked, 1, 0) > 0) {
        const ssize_t got = read(STDIN_FILENO, text, sizeof text);
        if (got <= 0) return false;
        for (ssize_t i = 0; i < got; i++)
            if (text[i] == '\n') std::printf("time %lld\n", static_cast<long long>(cycles));
        std::fflush(stdout);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const int period = argc > 1 ? std::atoi(argv[1]) : 0;
    if (period < 4) fail("usage: virtual_board CYCLES_PER_BIT");
    VerilatedContext context;
    Vtop top{&context};
    Terminal terminal;
    Line line(terminal, period);
    top.rx = 1;
    for (int64_t cycles = 0;;) {
        for (const int64_t end = cycles + BATCH; cycles < end; cycles++) {
            top.rx = line.drive();
            top.clk = 0;
            top.eval();
            line.observe(top.tx);
            top.clk = 1;
            top.eval();
        }
        terminal.exchange();
        if (!answer(cycles)) break;
    }
    top.final();
    return 0;
}
