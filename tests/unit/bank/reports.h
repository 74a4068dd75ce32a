#pragma once

// What a bank would write back.

#include <string>

#include "settlers/bank/sepa.h"

namespace reports {

inline std::string status_head(const std::string& group, const std::string& rest) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.11\">\n<CstmrPmtStsRpt>\n"
         "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-11-19T08:00:00</CreDtTm></GrpHdr>\n"
         "<OrgnlGrpInfAndSts><OrgnlMsgId>TABD-00000001</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>" +
         group + "</OrgnlGrpInfAndSts>\n" + rest + "</CstmrPmtStsRpt>\n</Document>\n";
}

inline std::string payment_status(const std::string& reference, const std::string& status, const std::string& reason) {
  return "<TxInfAndSts><OrgnlEndToEndId>" + reference + "</OrgnlEndToEndId><TxSts>" + status + "</TxSts>" +
         (reason.empty() ? "" : "<StsRsnInf><Rsn><Cd>" + reason + "</Cd></Rsn></StsRsnInf>") + "</TxInfAndSts>\n";
}

inline std::string status() {
  return status_head("<GrpSts>PART</GrpSts>", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>TABD-00000001</OrgnlPmtInfId>" +
                                                  payment_status("PAYMENT-1", "RJCT", "AC04") +
                                                  payment_status("PAYMENT-2", "ACSP", "") + "</OrgnlPmtInfAndSts>\n");
}

inline std::string status_of_file(const std::string& status, const std::string& reason) {
  return status_head("<GrpSts>" + status + "</GrpSts>" +
                         (reason.empty() ? "" : "<StsRsnInf><Rsn><Cd>" + reason + "</Cd></Rsn></StsRsnInf>"),
                     "");
}

struct Line {
  std::string reference;
  std::uint64_t cents = 0;
  bool in = true;
  std::string reason;  // a return
  std::uint64_t fee_cents = 0;
  std::string block;  // a sum of a whole payment information block
  std::uint64_t payments = 0;
  std::string status = "BOOK";
};

inline std::string entry(const Line& line, std::size_t number) {
  const std::string indicator = std::string("<CdtDbtInd>") + (line.in ? "CRDT" : "DBIT") + "</CdtDbtInd>";
  const std::string amount = "<Amt Ccy=\"EUR\">" + settlers::bank::cents_text(line.cents) + "</Amt>";
  std::string xml = "<Ntry>" + amount + indicator + "<Sts><Cd>" + line.status +
                    "</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>BANKREF" + std::to_string(number) +
                    "</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>" +
                    (line.reason.empty() ? "ESDD" : "UPDD") + "</SubFmlyCd></Fmly></Domn></BkTxCd>";
  if (!line.block.empty()) {
    xml += "<NtryDtls><Btch><PmtInfId>" + line.block + "</PmtInfId><NbOfTxs>" + std::to_string(line.payments) +
           "</NbOfTxs></Btch></NtryDtls>";
  } else if (!line.reference.empty()) {
    xml += "<NtryDtls><TxDtls><Refs><EndToEndId>" + line.reference + "</EndToEndId></Refs>" + amount + indicator;
    if (line.fee_cents > 0)
      xml += "<Chrgs><TtlChrgsAndTaxAmt Ccy=\"EUR\">" + settlers::bank::cents_text(line.fee_cents) +
             "</TtlChrgsAndTaxAmt></Chrgs>";
    if (!line.reason.empty()) xml += "<RtrInf><Rsn><Cd>" + line.reason + "</Cd></Rsn></RtrInf>";
    xml += "</TxDtls></NtryDtls>";
  }
  return xml + "</Ntry>\n";
}

