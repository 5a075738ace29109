#include "subpixel/dispatch.hpp"

#include <stdexcept>

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

struct Target {
  const char* name;
  bool runs;
  const KernelsF32& (*f32)();
  const WarpKernels& (*warp)();
  const Permuter* permuter;
  const Resizer& (*resizer)();
  const KernelsInt& (*integer)();
  const PictureKernels& (*picture)();
  const KernelsFloat& (*chain_f32)();
  const KernelsFloat& (*chain_bf16)();
};

constexpr Permuter kOneByOne = {0, nullptr, nullptr, false};

#if defined(SUBPIXEL_X86)
// __builtin_cpu_supports asks CPUID and, for the wide registers, XGETBV.
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
// What __builtin_cpu_supports has no name for in every compiler.
unsigned extended_features() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) ? a : 0;
}
bool has_avxvnni() { return has_avx2() && (extended_features() >> 4 & 1); }
bool has_bf16() { return has_avx512() && (extended_features() >> 5 & 1); }

struct Amx {
  bool tile, int8, bf16;
};

// Linux lets a process use tiles once it has asked; elsewhere nobody has seen to what the system wants.
bool tiles_allowed() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, ask, tile_data) == 0;
#else
  return false;
#endif
}

Amx find_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0, low = 0, high = 0;
  if (!has_avx2() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 24 & 1)) return {};
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));  // which has_avx2 has found to be there
  if ((low >> 17 & 3) != 3 || !tiles_allowed()) return {};
  return {true, (d >> 25 & 1) != 0, (d >> 22 & 1) != 0};
}

const Amx& amx_found() {
  static const Amx found = find_amx();
  return found;
}
bool has_amx() { return amx_found().tile && amx_found().int8 && amx_found().bf16; }
#elif defined(SUBPIXEL_ARM)
bool has_i8mm() {
#if defined(__linux__)
  return getauxval(AT_HWCAP2) >> 13 & 1;
#else
  return false;
#endif
}
#endif

std::vector<Target> make_targets() {
  std::vector<Target> list = {
      {"scalar", true, scalar::kernels_f32, scalar::warp_kernels, &kOneByOne, scalar::resizer, scalar::kernels_int,
       scalar::picture_kernels, scalar::chain_f32, scalar::chain_bf16}};
#if defined(SUBPIXEL_X86)
  const Target with_avx2 = {"avx2", has_avx2(), avx2::kernels_f32, avx2::warp_kernels, &avx2::permuter(), avx2::resizer,
                       avx2::kernels_int, avx2::picture_kernels, avx2::chain_f32, avx2::chain_bf16};
  Target with_avxvnni = with_avx2;  // what it adds is for whole numbers only
  with_avxvnni.name = "avxvnni";
  with_avxvnni.runs = has_avxvnni();
  with_avxvnni.integer = avxvnni::kernels_int;
  const Target with_avx512 = {"avx512", has_avx512(), avx512::kernels_f32, avx512::warp_kernels,
                         __builtin_cpu_supports("avx512vbmi") ? &avx512::permuter() : &avx512::permuter_bw(),
                         avx512::resizer, avx512::kernels_int, avx512::picture_kernels, avx512::chain_f32, avx512::chain_bf16};
  Target with_vnni = with_avx512;
  with_vnni.name = "vnni";
  with_vnni.runs = with_avx512.runs && __builtin_cpu_supports("avx512vnni");
  with_vnni.integer = vnni::kernels_int;
  Target with_bf16 = with_vnni;
  with_bf16.name = "bf16";
  with_bf16.runs = with_vnni.runs && has_bf16();
  with_bf16.chain_bf16 = bf16::chain_bf16;
  Target with_amx = with_bf16;
  with_amx.name = "amx";
  with_amx.runs = with_bf16.runs && has_amx();
  with_amx.integer = amx::kernels_int;
  with_amx.chain_bf16 = amx::chain_bf16;
#if defined(SUBPIXEL_AMX_EMULATED)
  Target emulated = with_avx2;
  emulated.name = "amx-emulated";
  emulated.integer = amx_emulated::kernels_int;
  emulated.chain_bf16 = amx_emulated::chain_bf16;
  list.push_back(emulated);
#endif
  list.insert(list.end(), {with_avx2, with_avxvnni, with_avx512, with_vnni, with_bf16, with_amx});
#elif defined(SUBPIXEL_ARM)
  const Target with_neon = {"neon", true, neon::kernels_f32, neon::warp_kernels, &neon::permuter(), neon::resizer,
                            neon::kernels_int, neon::picture_kernels, neon::chain_f32, neon::chain_bf16};
  Target with_i8mm = with_neon;  // what it adds is for whole numbers only
  with_i8mm.name = "i8mm";
  with_i8mm.runs = has_i8mm();
  with_i8mm.integer = i8mm::kernels_int;
  list.insert(list.end(), {with_neon, with_i8mm});
#endif
  return list;
}

