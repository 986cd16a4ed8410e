// Text of one field as a value of one of the contract's types, or nothing.
//
// Each function accepts only what `preprocessing.typed_values` accepts too, with the same value. What it does
// not accept may still be a value (a plus sign, twenty digits): the caller then asks the careful way.

#pragma once

#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "bytes.h"

namespace batchscore {

inline bool is_digit(char value) { return static_cast<unsigned char>(value - '0') < 10; }

// Optional minus, 1 to 18 digits.
inline bool read_integer(Span text, int64_t* value) {
    const char* at = text.data;
    const char* const end = text.end();
    const bool is_negative = at < end && *at == '-';
    at += is_negative;
    if (at == end || end - at > 18) return false;
    int64_t found = 0;
    for (; at < end; ++at) {
        if (!is_digit(*at)) return false;
        found = found * 10 + (*at - '0');
    }
    *value = is_negative ? -found : found;
    return true;
}

// Powers of ten that a double holds exactly.
inline constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Optional minus, digits with an optional point, optional exponent; finite. Rounded to the nearest double.
inline bool read_number(Span text, double* value) {
    const char* at = text.data;
    const char* const end = text.end();
    const bool is_negative = at < end && *at == '-';
    at += is_negative;
    uint64_t digits = 0;
    int digit_count = 0;  // without leading zeros
    int64_t exponent = 0;
    const char* const first = at;
    for (; at < end && is_digit(*at); ++at) {
        if (digit_count < 19) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
        digit_count += digits != 0;
    }
    const int64_t whole_count = at - first;
    int64_t fraction_count = 0;
    if (at < end && *at == '.') {
        const char* const point = at++;
        for (; at < end && is_digit(*at); ++at) {
            if (digit_count < 19) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
            digit_count += digits != 0;
        }
        fraction_count = at - point - 1;
    }
    if (whole_count + fraction_count == 0) return false;
    exponent = -fraction_count;
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        const bool is_minus = at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        if (at == end || end - at > 6) return false;
        int64_t written = 0;
        for (; at < end && is_digit(*at); ++at) written = written * 10 + (*at - '0');
        exponent += is_minus ? -written : written;
    }
    if (at != end) return false;
#if FLT_EVAL_METHOD == 0
    // Both are exact as doubles, so one multiplication or division rounds once (Clinger, 1990).
    if (digit_count <= 19 && digits <= (uint64_t{1} << 53) && exponent >= -22 && exponent <= 22) {
        const double whole = static_cast<double>(digits);
        const double found = exponent < 0 ? whole / kTens[-exponent] : whole * kTens[exponent];
        *value = is_negative ? -found : found;
        return true;
    }
#endif
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
    double found = 0;
    const auto result = std::from_chars(text.data, end, found);
    if (result.ec != std::errc() || result.ptr != end || !std::isfinite(found)) return false;
    *value = found;
    return true;
#else
    return false;  // the careful way reads what is not read exactly above
#endif
}

// Eight ASCII digits, the first one in the lowest byte, as a number; false if one of them is no digit.
inline bool read_eight_digits(uint64_t word, uint64_t* value) {
    constexpr uint64_t kHigh = 0xF0F0F0F0F0F0F0F0u;
    const uint64_t beyond_nine = word + 0x0606060606060606u;
    if (((word & kHigh) | ((beyond_nine & kHigh) >> 4)) != 0x3333333333333333u) return false;
    word -= 0x3030303030303030u;
    word = word * 10 + (word >> 8);  // a number below 100 in every other byte
    constexpr uint64_t kPairs = 0x000000FF000000FFu;
    *value = ((word & kPairs) * 0x000F424000000064u + ((word >> 16) & kPairs) * 0x0000271000000001u) >> 32;
    return true;
}

// `count` digits in the lowest bytes of a word, 1 to 8, with zeros before them.
inline uint64_t with_leading_zeros(uint64_t digits, size_t count) {
    const size_t shift = 8 * (8 - count);
    return (digits << shift) | (0x3030303030303030u & ((uint64_t{1} << shift) - 1));
}

inline uint64_t eight_bytes(const char* bytes) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// As `read_integer`, for nothing but 1 to 8 digits; the eight bytes from the first on must be readable.
inline bool read_short_integer(Span text, int64_t* value) {
    uint64_t found;
    if (text.size - 1 >= 8 || !read_eight_digits(with_leading_zeros(eight_bytes(text.data), text.size), &found)) {
        return false;
    }
    *value = static_cast<int64_t>(found);
    return true;
}

