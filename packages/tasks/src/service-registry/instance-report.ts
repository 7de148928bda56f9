import {
  type HealthStatus,
  isJsonObject,
  type JsonObject,
  type TaskServiceRow,
  type TaskServiceStateRow,
} from '@mad/core';
import { z } from 'zod';

/** Why nobody is led to an instance until its document is right again. */
export interface Quarantine {
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  /** SHA-256 of the document that was found. */
  readonly document: string;
}

/** What the row of an instance tells of it. */
export interface InstanceReport {
  readonly health: HealthStatus;
  /** Milliseconds since the health was told or found. */
  readonly checkedMsAgo: number | undefined;
  /** Calls that it works on at once; undefined where it never told. */
  readonly capacity: number | undefined;
  /** When `loadMsAgo` milliseconds had not passed yet. */
  readonly running: number;
  readonly waiting: number;
  readonly loadMsAgo: number | undefined;
  /** Changes with every report of the load. */
  readonly loadStamp: number | undefined;
  /** It takes no new calls: by its own word, or because it was drained. */
  readonly draining: boolean;
  readonly quarantine: Quarantine | undefined;
  /** SHA-256 of a document that it may have, though it breaks the registered one. */
  readonly acceptedDocument: string | undefined;
}

const count = z.int().min(0);
const quarantineSchema = z.object({ reason: z.string(), at: z.string(), document: z.string() });

/** Reads a row that anybody may have written: what is not as it should be counts as not told. */
export function readInstanceReport(row: TaskServiceStateRow): InstanceReport {
  const told: JsonObject = isJsonObject(row.resources_used) ? row.resources_used : {};
  const capacity = z.int().min(1).safeParse(told.capacity).data;
  return {
    health: row.health_status,
    checkedMsAgo: row.checked_ms_ago ?? undefined,
    capacity,
    running: count.safeParse(told.running).data ?? 0,
    waiting: count.safeParse(told.waiting).data ?? 0,
    loadMsAgo: row.load_ms_ago ?? undefined,
    loadStamp: z.number().safeParse(told.load_at).data,
    draining: told.draining === true || told.drained_at !== undefined,
    quarantine: readQuarantine(row),
    acceptedDocument: z.string().safeParse(told.accepted_document).data,
  };
}

/** Undefined for an instance that is in none. */
export function readQuarantine({ resources_used }: TaskServiceRow): Quarantine | undefined {
  if (!isJsonObject(resources_used) || resources_used.quarantine === undefined) return undefined;
  // Whatever stands there, somebody wanted it out.
  const none = { reason: 'not said', at: new Date(0).toISOString(), document: '' };
  return quarantineSchema.safeParse(resources_used.quarantine).data ?? none;
}

/** What the row says while that counts; `unknown` once it is older than the interval. */
export function effectiveHealth(report: InstanceReport, { intervalMs }: { readonly intervalMs: number }): HealthStatus {
  if (report.quarantine) return 'unhealthy';
  return report.checkedMsAgo !== undefined && report.checkedMsAgo < intervalMs ? report.health : 'unknown';
}
