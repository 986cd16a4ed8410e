#include "reader.h"

#include <algorithm>
#include <deque>

#include "marks.h"
#include "values.h"

namespace batchscore {

void KnownTexts::add(std::string text) {
    const bool is_new = std::find(texts_.begin(), texts_.end(), text) == texts_.end();
    if (is_new) texts_.push_back(std::move(text));
}

void KnownTexts::finish() {
    size_t slot_count = 4;
    shift_ = 62;
    while (slot_count < 4 * texts_.size()) {
        slot_count *= 2;
        --shift_;
    }
    slots_.resize(slot_count);
    // With another multiplier the texts lie elsewhere; mostly there is one with which none is in another's way.
    for (int attempt = 0; attempt < 64; ++attempt) {
        if (lay_out()) return;
        multiplier_ = multiplier_ * 6364136223846793005u + 1442695040888963407u;
        multiplier_ |= 1;
    }
    lay_out();
}

// Put each text where `find` looks for it; true if each has its first place.
bool KnownTexts::lay_out() {
    std::fill(slots_.begin(), slots_.end(), Slot{Brief{0, 0, 0}, -1});
    bool is_perfect = true;
    for (size_t number = 0; number < texts_.size(); ++number) {
        const Brief known = brief(Span{texts_[number].data(), texts_[number].size()}, false);
        size_t slot = slot_of(known);
        while (slots_[slot].number >= 0) {
            is_perfect = false;
            slot = (slot + 1) & (slots_.size() - 1);
        }
        slots_[slot] = Slot{known, static_cast<int32_t>(number)};
    }
    return is_perfect;
}

size_t value_bytes(Kind kind, size_t record_count) {
    switch (kind) {
        case Kind::kText:
            return 4 * (record_count + 1);
        case Kind::kCode:
        case Kind::kDate:
            return 4 * record_count;
        case Kind::kBoolean:
            return bit_bytes(record_count);
        default:
            return 8 * record_count;
    }
}

size_t bit_bytes(size_t record_count) { return 8 * (record_count / 64 + 2); }

namespace {

constexpr size_t kBatch = 64;  // records, so that one word has a bit for each
constexpr size_t kReadOn = 8;  // bytes that `first_word` may read
constexpr size_t kWindowBlocks = 64;  // of bytes that are marked at once

inline uint64_t bit(size_t index) { return uint64_t{1} << index; }

// Write `bits`, zero above the last record's, over zeros from bit `first` on.
void put_bits(char* target, size_t first, uint64_t bits) {
    char* const at = target + 8 * (first / 64);
    const size_t shift = first % 64;
    uint64_t words[2];
    std::memcpy(words, at, sizeof words);
    words[0] |= bits << shift;
    if (shift) words[1] |= bits >> (64 - shift);
    std::memcpy(at, words, sizeof words);
}

// Return the bits of `bits` that `taken` has, moved together.
uint64_t packed_bits(uint64_t bits, uint64_t taken) {
    uint64_t packed = 0;
    for (size_t target = 0; taken; taken &= taken - 1, ++target) {
        packed |= ((bits >> lowest_bit(taken)) & 1) << target;
    }
    return packed;
}

// What one field of a batch of records came to.
struct Values {
    Span texts[kBatch];                  // as they stand in the source
    uint64_t missing = 0;                // a bit for each record
    alignas(8) char values[8 * kBatch];  // typed, except of text
};

class Reader {
  public:
    Reader(const Plan& plan, Span content, std::vector<Column>& columns)
        : plan_(plan),
          content_end_(content.end()),
          columns_(columns),
          fields_(static_cast<size_t>(plan.field_count)) {
        for (const std::string& text : plan.missing_texts) {
            if (text.empty()) {
                may_be_empty_ = true;
            } else {
                missing_texts_.push_back(Span{text.data(), text.size()});
            }
        }
    }

    // Add a record to the batch; false if it has not the fields that it must have.
    bool add(Span record, int64_t index) {
        if (!without_line_end(&record) || !split(record)) return false;
        if (static_cast<size_t>(content_end_ - record.end()) < kReadOn) may_read_on_ = false;
        indices_[count_++] = index;
        return true;
    }

    bool is_full() const { return count_ == kBatch; }

