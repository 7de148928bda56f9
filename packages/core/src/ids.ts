import { v7 } from 'uuid';

/** Identifies an organization in both databases. */
export type OrgId = string;

/** A new UUIDv7: rows made together lie together in every index. */
export function newId(): string {
  return v7();
}

/** The reserved organization that owns system tasks and templates, visible to every organization. */
export const SYSTEM_ORG_ID: OrgId = '00000000-0000-7000-8000-000000000001';
