// Answers to all tests of one feature at once: from the rank of each value among their thresholds.
//
// A rung of the ladder says of each record whether its rank is at least so high. Every other rung of a ladder whose
// ranks have one bit more is one of the ladder before; and rung 2k + 1 is reached by who reaches rung k + 1 of that
// one, or its rung k with the new bit set. So a rung takes one operation for the whole block, whatever the
// instruction set, where a comparison takes one for each vector of values.

#ifndef BATCHSCORE_FOREST_LADDER_H
#define BATCHSCORE_FOREST_LADDER_H

#include <limits>

#include "aligned.h"
#include "vector_isa.h"

namespace batchscore {
namespace {

template <typename Isa>
class Ladder {
    using Bits = typename Isa::Bits;

  public:
    explicit Ladder(const Forest& forest) : forest_(forest), rungs_(kMaxRankedThresholds + 2) {}

    // Write the answers to the tests of a run; 1 goes right.
    BATCHSCORE_APART void answer(const Run& run, const float* column, Bits* answers) {
        Bits planes[kMaxRankBits];
        rank(run, column, planes);
        climb(run.rank_bits, planes);
        const Test* tests = forest_.tests.data() + run.first_test;
        const uint8_t* ranks = forest_.ranks.data() + run.first_test;
        const Bits missing = ~Isa::not_less_nor_missing(column, -std::numeric_limits<float>::infinity());
        for (size_t at = 0; at < run.test_count; ++at) {
            const Bits reached = rungs_.get()[ranks[at]];
            answers[at] = tests[at].missing == Missing::kLeft ? reached : reached | missing;
        }
    }

  private:
    // The planes of the bits of ranks; a missing value reaches no threshold.
    void rank(const Run& run, const float* column, Bits* planes) const {
        const typename Isa::Thresholds thresholds{forest_.thresholds.data() + run.thresholds, run.rank_bits};
        Bits bytes[8];
        for (size_t word = 0; word < 8; ++word) {
            bytes[word] = Bits{};
            for (uint32_t byte = 0; byte < 4; ++byte) {
                const float* values = column + (8 * byte + word) * Isa::kLanes;
                bytes[word] |= thresholds.ranks(values) << (8 * byte);
            }
        }
        transpose<Bits, 8>(bytes, planes);
    }

    void climb(uint32_t rank_bits, const Bits* planes) {
        Bits* rungs = rungs_.get();
        const size_t top = size_t{1} << rank_bits;
        rungs[0] = ~Bits{};
        rungs[top] = Bits{};
        for (uint32_t bit = rank_bits; bit-- > 0;) {
            const size_t step = size_t{1} << bit;
            for (size_t at = step; at < top; at += 2 * step) {
                rungs[at] = rungs[at + step] | (rungs[at - step] & planes[bit]);
            }
        }
    }

    const Forest& forest_;
    Aligned<Bits> rungs_;
};

}  // namespace
}  // namespace batchscore

#endif
