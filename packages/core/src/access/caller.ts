import type { OrgId } from '../ids.ts';

/** Who asks, in which organization, with which permissions. Made by `@mad/tenancy`, or by a host that has its own identities. */
export interface Caller {
  readonly orgId: OrgId;
  /** A uuid of a user; null for work that no user asked for. */
  readonly userId: string | null;
  readonly permissions: ReadonlySet<string>;
  /** The API key by which the user came; absent where they proved who they are themselves. */
  readonly apiKeyId?: string | undefined;
}
