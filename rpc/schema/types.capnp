@0xb0f327666c6a2145;

# The values that travel between tabd and its clients. The interfaces are in tabd.capnp, which also states the rules of
# compatibility and the conventions used here:
#
#   UInt128        amounts, nonces            an absent (null) pointer is zero, so a zero costs no bytes
#   Data           fixed lengths: address 20, hash 32, signature 65 (r, s, v); where a field says so, empty means "none"
#   ...Us          microseconds since 1970-01-01T00:00:00Z; ...S are seconds
#   ids            numbers given by the ledger; 0 means "none"
#   status         a number of status.capnp
#
# Amounts are counts of the asset's smallest ledger unit (Asset.scale decimals), from 0 to 2^127 - 1. Two words beat a
# byte string: there is no length to check, and the usual amount compresses to nothing when a stream is packed.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rpc::schema");

struct UInt128 {
  low @0 :UInt64;
  high @1 :UInt64;
}

struct Int128 {
  low @0 :UInt64;
  high @1 :Int64;
}

# ---------------------------------------------------------------------------------------------------------------------
# What a resource server submits (docs/bindings/tab.md is normative for what is signed)

struct SingleUse {
  # A promise for one purchase. The pair (payer, nonce) identifies it for ever.
  payer @0 :Data;
  # Address that pays.
  payee @1 :Data;
  # Address that is paid.
  maximum @2 :UInt128;
  # The server charges this or less.
  resource @3 :Data;
  # keccak256 of the resource's URL; empty = any resource (signed as 32 zero bytes).
  nonce @4 :UInt128;
  # Unique for the payer.
  validAfter @5 :UInt64;
  # Seconds, inclusive.
  validBefore @6 :UInt64;
  # Seconds, exclusive.
  asset @7 :UInt16;
  # An id out of Info.assets; the signature covers the asset's text.
}

struct Voucher {
  # A promise that grows: all charges of the tab together stay at or below `maximum`.
  payer @0 :Data;
  payee @1 :Data;
  salt @2 :Data;
  # 32 bytes; tells apart several tabs of the same parties. Empty = zero.
  maximum @3 :UInt128;
  validBefore @4 :UInt64;
  # Seconds, exclusive; 0 = no end.
  asset @5 :UInt16;
}

struct Usage {
  # One charge as the server reports it.
  amount @0 :UInt128;
  quantity @1 :UInt64;
  # How many units were delivered.
  unit @2 :Text;
  # What `quantity` counts: up to 8 printable ASCII characters without spaces ("tokens"). May be empty.
  resource @3 :Data;
  # keccak256 of what was delivered. Empty = the commitment's own resource (zero for a voucher).
}

struct Charge {
  commitment @0 :SingleUse;
  usage @1 :Usage;
}

struct HoldReference {
  # Names a hold made before by this payer and nonce. The payer does not sign captures and releases.
  payer @0 :Data;
  nonce @1 :UInt128;
}

struct Capture {
  hold @0 :HoldReference;
  usage @1 :Usage;
}

struct VoucherCharges {
  voucher @0 :Voucher;
  firstIndex @1 :UInt64;
  # Position on the tab of the first usage, counted from 0.
  usages @2 :List(Usage);
  # 1 to 1,000.
}

struct Item {
  # One thing to record. A field of a wrong length or out of its range makes this item `itemMalformed` (a signature:
  # `signatureLength`) and nothing else: the other items are decided as usual. In the batch root the item then counts as
  # if that field and its payer were zero.
  signature @0 :Data;
  # 65 bytes: of the payer or of the agent named in `signer`. Not used by capture and release.
  signer @1 :Data;
  # Empty = the payer signed; otherwise the address of an agent with a mandate.
  union {
    charge @2 :Charge;
    # A single-use commitment, charged now.
    hold @3 :SingleUse;
    # A single-use commitment, reserved up to its maximum until validBefore.
    capture @4 :Capture;
    # Charges a hold, up to its maximum; what is left is given back.
    release @5 :HoldReference;
    # Gives a hold up.
    voucher @6 :VoucherCharges;
    # Charges on a tab.
  }
}

struct Batch {
  # What the server signs: EIP-712 Batch(address server,uint64 number,uint32 count,bytes32 root) in the operator's
  # domain.
  number @0 :UInt64;
  # Chosen by the server, for its own books.
  root @1 :Data;
  # RFC 6962 root over the items' leaves, in order (docs/bindings/tab.md, "Batches").
  signature @2 :Data;
  # Of the session's registered server key.
  network @3 :Text;
  # Must equal Info.network.
  items @4 :List(Item);
  # 1 to 1,024, with at most 131,072 usages together.
}

