// What the bench of a core counts: a table of figures for each image, and the states in which the PEs were seen.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "harness_common.h"

constexpr int STATES = 8, BEAT = 0;     // of a PE: three bits of pe_state; BEAT: it multiplies

// A row an image: cycles [layers], pass ends [passes], states [layers][STATES], beats [layers][PES], bytes [layers], requests [layers].
class Figures {
    i64 layers, passes;

public:
    i64 row;
    std::vector<i64> values;

    Figures(size_t layers_, size_t passes_, i64 images)
        : layers(static_cast<i64>(layers_)), passes(static_cast<i64>(passes_)), row(passes + layers * (1 + STATES + PES + 2)),
          values(row * images) {}

    i64& cycles(i64 image, i64 layer) { return values[image * row + layer]; }
    i64& pass_end(i64 image, i64 pass) { return values[image * row + layers + pass]; }
    i64& state(i64 image, i64 layer, int state) { return values[image * row + layers + passes + layer * STATES + state]; }
    i64& beats(i64 image, i64 layer, int pe) { return values[image * row + passes + layers * (1 + STATES) + layer * PES + pe]; }
    i64& bytes(i64 image, i64 layer) { return values[image * row + passes + layers * (1 + STATES + PES) + layer]; }
    i64& requests(i64 image, i64 layer) { return values[image * row + passes + layers * (2 + STATES + PES) + layer]; }
};

// How often the PEs were in which states, four PEs at a time: one increment a cycle, told apart when a layer ends.
class PeStates {
    std::array<std::vector<uint32_t>, 2> seen{std::vector<uint32_t>(4096), std::vector<uint32_t>(4096)};

public:
    void see(uint64_t pe_state) {
        seen[0][pe_state & 4095]++;
        if constexpr (PES > 4) seen[1][pe_state >> 12 & 4095]++;
    }

    void clear() {
        for (auto& four : seen) std::fill(four.begin(), four.end(), 0);
    }

    // Calls tell(pe, state, cycles) for all that was seen.
    template <class Tell>
    void each(Tell tell) const {
        for (int first = 0; first < PES; first += 4)
            for (int states = 0; states < 4096; states++)
                if (const uint32_t cycles = seen[first / 4][states])
                    for (int i = 0; i < 4 && first + i < PES; i++) tell(first + i, states >> (3 * i) & 7, cycles);
    }

    i64 beats() const {
        i64 sum = 0;
        each([&](int, int state, uint32_t cycles) { sum += state == BEAT ? cycles : 0; });
        return sum;
    }
};
