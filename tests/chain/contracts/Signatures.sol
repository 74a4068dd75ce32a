// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface IContractWallet {
    // EIP-1271.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4);
}

/// Signatures as a chain takes them: 65 bytes r || s || v with v 27 or 28 and a low s (EIP-2), or the word of a contract
/// wallet. The error names are those that OpenZeppelin made common, so that tools know them.
library Signatures {
    error ECDSAInvalidSignature();
    error ECDSAInvalidSignatureLength(uint256 length);
    error ECDSAInvalidSignatureS(bytes32 s);

    enum Flaw {
        none,
        length,
        highS,
        unrecoverable
    }

    // Half of the group order of secp256k1.
    uint256 internal constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// The signer's address, or what is wrong.
    function inspect(bytes32 digest, bytes calldata signature) internal pure returns (address signer, Flaw flaw) {
        if (signature.length != 65) return (address(0), Flaw.length);
        if (uint256(bytes32(signature[32:64])) > HALF_ORDER) return (address(0), Flaw.highS);
        signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        if (signer == address(0)) flaw = Flaw.unrecoverable;
    }

    /// The signer's address; reverts with the flaw.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        (address signer, Flaw flaw) = inspect(digest, signature);
        if (flaw == Flaw.length) revert ECDSAInvalidSignatureLength(signature.length);
        if (flaw == Flaw.highS) revert ECDSAInvalidSignatureS(bytes32(signature[32:64]));
        if (flaw == Flaw.unrecoverable) revert ECDSAInvalidSignature();
        return signer;
    }

    /// Whether `account` signed: by its key, or by its code where it has any.
    function signedBy(address account, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (account.code.length == 0) {
            (address signer, Flaw flaw) = inspect(digest, signature);
            return flaw == Flaw.none && signer == account;
        }
        (bool answered, bytes memory word) =
            account.staticcall(abi.encodeCall(IContractWallet.isValidSignature, (digest, signature)));
        return answered && word.length >= 32
            && abi.decode(word, (bytes32)) == bytes32(IContractWallet.isValidSignature.selector);
    }
}
