// The evaluation with AVX-512: 512 records at a time, leaves of up to 7 levels in registers.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

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

    // The first four bits of a rank are found among 16 thresholds in a register, the others in memory.
    struct Thresholds {
        Thresholds(const float* thresholds, uint32_t bits) : all_(thresholds), far_bits_(bits > 4 ? bits - 4 : 0) {
            // Of all that a far part of ranks has, the last one; what follows the largest rank is never asked for.
            const __m512i parts = _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0);
            const __m512i places = _mm512_sub_epi32(
                _mm512_maskz_sll_epi32(0x7fff, parts, _mm_cvtsi32_si128(static_cast<int>(far_bits_))),
                _mm512_maskz_set1_epi32(0x7fff, 1)
            );
            near_ = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), near_mask(bits), places, all_, sizeof(float));
            near_step_ = 1u << ((bits < 4 ? bits : 4) - 1);
        }

        Bits ranks(const float* values) const {
            const __m512 compared = _mm512_load_ps(values);
            __m512i found = _mm512_setzero_si512();
            for (uint32_t step = near_step_; step != 0; step >>= 1) {
                const __m512i place = _mm512_add_epi32(found, _mm512_set1_epi32(static_cast<int>(step - 1)));
                found = climbed(compared, _mm512_maskz_permutexvar_ps(0xffff, place, near_), found, step);
            }
            found = _mm512_maskz_sll_epi32(0xffff, found, _mm_cvtsi32_si128(static_cast<int>(far_bits_)));
            for (uint32_t step = far_bits_ ? 1u << (far_bits_ - 1) : 0; step != 0; step >>= 1) {
                found = climbed(compared, gather(all_ + step - 1, found), found, step);
            }
            return (Bits)found;
        }

      private:
        static __mmask16 near_mask(uint32_t bits) {
            return static_cast<__mmask16>(bits < 4 ? (1u << ((1u << bits) - 1)) - 1 : 0x7fff);
        }

        static __m512i climbed(__m512 values, __m512 thresholds, __m512i found, uint32_t step) {
            const __mmask16 reaches = _mm512_cmp_ps_mask(values, thresholds, _CMP_GE_OQ);
            return _mm512_mask_add_epi32(found, reaches, found, _mm512_set1_epi32(static_cast<int>(step)));
        }

        const float* all_;
        uint32_t far_bits_, near_step_;
        __m512 near_;
    };

    // Sums of float64 stand as halves of leaves are put together: in each 128 bits two of low, then two of high.
    template <typename Value>
    static size_t place(size_t lane) {
        if (sizeof(Value) == sizeof(float)) return lane;
        return lane / 4 * 2 + lane % 2 + (lane & 2 ? 8 : 0);
    }

    static void add_gathered(const float* leaves, Bits index, float* sums) {
        add(sums, gather(leaves, (__m512i)index));
    }

    static void add_gathered(const double* leaves, Bits index, double* sums) {
        const float* halves = reinterpret_cast<const float*>(leaves);
        const __m512i low = (__m512i)(index << 1), high = (__m512i)(index << 1 | 1u);
        add(sums, gather(halves, low), gather(halves, high));
    }

    // Up to 16 x 2^3 numbers in registers; instructions that choose among them look at the lowest bits only.
    template <int Planes>
    struct Table {
        static constexpr int kRegisters = Planes <= 4 ? 1 : 1 << (Planes - 4);
        __m512 registers[kRegisters];

        __m512 at(__m512i index) const {
            if constexpr (kRegisters == 1) {
                return _mm512_maskz_permutexvar_ps(0xffff, index, registers[0]);
            } else {
                return among<kRegisters>(registers, index);
            }
        }

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
    };

    template <typename Value, int Planes, bool IsNear = (Planes <= (sizeof(Value) == sizeof(float) ? 7 : 6))>
    struct Leaves {
        explicit Leaves(const Value* leaves) : leaves_(leaves) {}
        void add(Bits index, Value* sums) const { add_gathered(leaves_, index & 0xffu, sums); }
        const Value* leaves_;
    };

    template <int Planes>
    struct Leaves<float, Planes, true> {
        explicit Leaves(const float* leaves) {
            for (int at = 0; at < Table<Planes>::kRegisters; ++at) {
                table_.registers[at] = load_some(leaves + 16 * at, (1 << Planes) - 16 * at);
            }
        }
        void add(Bits index, float* sums) const { Avx512::add(sums, table_.at((__m512i)index)); }
        Table<Planes> table_;
    };

    // The low and the high halves of float64 leaves are looked up each by themselves.
    template <int Planes>
    struct Leaves<double, Planes, true> {
        explicit Leaves(const double* leaves) {
            const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            const float* halves = reinterpret_cast<const float*>(leaves);
            for (int at = 0; at < Table<Planes>::kRegisters; ++at) {
                const int count = (2 << Planes) - 32 * at;
                const __m512 first = load_some(halves + 32 * at, count);
                const __m512 second = load_some(halves + 32 * at + 16, count - 16);
                low_.registers[at] = _mm512_permutex2var_ps(first, even, second);
                high_.registers[at] = _mm512_permutex2var_ps(first, odd, second);
            }
        }
        void add(Bits index, double* sums) const {
            Avx512::add(sums, low_.at((__m512i)index), high_.at((__m512i)index));
        }
        Table<Planes> low_, high_;
    };

  private:
    static __m512 load_some(const float* from, int count) {
        const int kept = count < 0 ? 0 : count > 16 ? 16 : count;
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << kept) - 1), from);
    }

    static __m512 gather(const float* leaves, __m512i index) {
        return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, index, leaves, sizeof(float));
    }

    static void add(float* sums, __m512 leaves) {
        _mm512_store_ps(sums, _mm512_add_ps(_mm512_load_ps(sums), leaves));
    }

    static void add(double* sums, __m512 low_halves, __m512 high_halves) {
        const __m512i low = _mm512_castps_si512(low_halves), high = _mm512_castps_si512(high_halves);
        const __m512i first = _mm512_maskz_unpacklo_epi32(0xffff, low, high);
        const __m512i second = _mm512_maskz_unpackhi_epi32(0xffff, low, high);
        _mm512_store_pd(sums, _mm512_add_pd(_mm512_load_pd(sums), _mm512_castsi512_pd(first)));
        _mm512_store_pd(sums + 8, _mm512_add_pd(_mm512_load_pd(sums + 8), _mm512_castsi512_pd(second)));
    }

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

void add_forest_avx512(const Forest& forest, const Records& records, void* sums) {
    add_forest<Avx512>(forest, records, sums);
}

void add_forest_avx512(const Forest& forest, const Columns& records, void* sums) {
    add_forest<Avx512>(forest, records, sums);
}

}  // namespace batchscore

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
