#pragma once

// What the QR code of an invoice says: enough to tell whether a proof is of this invoice, and where to ask for one.
//
//   tabd:invoice?network=acme%3Atab&operator=0x...&statement=17&entry=1042&root=0x...
//
// or, with an operator's page, https://acme.example/verify?network=... `entry` is the journal's entry that closed the
// window; its proof (`tabctl prove`) has statement and root, under the operator's signature.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace invoice {

struct Reference {
  std::string network;
  base::Address operator_key;
  std::uint64_t statement = 0;
  std::uint64_t entry = 0;
  base::Hash root;
  bool operator==(const Reference&) const = default;
};

// `base`: empty, or an http(s) URL without query and fragment. invalid_argument: it is no such URL.
base::Result<std::string> reference_text(const Reference& reference, std::string_view base);
// Whatever stands before the question mark; members that are not known are ignored. invalid_argument: what is missing.
base::Result<Reference> parse_reference(std::string_view text);

}  // namespace invoice