struct ItemResult {
  # Three words for each item; the numbers behind a refusal are sent only where there are any.
  sequence @0 :UInt64;
  # Accepted: the journal entry (for alreadyAccepted, the one of the first acceptance).
  status @1 :UInt16;
  numbers @2 :ExceededNumbers;
  # mandateCapExceeded, creditLimitExceeded, chargeAboveMaximum, voucherBelowCharged, tabOutOfOrder.
}

struct ExceededNumbers {
  limit @0 :UInt128;
  # The number that was exceeded.
  allowed @1 :UInt128;
  # What would have been accepted at most.
  expectedIndex @2 :UInt64;
  # tabOutOfOrder: the tab's next charge index.
}

struct BatchReceipt {
  # Sent only after the accepted items are on disk.
  status @0 :UInt16;
  # ok: the batch was decided, see `items`. Otherwise nothing of it was recorded and `items` is empty.
  retryAfterMs @1 :UInt32;
  # With overloaded.
  segment @2 :UInt64;
  # Where newly accepted items are; 0 if there are none.
  timeUs @3 :UInt64;
  # Ledger time of that segment.
  items @4 :List(ItemResult);
  # One for each item, in order.
  detail @5 :Text;
  # For people: which field of which item was malformed, or why the batch was refused. Often empty.
  firstSequence @6 :UInt64;
  # The first entry of `segment`: a newly accepted item is the leaf `sequence - firstSequence` of that segment's Merkle
  # tree, whose root the operator signs. `proof` gives the path. 0 where `segment` is 0.
}

struct RefusedItem {
  batchNumber @0 :UInt64;
  index @1 :UInt32;
  # Position in that batch.
  status @2 :UInt16;
  numbers @3 :ExceededNumbers;
}

struct StreamSummary {
  batches @0 :UInt64;
  items @1 :UInt64;
  accepted @2 :UInt64;
  # ok and alreadyAccepted.
  refusedCount @3 :UInt64;
  refused @4 :List(RefusedItem);
  # The first 10,000 of them.
  lastSequence @5 :UInt64;
  # The highest sequence of an accepted item.
}

# ---------------------------------------------------------------------------------------------------------------------
# Objects of the ledger

struct Asset {
  id @0 :UInt16;
  text @1 :Text;
  # As signed: a CAIP-19 asset type or an ISO 4217 code.
  symbol @2 :Text;
  scale @3 :UInt8;
  # Decimals of one ledger unit.
  railScale @4 :UInt8;
  # Decimals that the rails can move; statements round to it.
}

enum WindowKind {
  duration @0;
  # [k*d, (k+1)*d) seconds since 1970.
  day @1;
  # Local midnight to local midnight.
  week @2;
  # Local Monday to Monday.
  month @3;
  # First of the month to first of the month.
}

struct WindowSpec {
  kind @0 :WindowKind;
  durationS @1 :UInt64;
  # With kind duration.
  timeZone @2 :Text;
  # IANA name; empty = UTC.
}

struct WindowBounds {
  # Half-open; both zero: no window.
  startUs @0 :UInt64;
  endUs @1 :UInt64;
}

struct Tax {
  # What is put on a payer's statements beside what was charged.
  ratePpm @0 :UInt32;
  # Millionths of the net amount, at most 1000000: 190000 is 19 %.
  label @1 :Text;
  # For people: "VAT 19 %".
  note @2 :Text;
  # For people, on the invoice: "reverse charge".
}

struct Plan {
  # How a payer is billed in one asset.
  id @0 :UInt32;
  # 0 when setting: found by label, or created.
  label @1 :Text;
  asset @2 :UInt16;
  window @3 :WindowSpec;
  settleThreshold @4 :UInt128;
  # Closes the window early; zero = never.
  minimum @5 :UInt128;
  # Below it the window's charges carry forward.
  creditLimit @6 :UInt128;
  termsS @7 :UInt64;
  # From the statement to the first collection.
  rails @8 :List(Text);
  # In order of preference.
  dunningS @9 :List(UInt64);
  # Waits between collection attempts; after the last the payer is suspended.
  series @10 :Text;
  # Of its statements' invoice numbers: 1 to 16 letters, digits and '-'; empty when setting: "INV".
  creditNoteSeries @11 :Text;
  # Of credit notes on them; empty when setting: "CN".
}

