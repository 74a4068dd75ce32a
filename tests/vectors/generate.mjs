// Writes tab.json beside this file: typed data of the tab binding, hashed and signed by viem, and the batch encoding
// worked out here a second time, so that the C++ code is checked against something that it shares nothing with.
// Run once after a change of the binding: npm install && npm run generate

import { writeFileSync } from 'node:fs'
import { concat, domainSeparator, hashStruct, hashTypedData, keccak256, numberToHex, sha256, stringToHex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'

// The publicly known accounts of Anvil and Hardhat.
const accounts = Array.from({ length: 10 }, (_, addressIndex) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex }))
const [payer, agent, payee, server, keeper] = accounts

const network = 'test:tab'
const usdc = 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3'
const usd = 'USD'
const domain = { name: 'tabd', version: '1', salt: keccak256(stringToHex(network)) }

const definitions = {
  Commitment: 'address payer,address payee,string asset,uint128 maximum,bytes32 resource,uint128 nonce,' +
    'uint64 validAfter,uint64 validBefore',
  Voucher: 'address payer,address payee,string asset,bytes32 salt,uint128 maximum,uint64 validBefore',
  Mandate: 'address payer,address agent,string asset,uint128 cap,uint8 period,address[] payees,uint64 validAfter,' +
    'uint64 validBefore,uint64 nonce',
  MandateRevocation: 'address payer,address agent,string asset,uint64 nonce',
  Batch: 'address server,uint64 number,uint32 count,bytes32 root',
  Segment: 'uint64 number,bytes32 hash',
  Login: 'string role,address key,bytes32 challenge',
}
const types = Object.fromEntries(Object.entries(definitions).map(([name, members]) =>
  [name, members.split(',').map((member) => ({ type: member.split(' ')[0], name: member.split(' ')[1] }))]))

const json = (value) => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v.toString() : v)))

const vectors = []
async function vector(name, primaryType, message, account) {
  const typed = { domain, types, primaryType, message }
  const entry = {
    name,
    type: primaryType,
    message: json(message),
    struct_hash: hashStruct({ data: message, primaryType, types }),
    digest: hashTypedData(typed),
    signer: account.address,
    anvil_account: accounts.indexOf(account),
    signature: await account.signTypedData(typed),
  }
  vectors.push(entry)
  return entry
}

const uint = (bits) => 2n ** BigInt(bits) - 1n
const resource = keccak256(stringToHex('https://api.example/weather'))
const commitment = {
  payer: payer.address, payee: payee.address, asset: usdc, maximum: 2500n, resource,
  nonce: 0x0123456789abcdeffedcba9876543210n, validAfter: 1893456000n, validBefore: 1893456300n,
}
const charge = await vector('commitment', 'Commitment', commitment, payer)
const byAgent = await vector('commitment signed by an agent, any resource', 'Commitment',
  { ...commitment, resource: `0x${'00'.repeat(32)}`, nonce: 2n, asset: usd }, agent)
await vector('commitment with the largest numbers', 'Commitment',
  { ...commitment, maximum: 2n ** 127n - 1n, nonce: uint(128), validAfter: uint(64), validBefore: uint(64) }, payer)
await vector('commitment with zeros', 'Commitment',
  { ...commitment, maximum: 0n, nonce: 0n, validAfter: 0n, validBefore: 0n }, payer)

const tab = {
  payer: payer.address, payee: payee.address, asset: usdc, salt: keccak256(stringToHex('tab 1')), maximum: 100000n,
  validBefore: 0n,
}
const voucher = await vector('voucher', 'Voucher', tab, payer)
await vector('voucher with an end, signed by an agent', 'Voucher',
  { ...tab, maximum: 200000n, validBefore: 1893459600n }, agent)