    // Put the records of the batch that keep all rules into the columns, the others among the rejected.
    void flush(std::vector<int64_t>& rejected) {
        uint64_t wrong = 0;
        for (const FieldRules& rules : plan_.fields) {
            wrong |= check(rules, fields_[static_cast<size_t>(rules.position)]);
        }
        const uint64_t all = count_ == kBatch ? ~uint64_t{0} : bit(count_) - 1;
        const uint64_t taken = all & ~wrong;
        for (size_t index = 0; index < plan_.fields.size(); ++index) {
            const FieldRules& rules = plan_.fields[index];
            if (rules.is_kept) write(rules.kind, fields_[static_cast<size_t>(rules.position)], taken, columns_[index]);
        }
        for (uint64_t left = wrong; left; left &= left - 1) rejected.push_back(indices_[lowest_bit(left)]);
        row_ += static_cast<size_t>(__builtin_popcountll(taken));
        count_ = 0;
        may_read_on_ = true;
        unescaped_.clear();
    }

    size_t row_count() const { return row_; }

  private:
    static bool without_line_end(Span* record) {
        if (record->size == 0) return false;
        if (record->data[record->size - 1] == '\n') {
            --record->size;
            if (record->size && record->data[record->size - 1] == '\r') --record->size;
            return true;
        }
        return record->data[record->size - 1] != '\r';
    }

    bool split(Span record) {
        const size_t wanted = fields_.size();
        size_t found = 0;
        uint64_t quotes = 0, beyond_ascii = 0;
        const char* start = record.data;
        for (const char* at = record.data; at < record.end();) {
            if (at < window_ || at >= window_end_) mark_window(at);
            const auto offset = static_cast<size_t>(at - window_);
            const size_t first = offset % kMarkedBytes;
            const size_t size = std::min(kMarkedBytes - first, static_cast<size_t>(record.end() - at));
            const uint64_t within = (~uint64_t{0} >> (kMarkedBytes - size)) << first;
            const Marks& marks = marks_[offset / kMarkedBytes];
            quotes |= marks.quotes & within;
            beyond_ascii |= marks.beyond_ascii & within;
            for (uint64_t left = marks.delimiters & within; left; left &= left - 1) {
                if (found + 1 >= wanted) {
                    found = wanted;  // there are more than there must be, unless some are quoted
                    break;
                }
                const char* const end = at - first + lowest_bit(left);
                fields_[found++].texts[count_] = Span{start, static_cast<size_t>(end - start)};
                start = end + 1;
            }
            at += size;
        }
        if (beyond_ascii && !(plan_.is_utf8 && is_utf8(record))) return false;
        if (quotes) return split_quoted(record);
        if (found + 1 != wanted) return false;
        fields_[found].texts[count_] = Span{start, static_cast<size_t>(record.end() - start)};
        return true;
    }

    // Mark the bytes from `at` on: as many as are kept, or up to the end of the content.
    void mark_window(const char* at) {
        const auto size = std::min(static_cast<size_t>(content_end_ - at), kMarkedBytes * kWindowBlocks);
        const size_t whole = size / kMarkedBytes, rest = size % kMarkedBytes;
        mark_blocks(at, whole, plan_.delimiter, marks_);
        if (rest) {
            char copy[kMarkedBytes] = {0};
            std::memcpy(copy, at + kMarkedBytes * whole, rest);
            mark_blocks(copy, 1, plan_.delimiter, marks_ + whole);
        }
        window_ = at;
        window_end_ = at + size;
    }

    bool split_quoted(Span record) {
        const size_t wanted = fields_.size();
        const char* at = record.data;
        const char* const end = record.end();
        for (size_t found = 0; found < wanted; ++found) {
            const bool is_last = found + 1 == wanted;
            Span& text = fields_[found].texts[count_];
            if (at < end && *at == '"') {
                const char* const closed = read_quoted(at + 1, end, &text);
                if (closed == nullptr) return false;
                at = closed + 1;
                if (at == end) return is_last;
                if (is_last || *at != plan_.delimiter) return false;
            } else {
                const char* const field_end = find_byte(at, end, plan_.delimiter);
                if ((field_end == nullptr) != is_last) return false;
                text = Span{at, static_cast<size_t>((is_last ? end : field_end) - at)};
                if (is_last) return true;
                at = field_end;
            }
            ++at;
        }
        return false;
    }

