// Columns as Arrow has them, turned into float32 a block at a time: what `contracts.encoding` does to whole columns.

#ifndef BATCHSCORE_FOREST_COLUMNS_H
#define BATCHSCORE_FOREST_COLUMNS_H

#include <cstring>
#include <limits>
#include <type_traits>

#include "forest.h"

namespace batchscore {
namespace {

constexpr float kMissingValue = std::numeric_limits<float>::quiet_NaN();

template <typename Stored>
Stored stored(const char* values, size_t at) {
    Stored value;
    std::memcpy(&value, values + at * sizeof(Stored), sizeof(Stored));
    return value;
}

inline bool is_set(const char* bits, size_t at) { return static_cast<uint8_t>(bits[at / 8]) >> (at % 8) & 1; }

// To the nearest float32; a float64 beyond the largest becomes infinite.
template <typename Stored>
void read_numbers(const char* values, size_t count, float* to) {
    for (size_t at = 0; at < count; ++at) to[at] = static_cast<float>(stored<Stored>(values, at));
}

template <typename Stored>
void look_up(const char* values, size_t count, const Column& column, float* to) {
    for (size_t at = 0; at < count; ++at) {
        // What is negative is beyond every table.
        const auto place = static_cast<std::make_unsigned_t<Stored>>(stored<Stored>(values, at));
        to[at] = place < column.table_size ? column.table[place] : kMissingValue;
    }
}

template <typename Stored>
void read_integers(const Column& column, size_t first, size_t count, float* to) {
    const char* values = column.values + first * sizeof(Stored);
    if (column.table != nullptr) return look_up<Stored>(values, count, column, to);
    read_numbers<Stored>(values, count, to);
}

inline void read_values(const Column& column, size_t first, size_t count, float* to) {
    switch (column.storage) {
        case Storage::kFloat32: return read_numbers<float>(column.values + first * sizeof(float), count, to);
        case Storage::kFloat64: return read_numbers<double>(column.values + first * sizeof(double), count, to);
        case Storage::kInt8: return read_integers<int8_t>(column, first, count, to);
        case Storage::kInt16: return read_integers<int16_t>(column, first, count, to);
        case Storage::kInt32: return read_integers<int32_t>(column, first, count, to);
        case Storage::kInt64: return read_integers<int64_t>(column, first, count, to);
        case Storage::kBits:
            for (size_t at = 0; at < count; ++at) to[at] = is_set(column.values, first + at) ? 1.0f : 0.0f;
    }
}

inline bool is_infinite(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7fffffffu) == 0x7f800000u;
}

inline void mark_infinite(const float* values, size_t count, uint8_t* infinite) {
    uint32_t any = 0;
    for (size_t at = 0; at < count; ++at) any |= is_infinite(values[at]);
    if (!any) return;
    for (size_t at = 0; at < count; ++at) infinite[at] = static_cast<uint8_t>(infinite[at] | is_infinite(values[at]));
}

// Write `count` records from `start` on, and mark those that are infinite; `infinite` is that of the first of them.
inline void read_column(const Column& column, size_t start, size_t count, float* to, uint8_t* infinite) {
    const size_t first = column.offset + start;
    read_values(column, first, count, to);
    if (column.valid != nullptr) {
        const char* valid = reinterpret_cast<const char*>(column.valid);
        for (size_t at = 0; at < count; ++at) to[at] = is_set(valid, first + at) ? to[at] : kMissingValue;
    }
    const bool is_float = column.storage == Storage::kFloat32 || column.storage == Storage::kFloat64;
    if (is_float || column.table != nullptr) mark_infinite(to, count, infinite);  // no integer is too large
}

}  // namespace
}  // namespace batchscore

#endif
