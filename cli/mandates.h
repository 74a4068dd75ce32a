#pragma once

// Mandates as options and as JSON: shared by `tabctl mandate` and `tabctl sign`.

#include "cli/command.h"

namespace cli {

struct MandateOptions {
  std::string agent;
  std::string asset;
  std::string cap;
  std::string period = "total";
  std::vector<std::string> payees;
  std::string valid_after = "0";
  std::string valid_before = "never";
  std::string nonce;  // empty: the time in microseconds, so that a later mandate wins
};
void define_mandate(CLI::App& app, MandateOptions& options, bool required);

struct SignedMandate {
  commitments::tab::Mandate mandate;
  base::Signature signature;
};
Result<SignedMandate> sign_mandate(const crypto::SecretKey& payer, const commitments::tab::Domain& domain,
                                   const AssetBook& assets, const MandateOptions& options, base::Time now);
// What `tabctl mandate sign` prints.
Json signed_mandate_json(const SignedMandate& mandate, const AssetBook& assets);
Result<SignedMandate> read_mandate_file(const std::string& path, const AssetBook& assets);

// Where signed text comes from: the daemon's public facts, or the command line alone.
struct OfflineOptions {
  std::string network;
  std::string asset_text;
  std::uint16_t scale = 6;
};
void define_offline(CLI::App& app, OfflineOptions& options);
struct SigningFacts {
  commitments::tab::Domain domain;
  AssetBook assets;
};
// Asks the daemon unless both network and asset text are given.
Result<SigningFacts> signing_facts(Context& context, const OfflineOptions& options);

struct SignMandateOptions {
  MandateOptions mandate;
  OfflineOptions offline;
};
void define_sign_mandate(CLI::App& app, SignMandateOptions& options);
Outcome sign_mandate_command(Context& context, const SignMandateOptions& options);

}  // namespace cli
