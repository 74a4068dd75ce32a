@0x8988677e0eee61aa;

# tabd's remote interface. This file is the manual; types.capnp explains the values, status.capnp the refusals,
# settler.capnp the rails that are served from outside.
#
# Connecting
#   By default a unix socket with mode 0600; over TCP only with TLS (1.2 or later), with client certificates where the
#   operator asks for them. The protocol is Cap'n Proto RPC, level 1, unpacked; the bootstrap capability is `Tabd`.
#
# Authority is a capability
#   `Tabd` can do nothing but describe the daemon and answer a login. A login gives a session, and a session can do what
#   its methods say and see what belongs to it, nothing else. There is no method that takes a role or a user name.
#
# Refusals and failures
#   A refusal is a value: `status`, a number of status.capnp. An exception means that the daemon could not do it at all
#   (disk, shutdown, a queue of reads that is full: type `overloaded`, try again) or that the message broke this manual
#   (type `failed`, the text says where).
#
# Lists
#   Every list takes a `Page`: start after `after` (0 = from the beginning), at most `limit` items (0 or more than 1,000
#   means 1,000). The answer's `next` is the `after` of the following page, 0 when this page is the last.
#
# Limits for each connection
#   One message: 32 MiB (64 KiB before login), nesting 16, 512 segments. Calls waiting for an answer: 16 MiB. Ten failed
#   logins close the connection, as does an unfinished message or an unread answer after 30 s, or no login within 60 s.
#   Nothing is read from a client that has 8 MiB of answers to read.
#
# Compatibility
#   Numbers (@n), ids and status numbers are never reused and types never change. Fields, methods, enumerants and
#   statuses are added at the end. A client ignores what it does not know; an unknown enumerant means "something newer".
#   A method that is replaced stays, and its comment names the replacement.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rpc::schema");

using T = import "types.capnp";
using R = import "settler.capnp";

enum Role {
  # The text that is signed at login is the lower-case name.
  server @0;
  payer @1;
  operator @2;
  auditor @3;
  rail @4;
  # A settler outside the daemon: settler.capnp.
}

struct Info {
  network @0 :Text;
  # The operator's network, for example "acme:tab". The EIP-712 domain of everything that is signed here is
  # {name "tabd", version "1", salt keccak256(network)}.
  operatorKey @1 :Data;
  # Address of the key that signs journal segments.
  version @2 :Text;
  assets @3 :List(T.Asset);
  nowUs @4 :UInt64;
  # The daemon's clock.
  batchItemsMax @5 :UInt32;
  batchChargesMax @6 :UInt32;
}

struct Page {
  after @0 :UInt64;
  limit @1 :UInt32;
}

interface Tabd {
  # The bootstrap capability.
  info @0 () -> (info :Info);
  authenticate @1 (role :Role, key :Data) -> (challenge :Data, login :Login);
  # `key`: the 20-byte address of the key that will sign. The challenge is random, for one use, and expires in 60 s. The
  # answer does not reveal whether the key is known.
  statuses @2 () -> (statuses :List(T.StatusText));
}

interface Login {
  login @0 (signature :Data) -> (status :UInt16, session :Session);
  # `signature`: 65 bytes, EIP-712 Login(string role,address key,bytes32 challenge) in the operator's domain.
  # ok; a signature status; notPermitted (the key does not have this role, the challenge was used or is too old);
  # payerUnknown, serverUnknown.
}

