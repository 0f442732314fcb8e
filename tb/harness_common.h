// What both harnesses need: sentences for the user, the sections of job and result files, the pauses of tb/pauses.py.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using i64 = int64_t;

[[noreturn]] void fail(const std::string& sentence) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(2);
}

std::string num(i64 value) { return std::to_string(value); }

// ---- job and result files

// Reads sections: 64-bit length in bytes, data, padding to eight bytes.
class File {
    std::FILE* file;

    void read(void* to, size_t length) {
        if (std::fread(to, 1, length, file) != length) fail("the job file is cut short");
    }

public:
    File(const char* path, const char* magic) : file(std::fopen(path, "rb")) {
        char found[8];
        if (!file) fail(std::string("cannot read ") + path);
        read(found, 8);
        if (std::memcmp(found, magic, 8)) fail("the job file is not of version 1");
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
