// Detects processor features: CPUID and XCR0 on x86, the kernel's capability words on ARM.
#include "subpixel/cpu.hpp"

#include <cstdint>

#if defined(SUBPIXEL_X86)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(SUBPIXEL_ARM) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace subpixel {
namespace {

#if defined(SUBPIXEL_X86)

enum class Leaf { basic, extended, extended1, count };
constexpr unsigned kLeaves[][2] = {{1, 0}, {7, 0}, {7, 1}};  // leaf, subleaf
enum class Register { eax, ebx, ecx, edx };

struct CpuidBit {
  Leaf leaf;
  Register in;
  unsigned bit;
};

constexpr CpuidBit kOsxsave{Leaf::basic, Register::ecx, 27};

// The registers that the system must save: bits of XCR0 (Intel SDM volume 1, section 13.3).
constexpr std::uint32_t kNone = 0, kYmm = 0x6, kTiles = 3u << 17;
#if defined(__APPLE__)
constexpr std::uint32_t kZmm = kYmm;  // Darwin enables the others when they are first used
#else
constexpr std::uint32_t kZmm = 0xe6;
#endif

struct Detection {
  Feature feature;
  const char* name;  // null: not reported
  CpuidBit cpuid;
  std::uint32_t state;
};

constexpr Detection kDetections[] = {
    {Feature::sse42, "sse4.2", {Leaf::basic, Register::ecx, 20}, kNone},
    {Feature::avx2, "avx2", {Leaf::extended, Register::ebx, 5}, kYmm},
    {Feature::fma, "fma", {Leaf::basic, Register::ecx, 12}, kYmm},
    {Feature::avx512f, "avx512f", {Leaf::extended, Register::ebx, 16}, kZmm},
    {Feature::avx512bw, "avx512bw", {Leaf::extended, Register::ebx, 30}, kZmm},
    {Feature::avx512dq, nullptr, {Leaf::extended, Register::ebx, 17}, kZmm},  // every processor with BW has it
    {Feature::avx512vl, "avx512vl", {Leaf::extended, Register::ebx, 31}, kZmm},
    {Feature::avx512vbmi, "avx512vbmi", {Leaf::extended, Register::ecx, 1}, kZmm},
    {Feature::avx512vnni, "avx512vnni", {Leaf::extended, Register::ecx, 11}, kZmm},
    {Feature::avx512bf16, "avx512bf16", {Leaf::extended1, Register::eax, 5}, kZmm},
    {Feature::avxvnni, "avxvnni", {Leaf::extended1, Register::eax, 4}, kYmm},
    {Feature::amx_tile, "amx-tile", {Leaf::extended, Register::edx, 24}, kTiles},
    {Feature::amx_int8, "amx-int8", {Leaf::extended, Register::edx, 25}, kTiles},
    {Feature::amx_bf16, "amx-bf16", {Leaf::extended, Register::edx, 22}, kTiles},
};

// The leaves in use, read once: in a virtual machine each CPUID takes microseconds.
class Cpuid {
 public:
  Cpuid() {
    for (int k = 0; k < kCount; ++k) {
      unsigned* r = registers_[k];
      __get_cpuid_count(kLeaves[k][0], kLeaves[k][1], &r[0], &r[1], &r[2], &r[3]);
    }
  }
  bool has(const CpuidBit& b) const {
    return (registers_[static_cast<int>(b.leaf)][static_cast<int>(b.in)] >> b.bit & 1) != 0;
  }

 private:
  static constexpr int kCount = static_cast<int>(Leaf::count);
  unsigned registers_[kCount][4] = {};  // zeros where the processor has no such leaf
};

std::uint32_t saved_state(const Cpuid& cpuid) {
  if (!cpuid.has(kOsxsave)) return 0;
  std::uint32_t low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Linux lets a process use tiles after it has asked for them. What other systems require is unknown.
bool request_tiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
#else
  return false;
#endif
}

std::uint32_t detect() {
  const Cpuid cpuid;
  const std::uint32_t saved = saved_state(cpuid);
  std::uint32_t found = 0;
  for (const Detection& d : kDetections) {
    if (!cpuid.has(d.cpuid) || (saved & d.state) != d.state) continue;
    if (d.state == kTiles && !request_tiles()) continue;
    found |= 1u << static_cast<int>(d.feature);
  }
  return found;
}

#elif defined(SUBPIXEL_ARM)

constexpr unsigned long kHwcap2I8mm = 1ul << 13;  // HWCAP2_I8MM of <asm/hwcap.h>

struct Detection {
  Feature feature;
  const char* name;
};
constexpr Detection kDetections[] = {{Feature::neon, "neon"}, {Feature::i8mm, "i8mm"}};

std::uint32_t detect() {
  std::uint32_t found = 1u << static_cast<int>(Feature::neon);  // every 64-bit ARM has it
#if defined(__linux__)
  if (getauxval(AT_HWCAP2) & kHwcap2I8mm) found |= 1u << static_cast<int>(Feature::i8mm);
#endif
  return found;
}

#else

struct Detection {
  Feature feature;
  const char* name;
};
constexpr Detection kDetections[] = {{Feature::sse42, nullptr}};

std::uint32_t detect() { return 0; }

#endif

}  // namespace

bool has(Feature feature) {
  static const std::uint32_t found = detect();  // a bit for each feature
  return (found >> static_cast<int>(feature) & 1) != 0;
}

std::vector<FeatureReport> features() {
  std::vector<FeatureReport> list;
  for (const Detection& d : kDetections)
    if (d.name != nullptr) list.push_back({d.name, has(d.feature)});
  return list;
}

}  // namespace subpixel