enum Standing {
  active @0;
  suspendedByOperator @1;
  suspendedByDunning @2;
  # A statement could not be collected; paying clears it.
}

struct RailMandate {
  # What a payer's rail needs to pull, opaque here.
  rail @0 :Text;
  mandate @1 :Data;
}

struct Payer {
  id @0 :UInt32;
  address @1 :Data;
  label @2 :Text;
  plans @3 :List(UInt32);
  # Plan ids, at most one for each asset.
  standing @4 :Standing;
  registeredUs @5 :UInt64;
  unused6 @6 :Data;
  # Always empty: see railMandates.
  railMandates @7 :List(RailMandate);
  # At most one for each rail, ascending by rail.
  tax @8 :Tax;
}

struct Balance {
  # Debit positive, credit negative. `pending` is reserved and not final.
  posted @0 :Int128;
  pending @1 :Int128;
}

struct Line {
  payee @0 :UInt32;
  resource @1 :Data;
  # Zero: resources beyond the limit of lines.
  amount @2 :UInt128;
  charges @3 :UInt64;
  quantity @4 :UInt64;
}

struct PayeeShare {
  payee @0 :UInt32;
  amount @1 :UInt128;
}

struct Tally {
  # A payer's open window and balances in one asset.
  payer @0 :UInt32;
  asset @1 :UInt16;
  plan @2 :UInt32;
  creditLimit @3 :UInt128;
  # In force: the payer's own, or the plan's.
  creditLimitOverride @4 :UInt128;
  # The payer's own; zero = the plan's is in force.
  held @5 :UInt128;
  # Maxima of open holds.
  unbilled @6 :UInt128;
  # Charges in the open window, and remainders carried in.
  billed @7 :UInt128;
  # Statements not confirmed as paid. Exposure = held + unbilled + billed.
  credit @8 :UInt128;
  # Credit notes and overpayment, not used yet.
  window @9 :WindowBounds;
  windowNumber @10 :UInt64;
  entries @11 :UInt64;
  # Charging entries of the open window.
  lines @12 :List(Line);
  # Only where one tally is asked for; lists leave it empty.
  carriedIn @13 :List(PayeeShare);
  accountUnbilled @14 :Balance;
  accountReceivable @15 :Balance;
  accountCredit @16 :Balance;
}

struct Exposure {
  # What a resource server may know of a payer before it serves.
  standing @0 :Standing;
  limit @1 :UInt128;
  exposure @2 :UInt128;
  available @3 :UInt128;
  # limit - exposure, or zero.
}

struct ReleaseRule {
  # When a payee gets its share of what was collected on a rail; without one for a rail: at final only.
  rail @0 :Text;
  holdS @1 :UInt64;
  # Seconds after settled.
  reserveBp @2 :UInt32;
  # Basis points of the share that wait for final.
}

struct ReleaseDefaults {
  # For payees who have none of their own; from the configuration.
  release @0 :List(ReleaseRule);
  payoutEvery @1 :WindowSpec;
}

struct Payee {
  id @0 :UInt32;
  address @1 :Data;
  label @2 :Text;
  feeBasisPoints @3 :UInt32;
  # The operator's share of each collected amount.
  feeFixed @4 :UInt128;
  # For each payout.
  payoutRail @5 :Text;
  payoutAccount @6 :Text;
  payoutMinimum @7 :UInt128;
  active @8 :Bool = true;
  registeredUs @9 :UInt64;
  ownTerms @10 :Bool;
  # The next two are its own; otherwise those of ReleaseDefaults hold.
  release @11 :List(ReleaseRule);
  payoutEvery @12 :WindowSpec;
  # What became payable in one of these windows is paid out after its end; a duration of 0: as soon as possible.
}

struct PayeeBalance {
  payee @0 :UInt32;
  asset @1 :UInt16;
  accrued @2 :Balance;
  payable @3 :Balance;
  payableNow @4 :UInt128;
  # Released, net of fee and reserve, not in a payout.
  paidOut @5 :UInt128;
  fees @6 :UInt128;
  openPayout @7 :UInt64;
  reserve @8 :Balance;
  # Released but for finality.
  recoverable @9 :Balance;
  # What it got and has to give back: taken off what it earns next.
  payoutFromUs @10 :UInt64;
  # No payout before it.
}

