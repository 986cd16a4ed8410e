// Bytes of a source, looked at many at a time: where delimiters and quotes stand, and whether text is UTF-8.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

// Words are put together in the order of their bytes; the library path serves all other machines.
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the native reader is for little-endian machines"
#endif

namespace batchscore {

// Some bytes of somebody else's memory.
struct Span {
    const char* data;
    size_t size;

    const char* end() const { return data + size; }
};

// One bit for each of 64 bytes, the first byte lowest.
struct Marks {
    uint64_t delimiters;
    uint64_t quotes;
    uint64_t beyond_ascii;
};

constexpr size_t kMarkedBytes = 64;

#if defined(__SSE2__)

inline Marks mark(const char* bytes, char delimiter) {
    const __m128i wanted = _mm_set1_epi8(delimiter);
    const __m128i quote = _mm_set1_epi8('"');
    Marks marks{0, 0, 0};
    for (int part = 0; part < 4; ++part) {
        const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * part));
        const auto bits = [&](__m128i found) {
            return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(found))) << (16 * part);
        };
        marks.delimiters |= bits(_mm_cmpeq_epi8(values, wanted));
        marks.quotes |= bits(_mm_cmpeq_epi8(values, quote));
        marks.beyond_ascii |= bits(values);
    }
    return marks;
}

#elif defined(__ARM_NEON) && defined(__aarch64__)

inline uint64_t bits_of(const uint8x16_t found[4]) {
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t first = vpaddq_u8(vandq_u8(found[0], weights), vandq_u8(found[1], weights));
    const uint8x16_t second = vpaddq_u8(vandq_u8(found[2], weights), vandq_u8(found[3], weights));
    const uint8x16_t halves = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(halves, halves)), 0);
}

inline Marks mark(const char* bytes, char delimiter) {
    const uint8x16_t wanted = vdupq_n_u8(static_cast<uint8_t>(delimiter));
    const uint8x16_t quote = vdupq_n_u8('"');
    const uint8x16_t first_beyond = vdupq_n_u8(0x80);
    uint8x16_t delimiters[4], quotes[4], beyond[4];
    for (int part = 0; part < 4; ++part) {
        const uint8x16_t values = vld1q_u8(reinterpret_cast<const uint8_t*>(bytes) + 16 * part);
        delimiters[part] = vceqq_u8(values, wanted);
        quotes[part] = vceqq_u8(values, quote);
        beyond[part] = vcgeq_u8(values, first_beyond);
    }
    return Marks{bits_of(delimiters), bits_of(quotes), bits_of(beyond)};
}

#else

inline Marks mark(const char* bytes, char delimiter) {
    Marks marks{0, 0, 0};
    for (size_t index = 0; index < kMarkedBytes; ++index) {
        const char value = bytes[index];
        marks.delimiters |= static_cast<uint64_t>(value == delimiter) << index;
        marks.quotes |= static_cast<uint64_t>(value == '"') << index;
        marks.beyond_ascii |= static_cast<uint64_t>(static_cast<unsigned char>(value) >> 7) << index;
    }
    return marks;
}

#endif

inline unsigned lowest_bit(uint64_t bits) { return static_cast<unsigned>(__builtin_ctzll(bits)); }

// Marks of the `size` bytes at `bytes`, 64 at most; nothing at or after `readable_end` is touched.
inline Marks mark_some(const char* bytes, size_t size, const char* readable_end, char delimiter) {
    Marks marks;
    if (static_cast<size_t>(readable_end - bytes) >= kMarkedBytes) {
        marks = mark(bytes, delimiter);
    } else {
        char copy[kMarkedBytes] = {0};
        std::memcpy(copy, bytes, size);
        marks = mark(copy, delimiter);
    }
    if (size < kMarkedBytes) {
        const uint64_t within = (uint64_t{1} << size) - 1;
        marks.delimiters &= within;
        marks.quotes &= within;
        marks.beyond_ascii &= within;
    }
    return marks;
}

// The first occurrence of `wanted` in [from, to), or null.
inline const char* find_byte(const char* from, const char* to, char wanted) {
    if (from >= to) return nullptr;
    return static_cast<const char*>(std::memchr(from, wanted, static_cast<size_t>(to - from)));
}

// Whether text is UTF-8 as Python has it: no surrogates, no long forms, nothing after U+10FFFF.
inline bool is_utf8(Span text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data);
    const auto* const end = at + text.size;
    while (at < end) {
        const unsigned char lead = *at++;
        if (lead < 0x80) continue;
        int following;
        unsigned char lowest = 0x80, highest = 0xBF;  // of the byte after the first
        if (lead >= 0xC2 && lead <= 0xDF) {
            following = 1;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            following = 2;
            if (lead == 0xE0) lowest = 0xA0;
            if (lead == 0xED) highest = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            following = 3;
            if (lead == 0xF0) lowest = 0x90;
            if (lead == 0xF4) highest = 0x8F;
        } else {
            return false;
        }
        if (end - at < following) return false;
        if (*at < lowest || *at > highest) return false;
        for (int index = 1; index < following; ++index) {
            if (at[index] < 0x80 || at[index] > 0xBF) return false;
        }
        at += following;
    }
    return true;
}

// Characters in UTF-8 text.
inline size_t character_count(Span text) {
    size_t count = 0;
    for (size_t index = 0; index < text.size; ++index) {
        count += (static_cast<unsigned char>(text.data[index]) & 0xC0) != 0x80;
    }
    return count;
}

}  // namespace batchscore