// As `read_number`, for nothing but digits and a point, 8 bytes at most; eight bytes must be readable.
inline bool read_short_number(Span text, double* value) {
#if FLT_EVAL_METHOD == 0
    if (text.size - 1 >= 8) return false;
    const uint64_t word = eight_bytes(text.data);
    const uint64_t points = word ^ 0x2E2E2E2E2E2E2E2Eu;  // a zero byte for each
    const uint64_t marks = (points - 0x0101010101010101u) & ~points & 0x8080808080808080u;
    const uint64_t own = marks & (~uint64_t{0} >> (8 * (8 - text.size)));  // exact up to the first one
    const uint64_t before = own ? (own & (~own + 1)) / 128 - 1 : ~uint64_t{0};
    const size_t digit_count = text.size - (own != 0);
    if (digit_count == 0) return false;
    const size_t whole_count = own ? lowest_bit(own) / 8 : digit_count;
    const uint64_t digits = (word & before) | ((word >> 8) & ~before);
    uint64_t found;
    if (!read_eight_digits(with_leading_zeros(digits, digit_count), &found)) return false;
    *value = static_cast<double>(static_cast<int64_t>(found)) / kTens[digit_count - whole_count];
    return true;
#else
    return false;
#endif
}

inline uint32_t four_bytes(const char* bytes) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// One of `true`, `True`, `TRUE`, `1`; `false`, `False`, `FALSE`, `0`.
inline bool read_boolean(Span text, bool* value) {
    switch (text.size) {
        case 1:
            *value = text.data[0] == '1';
            return text.data[0] == '1' || text.data[0] == '0';
        case 4: {
            const uint32_t word = four_bytes(text.data);
            *value = true;
            return word == four_bytes("True") || word == four_bytes("true") || word == four_bytes("TRUE");
        }
        case 5: {
            const uint32_t word = four_bytes(text.data);
            const char last = text.data[4];
            *value = false;
            return (last == 'e' && (word == four_bytes("Fals") || word == four_bytes("fals"))) ||
                   (last == 'E' && word == four_bytes("FALS"));
        }
        default:
            return false;
    }
}

// `count` digits.
inline bool read_digits(const char* at, int count, int* value) {
    int found = 0;
    for (int index = 0; index < count; ++index) {
        if (!is_digit(at[index])) return false;
        found = found * 10 + (at[index] - '0');
    }
    *value = found;
    return true;
}

// Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
inline int32_t day_number(int year, int month, int day) {
    const int from_march = month <= 2 ? year - 1 : year;
    const int era = from_march / 400;
    const int year_of_era = from_march - era * 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

// YYYY-MM-DD from year 1 on, as days since 1970-01-01.
inline bool read_date(Span text, int32_t* value) {
    int year, month, day;
    const char* const at = text.data;
    if (text.size != 10 || at[4] != '-' || at[7] != '-') return false;
    if (!read_digits(at, 4, &year) || !read_digits(at + 5, 2, &month) || !read_digits(at + 8, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > kDays[month - 1] + (month == 2 && is_leap)) return false;
    *value = day_number(year, month, day);
    return true;
}

constexpr int64_t kFirstMicrosecond = -62135596800000000;  // of the year 1, since 1970, in UTC
constexpr int64_t kLastMicrosecond = 253402300799999999;   // of the year 9999

// YYYY-MM-DDThh:mm:ss, optional fraction, optional Z or zone, as microseconds since 1970 in UTC.
inline bool read_moment(Span text, int64_t* value) {
    int32_t days;
    int hour, minute, second;
    const char* at = text.data;
    const char* const end = text.end();
    if (text.size < 19 || !read_date(Span{at, 10}, &days)) return false;
    if (at[10] != 'T' || at[13] != ':' || at[16] != ':') return false;
    if (!read_digits(at + 11, 2, &hour) || !read_digits(at + 14, 2, &minute) ||
        !read_digits(at + 17, 2, &second) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    at += 19;
    int64_t microseconds = 0;
    if (at < end && *at == '.') {
        int64_t unit = 1000000;
        for (++at; at < end && is_digit(*at); ++at) {
            if (unit == 1) return false;
            unit /= 10;
            microseconds += unit * (*at - '0');
        }
        if (unit == 1000000) return false;
    }
    int64_t offset_minutes = 0;
    if (end - at == 1 && *at == 'Z') {
        ++at;
    } else if (end - at == 6 && (*at == '+' || *at == '-') && at[3] == ':') {
        int hours, minutes;
        if (!read_digits(at + 1, 2, &hours) || !read_digits(at + 4, 2, &minutes)) return false;
        if (hours > 23 || minutes > 59) return false;
        offset_minutes = (*at == '-' ? -1 : 1) * (60 * hours + minutes);
        at += 6;
    }
    if (at != end) return false;
    const int64_t minutes = (int64_t{days} * 24 + hour) * 60 + minute - offset_minutes;
    *value = (minutes * 60 + second) * 1000000 + microseconds;
    return *value >= kFirstMicrosecond && *value <= kLastMicrosecond;
}

}  // namespace batchscore