    // Read the field that begins after an opening quote, doubled quotes as one; return its closing quote or null.
    const char* read_quoted(const char* from, const char* end, Span* text) {
        const auto is_doubled = [end](const char* quote) { return quote + 1 < end && quote[1] == '"'; };
        const char* quote = find_byte(from, end, '"');
        if (quote != nullptr && !is_doubled(quote)) {
            *text = Span{from, static_cast<size_t>(quote - from)};
            return quote;
        }
        std::string unescaped;
        while (quote != nullptr && is_doubled(quote)) {
            unescaped.append(from, static_cast<size_t>(quote + 1 - from));
            from = quote + 2;
            quote = find_byte(from, end, '"');
        }
        if (quote == nullptr) return nullptr;
        unescaped.append(from, static_cast<size_t>(quote - from));
        unescaped_.push_back(std::move(unescaped));
        *text = Span{unescaped_.back().data(), unescaped_.back().size()};
        may_read_on_ = false;
        return quote;
    }

    bool is_missing_text(Span text) const {
        return std::any_of(missing_texts_.begin(), missing_texts_.end(), [text](Span missing) {
            return missing.size == text.size && std::memcmp(missing.data, text.data, text.size) == 0;
        });
    }

    // Call `take` with each text that is a value and its number; note those that are missing.
    template <typename Take>
    uint64_t each(const FieldRules& rules, Values& values, Take take) const {
        const bool may_be_empty = may_be_empty_, has_missing_texts = !missing_texts_.empty();
        uint64_t missing = 0, wrong = 0;
        for (size_t index = 0; index < count_; ++index) {
            const Span text = values.texts[index];
            const bool is_missing =
                text.size == 0 ? may_be_empty : has_missing_texts && is_missing_text(text);
            if (is_missing) {
                missing |= bit(index);
            } else if (!take(text, index)) {
                wrong |= bit(index);
            }
        }
        values.missing = missing;
        return rules.is_required ? wrong | missing : wrong;
    }

    // As `each`, with values of one type; what is missing or wrong becomes zero.
    template <typename Value, typename Read>
    uint64_t each_value(const FieldRules& rules, Values& values, Read read) const {
        return each(rules, values, [&](Span text, size_t index) {
            Value value{};
            const bool is_right = read(text, &value);
            std::memcpy(values.values + index * sizeof value, &value, sizeof value);
            return is_right;
        });
    }

    // Type one field of all records of the batch; return a bit for each in which it breaks a rule, or may.
    uint64_t check(const FieldRules& rules, Values& values) const {
        const int64_t lowest = rules.lowest, highest = rules.highest;
        const auto is_within = [=](int64_t value) { return value >= lowest && value <= highest; };
        switch (rules.kind) {
            case Kind::kText:
                return each(rules, values, [&](Span text, size_t) { return keeps_text_rules(rules, text); });
            case Kind::kCode: {
                const bool may_read_on = may_read_on_;
                return each_value<int32_t>(rules, values, [&](Span text, int32_t* code) {
                    *code = rules.known.find(text, may_read_on);
                    return *code >= 0;
                });
            }
            case Kind::kInteger:
                return each_value<int64_t>(rules, values, [&](Span text, int64_t* value) {
                    return read_integer(text, value) && is_within(*value);
                });
            case Kind::kNumber: {
                const double lowest_number = rules.lowest_number, highest_number = rules.highest_number;
                return each_value<double>(rules, values, [&](Span text, double* value) {
                    return read_number(text, value) && *value >= lowest_number && *value <= highest_number;
                });
            }
            case Kind::kBoolean: {
                uint64_t trues = 0;
                const uint64_t wrong = each(rules, values, [&](Span text, size_t index) {
                    bool value = false;
                    const bool is_right = read_boolean(text, &value);
                    trues |= uint64_t{value} << index;
                    return is_right;
                });
                std::memcpy(values.values, &trues, sizeof trues);
                return wrong;
            }
            case Kind::kDate:
                return each_value<int32_t>(rules, values, [&](Span text, int32_t* value) {
                    return read_date(text, value) && is_within(*value);
                });
            case Kind::kMoment:
                return each_value<int64_t>(rules, values, [&](Span text, int64_t* value) {
                    return read_moment(text, value) && is_within(*value);
                });
        }
        return ~uint64_t{0};
    }