struct OperatorBalance {
  asset @0 :UInt16;
  inTransit @1 :Balance;
  outTransit @2 :Balance;
  cash @3 :Balance;
  revenue @4 :Balance;
  badDebt @5 :Balance;
  rounding @6 :Balance;
  railFees @7 :Balance;
  # What the rails kept.
  suspense @8 :Balance;
  # Money that rails told of and that belongs to no settlement; see Notice.
  tax @9 :Balance;
  # On statements, to be paid to the authorities.
  refunds @10 :Balance;
  # Payers' credit that is to be refunded.
}

struct Server {
  id @0 :UInt32;
  key @1 :Data;
  # Address of the registered key.
  label @2 :Text;
  payees @3 :List(UInt32);
  active @4 :Bool = true;
}

enum Period {
  total @0;
  hour @1;
  day @2;
  week @3;
  # Starts on Monday.
  month @4;
}

struct Mandate {
  # The payer lets an agent's key sign for it. The highest nonce for (payer, agent, asset) is in force. Periods are UTC.
  payer @0 :Data;
  agent @1 :Data;
  asset @2 :UInt16;
  cap @3 :UInt128;
  # Of charges and held maxima in each period.
  period @4 :Period;
  payees @5 :List(Data);
  # Strictly ascending, at most 64; empty = any.
  validAfter @6 :UInt64;
  # Seconds, inclusive.
  validBefore @7 :UInt64;
  # Seconds, exclusive; 0 = no end.
  nonce @8 :UInt64;
}

struct MandateRevocation {
  payer @0 :Data;
  agent @1 :Data;
  asset @2 :UInt16;
  nonce @3 :UInt64;
  # Higher than the mandate's.
}

struct MandateState {
  id @0 :UInt32;
  mandate @1 :Mandate;
  signature @2 :Data;
  revoked @3 :Bool;
  nonceFloor @4 :UInt64;
  periodStartUs @5 :UInt64;
  spent @6 :UInt128;
  held @7 :UInt128;
}

enum StatementState {
  # Numbers are the ledger's own.
  unspecified @0;
  open @1;
  paid @2;
  writtenOff @3;
  credited @4;
}

struct Statement {
  # The immutable result of a closed window; only `state`, `credited`, `creditedPaid`, `paid`, `refunded` and `fees`
  # change later.
  id @0 :UInt64;
  payer @1 :UInt32;
  asset @2 :UInt16;
  plan @3 :UInt32;
  windowNumber @4 :UInt64;
  window @5 :WindowBounds;
  issuedUs @6 :UInt64;
  dueUs @7 :UInt64;
  total @8 :UInt128;
  billed @9 :UInt128;
  # Net and tax.
  creditApplied @10 :UInt128;
  lines @11 :List(Line);
  # Lists of statements leave lines, carriedIn, shares and carriedOut empty.
  carriedIn @12 :List(PayeeShare);
  shares @13 :List(PayeeShare);
  # Of the net amount.
  carriedOut @14 :List(PayeeShare);
  entries @15 :UInt64;
  # Leaves under `root`.
  root @16 :Data;
  # RFC 6962 root over the window's charging entries.
  closedBy @17 :UInt64;
  # Sequence of the window_closed entry.
  settlement @18 :UInt64;
  state @19 :StatementState;
  credited @20 :UInt128;
  # By credit notes on this statement. Still due: billed - creditApplied - (credited - creditedPaid) - paid, unless a
  # collection has paid it.
  fees @21 :List(UInt128);
  # The operator's fee of each share; empty until the shares are released to their payees.
  tax @22 :UInt128;
  # In `billed`. The shares are of the rest, the net amount.
  taxTerms @23 :Tax;
  # By which it was computed.
  series @24 :Text;
  number @25 :UInt64;
  # Invoice number: "INV" and 42 is written INV-000042. Gap-free in its series.
  creditedPaid @26 :UInt128;
  # The part of `credited` that had been paid, and became the payer's credit.
  paid @27 :UInt128;
  # By payments that came by themselves, and by collections that moved a part.
  refunded @28 :UInt128;
  # Of what its collection moved; refunds under way count.
}

struct CreditNote {
  id @0 :UInt64;
  series @1 :Text;
  number @2 :UInt64;
  # Gap-free in its series: "CN" and 7 is written CN-000007.
  payer @3 :UInt32;
  asset @4 :UInt16;
  statement @5 :UInt64;
  # 0: goodwill.
  amount @6 :UInt128;
  # Net and tax.
  tax @7 :UInt128;
  reducedDue @8 :UInt128;
  # The part of the amount by which less is collected ...
  credited @9 :UInt128;
  # ... and the part that became the payer's credit, as it was paid before.
  reason @10 :Text;
  timeUs @11 :UInt64;
  reference @12 :Text;
  # Of whoever asked for it; unique among the credit notes of payer and asset.
  notedBy @13 :UInt64;
  # Sequence of the entry that made it: its proof proves the note.
}

