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
#include "known_texts.h"
#include "pattern_states.h"
#include "splitter.h"

namespace batchscore {

enum class Kind : int {
    kText = 0,     // UTF-8, with int32 offsets
    kCode = 1,     // the position in `known` of a text, as wide as `code_bytes` says
    kInteger = 2,  // int64
    kNumber = 3,   // double
    kBoolean = 4,  // one bit
    kDate = 5,     // int32: days since 1970-01-01
    kMoment = 6,   // int64: microseconds since 1970-01-01 in UTC
};

// Bytes of each position in so many texts: the fewest in which a signed integer has room for them.
constexpr size_t code_bytes(size_t text_count) { return text_count <= 128 ? 1 : text_count <= 32768 ? 2 : 4; }

// Which rules a field has.
struct FieldRules {
    size_t position;  // in a record, from 0
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
    Form form;
    std::vector<std::string> missing_texts;
};

// One column of the accepted records; `values` and `validity` are the caller's memory.
struct Column {
    char* values = nullptr;    // (records) of the kind's type; offsets (records + 1) for text; bits for booleans
    char* validity = nullptr;  // bits, 1 where there is a value
    std::string text;          // of kText, one after the other, and room for more
    size_t text_bytes = 0;     // of it that are written
    int64_t null_count = 0;
};

// Bytes of `values` for so many records.
size_t value_bytes(const FieldRules& rules, size_t record_count);

// Bytes of `record_count` bits: whole words, so that 64 bits can be written from any bit on.
size_t bit_bytes(size_t record_count);

// Read the records that begin at `starts` and end before `ends`, except those marked in `is_passed_over`.
// They lie in the content, ascending, none in another.
//
// `columns` has one entry for each field of the plan, with memory for all records where the field is kept; bits
// are zero, and the first offset of text too.
// Indices of the records that were not accepted go to `rejected`, ascending. Returns how many were.
size_t read_records(const Plan& plan, Span content, const int64_t* starts, const int64_t* ends,
                    size_t record_count, const uint8_t* is_passed_over, std::vector<Column>& columns,
                    std::vector<int64_t>& rejected);

}  // namespace batchscore
