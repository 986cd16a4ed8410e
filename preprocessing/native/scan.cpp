#include "scan.h"

#include <algorithm>

#include "marks.h"

namespace batchscore {
namespace {

// Bytes after a quote that decide whether it closes a field: the second of a CR LF is the last one.
constexpr int64_t kLookaheadBytes = 2;

constexpr size_t kMostAhead = 16;  // blocks of bytes

struct RecordEnd {
    const char* end;  // null: more bytes are needed to know it
    int fault;        // a Fault, or 0
};

class Scanner {
  public:
    Scanner(Span content, bool is_last, int64_t max_record_bytes, char delimiter)
        : begin_(content.data),
          end_(content.end()),
          is_last_(is_last),
          max_record_bytes_(max_record_bytes),
          reach_bytes_(2 * max_record_bytes),
          delimiter_(delimiter) {}

    Scan scan() {
        found_.starts.reserve(static_cast<size_t>(end_ - begin_) / 64 + 1);
        found_.ends.reserve(found_.starts.capacity());
        found_.line_feeds.reserve(found_.starts.capacity());
        next_quote_ = next_return_ = nullptr;
        const char* at = begin_;
        while ((at = add_plain_lines(at)) < end_) {
            const RecordEnd record = read_record(at);
            if (record.end == nullptr) break;
            add(at, record);
            at = record.end;
        }
        found_.consumed = at - begin_;
        return std::move(found_);
    }

  private:
    // Add the records from `start` on, as long as nothing is to be known of them but where their lines end.
    //
    // Return where the others begin: before a quote, a lone CR, what is blank or too large, or the last bytes.
    const char* add_plain_lines(const char* start) {
        const char* at = start;
        Marks marks[kMostAhead];
        for (size_t ahead = 1;; ahead = kMostAhead) {  // little is lost where every record has quotes
            const auto block_count = std::min(static_cast<size_t>(end_ - at) / kMarkedBytes, ahead);
            if (block_count == 0) return start;
            mark_blocks(at, block_count, Wanted{'\n', '\r'}, marks);
            for (size_t block = 0; block < block_count; ++block, at += kMarkedBytes) {
                if (marks[block].quotes) return start;
                for (uint64_t left = marks[block].wanted; left; left &= left - 1) {
                    const char* const found = at + lowest_bit(left);
                    if (*found == '\r') {
                        if (found + 1 == end_ || found[1] != '\n') return start;
                        continue;
                    }
                    const int64_t size = found + 1 - start;
                    if (size <= 2 || size > max_record_bytes_) return start;
                    found_.line_feeds.push_back(found - begin_);
                    found_.starts.push_back(start - begin_);
                    found_.ends.push_back(found + 1 - begin_);
                    start = found + 1;
                }
            }
        }
    }

    // The end of the record at `start`: of its line, if there is no quote in it.
    RecordEnd read_record(const char* start) {
        advance(&next_quote_, start, '"');
        const char* const line_feed = find_byte(start, end_, '\n');
        const char* const line_end = line_feed == nullptr ? end_ : line_feed;
        if (next_quote_ < line_end) return read_quoted(start);
        if (line_feed == nullptr && !is_last_) return {nullptr, 0};
        advance(&next_return_, start, '\r');
        // A CR is no fault just before the line feed, nor as the last byte of the source.
        const bool is_lone = next_return_ < line_end && next_return_ + 1 < line_end;
        return {line_feed == nullptr ? end_ : line_feed + 1, is_lone ? int(Fault::kLoneReturn) : 0};
    }

    // Move a mark on to the first `wanted` at or after `from`, or to the end.
    void advance(const char** mark, const char* from, char wanted) {
        if (*mark != nullptr && *mark >= from) return;
        const char* const found = find_byte(from, end_, wanted);
        *mark = found == nullptr ? end_ : found;
    }

