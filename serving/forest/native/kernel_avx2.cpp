// The evaluation with AVX2: 256 records at a time.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>
#include <memory>

#include "forest.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include "kernel.h"

namespace batchscore {
namespace {

struct Avx2 : VectorIsa<8> {
    static Floats gather(const float* leaves, Bits index) {
        return (Floats)_mm256_i32gather_ps(leaves, (__m256i)index, sizeof(float));
    }

    template <int Depth>
    struct Leaves {
        explicit Leaves(const float* leaves) : leaves_(leaves) {}
        Floats at(Bits index) const { return gather(leaves_, index & 0xffu); }
        const float* leaves_;
    };
};

}  // namespace

void add_forest_avx2(const Forest& forest, const Records& records, float* sums) {
    Kernel<Avx2>(forest).add(records, sums);
}

}  // namespace batchscore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
