// The core's requests for weights, and how far their counts and words have been sent.
#pragma once

#include <algorithm>
#include <vector>

#include "harness_common.h"

struct Request {
    i64 ready;                      // cycle from which its counts are available; word k follows k + 1 cycles later
    const uint8_t *counts, *words;
    i64 positions, word_count;
};

// A ring that grows: counts and words are sent in the order of the requests, each at its own pace.
class Requests {
    std::vector<Request> ring = std::vector<Request>(64);

    Request& slot(uint64_t i) { return ring[i & (ring.size() - 1)]; }

public:
    uint64_t asked = 0, counts_head = 0, weights_head = 0;
    i64 counts_at = 0, words_at = 0;        // of the requests at the heads

    void push(const Request& request) {
        const uint64_t first = std::min(counts_head, weights_head);
        if (asked - first == ring.size()) {
            std::vector<Request> larger(ring.size() * 2);
            for (uint64_t i = first; i < asked; i++) larger[i & (larger.size() - 1)] = slot(i);
            ring.swap(larger);
        }
        slot(asked++) = request;
    }

    bool has_count(i64 t) { return counts_head < asked && slot(counts_head).ready <= t; }
    bool has_words(i64 t) { return weights_head < asked && slot(weights_head).ready + words_at + 1 <= t; }
    uint8_t count() { return slot(counts_head).counts[counts_at]; }
    const uint8_t* words() { return slot(weights_head).words + words_at * WEIGHT_BYTES; }
    bool sent() const { return counts_head == asked && weights_head == asked; }

    void count_taken() {
        if (++counts_at == slot(counts_head).positions) counts_at = 0, counts_head++;
    }

    // Requests without words are over at once.
    void skip_sent() {
        while (weights_head < asked && words_at == slot(weights_head).word_count) words_at = 0, weights_head++;
    }
};