    // As `preprocessing.csv_careful.careful_record`, step by step.
    RecordEnd read_quoted(const char* start) {
        const char* at = start;
        const char* const bound = std::min(end_, start + std::min<int64_t>(reach_bytes_, end_ - start));
        const bool has_reach = end_ - start >= reach_bytes_;
        const char* line_feed = find_byte(start, end_, '\n');
        int fault = 0;
        while (true) {
            if (at < end_ && *at == '"') {
                const char* const closed = closing_quote(at, bound);
                const bool is_decided = closed == nullptr ? has_reach : end_ - closed > kLookaheadBytes;
                if (!is_decided && !is_last_) return {nullptr, 0};
                if (is_unclosed(at, closed)) return {line_end(at), int(Fault::kUnclosedQuote)};
                at = closed + 1;
                if (fault == 0 && !may_follow(at)) fault = int(Fault::kTextAfterQuote);
            }
            if (line_feed != nullptr && line_feed < at) line_feed = find_byte(at, end_, '\n');
            if (line_feed == nullptr && !is_last_) return {nullptr, 0};
            const char* const text_end = line_feed == nullptr ? end_ : line_feed;
            const char* const found = find_byte(at, text_end, delimiter_);
            if (fault == 0 && has_lone_return(at, found == nullptr ? text_end : found)) {
                fault = int(Fault::kLoneReturn);
            }
            if (found == nullptr) return {line_feed == nullptr ? end_ : line_feed + 1, fault};
            at = found + 1;
        }
    }

    const char* closing_quote(const char* opened, const char* bound) const {
        const char* at = opened + 1;
        while (true) {
            const char* const found = find_byte(at, bound, '"');
            if (found == nullptr) return nullptr;
            if (found + 1 == end_ || found[1] != '"') return found;
            at = found + 2;
        }
    }

    // Whether what closes a quoted field is none, or is one only by accident some lines below.
    bool is_unclosed(const char* opened, const char* closed) const {
        if (closed == nullptr) return true;
        return !may_follow(closed + 1) && find_byte(opened, closed, '\n') != nullptr;
    }

    // Whether a quoted field may end just before `at`.
    bool may_follow(const char* at) const {
        if (at >= end_ || *at == delimiter_ || *at == '\n') return true;
        return *at == '\r' && (at + 1 == end_ || at[1] == '\n');
    }

    bool has_lone_return(const char* from, const char* to) const {
        const char* found = find_byte(from, to, '\r');
        while (found != nullptr) {
            if (found + 1 < end_ && found[1] != '\n') return true;
            found = find_byte(found + 1, to, '\r');
        }
        return false;
    }

    // The position after the line of `at`, or null if it is not at hand.
    const char* line_end(const char* at) const {
        const char* const found = find_byte(at, end_, '\n');
        if (found == nullptr) return is_last_ ? end_ : nullptr;
        return found + 1;
    }

    void add(const char* start, RecordEnd record) {
        add_line_feeds(start, record.end);
        if (is_blank(start, record.end)) return;
        int fault = record.fault;
        if (record.end - start > max_record_bytes_) fault = int(Fault::kTooLarge);
        if (fault != 0) {
            found_.faults.push_back({static_cast<int64_t>(found_.starts.size()), Fault(fault)});
        }
        found_.starts.push_back(start - begin_);
        found_.ends.push_back(record.end - begin_);
    }

    void add_line_feeds(const char* start, const char* end) {
        const char* found = find_byte(start, end, '\n');
        while (found != nullptr) {
            found_.line_feeds.push_back(found - begin_);
            found = find_byte(found + 1, end, '\n');
        }
    }

    static bool is_blank(const char* start, const char* end) {
        const auto is_line_end = [](char value) { return value == '\n' || value == '\r'; };
        return end - start <= 2 && is_line_end(*start) && is_line_end(end[-1]);
    }

    const char* const begin_;
    const char* const end_;
    const bool is_last_;
    const int64_t max_record_bytes_;
    const int64_t reach_bytes_;
    const char delimiter_;
    const char* next_quote_ = nullptr;
    const char* next_return_ = nullptr;
    Scan found_;
};

}  // namespace

Scan scan_records(Span content, bool is_last, int64_t max_record_bytes, char delimiter) {
    return Scanner(content, is_last, max_record_bytes, delimiter).scan();
}

}  // namespace batchscore
