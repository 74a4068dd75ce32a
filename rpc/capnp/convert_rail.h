#pragma once

// convert.h for settlers outside the process. The decoders return null, or what breaks the manual; numbers that nobody
// knows are passed on as such: settlers/external judges them.

#include "ledger/api/rail.h"
#include "rpc/capnp/convert.h"

namespace rpc {

namespace rail = ledger::api::rail;

void encode(const rail::Opening& in, wire::RailOpening::Builder out);
void encode(const rail::Instruction& in, wire::RailInstruction::Builder out);
const char* decode(wire::RailCapabilities::Reader in, rail::Capabilities& out);
const char* decode(wire::RailPrepared::Reader in, rail::Prepared& out);
const char* decode(wire::RailOutcome::Reader in, rail::Outcome& out);
const char* decode(wire::Settler::ReportResults::Reader in, rail::Report& out);
// The rail's name is left alone: it is the session's.
const char* decode(wire::RailNotice::Reader in, core::Notice& out);
void encode(const core::NoticeAnswer& in, wire::RailNoticeAnswer::Builder out);

}  // namespace rpc
