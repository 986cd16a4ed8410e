// The evaluation with AVX-512: 512 records at a time, leaves of up to 7 levels in registers.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>
#include <memory>

#include "forest.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

#include "kernel.h"

namespace batchscore {
namespace {

// Where an intrinsic has a form with a mask, it is taken: GCC 12 warns of how it writes the other one.
struct Avx512 : VectorIsa<16> {
    static Bits either(Bits condition, Bits yes, Bits no) {
        return (Bits)_mm512_ternarylogic_epi64((__m512i)condition, (__m512i)yes, (__m512i)no, 0xca);
    }

    static Bits less(const float* column, float threshold) { return compared<_CMP_LT_OQ>(column, threshold); }

    static Bits not_less_nor_missing(const float* column, float threshold) {
        return compared<_CMP_GE_OQ>(column, threshold);
    }

    static Floats gather(const float* leaves, Bits index) {
        return (Floats)_mm512_mask_i32gather_ps(
            _mm512_setzero_ps(), 0xffff, (__m512i)index, leaves, sizeof(float)
        );
    }

    // Up to 16 x 2^3 leaves in registers; instructions that choose among them look at the lowest bits only.
    template <int Depth>
    struct Leaves {
        static constexpr int kRegisters = Depth <= 4 ? 1 : Depth <= 7 ? 1 << (Depth - 4) : 0;

        explicit Leaves(const float* leaves) : leaves_(leaves) {
            if constexpr (Depth < 4) {
                registers_[0] = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1 << (1 << Depth)) - 1), leaves);
            } else {
                for (int at = 0; at < kRegisters; ++at) registers_[at] = _mm512_loadu_ps(leaves + 16 * at);
            }
        }

        Floats at(Bits bits) const {
            const __m512i index = (__m512i)bits;
            if constexpr (Depth <= 4) {
                return (Floats)_mm512_maskz_permutexvar_ps(0xffff, index, registers_[0]);
            } else if constexpr (Depth <= 7) {
                return (Floats)among<kRegisters>(registers_, index);
            } else {
                return gather(leaves_, bits & 0xffu);
            }
        }

      private:
        template <int Count>
        static __m512 among(const __m512* registers, __m512i index) {
            if constexpr (Count == 2) {
                return _mm512_permutex2var_ps(registers[0], index, registers[1]);
            } else {
                const __m512 low = among<Count / 2>(registers, index);
                const __m512 high = among<Count / 2>(registers + Count / 2, index);
                const __mmask16 is_high = _mm512_test_epi32_mask(index, _mm512_set1_epi32(8 * Count));
                return _mm512_mask_blend_ps(is_high, low, high);
            }
        }

        const float* leaves_;
        __m512 registers_[kRegisters ? kRegisters : 1];
    };

  private:
    template <int Predicate>
    static Bits compared(const float* column, float threshold) {
        const __m512 limit = _mm512_set1_ps(threshold);
        __m512i answers = _mm512_setzero_si512();
        for (int group = 0; group < kGroupsOfBlock; ++group) {
            const __m512 values = _mm512_load_ps(column + static_cast<size_t>(group) * kLanes);
            const __m512i bit = _mm512_set1_epi32(static_cast<int>(1u << group));
            answers = _mm512_mask_or_epi32(answers, _mm512_cmp_ps_mask(values, limit, Predicate), answers, bit);
        }
        return (Bits)answers;
    }
};

}  // namespace

void add_forest_avx512(const Forest& forest, const Records& records, float* sums) {
    Kernel<Avx512>(forest).add(records, sums);
}

}  // namespace batchscore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
