#include "base/text.h"
#include "cli/command.h"
#include "cli/entry_text.h"
#include "cli/files.h"
#include "cli/items.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"
#include "invoice/reference.h"
#include "ledger/proof/proof.h"

namespace cli {
namespace {

namespace proof = ledger::proof;

struct ProveOptions {
  std::uint64_t sequence = 0;
  std::string output;
};

// A resource server is asked last: it sees the least.
Result<base::Bytes> ask_for_proof(Context& context, core::Sequence sequence) {
  const std::string what = fmt::format("entry {}", sequence.value);
  CLI_TRY(const Role role, context.settings().parsed_role());
  if (role != Role::server) {
    Result<Viewer> viewer = context.viewer(true);
    if (viewer)
      return asked_for(
          what, viewer->books() != nullptr ? viewer->books()->proof(sequence) : viewer->payer()->proof(sequence));
    if (role != Role::any || viewer.error().code != ExitCode::refused) return tl::unexpected<Failure>(viewer.error());
  }
  CLI_TRY(tabd::ServerSession server, context.server_session());
  return asked_for(what, server.proof(sequence));
}

Outcome prove(Context& context, const ProveOptions& options) {
  CLI_TRY(const base::Bytes bytes, ask_for_proof(context, core::Sequence(options.sequence)));
  if (options.output.empty()) {
    context.write_line(base::to_hex(bytes));
    return {};
  }
  CLI_CHECK(write_file(options.output, bytes));
  CLI_TRY(tabd::Client * client, context.client());
  if (context.json()) {
    JsonObject out;
    out["file"] = options.output;
    out["sequence"] = options.sequence;
    out["bytes"] = bytes.size();
    context.write_json(out);
    return {};
  }
  context.say("The proof of entry {} is in {} ({}). Whoever has it can check it without this ledger:", options.sequence,
              options.output, bytes_text(bytes.size()));
  context.say("  tabctl verify-proof {} --network {} --operator {}", options.output, client->info().network,
              base::to_hex(client->info().operator_key));
  return {};
}

struct VerifyOptions {
  std::string file;
  std::string invoice;
  std::string network;
  std::string operator_key;
};

// A proof file is binary; a proof that was printed is hexadecimal.
Result<base::Bytes> read_proof(const std::string& path) {
  CLI_TRY(std::string text, read_whole_file(path));
  std::string_view trimmed = text;
  while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == '\r')) trimmed.remove_suffix(1);
  if (trimmed.substr(0, 2) == "0x") {
    if (std::optional<base::Bytes> bytes = base::from_hex(trimmed)) return std::move(*bytes);
  }
  return base::Bytes(text.begin(), text.end());
}

Json claims_json(const proof::VerifiedClaims& claims) {
  JsonObject out;
  out["valid"] = true;
  out["sequence"] = claims.sequence.value;
  out["segment"] = claims.segment.value;
  out["segment_hash"] = base::to_hex(claims.segment_hash);
  out["time"] = time_json(claims.time);
  out["kind"] = text_json(core::kind_name(core::kind_of(claims.entry)));
  out["text"] = entry_text(claims.entry, AssetBook());
  out["parties"] = nullptr;
  if (claims.parties) {
    JsonObject parties;
    parties["payer"] = base::to_hex(claims.parties->payer);
    parties["payee"] = base::to_hex(claims.parties->payee);
    parties["signer"] = base::to_hex(claims.parties->signer);
    parties["asset"] = claims.parties->asset;
    out["parties"] = std::move(parties);
  }
  out["statement"] = nullptr;
  if (claims.statement) {
    JsonObject statement;
    statement["number"] = claims.statement->window.statement.value;
    statement["window_number"] = claims.statement->window.number;
    statement["root"] = base::to_hex(claims.statement->window.root);
    statement["sequence"] = claims.statement->sequence.value;
    statement["time"] = time_json(claims.statement->time);
    out["statement"] = std::move(statement);
  }
  out["batch"] = nullptr;
  if (claims.batch) {
    JsonObject batch;
    batch["server"] = base::to_hex(claims.batch->server);
    batch["number"] = claims.batch->number;
    batch["item"] = claims.batch->item_index;
    out["batch"] = std::move(batch);
  }
  return out;
}