struct Payment {
  # Money that came by itself, not by a collection.
  id @0 :UInt64;
  payer @1 :UInt32;
  asset @2 :UInt16;
  amount @3 :UInt128;
  reference @4 :Text;
  receivedUs @5 :UInt64;
  parts @6 :List(Part);
  # The statements that it paid, in order.
  credited @7 :UInt128;
  # The rest: the payer's credit.
  timeUs @8 :UInt64;
  struct Part {
    statement @0 :UInt64;
    amount @1 :UInt128;
  }
}

enum SettlementKind {
  unspecified @0;
  collection @1;
  payout @2;
  relay @3;
  # A transaction that the operator sends for others: neither payer nor payee, and no postings.
  refund @4;
  # Of a payer's credit, by the rail that collected it.
}

enum SettlementState {
  # Numbers are the ledger's own (design: ready -> sending -> accepted -> confirmed -> settled -> final).
  unspecified @0;
  ready @1;
  sending @2;
  accepted @3;
  confirmed @4;
  settled @5;
  final @6;
  failed @7;
  unknown @8;
  # The outcome is not known: it is probed, never sent again.
  returned @9;
  disputed @10;
  writtenOff @11;
  cancelled @12;
}

enum FailureClass {
  none @0;
  insufficientFunds @1;
  noMandate @2;
  rejected @3;
  technical @4;
  needsAction @5;
  # The payer must do something, for example authenticate with a card's issuer.
}

struct RailRefusal {
  # A rail that said no to a collection in a way that asking again does not mend.
  rail @0 :Text;
  failure @1 :FailureClass;
  # rejected, or needsAction: that one is asked again when no other is left.
}

struct Settlement {
  id @0 :UInt64;
  kind @1 :SettlementKind;
  payer @2 :UInt32;
  payee @3 :UInt32;
  statement @4 :UInt64;
  asset @5 :UInt16;
  amount @6 :UInt128;
  fee @7 :UInt128;
  rail @8 :Text;
  state @9 :SettlementState;
  attempt @10 :UInt32;
  technicalRetries @11 :UInt32;
  dunningStep @12 :UInt32;
  nextActionUs @13 :UInt64;
  idempotencyKey @14 :Data;
  request @15 :Data;
  # The exact bytes of the current attempt; only where one settlement is asked for by an operator or auditor.
  reference @16 :Text;
  # The rail's own id, for example a transaction hash.
  failure @17 :FailureClass;
  detail @18 :Text;
  createdUs @19 :UInt64;
  submittedUs @20 :UInt64;
  confirmedUs @21 :UInt64;
  finalizedUs @22 :UInt64;
  code @23 :Text;
  # The rail's own word for the last failure or state, raw; may be empty.
  railFee @24 :UInt128;
  # What the rail kept of the current attempt, as far as it has said.
  refusals @25 :List(RailRefusal);
  operatorReference @26 :Text;
  # Refunds: of whoever asked for it; unique among the refunds of payer and asset.
}

enum NoticeKind {
  # What it says. Numbers are the ledger's own, as of the next three.
  unspecified @0;
  event @1;
  # Something happened; the rail is asked what.
  accepted @2;
  rejected @3;
  # The rail took an instruction, or did not.
  booked @4;
  # Money moved.
  returned @5;
  # Money that had moved came back.
  changed @6;
  # Something about an account or a mandate is different now.
}

enum NoticeState {
  unspecified @0;
  applied @1;
  # Its settlement was looked at since, or there is nothing to look at.
  waiting @2;
  # For its settlement to be looked at; if that is over, for the operator.
  refused @3;
  # Forged or malformed: kept, changes nothing.
  suspense @4;
  # Money that belongs to no settlement: booked to suspense until the operator resolves it.
  resolved @5;
}

enum Direction {
  # Of money, seen from the operator's account.
  none @0;
  in @1;
  out @2;
}

enum Resolution {
  # Where the operator put the money of a notice.
  none @0;
  dismissed @1;
  # Nowhere: it waited, and is explained without it.
  wentBack @2;
  # In cash, to where it came from.
  payerCredit @3;
  operators @4;
  # What came in is the operator's revenue, what went out its loss.
  paysStatement @5;
  # What came in pays a payer's statement, as Operator.recordPayment.
}

