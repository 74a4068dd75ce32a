#pragma once

// The facilitator's view of this rail's chain (evm/chain.h), over a connection of its own to the same node.

#include <memory>

#include "evm/chain.h"
#include "settlers/stablecoin/stablecoin.h"

namespace settlers::stablecoin {

// Takes the rail's options (node, chain, tokens, contracts); `relayer` is the address of the rail's signer. `io` must
// outlive it and run on one thread, which calls the completions; destroy it on that thread, or while nothing runs it:
// reads that are under way then get an Error. invalid_argument names an option that is wrong. Asks nothing by itself:
// what the node is, is checked by the rail's start.
base::Result<std::unique_ptr<evm::Chain>> make_chain_reader(boost::asio::io_context& io,
                                                            const StablecoinOptions& options,
                                                            const base::Address& relayer);

}  // namespace settlers::stablecoin
