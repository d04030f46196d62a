#include "report/figures/drawing.h"

namespace idleheads::figure {
namespace {

std::vector<Place> corners_of(const Box& box) {
  return {{box.left, box.top}, {box.right, box.top}, {box.right, box.bottom}, {box.left, box.bottom}};
}

}  // namespace

void Drawing::add(Shape shape) { shapes.push_back(std::move(shape)); }

Area rectangle(const Box& box, Color fill) { return {corners_of(box), fill}; }

Line outline(const Box& box, Color color, double width) {
  std::vector<Place> places = corners_of(box);
  places.push_back(places.front());
  return {std::move(places), color, width};
}

}  // namespace idleheads::figure