struct Notice {
  # What a rail said on its own: a webhook, an entry of a bank's file.
  id @0 :UInt64;
  rail @1 :Text;
  key @2 :Data;
  # 32 bytes; unique on its rail for ever.
  source @3 :Text;
  externalId @4 :Text;
  # The rail's own name for it.
  kind @5 :NoticeKind;
  settlement @6 :UInt64;
  # 0: it matches nothing.
  asset @7 :UInt16;
  amount @8 :UInt128;
  direction @9 :Direction;
  # none: it is not about money.
  state @10 :NoticeState;
  recordedAs @11 :NoticeState;
  detail @12 :Text;
  body @13 :Data;
  # What the settler needs of it; only where one notice is asked for.
  receivedUs @14 :UInt64;
  resolution @15 :Resolution;
  payer @16 :UInt32;
  # payerCredit
  reason @17 :Text;
  changedUs @18 :UInt64;
  # 0: it is as it was recorded.
}

struct Relay {
  # What a settlement of kind relay is about.
  settlement @0 :UInt64;
  key @1 :Data;
  # 32 bytes; unique for ever.
  label @2 :Text;
  order @3 :Data;
  # What the rail was given, in the rail's own encoding.
}

struct ChannelReservation {
  # A channel's voucher that a server has reserved.
  sequence @0 :UInt64;
  # Of its entry, and its name. 0: there is no reservation, and nothing else is set.
  request @1 :Data;
  # 16 bytes, chosen by the server; empty: none.
  refund @2 :Bool;
  # Otherwise a charge.
  maximum @3 :UInt128;
  signature @4 :Data;
  amount @5 :UInt128;
  # The most that is charged, or what goes back.
  deposit @6 :UInt128;
  # On its way to the channel.
  expiresUs @7 :UInt64;
  # From then on another voucher may take its place. 0: a refund, which has no end.
}

struct Channel {
  # A payment channel whose charges are kept here (docs/bindings/channel.md). Figures are in the token's smallest units.
  id @0 :UInt64;
  key @1 :Data;
  # channelId on the chain.
  chainId @2 :UInt64;
  contract @3 :Data;
  payer @4 :Data;
  payerAuthorizer @5 :Data;
  # Zero: the payer itself.
  receiver @6 :Data;
  receiverAuthorizer @7 :Data;
  token @8 :Data;
  withdrawDelayS @9 :UInt64;
  salt @10 :Data;
  charged @11 :UInt128;
  # Cumulative.
  captured @12 :UInt128;
  # The part of it that was charged here.
  charges @13 :UInt64;
  signedMaximum @14 :UInt128;
  # Of the voucher with which it can be claimed.
  signature @15 :Data;
  # Empty: nothing was charged here.
  balance @16 :UInt128;
  # This and the following as the chain has it, confirmed, since `block`.
  totalClaimed @17 :UInt128;
  withdrawal @18 :UInt128;
  # Under way; 0: none.
  withdrawRequestedAtS @19 :UInt64;
  refundNonce @20 :Data;
  # 32 bytes, big-endian.
  block @21 :UInt64;
  reservation @22 :ChannelReservation;
  putAside @23 :Text;
  # Why its claim is not sent; empty: it is.
  openedUs @24 :UInt64;
  chargedUs @25 :UInt64;
  # The last charge; 0: none.
}

struct Earnings {
  # What a receiver earned through channels, in one token at one contract. In the token's smallest units.
  chainId @0 :UInt64;
  contract @1 :Data;
  receiver @2 :Data;
  token @3 :Data;
  charged @4 :UInt128;
  # Here.
  claimed @5 :UInt128;
  # This and the next as the contract has it at `block`, channels that are not kept here included.
  settled @6 :UInt128;
  block @7 :UInt64;
  # 0: not looked up yet.
}

struct CommandReceipt {
  # The answer to every command: sent after it is durable.
  status @0 :UInt16;
  sequence @1 :UInt64;
  # Last entry written; 0 if nothing changed.
  id @2 :UInt64;
  # Of the object that was made or changed.
  detail @3 :Text;
  # For people: which value was wrong and what is allowed.
  segment @4 :UInt64;
  timeUs @5 :UInt64;
}

# ---------------------------------------------------------------------------------------------------------------------
# The journal

