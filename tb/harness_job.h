// The job file of tb/job.py, for harness.cpp.
#pragma once

#include <utility>

#include "harness_common.h"

namespace {

constexpr const char* MAGIC = "CFJOB001";
constexpr int PORTS = 6;
enum Port { CFG, EVENTS_IN, REQUESTS, COUNTS, WEIGHTS, EVENTS_OUT };

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

    explicit Job(File&& file) {
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

}  // namespace
