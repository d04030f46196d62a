#include "prune/static_heads.h"

#include "analysis/kv_groups.h"
#include "studyfile/store_check.h"

namespace idleheads {
HeadMask to_mask(const FixedHeads& fixed, int layers, int heads) {
  HeadMask mask(layers, heads);
  for (const HeadId id : fixed.heads) mask.set(id.layer, id.head, true);
  return mask;
}

FixedHeads static_heads(const HeadFrequency& frequency, double at_least, std::optional<int> kv_heads) {
  HeadMask mask(frequency.shape);
  for (const HeadId id : frequency.shape.present())
    mask.set(id.layer, id.head, frequency.share(id) >= at_least);
  const HeadMask groups = kv_heads ? groups_off(mask, *kv_heads) : mask;
  const int members = frequency.heads / groups.heads();
  FixedHeads out;
  for (const HeadId id : frequency.shape.present()) {
    if (groups.off(id.layer, kv_heads ? id.head / members : id.head)) out.heads.push_back(id);
  }
  return out;
}

std::optional<ModelSizes> sizes_of(const Settings& settings) {
  constexpr int64_t kMost = int64_t{1} << 50;
  const auto layers = count_setting(settings, "model.layers"), heads = count_setting(settings, "model.heads"),
             kv_heads = count_setting(settings, "model.kv_heads"),
             dim = count_setting(settings, "info.head_dim"), hidden = count_setting(settings, "info.hidden"),
             parameters = count_setting(settings, "info.parameters", kMost),
             active = count_setting(settings, "info.active_parameters", kMost);
  if (!layers || !heads || !kv_heads || !dim || !hidden || !parameters || !active || *heads % *kv_heads != 0)
    return std::nullopt;
  return ModelSizes{static_cast<int>(*layers),
                    static_cast<int>(*heads),
                    static_cast<int>(*kv_heads),
                    static_cast<int>(*dim),
                    *hidden,
                    *parameters,
                    *active};
}

MaskPrice price_of(const HeadMask& mask, const ModelSizes& sizes, int64_t context) {
  MaskPrice price;
  price.heads = mask.count();
  price.groups = groups_off(mask, sizes.kv_heads).count();
  price.parameters = 2 * (price.heads + price.groups) * sizes.head_dim * sizes.hidden;
  price.kv_bytes = kv_bytes(static_cast<double>(price.groups), sizes.head_dim);
  // A parameter is a multiplication and an addition; so is each element of a key or value that is read.
  const auto reading = [&](double heads) {
    return 4 * heads * sizes.head_dim * static_cast<double>(context);
  };
  const double all = 2 * static_cast<double>(sizes.active_parameters) + reading(sizes.layers * sizes.heads);
  price.flops = (2 * static_cast<double>(price.parameters) + reading(static_cast<double>(price.heads))) / all;
  return price;
}

}  // namespace idleheads
