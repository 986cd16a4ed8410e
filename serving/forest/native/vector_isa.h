// What an evaluation needs of an instruction set, in the words that compilers have for vectors of any width.

#ifndef BATCHSCORE_FOREST_VECTOR_ISA_H
#define BATCHSCORE_FOREST_VECTOR_ISA_H

#include <cstring>

#include "forest.h"

namespace batchscore {
namespace {

// Records of a block for each lane of a vector.
constexpr int kGroupsOfBlock = 32;

// GCC takes no size that depends on a template's argument.
template <size_t Lanes>
struct Vectors;
template <>
struct Vectors<4> {
    typedef uint32_t Bits __attribute__((vector_size(16)));
    typedef float Floats __attribute__((vector_size(16)));
    typedef double Doubles __attribute__((vector_size(32)));
};
template <>
struct Vectors<8> {
    typedef uint32_t Bits __attribute__((vector_size(32)));
    typedef float Floats __attribute__((vector_size(32)));
    typedef double Doubles __attribute__((vector_size(64)));
};
template <>
struct Vectors<16> {
    typedef uint32_t Bits __attribute__((vector_size(64)));
    typedef float Floats __attribute__((vector_size(64)));
    typedef double Doubles __attribute__((vector_size(128)));
};

// What vectors of any width can do in the same words; `Lanes` is a power of two.
template <size_t Lanes>
struct VectorIsa {
    static constexpr size_t kLanes = Lanes;
    using Bits = typename Vectors<Lanes>::Bits;
    using Floats = typename Vectors<Lanes>::Floats;
    using Doubles = typename Vectors<Lanes>::Doubles;

    static Floats load(const float* from) {
        Floats values;
        std::memcpy(&values, from, sizeof values);
        return values;
    }

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

    // Of 2^bits - 1 ascending thresholds: how many each value of a vector reaches.
    struct Thresholds {
        const float* thresholds;
        uint32_t bits;

        Bits ranks(const float* values) const {
            Bits found;
            for (size_t lane = 0; lane < Lanes; ++lane) {
                uint32_t rank = 0;
                for (uint32_t step = 1u << (bits - 1); step != 0; step >>= 1) {
                    rank += values[lane] >= thresholds[rank + step - 1] ? step : 0;
                }
                found[lane] = rank;
            }
            return found;
        }
    };

    // The place of a lane's sum among those of a vector.
    template <typename Value>
    static size_t place(size_t lane) {
        return lane;
    }

    static void add_gathered(const float* leaves, Bits index, float* sums) { add<Floats>(leaves, index, sums); }
    static void add_gathered(const double* leaves, Bits index, double* sums) { add<Doubles>(leaves, index, sums); }

    // Adds the leaf that the lowest byte of an index names.
    template <typename Value, int Planes>
    struct Leaves {
        explicit Leaves(const Value* leaves) : leaves_(leaves) {}
        void add(Bits index, Value* sums) const { add_gathered(leaves_, index & 0xffu, sums); }
        const Value* leaves_;
    };

  private:
    template <typename Values, typename Value>
    static void add(const Value* leaves, Bits index, Value* sums) {
        Values values, before;
        for (size_t lane = 0; lane < Lanes; ++lane) values[lane] = leaves[index[lane]];
        std::memcpy(&before, sums, sizeof before);
        values += before;
        std::memcpy(sums, &values, sizeof values);
    }
};

}  // namespace
}  // namespace batchscore

#endif
