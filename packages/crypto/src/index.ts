export {
  type AddressedAssignment,
  type AssignmentReader,
  type AssignmentRecipient,
  type AssignmentSender,
  type OpenAssignmentOptions,
  type OpenedAssignment,
  openAssignment,
  type ReaddressAssignmentOptions,
  readdressAssignment,
  type SealAssignmentOptions,
  type SealedAssignment,
  sealAssignment,
} from './assignment.ts'
export type { AssignmentContent } from './assignment-content.ts'
export type { AssignmentFile } from './assignment-file.ts'
export {
  type AssignmentKey,
  type AssignmentSigner,
  type VerifiedAssignmentStatement,
  type VerifyAssignmentStatementOptions,
  verifyAssignmentStatement,
} from './assignment-statement.ts'
export { decodeBase64, encodeBase64 } from './base64.ts'
export { decodeBase64Url, encodeBase64Url } from './base64url.ts'
export type { Bytes } from './bytes.ts'
export type { SigningDevice, StatementSigner } from './claims.ts'
export type { Clock } from './clock.ts'
export { type ContentKey, generateContentKey } from './content-key.ts'
export { type Context, encodeContext } from './context.ts'
export { type DeviceKeys, generateDeviceKeys } from './device-keys.ts'
export {
  type CreateDpopProofOptions,
  createDpopProof,
  type VerifiedDpopProof,
  type VerifyDpopProofOptions,
  verifyDpopProof,
} from './dpop.ts'
export {
  type EncryptedPrivateKey,
  formatEncryptedPrivateKey,
  joinEnvelope,
  type KeyOwner,
  parseEncryptedPrivateKey,
  privateKeyContext,
  splitEnvelope,
} from './encrypted-private-key.ts'
export { decryptEnvelope, type EnvelopeKey, encryptEnvelope, importEnvelopeKey } from './envelope.ts'
export { CryptoError, type CryptoErrorCode } from './errors.ts'
export { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from './file-layout.ts'
export {
  type DecryptStreamOptions,
  decryptStream,
  type EncryptStreamOptions,
  encryptStream,
  generateStreamSalt,
} from './file-stream.ts'
export { type Algorithm, encodeHeader, type Header, type KeyId, parseHeader } from './header.ts'
export { digestOfJws, type JwsType, signJws, type VerifiedJws, verifyJws } from './jws.ts'
export { unwrapKey, wrapKey } from './key-wrap.ts'
export {
  generatePrivateKey,
  importPrivateKey,
  importPublicKey,
  type ManagedKey,
  type ManagedPublicKey,
  openPrivateKey,
  type PrivateKeyBytes,
  type PublicKeyBytes,
} from './managed-key.ts'
export { encodePae } from './pae.ts'
export { exportPublicJwk, importEncryptionKey, importSigningKey, type PublicJwk } from './public-jwk.ts'
export {
  type OpenOwnRfxBidOptions,
  type OpenRfxBidOptions,
  openOwnRfxBid,
  openRfxBid,
  type RewrapBidKeyOptions,
  type RfxBidderKey,
  rewrapBidKey,
  type SealedRfxBid,
  type SealRfxBidOptions,
  sealRfxBid,
  type VerifiedRfxBid,
  type VerifyRfxBidOptions,
  verifyRfxBid,
} from './rfx-bid.ts'
export {
  encodeRfxBidContent,
  encodeRfxComment,
  encodeRfxDocument,
  encodeRfxTitle,
  encodeSpecification,
  parseRfxBidContent,
  parseRfxComment,
  parseRfxDocument,
  parseRfxTitle,
  parseSpecification,
  type RfxBidContent,
  type RfxCommentContent,
  type RfxDocumentContent,
  type Specification,
  type SpecificationField,
  type SpecificationFieldType,
  type SpecificationSection,
} from './rfx-content.ts'
export {
  type OpenRfxEntryOptions,
  openRfxEntry,
  type RewrapContentKeyOptions,
  type RfxCurrent,
  type RfxEntryKind,
  rewrapContentKey,
  type SealedRfxEntry,
  type SealRfxEntryOptions,
  sealRfxEntry,
  type VerifiedRfxEntry,
  type VerifyRfxEntryOptions,
  verifyRfxEntry,
} from './rfx-entry.ts'
export {
  asRfxKey,
  calculateKeyCommitment,
  deriveOpeningKeyPair,
  type EncryptPreviousKeyOptions,
  encryptPreviousKey,
  generateRfxKey,
  type OpenPreviousKeyOptions,
  openPreviousKey,
  type RfxKey,
  type RfxKeyVersion,
} from './rfx-key.ts'
export {
  includesLeaf,
  joinLeaves,
  type RfxGroupKind,
  type SignedRfxManifest,
  type SignRfxManifestOptions,
  signRfxManifest,
  type VerifiedRfxManifest,
  type VerifyRfxManifestOptions,
  type VerifyRfxManifestsOptions,
  verifyRfxManifest,
  verifyRfxManifests,
} from './rfx-manifest.ts'
export { openRfxValue, type RfxValueOptions, type RfxValuePlace, sealRfxValue } from './rfx-value.ts'
export { calculateWrapLeaf, hashWrap, type RfxOwner, type RfxRole, type WrapLeafOptions } from './rfx-wrap.ts'
export { open, seal } from './seal.ts'
export {
  combineSecretShares,
  parseSecretShare,
  type SecretShare,
  type SecretShareSet,
  splitSecret,
} from './secret-shares.ts'
export { calculateThumbprint, formatFingerprint, type Thumbprint } from './thumbprint.ts'
