@0xd1c0a3f7b58e2946;

# Rails in any language: the interface of a settler that lives outside the daemon. This file is the manual; a guide with
# an example is docs/rails/external.md. The conventions of types.capnp hold (amounts, ids, times, empty fields).
#
# A settler moves money on one rail. It connects, logs in with the role `rail` (tabd.capnp) and registers itself; from then
# on the daemon's dispatcher drives it as it drives the rails that are built in. It decides nothing: not whether to try
# again, not when, not on which rail. It keeps no state that the ledger needs: key and request are durable in the ledger
# before `send` is called.
#
# What a settler promises
#   1. `prepare` moves nothing. It may be called again for the same attempt, and what it made may never be sent.
#   2. `send` moves the money at most once for each idempotency key, for ever: also when it is killed in the middle, when
#      the daemon is, and when both are. Keep a record of each key on disk before the money moves, with a unique index, or
#      use a provider that deduplicates by a key that you give it.
#   3. `probe` answers from evidence. `failed` means: nothing moved with this key, and nothing will. If you cannot be sure
#      of that, say `unknown`, and you are asked again. `final` means that it can no longer be reversed.
#   4. A key that `probe` has called `failed` is dead: a `send` that comes late (an old connection's, say) is refused.
#   5. What was said stays true: no way from `final` to anything, from `confirmed` or later only to `returned`,
#      `disputed` or (a reorganisation) `accepted`.
#   6. It answers `report` at once, whatever else it is doing: that is the sign that it lives.
#
# What the daemon promises
#   1. Key and request of `send` are exactly what `prepare` gave, and durable. They come back in `adopt` and `probe`.
#   2. `send` is called once for each attempt. What had been begun when a connection broke, a call timed out or a process
#      died is only probed. A new attempt, with a new `prepare`, needs a definite failure.
#   3. An answer counts for the settlement of its call and no other. An answer that makes no sense counts as none: the
#      settlement is `unknown` and probed. What is counted as nonsense stands at each field.
#   4. One settler serves the rail at a time. While none is there, its settlements wait as they are.
#
# Exceptions: `prepare` with an exception is a technical failure (nothing was sent, it is tried again); `send` and `probe`
# with an exception are `unknown`.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rpc::schema");

using T = import "types.capnp";

struct RailOpening {
  # What the operator configured.
  rail @0 :Text;
  network @1 :Text;
  # As Info.network. Make it a part of your keys if one account at your provider serves several daemons.
  inFlightMax @2 :UInt32;
  # At most so many settlements are between `prepare` and confirmed at a time.
  callMs @3 :UInt64;
  # An answer that takes longer is not waited for.
  heartbeatMs @4 :UInt64;
  # How often `report` is called; unanswered for as long again, the connection is ended.
  sending @5 :Bool;
  # As setSending.
}

struct RailCapabilities {
  pull @0 :Bool;
  # Can collect from a payer who gave a mandate before.
  push @1 :Bool;
  # Can pay out.
  request @2 :Bool;
  # Can only ask the payer to pay.
  canProbe @3 :Bool;
  # Probing gives a definite answer sooner or later. A settler that cannot is not registered.
  deduplicates @4 :Bool;
  # Sending the same bytes twice moves money once.
  inFlightMax @5 :UInt32;
  # Settlements at a time; not less than the configuration gives it.
  finalityS @6 :UInt64;
  # Usual time from accepted to final.
  refunds @7 :Bool;
  # Can send back what it collected, wholly or in parts.
}

struct RailInstruction {
  # What one settlement is about, resolved.
  settlement @0 :T.Settlement;
  # With `idempotencyKey` and `request` of the current attempt in `send` and `probe`. (id, attempt, technicalRetries) is
  # different for each `prepare` whose result can be sent.
  asset @1 :T.Asset;
  # `settlement.amount` counts units of 10^-scale. It is a whole number of units of 10^-railScale.
  payerAddress @2 :Data;
  # Collections and refunds.
  mandate @3 :Data;
  # Collections and refunds: what the payer gave for this rail (PayerSession.setRailMandate); empty: nothing.
  payeeAccount @4 :Text;
  # Payouts: Payee.payoutAccount.
  notices @5 :List(T.Notice);
  # What you recorded of this settlement, oldest first: the last 32, without refused and resolved ones.
  dryRun @6 :Bool;
  # `prepare` only: say what would be sent, reserve nothing.
  originReference @7 :Text;
  # Refunds: your own id (`reference`) of the collection that is refunded.
}

struct RailPrepared {
  idempotencyKey @0 :Data;
  # 32 bytes, not zero: the name of this payment on the rail, for ever. Never random: derive it from network, settlement id,
  # attempt and technicalRetries, so that `prepare` called again gives the same.
  request @1 :Data;
  # All that `send` and `probe` need, also after everything else is lost. 1 byte to 192 KiB.
  reference @2 :Text;
  # The rail's own id, if it is known before sending; at most 256 bytes.
  failure @3 :T.FailureClass;
  # Other than none: this cannot succeed now; nothing was reserved and nothing is to be sent. The fields above are unused.
  code @4 :Text;
  # With `failure`: the rail's own word, at most 64 bytes.
  detail @5 :Text;
  # For people: what would be sent, or why not. Cut to 512 bytes.
}

