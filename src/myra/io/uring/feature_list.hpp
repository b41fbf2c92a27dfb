// The lines of a probe, as its parts add them.
#pragma once

#include "myra/io/capabilities.hpp"

namespace myra::io {

class feature_list {
 public:
  explicit feature_list(capabilities& to) noexcept : to_(to) {}

  void used_if(bool wanted, const char* name, const char* for_what) {
    to_.features.push_back({name, wanted ? feature_state::used : feature_state::available,
                            wanted ? for_what : "switched off by its option"});
  }
  /// Used, and else either there (and why it is not used) or not (and why not).
  void used_or(bool used, const char* name, const char* for_what, bool there,
               const char* unused_because, const char* absent_because) {
    if (used)
      to_.features.push_back({name, feature_state::used, for_what});
    else
      available_if(there, name, unused_because, absent_because);
  }
  /// Of what is wanted, there, and does harm on this kernel.
  void avoid(const char* name, const std::string& why) {
    for (feature& listed : to_.features)
      if (listed.name == name && listed.state != feature_state::absent)
        listed = {name, feature_state::available, why};
  }
  void available_if(bool there, const char* name, const char* unused_because,
                    const char* absent_because) {
    to_.features.push_back({name, there ? feature_state::available : feature_state::absent,
                            there ? unused_because : absent_because});
  }

 private:
  capabilities& to_;
};

}  // namespace myra::io
