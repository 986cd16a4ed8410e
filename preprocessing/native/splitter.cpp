#include "splitter.h"

#include <algorithm>
#include <limits>

namespace batchscore {
namespace {

constexpr uint32_t kBeforeAll = std::numeric_limits<uint32_t>::max();  // one before position 0

// The bytes of a record before its LF or CR LF; nothing if it has neither and ends with CR.
bool without_line_end(Span* record) {
    if (record->size == 0) return false;
    if (record->data[record->size - 1] == '\n') {
        --record->size;
        if (record->size && record->data[record->size - 1] == '\r') --record->size;
        return true;
    }
    return record->data[record->size - 1] != '\r';
}

}  // namespace

Span kept(std::string text, std::deque<std::string>& copies) {
    const size_t size = text.size();
    text.append(kReadOn, '\0');
    copies.push_back(std::move(text));
    return Span{copies.back().data(), size};
}

Splitter::Splitter(const Form& form, Span content)
    : form_(form),
      content_end_(content.end()),
      memory_(new uint32_t[1 + kRangeBytes + kSparePositions]),
      separators_(memory_.get() + 1),
      own_cells_(kBatch * (form.field_count + 1)) {
    memory_[0] = kBeforeAll;
}

void Splitter::begin(Span range) {
    count_ = next_ = 0;
    copies_.clear();
    range_ = range;
    const Span looked_at{range.data, range.size <= kRangeBytes ? range.size : 0};
    found_ = find_wanted(looked_at, Wanted{form_.delimiter, '\n'}, separators_);
}

bool Splitter::add(Span record) {
    if (!is_right(record)) return false;
    const bool may_read_on = static_cast<size_t>(content_end_ - record.end()) >= kReadOn;
    if (!(may_read_on && add_plain(record)) && !add_copy(record)) return false;
    ++count_;
    return true;
}

// Whether the text of a record may be taken as it is.
bool Splitter::is_right(Span record) const {
    if (found_.is_ascii && range_.size <= kRangeBytes) return true;
    if (form_.is_utf8) return is_utf8(record);
    return std::all_of(record.data, record.end(), [](char value) { return static_cast<unsigned char>(value) < 0x80; });
}

// Take the separators of the range for those of a record; false if they are not.
bool Splitter::add_plain(Span record) {
    if (record.size == 0 || range_.size > kRangeBytes) return false;
    const auto start = static_cast<uint32_t>(record.data - range_.data);
    const uint32_t last = start + static_cast<uint32_t>(record.size) - 1;
    while (next_ < found_.count && separators_[next_] < start) ++next_;
    const size_t at_end = next_ + form_.field_count - 1;
    const uint32_t* const cells = separators_ + next_ - 1;
    if (at_end >= found_.count || separators_[at_end] != last || cells[0] + 1 != start) return false;
    if (record.data[record.size - 1] != '\n') return false;
    if (found_.has_quotes && find_byte(record.data, record.end(), '"') != nullptr) return false;
    next_ = at_end + 1;
    bases_[count_] = range_.data;
    cells_[count_] = cells;
    if (record.size > 1 && record.data[record.size - 2] == '\r') {
        uint32_t* const own = own_cells_.data() + count_ * (form_.field_count + 1);
        std::copy(cells, cells + form_.field_count + 1, own);
        --own[form_.field_count];
        cells_[count_] = own;
    }
    return true;
}

// Copy the texts of a record, those in quotes without them.
bool Splitter::add_copy(Span record) {
    if (!without_line_end(&record)) return false;
    std::string texts;
    texts.reserve(record.size + form_.field_count + kReadOn);
    uint32_t* const own = own_cells_.data() + count_ * (form_.field_count + 1);
    own[0] = kBeforeAll;
    const char* at = record.data;
    const char* const end = record.end();
    for (size_t field = 1; field <= form_.field_count; ++field) {
        const bool is_last = field == form_.field_count;
        const char* field_end;
        if (at < end && *at == '"') {
            field_end = unquote(at + 1, end, &texts);
            if (field_end == nullptr) return false;
            if (field_end < end ? *field_end != form_.delimiter : !is_last) return false;
        } else {
            field_end = find_byte(at, end, form_.delimiter);
            if (field_end == nullptr) field_end = end;
            texts.append(at, static_cast<size_t>(field_end - at));
        }
        if ((field_end == end) != is_last) return false;
        own[field] = static_cast<uint32_t>(texts.size());
        texts.push_back(form_.delimiter);
        at = field_end + 1;
    }
    bases_[count_] = kept(std::move(texts), copies_).data;
    cells_[count_] = own;
    return true;
}

// Append the field that begins after an opening quote, doubled quotes as one; return what follows it, or null.
const char* Splitter::unquote(const char* from, const char* end, std::string* text) const {
    while (true) {
        const char* const quote = find_byte(from, end, '"');
        if (quote == nullptr) return nullptr;
        const bool is_doubled = quote + 1 < end && quote[1] == '"';
        text->append(from, static_cast<size_t>(quote - from) + is_doubled);
        if (!is_doubled) return quote + 1;
        from = quote + 2;
    }
}

}  // namespace batchscore
