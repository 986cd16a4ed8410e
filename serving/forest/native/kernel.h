// The evaluation, written once for vectors of any width; see `docs/adr/0016-forest-evaluator.md`.
//
// A block has 32 records for each lane of a vector: record g * lanes + l is bit g of lane l. So a vector of
// answers to one test holds the whole block, and is made with one comparison for each group g of `lanes`
// records. `Isa` says what differs from one instruction set to another.

#ifndef BATCHSCORE_FOREST_KERNEL_H
#define BATCHSCORE_FOREST_KERNEL_H

#include <cmath>
#include <cstring>

#include "columns.h"
#include "ladder.h"
#include "vector_isa.h"

namespace batchscore {
namespace {

// `Value` is what leaves are added in, float or double.
template <typename Isa, typename Value>
class Kernel {
    using Bits = typename Isa::Bits;
    static constexpr size_t kLanes = Isa::kLanes;
    static constexpr size_t kBlock = kGroupsOfBlock * kLanes;

  public:
    explicit Kernel(const Forest& forest)
        : forest_(forest),
          columns_(forest.feature_count * kBlock),
          sums_(forest.output_count * kBlock),
          answers_(kFirstTest + forest.most_tests),
          ladder_(forest) {
        answers_.get()[kZeros] = Bits{};
        answers_.get()[kOnes] = ~Bits{};
    }

    // `Source` is Records or Columns.
    template <typename Source>
    void add(const Source& records, Value* sums) {
        for (size_t start = 0; start < records.count; start += kBlock) {
            const size_t count = records.count - start < kBlock ? records.count - start : kBlock;
            read_block(records, start, count);
            read_sums(sums + start * forest_.output_count, count);
            for (const Group& group : forest_.groups) {
                answer_tests(group);
                for (size_t at = 0; at < group.tree_count; ++at) add_tree(forest_.trees[group.first_tree + at]);
            }
            write_sums(sums + start * forest_.output_count, count);
        }
    }

  private:
    void read_block(const Records& records, size_t start, size_t count) {
        const char* first = records.data + static_cast<ptrdiff_t>(start) * records.record_stride;
        for (size_t feature = 0; feature < forest_.feature_count; ++feature) {
            const char* from = first + static_cast<ptrdiff_t>(feature) * records.feature_stride;
            float* to = columns_.get() + feature * kBlock;
            if (records.record_stride == sizeof(float)) {
                std::memcpy(to, from, count * sizeof(float));
            } else {
                for (size_t at = 0; at < count; ++at, from += records.record_stride) {
                    std::memcpy(to + at, from, sizeof(float));
                }
            }
            for (size_t at = count; at < kBlock; ++at) to[at] = 0.0f;
        }
    }

    void read_block(const Columns& records, size_t start, size_t count) {
        for (size_t feature = 0; feature < forest_.feature_count; ++feature) {
            float* to = columns_.get() + feature * kBlock;
            read_column(records.columns[feature], start, count, to, records.infinite + start);
            for (size_t at = count; at < kBlock; ++at) to[at] = 0.0f;
        }
    }

    // Where the sum of a record of the block stands.
    static size_t place(size_t record) {
        return record / kLanes * kLanes + Isa::template place<Value>(record % kLanes);
    }

    void read_sums(const Value* sums, size_t count) {
        for (size_t output = 0; output < forest_.output_count; ++output) {
            Value* to = sums_.get() + output * kBlock;
            for (size_t at = 0; at < count; ++at) to[place(at)] = sums[at * forest_.output_count + output];
            for (size_t at = count; at < kBlock; ++at) to[place(at)] = 0;
        }
    }

    void write_sums(Value* sums, size_t count) const {
        for (size_t output = 0; output < forest_.output_count; ++output) {
            const Value* from = sums_.get() + output * kBlock;
            for (size_t at = 0; at < count; ++at) sums[at * forest_.output_count + output] = from[place(at)];
        }
    }

