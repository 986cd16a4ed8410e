#include "marks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace batchscore {
namespace {

#if defined(__x86_64__)

void mark_with_sse2(const char* bytes, size_t block_count, char delimiter, Marks* marks) {
    const __m128i wanted = _mm_set1_epi8(delimiter), quote = _mm_set1_epi8('"');
    for (size_t block = 0; block < block_count; ++block) {
        Marks found{0, 0, 0};
        for (size_t part = 0; part < 4; ++part) {
            const void* const at = bytes + kMarkedBytes * block + 16 * part;
            const __m128i values = _mm_loadu_si128(static_cast<const __m128i*>(at));
            const auto bits = [&](__m128i is_found) {
                return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(is_found))} << (16 * part);
            };
            found.delimiters |= bits(_mm_cmpeq_epi8(values, wanted));
            found.quotes |= bits(_mm_cmpeq_epi8(values, quote));
            found.beyond_ascii |= bits(values);
        }
        marks[block] = found;
    }
}

__attribute__((target("avx2"))) inline uint64_t both_halves(__m256i first, __m256i second) {
    return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(first))} |
           uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(second))} << 32;
}

__attribute__((target("avx2"))) void mark_with_avx2(const char* bytes, size_t block_count, char delimiter,
                                                    Marks* marks) {
    const __m256i wanted = _mm256_set1_epi8(delimiter), quote = _mm256_set1_epi8('"');
    for (size_t block = 0; block < block_count; ++block) {
        const void* const at = bytes + kMarkedBytes * block;
        const __m256i first = _mm256_loadu_si256(static_cast<const __m256i*>(at));
        const __m256i second = _mm256_loadu_si256(static_cast<const __m256i*>(at) + 1);
        marks[block].delimiters =
            both_halves(_mm256_cmpeq_epi8(first, wanted), _mm256_cmpeq_epi8(second, wanted));
        marks[block].quotes = both_halves(_mm256_cmpeq_epi8(first, quote), _mm256_cmpeq_epi8(second, quote));
        marks[block].beyond_ascii = both_halves(first, second);
    }
}

__attribute__((target("avx512bw"))) void mark_with_avx512(const char* bytes, size_t block_count,
                                                          char delimiter, Marks* marks) {
    const __m512i wanted = _mm512_set1_epi8(delimiter), quote = _mm512_set1_epi8('"');
    for (size_t block = 0; block < block_count; ++block) {
        const __m512i values = _mm512_loadu_si512(bytes + kMarkedBytes * block);
        marks[block].delimiters = _mm512_cmpeq_epi8_mask(values, wanted);
        marks[block].quotes = _mm512_cmpeq_epi8_mask(values, quote);
        marks[block].beyond_ascii = _mm512_movepi8_mask(values);
    }
}

using MarkBlocks = void (*)(const char*, size_t, char, Marks*);

MarkBlocks best_for_this_processor() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw")) return mark_with_avx512;
    if (__builtin_cpu_supports("avx2")) return mark_with_avx2;
    return mark_with_sse2;
}

#elif defined(__ARM_NEON) && defined(__aarch64__)

uint64_t bits_of(const uint8x16_t found[4]) {
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t first = vpaddq_u8(vandq_u8(found[0], weights), vandq_u8(found[1], weights));
    const uint8x16_t second = vpaddq_u8(vandq_u8(found[2], weights), vandq_u8(found[3], weights));
    const uint8x16_t halves = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(halves, halves)), 0);
}

void mark_with_neon(const char* bytes, size_t block_count, char delimiter, Marks* marks) {
    const uint8x16_t wanted = vdupq_n_u8(static_cast<uint8_t>(delimiter));
    const uint8x16_t quote = vdupq_n_u8('"'), first_beyond = vdupq_n_u8(0x80);
    for (size_t block = 0; block < block_count; ++block) {
        uint8x16_t delimiters[4], quotes[4], beyond[4];
        for (size_t part = 0; part < 4; ++part) {
            const void* const at = bytes + kMarkedBytes * block + 16 * part;
            const uint8x16_t values = vld1q_u8(static_cast<const uint8_t*>(at));
            delimiters[part] = vceqq_u8(values, wanted);
            quotes[part] = vceqq_u8(values, quote);
            beyond[part] = vcgeq_u8(values, first_beyond);
        }
        marks[block] = Marks{bits_of(delimiters), bits_of(quotes), bits_of(beyond)};
    }
}

#else

void mark_one_by_one(const char* bytes, size_t block_count, char delimiter, Marks* marks) {
    for (size_t block = 0; block < block_count; ++block) {
        Marks found{0, 0, 0};
        for (size_t index = 0; index < kMarkedBytes; ++index) {
            const char value = bytes[kMarkedBytes * block + index];
            found.delimiters |= uint64_t{value == delimiter} << index;
            found.quotes |= uint64_t{value == '"'} << index;
            found.beyond_ascii |= uint64_t{(static_cast<unsigned char>(value) & 0x80) != 0} << index;
        }
        marks[block] = found;
    }
}

#endif

}  // namespace

void mark_blocks(const char* bytes, size_t block_count, char delimiter, Marks* marks) {
#if defined(__x86_64__)
    static const MarkBlocks best = best_for_this_processor();
    best(bytes, block_count, delimiter, marks);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    mark_with_neon(bytes, block_count, delimiter, marks);
#else
    mark_one_by_one(bytes, block_count, delimiter, marks);
#endif
}

}  // namespace batchscore
