// Writes x402.json beside this file: what is signed and sent for x402 `exact` and `batch-settlement` on EVM chains, hashed,
// signed and encoded by viem, so that the C++ code is checked against something that it shares nothing with.
// Run once after a change: npm install && npm run generate

import { writeFileSync } from 'node:fs'
import {
  concat, domainSeparator, encodeAbiParameters, encodeErrorResult, encodeEventTopics, encodeFunctionData,
  encodeFunctionResult, hashTypedData, keccak256, parseAbi, parseAbiItem, stringToHex, toEventSelector, toFunctionSelector,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'

// The publicly known accounts of Anvil and Hardhat.
const accounts = Array.from({ length: 10 }, (_, addressIndex) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex }))
const [payer, agent, receiver, authorizer, stranger] = accounts
const nobody = `0x${'00'.repeat(20)}`
const uint = (bits) => 2n ** BigInt(bits) - 1n
const hash = (text) => keccak256(stringToHex(text))
const json = (value) => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v.toString() : v)))

const settlement = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003'
const collector = '0x4020806089470a89826cB9fB1f4059150b550004'
const domains = Object.fromEntries([
  ['settlement base', 'x402 Batch Settlement', '1', 8453, settlement],
  ['settlement base sepolia', 'x402 Batch Settlement', '1', 84532, settlement],
  ['settlement local', 'x402 Batch Settlement', '1', 31337, '0x5FbDB2315678afecb367f032d93F642f64180aa3'],
  ['usdc ethereum', 'USD Coin', '2', 1, '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'],
  ['usdc base', 'USD Coin', '2', 8453, '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'],
  ['usdc base sepolia', 'USDC', '2', 84532, '0x036CbD53842c5426634e7929541eC2318f3dCF7e'],
].map(([key, name, version, chainId, verifyingContract]) => [key, { name, version, chainId, verifyingContract }]))
const token = domains['usdc base sepolia'].verifyingContract

const definitions = {
  ChannelConfig: 'address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,' +
    'uint40 withdrawDelay,bytes32 salt',
  Voucher: 'bytes32 channelId,uint128 maxClaimableAmount',
  Refund: 'bytes32 channelId,uint256 nonce,uint128 amount',
  ClaimBatch: 'ClaimEntry[] claims',
  ClaimEntry: 'bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed',
  TransferWithAuthorization: 'address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce',
  ReceiveWithAuthorization: 'address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce',
  CancelAuthorization: 'address authorizer,bytes32 nonce',
}
const types = Object.fromEntries(Object.entries(definitions).map(([name, members]) =>
  [name, members.split(',').map((member) => ({ type: member.split(' ')[0], name: member.split(' ')[1] }))]))

const typed = []
async function sign(domain, primaryType, message, account) {
  const data = { domain: domains[domain], types, primaryType, message }
  const entry = { domain, type: primaryType, message: json(message), digest: hashTypedData(data), signer: account?.address,
    anvil_account: accounts.indexOf(account), signature: await account?.signTypedData(data) }
  typed.push(entry)
  return entry
}

const config = { payer: payer.address, payerAuthorizer: agent.address, receiver: receiver.address,
  receiverAuthorizer: authorizer.address, token, withdrawDelay: 900, salt: `0x${'00'.repeat(32)}` }
const configs = [config, { ...config, payerAuthorizer: nobody, salt: hash('salt') },
  { ...config, withdrawDelay: Number(uint(40)), salt: `0x${'ff'.repeat(32)}` }]
const ids = []
for (const domain of ['settlement base', 'settlement base sepolia', 'settlement local'])
  for (const each of configs) ids.push((await sign(domain, 'ChannelConfig', each)).digest)
const [first, second] = ids.slice(3)
const sepolia = 'settlement base sepolia'
const voucher = await sign(sepolia, 'Voucher', { channelId: first, maxClaimableAmount: 3000n }, agent)
const own = await sign(sepolia, 'Voucher', { channelId: second, maxClaimableAmount: 1n }, payer)
await sign(sepolia, 'Voucher', { channelId: first, maxClaimableAmount: uint(128) }, agent)
await sign(sepolia, 'Refund', { channelId: first, nonce: 0n, amount: 1n }, authorizer)
const refund = await sign(sepolia, 'Refund', { channelId: second, nonce: uint(256), amount: uint(128) }, authorizer)
const entry = (channelId, maxClaimableAmount, totalClaimed) => ({ channelId, maxClaimableAmount, totalClaimed })
await sign(sepolia, 'ClaimBatch', { claims: [] }, authorizer)
const batch = await sign(sepolia, 'ClaimBatch', { claims: [entry(first, 3000n, 2500n), entry(second, 1n, 1n)] }, authorizer)
await sign(sepolia, 'ClaimBatch', { claims: [entry(ids[5], uint(128), uint(128))] }, authorizer)
const authorization = { from: payer.address, to: receiver.address, value: 1000n, validAfter: 0n, validBefore: 1893456000n,
  nonce: hash('nonce') }