    // One bit for each record: 1 goes right.
    BATCHSCORE_APART void answer_tests(const Group& group) {
        Bits* answers = answers_.get() + kFirstTest;
        for (size_t at = group.first_run; at < group.first_run + group.run_count; ++at) {
            const Run& run = forest_.runs[at];
            const Test* tests = forest_.tests.data() + run.first_test;
            const float* column = columns_.get() + tests->feature * kBlock;
            Bits* own = answers + (run.first_test - group.first_test);
            if (run.rank_bits) {
                ladder_.answer(run, column, own);
                continue;
            }
            for (size_t test = 0; test < run.test_count; ++test) {
                own[test] = tests[test].missing == Missing::kLeft
                                ? Isa::not_less_nor_missing(column, tests[test].threshold)
                                : ~Isa::less(column, tests[test].threshold);
            }
        }
        if (group.has_zeros) answer_for_zeros(group);
    }

    // Send zeros and missing values where tests that set them apart want them.
    BATCHSCORE_APART void answer_for_zeros(const Group& group) {
        const float beyond = std::nextafter(kZeroBound, 1.0f);
        const Test* tests = forest_.tests.data() + group.first_test;
        Bits* answers = answers_.get() + kFirstTest;
        for (size_t at = 0; at < group.test_count; ++at) {
            if (tests[at].missing < Missing::kZeroRight) continue;
            const float* column = columns_.get() + tests[at].feature * kBlock;
            const Bits others = Isa::less(column, -kZeroBound) | Isa::not_less_nor_missing(column, beyond);
            answers[at] = tests[at].missing == Missing::kZeroRight ? answers[at] | ~others : answers[at] & others;
        }
    }

    void add_tree(const Tree& tree) {
        if (tree.step_count) return add_tree_by_steps(tree);
        switch (tree.plane_count) {
            case 0: return add_leaves(tree, nullptr);
            case 1: return add_shallow_tree<1>(tree);
            case 2: return add_shallow_tree<2>(tree);
            case 3: return add_shallow_tree<3>(tree);
            case 4: return add_shallow_tree<4>(tree);
            case 5: return add_shallow_tree<5>(tree);
            case 6: return add_shallow_tree<6>(tree);
            default: return add_deep_tree(tree);
        }
    }

    // One function for each depth: planes stay in registers, and nothing is asked on the way.
    template <int Planes>
    BATCHSCORE_APART void add_shallow_tree(const Tree& tree) {
        Bits planes[Planes];
        choose_levels<Planes>(forest_.nodes.data() + tree.nodes, planes);
        add_near_leaves<Planes>(leaves_of(tree), planes, sums_.get() + tree.output * kBlock);
    }

    BATCHSCORE_APART void add_deep_tree(const Tree& tree) {
        Bits planes[kMaxPlanes];
        const uint16_t* nodes = forest_.nodes.data() + tree.nodes;
        choose_levels<kChunkLevels + 1>(nodes, planes);
        for (int level = kChunkLevels + 1; level < tree.plane_count; ++level) {
            planes[level] = choose_deep(nodes + (size_t{1} << level) - 1, planes, level, tree.chunks[level]);
        }
        add_leaves(tree, planes);
    }

    BATCHSCORE_APART void add_tree_by_steps(const Tree& tree) {
        Bits* answers = answers_.get();
        const Step* step = forest_.steps.data() + tree.first_step;
        for (const Step* end = step + tree.step_count; step != end; ++step) {
            answers[step->to] = Isa::either(answers[step->test], answers[step->right], answers[step->left]);
        }
        add_leaves(tree, answers + kFirstPlane);
    }

    // The planes of the first levels.
    template <int Levels>
    void choose_levels(const uint16_t* nodes, Bits* planes) const {
        if constexpr (Levels > 1) choose_levels<Levels - 1>(nodes, planes);
        planes[Levels - 1] = choose_among<Levels - 1>(nodes + (1 << (Levels - 1)) - 1, planes);
    }

    // The answers of the nodes of a level, each where the ways taken so far lead to it.
    template <int Levels>
    Bits choose_among(const uint16_t* nodes, const Bits* planes) const {
        if constexpr (Levels == 0) {
            return answers_.get()[*nodes];
        } else {
            const Bits left = choose_among<Levels - 1>(nodes, planes + 1);
            const Bits right = choose_among<Levels - 1>(nodes + (1 << (Levels - 1)), planes + 1);
            return Isa::either(planes[0], right, left);
        }
    }

