#include "marks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace batchscore {
namespace {

#if defined(__x86_64__)

void mark_with_sse2(const char* bytes, size_t block_count, Wanted wanted, Marks* marks) {
    const __m128i first = _mm_set1_epi8(wanted.first), second = _mm_set1_epi8(wanted.second);
    const __m128i quote = _mm_set1_epi8('"');
    for (size_t block = 0; block < block_count; ++block) {
        Marks found{0, 0, 0};
        for (size_t part = 0; part < 4; ++part) {
            const void* const at = bytes + kMarkedBytes * block + 16 * part;
            const __m128i values = _mm_loadu_si128(static_cast<const __m128i*>(at));
            const auto bits = [&](__m128i is_found) {
                return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(is_found))} << (16 * part);
            };
            found.wanted |= bits(_mm_or_si128(_mm_cmpeq_epi8(values, first), _mm_cmpeq_epi8(values, second)));
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

__attribute__((target("avx2"))) void mark_with_avx2(const char* bytes, size_t block_count, Wanted wanted,
                                                    Marks* marks) {
    const __m256i quote = _mm256_set1_epi8('"');
    const auto is_wanted = [wanted](__m256i values) __attribute__((target("avx2"))) {
        return _mm256_or_si256(_mm256_cmpeq_epi8(values, _mm256_set1_epi8(wanted.first)),
                               _mm256_cmpeq_epi8(values, _mm256_set1_epi8(wanted.second)));
    };
    for (size_t block = 0; block < block_count; ++block) {
        const void* const at = bytes + kMarkedBytes * block;
        const __m256i first = _mm256_loadu_si256(static_cast<const __m256i*>(at));
        const __m256i second = _mm256_loadu_si256(static_cast<const __m256i*>(at) + 1);
        marks[block].wanted = both_halves(is_wanted(first), is_wanted(second));
        marks[block].quotes = both_halves(_mm256_cmpeq_epi8(first, quote), _mm256_cmpeq_epi8(second, quote));
        marks[block].beyond_ascii = both_halves(first, second);
    }
}

__attribute__((target("avx512bw"))) void mark_with_avx512(const char* bytes, size_t block_count,
                                                          Wanted wanted, Marks* marks) {
    const __m512i first = _mm512_set1_epi8(wanted.first), second = _mm512_set1_epi8(wanted.second);
    const __m512i quote = _mm512_set1_epi8('"');
    for (size_t block = 0; block < block_count; ++block) {
        const __m512i values = _mm512_loadu_si512(bytes + kMarkedBytes * block);
        marks[block].wanted = _mm512_cmpeq_epi8_mask(values, first) | _mm512_cmpeq_epi8_mask(values, second);
        marks[block].quotes = _mm512_cmpeq_epi8_mask(values, quote);
        marks[block].beyond_ascii = _mm512_movepi8_mask(values);
    }
}

using MarkBlocks = void (*)(const char*, size_t, Wanted, Marks*);

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

void mark_with_neon(const char* bytes, size_t block_count, Wanted wanted, Marks* marks) {
    const uint8x16_t first = vdupq_n_u8(static_cast<uint8_t>(wanted.first));
    const uint8x16_t second = vdupq_n_u8(static_cast<uint8_t>(wanted.second));
    const uint8x16_t quote = vdupq_n_u8('"'), first_beyond = vdupq_n_u8(0x80);
    for (size_t block = 0; block < block_count; ++block) {
        uint8x16_t found[4], quotes[4], beyond[4];
        for (size_t part = 0; part < 4; ++part) {
            const void* const at = bytes + kMarkedBytes * block + 16 * part;
            const uint8x16_t values = vld1q_u8(static_cast<const uint8_t*>(at));
            found[part] = vorrq_u8(vceqq_u8(values, first), vceqq_u8(values, second));
            quotes[part] = vceqq_u8(values, quote);
            beyond[part] = vcgeq_u8(values, first_beyond);
        }
        marks[block] = Marks{bits_of(found), bits_of(quotes), bits_of(beyond)};
    }
}

#else

void mark_one_by_one(const char* bytes, size_t block_count, Wanted wanted, Marks* marks) {
    for (size_t block = 0; block < block_count; ++block) {
        Marks found{0, 0, 0};
        for (size_t index = 0; index < kMarkedBytes; ++index) {
            const char value = bytes[kMarkedBytes * block + index];
            found.wanted |= uint64_t{value == wanted.first || value == wanted.second} << index;
            found.quotes |= uint64_t{value == '"'} << index;
            found.beyond_ascii |= uint64_t{(static_cast<unsigned char>(value) & 0x80) != 0} << index;
        }
        marks[block] = found;
    }
}

#endif

// Write the positions of set bits, four at once: guessing how many are left costs more.
size_t write_positions(uint64_t bits, uint32_t first, uint32_t* positions) {
    const size_t count = bit_count(bits);
    constexpr uint64_t kLast = uint64_t{1} << 63;
    for (size_t written = 0; written < count; written += 4) {
        for (size_t next = written; next < written + 4; ++next, bits &= bits - 1) {
            positions[next] = first + lowest_bit(bits | kLast);
        }
    }
    return count;
}

constexpr size_t kMarkedAtOnce = 32;

Found find_by_marks(Span bytes, Wanted wanted, uint32_t* positions) {
    size_t count = 0;
    uint64_t quotes = 0, beyond_ascii = 0;
    Marks marks[kMarkedAtOnce];
    const size_t block_count = bytes.size / kMarkedBytes;
    for (size_t first = 0; first < block_count; first += kMarkedAtOnce) {
        const size_t marked = block_count - first < kMarkedAtOnce ? block_count - first : kMarkedAtOnce;
        mark_blocks(bytes.data + kMarkedBytes * first, marked, wanted, marks);
        for (size_t block = 0; block < marked; ++block) {
            quotes |= marks[block].quotes;
            beyond_ascii |= marks[block].beyond_ascii;
            const auto position = static_cast<uint32_t>(kMarkedBytes * (first + block));
            count += write_positions(marks[block].wanted, position, positions + count);
        }
    }
    return Found{count, quotes != 0, beyond_ascii == 0};
}

#if defined(__x86_64__)

#define BATCHSCORE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

BATCHSCORE_AVX512 Found find_with_avx512(Span bytes, Wanted wanted, uint32_t* positions) {
    const __m512i first = _mm512_set1_epi8(wanted.first), second = _mm512_set1_epi8(wanted.second);
    const __m512i quote = _mm512_set1_epi8('"');
    alignas(64) char numbered[kMarkedBytes];
    for (size_t index = 0; index < kMarkedBytes; ++index) numbered[index] = static_cast<char>(index);
    const __m512i numbers = _mm512_load_si512(numbered);
    __m512i all = _mm512_setzero_si512();
    uint64_t quotes = 0;
    size_t count = 0;
    for (size_t at = 0; at + kMarkedBytes <= bytes.size; at += kMarkedBytes) {
        const __m512i values = _mm512_loadu_si512(bytes.data + at);
        const uint64_t bits = _mm512_cmpeq_epi8_mask(values, first) | _mm512_cmpeq_epi8_mask(values, second);
        quotes |= _mm512_cmpeq_epi8_mask(values, quote);
        all = _mm512_or_si512(all, values);
        const __m512i found = _mm512_maskz_compress_epi8(bits, numbers);
        const __m512i start = _mm512_set1_epi32(static_cast<int>(at));
        uint32_t* const to = positions + count;
        count += static_cast<size_t>(_mm_popcnt_u64(bits));
        const auto write = [&](size_t group, __m128i some) BATCHSCORE_AVX512 {
            const __m512i each = _mm512_maskz_cvtepu8_epi32(0xFFFF, some);  // "maskz", as GCC warns of the others
            _mm512_storeu_si512(to + 16 * group, _mm512_add_epi32(each, start));
        };
        write(0, _mm512_maskz_extracti32x4_epi32(0xF, found, 0));
        write(1, _mm512_maskz_extracti32x4_epi32(0xF, found, 1));
        if (to + 32 < positions + count) {
            write(2, _mm512_maskz_extracti32x4_epi32(0xF, found, 2));
            write(3, _mm512_maskz_extracti32x4_epi32(0xF, found, 3));
        }
    }
    return Found{count, quotes != 0, _mm512_movepi8_mask(all) == 0};
}

using FindWanted = Found (*)(Span, Wanted, uint32_t*);

FindWanted best_finder() {
    __builtin_cpu_init();
    const bool has_all = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2") &&
                         __builtin_cpu_supports("popcnt");
    return has_all ? find_with_avx512 : find_by_marks;
}

#endif

Found find_in_whole_blocks(Span bytes, Wanted wanted, uint32_t* positions) {
#if defined(__x86_64__)
    static const FindWanted best = best_finder();
    return best(bytes, wanted, positions);
#else
    return find_by_marks(bytes, wanted, positions);
#endif
}

}  // namespace

void mark_blocks(const char* bytes, size_t block_count, Wanted wanted, Marks* marks) {
#if defined(__x86_64__)
    static const MarkBlocks best = best_for_this_processor();
    best(bytes, block_count, wanted, marks);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    mark_with_neon(bytes, block_count, wanted, marks);
#else
    mark_one_by_one(bytes, block_count, wanted, marks);
#endif
}

Found find_wanted(Span bytes, Wanted wanted, uint32_t* positions) {
    const size_t rest = bytes.size % kMarkedBytes, whole = bytes.size - rest;
    Found found = find_in_whole_blocks(Span{bytes.data, whole}, wanted, positions);
    if (rest) {
        char copy[kMarkedBytes] = {0};
        std::memcpy(copy, bytes.data + whole, rest);
        Marks marks;
        mark_blocks(copy, 1, wanted, &marks);
        const uint64_t within = ~uint64_t{0} >> (kMarkedBytes - rest);  // a wanted byte may be zero
        found.count +=
            write_positions(marks.wanted & within, static_cast<uint32_t>(whole), positions + found.count);
        found.has_quotes |= marks.quotes != 0;
        found.is_ascii &= marks.beyond_ascii == 0;
    }
    return found;
}

}  // namespace batchscore