// Made once: to ask a processor what it has takes microseconds where it is a virtual one.
const std::vector<Target>& all_targets() {
  static const std::vector<Target> list = make_targets();
  return list;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Target chosen(const std::string& target) {
  const Target* best = nullptr;
  for (const Target& t : all_targets()) {
    if (target.empty() ? t.runs : target == t.name) best = &t;
  }
  if (best == nullptr)
    throw std::invalid_argument("target '" + target + "' is not one of this build; here run: " + joined(targets()));
  if (!best->runs)
    throw std::invalid_argument("target '" + target + "' does not run on this processor; here run: " +
                                joined(targets()));
  return *best;
}

}  // namespace

std::vector<Feature> features() {
  std::vector<Feature> list;
#if defined(SUBPIXEL_X86)
#define SUBPIXEL_FEATURE(name) list.push_back({name, __builtin_cpu_supports(name) != 0})
  SUBPIXEL_FEATURE("sse4.2");
  SUBPIXEL_FEATURE("avx2");
  SUBPIXEL_FEATURE("fma");
  SUBPIXEL_FEATURE("avx512f");
  SUBPIXEL_FEATURE("avx512bw");
  SUBPIXEL_FEATURE("avx512vl");
  SUBPIXEL_FEATURE("avx512vbmi");
  SUBPIXEL_FEATURE("avx512vnni");
  list.push_back({"avx512bf16", has_bf16()});
  list.push_back({"avxvnni", has_avxvnni()});
  list.push_back({"amx-tile", amx_found().tile});
  list.push_back({"amx-int8", amx_found().int8});
  list.push_back({"amx-bf16", amx_found().bf16});
#undef SUBPIXEL_FEATURE
#elif defined(SUBPIXEL_ARM)
  list.push_back({"neon", true});
  list.push_back({"i8mm", has_i8mm()});
#endif
  return list;
}

std::vector<std::string> targets() {
  std::vector<std::string> names;
  for (const Target& t : all_targets())
    if (t.runs) names.emplace_back(t.name);
  return names;
}

const char* target_name(const std::string& target) { return chosen(target).name; }

const KernelsF32& kernels_f32(const std::string& target) { return chosen(target).f32(); }

const WarpKernels& warp_kernels(const std::string& target) { return chosen(target).warp(); }

const KernelsInt& kernels_int(const std::string& target) { return chosen(target).integer(); }

const KernelsFloat& chain_f32(const std::string& target) { return chosen(target).chain_f32(); }

const KernelsFloat& chain_bf16(const std::string& target) { return chosen(target).chain_bf16(); }

const PictureKernels& picture_kernels(const std::string& target) { return chosen(target).picture(); }

const Permuter& permuter_of(const std::string& target) { return *chosen(target).permuter; }

const Resizer& resizer_of(const std::string& target) { return chosen(target).resizer(); }

}  // namespace subpixel