    // As above, passing over halves without a node: deep trees have few nodes on their last levels.
    Bits choose_deep(const uint16_t* nodes, const Bits* planes, int level, uint64_t chunks) const {
        if (level == kChunkLevels) return choose_among<kChunkLevels>(nodes, planes);
        const int half = 1 << (level - 1 - kChunkLevels);
        const uint64_t low = chunks & ((uint64_t{1} << half) - 1), high = chunks >> half;
        const uint16_t* middle = nodes + (size_t{1} << (level - 1));
        if (!high) return choose_deep(nodes, planes + 1, level - 1, low);
        if (!low) return choose_deep(middle, planes + 1, level - 1, high);
        const Bits left = choose_deep(nodes, planes + 1, level - 1, low);
        const Bits right = choose_deep(middle, planes + 1, level - 1, high);
        return Isa::either(planes[0], right, left);
    }

    const Value* leaves_of(const Tree& tree) const {
        if constexpr (sizeof(Value) == sizeof(double)) {
            return forest_.wide_leaves.data() + tree.leaves;
        } else {
            return forest_.leaves.data() + tree.leaves;
        }
    }

    void add_leaves(const Tree& tree, const Bits* planes) {
        const Value* leaves = leaves_of(tree);
        Value* sums = sums_.get() + tree.output * kBlock;
        switch (tree.plane_count) {
            case 0: return add_single_leaf(*leaves, sums);
            case 1: return add_near_leaves<1>(leaves, planes, sums);
            case 2: return add_near_leaves<2>(leaves, planes, sums);
            case 3: return add_near_leaves<3>(leaves, planes, sums);
            case 4: return add_near_leaves<4>(leaves, planes, sums);
            case 5: return add_near_leaves<5>(leaves, planes, sums);
            case 6: return add_near_leaves<6>(leaves, planes, sums);
            case 7: return add_near_leaves<7>(leaves, planes, sums);
            case 8: return add_near_leaves<8>(leaves, planes, sums);
            case 9: return add_far_leaves<9>(leaves, planes, sums);
            case 10: return add_far_leaves<10>(leaves, planes, sums);
            case 11: return add_far_leaves<11>(leaves, planes, sums);
            default: return add_far_leaves<12>(leaves, planes, sums);
        }
    }

    void add_single_leaf(Value leaf, Value* sums) {
        for (size_t at = 0; at < kBlock; ++at) sums[at] += leaf;
    }

    // Up to 8 planes: the index of a leaf is a byte.
    template <int Planes>
    void add_near_leaves(const Value* leaves, const Bits* planes, Value* sums) {
        Bits bytes[8];
        transpose<Bits, Planes>(planes, bytes);
        const typename Isa::template Leaves<Value, Planes> table(leaves);
        for (int byte = 0; byte < 4; ++byte) {
            for (int word = 0; word < 8; ++word) {
                table.add(bytes[word] >> (8 * byte), sums + static_cast<size_t>(8 * byte + word) * kLanes);
            }
        }
    }

    template <int Planes>
    void add_far_leaves(const Value* leaves, const Bits* planes, Value* sums) {
        Bits low[8], high[8];
        transpose<Bits, 8>(planes, low);
        transpose<Bits, Planes - 8>(planes + 8, high);
        for (int byte = 0; byte < 4; ++byte) {
            for (int word = 0; word < 8; ++word) {
                const Bits index = (low[word] >> (8 * byte) & 0xffu) | (high[word] >> (8 * byte) & 0xffu) << 8;
                Isa::add_gathered(leaves, index, sums + static_cast<size_t>(8 * byte + word) * kLanes);
            }
        }
    }

    const Forest& forest_;
    Aligned<float> columns_;
    Aligned<Value> sums_;
    Aligned<Bits> answers_;
    Ladder<Isa> ladder_;
};

// Add the forest with what `Isa` has.
template <typename Isa, typename Source>
void add_forest(const Forest& forest, const Source& records, void* sums) {
    if (forest.is_wide) {
        Kernel<Isa, double>(forest).add(records, static_cast<double*>(sums));
    } else {
        Kernel<Isa, float>(forest).add(records, static_cast<float*>(sums));
    }
}

}  // namespace
}  // namespace batchscore

#endif