struct Entry {
  # One record of the journal, with where it stands. `bytes` are as stored (ledger/FORMAT.md): their RFC 6962 leaf hash
  # is in the segment's root and, for charging entries, in the statement's.
  sequence @0 :UInt64;
  segment @1 :UInt64;
  index @2 :UInt32;
  # In its segment, from 0.
  timeUs @3 :UInt64;
  bytes @4 :Data;
}

enum ChargeKind {
  unspecified @0;
  charged @1;
  held @2;
  captured @3;
  released @4;
  voucher @5;
}

struct ChargeRecord {
  # A charging entry in readable form.
  entry @0 :Entry;
  kind @1 :ChargeKind;
  payee @2 :UInt32;
  asset @3 :UInt16;
  amount @4 :UInt128;
  # Sum of the usages; for a hold the maximum.
  usages @5 :List(Usage);
}

struct Head {
  # The newest durable segment, signed by the operator: EIP-712 Segment(uint64 number,bytes32 hash).
  network @0 :Text;
  operatorKey @1 :Data;
  lastSequence @2 :UInt64;
  lastSegment @3 :UInt64;
  segmentHash @4 :Data;
  header @5 :Data;
  # The segment's header, encoded (192 bytes); its SHA-256 is `segmentHash`. Empty before the first segment.
  signature @6 :Data;
  timeUs @7 :UInt64;
  payers @8 :UInt32;
  payees @9 :UInt32;
  servers @10 :UInt32;
  plans @11 :UInt32;
  mandates @12 :UInt32;
  tabs @13 :UInt64;
  statements @14 :UInt64;
  settlements @15 :UInt64;
  notices @16 :UInt64;
}

# ---------------------------------------------------------------------------------------------------------------------
# Events, operation

enum EventKind {
  # A filter is a set of these, as bits 1 << ordinal.
  unspecified @0;
  accepted @1;
  # A charge, hold, capture or voucher became durable.
  released @2;
  # A hold was given up or expired.
  windowOpened @3;
  windowClosed @4;
  # `statement` is 0 when everything was carried forward.
  settling @5;
  # A settlement was planned or moved; `settlementState` says where to. Not used for the next four.
  settled @6;
  # Confirmed by the rail, or further (settled, final).
  failed @7;
  # A settlement failed or is unknown; `text` says why.
  reversed @8;
  # Returned or disputed after confirmation.
  suspended @9;
  resumed @10;
  mandate @11;
  # Set or revoked.
  credited @12;
  # A credit note, or a statement written off.
  configured @13;
  # An asset, plan, payer, payee, server, limit or rail mandate was set.
  channelOpened @14;
  # A payment channel (x402 batch-settlement on an EVM chain) is kept from now on; `amount` is its balance.
  channelSynced @15;
  # The chain has other figures for it: a deposit, claim, withdrawal or refund; `amount` is what was claimed in all.
  channelReserved @16;
  # A voucher or refund was reserved; `amount` is the most that it may cost, or what is to go back.
  channelCharged @17;
  # A reservation was captured; `amount` is the charge.
  channelReleased @18;
  # A reservation was given up.
  channelPutAside @19;
  # No voucher is reserved and no claim sent any more; `text` says why. Empty: it was taken back.
  channelEarnings @20;
  # What a receiver's channels brought on the chain; `amount` was claimed in all, `text` says what was settled.
  notice @21;
  # A rail said something on its own, or the operator resolved such a notice; `text` says what.
}

struct Event {
  # Kinds may be added: pass over those that you do not know.
  sequence @0 :UInt64;
  timeUs @1 :UInt64;
  kind @2 :EventKind;
  payer @3 :Data;
  # Address; empty where there is none.
  payee @4 :Data;
  asset @5 :UInt16;
  amount @6 :UInt128;
  charges @7 :UInt32;
  # accepted: how many usages.
  statement @8 :UInt64;
  settlement @9 :UInt64;
  settlementState @10 :SettlementState;
  text @11 :Text;
  # For people: reason, label or reference.
  channel @12 :Data;
  # channelOpened to channelPutAside: the channelId (32 bytes). Payer and payee are the channel's payer and receiver,
  # whether registered here or not; `asset` is 0 and `amount` in the token's smallest units, 2^127 - 1 if it is more.
}

struct EventFilter {
  kinds @0 :UInt32;
  # Bits 1 << EventKind; 0 = all.
  payer @1 :Data;
  # Only this payer's; empty = every payer that the session may see.
  payee @2 :Data;
  # Only this payee's; empty = every payee that the session may see.
}

