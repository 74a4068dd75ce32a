#include <algorithm>

#include "settlers/bank/sepa.h"
#include "settlers/bank/xml_writer.h"

namespace settlers::bank {
namespace {

std::uint64_t total(const SepaFile& file) {
  std::uint64_t sum = 0;
  for (const SepaPayment& payment : file.payments) sum += payment.cents;
  return sum;
}

std::string timestamp(base::Time time) {
  const std::uint64_t seconds = time.seconds();
  const auto two = [](std::uint64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return date_text(static_cast<Day>(seconds / 86'400)) + "T" + two(seconds / 3600 % 24) + ":" + two(seconds / 60 % 60) +
         ":" + two(seconds % 60) + "Z";
}

void write_address(XmlWriter& xml, const PostalAddress& address) {
  if (address.empty()) return;
  xml.open("PstlAdr");
  xml.text("StrtNm", address.street);
  xml.text("BldgNb", address.building);
  xml.text("PstCd", address.postcode);
  xml.text("TwnNm", address.town);
  xml.text("Ctry", address.country);
  xml.close();
}

void write_party(XmlWriter& xml, std::string_view name, const SepaParty& party) {
  xml.open(name);
  xml.text("Nm", party.name);
  write_address(xml, party.address);
  xml.close();
}

void write_agent(XmlWriter& xml, std::string_view name, const std::string& bic) {
  xml.open(name);
  if (bic.empty()) {
    xml.nested("FinInstnId/Othr/Id", "NOTPROVIDED");
  } else {
    xml.nested("FinInstnId/BICFI", bic);
  }
  xml.close();
}

void write_account(XmlWriter& xml, std::string_view name, const std::string& iban) {
  xml.nested(std::string(name) + "/Id/IBAN", iban);
}

void write_creditor_id(XmlWriter& xml, std::string_view name, const std::string& id) {
  xml.open(name);
  xml.open("Id");
  xml.open("PrvtId");
  xml.open("Othr");
  xml.text("Id", id);
  xml.nested("SchmeNm/Prtry", "SEPA");
  xml.close(4);
}

void write_head(XmlWriter& xml, const SepaFile& file) {
  const std::string count = std::to_string(file.payments.size()), sum = cents_text(total(file));
  xml.open("GrpHdr");
  xml.text("MsgId", file.message_id);
  xml.text("CreDtTm", timestamp(file.created));
  xml.text("NbOfTxs", count);
  xml.text("CtrlSum", sum);
  xml.nested("InitgPty/Nm", file.own.name);
  xml.close();
  xml.open("PmtInf");
  xml.text("PmtInfId", file.payment_information_id);
  xml.text("PmtMtd", is_collection(file.scheme) ? "DD" : "TRF");
  xml.text("BtchBookg", file.batch_booking ? "true" : "false");
  xml.text("NbOfTxs", count);
  xml.text("CtrlSum", sum);
  xml.open("PmtTpInf");
  xml.nested("SvcLvl/Cd", "SEPA");
  if (is_collection(file.scheme)) {
    xml.nested("LclInstrm/Cd", file.scheme == SepaScheme::b2b ? "B2B" : "CORE");
    xml.text("SeqTp", code(file.sequence));
  } else if (file.scheme == SepaScheme::instant_transfer) {
    xml.nested("LclInstrm/Cd", "INST");
  }
  xml.close();
}

void write_mandate(XmlWriter& xml, const SepaMandate& mandate) {
  xml.open("DrctDbtTx");
  xml.open("MndtRltdInf");
  xml.text("MndtId", mandate.id);
  xml.text("DtOfSgntr", date_text(mandate.signed_on));
  if (mandate.is_amended()) {
    xml.text("AmdmntInd", "true");
    xml.open("AmdmntInfDtls");
    xml.text("OrgnlMndtId", mandate.previous_id);
    if (!mandate.previous_creditor_id.empty()) write_creditor_id(xml, "OrgnlCdtrSchmeId", mandate.previous_creditor_id);
    if (mandate.previous_iban == "SMNDA") {
      xml.nested("OrgnlDbtrAcct/Id/Othr/Id", "SMNDA");
    } else if (!mandate.previous_iban.empty()) {
      write_account(xml, "OrgnlDbtrAcct", mandate.previous_iban);
    }
    xml.close();
  }
  xml.close(2);
}

void write_collection(XmlWriter& xml, const SepaPayment& payment) {
  xml.open("DrctDbtTxInf");
  xml.nested("PmtId/EndToEndId", payment.end_to_end_id);
  xml.text("InstdAmt", cents_text(payment.cents), "Ccy=\"EUR\"");
  write_mandate(xml, payment.mandate);
  write_agent(xml, "DbtrAgt", payment.party.bic);
  write_party(xml, "Dbtr", payment.party);
  write_account(xml, "DbtrAcct", payment.party.iban);
  xml.nested("RmtInf/Ustrd", payment.remittance);
  xml.close();
}

void write_transfer(XmlWriter& xml, const SepaPayment& payment) {
  xml.open("CdtTrfTxInf");
  xml.nested("PmtId/EndToEndId", payment.end_to_end_id);
  xml.open("Amt");
  xml.text("InstdAmt", cents_text(payment.cents), "Ccy=\"EUR\"");
  xml.close();
  if (!payment.party.bic.empty()) write_agent(xml, "CdtrAgt", payment.party.bic);
  write_party(xml, "Cdtr", payment.party);
  write_account(xml, "CdtrAcct", payment.party.iban);
  xml.nested("RmtInf/Ustrd", payment.remittance);
  xml.close();
}

}  // namespace

std::string_view code(SequenceType sequence) noexcept {
  switch (sequence) {
    case SequenceType::one_off: return "OOFF";
    case SequenceType::first: return "FRST";
    case SequenceType::final: return "FNAL";
    case SequenceType::recurring: break;
  }
  return "RCUR";
}

std::optional<SequenceType> sequence_from_code(std::string_view text) noexcept {
  for (const SequenceType each :
       {SequenceType::recurring, SequenceType::one_off, SequenceType::first, SequenceType::final}) {
    if (code(each) == text) return each;
  }
  return std::nullopt;
}

std::string cents_text(std::uint64_t cents) {
  const std::string fraction = std::to_string(cents % 100);
  return std::to_string(cents / 100) + "." + (fraction.size() < 2 ? "0" : "") + fraction;
}

std::optional<std::uint64_t> parse_cents(std::string_view text) noexcept {
  constexpr std::uint64_t kUnitsMax = 1'000'000'000'000'000;
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  std::uint64_t cents = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9' || cents > kUnitsMax) return std::nullopt;
    cents = cents * 10 + static_cast<std::uint64_t>(c - '0');
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(fraction.size(), 2); ++i) {
    const char c = i < fraction.size() ? fraction[i] : '0';
    if (c < '0' || c > '9' || (i >= 2 && c != '0')) return std::nullopt;
    if (i < 2) cents = cents * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return cents;
}

std::string write_sepa(const SepaFile& file) {
  const bool collects = is_collection(file.scheme);
  XmlWriter xml;
  xml.open("Document", collects ? "xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.008.001.08\""
                                : "xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"");
  xml.open(collects ? "CstmrDrctDbtInitn" : "CstmrCdtTrfInitn");
  write_head(xml, file);
  if (collects) {
    xml.text("ReqdColltnDt", date_text(file.due));
  } else {
    xml.nested("ReqdExctnDt/Dt", date_text(file.due));
  }
  write_party(xml, collects ? "Cdtr" : "Dbtr", file.own);
  write_account(xml, collects ? "CdtrAcct" : "DbtrAcct", file.own.iban);
  write_agent(xml, collects ? "CdtrAgt" : "DbtrAgt", file.own.bic);
  xml.text("ChrgBr", "SLEV");
  if (collects) write_creditor_id(xml, "CdtrSchmeId", file.creditor_id);
  for (const SepaPayment& payment : file.payments) {
    if (collects) {
      write_collection(xml, payment);
    } else {
      write_transfer(xml, payment);
    }
  }
  xml.close(3);
  return std::move(xml).done();
}

}  // namespace settlers::bank
