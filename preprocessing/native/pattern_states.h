// Patterns as finite automata (`preprocessing.pattern_states`).

#pragma once

#include <string>

#include "bytes.h"

namespace batchscore {

// A finite automaton that accepts ASCII texts (`preprocessing.pattern_states`), or nothing: then all are.
struct PatternStates {
    std::string following;  // the next state by state and byte, kBytes for each state; 0 accepts nothing more
    std::string accepting;  // by state, 1 or 0
    static constexpr size_t kBytes = 128;

    bool accepts(Span text) const {
        const auto* const next = reinterpret_cast<const unsigned char*>(following.data());
        size_t state = 1;
        for (size_t index = 0; index < text.size; ++index) {
            const auto byte = static_cast<unsigned char>(text.data[index]);
            if (byte >= kBytes) return false;
            state = next[state * kBytes + byte];
        }
        return accepting[state] != 0;
    }

    // A bit for each of `count` texts that is not accepted.
    //
    // Of one text, each byte waits for the state before it; so eight texts of one size go side by side.
    uint64_t unaccepted(const Span* texts, size_t count) const {
        uint64_t wrong = 0;
        size_t index = 0;
        for (; index + kSideBySide <= count; index += kSideBySide) {
            wrong |= unaccepted_side_by_side(texts + index) << index;
        }
        for (; index < count; ++index) wrong |= uint64_t{!accepts(texts[index])} << index;
        return wrong;
    }

  private:
    static constexpr size_t kSideBySide = 8;

    uint64_t unaccepted_side_by_side(const Span* texts) const {
        uint64_t wrong = 0;
        size_t states[kSideBySide];
        size_t other_sizes = 0;
        for (size_t which = 0; which < kSideBySide; ++which) {
            states[which] = 1;
            other_sizes |= texts[which].size ^ texts[0].size;
        }
        if (other_sizes) {
            for (size_t which = 0; which < kSideBySide; ++which) wrong |= uint64_t{!accepts(texts[which])} << which;
            return wrong;
        }
        const auto* const next = reinterpret_cast<const unsigned char*>(following.data());
        size_t bytes = 0;
        for (size_t at = 0; at < texts[0].size; ++at) {
            for (size_t which = 0; which < kSideBySide; ++which) {
                const size_t byte = static_cast<unsigned char>(texts[which].data[at]);
                bytes |= byte;
                states[which] = next[states[which] * kBytes + byte % kBytes];
            }
        }
        if (bytes >= kBytes) {
            for (size_t which = 0; which < kSideBySide; ++which) wrong |= uint64_t{!accepts(texts[which])} << which;
            return wrong;
        }
        for (size_t which = 0; which < kSideBySide; ++which) wrong |= uint64_t{accepting[states[which]] == 0} << which;
        return wrong;
    }
};

}  // namespace batchscore
