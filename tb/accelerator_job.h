// The job file of tb/accelerator_job.py, for accelerator_harness.cpp.
#pragma once

#include <utility>

#include "harness_common.h"

namespace {

constexpr const char* MAGIC = "CFACC001";

struct Pass { i64 step, fires, first_channel, channels, y0, h, w; };
struct Step { i64 k, h, w, offset; };
struct Patch { i64 address; std::vector<uint8_t> data; };
struct Run { i64 program, length, stop, fault, wrong; std::vector<Patch> patches; };

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
        for (auto flat = file.section<i64>(); runs.size() * 6 < flat.size();) {
            const i64* r = &flat[runs.size() * 6];
            runs.push_back({r[0], r[1], r[2], r[3], r[4], std::vector<Patch>(static_cast<size_t>(r[5]))});
        }
        for (Run& run : runs)
            for (Patch& patch : run.patches) {
                patch.address = file.section<i64>()[0];
                patch.data = file.section<uint8_t>();
            }
    }
};

}  // namespace
