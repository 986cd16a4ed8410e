// Where the records of a piece of CSV begin and end, and which of them are broken.
//
// The rules are those of `preprocessing.csv_scan`, which says them in words and is the fallback.

#pragma once

#include <cstdint>
#include <vector>

#include "bytes.h"

namespace batchscore {

enum class Fault : int {
    kUnclosedQuote = 1,
    kTextAfterQuote = 2,
    kLoneReturn = 3,
    kTooLarge = 4,
};

struct FoundFault {
    int64_t record;
    Fault fault;
};

struct Scan {
    std::vector<int64_t> starts;      // of each record
    std::vector<int64_t> ends;        // after each record's line end
    std::vector<int64_t> line_feeds;  // all of those in the consumed bytes, quoted ones too
    std::vector<FoundFault> faults;   // one a record at most
    int64_t consumed;                 // bytes up to the end of the last complete record or blank line
};

Scan scan_records(Span content, bool is_last, int64_t max_record_bytes, char delimiter);

}  // namespace batchscore