    static bool keeps_text_rules(const FieldRules& rules, Span text) {
        const auto size = static_cast<int64_t>(text.size);
        const bool may_be_short = size < 4 * rules.min_length;  // no character has more than four bytes
        if (may_be_short || size > rules.max_length) {
            const auto length = static_cast<int64_t>(character_count(text));
            if (length < rules.min_length || length > rules.max_length) return false;
        }
        if (!rules.pattern.accepting.empty() && !rules.pattern.accepts(text)) return false;
        if (!rules.is_one_line) return true;
        return std::none_of(text.data, text.end(),
                            [](char value) { return value == '\r' || value == '\n' || value == '\0'; });
    }

    // Append one field of the records in `taken` to its column.
    void write(Kind kind, const Values& values, uint64_t taken, Column& column) {
        const uint64_t present = taken & ~values.missing;
        const bool is_all = taken == (count_ == kBatch ? ~uint64_t{0} : bit(count_) - 1);
        put_bits(column.validity, row_, is_all ? present : packed_bits(present, taken));
        column.null_count += __builtin_popcountll(taken & values.missing);
        switch (kind) {
            case Kind::kText:
                return write_texts(values, taken, column);
            case Kind::kCode:
            case Kind::kDate:
                return write_values<int32_t>(values, taken, is_all, column);
            case Kind::kBoolean: {
                uint64_t trues;
                std::memcpy(&trues, values.values, sizeof trues);
                return put_bits(column.values, row_, is_all ? trues : packed_bits(trues, taken));
            }
            default:
                return write_values<int64_t>(values, taken, is_all, column);
        }
    }

    template <typename Value>
    void write_values(const Values& values, uint64_t taken, bool is_all, Column& column) {
        char* to = column.values + row_ * sizeof(Value);
        if (is_all && !values.missing) {
            std::memcpy(to, values.values, count_ * sizeof(Value));
            return;
        }
        for (; taken; taken &= taken - 1, to += sizeof(Value)) {
            const size_t index = lowest_bit(taken);
            if (values.missing & bit(index)) {
                std::memset(to, 0, sizeof(Value));
            } else {
                std::memcpy(to, values.values + index * sizeof(Value), sizeof(Value));
            }
        }
    }

    void write_texts(const Values& values, uint64_t taken, Column& column) {
        char* to = column.values + sizeof(int32_t) * (row_ + 1);
        for (; taken; taken &= taken - 1, to += sizeof(int32_t)) {
            const size_t index = lowest_bit(taken);
            if (!(values.missing & bit(index))) {
                column.text.append(values.texts[index].data, values.texts[index].size);
            }
            const auto end = static_cast<int32_t>(column.text.size());
            std::memcpy(to, &end, sizeof end);
        }
    }

    const Plan& plan_;
    const char* const content_end_;
    std::vector<Column>& columns_;
    bool may_be_empty_ = false;
    std::vector<Span> missing_texts_;  // except the empty one

    // The bytes that are marked.
    const char* window_ = nullptr;
    const char* window_end_ = nullptr;
    Marks marks_[kWindowBlocks];

    // The batch: records that are split and not yet in the columns.
    size_t count_ = 0;
    int64_t indices_[kBatch];
    std::vector<Values> fields_;         // by position in a record
    bool may_read_on_ = true;            // `kReadOn` bytes from the start of each text on are in the content
    std::deque<std::string> unescaped_;  // text that had doubled quotes

    size_t row_ = 0;
};

}  // namespace

size_t read_records(const Plan& plan, Span content, const int64_t* starts, const int64_t* ends,
                    size_t record_count, const uint8_t* is_passed_over, std::vector<Column>& columns,
                    std::vector<int64_t>& rejected) {
    Reader reader(plan, content, columns);
    for (size_t index = 0; index < record_count; ++index) {
        const Span record{content.data + starts[index], static_cast<size_t>(ends[index] - starts[index])};
        if (is_passed_over[index] || !reader.add(record, static_cast<int64_t>(index))) {
            rejected.push_back(static_cast<int64_t>(index));
        }
        if (reader.is_full()) reader.flush(rejected);
    }
    reader.flush(rejected);
    std::sort(rejected.begin(), rejected.end());
    return reader.row_count();
}

}  // namespace batchscore
