// The texts that a field may have, to be found by their bytes.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bytes.h"

namespace batchscore {

// The first and the last eight bytes of a text; of a shorter one, twice all that it has.
struct Words {
    uint64_t first;
    uint64_t last;
};

inline Words words_of(Span text) {
    const size_t reach = text.size < 8 ? 8 : text.size;
    const size_t unused_bits = 8 * (reach - text.size) % 64;  // at the end of both; those of no text at all stay
    Words words;
    std::memcpy(&words.first, text.data, 8);
    std::memcpy(&words.last, text.data + reach - 8, 8);
    return Words{words.first << unused_bits, words.last << unused_bits};
}

class KnownTexts {
  public:
    // Texts are numbered as they are added; of equal ones the first counts.
    void add(std::string text);
    // To be called when all are added.
    void finish();

    size_t size() const { return texts_.size(); }

    // Whether all are of 1 to 8 bytes, or 1 to 16, and each is in the place where it is looked for.
    bool are_short() const { return longest_brief_ != 0 && longest_brief_ <= 8; }
    bool are_brief() const { return longest_brief_ != 0; }

    struct Slot {
        Words words;
        uint64_t size;
        int32_t number;  // -1: there is no text here
    };

    // Finds texts without a branch: nobody can tell which of them comes next.
    struct Finder {
        const Slot* slots;
        uint64_t multiplier;
        int shift;

        // The number of a text, or -1, where all are short.
        int32_t find_short(Span text) const {
            uint64_t first;
            std::memcpy(&first, text.data, 8);
            first <<= (64 - 8 * text.size) % 64;
            const Slot& known = slots[(first ^ (first >> 3)) * multiplier >> shift];
            return number_if(known, (known.size ^ text.size) | (known.words.first ^ first));
        }

        // The number of a text, or -1, where all are brief.
        int32_t find_brief(Span text) const {
            const Words words = words_of(text);
            const Slot& known = slots[(words.first ^ (words.last >> 3)) * multiplier >> shift];
            return number_if(known, (known.size ^ text.size) | (known.words.first ^ words.first) |
                                        (known.words.last ^ words.last));
        }

        static int32_t number_if(const Slot& known, uint64_t difference) {
            return known.number | -static_cast<int32_t>(difference != 0);
        }
    };

    Finder finder() const { return Finder{slots_.data(), multiplier_, shift_}; }

    // The number of `text`, or -1.
    int32_t find(Span text) const {
        const Words words = text.size ? words_of(text) : Words{0, 0};
        for (size_t slot = slot_of(words);; slot = (slot + 1) & (slots_.size() - 1)) {
            const Slot& known = slots_[slot];
            if (known.number < 0) return -1;
            if (known.size != text.size || known.words.first != words.first ||
                known.words.last != words.last) {
                continue;
            }
            const std::string& whole = texts_[static_cast<size_t>(known.number)];
            if (text.size > 16 && std::memcmp(whole.data(), text.data, text.size) != 0) continue;
            return known.number;
        }
    }

  private:
    size_t slot_of(Words words) const {
        return static_cast<size_t>((words.first ^ (words.last >> 3)) * multiplier_ >> shift_);
    }

    bool lay_out();
    void note_sizes();

    std::vector<std::string> texts_;
    std::vector<Slot> slots_;
    uint64_t multiplier_ = 0xD6E8FEB86659FD93u;
    int shift_ = 62;
    size_t longest_brief_ = 0;  // 0: they are not to be found without a branch
};

}  // namespace batchscore