const mandate = {
  payer: payer.address, agent: agent.address, asset: usdc, cap: 5000000n, period: 2, payees: [],
  validAfter: 1893456000n, validBefore: 0n, nonce: 1n,
}
const sorted = [payee, accounts[5], accounts[6]].map((a) => a.address).sort((a, b) =>
  (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
await vector('mandate for any payee', 'Mandate', mandate, payer)
await vector('mandate for one payee', 'Mandate', { ...mandate, payees: [payee.address], period: 4, nonce: 2n }, payer)
await vector('mandate for three payees', 'Mandate',
  { ...mandate, payees: sorted, period: 0, validBefore: 1924992000n, nonce: 3n }, payer)
await vector('revocation', 'MandateRevocation',
  { payer: payer.address, agent: agent.address, asset: usdc, nonce: 4n }, payer)
await vector('segment', 'Segment', { number: 7n, hash: sha256(stringToHex('segment 7')) }, keeper)
await vector('login', 'Login', { role: 'server', key: server.address, challenge: keccak256(stringToHex('challenge')) },
  server)

// The batch tree: docs/bindings/tab.md, "Batch leaves" and "Batch".
const little = (value, size) => `0x${numberToHex(value, { size }).slice(2).match(/../g).reverse().join('')}`
const unit = (text) => stringToHex(text, { size: 8 })
const kinds = { charge: 1, hold: 2, capture: 3, release: 4, voucher: 5 }
const usage = (amount, quantity, name, what) => ({ amount, quantity, unit: name, resource: what })
const usageBytes = (u) => concat([little(u.amount, 16), little(u.quantity, 8), unit(u.unit), u.resource])
function leaf(name, kind, digest, firstIndex, usages) {
  const bytes = concat([digest, little(kinds[kind], 1), little(firstIndex, 8), little(usages.length, 4),
    ...usages.map(usageBytes)])
  return { name, kind, digest, first_index: Number(firstIndex), usages: json(usages), leaf_bytes: bytes,
    leaf: sha256(concat(['0x00', bytes])) }
}
const node = (left, right) => sha256(concat(['0x01', left, right]))
const nonce = 77n
const finish = keccak256(concat([payer.address, numberToHex(nonce, { size: 16 })]))
const other = keccak256(stringToHex('https://api.example/map'))
const items = [
  leaf('charge of the commitment', 'charge', charge.digest, 0n, [usage(2300n, 1n, 'request', resource)]),
  leaf('hold', 'hold', byAgent.digest, 0n, []),
  leaf('capture of (payer, 77)', 'capture', finish, 0n, [usage(2n ** 127n - 1n, uint(64), 'megabyte', other)]),
  leaf('release of (payer, 77)', 'release', finish, 0n, []),
  leaf('voucher with three charges', 'voucher', voucher.digest, 258n,
    [usage(10n, 1200n, 'tokens', resource), usage(0n, 0n, '', other), usage(30n, 3n, 'kB', resource)]),
]
const l = items.map((item) => item.leaf)
const root = node(node(node(l[0], l[1]), node(l[2], l[3])), l[4])
await vector('batch of the items below', 'Batch',
  { server: server.address, number: 42n, count: items.length, root }, server)

const tabKey = keccak256(concat([payer.address, payee.address, keccak256(stringToHex(usdc)), tab.salt]))

writeFileSync(new URL('tab.json', import.meta.url), `${JSON.stringify({
  about: 'Test vectors of the tab binding (docs/bindings/tab.md). Made by generate.mjs with viem 2.57.1.',
  network,
  domain: { ...domain, separator: domainSeparator({ domain }) },
  types: Object.fromEntries(Object.entries(definitions).map(([name, members]) =>
    [name, { encoded: `${name}(${members})`, hash: keccak256(stringToHex(`${name}(${members})`)) }])),
  assets: Object.fromEntries([usdc, usd].map((text) => [text, keccak256(stringToHex(text))])),
  vectors,
  tab_key: { name: 'key of the tab of the vector "voucher"', key: tabKey },
  items,
  batch_root: root,
}, null, 2)}\n`)
