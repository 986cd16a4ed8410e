// Bytes of a source: where one stands in them, and whether they are UTF-8.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

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

inline unsigned lowest_bit(uint64_t bits) { return static_cast<unsigned>(__builtin_ctzll(bits)); }

// How many bits are set, in a few operations that every processor has.
inline size_t bit_count(uint64_t bits) {
    bits -= (bits >> 1) & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + ((bits >> 2) & 0x3333333333333333u);
    return static_cast<size_t>((((bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0Fu) * 0x0101010101010101u) >> 56);
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