void show_claims(Context& context, const proof::VerifiedClaims& claims) {
  Fields fields;
  fields.add("entry", fmt::format("{} ({})", claims.sequence.value, core::kind_name(core::kind_of(claims.entry))));
  fields.add("accepted", time_text(claims.time));
  fields.add("segment", fmt::format("{} {}", claims.segment.value, base::to_hex(claims.segment_hash)));
  fields.add("says", entry_text(claims.entry, AssetBook()));
  if (claims.parties) {
    const proof::Parties& parties = *claims.parties;
    fields.add("payer", base::to_hex(parties.payer));
    if (!parties.payee.is_zero()) fields.add("payee", base::to_hex(parties.payee));
    if (!parties.signer.is_zero())
      fields.add("signed by", "the agent " + base::to_hex(parties.signer));
    else if (!parties.asset.empty())
      fields.add("signed by", "the payer");
    if (!parties.asset.empty()) fields.add("asset", parties.asset);
  }
  if (claims.batch)
    fields.add("submitted by", fmt::format("server {}, batch {}, item {}", base::to_hex(claims.batch->server),
                                           claims.batch->number, claims.batch->item_index));
  if (claims.statement) {
    fields.add("billed on",
               claims.statement->window.statement.valid()
                   ? fmt::format("statement {} of {}", claims.statement->window.statement.value,
                                 time_text(claims.statement->time))
                   : fmt::format("no statement: window {} was carried forward", claims.statement->window.number));
  } else {
    fields.add("billed on", "nothing in this proof: its window was open, or the entry is no charge");
  }
  context.say("The proof holds.");
  context.write(fields.render());
}

Outcome verify_extension(Context& context, const proof::Extension& extension, const commitments::tab::Domain& domain,
                         const base::Address& operator_key) {
  if (auto checked = proof::verify_extension(extension, domain, operator_key); !checked)
    return unverified_failure("The proof does not hold: " + checked.error().message);
  const core::SegmentHeader& older = extension.older.header;
  const core::SegmentHeader& newer = extension.newer.header;
  if (context.json()) {
    JsonObject out;
    out["valid"] = true;
    out["older_segment"] = older.number.value;
    out["older_hash"] = base::to_hex(core::hash_of(older));
    out["newer_segment"] = newer.number.value;
    out["newer_hash"] = base::to_hex(core::hash_of(newer));
    context.write_json(out);
    return {};
  }
  context.say("The proof holds: the ledger of segment {} ({}) contains everything of segment {} ({}).",
              newer.number.value, time_text(newer.time), older.number.value, time_text(older.time));
  return {};
}

// The text of a code, and what was asked for beside it.
template <typename Reference>
Result<Reference> read_code(base::Result<Reference> read, const VerifyOptions& options,
                            const base::Address& operator_key) {
  if (!read)
    return usage_failure("--invoice: " + read.error().message + ".", "Give the whole text of the document's QR code.");
  if (read->network != options.network || read->operator_key != operator_key)
    return unverified_failure(fmt::format("The document is of the ledger {} of {}, and the proof of another one.",
                                          base::without_flaws(read->network, 100), base::to_hex(read->operator_key)));
  return std::move(*read);
}