const transfer = await sign('usdc base sepolia', 'TransferWithAuthorization', authorization, payer)
await sign('usdc base', 'TransferWithAuthorization',
  { ...authorization, value: uint(256), validAfter: uint(256), validBefore: uint(256) }, payer)
const depositSalt = BigInt(hash('deposit'))
const depositNonce = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [first, depositSalt]))
const receive = await sign('usdc base sepolia', 'ReceiveWithAuthorization',
  { from: payer.address, to: collector, value: 10000n, validAfter: 0n, validBefore: 1893456000n, nonce: depositNonce }, payer)
const cancel = await sign('usdc base sepolia', 'CancelAuthorization',
  { authorizer: payer.address, nonce: authorization.nonce }, payer)

// ---- The ABI.
const CONFIG = `(${definitions.ChannelConfig})`
const CLAIMS = `((${CONFIG} channel,uint128 maxClaimableAmount) voucher,bytes signature,uint128 totalClaimed)[] claims`
const AUTHORIZATION = 'address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce'
const signatures = [
  `function deposit(${CONFIG} config,uint128 amount,address collector,bytes data)`,
  `function claim(${CLAIMS})`,
  `function claimWithSignature(${CLAIMS},bytes signature)`,
  'function settle(address receiver,address token)',
  `function refund(${CONFIG} config,uint128 amount)`,
  `function refundWithSignature(${CONFIG} config,uint128 amount,uint256 nonce,bytes signature)`,
  'function multicall(bytes[] data)',
  `function initiateWithdraw(${CONFIG} config,uint128 amount)`,
  `function finalizeWithdraw(${CONFIG} config)`,
  `function getChannelId(${CONFIG} config)`,
  'function getVoucherDigest(bytes32 channelId,uint128 maxClaimableAmount)',
  'function getRefundDigest(bytes32 channelId,uint256 nonce,uint128 amount)',
  `function getClaimBatchDigest(${CLAIMS})`,
  'function channels(bytes32 channelId)',
  'function pendingWithdrawals(bytes32 channelId)',
  'function refundNonce(bytes32 channelId)',
  'function receivers(address receiver,address token)',
  'function authorizationState(address authorizer,bytes32 nonce)',
  `function transferWithAuthorization(${AUTHORIZATION},bytes signature)`,
  `function transferWithAuthorization(${AUTHORIZATION},uint8 v,bytes32 r,bytes32 s)`,
  `function receiveWithAuthorization(${AUTHORIZATION},bytes signature)`,
  'function cancelAuthorization(address authorizer,bytes32 nonce,bytes signature)',
]
const call = (name, args, which = 0) => {
  const item = parseAbiItem(signatures.filter((text) => text.startsWith(`function ${name}(`))[which])
  return { name, selector: toFunctionSelector(item), data: encodeFunctionData({ abi: [item], args }) }
}
const row = (channel, maxClaimableAmount, signature, totalClaimed) =>
  ({ voucher: { channel, maxClaimableAmount }, signature, totalClaimed })
const rows = [row(configs[0], 3000n, voucher.signature, 2500n), row(configs[1], 1n, own.signature, 1n)]
const parts = (signature) => [BigInt(`0x${signature.slice(130)}`), signature.slice(0, 66), `0x${signature.slice(66, 130)}`]
const collectorData = encodeAbiParameters(['uint256', 'uint256', 'uint256', 'bytes'].map((type) => ({ type })),
  [0n, 1893456000n, depositSalt, receive.signature])
const authorizationArguments = Object.values(authorization)
const claimCall = call('claimWithSignature', [rows, batch.signature])
const refundCall = call('refundWithSignature', [configs[1], uint(128), uint(256), refund.signature])
const calls = [
  call('deposit', [configs[0], 10000n, collector, collectorData]),
  call('claim', [rows]),
  claimCall,
  call('settle', [receiver.address, token]),
  call('refund', [configs[0], 7n]),
  refundCall,
  call('multicall', [[claimCall.data, refundCall.data]]),
  call('initiateWithdraw', [configs[0], 8n]),
  call('finalizeWithdraw', [configs[0]]),
  call('getChannelId', [configs[1]]),
  call('getVoucherDigest', [first, 3000n]),
  call('getRefundDigest', [second, uint(256), uint(128)]),
  call('getClaimBatchDigest', [rows]),
  call('channels', [first]),
  call('pendingWithdrawals', [first]),
  call('refundNonce', [first]),
  call('receivers', [receiver.address, token]),
  call('authorizationState', [payer.address, authorization.nonce]),
  call('transferWithAuthorization', [...authorizationArguments, transfer.signature]),
  call('transferWithAuthorization', [...authorizationArguments, ...parts(transfer.signature)], 1),
  call('receiveWithAuthorization', [...Object.values(receive.message), receive.signature]),
  call('cancelAuthorization', [payer.address, authorization.nonce, cancel.signature]),
]

