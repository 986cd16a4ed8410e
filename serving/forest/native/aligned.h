// Memory that begins with a cache line, and bits that change places in it.

#ifndef BATCHSCORE_FOREST_ALIGNED_H
#define BATCHSCORE_FOREST_ALIGNED_H

#include <cstddef>
#include <cstdint>
#include <memory>

// Compilers make slower loops of these functions where they put them into one.
#define BATCHSCORE_APART __attribute__((noinline))

namespace batchscore {
namespace {

constexpr size_t kLineBytes = 64;

// Memory whose start is the start of a cache line.
template <typename Value>
class Aligned {
  public:
    explicit Aligned(size_t count)
        : memory_(new char[count * sizeof(Value) + kLineBytes]),
          start_(reinterpret_cast<Value*>(
              (reinterpret_cast<uintptr_t>(memory_.get()) + kLineBytes - 1) / kLineBytes * kLineBytes
          )) {}
    Value* get() const { return start_; }

  private:
    std::unique_ptr<char[]> memory_;
    Value* start_;
};

template <int Distance, typename Bits>
void exchange(Bits* words, uint32_t mask) {
    for (int at = 0; at < 8; ++at) {
        if (at & Distance) continue;
        const Bits differing = (words[at] >> Distance ^ words[at + Distance]) & mask;
        words[at + Distance] ^= differing;
        words[at] ^= differing << Distance;
    }
}

// Bit 8j + c of plane b becomes bit b of byte j of word c: 8 x 8 bits in each byte of each lane.
template <typename Bits, int Planes>
void transpose(const Bits* planes, Bits* words) {
    for (int at = 0; at < 8; ++at) words[at] = at < Planes ? planes[at] : Bits{};
    exchange<4>(words, 0x0f0f0f0fu);
    exchange<2>(words, 0x33333333u);
    exchange<1>(words, 0x55555555u);
}

}  // namespace
}  // namespace batchscore

#endif