// Whether what the proof says is what the QR code of the credit note says.
Outcome compare_with_note(const proof::VerifiedClaims& claims, const VerifyOptions& options,
                          const base::Address& operator_key) {
  CLI_TRY(const invoice::NoteReference read,
          read_code(invoice::parse_note_reference(options.invoice), options, operator_key));
  const auto* noted = std::get_if<core::CreditNoted>(&claims.entry);
  if (noted == nullptr || claims.sequence.value != read.entry)
    return unverified_failure(fmt::format("The proof is of entry {}, and the credit note was made by entry {}.",
                                          claims.sequence.value, read.entry),
                              fmt::format("Ask for the proof of entry {}.", read.entry));
  const core::CreditNote& note = noted->note;
  const std::string number = core::document_number(note.series, note.number);
  const invoice::NoteReference is = {read.network, read.operator_key, number,  note.statement.value,
                                     read.entry,   note.net,          note.tax};
  if (is == read) return {};
  return unverified_failure(fmt::format(
      "The ledger has credit note {} on statement {} with {} net and {} tax, and the document says {} on {} with {} "
      "and "
      "{}: it is not the operator's, or was changed.",
      number, note.statement.value, note.net.to_units_string(), note.tax.to_units_string(),
      base::without_flaws(read.note, 100), read.statement, read.net.to_units_string(), read.tax.to_units_string()));
}

// Whether what the proof says is what the QR code of the invoice says.
Outcome compare_with_invoice(const proof::VerifiedClaims& claims, const VerifyOptions& options,
                             const base::Address& operator_key) {
  CLI_TRY(const invoice::Reference read, read_code(invoice::parse_reference(options.invoice), options, operator_key));
  const auto* closed = std::get_if<core::WindowClosed>(&claims.entry);
  if (closed == nullptr && claims.statement) closed = &claims.statement->window;
  const core::Sequence at = claims.statement ? claims.statement->sequence : claims.sequence;
  if (closed == nullptr)
    return unverified_failure("The proof is of an entry that no statement has yet, so it says nothing of the invoice.",
                              fmt::format("Ask for the proof of entry {}.", read.entry));
  if (closed->statement.value != read.statement || at.value != read.entry)
    return unverified_failure(fmt::format("The proof is of statement {}, and the invoice of statement {}.",
                                          closed->statement.value, read.statement));
  if (closed->root != read.root)
    return unverified_failure(
        fmt::format("The invoice's root is {}, and the ledger's is {}: the invoice is not the "
                    "operator's, or was changed.",
                    base::to_hex(read.root), base::to_hex(closed->root)));
  return {};
}

Outcome verify(Context& context, const VerifyOptions& options) {
  CLI_TRY(const base::Address operator_key, parse_address("--operator", options.operator_key));
  CLI_TRY(const base::Bytes bytes, read_proof(options.file));
  const commitments::tab::Domain domain(options.network);
  if (base::Result<proof::Extension> extension = proof::decode_extension(bytes))
    return verify_extension(context, *extension, domain, operator_key);
  const base::Result<proof::Proof> decoded = proof::decode(bytes);
  if (!decoded) return unverified_failure(fmt::format("{} is not a proof: {}", options.file, decoded.error().message));
  const base::Result<proof::VerifiedClaims> claims = proof::verify(*decoded, domain, operator_key);
  if (!claims) {
    return unverified_failure("The proof does not hold: " + claims.error().message,
                              "Check --network and --operator; if they are right, the file was changed or forged.");
  }
  const bool of_note = invoice::is_note_reference(options.invoice);
  if (of_note)
    CLI_CHECK(compare_with_note(*claims, options, operator_key));
  else if (!options.invoice.empty())
    CLI_CHECK(compare_with_invoice(*claims, options, operator_key));
  if (context.json())
    context.write_json(claims_json(*claims));
  else
    show_claims(context, *claims);
  if (!options.invoice.empty() && !context.json())
    context.say("{}", of_note ? "The credit note is of this entry." : "The invoice is of this statement.");
  return {};
}

struct ExtensionOptions {
  std::uint64_t older = 0;
  std::uint64_t newer = 0;
  std::string output;
};

