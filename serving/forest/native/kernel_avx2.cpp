// The evaluation with AVX2: 256 records at a time.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

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
    static void add_gathered(const float* leaves, Bits index, float* sums) {
        const __m256 found = _mm256_i32gather_ps(leaves, (__m256i)index, sizeof(float));
        _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), found));
    }

    static void add_gathered(const double* leaves, Bits index, double* sums) {
        add_four(leaves, _mm256_castsi256_si128((__m256i)index), sums);
        add_four(leaves, _mm256_extracti128_si256((__m256i)index, 1), sums + 4);
    }

    struct Thresholds {
        const float* thresholds;
        uint32_t bits;

        Bits ranks(const float* values) const {
            const __m256 compared = _mm256_load_ps(values);
            // The form without a mask makes GCC 12 warn of how it writes it.
            const __m256 all = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
            Bits found{};
            for (uint32_t step = 1u << (bits - 1); step != 0; step >>= 1) {
                const float* from = thresholds + step - 1;
                const __m256 there = _mm256_mask_i32gather_ps(all, from, (__m256i)found, all, sizeof(float));
                found += (Bits)_mm256_cmp_ps(compared, there, _CMP_GE_OQ) & step;
            }
            return found;
        }
    };

    template <typename Value, int Planes>
    struct Leaves {
        explicit Leaves(const Value* leaves) : leaves_(leaves) {}
        void add(Bits index, Value* sums) const { add_gathered(leaves_, index & 0xffu, sums); }
        const Value* leaves_;
    };

  private:
    static void add_four(const double* leaves, __m128i index, double* sums) {
        // The form without a mask makes GCC 12 warn of how it writes it.
        const __m256d all = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
        const __m256d found = _mm256_mask_i32gather_pd(_mm256_setzero_pd(), leaves, index, all, sizeof(double));
        _mm256_store_pd(sums, _mm256_add_pd(_mm256_load_pd(sums), found));
    }
};

}  // namespace

void add_forest_avx2(const Forest& forest, const Records& records, void* sums) {
    add_forest<Avx2>(forest, records, sums);
}

void add_forest_avx2(const Forest& forest, const Columns& records, void* sums) {
    add_forest<Avx2>(forest, records, sums);
}

}  // namespace batchscore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
