// Records of CSV as typed columns, each checked by the rules of its field on the way.
//
// A record is accepted only if every field is plainly valid. One that is not, or of which that is not certain,
// is passed over, leaves no trace in the columns, and is for the careful way to judge: no reason is found here.

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "bytes.h"

namespace batchscore {

enum class Kind : int {
    kText = 0,     // UTF-8, with int32 offsets
    kCode = 1,     // int32: the position in `known` of a text
    kInteger = 2,  // int64
    kNumber = 3,   // double
    kBoolean = 4,  // one bit
    kDate = 5,     // int32: days since 1970-01-01
    kMoment = 6,   // int64: microseconds since 1970-01-01 in UTC
};

// Loads up to eight bytes as a number, those after the end of the text as zero.
//
// `may_read_on` says that the eight bytes from `text.data` on can be read, whatever the size of the text.
inline uint64_t first_word(Span text, bool may_read_on) {
    uint64_t word = 0;
    if (may_read_on) {
        std::memcpy(&word, text.data, 8);
        return text.size >= 8 ? word : word & ((uint64_t{1} << (8 * text.size)) - 1);
    }
    std::memcpy(&word, text.data, text.size < 8 ? text.size : 8);
    return word;
}

// The texts that a field may have, to be found by their bytes.
class KnownTexts {
  public:
    // Texts are numbered as they are added; of equal ones the first counts.
    void add(std::string text);
    // To be called when all are added.
    void finish();

    // The number of `text`, or -1.
    int32_t find(Span text, bool may_read_on) const {
        const Brief wanted = brief(text, may_read_on);
        for (size_t slot = slot_of(wanted);; slot = (slot + 1) & (slots_.size() - 1)) {
            const Slot& known = slots_[slot];
            if (known.number < 0) return -1;
            if (known.brief.size != wanted.size || known.brief.first != wanted.first ||
                known.brief.last != wanted.last) {
                continue;
            }
            const std::string& whole = texts_[static_cast<size_t>(known.number)];
            if (text.size > 16 && std::memcmp(whole.data(), text.data, text.size) != 0) continue;
            return known.number;
        }
    }

  private:
    // What tells texts of up to 16 bytes apart: their size, and their first and last eight bytes.
    struct Brief {
        uint64_t size;
        uint64_t first;
        uint64_t last;
    };
    struct Slot {
        Brief brief;
        int32_t number;
    };

    static Brief brief(Span text, bool may_read_on) {
        Brief brief{text.size, first_word(text, may_read_on), 0};
        if (text.size > 8) std::memcpy(&brief.last, text.end() - 8, 8);
        return brief;
    }

    size_t slot_of(const Brief& brief) const {
        const uint64_t mixed = (brief.first ^ (brief.last >> 3) ^ (brief.size << 56)) * multiplier_;
        return static_cast<size_t>(mixed >> shift_);
    }

    bool lay_out();

    std::vector<std::string> texts_;
    std::vector<Slot> slots_;
    uint64_t multiplier_ = 0xD6E8FEB86659FD93u;
    int shift_ = 62;
};

// A finite automaton that accepts ASCII texts (`preprocessing.pattern_states`), or nothing: then all are.
struct PatternStates {
    std::string following;  // the next state by state and byte, kBytes for each state; 0 accepts nothing more
    std::string accepting;  // by state, 1 or 0
    static constexpr size_t kBytes = 128;

    bool accepts(Span text) const {
        const auto* const next = reinterpret_cast<const unsigned char*>(following.data());
        size_t state = 1;
        for (size_t index = 0; index < text.size; ++index) {
            const auto byte = static_cast<unsigned char>(text.data[index]);
            if (byte >= kBytes) return false;
            state = next[state * kBytes + byte];
        }
        return accepting[state] != 0;
    }
};

// Which rules a field has.
struct FieldRules {
    int position;  // in a record, from 0
    Kind kind;
    bool is_required;
    bool is_kept;  // comes out as a column
    int64_t lowest = std::numeric_limits<int64_t>::min();  // of integers, dates and moments
    int64_t highest = std::numeric_limits<int64_t>::max();
    double lowest_number = -std::numeric_limits<double>::infinity();
    double highest_number = std::numeric_limits<double>::infinity();
    int64_t min_length = 0;  // characters
    int64_t max_length = std::numeric_limits<int64_t>::max();
    bool is_one_line = false;  // no line break and no NUL
    PatternStates pattern;
    KnownTexts known;
};

// How to read the records of one source.
struct Plan {
    std::vector<FieldRules> fields;  // by position, ascending
    int field_count;                 // of a record
    char delimiter;
    bool is_utf8;  // otherwise only records of ASCII are accepted
    std::vector<std::string> missing_texts;
};

// One column of the accepted records; `values` and `validity` are the caller's memory.
struct Column {
    char* values = nullptr;    // (records) of the kind's type; offsets (records + 1) for text; bits for booleans
    char* validity = nullptr;  // bits, 1 where there is a value
    std::string text;          // of kText, one after the other
    int64_t null_count = 0;
};

// Bytes of `values` for so many records.
size_t value_bytes(Kind kind, size_t record_count);

// Bytes of `record_count` bits: whole words, so that 64 bits can be written from any bit on.
size_t bit_bytes(size_t record_count);

// Read the records that begin at `starts` and end before `ends`, except those marked in `is_passed_over`.
//
// `columns` has one entry for each field of the plan, with memory for all records where the field is kept; bits
// are zero, and the first offset of text too.
// Indices of the records that were not accepted go to `rejected`, ascending. Returns how many were.
size_t read_records(const Plan& plan, Span content, const int64_t* starts, const int64_t* ends,
                    size_t record_count, const uint8_t* is_passed_over, std::vector<Column>& columns,
                    std::vector<int64_t>& rejected);

}  // namespace batchscore
