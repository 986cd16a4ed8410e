// The texts of one field of a batch of records, as values of the field's type.

#pragma once

#include <algorithm>
#include <limits>

#include "reader.h"
#include "values.h"

namespace batchscore {

// The lowest bits of `count` bytes, together.
inline uint64_t low_bits(const char* bytes, size_t count) {
    uint64_t bits = 0;
    for (size_t index = 0; index < count; ++index) bits |= uint64_t{(bytes[index] & 1) != 0} << index;
    return bits;
}

// What one field of a batch of records came to.
struct Values {
    uint64_t missing = 0;                // a bit for each record
    alignas(8) char values[8 * kBatch];  // typed, except of text
};

inline bool has_right_length(const FieldRules& rules, Span text) {
    const auto size = static_cast<int64_t>(text.size);
    if (size >= 4 * rules.min_length && size <= rules.max_length) return true;  // a character has 1 to 4 bytes
    const auto length = static_cast<int64_t>(character_count(text));
    return length >= rules.min_length && length <= rules.max_length;
}

inline uint64_t check_texts(const FieldRules& rules, const Span* texts, size_t count) {
    uint64_t wrong = 0;
    const auto note = [&](auto is_right) {
        for (size_t index = 0; index < count; ++index) wrong |= uint64_t{!is_right(texts[index])} << index;
    };
    if (rules.min_length > 0 || rules.max_length < std::numeric_limits<int32_t>::max()) {
        note([&](Span text) { return has_right_length(rules, text); });
    }
    if (!rules.pattern.accepting.empty()) wrong |= rules.pattern.unaccepted(texts, count);
    if (rules.is_one_line) {
        note([](Span text) {
            return std::none_of(text.data, text.end(),
                                [](char value) { return value == '\r' || value == '\n' || value == '\0'; });
        });
    }
    return wrong;
}

template <typename Code, typename TextOf>
uint64_t each_code(const KnownTexts& known, Values& values, size_t count, TextOf text_of) {
    const KnownTexts::Finder finder = known.finder();
    const auto find_all = [&](auto find) {
        Code codes[kBatch];
        int32_t all = 0;  // negative if one of them is
        for (size_t index = 0; index < count; ++index) {
            const int32_t code = find(text_of(index));
            codes[index] = static_cast<Code>(code);
            all |= code;
        }
        std::memcpy(values.values, codes, count * sizeof(Code));
        uint64_t wrong = 0;
        for (size_t index = 0; all < 0 && index < count; ++index) wrong |= uint64_t{codes[index] < 0} << index;
        return wrong;
    };
    if (known.are_short()) return find_all([finder](Span text) { return finder.find_short(text); });
    if (known.are_brief()) return find_all([finder](Span text) { return finder.find_brief(text); });
    return find_all([&](Span text) { return known.find(text); });
}

// Type `count` texts of one field, missing or not; return a bit for each that is no value, or may be none.
template <typename TextOf>
uint64_t type_texts(const FieldRules& rules, Values& values, size_t count, TextOf text_of) {
    const int64_t lowest = rules.lowest, highest = rules.highest;
    const auto is_within = [=](int64_t value) { return (value >= lowest) & (value <= highest); };
    // Call `read` with each text and where its value goes; return a bit for each that it does not take.
    const auto each = [&](auto value, auto read) {
        uint64_t wrong = 0;
        for (size_t index = 0; index < count; ++index) {
            decltype(value) found{};
            wrong |= uint64_t{!read(text_of(index), &found)} << index;
            std::memcpy(values.values + index * sizeof found, &found, sizeof found);
        }
        return wrong;
    };
    switch (rules.kind) {
        case Kind::kText: {
            Span texts[kBatch];
            for (size_t index = 0; index < count; ++index) texts[index] = text_of(index);
            return check_texts(rules, texts, count);
        }
        case Kind::kCode:
            switch (code_bytes(rules.known.size())) {
                case 1:
                    return each_code<int8_t>(rules.known, values, count, text_of);
                case 2:
                    return each_code<int16_t>(rules.known, values, count, text_of);
                default:
                    return each_code<int32_t>(rules.known, values, count, text_of);
            }
        case Kind::kInteger:
            return each(int64_t{}, [&](Span text, int64_t* value) {
                return (read_short_integer(text, value) || read_integer(text, value)) && is_within(*value);
            });
        case Kind::kNumber: {
            const double lowest_number = rules.lowest_number, highest_number = rules.highest_number;
            return each(double{}, [&](Span text, double* value) {
                return (read_short_number(text, value) || read_number(text, value)) &&
                       (*value >= lowest_number) & (*value <= highest_number);
            });
        }
        case Kind::kBoolean: {
            const uint64_t wrong = each(bool{}, [](Span text, bool* value) { return read_boolean(text, value); });
            const uint64_t trues = low_bits(values.values, count);
            std::memcpy(values.values, &trues, sizeof trues);
            return wrong;
        }
        case Kind::kDate:
            return each(int32_t{}, [&](Span text, int32_t* value) {
                return read_date(text, value) && is_within(*value);
            });
        case Kind::kMoment:
            return each(int64_t{}, [&](Span text, int64_t* value) {
                return read_moment(text, value) && is_within(*value);
            });
    }
    return ~uint64_t{0};
}

}  // namespace batchscore
