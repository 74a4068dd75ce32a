#pragma once

// What the QR code of an invoice or credit note says: enough to tell whether a proof is of it, and where to ask for
// one.
//
//   tabd:invoice?network=acme%3Atab&operator=0x...&statement=17&entry=1042&root=0x...
//   tabd:credit-note?network=acme%3Atab&operator=0x...&note=CN-000007&statement=17&entry=1057&net=1000&tax=190
//
// or, with an operator's page, https://acme.example/verify?network=... `entry` is the journal's entry that closed the
// window; its proof (`tabctl prove`) has statement and root, under the operator's signature. Of a credit note it is the
// entry that made it, and has all the rest: net and tax in the asset's smallest ledger units; statement 0 is goodwill.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.h"
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

struct NoteReference {
  std::string network;
  base::Address operator_key;
  std::string note;
  std::uint64_t statement = 0;
  std::uint64_t entry = 0;
  base::Amount net, tax;
  bool operator==(const NoteReference&) const = default;
};

// `base`: empty, or an http(s) URL without query and fragment. invalid_argument: it is no such URL.
base::Result<std::string> reference_text(const Reference& reference, std::string_view base);
base::Result<std::string> reference_text(const NoteReference& reference, std::string_view base);
// Whatever stands before the question mark; members that are not known are ignored. invalid_argument: what is missing.
base::Result<Reference> parse_reference(std::string_view text);
// Whether it is of a credit note; if so, parse_note_reference reads it.
bool is_note_reference(std::string_view text);
base::Result<NoteReference> parse_note_reference(std::string_view text);

}  // namespace invoice
