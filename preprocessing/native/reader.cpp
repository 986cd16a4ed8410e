#include "reader.h"

#include <algorithm>
#include <deque>

#include "typed_field.h"

namespace batchscore {

size_t value_bytes(const FieldRules& rules, size_t record_count) {
    switch (rules.kind) {
        case Kind::kText:
            return 4 * (record_count + 1);
        case Kind::kCode:
            return code_bytes(rules.known.size()) * record_count;
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

class Reader {
  public:
    Reader(const Plan& plan, Span content, std::vector<Column>& columns)
        : plan_(plan), columns_(columns), splitter_(plan.form, content), values_(plan.fields.size()) {
        for (const std::string& text : plan.missing_texts) missing_texts_.push_back(kept(text, missing_copies_));
        for (const FieldRules& rules : plan.fields) may_be_taken_.push_back(takes_a_missing_text(rules));
    }

    // Begin a batch of records that all lie in `range`.
    void begin(Span range) {
        count_ = 0;
        splitter_.begin(range);
    }

    // Add a record to the batch; false if it has not the fields that it must have.
    bool add(Span record, int64_t index) {
        if (!splitter_.add(record)) return false;
        indices_[count_++] = index;
        return true;
    }

    // Put the records of the batch that keep all rules into the columns, the others among the rejected.
    void flush(std::vector<int64_t>& rejected) {
        uint64_t wrong = 0;
        for (size_t index = 0; index < plan_.fields.size(); ++index) wrong |= check(index);
        const uint64_t taken = batch_bits() & ~wrong;
        for (size_t index = 0; index < plan_.fields.size(); ++index) {
            if (plan_.fields[index].is_kept) write(plan_.fields[index], values_[index], taken, columns_[index]);
        }
        for (uint64_t left = wrong; left; left &= left - 1) rejected.push_back(indices_[lowest_bit(left)]);
        row_ += bit_count(taken);
    }

    size_t row_count() const { return row_; }

  private:
    bool is_missing(Span text) const {
        return std::any_of(missing_texts_.begin(), missing_texts_.end(), [text](Span missing) {
            return missing.size == text.size && std::memcmp(missing.data, text.data, text.size) == 0;
        });
    }

    // Whether `type_texts` finds a value in a text that stands for none.
    bool takes_a_missing_text(const FieldRules& rules) const {
        Values values;
        return std::any_of(missing_texts_.begin(), missing_texts_.end(), [&](Span missing) {
            return type_texts(rules, values, 1, [missing](size_t) { return missing; }) == 0;
        });
    }

    // Type one field of all records of the batch; return a bit for each in which it breaks a rule, or may.
    uint64_t check(size_t field) {
        const FieldRules& rules = plan_.fields[field];
        const auto text_of = [this, position = rules.position](size_t index) { return splitter_.text(position, index); };
        const uint64_t wrong = type_texts(rules, values_[field], count_, text_of);
        uint64_t missing = 0;
        for (uint64_t left = may_be_taken_[field] ? batch_bits() : wrong; left; left &= left - 1) {
            if (is_missing(text_of(lowest_bit(left)))) missing |= left & (~left + 1);
        }
        values_[field].missing = missing;
        return rules.is_required ? wrong | missing : wrong & ~missing;
    }

    // A bit for each record of the batch.
    uint64_t batch_bits() const { return count_ == kBatch ? ~uint64_t{0} : bit(count_) - 1; }

    // Append one field of the records in `taken` to its column.
    void write(const FieldRules& rules, const Values& values, uint64_t taken, Column& column) {
        const uint64_t present = taken & ~values.missing;
        const bool is_all = taken == batch_bits();
        put_bits(column.validity, row_, is_all ? present : packed_bits(present, taken));
        if (values.missing) column.null_count += static_cast<int64_t>(bit_count(taken & values.missing));
        switch (rules.kind) {
            case Kind::kText:
                return write_texts(rules.position, values.missing, taken, column);
            case Kind::kCode:
                switch (code_bytes(rules.known.size())) {
                    case 1:
                        return write_values<int8_t>(values, taken, is_all, column);
                    case 2:
                        return write_values<int16_t>(values, taken, is_all, column);
                    default:
                        return write_values<int32_t>(values, taken, is_all, column);
                }
            case Kind::kDate:
                return write_values<int32_t>(values, taken, is_all, column);
            case Kind::kBoolean: {
                uint64_t trues;
                std::memcpy(&trues, values.values, sizeof trues);
                trues &= ~values.missing;
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

    void write_texts(size_t position, uint64_t missing, uint64_t taken, Column& column) {
        size_t added = 0;
        for (size_t index = 0; index < count_; ++index) added += splitter_.text(position, index).size;
        if (column.text.size() < column.text_bytes + added + kReadOn) {
            column.text.resize(2 * column.text.size() + added + kReadOn);
        }
        char* to = column.values + sizeof(int32_t) * (row_ + 1);
        char* const text_begin = column.text.data();
        char* text_end = text_begin + column.text_bytes;
        for (; taken; taken &= taken - 1, to += sizeof(int32_t)) {
            const size_t index = lowest_bit(taken);
            if (!(missing & bit(index))) {
                const Span text = splitter_.text(position, index);
                std::memcpy(text_end, text.data, kReadOn);
                if (text.size > kReadOn) std::memcpy(text_end + kReadOn, text.data + kReadOn, text.size - kReadOn);
                text_end += text.size;
            }
            const auto end = static_cast<int32_t>(text_end - text_begin);
            std::memcpy(to, &end, sizeof end);
        }
        column.text_bytes = static_cast<size_t>(text_end - text_begin);
    }

    const Plan& plan_;
    std::vector<Column>& columns_;
    Splitter splitter_;
    std::deque<std::string> missing_copies_;
    std::vector<Span> missing_texts_;
    std::vector<bool> may_be_taken_;  // by field: whether a text that is missing may look like a value

    // The batch: records that are split and not yet in the columns.
    size_t count_ = 0;
    int64_t indices_[kBatch];
    std::vector<Values> values_;  // by field

    size_t row_ = 0;
};

// How many of the records from `first` on are read at once: so many lie in a small part of the content.
size_t batch_size(const int64_t* starts, const int64_t* ends, size_t first, size_t record_count) {
    size_t end = first + 1;
    const auto is_near = [&](size_t index) { return ends[index] - starts[first] <= int64_t{kRangeBytes}; };
    while (end < record_count && end - first < kBatch && is_near(end)) ++end;
    return end - first;
}

}  // namespace

size_t read_records(const Plan& plan, Span content, const int64_t* starts, const int64_t* ends,
                    size_t record_count, const uint8_t* is_passed_over, std::vector<Column>& columns,
                    std::vector<int64_t>& rejected) {
    Reader reader(plan, content, columns);
    for (size_t index = 0; index < record_count;) {
        const size_t end = index + batch_size(starts, ends, index, record_count);
        const auto size_of = [&](size_t last) { return static_cast<size_t>(ends[last] - starts[index]); };
        reader.begin(Span{content.data + starts[index], size_of(end - 1)});
        for (; index < end; ++index) {
            const Span record{content.data + starts[index], size_of(index)};
            if (is_passed_over[index] || !reader.add(record, static_cast<int64_t>(index))) {
                rejected.push_back(static_cast<int64_t>(index));
            }
        }
        reader.flush(rejected);
    }
    std::sort(rejected.begin(), rejected.end());
    return reader.row_count();
}

}  // namespace batchscore
