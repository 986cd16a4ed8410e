// The evaluation, written once for vectors of any width; see `docs/adr/0016-forest-evaluator.md`.
//
// A block has 32 records for each lane of a vector: record g * lanes + l is bit g of lane l. So a vector of
// answers to one test holds the whole block, and is made with one comparison for each group g of `lanes`
// records. `Isa` says what differs from one instruction set to another.

#ifndef BATCHSCORE_FOREST_KERNEL_H
#define BATCHSCORE_FOREST_KERNEL_H

#include <cstring>
#include <memory>

#include "forest.h"

namespace batchscore {
namespace {

constexpr int kGroupsOfBlock = 32;
constexpr size_t kLineBytes = 64;

// Memory whose start is the start of a cache line.
template <typename Value>
class Aligned {
  public:
    explicit Aligned(size_t count)
        : memory_(new char[count * sizeof(Value) + kLineBytes]),
          start_(reinterpret_cast<Value*>(
              (reinterpret_cast<uintptr_t>(memory_.get()) + kLineBytes - 1) / kLineBytes * kLineBytes
          )) {}
    Value* get() const { return start_; }

  private:
    std::unique_ptr<char[]> memory_;
    Value* start_;
};

template <typename Isa>
class Kernel {
    using Bits = typename Isa::Bits;
    using Floats = typename Isa::Floats;
    static constexpr size_t kLanes = Isa::kLanes;
    static constexpr size_t kBlock = kGroupsOfBlock * kLanes;

  public:
    explicit Kernel(const Forest& forest)
        : forest_(forest),
          columns_(forest.feature_count * kBlock),
          sums_(forest.output_count * kBlock),
          answers_(forest.most_tests + 1) {}

