// The job file of tb/job.py, the pauses of tb/pauses.py, and what else harness.cpp needs besides the core.
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
constexpr int PORTS = 6;
enum Port { CFG, EVENTS_IN, REQUESTS, COUNTS, WEIGHTS, EVENTS_OUT };

[[noreturn]] void fail(const std::string& sentence) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(2);
}

std::string num(i64 value) { return std::to_string(value); }

// ---- the job file

struct File {
    std::vector<uint8_t> bytes;
    size_t at = 8;

    explicit File(const char* path) {
        std::FILE* file = std::fopen(path, "rb");
        if (!file) fail(std::string("cannot read ") + path);
        std::fseek(file, 0, SEEK_END);
        bytes.resize(static_cast<size_t>(std::ftell(file)));
        std::fseek(file, 0, SEEK_SET);
        const size_t got = std::fread(bytes.data(), 1, bytes.size(), file);
        std::fclose(file);
        if (got != bytes.size() || got < 8 || std::memcmp(bytes.data(), "CFJOB001", 8)) fail("the job file is not of version 1");
    }
    template <class T> std::vector<T> section() {
        uint64_t length = 0;
        if (at + 8 > bytes.size()) fail("the job file is cut short");
        std::memcpy(&length, &bytes[at], 8);
        at += 8;
        if (length > bytes.size() - at) fail("the job file is cut short");
        std::vector<T> out(length / sizeof(T));
        if (length) std::memcpy(out.data(), &bytes[at], out.size() * sizeof(T));
        at += (length + 7) / 8 * 8;
        return out;
    }
};

struct WeightImage {
    i64 channels, positions;
    std::vector<uint8_t> counts, words;
    std::vector<i64> start;
    i64 layer = 0;
};

struct Pass { i64 layer, fires, first_channel, channels, positions_fired, weights_id; };
struct Layer { i64 k, h, w, offset; };

struct Job {
    i64 latency, watchdog, seed, externals, ends, number, most_requests, outputs = 0;
    std::vector<i64> modes, offsets;
    std::vector<uint32_t> words, tokens;
    std::vector<Pass> passes;
    std::vector<Layer> layers;
    std::vector<WeightImage> weights;

    explicit Job(File file) {
        const auto head = file.section<i64>();
        if (head.size() != 16 || head[0] != PES || head[2] != FIRE_LANES || head[3] != WEIGHT_BYTES || head[4] != COORD_BITS)
            fail("the job is for another core than this model");
        latency = head[5], watchdog = head[6], seed = head[7], externals = head[8], ends = head[9], number = head[14], most_requests = head[15];
        modes = file.section<i64>();
        words = file.section<uint32_t>();
        for (auto flat = file.section<i64>(); passes.size() * 6 < flat.size();) {
            const i64* p = &flat[passes.size() * 6];
            passes.push_back({p[0], p[1], p[2], p[3], p[4], p[5]});
        }
        for (auto flat = file.section<i64>(); layers.size() * 3 < flat.size();) {
            const i64* p = &flat[layers.size() * 3];
            layers.push_back({p[0], p[1], p[2], outputs});
            outputs += p[0] * p[1] * p[2];
        }
        offsets = file.section<i64>();
        tokens = file.section<uint32_t>();
        for (i64 i = 0; i < head[12]; i++) {
            const auto shape = file.section<i64>();
            WeightImage image{shape[0], shape[1], file.section<uint8_t>(), {}, file.section<i64>(), 0};
            image.words = file.section<uint8_t>();
            image.words.resize(image.words.size() + 8);
            for (const Pass& pass : passes)
                if (pass.fires && pass.weights_id == i) image.layer = pass.layer;
            weights.push_back(std::move(image));
        }
    }
    i64 images() const { return static_cast<i64>(offsets.size()) - 1; }
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
