#include "cli/names.h"

#include "cli/suggest.h"
#include "cli/text.h"

namespace cli {
namespace {

// Labels are looked for in this many objects; beyond that a person has to give the address.
constexpr std::size_t kScannedMax = 100'000;

bool is_address(std::string_view name) { return name.size() == 42 && name.substr(0, 2) == "0x"; }

std::optional<std::uint32_t> number_of(std::string_view name) {
  if (!name.empty() && name.front() == '#') name.remove_prefix(1);
  const auto number = parse_number("", name);
  if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// Reads pages of `read` until `label_of(object)` is `name`.
template <typename T, typename Read>
Result<T> find_label(const char* what, const std::string& name, Read read) {
  std::vector<std::string> labels;
  rpc::Page page;
  do {
    CLI_TRY(rpc::PageOf<T> part, asked<rpc::PageOf<T>>(read(page)));
    for (T& object : part.items) {
      if (object.label == name) return std::move(object);
      labels.push_back(object.label);
    }
    page.after = part.next;
  } while (page.after != 0 && labels.size() < kScannedMax);
  const std::string meant = closest(name, labels);
  Failure failure;
  failure.code = ExitCode::refused;
  failure.status = base::Status::not_found;
  failure.message = fmt::format("There is no {} \"{}\".", what, name);
  failure.next = meant.empty() ? fmt::format("Name it by address, number or label; see: tabctl {} list", what)
                               : fmt::format("Did you mean \"{}\"?", meant);
  return tl::unexpected<Failure>(std::move(failure));
}

std::string shown(const std::string& label, const base::Address& address) {
  return label.empty() ? short_hex(address.view()) : label;
}

}  // namespace

std::string party_text(const std::string& label, const base::Address& address) {
  return label.empty() ? base::to_hex(address) : fmt::format("{} ({})", label, base::to_hex(address));
}

const Names::Party& Names::payer_of(base::PayerId id) {
  const auto [at, added] = payers_.try_emplace(id);
  if (!added) return at->second;
  base::Result<core::Payer> payer = base::error(base::ErrorCode::not_found, "");
  if (viewer_.books() != nullptr) {
    payer = viewer_.books()->payer(id);
  } else if (auto account = viewer_.payer()->account(); account && account->payer.id == id) {
    payer = account->payer;
  }
  if (payer) at->second = Party{payer->label, payer->address, true};
  return at->second;
}

const Names::Party& Names::payee_of(base::PayeeId id) {
  const auto [at, added] = payees_.try_emplace(id);
  if (!added) return at->second;
  base::Result<core::Payee> payee = base::error(base::ErrorCode::not_found, "");
  if (viewer_.books() != nullptr) {
    payee = viewer_.books()->payee(id);
  } else if (auto found = viewer_.payer()->payees({id}); found && found->size() == 1) {
    payee = found->front();
  }
  if (payee) at->second = Party{payee->label, payee->address, true};
  return at->second;
}

std::string Names::payer(base::PayerId id) {
  const Party& party = payer_of(id);
  return party.known ? shown(party.label, party.address) : fmt::format("payer {}", id.value);
}

std::string Names::payee(base::PayeeId id) {
  const Party& party = payee_of(id);
  return party.known ? shown(party.label, party.address) : fmt::format("payee {}", id.value);
}

std::string Names::payer_address(base::PayerId id) {
  const Party& party = payer_of(id);
  return party.known ? base::to_hex(party.address) : "";
}

std::string Names::payee_address(base::PayeeId id) {
  const Party& party = payee_of(id);
  return party.known ? base::to_hex(party.address) : "";
}

std::string Names::plan(base::PlanId id) {
  if (!plans_read_ && viewer_.books() != nullptr) {
    if (auto plans = viewer_.books()->plans())
      for (const core::Plan& plan : *plans) plans_[plan.id] = plan.label;
  }
  plans_read_ = true;
  const auto at = plans_.find(id);
  return at == plans_.end() ? fmt::format("plan {}", id.value) : at->second;
}

Result<base::Address> find_payer(tabd::BooksSession& books, const std::string& name) {
  if (is_address(name)) return parse_address("payer", name);
  if (const auto number = number_of(name)) {
    CLI_TRY(const core::Payer payer, asked_for("payer " + name, books.payer(base::PayerId(*number))));
    return payer.address;
  }
  CLI_TRY(const core::Payer payer,
          find_label<core::Payer>("payer", name, [&](rpc::Page page) { return books.payers(page); }));
  return payer.address;
}

Result<base::Address> find_payee(tabd::BooksSession& books, const std::string& name) {
  if (is_address(name)) return parse_address("payee", name);
  if (const auto number = number_of(name)) {
    CLI_TRY(const core::Payee payee, asked_for("payee " + name, books.payee(base::PayeeId(*number))));
    return payee.address;
  }
  CLI_TRY(const core::Payee payee,
          find_label<core::Payee>("payee", name, [&](rpc::Page page) { return books.payees(page); }));
  return payee.address;
}

Result<core::Server> find_server(tabd::BooksSession& books, const std::string& name) {
  if (is_address(name)) {
    CLI_TRY(const base::Address key, parse_address("server", name));
    return asked_for("server " + name, books.server(key));
  }
  return find_label<core::Server>("server", name, [&](rpc::Page page) { return books.servers(page); });
}

}  // namespace cli
