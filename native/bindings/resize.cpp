// Binds resizing.
#include "subpixel/resize.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <string>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

// The samples of a row are counted in an int, and products of sizes stay below 2^62.
constexpr std::size_t kMaxRow = std::size_t{1} << 31, kMaxSamples = std::size_t{1} << 40;

template <class T>
using Table = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using In = nb::ndarray<nb::ro, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::ndim<4>, nb::c_contig, nb::device::cpu>;

void new_axis(ResizeAxis* self, std::int64_t n_in, Table<int> index, nb::object weight, nb::object outside) {
  const std::size_t n_out = index.shape(0), taps = index.shape(1);
  need(n_in >= 1 && n_out >= 1 && taps >= 1, "an axis has at least one sample and one tap");
  need(n_in < (std::int64_t{1} << 31) && n_out < (std::size_t{1} << 31) && taps < (std::size_t{1} << 30) &&
           n_out * taps < kMaxRow, "an axis or its table is too long");
  ResizeAxis axis(static_cast<int>(n_in), static_cast<int>(n_out), static_cast<int>(taps), index.data());
  const auto fits = [&](const auto& table) {
    need(table.shape(0) == n_out && table.shape(1) == taps, "weights do not fit the indices");
    return table.data();
  };
  Table<float> f32;
  Table<double> f64;
  Table<int> i32;
  if (nb::try_cast(weight, f32, false)) {
    axis.set_weights(fits(f32));
  } else if (nb::try_cast(weight, f64, false)) {
    axis.set_weights(fits(f64));
  } else {
    need(nb::try_cast(weight, i32, false), "weights must be f32, f64 or i32 (n_out, taps)");
    axis.set_weights(fits(i32));
  }
  if (!outside.is_none()) {
    nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu> mask;
    need(nb::try_cast(outside, mask, false) && mask.shape(0) == n_out, "outside must be a bool for each output");
    axis.set_outside(reinterpret_cast<const unsigned char*>(mask.data()));
  }
  new (self) ResizeAxis(std::move(axis));
}

Kind kind_of(const std::string& name) {
  if (name == "uint8") return Kind::u8;
  if (name == "uint16") return Kind::u16;
  if (name == "int16") return Kind::i16;
  if (name == "int32") return Kind::i32;
  if (name == "float32") return Kind::f32;
  need(name == "float64", "a dtype must be uint8, uint16, int16, int32, float32 or float64");
  return Kind::f64;
}

nb::dlpack::dtype dtype_of(Kind kind) {
  switch (kind) {
    case Kind::u8: return nb::dtype<std::uint8_t>();
    case Kind::u16: return nb::dtype<std::uint16_t>();
    case Kind::i16: return nb::dtype<std::int16_t>();
    case Kind::i32: return nb::dtype<std::int32_t>();
    case Kind::f32: return nb::dtype<float>();
    case Kind::f64: break;
  }
  return nb::dtype<double>();
}

ResizeShape shape_of(const In& x, const Out& y, const ResizeAxis* rows, const ResizeAxis* columns) {
  need(rows || columns, "an axis is needed");
  std::size_t in = 1, out = 1;
  for (int k = 0; k < 4; ++k) {
    need(x.shape(k) >= 1 && x.shape(k) < kMaxRow && y.shape(k) < kMaxRow, "a side is 0 or too long");
    need((in *= x.shape(k)) <= kMaxSamples && (out *= y.shape(k)) <= kMaxSamples, "an array is too large");
  }
  need(x.shape(2) * x.shape(3) < kMaxRow && y.shape(2) * y.shape(3) < kMaxRow, "a row is too long");
  const auto becomes = [](std::size_t from, std::size_t to, const ResizeAxis* axis) {
    const std::size_t n_in = axis ? axis->n_in() : from, n_out = axis ? axis->n_out() : from;
    need(from == n_in && to == n_out, "the arrays do not fit the axes");
  };
  becomes(x.shape(0), y.shape(0), nullptr);
  becomes(x.shape(1), y.shape(1), rows);
  becomes(x.shape(2), y.shape(2), columns);
  becomes(x.shape(3), y.shape(3), nullptr);
  return {static_cast<std::ptrdiff_t>(x.shape(0)), static_cast<int>(x.shape(1)), static_cast<int>(x.shape(2)),
          static_cast<int>(x.shape(3))};
}