struct Session {
  union {
    none @0 :Void;
    # The login was refused.
    server @1 :ServerSession;
    payer @2 :PayerSession;
    operator @3 :OperatorSession;
    auditor @4 :AuditorSession;
    rail @5 :R.RailSession;
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Events

interface Events {
  # Every session can subscribe; it gets the events that belong to it: a payer its own, a server those of its payees,
  # the operator and the auditor all.
  subscribe @0 (filter :T.EventFilter, listener :Listener) -> (subscription :Subscription);
  # Events from now on, in journal order. Drop `subscription` to end it.
}

interface Subscription {
  # Exists as long as the subscription does. No methods: dropping it ends the subscription.
}

interface Listener {
  # Implemented by the client.
  events @0 (events :List(T.Event)) -> stream;
  # One or more, in order.
  dropped @1 (reason :Text) -> ();
  # The last call: the subscriber fell more than 10,000 events behind, or the daemon stops. What was missed can be read
  # from the lists.
}

# ---------------------------------------------------------------------------------------------------------------------
# Resource servers

interface ServerSession extends(Events) {
  # For a server key that the operator registered. Items for other payees than the key's are refused one by one
  # (serverNotForPayee).
  submit @0 (batch :T.Batch) -> (receipt :T.BatchReceipt);
  # Answered after the accepted items are on disk. Several calls may be under way; they are decided in order.
  openSubmitter @1 () -> (submitter :Submitter);
  exposure @2 (payer :Data, asset :UInt16) -> (status :UInt16, exposure :T.Exposure);
  # ok, payerUnknown, assetUnknown, assetNotEnabled.
  account @3 () -> (server :T.Server, payees :List(T.Payee));
  proof @4 (sequence :UInt64) -> (status :UInt16, proof :Data);
  # As PayerSession.proof, for the charges and holds of the key's payees, whichever server submitted them. Once the
  # window is closed it names the payer's statement and its total, none of its other lines. notFound for other entries.
}

interface Submitter {
  # Batches as a stream: the client sends as fast as flow control lets it and asks once at the end.
  submit @0 (batch :T.Batch) -> stream;
  done @1 () -> (summary :T.StreamSummary);
  # Waits until every batch sent before it is decided; reports since the last done(). A batch refused as a whole counts
  # each of its items as refused with the batch's status.
}

# ---------------------------------------------------------------------------------------------------------------------
# Payers

interface PayerSession extends(Events) {
  account @0 () -> (payer :T.Payer, tallies :List(T.Tally));
  statements @1 (page :Page) -> (statements :List(T.Statement), next :UInt64);
  statement @2 (id :UInt64) -> (status :UInt16, statement :T.Statement);
  # ok or notFound (also for another payer's).
  charges @3 (page :Page) -> (charges :List(T.ChargeRecord), next :UInt64);
  # By sequence. May lag the newest receipts by moments.
  proof @4 (sequence :UInt64) -> (status :UInt16, proof :Data);
  # Shows that the entry is in the ledger and, once its window is closed, in its statement. Encoding: ledger/README.md,
  # "Proofs"; `tabctl prove` and the verifier library read it with the operator's address alone. Of the payer's charges,
  # holds and credit notes; notFound for other entries.
  mandates @5 (page :Page) -> (mandates :List(T.MandateState), next :UInt64);
  setMandate @6 (mandate :T.Mandate, signature :Data) -> (receipt :T.CommandReceipt);
  # The signature is the payer's. `mandate.payer` must be the session's (notPermitted).
  revokeMandate @7 (revocation :T.MandateRevocation, signature :Data) -> (receipt :T.CommandReceipt);
  setRailMandate @8 (railMandate :Data, rail :Text) -> (receipt :T.CommandReceipt);
  # What this rail needs to pull, for example an EIP-2612 permit. Opaque here; at most 4,096 bytes; empty takes it away.
  settlements @9 (page :Page) -> (settlements :List(T.Settlement), next :UInt64);
  # The payer's collections and refunds.
  retryCollection @10 (settlement :UInt64) -> (receipt :T.CommandReceipt);
  # Collect again now, after the payer mended the cause: what waits for its time, failed or was returned.
  payees @11 (ids :List(UInt32)) -> (payees :List(T.Payee));
  # Names of payees on statements: id, address and label only. At most 1,000; unknown ids are left out.
  creditNotes @12 (page :Page) -> (notes :List(T.CreditNote), next :UInt64);
  # The payer's.
  creditNoteById @13 (id :UInt64) -> (status :UInt16, note :T.CreditNote);
  # ok or notFound (also for another payer's).
}

# ---------------------------------------------------------------------------------------------------------------------
# Reading everything: operators and auditors

interface Books extends(Events) {
  payer @0 (address :Data) -> (status :UInt16, payer :T.Payer, tallies :List(T.Tally));
  payers @1 (page :Page) -> (payers :List(T.Payer), next :UInt64);
  payerById @2 (id :UInt32) -> (status :UInt16, payer :T.Payer);
  tally @3 (payer :Data, asset :UInt16) -> (status :UInt16, tally :T.Tally);
  # With the lines of the open window.
  payee @4 (address :Data) -> (status :UInt16, payee :T.Payee, balances :List(T.PayeeBalance));
  payees @5 (page :Page) -> (payees :List(T.Payee), next :UInt64);
  payeeById @6 (id :UInt32) -> (status :UInt16, payee :T.Payee);
  server @7 (key :Data) -> (status :UInt16, server :T.Server);
  servers @8 (page :Page) -> (servers :List(T.Server), next :UInt64);
  assets @9 () -> (assets :List(T.Asset));
  plans @10 () -> (plans :List(T.Plan));
  mandates @11 (payer :Data, page :Page) -> (status :UInt16, mandates :List(T.MandateState), next :UInt64);
  statements @12 (payer :Data, page :Page) -> (status :UInt16, statements :List(T.Statement), next :UInt64);
  # `payer` empty: of all payers.
  statement @13 (id :UInt64) -> (status :UInt16, statement :T.Statement);
  settlements @14 (state :T.SettlementState, page :Page) -> (settlements :List(T.Settlement), next :UInt64);
  # `unspecified`: in every state.
  settlement @15 (id :UInt64) -> (status :UInt16, settlement :T.Settlement);
  charges @16 (payer :Data, page :Page) -> (status :UInt16, charges :List(T.ChargeRecord), next :UInt64);
  operatorBalances @17 () -> (balances :List(T.OperatorBalance));
  head @18 () -> (head :T.Head);
  proof @19 (sequence :UInt64) -> (status :UInt16, proof :Data);
  # As PayerSession.proof, for any entry.
  status @20 () -> (status :T.DaemonStatus);
  rails @21 () -> (rails :List(T.RailStatus));
  relay @22 (settlement :UInt64) -> (status :UInt16, relay :T.Relay);
  # notFound for settlements of other kinds.
  channels @23 (page :Page) -> (channels :List(T.Channel), next :UInt64);
  # Payment channels (x402 batch-settlement) whose charges are kept here, in the order in which they were opened.
  channel @24 (key :Data) -> (status :UInt16, channel :T.Channel);
  # By its channelId on the chain. ok or notFound.
  earnings @25 (limit :UInt32) -> (earnings :List(T.Earnings));
  # What receivers earned through channels; at most 1,000.
  notices @26 (state :T.NoticeState, page :Page) -> (notices :List(T.Notice), next :UInt64);
  # What rails said on their own, in the order in which it was recorded. `unspecified`: in every state.
  notice @27 (id :UInt64) -> (status :UInt16, notice :T.Notice);
  noticesOf @28 (settlement :UInt64, limit :UInt32) -> (notices :List(T.Notice));
  # The last ones that name the settlement, oldest first; at most 1,000.
  creditNotes @29 (payer :Data, page :Page) -> (status :UInt16, notes :List(T.CreditNote), next :UInt64);
  # `payer` empty: of all payers.
  creditNotesOn @30 (statement :UInt64) -> (notes :List(T.CreditNote));
  # At most 1,000.
  payments @31 (payer :Data, page :Page) -> (status :UInt16, payments :List(T.Payment), next :UInt64);
  # Those that came by themselves. `payer` empty: of all payers.
  releaseDefaults @32 () -> (defaults :T.ReleaseDefaults);
  reconciliation @33 () -> (reconciliation :T.Reconciliation);
  # The last one that ended; its number is 0 if there is none.
  bankFiles @34 () -> (status :UInt16, files :List(T.BankFile), alarm :Text);
  # Those that wait for the operator, and the newest of the others; at most about 1,000, the newest last. Not empty `alarm`:
  # collections are held for it. notFound if there is no bank rail.
  creditNoteById @35 (id :UInt64) -> (status :UInt16, note :T.CreditNote);
}

# ---------------------------------------------------------------------------------------------------------------------
# Operators

interface OperatorSession extends(Books) {
  # What moves money because the operator says so (creditNote, refund, recordPayment) has a reference of the caller's, at
  # most 256 bytes and not empty: for each method, payer and asset the same reference is alreadyAccepted with the same
  # content, and the receipt's id is the first result's; with other content it is referenceConflict. So a call whose
  # answer was lost can be repeated.
  setAsset @0 (asset :T.Asset) -> (receipt :T.CommandReceipt);
  setPlan @1 (plan :T.Plan) -> (receipt :T.CommandReceipt);
  setPayer @2 (address :Data, label :Text, plans :List(Text)) -> (receipt :T.CommandReceipt);
  # Found by address or registered; `plans` are labels.
  setPayee @3 (payee :T.Payee) -> (receipt :T.CommandReceipt);
  # Found by address or registered; `id` and `registeredUs` are ignored.
  setServer @4 (key :Data, label :Text, payees :List(Data), active :Bool = true) -> (receipt :T.CommandReceipt);
  # `payees` are addresses.
  setCreditLimit @5 (payer :Data, asset :UInt16, limit :T.UInt128) -> (receipt :T.CommandReceipt);
  # Zero: the plan's limit again.
  suspend @6 (payer :Data, reason :Text) -> (receipt :T.CommandReceipt);
  resume @7 (payer :Data, reason :Text) -> (receipt :T.CommandReceipt);
  revokeMandate @8 (revocation :T.MandateRevocation) -> (receipt :T.CommandReceipt);
  # By the operator: unsigned, and recorded as such.
  creditNote @9 (payer :Data, asset :UInt16, statement :UInt64, amount :T.UInt128, reason :Text, reference :Text)
      -> (receipt :T.CommandReceipt);
  # `statement` 0: goodwill credit. Of a statement that is paid already: the payer's credit. The receipt's id is the
  # note's.
  writeOff @10 (statement :UInt64, reason :Text) -> (receipt :T.CommandReceipt);
  closeNow @11 (payer :Data, asset :UInt16) -> (receipt :T.CommandReceipt);
  # Closes the payer's open window before its end.
  retrySettlement @12 (settlement :UInt64) -> (receipt :T.CommandReceipt);
  # Try again now: what waits for its time, collections that failed or were returned, payouts that failed; wrongState
  # otherwise, above all from unknown.
  cancelSettlement @13 (settlement :UInt64, reason :Text) -> (receipt :T.CommandReceipt);
  setRail @14 (name :Text, enabled :Bool) -> (status :UInt16, detail :Text);
  # The kill switch. Not journaled: it is a state of the running daemon, shown by rails().
  checkpoint @15 (name :Text) -> (status :UInt16, directory :Text, detail :Text);
  # A consistent copy under the configured checkpoint root. `name`: 1 to 64 letters, digits, '-', '_' and '.', not
  # starting with '.'. alreadyExists if there is one; valueInvalid for another name.
  releaseReservation @16 (channel :Data, reservation :UInt64) -> (receipt :T.CommandReceipt);
  # Ends a channel's reservation without a charge; `channel` is its key. ok without a change if it is not the present one.
  putChannelAside @17 (channel :Data, reason :Text) -> (receipt :T.CommandReceipt);
  # Claims of the channel are not sent, and its vouchers are refused. An empty reason takes it back.
  resolveNotice @18 (id :UInt64, resolution :T.Resolution, payer :Data, reason :Text, statement :UInt64)
      -> (receipt :T.CommandReceipt);
  # What to do about a notice that waits or is in suspense. `payer`: the address, with payerCredit and paysStatement;
  # otherwise empty. `statement`: with paysStatement, as recordPayment.
  # notFound; wrongState (it is neither, or the resolution is not one for it); payerUnknown.
  setRailMandate @19 (payer :Data, rail :Text, mandate :Data) -> (receipt :T.CommandReceipt);
  # As PayerSession.setRailMandate, where the operator's own pages took the payer's card or account down.
  setTax @20 (payer :Data, tax :T.Tax) -> (receipt :T.CommandReceipt);
  # From the payer's next statement on. An external tax engine follows the events of payers and calls this.
  refund @21 (payer :Data, asset :UInt16, statement :UInt64, amount :T.UInt128, reason :Text, reference :Text)
      -> (receipt :T.CommandReceipt);
  # Sends a part of the payer's credit back by the rail that collected the statement; the receipt's id is the
  # settlement's. At most what it collected less earlier refunds; a rail that cannot refund makes it fail, and the
  # credit stays.
  recordPayment @22 (payer :Data, asset :UInt16, statement :UInt64, amount :T.UInt128, reference :Text,
      receivedUs :UInt64) -> (receipt :T.CommandReceipt);
  # A payment that came by itself. `statement` 0: the payer's open ones, the oldest first. What is left is the payer's
  # credit.
  reconcile @23 (rail :Text, fromUs :UInt64, stuckAfterSeconds :UInt64) -> (status :UInt16, number :UInt64);
  # Compares soon: Books.reconciliation has what was found when its number is this one or a later one. An empty rail: all;
  # zeros: as configured. Changes nothing. notFound if there is no such rail.
  answerBank @24 (file :Text, answer :T.FileAnswer) -> (status :UInt16, detail :Text);
  # What the operator says of a file for the bank, as an empty file in the spool's gate/ does: durable, and carried out soon.
  # notFound; wrongState (`detail` says why).
}

# ---------------------------------------------------------------------------------------------------------------------
# Auditors

interface AuditorSession extends(Books) {
  entries @0 (from :UInt64, limit :UInt32) -> (entries :List(T.Entry));
  # From sequence `from` on; at most 1,000. An empty list: the journal ends before `from`.
  segments @1 (from :UInt64, limit :UInt32) -> (segments :List(Data));
  # Whole segments as stored (ledger/FORMAT.md), from number `from` on, at most `limit` and at most about 16 MiB, at
  # least one if there is one.
  follow @2 (fromSequence :UInt64, follower :Follower) -> (subscription :Subscription);
  # The journal, live: every segment that holds a sequence >= `fromSequence` (0 or 1 = from the beginning), in order,
  # without gaps, as fast as the follower takes them. A slow follower is behind, never dropped. Drop `subscription` to
  # end.
  extensionProof @3 (fromSegment :UInt64, toSegment :UInt64) -> (status :UInt16, proof :Data);
  # Shows that the ledger up to segment `toSegment` (0 = the newest) contains everything that it held at `fromSegment`.
  # Encoding: ledger/README.md, "Proofs". notFound if there is no such segment; valueInvalid if from > to.
}

interface Follower {
  # Implemented by the client.
  segment @0 (segment :Data) -> stream;
  # As stored: header, operator's signature, body.
  ended @1 (reason :Text) -> ();
  # The last call: the daemon stops or cannot read on.
}