Outcome prove_extension(Context& context, const ExtensionOptions& options) {
  CLI_TRY(tabd::AuditorSession session, context.auditor_session());
  CLI_TRY(const rpc::Head head, asked(session.head()));
  const core::SegmentId newer(options.newer == 0 ? head.last_segment.value : options.newer);
  const core::SegmentId older(options.older);
  if (older.value < 1 || older > newer || newer > head.last_segment)
    return usage_failure(fmt::format("Segments {} to {} are not in this ledger; it has {}.", older.value, newer.value,
                                     head.last_segment.value));
  Progress progress = context.progress();
  std::vector<core::Hash> hashes;
  std::optional<proof::SignedHead> old_head;
  std::optional<proof::SignedHead> new_head;
  for (core::SegmentId next(1); next <= newer;) {
    CLI_TRY(const std::vector<core::Segment> segments,
            asked(session.segments(next, static_cast<std::uint32_t>(base::limits::kPageItemsMax))));
    if (segments.empty()) return unverified_failure(fmt::format("The ledger gave no segment {}.", next.value));
    for (const core::Segment& segment : segments) {
      const core::SegmentId number = segment.header.number;
      if (number == older) old_head = proof::SignedHead{segment.header, segment.signature};
      if (number == newer) new_head = proof::SignedHead{segment.header, segment.signature};
      if (number < newer) hashes.push_back(core::hash_of(segment.header));
      next.value = number.value + 1;
    }
    progress.update("reading segments", std::min(next.value - 1, newer.value), newer.value);
  }
  progress.finish();
  const proof::Extension extension = proof::prove_extension(*old_head, *new_head, hashes);
  const base::Bytes bytes = proof::encode(extension);
  if (options.output.empty()) {
    context.write_line(base::to_hex(bytes));
    return {};
  }
  CLI_CHECK(write_file(options.output, bytes));
  context.note(
      "The proof that segment {} extends segment {} is in {}. Check it with: tabctl verify-proof {} --network {} "
      "--operator {}",
      newer.value, older.value, options.output, options.output, head.network, base::to_hex(head.operator_key));
  return {};
}

}  // namespace

void add_proof_commands(CLI::App& root, Chosen& chosen) {
  add_command<ProveOptions>(
      root, chosen, "prove", "Prove that an entry is in the ledger, and in its statement.",
      "  tabctl prove 1042 -o charge.proof\n  tabctl prove 1042 --role payer --key payer.key > charge.hex",
      [](CLI::App& app, ProveOptions& options) {
        app.add_option("sequence", options.sequence, "The entry's sequence; see: tabctl charge list PAYER")->required();
        app.add_option("-o,--output", options.output, "A file for the proof; printed in hexadecimal, if not given.");
      },
      prove);
  add_command<VerifyOptions>(
      root, chosen, "verify-proof", "Check a proof offline, with nothing but the operator's address.",
      "  tabctl verify-proof charge.proof --network acme:tab --operator 0xf39F...2266",
      [](CLI::App& app, VerifyOptions& options) {
        app.add_option("file", options.file, "Of `tabctl prove` or `tabctl prove-extension`; - is standard input.")
            ->required();
        app.add_option("--network", options.network, "The operator's network, such as acme:tab.")->required();
        app.add_option("--operator", options.operator_key, "The operator's address.")->required();
        app.add_option("--invoice", options.invoice,
                       "The text of the QR code of an invoice or credit note: the proof must be of it.");
      },
      verify);
  add_command<ExtensionOptions>(
      root, chosen, "prove-extension", "Prove that the ledger only grew since a segment. Needs an auditor's key.",
      "  tabctl prove-extension 1200 -o grew.proof\n  tabctl prove-extension 1200 4500 -o grew.proof",
      [](CLI::App& app, ExtensionOptions& options) {
        app.add_option("older", options.older, "A segment that you knew before, from 1.")->required();
        app.add_option("newer", options.newer, "A later one; the newest, if not given.");
        app.add_option("-o,--output", options.output, "A file for the proof; printed in hexadecimal, if not given.");
      },
      prove_extension);
}

}  // namespace cli
