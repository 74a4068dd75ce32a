#pragma once

// Every limit of tabd, with its reason. Nothing else in the source is a magic bound.

#include <cstddef>
#include <cstdint>

namespace base::limits {

// One RPC batch: large enough that the per-message cost vanishes (0.1 us an item at 1,024), small enough that one batch
// occupies a verifying core for less than 40 ms.
inline constexpr std::size_t kBatchItemsMax = 1024;
// Charges under one voucher item: 64 bytes each, so an item stays below 64 KiB.
inline constexpr std::size_t kChargesPerVoucherMax = 1000;
// Charges in one whole batch: bounds the work that one message can cause.
inline constexpr std::size_t kBatchChargesMax = 128 * 1024;
// Signature checks handed to a worker at once: hand-off cost is below 1 % from 16 on, and 32 checked together already
// cost 2.5 times less than each alone.
inline constexpr std::size_t kVerifyChunkItems = 32;
// The most that are checked together: each costs 3.0 times less than alone, and a worker is busy with them for about 4
// ms, so that what comes meanwhile does not wait long. Where more than kVerifyBacklogItems wait for each worker, they
// wait longer than that anyhow: then it is twice as many, 3.4 times less.
inline constexpr std::size_t kVerifyTogetherItems = 256;
inline constexpr std::size_t kVerifyTogetherItemsMax = 512;
inline constexpr std::size_t kVerifyBacklogItems = 1024;
// Each wrong signature costs its submitter the company of others until it has brought so many good ones, and beyond
// kSubmitterSinglyDebt the checking together too: at one wrong in 256, checking alone begins to be cheaper.
inline constexpr std::uint32_t kSubmitterWrongDebt = 256;
inline constexpr std::uint32_t kSubmitterSinglyDebt = 1024;
inline constexpr std::uint32_t kSubmitterDebtMax = 64 * 1024;
// Submitters with debt that are remembered; the one whose debt is smallest makes room.
inline constexpr std::size_t kSubmittersWatchedMax = 4096;
// Items of all singled-out servers that may wait: half of all, so that the others have the other half. One of them may
// have as many as are then still free, so each of n gets one part in n + 1, and a new one finds room. And the part of
// the verifying time that they get while others wait too: a tenth. A signature checked alone takes about as long as
// three checked together.
inline constexpr std::size_t kSingledOutItemsMax = 16 * 1024;
inline constexpr std::size_t kSingledOutShare = 10;
inline constexpr std::size_t kSingleCheckCost = 3;
// Items waiting for verification or for the writer, all sessions together: about a second of work on two cores, and
// below 64 MiB. Beyond it the answer is `overloaded`.
inline constexpr std::size_t kIngestQueueItemsMax = 32 * 1024;
// Commands waiting for the writer beside batches (operator, dispatcher, timers).
inline constexpr std::size_t kCommandQueueMax = 4096;
// Entries in one segment: bounds the memory and latency of one group commit.
inline constexpr std::size_t kSegmentEntriesMax = 8192;
inline constexpr std::size_t kSegmentBytesMax = 16 * 1024 * 1024;
// How far ahead a single-use commitment's validBefore may lie. Seconds; 30 days covers a monthly agent budget.
inline constexpr std::uint64_t kValiditySecondsMax = 30ULL * 24 * 3600;
// Distinct (payee, resource) lines that one open window keeps apart; further resources of a payee add up in one line
// with a zero resource. 256 lines are 20 KiB for each payer that uses them all.
inline constexpr std::size_t kWindowLinesMax = 256;
inline constexpr std::size_t kMandatePayeesMax = 64;
inline constexpr std::size_t kPlansPerPayerMax = 16;  // one for each asset
inline constexpr std::size_t kServerPayeesMax = 1024;
inline constexpr std::size_t kRailsPerPlanMax = 4;
inline constexpr std::size_t kDunningStepsMax = 16;
inline constexpr std::size_t kLabelBytesMax = 128;  // human names of payers, payees, servers, plans
inline constexpr std::size_t kSettlementRequestBytesMax = 192 * 1024;
// What a rail needs to make one relayed transaction: calldata of kClaimRowsMax channel claims (544 bytes each) and what
// proves them. The signed transaction repeats it, and must fit kSettlementRequestBytesMax.
inline constexpr std::size_t kRelayOrderBytesMax = 160 * 1024;
// Relays under way, at a kilobyte or two each; beyond it planning is `overloaded`. A chain takes minutes for as many.
inline constexpr std::size_t kRelaysOpenMax = 10'000;
// Failed relays that are kept in memory, so that they can be tried again; the oldest beyond it is cancelled.
inline constexpr std::size_t kRelaysFailedMax = 10'000;
// Windows closed in one command: at a few microseconds each, ingest waits less than 2 ms.
inline constexpr std::size_t kCloseSliceWindows = 256;
// Shortest billing window. Seconds.
inline constexpr std::uint64_t kWindowSecondsMin = 1;
// Longest billing window given in seconds: ten years. Keeps every product of seconds and microseconds far from 2^64.
inline constexpr std::uint64_t kWindowSecondsMax = 10ULL * 366 * 24 * 3600;
// RPC: words (8 bytes) that one connection may traverse in one message, and have outstanding.
inline constexpr std::uint64_t kRpcTraversalWordsMax = 4ULL * 1024 * 1024;
inline constexpr int kRpcNestingMax = 16;
inline constexpr std::size_t kRpcFlowWords = 2 * 1024 * 1024;
inline constexpr std::size_t kRpcConnectionsMax = 1024;
// One message before login: a login needs less than 1 KiB. Words.
inline constexpr std::uint64_t kRpcLoginWordsMax = 8 * 1024;
// Segments of one message: Cap'n Proto's own bound, checked here before it reads the table.
inline constexpr std::uint32_t kRpcSegmentsMax = 512;
// Unfinished messages above kRpcLoginWordsMax, all connections together: a peer that sends half a message holds memory.
inline constexpr std::size_t kRpcReadBudgetBytes = 256u << 20;
// Answers that wait for a slow reader; above it nothing more is read from that connection.
inline constexpr std::size_t kRpcOutgoingBytesMax = 8u << 20;
// A message that stays unfinished, or an answer that stays unread, for so long ends the connection. Milliseconds.
inline constexpr std::uint64_t kRpcStallMs = 30'000;
// A connection without a login, and a challenge without an answer, live so long. Milliseconds.
inline constexpr std::uint64_t kRpcLoginMs = 60'000;
inline constexpr std::uint32_t kRpcLoginFailuresMax = 10;  // on one connection, which then closes
// Reads and signed commands that wait for the RPC worker thread; beyond it the answer is `overloaded`.
inline constexpr std::size_t kRpcReadQueueMax = 1024;
// Batches of one streaming submitter that may be undecided before flow control holds the client back.
inline constexpr std::size_t kStreamBatchesMax = 8;
inline constexpr std::size_t kStreamRefusedMax = 10'000;  // refused items that one stream remembers
// Segments on their way to subscribers; beyond it the subscribers are dropped rather than the ledger held up.
inline constexpr std::size_t kSubscriberSegmentsMax = 1024;
inline constexpr std::size_t kSubscriptionsPerSessionMax = 16;
inline constexpr std::size_t kRailMandateBytesMax = 4096;
inline constexpr std::size_t kRailMandatesPerPayerMax = 8;  // one for each rail; 32 KiB for a payer that fills them all
inline constexpr std::size_t kRailCodeBytesMax = 64;        // the longest code of a card provider has about 40
inline constexpr std::size_t kRailReferenceBytesMax = 256;  // a rail's own id: the longest known has about 100
inline constexpr std::size_t kRailDetailBytesMax = 512;     // what a rail tells people; longer ones are cut
// Rails that other processes serve. A look at a settlement sooner than this is a loop, later than that is none.
inline constexpr std::uint64_t kRailProbeMsMin = 100;
inline constexpr std::uint64_t kRailProbeMsMax = 30ULL * 24 * 3600 * 1000;
inline constexpr std::size_t kExternalRailsMax = 16;
inline constexpr std::size_t kRailGaugesMax = 16;  // that one settler may add to the metrics
// Open settlements handed to a new settler in one call: at most 48 MiB of requests are too much for one message, so the
// call ends earlier when this many bytes are reached.
inline constexpr std::size_t kRailAdoptItemsMax = 256;
inline constexpr std::size_t kRailAdoptBytesMax = 4u << 20;
// Notices of one call of such a settler, and its calls that may wait for the ledger at a time.
inline constexpr std::size_t kRailNoticesPerCallMax = 256;
inline constexpr std::size_t kRailNoticeCallsMax = 8;
// One notice of a rail: what its settler needs of it, not necessarily all that was sent.
inline constexpr std::size_t kNoticeBodyBytesMax = 4096;
inline constexpr std::size_t kNoticeTextBytesMax = 256;  // source, external id: a file's name and a place in it
// Notices recorded at once: at most 5 MiB of a segment.
inline constexpr std::size_t kNoticesPerCommandMax = 1024;
// Notices that wait or are in suspense, at about 250 bytes each in memory; beyond it recording is `overloaded`.
inline constexpr std::size_t kNoticesOpenMax = 1'000'000;
inline constexpr std::size_t kReleaseRulesMax = 16;       // of a payee: one for each rail
inline constexpr std::size_t kPaymentStatementsMax = 64;  // that one payment pays: five years of months
// Of one settlement, those that its settler is shown: the last ones.
inline constexpr std::size_t kNoticesPerProbeMax = 32;
inline constexpr std::size_t kPageItemsMax = 1000;             // items in one page of a list
inline constexpr std::size_t kSubscriberQueueEvents = 10'000;  // a subscriber that is further behind is dropped
// x402 over HTTP. The head of a request: as common servers have it.
inline constexpr std::size_t kHttpHeadBytesMax = 8 * 1024;
// A single payment is below 4 KiB; a body beyond the configured maximum is refused before it is read.
inline constexpr std::size_t kHttpBatchItemsMax = 256;
inline constexpr std::size_t kHttpJsonDepthMax = 16;  // the deepest message of the protocol has 8 levels
inline constexpr std::size_t kHttpJsonNodesMax = 512;
inline constexpr std::size_t kHttpClaimJsonNodesMax = 16;  // of one row of a claim: 13, and some to spare
// Requests of one connection that are not answered yet; beyond it nothing more is read from it.
inline constexpr std::size_t kHttpPipelineMax = 16;
// Reads of statements and charges that wait for their thread; beyond it the answer is `overloaded`.
inline constexpr std::size_t kHttpReadQueueMax = 256;
inline constexpr std::size_t kHttpPageItemsMax = 200;  // items in one page; a page is below 256 KiB
// Journal entries or statements that one page may look at to find a payee's: about 10 ms.
inline constexpr std::size_t kHttpScanMax = 4'096;
inline constexpr std::size_t kApiKeysMax = 1024;  // each is compared with a key that is shown
// Payments that wait for the ledger: below a second of work on two cores, and below 32 MiB.
inline constexpr std::size_t kFacilitatorItemsMax = 16 * 1024;
// Holds whose commitment is remembered, so that their settlement needs no second look at it. 450 bytes each.
inline constexpr std::size_t kFacilitatorHoldsMax = 64 * 1024;
// How long the newest block counts as the newest without asking the node again. A node itself hears of a block later
// than this. Milliseconds.
inline constexpr std::uint64_t kNewestBlockFreshMs = 20;
// Channels whose state at the newest block is remembered. 250 bytes each.
inline constexpr std::size_t kFacilitatorChannelsMax = 64 * 1024;
// Channels that one payer may open for deposits that have not come yet: an honest payer's next try is on the same one.
inline constexpr std::size_t kUnfundedChannelsMax = 16;
// Payers of such channels that are remembered, at about 700 bytes each: 11 MiB. Beyond, all are forgotten; each had a
// funded wallet.
inline constexpr std::size_t kUnfundedPayersMax = 16 * 1024;
// Names of payments that are remembered to refuse their reuse, and for how long: what the ledger knows is for ever.
inline constexpr std::size_t kPaymentIdentifiersMax = 128 * 1024;
inline constexpr std::uint64_t kPaymentIdentifierSeconds = 3'600;
// How long a server may wait for answers in flight when it stops. Milliseconds.
inline constexpr std::uint64_t kShutdownGraceMs = 10'000;

// x402: an authorisation must still be valid for so long when it is checked, so that a block can take it. Seconds; what
// the official packages demand.
inline constexpr std::uint64_t kAuthorizationMarginSeconds = 6;
// Rows of one claim of channels: at about 30,000 gas for each, half of what a busy chain lands in one transaction.
inline constexpr std::size_t kClaimRowsMax = 256;

// Channels that are kept, at 416 bytes each in memory, and 192 more while a voucher is reserved: 4 GiB. They are never
// forgotten, as a channel can be used again after it was emptied.
inline constexpr std::size_t kChannelsMax = 10'000'000;
// How long a voucher may be reserved. Seconds. Until then its channel refuses other vouchers.
inline constexpr std::uint64_t kReservationSecondsMax = kValiditySecondsMax;

// Payments in one bank file: what banks commonly take, and a file stays below 16 MiB.
inline constexpr std::size_t kBankFileEntriesMax = 10'000;
// A bank's answer to such a file, statements of several accounts included; beyond it a file is refused unread.
inline constexpr std::size_t kBankFileBytesMax = 64u << 20;
// Elements inside elements: the deepest message of ISO 20022 that is read has 20 levels.
inline constexpr std::size_t kBankXmlDepthMax = 64;

static_assert(kVerifyChunkItems <= kBatchItemsMax && kVerifyChunkItems <= kVerifyTogetherItems);
static_assert(kVerifyTogetherItems <= kVerifyTogetherItemsMax && kVerifyTogetherItemsMax <= kVerifyBacklogItems);
static_assert(kSingledOutItemsMax >= 2 * kBatchItemsMax && kSingledOutItemsMax <= kIngestQueueItemsMax / 2);
static_assert(kBatchItemsMax < kIngestQueueItemsMax);
static_assert(kRelayOrderBytesMax >= 544 * kClaimRowsMax && kSettlementRequestBytesMax > kRelayOrderBytesMax);
static_assert(kHttpBatchItemsMax <= kBatchItemsMax, "one request of the front fits one batch of the ledger");
static_assert(kFacilitatorItemsMax <= kIngestQueueItemsMax);
static_assert(kBatchItemsMax * 3 <= kSegmentEntriesMax, "a batch with window openings fits one segment");

}  // namespace base::limits