const results = Object.entries({
  channels: ['uint128 balance,uint128 totalClaimed', [10000n, uint(128)]],
  pendingWithdrawals: ['uint128 amount,uint40 initiatedAt', [4000n, 1893456000]],
  refundNonce: ['uint256 nonce', uint(256)],
  receivers: ['uint128 totalClaimed,uint128 totalSettled', [5n, 3n]],
  authorizationState: ['bool used', true],
}).map(([name, [outputs, result]]) => ({ name, result: json(result), data: encodeFunctionResult({
  abi: parseAbi([`function ${name}() view returns (${outputs})`]), result }) }))

const events = [
  [`ChannelCreated(bytes32 indexed channelId,${CONFIG} config)`, { channelId: first, config: configs[0] }],
  [`ChannelClosed(bytes32 indexed channelId,${CONFIG} config)`, { channelId: second, config: configs[1] }],
  ['Deposited(bytes32 indexed channelId,address indexed sender,uint128 amount,uint128 newBalance)',
    { channelId: first, sender: stranger.address, amount: 10000n, newBalance: 30000n }],
  ['Claimed(bytes32 indexed channelId,address indexed sender,uint128 claimAmount,uint128 newTotalClaimed)',
    { channelId: first, sender: stranger.address, claimAmount: 500n, newTotalClaimed: uint(128) }],
  ['Settled(address indexed receiver,address indexed token,address indexed sender,uint128 amount)',
    { receiver: receiver.address, token, sender: stranger.address, amount: 2501n }],
  ['Refunded(bytes32 indexed channelId,address indexed sender,uint128 amount)',
    { channelId: first, sender: stranger.address, amount: 7n }],
  ['WithdrawInitiated(bytes32 indexed channelId,uint128 amount,uint40 finalizeAfter)',
    { channelId: first, amount: 8n, finalizeAfter: 1893456900 }],
  ['WithdrawFinalized(bytes32 indexed channelId,address indexed sender,uint128 amount)',
    { channelId: first, sender: payer.address, amount: 8n }],
  ['AuthorizationUsed(address indexed authorizer,bytes32 indexed nonce)',
    { authorizer: payer.address, nonce: authorization.nonce }],
  ['AuthorizationCanceled(address indexed authorizer,bytes32 indexed nonce)',
    { authorizer: payer.address, nonce: authorization.nonce }],
].map(([text, args]) => {
  const item = parseAbiItem(`event ${text}`)
  const plain = item.inputs.filter((input) => !input.indexed)
  return { name: item.name, topic: toEventSelector(item), args: json(args),
    topics: encodeEventTopics({ abi: [item], args }), data: encodeAbiParameters(plain, plain.map((input) => args[input.name])) }
})

const errors = [...('InvalidChannel ZeroDeposit DepositOverflow InvalidSignature NotReceiverAuthorizer NotAuthorizedToClaim ' +
  'NotAuthorizedToRefund ClaimExceedsCeiling ClaimExceedsBalance WithdrawalAlreadyPending WithdrawalNotPending ' +
  'NotAuthorizedToFinalizeWithdraw WithdrawDelayNotElapsed NothingToWithdraw WithdrawAmountExceedsAvailable ' +
  'WithdrawDelayOutOfRange EmptyBatch DepositCollectionFailed InvalidCollector InvalidRefundNonce ZeroRefund ' +
  'ReentrancyGuardReentrantCall OnlyX402BatchSettlement InvalidX402BatchSettlementAddress ECDSAInvalidSignature')
  .split(' ').map((name) => [`${name}()`, []]),
  ['ECDSAInvalidSignatureLength(uint256)', [64n]], ['ECDSAInvalidSignatureS(bytes32)', [hash('s')]],
  ['SafeERC20FailedOperation(address)', [token]],
].map(([text, args]) => ({ name: text.split('(')[0], data: encodeErrorResult({ abi: parseAbi([`error ${text}`]), args }) }))

writeFileSync(new URL('x402.json', import.meta.url), `${JSON.stringify({
  about: 'Test vectors of x402 on EVM chains (docs/bindings/channel.md). Made by x402.mjs with viem 2.57.1.',
  domains: Object.fromEntries(Object.entries(domains).map(([name, domain]) =>
    [name, { ...domain, separator: domainSeparator({ domain }) }])),
  types: Object.fromEntries(Object.entries(definitions).map(([name, members]) => {
    const encoded = `${name}(${members})${name === 'ClaimBatch' ? `ClaimEntry(${definitions.ClaimEntry})` : ''}`
    return [name, { encoded, hash: keccak256(stringToHex(encoded)) }]
  })),
  typed,
  deposit: { channel_id: first, salt: depositSalt.toString(), nonce: depositNonce },
  authorization_key: { domain: 'usdc base sepolia', from: payer.address, nonce: authorization.nonce,
    key: keccak256(concat([`0x${(84532).toString(16).padStart(64, '0')}`, token, payer.address, authorization.nonce])) },
  configs, settlement, collector, calls, results, events, errors,
}, null, 1)}\n`)