struct RailOutcome {
  # What the rail says of one attempt.
  state @0 :T.SettlementState;
  # accepted    the rail has it
  # confirmed   the rail says success
  # settled     the money is where it belongs
  # final       it can no longer be reversed; payees are paid from what is final
  # failed      definitely not, and never with this key; `failure` says why
  # unknown     you do not know
  # returned, disputed    only by `probe`: what had been confirmed came back, or is contested
  # Anything else is nonsense.
  failure @1 :T.FailureClass;
  # With `failed`, and only then: insufficientFunds (the payer can mend it), noMandate, rejected (this rail refuses this
  # payer or payee for good), needsAction (the payer must do something), technical (machinery; it is tried again).
  reference @2 :Text;
  # The rail's own id; empty: unchanged. At most 256 bytes.
  code @3 :Text;
  # The rail's own word, raw; empty: unchanged. At most 64 bytes.
  fee @4 :T.UInt128;
  # What the rail kept of this attempt so far, in ledger units; not more than the amount.
  hasFee @5 :Bool;
  # Otherwise what was said before stays.
  detail @6 :Text;
  # For people. Cut to 512 bytes.
  nextProbeMs @7 :UInt64 = 1000;
  # When to ask again, unless it is over. Taken as 100 ms to 30 days. A notice makes it earlier.
  railFault @8 :Bool;
  # The rail's machinery did not work: counts for the circuit breaker, which gives it a rest.
  moved @9 :T.UInt128;
  # Collections, with confirmed, settled or final: what was moved, if that is not the amount. Less: the rest is due again.
  # More, at most twice the amount: the surplus is the payer's credit once it is settled, so say it with settled too.
  hasMoved @10 :Bool;
  # Otherwise it is the amount.
}

struct RailGauge {
  name @0 :Text;
  # a-z, 0-9 and _, at most 40 characters, ending with its unit: "balance_cents". Shown as tabd_rail_settler_<name>; names
  # that end with _total only grow. At most 16.
  value @1 :Int64;
}

interface Settler {
  # Implemented by you. Calls for different settlements overlap, up to RailOpening.inFlightMax and 32 probes; never two for
  # one settlement. A call whose answer is no longer waited for is cancelled.

  capabilities @0 () -> (capabilities :RailCapabilities);
  # The first call. What the configuration promises (`collects`, `pays`, `refunds`, `in_flight_max`) must be in it, or you are not
  # registered.
  start @1 (opening :RailOpening) -> ();
  # The second. Check that the rail is the one that you were configured for; an exception ends the registration with its
  # text.
  adopt @2 (settlements :List(T.Settlement)) -> ();
  # Before anything is asked: what is between sending and final on this rail, with `request`, in as many calls as it takes.
  # Hold on to what belongs to them (an account's nonce, say). Most settlers have nothing to do here.
  setSending @3 (allowed :Bool) -> ();
  # The operator's kill switch. With false nothing leaves for the rail any more, repetitions included; probing goes on.
  stop @4 () -> ();
  # The daemon stops, and the connection ends. Come again when it is back.
  prepare @5 (instruction :RailInstruction) -> (prepared :RailPrepared);
  # Builds key and request, and reserves what it needs; moves nothing.
  abandon @6 (idempotencyKey :Data) -> ();
  # What `prepare` made will never be sent. It may not arrive: what is reserved needs an end of its own.
  send @7 (instruction :RailInstruction) -> (outcome :RailOutcome);
  # Sends what `prepare` made: `instruction.settlement` has its key and request. Once for each attempt.
  probe @8 (instruction :RailInstruction) -> (outcome :RailOutcome);
  # Asks what became of it.
  report @9 () -> (description :Text, gauges :List(RailGauge));
  # One line for `tabctl status`, numbers for metrics, and the sign of life.
}

struct RailNotice {
  # What the rail says on its own: a webhook, a line of a statement. It is kept for ever, once for each key, and moves no
  # money: its settlement is probed at once, with the notice in the instruction. Money that belongs to no settlement is
  # booked to suspense until the operator resolves it.
  key @0 :Data;
  # 32 bytes: the same notice has the same key, so that it may be recorded again and again.
  source @1 :Text;
  # "webhook"; at most 256 bytes.
  externalId @2 :Text;
  # The rail's own name for it; at most 256 bytes.
  kind @3 :T.NoticeKind;
  settlement @4 :UInt64;
  # One of this rail, or of a plan that names this rail; 0: it matches nothing.
  asset @5 :UInt16;
  # This and the next two: about money that moved or came back; 0 and none otherwise.
  amount @6 :T.UInt128;
  direction @7 :T.Direction;
  refused @8 :Bool;
  # Forged or malformed: kept for the operator, changes nothing. Do not record every one that somebody sends you.
  detail @9 :Text;
  # For people; at most 512 bytes.
  body @10 :Data;
  # What you want to see again in `probe`; at most 4,096 bytes.
}

struct RailNoticeAnswer {
  status @0 :UInt16;
  # ok; alreadyAccepted (recorded before); valueInvalid, notFound and others: not recorded, and not to be given again.
  id @1 :UInt64;
  detail @2 :Text;
}

interface RailSession {
  # For a key that the operator listed under [[rails.external]].
  rail @0 () -> (rail :Text);
  # Which one the key serves.
  registerSettler @1 (settler :Settler) -> (status :UInt16, detail :Text, registration :RailRegistration);
  # Calls `capabilities`, `start` and `adopt`, and answers when the settler is in its place. ok; overloaded (another one is
  # there, or the daemon stops: try again after a while); notPermitted (it cannot do what the configuration promises);
  # valueInvalid (it answered nonsense or not at all). `detail` says what to do.
}

interface RailRegistration {
  # Dropping it, or losing the connection, ends the registration: calls under way count as unanswered.
  record @0 (notices :List(RailNotice)) -> (status :UInt16, detail :Text, answers :List(RailNoticeAnswer));
  # 1 to 256, each recorded once for its key and durable when this answers. ok: see `answers`; overloaded: nothing was
  # recorded, give them again later. Answer a webhook only after this.
}
