#include "digests.h"

namespace batchscore {
namespace {

constexpr uint64_t kOdd = 0xD6E8FEB86659FD93u;

// The first bytes of a text, eight at most, those after its end as zero.
uint64_t next_word(Span text, const char* all_end) {
    uint64_t word = 0;
    if (all_end - text.data >= 8) {
        std::memcpy(&word, text.data, 8);
    } else {
        std::memcpy(&word, text.data, static_cast<size_t>(all_end - text.data));
    }
    return text.size >= 8 ? word : word & ((uint64_t{1} << (8 * text.size)) - 1);
}

uint64_t digest(Span text, const char* all_end, uint64_t seed) {
    uint64_t found = (text.size * kOdd) ^ seed;
    while (text.size) {
        found ^= next_word(text, all_end);
        found *= kOdd;
        found ^= found >> 32;
        const size_t taken = text.size < 8 ? text.size : 8;
        text = Span{text.data + taken, text.size - taken};
    }
    for (int round = 0; round < 2; ++round) {
        found ^= found >> 32;
        found *= kOdd;
    }
    return found ^ (found >> 32);
}

size_t part_of(uint64_t digest) { return static_cast<size_t>(digest >> 58); }

}  // namespace

DealtOut deal_out(const Texts& texts, uint64_t seed) {
    std::vector<uint64_t> digests(texts.count);
    size_t ends[kPartCount + 1] = {0};
    for (size_t index = 0; index < texts.count; ++index) {
        const auto start = static_cast<size_t>(texts.offsets[index]);
        const auto end = static_cast<size_t>(texts.offsets[index + 1]);
        digests[index] = digest(Span{texts.bytes.data + start, end - start}, texts.bytes.end(), seed);
        ++ends[part_of(digests[index]) + 1];
    }
    DealtOut dealt{std::vector<uint64_t>(texts.count), {}};
    for (size_t part = 1; part < kPartCount; ++part) {
        ends[part] += ends[part - 1];
        dealt.bounds.push_back(static_cast<int64_t>(ends[part]));
    }
    for (const uint64_t found : digests) dealt.digests[ends[part_of(found)]++] = found;
    return dealt;
}

}  // namespace batchscore
