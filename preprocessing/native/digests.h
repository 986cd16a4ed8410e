// Short numbers that stand for texts, and in which of 64 parts each of them waits.

#pragma once

#include <cstdint>
#include <vector>

#include "bytes.h"

namespace batchscore {

constexpr size_t kPartCount = 64;

// Texts that lie one after the other.
struct Texts {
    Span bytes;              // of all
    const int32_t* offsets;  // of each text's first byte, and after the last one; ascending, within the bytes
    size_t count;
};

// Digests in the order of their parts, those of one part in the order of their texts.
struct DealtOut {
    std::vector<uint64_t> digests;
    std::vector<int64_t> bounds;  // where those of each part but the first begin
};

// As `IdDigester.quick` and `dealt_out` (contracts), which say it in words.
DealtOut deal_out(const Texts& texts, uint64_t seed);

}  // namespace batchscore
