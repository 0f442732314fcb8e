// The memory of accelerator_harness.cpp: answers in order, `latency` cycles after a request at the earliest, one a cycle.
#pragma once

#include <array>

#include "accelerator_job.h"

namespace {

constexpr uint64_t RING = 256;      // open requests: more than a job may allow
constexpr uint32_t ALL_BYTES = (1u << PORT_BYTES) - 1;

class Memory {
    struct Answer {
        i64 ready;                  // first cycle in which it may be given
        bool error, data_comes;
        uint8_t data[PORT_BYTES];
    };

    const Job& job;
    uint32_t words;
    std::array<Answer, RING> ring{};
    uint64_t accepted = 0, answered = 0, before = 0, fault = 0;
    Gate stall_gate, answer_gate;
    bool stalled = false;

public:
    std::vector<uint8_t> bytes;
    i64 reads = 0, writes = 0;      // accepted since the last `fold`
    const bool pausing;

    explicit Memory(const Job& job_)
        : job(job_), words(static_cast<uint32_t>(job_.memory.size() / PORT_BYTES)), bytes(job_.memory),
          pausing(job_.modes[0] || job_.modes[1]) {}

    uint64_t open() const { return accepted - answered; }
    uint64_t requests() const { return accepted - before; }
    i64 moved() const { return static_cast<i64>(accepted + answered); }

    void begin(const Run& run, int number) {
        for (const Patch& patch : run.patches) std::memcpy(&bytes[patch.address], patch.data.data(), patch.data.size());
        stall_gate = Gate(job.modes[0], job.seed, 2 * number);
        answer_gate = Gate(job.modes[1], job.seed, 2 * number + 1);
        before = accepted;
        fault = run.fault ? accepted + static_cast<uint64_t>(run.fault) : 0;
    }

    // The bus inputs of cycle t.
    template <bool PAUSING, class Top> void drive(Top& top, i64 t) {
        bool late = false, ack = false, err = false;
        if constexpr (PAUSING) {
            stalled = stall_gate.closed();
            late = answer_gate.closed();
            top.bus_stall = stalled;
        }
        if (accepted != answered && !late) {
            const Answer& answer = ring[answered % RING];
            if (answer.ready <= t) {
                err = answer.error;
                ack = !err;
                if (answer.data_comes) std::memcpy(&top.bus_dat_r, answer.data, PORT_BYTES);
                answered++;
            }
        }
        top.bus_ack = ack;
        top.bus_err = err;
    }

    // The bus outputs of cycle t.
    template <bool PAUSING, class Top> void observe(const Top& top, i64 t) {
        if (!top.bus_cyc && (top.bus_stb || accepted != answered)) fail("bus_cyc is low while a memory request is open");
        if (top.bus_stb && !(PAUSING && stalled)) accept(top, t);
    }

    template <class Top> static void idle(Top& top) { top.bus_stall = top.bus_ack = top.bus_err = 0; }

private:
    template <class Top> void accept(const Top& top, i64 t) {
        if (open() >= static_cast<uint64_t>(job.outstanding))
            fail("the accelerator has more than " + num(job.outstanding) + " open memory requests");
        const uint32_t address = top.bus_adr;
        Answer& answer = ring[accepted++ % RING];
        answer.ready = t + job.latency;
        answer.error = address >= words || accepted == fault;
        answer.data_comes = !top.bus_we && !answer.error;
        uint8_t* at = &bytes[answer.error ? 0 : static_cast<size_t>(address) * PORT_BYTES];
        if (!top.bus_we) {
            reads++;
            if (!answer.error) std::memcpy(answer.data, at, PORT_BYTES);
            return;
        }
        writes++;
        if (answer.error) return;
        if (top.bus_sel == ALL_BYTES) {
            std::memcpy(at, &top.bus_dat_w, PORT_BYTES);
            return;
        }
        uint8_t data[PORT_BYTES];
        std::memcpy(data, &top.bus_dat_w, PORT_BYTES);
        for (int i = 0; i < PORT_BYTES; i++)
            if (top.bus_sel >> i & 1) at[i] = data[i];
    }
};

}  // namespace
