// Compares how bytes are marked and found with a look at each byte, on whatever processor this is built for:
// `make test-arm` builds it for ARM and runs it in QEMU. It ends with 1 at the first difference.

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "../../preprocessing/native/marks.h"

namespace {

using namespace batchscore;

// Mostly bytes that mean something, in texts of every length around those that are looked at in one piece.
std::string made_text(std::mt19937& random) {
    const char meaning[] = {',', '\n', '"', 'a', '\x7f', '\x80', '\xff', '\0'};
    std::string text(random() % 700, ' ');
    for (char& value : text) {
        value = random() % 3 ? meaning[random() % sizeof meaning] : static_cast<char>(random() % 256);
    }
    return text;
}

bool is_marked_right(const std::string& text, Wanted wanted) {
    const size_t block_count = text.size() / kMarkedBytes;
    std::vector<Marks> marks(block_count);
    mark_blocks(text.data(), block_count, wanted, marks.data());
    for (size_t index = 0; index < block_count * kMarkedBytes; ++index) {
        const char value = text[index];
        const Marks& found = marks[index / kMarkedBytes];
        const auto has = [index](uint64_t bits) { return (bits >> (index % kMarkedBytes) & 1) != 0; };
        if (has(found.wanted) != (value == wanted.first || value == wanted.second)) return false;
        if (has(found.quotes) != (value == '"')) return false;
        if (has(found.beyond_ascii) != (static_cast<unsigned char>(value) >= 0x80)) return false;
    }
    return true;
}

bool is_found_right(const std::string& text, Wanted wanted) {
    std::vector<uint32_t> positions(text.size() + kSparePositions);
    const Found found = find_wanted(Span{text.data(), text.size()}, wanted, positions.data());
    size_t count = 0;
    bool has_quotes = false, is_ascii = true;
    for (size_t index = 0; index < text.size(); ++index) {
        const char value = text[index];
        has_quotes |= value == '"';
        is_ascii &= static_cast<unsigned char>(value) < 0x80;
        if (value != wanted.first && value != wanted.second) continue;
        if (count >= found.count || positions[count] != index) return false;
        ++count;
    }
    return count == found.count && has_quotes == found.has_quotes && is_ascii == found.is_ascii;
}

}  // namespace

int main() {
    std::mt19937 random(7);
    constexpr int kTexts = 20000;
    for (int number = 0; number < kTexts; ++number) {
        const std::string text = made_text(random);
        const Wanted wanted{random() % 2 ? ',' : ';', '\n'};
        if (!is_marked_right(text, wanted) || !is_found_right(text, wanted)) {
            std::printf("text %d of %zu bytes is marked or found otherwise\n", number, text.size());
            return 1;
        }
    }
    std::printf("%d texts marked and searched, no byte differs\n", kTexts);
    return 0;
}
