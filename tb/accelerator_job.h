// The job file of tb/accelerator_job.py, the pauses of tb/pauses.py, and what else accelerator_harness.cpp needs.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using i64 = int64_t;
constexpr const char* MAGIC = "CFACC001";

[[noreturn]] void fail(const std::string& sentence) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(2);
}

std::string num(i64 value) { return std::to_string(value); }

// ---- the job file

class File {
    std::FILE* file;

    void read(void* to, size_t length) {
        if (std::fread(to, 1, length, file) != length) fail("the job file is cut short");
    }

public:
    explicit File(const char* path) : file(std::fopen(path, "rb")) {
        char magic[8];
        if (!file) fail(std::string("cannot read ") + path);
        read(magic, 8);
        if (std::memcmp(magic, MAGIC, 8)) fail("the job file is not of version 1");
    }
    File(const File&) = delete;
    ~File() { std::fclose(file); }

    template <class T> std::vector<T> section() {
        uint64_t length = 0;
        char rest[8];
        read(&length, 8);
        std::vector<T> out(length / sizeof(T));
        if (length) read(out.data(), length);
        read(rest, (8 - length % 8) % 8);
        return out;
    }
};

struct Pass { i64 step, fires, first_channel, channels, y0, h, w; };
struct Step { i64 k, h, w, offset; };
struct Patch { i64 address; std::vector<uint8_t> data; };
struct Run { i64 program, length, stop, fault; std::vector<Patch> patches; };

struct Job {
    i64 latency, watchdog, seed, wait, outstanding, outputs = 0;
    std::vector<i64> modes;
    std::vector<uint8_t> memory;
    std::vector<Pass> passes;
    std::vector<Step> steps;
    std::vector<Run> runs;

    explicit Job(File&& file) {
        const auto head = file.section<i64>();
        if (head.size() != 9 || head[0] != PES || head[1] != LANES || head[2] != FIRE_LANES || head[3] != PORT_BYTES)
            fail("the job is for another accelerator than this model");
        latency = head[4], watchdog = head[5], seed = head[6], wait = head[7], outstanding = head[8];
        modes = file.section<i64>();
        memory = file.section<uint8_t>();
        for (auto flat = file.section<i64>(); passes.size() * 7 < flat.size();) {
            const i64* p = &flat[passes.size() * 7];
            passes.push_back({p[0], p[1], p[2], p[3], p[4], p[5], p[6]});
        }
        for (auto flat = file.section<i64>(); steps.size() * 3 < flat.size();) {
            const i64* p = &flat[steps.size() * 3];
            steps.push_back({p[0], p[1], p[2], outputs});
            outputs += p[0] * p[1] * p[2];
        }
        for (auto flat = file.section<i64>(); runs.size() * 5 < flat.size();) {
            const i64* r = &flat[runs.size() * 5];
            runs.push_back({r[0], r[1], r[2], r[3], std::vector<Patch>(static_cast<size_t>(r[4]))});
        }
        for (Run& run : runs)
            for (Patch& patch : run.patches) {
                patch.address = file.section<i64>()[0];
                patch.data = file.section<uint8_t>();
            }
    }
};

// ---- pauses, as in tb/pauses.py

struct Gate {
    int mode = 0;
    uint32_t state = 1;
    i64 cycle = -1, left = 0;
    bool shut = false;

    static uint32_t next(uint32_t s) {
        s ^= s << 13;
        s ^= s >> 17;
        return s ^ (s << 5);
    }
    Gate() = default;
    Gate(i64 mode_, i64 seed, int number) : mode(static_cast<int>(mode_)) {
        const uint32_t s = static_cast<uint32_t>(seed) * 2654435761u + static_cast<uint32_t>(number + 1) * 40503u;
        state = next(s ? s : 1);
    }
    uint32_t draw() { return (state = next(state)) >> 16; }
    bool closed() {
        cycle++;
        switch (mode) {
        case 1: return draw() & 1;
        case 2:
            if (left == 0) {
                shut = !shut;
                left = 1 + (draw() & (shut ? 63 : 15));
            }
            left--;
            return shut;
        case 3: return (cycle & 3) != 3;
        default: return false;
        }
    }
};

// ---- the model's ports and the result file

// Lane `lane` of a port of nine-bit values, however wide Verilator made it.
template <class T> uint32_t nine_bits(const T& value, int lane) {
    if constexpr (std::is_integral_v<T>) {
        return static_cast<uint32_t>(static_cast<uint64_t>(value) >> (9 * lane)) & 511;
    } else {
        const int bit = 9 * lane, word = bit / 32, shift = bit % 32;
        uint64_t pair = value[word];
        if (shift > 23) pair |= static_cast<uint64_t>(value[word + 1]) << 32;
        return static_cast<uint32_t>(pair >> shift) & 511;
    }
}

// A section of a file: its length in bytes, its data, padding to eight bytes.
template <class T> void put(std::FILE* file, const std::vector<T>& data) {
    const uint64_t length = data.size() * sizeof(T);
    const char zeros[8] = {};
    std::fwrite(&length, 8, 1, file);
    if (length) std::fwrite(data.data(), 1, length, file);
    std::fwrite(zeros, 1, (8 - length % 8) % 8, file);
}

}  // namespace
