@0xee80659af42bb867;

# What tabd says about a command or an item: permanent numbers, never reused. A client compares a `status` field with
# these constants. `base/status.h` is the source (a test compares both); Tabd.statuses() gives the same table at run
# time.
#
# ok and alreadyAccepted mean that the effect is in the ledger. Everything else is a refusal: nothing was recorded.
# The word in brackets is what the caller can do: fix the request, retry later, top up (the payer must pay or raise a
# cap), ask the operator. A number that a client does not know is a refusal of a newer daemon.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rpc::schema");

const statusOk :UInt16 = 0;
# Accepted and durable.
const statusAlreadyAccepted :UInt16 = 1;
# The same item was accepted before; this is the first result.
const statusSignatureWrong :UInt16 = 10;
# The signature was not made by the named signer over this content. [fix]
const statusSignatureHighS :UInt16 = 11;
# The signature's s is in the upper half of the group order. [fix]
const statusSignatureBadV :UInt16 = 12;
# The signature's v is neither 27 nor 28. [fix]
const statusSignatureLength :UInt16 = 13;
# A signature has 65 bytes: r, s, v. [fix]
const statusSignatureOutOfRange :UInt16 = 14;
# The signature's r or s is zero or not below the group order. [fix]
const statusDomainWrong :UInt16 = 15;
# The batch names another network than this operator's. [fix]
const statusBatchSignatureWrong :UInt16 = 16;
# The batch signature was not made by the session's registered server key. [fix]
const statusBatchTooLarge :UInt16 = 17;
# A batch holds 1 to 1,024 items. [fix]
const statusItemMalformed :UInt16 = 18;
# A field of the item is missing, too long or out of range. [fix]
const statusExpired :UInt16 = 30;
# The commitment's validBefore has passed. [fix]
const statusNotYetValid :UInt16 = 31;
# The commitment's validAfter has not come. [retry later]
const statusValidityTooLong :UInt16 = 32;
# validBefore is further ahead than this operator admits. [fix]
const statusPayerUnknown :UInt16 = 40;
# The payer has no account here. [ask operator]
const statusPayeeUnknown :UInt16 = 41;
# The payee has no account here. [ask operator]
const statusAssetUnknown :UInt16 = 42;
# The asset is not configured here. [fix]
const statusAssetNotEnabled :UInt16 = 43;
# The payer has no plan for this asset. [ask operator]
const statusServerUnknown :UInt16 = 44;
# The resource server's key is not registered. [ask operator]
const statusServerNotForPayee :UInt16 = 45;
# This resource server may not charge for this payee. [ask operator]
const statusServerSuspended :UInt16 = 46;
# This resource server is suspended. [ask operator]
const statusSignerNotAuthorised :UInt16 = 47;
# The signer is neither the payer nor an agent with a mandate for this asset. [fix]
const statusMandateRevoked :UInt16 = 48;
# The payer revoked the agent's mandate. [fix]
const statusMandateExpired :UInt16 = 49;
# The agent's mandate has expired. [fix]
const statusMandateNotYetValid :UInt16 = 50;
# The agent's mandate is not valid yet. [retry later]
const statusMandatePayeeNotListed :UInt16 = 51;
# The agent's mandate does not list this payee. [fix]
const statusMandateCapExceeded :UInt16 = 52;
# The charge exceeds what is left of the mandate's cap in this period. [top up]
const statusChargeAboveMaximum :UInt16 = 60;
# The charge is above the commitment's maximum. [fix]
const statusVoucherBelowCharged :UInt16 = 61;
# The voucher's maximum is below what the tab has been charged with these charges. [fix]
const statusCreditLimitExceeded :UInt16 = 62;
# The payer's exposure would exceed the credit limit. [top up]
const statusPayerSuspended :UInt16 = 63;
# The payer is suspended. [top up]
const statusAmountOverflow :UInt16 = 64;
# The amounts add up to more than can be represented. [fix]
const statusNonceConflict :UInt16 = 70;
# The nonce was used before with other content. [fix]
const statusTabOutOfOrder :UInt16 = 71;
# The tab's next charge index is lower than this first index: charges are missing. [fix]
const statusTabConflict :UInt16 = 72;
# These charge indexes of the tab were used before with other content. [fix]
const statusHoldUnknown :UInt16 = 80;
# There is no hold with this payer and nonce. [fix]
const statusHoldCaptured :UInt16 = 81;
# The hold was captured before with another charge. [fix]
const statusHoldReleased :UInt16 = 82;
# The hold was released. [fix]
const statusHoldExpired :UInt16 = 83;
# The hold expired and was released. [fix]
const statusNotFound :UInt16 = 90;
# There is no such object. [fix]
const statusAlreadyExists :UInt16 = 91;
# An object with this identity exists with other content. [fix]
const statusWrongState :UInt16 = 92;
# The object's state does not allow this. [fix]
const statusMandateNonceOld :UInt16 = 93;
# A mandate or revocation with this or a higher nonce is on record. [fix]
const statusLimitReached :UInt16 = 94;
# A configured number of objects is reached. [ask operator]
const statusValueInvalid :UInt16 = 95;
# A value is out of its range. [fix]
const statusDryRun :UInt16 = 96;
# Checked and not recorded: this was a dry run.
const statusRelayConflict :UInt16 = 97;
# The relay's key was used before with another order. [fix]
const statusReferenceConflict :UInt16 = 98;
# The reference was used before with other content. [fix]
const statusOverloaded :UInt16 = 100;
# The queue is full; nothing was recorded. [retry later]
const statusShuttingDown :UInt16 = 101;
# The daemon is stopping; nothing was recorded. [retry later]
const statusNotPermitted :UInt16 = 102;
# This session may not do this. [ask operator]
const statusChannelUnknown :UInt16 = 110;
# This channel is not kept here. [fix]
const statusChannelBusy :UInt16 = 111;
# Another request has reserved this channel. [retry later]
const statusChannelAmountMismatch :UInt16 = 112;
# The voucher's maximum is not what the channel was charged plus the amount. [fix]
const statusChannelExceedsBalance :UInt16 = 113;
# The voucher's maximum is above the channel's balance. [top up]
const statusChannelBelowClaimed :UInt16 = 114;
# The voucher's maximum is not above what was claimed on the chain. [fix]
const statusChannelPutAside :UInt16 = 115;
# The channel was put aside: its claim cannot be sent. [ask operator]
const statusChannelRefundTooHigh :UInt16 = 116;
# The refund is above what the channel has left. [fix]
const statusReservationEnded :UInt16 = 117;
# The channel's reservation has ended, or another has taken its place. [fix]
const statusReservationConflict :UInt16 = 118;
# The reservation was captured before with another usage. [fix]