struct Named {
  # A figure of the running daemon, for `status` and `top`: "items_accepted_total", "queue_verify_items".
  name @0 :Text;
  value @1 :Int64;
}

struct DaemonStatus {
  version @0 :Text;
  startedUs @1 :UInt64;
  nowUs @2 :UInt64;
  dryRun @3 :Bool;
  # Settlements are prepared and not sent.
  degraded @4 :List(Text);
  # Why something does not work as it should; empty when all is well.
  figures @5 :List(Named);
  head @6 :Head;
}

struct RailStatus {
  name @0 :Text;
  enabled @1 :Bool;
  # The kill switch: false sends nothing on this rail.
  dryRun @2 :Bool;
  pull @3 :Bool;
  push @4 :Bool;
  inFlight @5 :UInt32;
  inFlightMax @6 :UInt32;
  description @7 :Text;
  # One line from the settler: balance, lag, degraded reason.
  available @8 :Bool = true;
  # False: its settler is another process, and not connected. Its settlements wait.
}

struct BankFile {
  # A file for the bank, in the bank rail's spool.
  name @0 :Text;
  state @1 :Text;
  # "written", "handing over", "out" (waits for its transport), "taken" (the transport has it), "held" (waits for the
  # operator), "void".
  reason @2 :Text;
  # held, void: why.
  collection @3 :Bool;
  # Otherwise a payout.
  due @4 :Text;
  # "2026-11-24"
  cents @5 :UInt64;
  payments @6 :UInt64;
  sha256 @7 :Data;
}

enum FileAnswer {
  unspecified @0;
  release @1;
  # A held file may leave.
  resend @2;
  # The bank does not have it: the same bytes once more, of a held or taken file.
  sent @3;
  # The bank has it.
  void @4;
  # The bank never got it and never will: its payments fail, and are planned anew.
  clearAlarm @5;
  # Not of a file: collections are no longer held for the alarm.
}

enum DifferenceKind {
  unspecified @0;
  notInBooks @1;
  # The rail moved money, and no settlement here says so.
  notAtRail @2;
  # A settlement says that money moved, and the rail has no record of it.
  amount @3;
  stuck @4;
  # Under way for longer than is allowed.
  clearing @5;
  # A clearing account is not what is under way.
  suspense @6;
  # Money that a rail told of and that belongs to no settlement.
}

struct Difference {
  kind @0 :DifferenceKind;
  rail @1 :Text;
  # Empty with `clearing`.
  settlement @2 :UInt64;
  # 0: not known.
  notice @3 :UInt64;
  reference @4 :Text;
  # The rail's own.
  asset @5 :UInt16;
  # 0: of no asset that is configured.
  hasOurs @6 :Bool;
  ours @7 :UInt128;
  hasTheirs @8 :Bool;
  theirs @9 :UInt128;
  incoming @10 :Bool;
  # Seen from the operator's account.
  sinceUs @11 :UInt64;
  # When it happened; 0: not known.
  detail @12 :Text;
}

struct Reconciliation {
  # Our books beside the rails' own records of what they moved.
  struct Rail {
    name @0 :Text;
    movements @1 :UInt64;
    settlements @2 :UInt64;
    matched @3 :UInt64;
    problem @4 :Text;
    # Not empty: the rail could not be read, and nothing is concluded.
    uncompared @5 :UInt64;
    # Settlements of which the rail keeps no record, or none that the amount is in (a rate, a dispute).
  }
  struct Count {
    rail @0 :Text;
    kind @1 :DifferenceKind;
    count @2 :UInt64;
  }
  number @0 :UInt64;
  # Of the run, from 1 since the start of the daemon; 0: there was none.
  startedUs @1 :UInt64;
  finishedUs @2 :UInt64;
  fromUs @3 :UInt64;
  toUs @4 :UInt64;
  # Movements in [from, to) are compared.
  rails @5 :List(Rail);
  differences @6 :List(Difference);
  # The oldest; at most 1,000.
  differencesTotal @7 :UInt64;
  counts @8 :List(Count);
  # Of all, by rail and kind.
  oldestUs @9 :UInt64;
  # When the oldest difference happened; 0: there is none.
}

struct StatusText {
  # One row of status.capnp.
  number @0 :UInt16;
  name @1 :Text;
  sentence @2 :Text;
  x402 @3 :Text;
  # The x402 error code, where there is one.
  nextStep @4 :Text;
}
