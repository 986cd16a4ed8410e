#include "known_texts.h"

#include <algorithm>

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
        if (lay_out()) {
            note_sizes();
            return;
        }
        multiplier_ = multiplier_ * 6364136223846793005u + 1442695040888963407u;
        multiplier_ |= 1;
    }
    lay_out();
}

void KnownTexts::note_sizes() {
    size_t shortest = 1, longest = 1;
    for (const std::string& text : texts_) {
        shortest = std::min(shortest, text.size());
        longest = std::max(longest, text.size());
    }
    longest_brief_ = shortest > 0 && longest <= 16 ? longest : 0;
}

// Put each text where `find` looks for it; true if each has its first place.
bool KnownTexts::lay_out() {
    std::fill(slots_.begin(), slots_.end(), Slot{Words{0, 0}, ~uint64_t{0}, -1});
    bool is_perfect = true;
    for (size_t number = 0; number < texts_.size(); ++number) {
        std::string readable = texts_[number];
        readable.append(8, '\0');
        const Span text{readable.data(), texts_[number].size()};
        const Words words = text.size ? words_of(text) : Words{0, 0};
        size_t slot = slot_of(words);
        while (slots_[slot].number >= 0) {
            is_perfect = false;
            slot = (slot + 1) & (slots_.size() - 1);
        }
        slots_[slot] = Slot{words, texts_[number].size(), static_cast<int32_t>(number)};
    }
    return is_perfect;
}

}  // namespace batchscore
