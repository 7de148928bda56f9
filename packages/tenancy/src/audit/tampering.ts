/** How a trail was tampered with. */
export type AuditTamperingKind =
  | 'changed'
  | 'missing'
  | 'inserted'
  | 'order'
  | 'head_behind'
  | 'truncated'
  | 'rewritten';

/** The first row of a trail that is not as it was written. */
export interface AuditTampering {
  readonly kind: AuditTamperingKind;
  /** Its number; of one that is missing, the number it had; null for one that is in no chain. */
  readonly seq: number | null;
  /** Null for one that is missing. */
  readonly auditId: string | null;
  /** What was found, in a sentence. */
  readonly message: string;
}

interface Found {
  readonly kind: AuditTamperingKind;
  readonly seq: number;
  readonly auditId?: string | undefined;
  /** Of a row that stands elsewhere: where it belongs. */
  readonly belongsAt?: number | undefined;
}

export function toTampering({ kind, seq, auditId, belongsAt }: Found): AuditTampering {
  const messages: Readonly<Record<AuditTamperingKind, string>> = {
    changed: `entry ${seq} is not as it was written`,
    missing: `entry ${seq} is gone`,
    inserted: `entry ${seq} was put in later`,
    order: `entry ${seq} was written as number ${belongsAt}`,
    head_behind: `the chain has entry ${seq}, and its head knows nothing of it: the head was set back, or the entry added past it`,
    truncated: `entry ${seq} and all after it are gone, and the head was set back`,
    rewritten: `entry ${seq} is another than the one noted: it, or entries before it, were written anew with all that follows`,
  };
  return { kind, seq, auditId: auditId ?? null, message: messages[kind] };
}

/** A row that names the organization and is in none of its chain. */
export function toStray(auditId: string): AuditTampering {
  const message = `entry ${auditId} is in no chain: it was put in, or taken out of its chain`;
  return { kind: 'inserted', seq: null, auditId, message };
}
