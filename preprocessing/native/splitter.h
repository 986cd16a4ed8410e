// Records cut into their fields: a few dozen at once, most of them without a look at any one of them.

#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "marks.h"

namespace batchscore {

// Records whose separators are looked for at once, so that one word has a bit for each.
constexpr size_t kBatch = 64;

// So many bytes from the first of a text on can be read, whatever its size.
constexpr size_t kReadOn = 16;

// The form of the records of one source.
struct Form {
    size_t field_count;  // of a record
    char delimiter;
    bool is_utf8;  // otherwise only records of ASCII are taken
};

// Keep a text among `copies`, so that one can read on after it.
Span kept(std::string text, std::deque<std::string>& copies);

class Splitter {
  public:
    Splitter(const Form& form, Span content);

    // Begin a batch of at most `kBatch` records that all lie in `range`, a part of the content.
    void begin(Span range);

    // Add a record with its line end, records ascending; false if it has not the fields that it must have.
    bool add(Span record);

    // Records of the batch.
    size_t count() const { return count_; }

    // The text of a field of a record of the batch, until the next one begins.
    Span text(size_t field, size_t record) const {
        const uint32_t* const cells = cells_[record] + field;
        const uint32_t start = cells[0] + 1;
        return Span{bases_[record] + start, cells[1] - start};
    }

  private:
    bool add_plain(Span record);
    bool add_copy(Span record);
    bool is_right(Span record) const;
    const char* unquote(const char* from, const char* end, std::string* text) const;

    const Form form_;
    const char* const content_end_;
    Span range_{nullptr, 0};
    Found found_{0, false, true};
    std::unique_ptr<uint32_t[]> memory_;
    uint32_t* const separators_;  // in the range: delimiters and line feeds; before the first, one before the range
    size_t next_ = 0;             // of the separators, that may be the first of the next record

    size_t count_ = 0;
    // By record: where the separators before and after each field are, counted from its base.
    const uint32_t* cells_[kBatch];
    const char* bases_[kBatch];
    std::vector<uint32_t> own_cells_;  // of records whose separators are not those of the range
    std::deque<std::string> copies_;
};

// A range that is larger is not looked at as a whole.
constexpr size_t kRangeBytes = 32 * 1024;

}  // namespace batchscore