void check_threads(int threads) { need(threads >= 1, "threads must be at least 1"); }

// With one axis only the first shift is used, and `between` is not.
void resize_array(In x, Out y, const ResizeAxis* rows, const ResizeAxis* columns, bool rows_first,
                  const std::string& between, int first_shift, int last_shift, bool even, double high, double outside,
                  int threads, const std::string& target) {
  check_threads(threads);
  const ResizeShape shape = shape_of(x, y, rows, columns);
  const auto kind_of_array = [](const auto& array) {
    for (Kind kind : {Kind::u8, Kind::u16, Kind::i16, Kind::i32, Kind::f32})
      if (array.dtype() == dtype_of(kind)) return kind;
    need(array.dtype() == dtype_of(Kind::f64), "an array has another dtype than can be resized");
    return Kind::f64;
  };
  const Kind from = kind_of_array(x), to = kind_of_array(y);
  const bool both = rows && columns;
  need(first_shift >= 0 && first_shift < 31 && last_shift >= 0 && last_shift < 31, "a shift must be 0 … 30");
  rows_first = rows_first || !columns;
  ResizePass first{rows_first ? rows : columns, from, both ? kind_of(between) : to, {high, even, outside, first_shift}};
  ResizePass last{rows_first ? columns : rows, first.to, to, {high, even, outside, last_shift}};
  for (const ResizePass* pass : {&first, &last}) {
    if (pass->axis == nullptr) continue;
    need(can_resize(*pass), "no kernel sums these dtypes with these weights");
    need(pass->finish.shift > 0 || pass->axis->sums() != Kind::i32 || pass->to != Kind::u8, "a shift is needed");
  }
  const ResizePass *down = rows_first ? &first : &last, *across = rows_first ? &last : &first;
  nb::gil_scoped_release release;
  resize(shape, rows ? down : nullptr, columns ? across : nullptr, rows_first, x.data(), y.data(), threads, target);
}

void pick_array(In x, Out y, const ResizeAxis* rows, const ResizeAxis* columns, int threads) {
  check_threads(threads);
  const ResizeShape shape = shape_of(x, y, rows, columns);
  need(x.dtype() == y.dtype() && x.dtype() == nb::dtype<std::uint8_t>(), "bytes are copied");
  for (const ResizeAxis* axis : {rows, columns}) need(!axis || axis->taps() == 1, "an axis has more than one tap");
  nb::gil_scoped_release release;
  resize_nearest(shape, 1, rows, columns, x.data(), y.data(), threads);
}

}  // namespace

void bind_resize(nb::module_& m) {
  nb::class_<ResizeAxis>(m, "ResizeAxis",
                         "One axis of a resize: the indices and weights of the samples that make an output sample.")
      .def("__init__", &new_axis, "n_in"_a, "index"_a.noconvert(), "weight"_a, "outside"_a = nb::none());
  m.def("resize", &resize_array, "x"_a, "y"_a.noconvert(), "rows"_a.none(), "columns"_a.none(), "rows_first"_a,
        "between"_a, "first_shift"_a, "last_shift"_a, "even"_a, "high"_a, "outside"_a, "threads"_a, "target"_a,
        "Resizes the rows, the columns or both of x (outer, height, width, channels) to y.");
  m.def("resize_nearest", &pick_array, "x"_a, "y"_a.noconvert(), "rows"_a.none(), "columns"_a.none(), "threads"_a,
        "The same for bytes (outer, height, width, bytes of a sample), copied by axes of one tap.");
}

}  // namespace subpixel
