import { isUuid, type OrgId } from '../ids.ts';
import { EVERY } from './every.ts';

/** What one process tells the others about one organization's jobs. */
export interface SignalMessage {
  /** Eight random bytes in hexadecimal: a process hears its own notifications too, and knows them by this. */
  readonly sender: string;
  readonly orgId: OrgId;
  /** `EVERY` alone, or ids. */
  readonly jobIds: readonly string[];
}

const SENDER_BYTES = 8;
const ID_BYTES = 16;
// A notification's payload has to be shorter than 8,000 bytes: 5,999 bytes are 7,999 characters of base64url.
const IDS_A_PAYLOAD = Math.floor((5_999 - SENDER_BYTES - ID_BYTES) / ID_BYTES);

/** As many payloads as it takes: sender, organization and ids as bytes in base64url, no id at all for every job. What is no uuid is left out. */
export function formatSignalPayloads({ sender, orgId, jobIds }: SignalMessage): readonly string[] {
  if (!isUuid(orgId)) return [];
  const head = `${sender}${hexOf(orgId)}`;
  const toPayload = (ids: readonly string[]) =>
    Buffer.from(head + ids.map(hexOf).join(''), 'hex').toString('base64url');
  if (jobIds.includes(EVERY)) return [toPayload([])];
  const ids = jobIds.filter(isUuid);
  const parts = Math.ceil(ids.length / IDS_A_PAYLOAD);
  return Array.from({ length: parts }, (_, part) =>
    toPayload(ids.slice(part * IDS_A_PAYLOAD, (part + 1) * IDS_A_PAYLOAD)),
  );
}

/** Undefined for a payload that is none of ours: anybody may notify on any channel. */
export function findSignalMessage(payload: string): SignalMessage | undefined {
  const bytes = Buffer.from(payload, 'base64url');
  if (bytes.length < SENDER_BYTES + ID_BYTES || (bytes.length - SENDER_BYTES) % ID_BYTES !== 0) return undefined;
  const sender = bytes.toString('hex', 0, SENDER_BYTES);
  const [orgId = '', ...jobIds] = Array.from({ length: (bytes.length - SENDER_BYTES) / ID_BYTES }, (_, index) =>
    uuidOf(bytes.toString('hex', SENDER_BYTES + index * ID_BYTES, SENDER_BYTES + (index + 1) * ID_BYTES)),
  );
  return { sender, orgId, jobIds: jobIds.length > 0 ? jobIds : [EVERY] };
}

const hexOf = (id: string): string => id.replaceAll('-', '');

const uuidOf = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