    void add(const Records& records, float* sums) {
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

    void read_sums(const float* sums, size_t count) {
        for (size_t output = 0; output < forest_.output_count; ++output) {
            float* to = sums_.get() + output * kBlock;
            for (size_t at = 0; at < count; ++at) to[at] = sums[at * forest_.output_count + output];
            for (size_t at = count; at < kBlock; ++at) to[at] = 0.0f;
        }
    }

    void write_sums(float* sums, size_t count) const {
        for (size_t output = 0; output < forest_.output_count; ++output) {
            const float* from = sums_.get() + output * kBlock;
            for (size_t at = 0; at < count; ++at) sums[at * forest_.output_count + output] = from[at];
        }
    }

    // One bit for each record: 1 goes right.
    void answer_tests(const Group& group) {
        const Test* tests = forest_.tests.data() + group.first_test;
        Bits* answers = answers_.get();
        for (size_t at = 0; at < group.test_count; ++at) {
            const float* column = columns_.get() + tests[at].feature * kBlock;
            answers[at] = tests[at].is_missing_left ? Isa::not_less_nor_missing(column, tests[at].threshold)
                                                    : ~Isa::less(column, tests[at].threshold);
        }
    }

    void add_tree(const Tree& tree) {
        Bits planes[kMaxDepth];
        const uint16_t* nodes = forest_.nodes.data() + tree.nodes;
        for (int level = 0; level < tree.depth; ++level) {
            planes[level] = choose(nodes + (size_t{1} << level) - 1, planes, level, tree.chunks[level]);
        }
        add_leaves(tree, planes);
    }

    // The answers of the nodes of a level, each where the ways taken so far lead to it.
    Bits choose(const uint16_t* nodes, const Bits* planes, int level, uint64_t chunks) const {
        switch (level) {
            case 0: return choose_among<0>(nodes, planes);
            case 1: return choose_among<1>(nodes, planes);
            case 2: return choose_among<2>(nodes, planes);
            case 3: return choose_among<3>(nodes, planes);
            case 4: return choose_among<4>(nodes, planes);
            case 5: return choose_among<5>(nodes, planes);
            default: return choose_deep(nodes, planes, level, chunks);
        }
    }

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

    void add_leaves(const Tree& tree, const Bits* planes) {
        const float* leaves = forest_.leaves.data() + tree.leaves;
        float* sums = sums_.get() + tree.output * kBlock;
        switch (tree.depth) {
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

    void add_single_leaf(float leaf, float* sums) {
        for (size_t at = 0; at < kBlock; ++at) sums[at] += leaf;
    }

    // Up to 8 levels: the index of a leaf is a byte.
    template <int Depth>
    void add_near_leaves(const float* leaves, const Bits* planes, float* sums) {
        Bits bytes[8];
        transpose<Depth>(planes, bytes);
        const typename Isa::template Leaves<Depth> table(leaves);
        for (int byte = 0; byte < 4; ++byte) {
            for (int word = 0; word < 8; ++word) {
                float* sum = sums + static_cast<size_t>(8 * byte + word) * kLanes;
                Isa::store(sum, Isa::load(sum) + table.at(bytes[word] >> (8 * byte)));
            }
        }
    }

    template <int Depth>
    void add_far_leaves(const float* leaves, const Bits* planes, float* sums) {
        Bits low[8], high[8];
        transpose<8>(planes, low);
        transpose<Depth - 8>(planes + 8, high);
        for (int byte = 0; byte < 4; ++byte) {
            for (int word = 0; word < 8; ++word) {
                float* sum = sums + static_cast<size_t>(8 * byte + word) * kLanes;
                const Bits index = (low[word] >> (8 * byte) & 0xffu) | (high[word] >> (8 * byte) & 0xffu) << 8;
                Isa::store(sum, Isa::load(sum) + Isa::gather(leaves, index));
            }
        }
    }

    // Bit 8j + c of plane b becomes bit b of byte j of word c: 8 x 8 bits in each byte of each lane.
    template <int Planes>
    static void transpose(const Bits* planes, Bits* words) {
        for (int at = 0; at < 8; ++at) words[at] = at < Planes ? planes[at] : Bits{};
        exchange<4>(words, 0x0f0f0f0fu);
        exchange<2>(words, 0x33333333u);
        exchange<1>(words, 0x55555555u);
    }

    template <int Distance>
    static void exchange(Bits* words, uint32_t mask) {
        for (int at = 0; at < 8; ++at) {
            if (at & Distance) continue;
            const Bits differing = (words[at] >> Distance ^ words[at + Distance]) & mask;
            words[at + Distance] ^= differing;
            words[at] ^= differing << Distance;
        }
    }

    const Forest& forest_;
    Aligned<float> columns_;
    Aligned<float> sums_;
    Aligned<Bits> answers_;
};

// GCC takes no size that depends on a template's argument.
template <size_t Lanes>
struct Vectors;
template <>
struct Vectors<4> {
    typedef uint32_t Bits __attribute__((vector_size(16)));
    typedef float Floats __attribute__((vector_size(16)));
};
template <>
struct Vectors<8> {
    typedef uint32_t Bits __attribute__((vector_size(32)));
    typedef float Floats __attribute__((vector_size(32)));
};
template <>
struct Vectors<16> {
    typedef uint32_t Bits __attribute__((vector_size(64)));
    typedef float Floats __attribute__((vector_size(64)));
};

// What vectors of any width can do in the same words; `Lanes` is a power of two.
template <size_t Lanes>
struct VectorIsa {
    static constexpr size_t kLanes = Lanes;
    using Bits = typename Vectors<Lanes>::Bits;
    using Floats = typename Vectors<Lanes>::Floats;

    static Floats load(const float* from) {
        Floats values;
        std::memcpy(&values, from, sizeof values);
        return values;
    }

    static void store(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }

    static Bits either(Bits condition, Bits yes, Bits no) { return no ^ (condition & (yes ^ no)); }

    static Bits less(const float* column, float threshold) {
        Bits answers{};
        for (int group = kGroupsOfBlock - 1; group >= 0; --group) {
            // A comparison that holds is -1.
            answers = answers + answers - (Bits)(load(column + static_cast<size_t>(group) * Lanes) < threshold);
        }
        return answers;
    }

    static Bits not_less_nor_missing(const float* column, float threshold) {
        Bits answers{};
        for (int group = kGroupsOfBlock - 1; group >= 0; --group) {
            answers = answers + answers - (Bits)(load(column + static_cast<size_t>(group) * Lanes) >= threshold);
        }
        return answers;
    }

    static Floats gather(const float* leaves, Bits index) {
        Floats values;
        for (size_t lane = 0; lane < Lanes; ++lane) values[lane] = leaves[index[lane]];
        return values;
    }

    // Looks up by the lowest byte of an index.
    template <int Depth>
    struct Leaves {
        explicit Leaves(const float* leaves) : leaves_(leaves) {}
        Floats at(Bits index) const { return gather(leaves_, index & 0xffu); }
        const float* leaves_;
    };
};

}  // namespace
}  // namespace batchscore

#endif