inline std::string statement_of(const std::vector<Line>& lines, const std::string& id = "STATEMENT-1",
                                const std::string& iban = "DE89370400440532013000") {
  std::string entries;
  std::int64_t sum = 100'000;
  for (const Line& line : lines) {
    entries += entry(line, static_cast<std::size_t>(&line - lines.data()) + 1);
    if (line.status == "BOOK") sum += (line.in ? 1 : -1) * static_cast<std::int64_t>(line.cents);
  }
  const auto balance = [](const std::string& type, std::int64_t cents) {
    return "<Bal><Tp><CdOrPrtry><Cd>" + type + "</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">" +
           settlers::bank::cents_text(static_cast<std::uint64_t>(cents < 0 ? -cents : cents)) + "</Amt><CdtDbtInd>" +
           (cents < 0 ? "DBIT" : "CRDT") + "</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>\n";
  };
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\n<BkToCstmrStmt>\n"
         "<GrpHdr><MsgId>BANK-2</MsgId><CreDtTm>2026-11-20T20:00:00</CreDtTm></GrpHdr>\n<Stmt><Id>" +
         id + "</Id><CreDtTm>2026-11-20T20:00:00</CreDtTm><Acct><Id><IBAN>" + iban + "</IBAN></Id></Acct>\n" +
         balance("OPBD", 100'000) + balance("CLBD", sum) + entries + "</Stmt>\n</BkToCstmrStmt>\n</Document>\n";
}

inline std::string statement() {
  return statement_of({{"PAYMENT-1", 1'250, true, "", 0, "", 0, "BOOK"},
                       {"", 5'000, true, "", 0, "TABD-00000001", 2, "BOOK"},
                       {"PAYMENT-3", 1'600, false, "AM04", 350, "", 0, "BOOK"},
                       {"", 99, true, "", 0, "", 0, "BOOK"},
                       {"PAYMENT-4", 777, false, "", 0, "", 0, "BOOK"},
                       {"PAYMENT-5", 888, true, "", 0, "", 0, "PDNG"}});
}

inline std::string notification() {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<n:Document xmlns:n=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\">\n<n:BkToCstmrDbtCdtNtfctn>\n"
         "<n:GrpHdr><n:MsgId>BANK-3</n:MsgId><n:CreDtTm>2026-11-20T10:00:00</n:CreDtTm></n:GrpHdr>\n"
         "<n:Ntfctn><n:Id>NOTE-1</n:Id><n:CreDtTm>2026-11-20T10:00:00</n:CreDtTm>"
         "<n:Acct><n:Id><n:IBAN>DE89370400440532013000</n:IBAN></n:Id></n:Acct>"
         "<n:Ntry><n:Amt Ccy=\"EUR\">12.50</n:Amt><n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Sts><n:Cd>BOOK</n:Cd></n:Sts>"
         "<n:BkTxCd><n:Prtry><n:Cd>171</n:Cd></n:Prtry></n:BkTxCd><n:NtryDtls><n:TxDtls><n:Refs><n:EndToEndId>PAYMENT-1"
         "</n:EndToEndId></n:Refs></n:TxDtls></n:NtryDtls></n:Ntry></n:Ntfctn>\n"
         "</n:BkToCstmrDbtCdtNtfctn>\n</n:Document>\n";
}

// A row of a NACHA file from pieces of given widths.
inline std::string row(const std::vector<std::pair<std::string, std::size_t>>& fields) {
  std::string text;
  for (auto [field, width] : fields) {
    field.resize(width, ' ');
    text += field;
  }
  return text + "\n";
}

// The return of one debit.
inline std::string ach_return(const std::string& trace, const std::string& cents, const std::string& reference,
                              const std::string& reason = "R01", const std::string& company = "1121042882",
                              const std::string& parties = " 2313801041121042882") {
  const auto wide = [](const std::string& number, std::size_t width) {
    return std::string(width - number.size(), '0') + number;
  };
  return row({{"101" + parties + "2611191200A094101", 40}, {"CITADEL", 23}, {"SOMEBODY", 31}}) +
         row({{"5225SOMEBODY", 20},
              {"", 20},
              {company, 10},
              {"PPD", 3},
              {"PAYMENT", 10},
              {"261118261119   123138010", 24},
              {"0000001", 7}}) +
         row({{"626021000021", 12},
              {"1234567", 17},
              {wide(cents, 10), 10},
              {reference, 15},
              {"PAYER 0", 22},
              {"  1", 3},
              {"231380100000001", 15}}) +
         row({{"799" + reason + trace, 21}, {"", 6}, {"02100002", 8}, {"", 44}, {"231380100000001", 15}}) +
         row({{"82250000020002100002" + wide(cents, 12) + "000000000000", 44},
              {company, 10},
              {"", 25},
              {"23138010", 8},
              {"0000001", 7}}) +
         row({{"9000001000001000000020002100002" + wide(cents, 12) + "000000000000", 55}, {"", 39}});
}

// One return and one notification of change, of the file that examples::ach_file() makes.
inline std::string ach_returns() {
  const auto begin = [](const std::string& entry_class, const std::string& number) {
    return row({{"5225TABD OPERATOR", 20},
                {"", 20},
                {"1121042882", 10},
                {entry_class, 3},
                {"PAYMENT", 10},
                {"261118261119   123138010", 24},
                {number, 7}});
  };
  const auto end = [](const std::string& hash, const std::string& debits, const std::string& number) {
    return row({{"8225000002" + hash + debits + "000000000000", 44},
                {"1121042882", 10},
                {"", 25},
                {"23138010", 8},
                {number, 7}});
  };
  return row({{"101 23138010411210428822611191200A094101", 40}, {"CITADEL", 23}, {"TABD OPERATOR INC", 31}}) +
         begin("PPD", "0000001") +
         row({{"626021000021", 12},
              {"1234567", 17},
              {"0000001250", 10},
              {"REF100000", 15},
              {"PAYER 0", 22},
              {"  1", 3},
              {"231380100000001", 15}}) +
         row({{"799R01231380100000001", 21}, {"", 6}, {"02100002", 8}, {"", 44}, {"231380100000001", 15}}) +
         end("0002100002", "000000001250", "0000001") + begin("COR", "0000002") +
         row({{"626231380104", 12},
              {"1234568", 17},
              {"0000000000", 10},
              {"REF100001", 15},
              {"PAYER 1", 22},
              {"  1", 3},
              {"231380100000002", 15}}) +
         row({{"798C01231380100000002", 21},
              {"", 6},
              {"23138010", 8},
              {"7654321", 29},
              {"", 15},
              {"231380100000002", 15}}) +
         end("0023138010", "000000000000", "0000002") +
         row({{"9000002000001000000040025238012000000001250000000000000", 55}, {"", 39}});
}

}  // namespace reports
